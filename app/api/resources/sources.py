"""Sources: the switches that calls are read from, their columns, the rules for their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import choice, text
from app.api.shapes.sources import (
    COLUMN,
    MOVE,
    NEW_RULE,
    PATCH,
    RULE,
    RULE_PATCH,
    SOURCE,
    STATE,
    TEST,
)
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.mediation import source_rules, sources
from app.mediation.number_rules import CALLEE, CALLER
from app.mediation.source import load_sources
from app.mediation.tables import source


@operation(
    "GET",
    "/sources",
    "source.read",
    "List sources with what the worker met when it last looked",
    answer=STATE,
    lists=True,
    screens=("sources.index",),
)
def index(call: Call) -> Reply:
    """The first one is that of PANEL_OPENSIPS_DATABASE_URL."""
    with reading(databases().panel) as connection:
        found = call.page(connection, sources.over(), {"id": source.c.id})
    return call.listed(found.rows, found.older, _state)


@operation(
    "GET",
    "/sources/{source_id}",
    "source.read",
    "How one source is read",
    answer=SOURCE,
    etag=True,
    screens=("sources.show",),
)
def one(call: Call) -> dict[str, Any]:
    """What can be set; how it stands is told by the list."""
    with reading(databases().panel) as connection:
        return _plain(sources.get(connection, call.path["source_id"]))


@operation(
    "PATCH",
    "/sources/{source_id}",
    "source.write",
    "Change a source's clock, dialling plan or columns",
    help="Calls that are stored stay as they are; the worker takes it up with its next round.",
    body=PATCH,
    answer=SOURCE,
    etag=True,
    needs_match=True,
    screens=("sources.edit", "sources.columns"),
)
def change(call: Call) -> dict[str, Any]:
    """What is not named stays; ``columns`` is replaced as a whole."""
    with writing(databases().panel) as connection:
        row = sources.get(connection, call.path["source_id"])
        call.must_match(_plain(row))
        values = {name: value for name, value in call.body.items() if name != "columns"}
        if "columns" in call.body:
            pairs = call.body["columns"]
            values["columns"] = {pair["meaning"]: pair["column"] for pair in pairs}
        return _plain(sources.change(connection, row, values))


@operation(
    "GET",
    "/sources/{source_id}/columns",
    "source.read",
    "Which column of the switch's acc has which meaning now, and what its newest row says",
    answer=COLUMN,
    lists=True,
    screens=("sources.columns",),
)
def columns(call: Call) -> Reply:
    """Read from the source's own database."""
    with reading(databases().panel) as connection:
        row = sources.get(connection, call.path["source_id"])
    found = sources.columns_of(databases(), row)
    return call.listed(
        found.meanings,
        None,
        lambda one: {
            "meaning": one.name,
            "column": one.column,
            "guess": one.guess,
            "choice": one.choice,
            "sample": one.sample,
        },
    )


@operation(
    "GET",
    "/sources/{source_id}/rules",
    "source.read",
    "List the rules for a source's numbers in the order in which they are looked at",
    answer=RULE,
    lists=True,
    screens=("sources.rules",),
)
def rules(call: Call) -> Reply:
    """All on one page."""
    with reading(databases().panel) as connection:
        row = sources.get(connection, call.path["source_id"])
        found = source_rules.of_source(connection, row["id"])
    return call.listed(found, None, lambda rule: rule._asdict())


@operation(
    "POST",
    "/sources/{source_id}/rules",
    "source.write",
    "Add a rule for a source's numbers, behind the others",
    body=NEW_RULE,
    answer=RULE,
    status=201,
    screens=("sources.rule_new",),
)
def add_rule(call: Call) -> dict[str, Any]:
    """It counts for rows that are read from now on."""
    with writing(databases().panel) as connection:
        row = sources.get(connection, call.path["source_id"])
        number = source_rules.add(connection, row, call.body)
        return _rule(source_rules.get(connection, row["id"], number))


@operation(
    "GET",
    "/sources/{source_id}/rules/{number_rule_id}",
    "source.read",
    "One rule for a source's numbers",
    answer=RULE,
    etag=True,
)
def one_rule(call: Call) -> dict[str, Any]:
    """By its number."""
    with reading(databases().panel) as connection:
        return _rule(_found(connection, call)[1])


@operation(
    "PATCH",
    "/sources/{source_id}/rules/{number_rule_id}",
    "source.write",
    "Change a rule, which keeps its place",
    body=RULE_PATCH,
    answer=RULE,
    etag=True,
    needs_match=True,
    screens=("sources.rule_edit",),
)
def change_rule(call: Call) -> dict[str, Any]:
    """What is not named stays."""
    with writing(databases().panel) as connection:
        row, rule = _found(connection, call)
        call.must_match(_rule(rule))
        source_rules.change(connection, row, rule, call.body)
        return _rule(source_rules.get(connection, row["id"], rule["id"]))


@operation(
    "POST",
    "/sources/{source_id}/rules/{number_rule_id}/move",
    "source.write",
    "Move a rule up or down among those of its domain",
    body=MOVE,
    answer=RULE,
    screens=("sources.rule_move",),
)
def move_rule(call: Call) -> dict[str, Any]:
    """The first and the last stay where they are."""
    with writing(databases().panel) as connection:
        row, rule = _found(connection, call)
        source_rules.move(connection, row, rule, call.body["to"])
        return _rule(source_rules.get(connection, row["id"], rule["id"]))


@operation(
    "DELETE",
    "/sources/{source_id}/rules/{number_rule_id}",
    "source.write",
    "Delete a rule for a source's numbers",
    needs_match=True,
    screens=("sources.rule_delete",),
)
def delete_rule(call: Call) -> None:
    """Calls that are stored keep their numbers."""
    with writing(databases().panel) as connection:
        row, rule = _found(connection, call)
        call.must_match(_rule(rule))
        source_rules.remove(connection, row, rule)


@operation(
    "GET",
    "/sources/{source_id}/number-test",
    "source.read",
    "What becomes of a number: the rules looked at, the E.164 number, its country and type",
    params=(
        Param("number", text(64, 1), "The number as the switch writes it.", required=True),
        Param("side", choice(CALLEE, CALLER), "Whose number it is; callee where missing."),
        Param("domain", text(128), "The caller's domain."),
    ),
    answer=TEST,
    screens=("sources.rules",),
)
def try_number(call: Call) -> dict[str, Any]:
    """Nothing is written."""
    with reading(databases().panel) as connection:
        row = sources.get(connection, call.path["source_id"])
        (found,) = load_sources(connection, row["id"])
    habits = found.habits
    answer = source_rules.try_number(
        habits.rules,
        habits.plan,
        call.query["number"],
        call.query.get("side", CALLEE),
        call.query.get("domain", ""),
    )
    return {
        "tried": [step.rule.id for step in answer.steps],
        "rule_id": answer.rule.id if answer.rule else None,
        "changed": answer.changed,
        "number": answer.number,
        "country": answer.about.country if answer.about else None,
        "kind": answer.about.kind if answer.about else None,
    }


def _found(connection: Any, call: Call) -> tuple[Any, Any]:
    row = sources.get(connection, call.path["source_id"])
    return row, source_rules.get(connection, row["id"], call.path["number_rule_id"])


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "name", *sources.FIELDS)}
    pairs = sorted(sources.mapping_of(row).items())
    return {**shown, "columns": [{"meaning": name, "column": column} for name, column in pairs]}


def _state(row: Mapping[Any, Any]) -> dict[str, Any]:
    looked = row["looked_at"]
    return {
        "id": row["id"],
        "name": row["name"],
        "zone": row["zone"],
        "tables": [{"table": name, "version": n} for name, n in sources.versions_of(row)],
        "waiting": row["waiting"],
        "looked_at": None if looked is None else clock.iso(looked),
        "problem": sources.problem_of(row, databases()),
    }


def _rule(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("id", *source_rules.FIELDS)}
