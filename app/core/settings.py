"""Settings: environment variables with the prefix ``PANEL_``, typed, refused when unusable."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from app.core import clock
from app.core.errors import SettingsError
from app.core.numbering import NumberPlan
from app.core.openid_settings import OpenIdSettings, openid_settings
from app.core.source_settings import SourceSetting, database_url, source_settings

_MIN_SECRET = 32


@dataclass(frozen=True, slots=True)
class NodeSetting:
    """One OpenSIPS node as ``PANEL_NODES`` names it: ``name=http://host:port/mi``."""

    name: str
    mi_url: str


@dataclass(frozen=True, slots=True)
class MailSetting:
    """The mail server; none while ``host`` is empty. ``tls``: starttls, tls (from the start), none.

    ``sender`` is the address that mail comes from.
    """

    host: str
    port: int
    user: str
    password: str
    tls: str
    sender: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the processes can be told from outside; see ``docs/settings.md``."""

    data_dir: Path
    database_url: str
    opensips_database_url: str
    sources: tuple[SourceSetting, ...]
    acc_purge_database_url: str
    bulk_load: str
    secret_key: str
    bind: str
    nodes: tuple[NodeSetting, ...]
    source_zone: str
    country: str
    trunk_prefix: str
    settling_ms: int
    open_call_ms: int
    session_grace_ms: int
    overrun_guard_ms: int
    engine: str
    engine_url: str
    engine_timeout: float
    charging_bind: str
    mi_timeout: float
    trusted_proxies: int
    insecure_cookies: bool
    second_factor: str
    api_rate: int
    webhook_networks: tuple[IPv4Network | IPv6Network, ...]
    smtp: MailSetting
    metrics_token: str
    log: str
    openid: OpenIdSettings
    demo: bool

    @property
    def number_plan(self) -> NumberPlan:
        """How people here write telephone numbers."""
        return NumberPlan(self.country, self.trunk_prefix)

    @property
    def one_database(self) -> bool:
        """Whether OpenSIPS's tables live beside ours."""
        return self.database_url == self.opensips_database_url


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; raises SettingsError with one clear sentence."""
    read = _Reader(os.environ if env is None else env)
    data_dir = Path(read.text("DATA_DIR", "var")).resolve()
    panel = read.url("DATABASE_URL", f"sqlite:///{data_dir / 'panel.db'}")
    switch = read.url("OPENSIPS_DATABASE_URL", panel)
    sources = source_settings(read.text("SOURCES", ""), {switch})
    nodes = _nodes(read.text("NODES", ""))
    own_switch = bool(read.text("OPENSIPS_DATABASE_URL", "") or nodes or sources)
    # Where nothing real is named, what one sees is the demo.
    nothing_real = not own_switch and not read.text("DATABASE_URL", "")
    demo = read.flag("DEMO", default=nothing_real) and not own_switch
    return Settings(
        data_dir=data_dir,
        database_url=panel,
        opensips_database_url=switch,
        sources=sources,
        acc_purge_database_url=read.url("ACC_PURGE_DATABASE_URL", switch),
        bulk_load=read.one_of("BULK_LOAD", ("auto", "on", "off")),
        secret_key=read.secret("SECRET_KEY", data_dir / "secret_key"),
        bind=read.text("BIND", "127.0.0.1:8000"),
        nodes=nodes,
        source_zone=read.zone("SOURCE_ZONE", "UTC"),
        country=read.digits("COUNTRY", "49" if demo else ""),
        trunk_prefix=read.digits("TRUNK_PREFIX", "0" if demo else ""),
        settling_ms=read.whole("SETTLING_SECONDS", 600, 0, 86_400) * clock.SECOND,
        open_call_ms=read.whole("OPEN_CALL_HOURS", 24, 1, 24 * 30) * clock.HOUR,
        session_grace_ms=read.whole("SESSION_GRACE", 300, 0, 86_400) * clock.SECOND,
        overrun_guard_ms=read.whole("OVERRUN_GUARD", 1, 0, 60) * clock.SECOND,
        engine=read.text("ENGINE", "embedded"),
        engine_url=read.text("ENGINE_URL", ""),
        engine_timeout=read.seconds("ENGINE_TIMEOUT", 5.0),
        charging_bind=read.text("CHARGING_BIND", "127.0.0.1:2014"),
        mi_timeout=read.seconds("MI_TIMEOUT", 3.0),
        trusted_proxies=read.whole("TRUSTED_PROXIES", 0, 0, 5),
        insecure_cookies=read.flag("INSECURE_COOKIES"),
        second_factor=read.one_of("SECOND_FACTOR", ("off", "admins", "all")),
        api_rate=read.whole("API_RATE", 600, 1, 1_000_000),
        webhook_networks=_networks(read.text("WEBHOOK_NETWORKS", "")),
        smtp=_mail(read),
        metrics_token=read.token("METRICS_TOKEN"),
        log=read.one_of("LOG", ("text", "json")),
        openid=openid_settings(
            issuer=read.text("OIDC_ISSUER", ""),
            client_id=read.text("OIDC_CLIENT_ID", ""),
            client_secret=read.text("OIDC_CLIENT_SECRET", ""),
            name=read.text("OIDC_NAME", ""),
            create=read.text("OIDC_CREATE", "none"),
            role_claim=read.text("OIDC_ROLE_CLAIM", ""),
            factor_acr=read.text("OIDC_FACTOR_ACR", ""),
            ca_file=read.text("OIDC_CA_FILE", ""),
        ),
        demo=demo,
    )


def _nodes(text: str) -> tuple[NodeSetting, ...]:
    found: dict[str, NodeSetting] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, url = part.partition("=")
        if not name or not url.startswith(("http://", "https://")):
            raise SettingsError(
                f"PANEL_NODES has '{part}'.", "Write name=http://host:8888/mi, comma between nodes."
            )
        if name in found:
            raise SettingsError(f"PANEL_NODES names the node '{name}' twice.", "Rename one.")
        found[name] = NodeSetting(name, url)
    return tuple(found.values())


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            found.append(ip_network(part))
        except ValueError as exc:
            raise SettingsError(
                f"PANEL_WEBHOOK_NETWORKS has '{part}'.",
                "Write networks like 10.1.0.0/16 or 10.1.2.3, comma between them.",
            ) from exc
    return tuple(found)


def _mail(read: _Reader) -> MailSetting:
    tls = read.one_of("SMTP_TLS", ("starttls", "tls", "none"))
    mail = MailSetting(
        host=read.text("SMTP_HOST", ""),
        port=read.whole("SMTP_PORT", {"starttls": 587, "tls": 465, "none": 25}[tls], 1, 65_535),
        user=read.text("SMTP_USER", ""),
        password=read.text("SMTP_PASSWORD", ""),
        tls=tls,
        sender=read.text("SMTP_FROM", ""),
    )
    if mail.host and "@" not in mail.sender:
        raise SettingsError(
            "PANEL_SMTP_HOST is set, but PANEL_SMTP_FROM names no address.",
            "Name the address that mail comes from, such as panel@example.org.",
        )
    if mail.user and mail.tls == "none":
        raise SettingsError(
            "PANEL_SMTP_USER would send its password in the clear.",
            "Set PANEL_SMTP_TLS to starttls or tls, or leave the user out.",
        )
    return mail


class _Reader:
    """Reads one variable at a time and explains what it does not like."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env

    def text(self, name: str, default: str) -> str:
        return self.env.get(f"PANEL_{name}", "").strip() or default

    def digits(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if value and not (value.isascii() and value.isdigit()):
            raise SettingsError(f"PANEL_{name} is '{value}'.", "It takes digits only.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name, "1" if default else "0")
        return value.lower() in ("1", "yes", "true", "on")

    def one_of(self, name: str, words: tuple[str, ...]) -> str:
        value = self.text(name, words[0])
        if value not in words:
            raise SettingsError(f"PANEL_{name} is '{value}'.", f"It takes {', '.join(words)}.")
        return value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name, str(default))
        if not value.isdigit() or not least <= int(value) <= most:
            raise SettingsError(
                f"PANEL_{name} is '{value}'.", f"It takes a whole number from {least} to {most}."
            )
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 < number <= 600:
            raise SettingsError(f"PANEL_{name} is '{value}'.", "It takes seconds, such as 2.5.")
        return number

    def zone(self, name: str, default: str) -> str:
        value = self.text(name, default)
        clock.zone(value)
        return value

    def url(self, name: str, default: str) -> str:
        return database_url(name, self.text(name, default))

    def token(self, name: str) -> str:
        """A long random word, or "" for none."""
        value = self.text(name, "")
        if value and (len(value) < _MIN_SECRET or not value.isascii()):
            raise SettingsError(
                f"PANEL_{name} is shorter than {_MIN_SECRET} characters, or not plain ASCII.",
                "Use a random one, such as openssl rand -hex 32 gives.",
            )
        return value

    def secret(self, name: str, file: Path) -> str:
        """The secret from the environment or its file, which is made when there is neither."""
        value = self.text(name, "")
        if not value:
            try:
                value = _kept_secret(file)
            except OSError as exc:
                raise SettingsError(
                    f"{file} can be neither read nor written: {exc.strerror}.",
                    f"Let PANEL_DATA_DIR name a folder of this user, or set PANEL_{name}.",
                ) from exc
        if len(value) < _MIN_SECRET:
            raise SettingsError(
                f"PANEL_{name} is shorter than {_MIN_SECRET} characters.",
                f"Use a random one, or unset it: one is then made in {file}.",
            )
        return value


def _kept_secret(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Several processes may start at once: only one of them makes the file.
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as made:
        made.write(secrets.token_urlsafe(48))
    return file.read_text(encoding="ascii")
