"""A private Nginx with the shipped site file, its paths and ports replaced."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import ports, run

SITE = Path(__file__).parents[2] / "nginx" / "companion.conf"
STATIC = Path(__file__).parents[2] / "app" / "static"


@dataclass(frozen=True, slots=True)
class Nginx:
    """Where it listens; ``certificate`` is the one to trust for ``localhost``."""

    http_port: int
    https_port: int
    certificate: Path

    @property
    def url(self) -> str:
        """The panel's address over TLS."""
        return f"https://localhost:{self.https_port}"


@contextmanager
def started(home: Path, socket: Path) -> Iterator[Nginx]:
    """Nginx in front of what listens on ``socket``; raises MissingService without Nginx."""
    binary = run.program("nginx", "nginx-light")
    home.mkdir()
    certificate, key = _certificate(home)
    found = Nginx(ports.free_port(), ports.free_port(), certificate)
    site = home / "site.conf"
    site.write_text(_site(found, socket, key))
    main = home / "nginx.conf"
    main.write_text(_main(home, site))
    command = [binary, "-p", str(home), "-c", str(main), "-e", str(home / "error.log")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        ports.wait_until(lambda: ports.is_open(found.https_port), process=process, what="Nginx")
        yield found
    finally:
        process.terminate()
        process.wait(10)


def _site(nginx: Nginx, socket: Path, key: Path) -> str:
    text = SITE.read_text()
    swaps = {
        r"(?m)^ *listen \[::\].*\n": "",
        r"listen 80\b": f"listen 127.0.0.1:{nginx.http_port}",
        r"listen 443\b": f"listen 127.0.0.1:{nginx.https_port}",
        r"panel\.example\.net": "localhost",
        r"/etc/ssl/companion/fullchain\.pem": str(nginx.certificate),
        r"/etc/ssl/companion/privkey\.pem": str(key),
        r"/run/companion/web\.sock": str(socket),
        r"/opt/companion/app/static": str(STATIC),
    }
    for pattern, new in swaps.items():
        text, count = re.subn(pattern, new, text)
        assert count, f"{SITE} does not hold {pattern}"
    return text


def _main(home: Path, site: Path) -> str:
    paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"  {name}_temp_path {home / name};\n" for name in paths)
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\nworker_processes 1;\npid {home / 'pid'};\n"
        f"error_log {home / 'error.log'};\nevents {{ worker_connections 256; }}\n"
        f"http {{\n  include /etc/nginx/mime.types;\n  access_log {home / 'access.log'};\n"
        f"{temporary}  include {site};\n}}\n"
    )


def _certificate(home: Path) -> tuple[Path, Path]:
    certificate, key = home / "certificate.pem", home / "key.pem"
    command = [run.program("openssl", "openssl"), "req", "-x509", "-nodes", "-days", "2"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    run.once(command, home=home, account=None)
    return certificate, key
