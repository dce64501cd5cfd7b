"""``PANEL_SOURCES``: what it names, and what is refused without telling a password."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from app.core.errors import SettingsError
from app.core.settings import Settings, load


def _load(tmp_path: Path, sources: str) -> Settings:
    return load(
        {
            "PANEL_DATA_DIR": str(tmp_path),
            "PANEL_OPENSIPS_DATABASE_URL": "postgresql+psycopg://u:hunter2@db/opensips",
            "PANEL_SECRET_KEY": "x" * 40,
            "PANEL_SOURCES": sources,
        }
    )


def test_several_sources_are_named_in_one_line(tmp_path: Path) -> None:
    text = "berlin=mysql+pymysql://u:p%3Bw@b/o ; paris = postgresql+psycopg://p/o?sslmode=require;"
    found = _load(tmp_path, text)
    assert [one.name for one in found.sources] == ["berlin", "paris"]
    assert found.sources[1].url == "postgresql+psycopg://p/o?sslmode=require"
    assert "p%3Bw" not in repr(found.sources)
    assert not found.demo
    assert _load(tmp_path, "").sources == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql+pymysql://u:hunter2@b/o", "entry 1 does not begin with a name"),
        ("a=sqlite:///a.db; Berlin=sqlite:///hunter2.db", "entry 2 does not begin with a name"),
        ("opensips=sqlite:///hunter2.db", "which there is already"),
        ("charging=sqlite:///hunter2.db", "which there is already"),
        ("a=sqlite:///a.db; a=sqlite:///hunter2.db", "'a' twice"),
        ("a=hunter2", "source 'a', is not a database URL"),
        ("a=mysql+pymysql://u@h:hunter2/o", "source 'a', is not a database URL"),
        ("a=oracle://u:hunter2@h/o", "names the database driver 'oracle'"),
        ("a=postgresql+psycopg://u:hunter2@db/opensips", "is read already"),
        ("a=sqlite:///hunter2.db; b=sqlite:///hunter2.db", "of the source 'b' is read already"),
    ],
)
def test_what_is_malformed_is_refused_without_its_password(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    assert said in str(caught.value)
    whole = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in whole.replace(text, "")
