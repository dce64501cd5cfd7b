"""A private Nginx with the shipped site file; ``_site`` lists everything that is replaced in it.

As root we run it as ``www-data``, as Debian's workers do: what it may not read there, it may not
read here. Around the file stands what Debian's ``nginx.conf`` says, gzip and old TLS included.
"""

from __future__ import annotations

import re
import shutil
import tempfile
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
    home: Path

    @property
    def url(self) -> str:
        """The panel's address over TLS."""
        return f"https://localhost:{self.https_port}"

    @property
    def socket(self) -> Path:
        """Where it looks for the application; nobody listens there yet."""
        return self.home / "web.sock"


@contextmanager
def started() -> Iterator[Nginx]:
    """Nginx in front of its ``socket``; raises MissingService without Nginx or openssl."""
    binary = run.program("nginx", "nginx-light")
    # pytest's own folders are closed to other users, the run's is not.
    home = Path(tempfile.mkdtemp(prefix="nginx-", dir=run.folder()))
    account = run.unprivileged(home, "www-data", "nginx")
    certificate, key = home / "certificate.pem", home / "key.pem"
    _make_certificate(certificate, key, home, account)
    # A copy: the repository may be closed to that user, too. "current" is how many deploy.
    shutil.copytree(STATIC, home / "app" / "static")
    (home / "current").symlink_to("app")
    static = home / "current" / "static"
    home.chmod(0o711)
    found = Nginx(ports.free_port(), ports.free_port(), certificate, home)
    (home / "site.conf").write_text(_site(found, key, static))
    (home / "nginx.conf").write_text(_main(home))
    log = home / "error.log"
    command = [binary, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", "stderr"]
    process = run.keeper(command, log=log, account=account)
    try:
        ports.wait_until(
            lambda: ports.is_open(found.https_port), process=process, what=f"Nginx ({log})"
        )
        yield found
    finally:
        process.terminate()
        process.wait(15)


def _site(nginx: Nginx, key: Path, static: Path) -> str:
    """The shipped file on free IPv4 loopback ports, with our name and paths; nothing else."""
    text = SITE.read_text()
    swaps = {
        r"(?m)^ *listen \[::\].*\n": "",
        r"listen 80\b": f"listen 127.0.0.1:{nginx.http_port}",
        r"listen 443\b": f"listen 127.0.0.1:{nginx.https_port}",
        r"panel\.example\.net": "localhost",
        r"/etc/ssl/companion/fullchain\.pem": str(nginx.certificate),
        r"/etc/ssl/companion/privkey\.pem": str(key),
        r"/run/opensips-companion/web\.sock": str(nginx.socket),
        r"/opt/companion/app/static": str(static),
    }
    for pattern, new in swaps.items():
        text, count = re.subn(pattern, new, text)
        assert count, f"{SITE} does not hold {pattern}"
    return text


def _main(home: Path) -> str:
    paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"  {name}_temp_path {home / name};\n" for name in paths)
    return (
        f"daemon off;\nworker_processes 1;\npid {home / 'pid'};\nerror_log stderr;\n"
        f"events {{ worker_connections 256; }}\n"
        f"http {{\n  include /etc/nginx/mime.types;\n  access_log {home / 'access.log'};\n"
        f"  sendfile on;\n  tcp_nopush on;\n  gzip on;\n"
        f"  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;\n  ssl_prefer_server_ciphers on;\n"
        f"{temporary}  include {home / 'site.conf'};\n}}\n"
    )


def _make_certificate(certificate: Path, key: Path, home: Path, account: str | None) -> None:
    command = [run.program("openssl", "openssl"), "req", "-x509", "-nodes", "-days", "2"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    run.once(command, home=home, account=account)
