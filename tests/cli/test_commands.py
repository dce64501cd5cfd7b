"""The command line as an operator uses it, on every database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.cdr.tables import answered
from app.core.database import Databases, writing
from app.ledger.tables import entry
from app.opensips.tables import reflect
from tests.pipeline import recorded


@pytest.fixture
def cli(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_mediate_export_and_verify(
    both_dbs: Databases, cli: FlaskCliRunner, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    done = cli.invoke(args=["mediate", "--once"])
    assert done.exit_code == 0, done.output
    assert "Rows read: 47" in done.output
    exported = cli.invoke(args=["cdr", "export", "--format", "jsonl"])
    assert exported.exit_code == 0, exported.output
    cdrs = lines(exported.output)
    assert len(cdrs) == 32
    assert cdrs == sorted(cdrs, key=lambda cdr: (cdr["setup_at"], int(cdr["id"])), reverse=True)
    narrow = cli.invoke(args=["cdr", "export", "--callee", "1900*", "--status", "answered"])
    (premium,) = lines(narrow.output)
    assert (premium["price"], premium["currency"]) == ("1.6", "EUR")
    verified = cli.invoke(args=["verify", "--offline"])
    assert verified.exit_code == 0, verified.output
    assert all(finding["violations"] == [] for finding in lines(verified.output))


def test_verify_finds_what_is_broken(
    both_dbs: Databases, cli: FlaskCliRunner, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    cli.invoke(args=["mediate", "--once"])
    with writing(both_dbs.panel) as connection:
        connection.execute(entry.update().values(amount=entry.c.amount + 1))
        connection.execute(
            answered.update().where(answered.c.callee == "19005550100").values(sell_amount=7)
        )
        connection.execute(
            answered.delete()
            .where(answered.c.sip_reason == "OK")
            .where(answered.c.callee == "40744123400")
        )
    verified = cli.invoke(args=["verify", "--offline"])
    assert verified.exit_code == 1
    broken = {f["invariant"] for f in lines(verified.output) if f["violations"]}
    assert "1 rows are used once" in broken
    assert "2 calls are charged once" in broken
    assert "2 charges are posted" in broken
    assert "3.balances_equal_entries" in broken
    assert "5 prices can be repeated" in broken


def test_quote_explains_itself(both_dbs: Databases, cli: FlaskCliRunner) -> None:
    recorded.price_alice(both_dbs)
    told = cli.invoke(args=["rating", "quote", "alice@lab.local", "+1 212 555 0100", "61"])
    assert told.exit_code == 0, told.output
    assert "USA" in told.output
    assert "0.061" in told.output
    for words, sentence in (
        (["nobody", "+1212", "1"], "There is no account 'nobody'"),
        (["alice@lab.local", "hello", "1"], "is not a telephone number"),
        (["alice@lab.local", "+999", "1"], "No prefix of the tariff fits"),
    ):
        refused = cli.invoke(args=["rating", "quote", *words])
        assert refused.exit_code == 1
        assert sentence in refused.output


def test_a_database_without_opensips_tables(panel_db: Databases, cli: FlaskCliRunner) -> None:
    refused = cli.invoke(args=["mediate", "--once"])
    assert refused.exit_code == 1
    assert "PANEL_OPENSIPS_DATABASE_URL" in refused.output


def test_an_unknown_table_version_loses_nothing(
    both_dbs: Databases, cli: FlaskCliRunner, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    with writing(both_dbs.switch) as connection:
        version = reflect(connection, "version")
        acc = version.update().where(version.c.table_name == "acc")
        connection.execute(acc.values(table_version=99))
    refused = cli.invoke(args=["mediate", "--once"])
    assert refused.exit_code == 1
    assert "'acc' has version 99; this panel knows 7" in refused.output
    with writing(both_dbs.switch) as connection:
        connection.execute(acc.values(table_version=7))
    assert "Rows read: 47" in cli.invoke(args=["mediate", "--once"]).output


def test_missed_calls_is_optional(
    both_dbs: Databases, cli: FlaskCliRunner, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    with writing(both_dbs.switch) as connection:
        reflect(connection, "missed_calls").drop(connection)
    done = cli.invoke(args=["mediate", "--once"])
    assert done.exit_code == 0, done.output
    assert len(lines(cli.invoke(args=["cdr", "export"]).output)) == 32


def test_suspense_is_replayed_from_the_command_line(
    both_dbs: Databases, cli: FlaskCliRunner, shared_dir: Path
) -> None:
    row = recorded.scenarios(shared_dir)[0]["acc"][0] | {"sip_code": "2OO"}
    recorded.load(both_dbs, [{"acc": [row], "missed_calls": []}])
    assert "In suspense: 1" in cli.invoke(args=["mediate", "--once"]).output
    told = cli.invoke(args=["mediate", "--replay", "bad_code"])
    assert "0 rows are part of a call now, 1 stay" in told.output
