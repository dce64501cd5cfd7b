"""Backup and restore: every row of every table, from and to every kind of database."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import tarfile
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from app.core import schema
from app.core.database import Databases, metadata, reading, writing
from app.core.settings import load
from app.identity import tenants
from app.identity.tables import audit, audit_head, login_attempt, tenant
from app.jobs import heartbeat
from app.ledger import account
from app.upkeep import archive, lines, take
from app.upkeep.archive import Damaged
from tests.cli.full import fill, rows
from tests.conftest import KINDS, Lender

KEY = "only-for-tests-0123456789abcdef0123456789"


def on(dbs: Databases, folder: Path, **more: str) -> Flask:
    """An application whose database this is."""
    env = {
        "PANEL_DATA_DIR": str(folder),
        "PANEL_DATABASE_URL": dbs.panel.url.render_as_string(hide_password=False),
        "PANEL_SECRET_KEY": KEY,
        **more,
    }
    made = create_app(load(env))
    fresh: Databases = made.extensions["databases"]
    fresh.panel.dispose()
    made.extensions["databases"] = dbs
    return made


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def members(file: Path) -> dict[str, bytes]:
    """What is in the tar, by name."""
    with tarfile.open(file) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]


def pack(file: Path, content: dict[str, bytes]) -> None:
    with tarfile.open(file, "w:gz") as tar:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


@pytest.fixture
def small(dbs: Databases, tmp_path: Path) -> Path:
    """A backup of a panel in which little happened."""
    with writing(dbs.panel) as connection:
        for turn in range(20):
            account.create(connection, code=f"a{turn}", currency="EUR", mode="prepaid")
    file = tmp_path / "small.tar.gz"
    done = run(on(dbs, tmp_path), "backup", str(file))
    assert done.exit_code == 0, done.output
    return file


def test_every_row_comes_back_on_every_database(
    both_dbs: Databases, app: Flask, lender: Lender, shared_dir: Path, tmp_path: Path
) -> None:
    fill(app, both_dbs, shared_dir)
    before = {table.name: rows(both_dbs, table) for table in metadata.sorted_tables}
    assert [name for name, found in before.items() if not found] == []
    assert len(before["cdr_answered"]) > 10
    file = tmp_path / "panel.tar.gz"
    done = run(app, "backup", str(file))
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{file}\n"
    assert "cdr_answered" in done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for kind in KINDS:
        target = lender.databases(lender.url(kind, "both"))
        there = on(target, tmp_path)
        restored = run(there, "restore", str(file))
        assert restored.exit_code == 0, restored.output[-3000:]
        assert "Every invariant holds." in restored.output
        _same(before, target)
        _goes_on(target, before)
        verified = run(there, "audit", "verify")
        assert verified.exit_code == 0, verified.output
        again = run(there, "restore", str(file))
        assert again.exit_code == 1
        assert "The database is in use" in again.output


def _same(before: dict[str, list[tuple[object, ...]]], target: Databases) -> None:
    """Every row is there; only the audit has one entry more, and nobody is signed in."""
    for table in metadata.sorted_tables:
        found = rows(target, table)
        if table.name in take.LEFT_OUT:
            assert found == []
        elif table is audit:
            (new,) = set(found) - set(before["audit"])
            assert new[table.c.keys().index("action")] == "database.restore"
            assert set(before["audit"]) < set(found)
        elif table is not audit_head:
            assert found == before[table.name], table.name


def _goes_on(target: Databases, before: dict[str, list[tuple[object, ...]]]) -> None:
    """New rows get numbers that nobody has."""
    with writing(target.panel) as connection:
        new = account.create(connection, code="new", currency="EUR", mode="prepaid")
        assert new > max(int(str(row[0])) for row in before["account"])
        assert tenants.create(connection, name="new", parent_id=1, domains=[]) > 2
        connection.execute(login_attempt.insert().values(login="x", address="x", at=1))


def test_what_is_committed_meanwhile_stays_out(
    panel_db: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote = threading.Event()

    def write(sentence: str) -> None:
        if not wrote.is_set():
            wrote.set()
            thread = threading.Thread(target=_add_tenant, args=(panel_db,))
            thread.start()
            thread.join(20)

    file = tmp_path / "moment.tar.gz"
    manifest = take.backup(panel_db.panel, KEY, file, write)
    assert wrote.is_set()
    with reading(panel_db.panel) as connection:
        assert connection.scalar(select(func.count()).select_from(tenant)) == 2
    assert manifest.rows["tenant"] == 1


def _add_tenant(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        tenants.create(connection, name="meanwhile", parent_id=1, domains=[])


def test_large_tables_are_cut_into_pieces(
    panel_db: Databases, tmp_path: Path, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_PIECE", 2_000)
    with writing(panel_db.panel) as connection:
        connection.execute(
            login_attempt.insert(),
            [{"login": f"l{n}", "address": "192.0.2.1", "at": n} for n in range(3_000)],
        )
    file = tmp_path / "many.tar.gz"
    assert take.backup(panel_db.panel, KEY, file, lambda _s: None).rows["login_attempt"] == 3_000
    assert sum(name.startswith("tables/login_attempt/") for name in members(file)) > 20
    target = lender.databases(lender.url("sqlite", "both"))
    assert run(on(target, tmp_path), "restore", str(file)).exit_code == 0
    assert rows(target, login_attempt) == rows(panel_db, login_attempt)


def test_nothing_is_lost_between_json_and_values() -> None:
    row = [
        None,
        True,
        -(2**63),
        0.1,
        Decimal("1.10"),
        Decimal("-0.000000000000000000001"),
        bytes(range(256)),
        datetime(2026, 11, 23, 1, 2, 3, 4, UTC),
        date(2026, 2, 28),
        '\n\u2028\x85"bytes"',
    ]
    (back,) = lines.decode(b"".join(lines.encode([row])))
    assert back == row
    assert [type(value) for value in back] == [type(value) for value in row]
    assert str(back[4]) == "1.10"
    with pytest.raises(TypeError):
        lines.encode([[object()]])


def test_a_file_that_was_cut_anywhere_is_refused(small: Path, tmp_path: Path) -> None:
    whole = small.read_bytes()
    archive.read(io.BytesIO(whole), KEY)
    for size in [*range(0, len(whole) - 1, max(1, len(whole) // 60)), len(whole) - 1]:
        with pytest.raises(Damaged):
            archive.read(io.BytesIO(whole[:size]), KEY)
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        try:
            archive.read(io.BytesIO(bytes(changed)), KEY)
        except Damaged:
            continue
        assert place < 10, place  # gzip's header has bytes that mean nothing


def test_a_file_that_was_changed_is_refused(small: Path, tmp_path: Path, lender: Lender) -> None:
    whole, other = members(small), tmp_path / "other.tar.gz"
    target = lender.databases(lender.url("sqlite", "panel"))
    there = on(target, tmp_path)
    piece = "tables/account/000001.jsonl"
    manifest, header = json.loads(whole["manifest.json"]), json.loads(whole["header.json"])
    richer = whole[piece].replace(b'"EUR",0,', b'"EUR",9,', 1)
    assert richer != whole[piece]
    forged = manifest | {
        "sha256": manifest["sha256"] | {"account": hashlib.sha256(richer).hexdigest()}
    }
    for change, why in (
        ({piece: richer}, "the rows of 'account'"),
        ({piece: richer, "manifest.json": json.dumps(forged).encode()}, "its end was changed"),
        ({piece: whole[piece].rpartition(b"\n")[0]}, "is not whole"),
        ({piece: b"{}\n"}, "cannot be read"),
        ({piece: b'[{"pickle":"x"}]\n'}, "cannot be read"),
        ({"tables/../../etc/passwd": b""}, "its end"),
        ({"header.json": json.dumps(header | {"format": 2}).encode()}, "format 2"),
        ({"header.json": json.dumps(header | {"dialect": "x"}).encode()}, "two ends"),
    ):
        pack(other, whole | change)
        refused = run(there, "restore", str(other))
        assert refused.exit_code == 1
        assert "no whole backup" in refused.output
        assert why in refused.output or "follows its end" in refused.output, (why, refused.output)
    pack(other, {name: data for name, data in whole.items() if name != piece})
    assert "the rows of 'account'" in run(there, "restore", str(other)).output
    other.write_bytes(small.read_bytes() + gzip.compress(bytes(200_000)))
    assert "follows its end" in run(there, "restore", str(other)).output
    other.write_text("no backup")
    assert "no whole backup" in run(there, "restore", str(other)).output
    # Nothing of all that went into the database.
    assert run(there, "restore", str(small)).exit_code == 0


def test_a_backup_of_another_key_is_restored_only_when_told(
    small: Path, tmp_path: Path, lender: Lender
) -> None:
    target = lender.databases(lender.url("sqlite", "panel"))
    there = on(target, tmp_path, PANEL_SECRET_KEY="another-key-0123456789abcdef0123456789")
    refused = run(there, "restore", str(small))
    assert refused.exit_code == 1
    assert "another PANEL_SECRET_KEY" in refused.output
    assert run(there, "restore", "--other-key", str(small)).exit_code == 0


def test_only_a_new_database_of_the_same_revision_takes_it(
    small: Path, panel_db: Databases, tmp_path: Path
) -> None:
    there = on(panel_db, tmp_path)
    with writing(panel_db.panel) as connection:
        heartbeat.beat(connection, "worker")
    assert "A worker runs" in run(there, "restore", str(small)).output
    with writing(panel_db.panel) as connection:
        heartbeat.forget(connection, "worker")
        made = tenants.create(connection, name="Somebody", parent_id=1, domains=[])
    refused = run(there, "restore", str(small))
    assert refused.exit_code == 1
    assert "The database is in use: its table 'tenant' holds rows." in refused.output
    with writing(panel_db.panel) as connection:
        connection.execute(tenant.delete().where(tenant.c.id == made))
    schema.downgrade(panel_db.panel, "0013")
    refused = run(there, "restore", str(small))
    assert refused.exit_code == 1
    assert f"revision {schema.head()}, the database of 0013" in refused.output
    # A backup of the older tables goes into older tables, and both go on from there.
    old = tmp_path / "old.tar.gz"
    assert take.backup(panel_db.panel, KEY, old, lambda _s: None).header.revision == "0013"
    told = run(there, "restore", str(old))
    assert told.exit_code == 0, told.output
    assert "go on with 'flask --app wsgi upgrade'" in told.output
    schema.upgrade(panel_db.panel)
    assert run(there, "restore", str(small)).exit_code == 0


def test_files_are_not_overwritten_and_old_ones_leave(dbs: Databases, tmp_path: Path) -> None:
    app, file = on(dbs, tmp_path), tmp_path / "b.tar.gz"
    file.write_text("mine")
    refused = run(app, "backup", str(file))
    assert refused.exit_code == 1
    assert "is there already" in refused.output
    assert file.read_text() == "mine"
    assert run(app, "backup", "--replace", str(file)).exit_code == 0
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"panel-2026010{day}T000000Z.tar.gz").touch()
    (folder / "mine.tar.gz").touch()
    assert run(app, "backup", "--keep", "2", str(folder)).exit_code == 0
    kept = sorted(found.name for found in folder.iterdir())
    assert len(kept) == 3
    assert kept[0] == "mine.tar.gz"
    assert kept[1] == "panel-20260103T000000Z.tar.gz"
    missing = run(app, "backup", str(tmp_path / "no" / "where.tar.gz"))
    assert missing.exit_code == 1
    assert "cannot be written" in missing.output
    assert "cannot be read" in run(app, "restore", str(tmp_path / "nowhere")).output


def test_a_backup_that_fails_leaves_no_file(
    dbs: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_sentence: str) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(take.UpkeepError, match="No space left"):
        take.backup(dbs.panel, KEY, folder / "b.tar.gz", full)
    assert list(folder.iterdir()) == []
