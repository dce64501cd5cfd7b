"""Settings: what is wrong is said in one sentence, and nothing weak is accepted."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.core.errors import SettingsError
from app.core.settings import Settings, load


def read(folder: Path, **env: str) -> Settings:
    return load({"PANEL_DATA_DIR": str(folder), **{f"PANEL_{k}": v for k, v in env.items()}})


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = read(tmp_path / "new")
    assert len(first.secret_key) >= 32
    assert read(tmp_path / "new").secret_key == first.secret_key
    mode = (tmp_path / "new" / "secret_key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"SECRET_KEY": "short"}, "shorter than 32 characters"),
        ({"DATABASE_URL": "foo"}, "is not a database URL"),
        ({"DATABASE_URL": "oracle://x/y"}, "database driver 'oracle'"),
        ({"DATABASE_URL": "mysql://x/y"}, "database driver 'mysql'"),
        ({"NODES": "http://127.0.0.1/mi"}, "PANEL_NODES has"),
        ({"NODES": "a=ftp://x"}, "PANEL_NODES has"),
        ({"NODES": "a=http://x/mi,a=http://y/mi"}, "twice"),
        ({"SOURCE_ZONE": "Mars"}, "is not a time zone"),
        ({"SETTLING_SECONDS": "-1"}, "whole number from 0"),
        ({"SETTLING_SECONDS": "ten"}, "whole number"),
        ({"MI_TIMEOUT": "0"}, "takes seconds"),
        ({"MI_TIMEOUT": "nan"}, "takes seconds"),
        ({"COUNTRY": "+49"}, "digits only"),
        ({"WEBHOOK_NETWORKS": "10.0.0.0/8,inside"}, "PANEL_WEBHOOK_NETWORKS has 'inside'"),
        ({"WEBHOOK_NETWORKS": "10.0.0.1/8"}, "PANEL_WEBHOOK_NETWORKS has"),
        ({"SMTP_TLS": "maybe"}, "starttls, tls, none"),
        ({"SMTP_PORT": "0"}, "whole number from 1"),
        ({"SMTP_HOST": "mail.example.org"}, "PANEL_SMTP_FROM names no address"),
        ({"SMTP_USER": "ann", "SMTP_TLS": "none"}, "in the clear"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, env: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match="PANEL_|time zone") as refused:
        read(tmp_path, **env)
    assert sentence in str(refused.value)
    assert refused.value.remedy


def test_the_demo_is_only_where_nothing_real_is_named(tmp_path: Path) -> None:
    demo = read(tmp_path)
    assert (demo.demo, demo.country, demo.trunk_prefix) == (True, "49", "0")
    assert not read(tmp_path, DEMO="0").demo
    for real in (
        {"DATABASE_URL": "sqlite:////tmp/x.db"},
        {"OPENSIPS_DATABASE_URL": "sqlite:////tmp/x.db", "DEMO": "1"},
        {"NODES": "a=http://127.0.0.1:8888/mi", "DEMO": "1"},
    ):
        settings = read(tmp_path, **real)
        assert (settings.demo, settings.country) == (False, "")
