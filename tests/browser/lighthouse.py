"""``make lighthouse``: every screen through the real Nginx and gunicorn, judged by Lighthouse.

``python -m tests.browser.lighthouse [names …]``; RUNS=5 is how often each is measured, the median
counts. LIGHTHOUSE is the command (``npm install --prefix /tmp/lh lighthouse@13.5.0``, by default
found there). Ends with 1 when a screen is under the bar.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

from tests.browser import scene
from tests.browser.screens import addresses
from tests.identity.people import PASSWORD
from tests.services import gunicorn, nginx, run

BARS = {"performance": 97, "accessibility": 100, "best-practices": 100}
CHROME = "--headless=new --no-sandbox --disable-gpu --ignore-certificate-errors"
RUNS = int(os.environ.get("RUNS", "5"))


def program() -> str:
    """Where Lighthouse is; raises MissingService."""
    default = shutil.which("lighthouse") or "/tmp/lh/node_modules/.bin/lighthouse"  # noqa: S108
    found = os.environ.get("LIGHTHOUSE", default)
    if not Path(found).exists():
        raise run.MissingService("npm install --prefix /tmp/lh lighthouse@13.5.0")
    return found


def sign_in(front: nginx.Nginx) -> str:
    """The Cookie header of an operator who came through the form."""
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = str(front.certificate)
    address = f"{front.url}/login"
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(address).text)
    assert token
    answer = browser.post(
        address,
        data={"csrf_token": token[1], "login": scene.LOGIN, "password": PASSWORD},
        headers={"Referer": address},
        allow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def judge(url: str, cookie: str, report: Path) -> dict[str, int]:
    """One run: category to score; the report stays for whoever wants to know why."""
    command = [program(), url, "--preset=desktop", "--quiet", "--output=json"]
    command += [f"--output-path={report}", f"--only-categories={','.join(BARS)}"]
    command += [f"--chrome-flags={CHROME}"]
    if cookie:
        command.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
    chrome = run.program("chromium", "chromium")
    env = {**os.environ, "CHROME_PATH": chrome}
    for tries_left in (2, 1, 0):
        # Now and then Chromium loses the trace (NO_NAVSTART): that run says nothing.
        if subprocess.run(command, check=not tries_left, env=env).returncode == 0:
            break
    found = json.loads(report.read_text())
    return {name: round(found["categories"][name]["score"] * 100) for name in BARS}


def below(report: Path) -> list[str]:
    """The audits of a report that cost points."""
    audits = json.loads(report.read_text())["audits"].values()
    return [
        f"{audit['id']} {audit.get('displayValue', '')}".strip()
        for audit in audits
        if audit["score"] is not None and audit["score"] < 0.9
    ]


def main() -> int:
    """Measures what was asked for, else every screen; prints a table."""
    wanted, failed = set(sys.argv[1:]), 0
    run.begin()
    with tempfile.TemporaryDirectory() as home:
        seeded = scene.build(Path(home))
        pages = addresses(seeded.app, scene.first_ids(seeded))
        seeded.close()
        env = {name: value for name, value in seeded.env.items() if "INSECURE" not in name}
        env["PANEL_TRUSTED_PROXIES"] = "1"
        with (
            nginx.started() as front,
            gunicorn.started(front.socket, env, log=Path(home) / "web.log"),
        ):
            cookie = sign_in(front)
            print(f"{'screen':<20}" + "".join(f"{name:>16}" for name in BARS))
            for name, address in pages.items():
                if wanted and name not in wanted:
                    continue
                report = Path(home) / f"{name}.json"
                runs = [
                    judge(front.url + address, "" if name == "login" else cookie, report)
                    for _ in range(RUNS)
                ]
                scores = {each: int(statistics.median(one[each] for one in runs)) for each in BARS}
                wrong = any(scores[each] < BARS[each] for each in BARS)
                failed += wrong
                line = "".join(f"{scores[each]:>16}" for each in BARS)
                print(f"{name:<20}{line}", *(below(report) if wrong else ()), flush=True)
    run.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
