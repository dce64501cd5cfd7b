"""What the product is made of: asked about and written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import audit, sbom
from tests.services import ports

ROOT = Path(__file__).parents[2]
KNOWN = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "summary": "For the test.",
    "affected": [
        {
            "package": {"name": "flask", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


@contextmanager
def source(vulnerable: str, status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """Answers as OSV does, on loopback; the packages that it was asked about."""
    asked: list[str] = []

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            name = json.loads(self.rfile.read(length))["package"]["name"]
            asked.append(name)
            answer = {"vulns": [KNOWN]} if name == vulnerable else {}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query", asked
        server.shutdown()


def _ask(url: str) -> int:
    return audit.main(["--source", "osv", "--osv-url", url, "--timeout", "5"])


def test_every_pin_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    with source("nothing") as (url, asked):
        assert _ask(url) == 0
    pinned = [
        line.partition("==")[0]
        for name in audit.FILES
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert {sbom.plain(name) for name in asked} == {sbom.plain(name) for name in pinned}
    assert "no known vulnerability" in capsys.readouterr().out


def test_a_vulnerability_is_told_with_its_repair(capsys: pytest.CaptureFixture[str]) -> None:
    with source("flask") as (url, _):
        assert _ask(url) == 1
    said = capsys.readouterr().out
    assert "flask" in said
    assert "CVE-2026-1" in said
    assert "99.0" in said


@pytest.mark.parametrize("answers", ["nobody", "an error"])
def test_no_answer_is_no_good_news(capsys: pytest.CaptureFixture[str], answers: str) -> None:
    if answers == "nobody":
        assert _ask(f"http://127.0.0.1:{ports.free_port()}/v1/query") == 2
    else:
        with source("nothing", status=503) as (url, _):
            assert _ask(url) == 2
    said = capsys.readouterr()
    assert "No answer" in said.err
    assert "no known vulnerability" not in said.out


def test_a_source_that_does_not_know_a_package_has_not_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [{"name": "flask", "skip_reason": "Dependency not found"}]
    monkeypatch.setattr(audit, "ask", lambda *_: (found, ""))
    assert audit.main([]) == 2
    assert "does not know flask" in capsys.readouterr().err


def test_the_bill_of_materials_names_each_pin(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "sbom.json"
    assert sbom.main([str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    document = json.loads(text)
    # the same pins give the same file
    assert json.dumps(sbom.made(), indent=2, sort_keys=True) + "\n" == text
    assert document["bomFormat"] == "CycloneDX"
    named = {sbom.plain(one["name"]): one["version"] for one in document["components"]}
    assert named == sbom.pins()
    assert all(one["purl"].startswith("pkg:pypi/") for one in document["components"])
    assert [one["name"] for one in document["components"] if not one.get("licenses")] == []
    refs = {one["bom-ref"] for one in document["components"]}
    for one in document["dependencies"]:
        assert set(one.get("dependsOn", [])) <= refs


def test_an_environment_that_differs_from_the_pins_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sbom, "pins", lambda: {"flask": "0.1"})
    assert sbom.main([str(tmp_path / "x.json")]) == 1
    assert "flask" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()
