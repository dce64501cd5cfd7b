"""Dialplan rules: list, one, add, change, delete, many at once, try a number.

Every change is a change set: written down, written to OpenSIPS's table, pushed to every node.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.resources.changes import CHANGE, plain_change
from app.api.schema import BadRequest, text, whole
from app.api.shapes.dialplan import MANY, MOST, NEW, PATCH, RULE, TRIAL
from app.core.context import databases, settings
from app.core.database import LARGEST_ID, reading
from app.core.errors import Conflict, NotFound
from app.core.words import _
from app.opensips.tables import check_version
from app.provisioning import browse, nodes, rows, saving
from app.provisioning.changeset import Edit, Row
from app.provisioning.tools.dialplan import DIALPLAN
from app.routing import dialplan


@operation(
    "GET",
    "/dialplan/rules",
    "dialplan.read",
    "List rules, by dialplan and priority",
    params=(
        Param("dpid", whole(0, LARGEST_ID), "Of one dialplan."),
        Param("q", text(64, 1), "Text in the expressions, the output or the attributes."),
    ),
    answer=RULE,
    lists=True,
    screens=("routing.index",),
)
def index(call: Call) -> Reply:
    """One page of rules."""
    chosen = {"dpid": call.query["dpid"]} if "dpid" in call.query else {}
    with reading(databases().switch) as connection:
        table = browse.table_of(connection, DIALPLAN)
        query = browse.query(table, DIALPLAN, chosen, str(call.query.get("q", "")))
        keys = {name: table.c[name] for name in (*DIALPLAN.order, DIALPLAN.key)}
        found = call.page(connection, query, keys)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "GET",
    "/dialplan/rules/{rule_id}",
    "dialplan.read",
    "One rule",
    answer=RULE,
    etag=True,
    screens=("routing.edit",),
)
def one(call: Call) -> dict[str, Any]:
    """The rule as OpenSIPS's table has it."""
    return _plain(_row(call.path["rule_id"]))


@operation(
    "POST",
    "/dialplan/rules",
    "dialplan.write",
    "Add a rule",
    body=NEW,
    answer=CHANGE,
    status=201,
    screens=("routing.new",),
)
def add(call: Call) -> dict[str, Any]:
    """The answer is the change set, whose page tells how far each node is."""
    return _saved(call, [_added(call.body)])


@operation(
    "PATCH",
    "/dialplan/rules/{rule_id}",
    "dialplan.write",
    "Change a rule",
    body=PATCH,
    answer=CHANGE,
    needs_match=True,
    screens=("routing.edit", "routing.switch_state"),
)
def change(call: Call) -> dict[str, Any]:
    """What is not named stays as it is."""
    before = _row(call.path["rule_id"])
    call.must_match(_plain(before))
    return _saved(call, [_changed(before, call.body)])


@operation(
    "DELETE",
    "/dialplan/rules/{rule_id}",
    "dialplan.write",
    "Delete a rule",
    answer=CHANGE,
    needs_match=True,
    screens=("routing.delete",),
)
def delete(call: Call) -> dict[str, Any]:
    """The change set can be undone."""
    before = _row(call.path["rule_id"])
    call.must_match(_plain(before))
    return _saved(call, [Edit(str(before["id"]), before, None)])


@operation(
    "POST",
    "/dialplan/changes",
    "dialplan.write",
    "Change many rules at once, all or none",
    help=f"Up to {MOST} edits become one change set, in one transaction.",
    body=MANY,
    answer=CHANGE,
    status=201,
    screens=("routing.bulk_delete", "routing.bulk_disable", "routing.bulk_enable"),
)
def many(call: Call) -> dict[str, Any]:
    """Adds, changes, deletes."""
    named = [edit["id"] for edit in call.body["edits"] if "id" in edit]
    if len(set(named)) != len(named):
        raise BadRequest([("/edits", _("A rule stands twice in it."))])
    with reading(databases().switch) as connection:
        check_version(connection, DIALPLAN.table)
        known = {row["id"]: row for row in rows.load_many(connection, DIALPLAN, named)}
    return _saved(
        call, [_edit(number, wish, known) for number, wish in enumerate(call.body["edits"])]
    )


@operation(
    "GET",
    "/dialplan/try",
    "dialplan.read",
    "What becomes of a number, by the table and on every node",
    params=(
        Param("dpid", whole(0, LARGEST_ID), "The dialplan.", required=True),
        Param("number", text(127, 1), "What is dialled.", required=True),
    ),
    answer=TRIAL,
    screens=("routing.try_number",),
)
def trial(call: Call) -> dict[str, Any]:
    """Asks every node in use."""
    dpid, number = call.query["dpid"], call.query["number"]
    dbs = databases()
    with reading(dbs.switch) as connection:
        answer = dialplan.by_table(connection, dpid, number)
    with reading(dbs.panel) as connection:
        used = nodes.in_use(connection)
    found = dialplan.by_nodes(used, dpid, number, settings().mi_timeout)
    return {
        "dpid": dpid,
        "number": number,
        "translates": answer.translates,
        "certain": answer.certain,
        "rule_id": answer.rule_id,
        "output": answer.output,
        "attrs": answer.attrs,
        "nodes": [
            {
                "node": one.node,
                "output": one.output,
                "attrs": one.attrs,
                "problem": one.problem,
                "differs": one.differs(answer),
            }
            for one in found
        ],
    }


def _edit(number: int, wish: Mapping[str, Any], known: Mapping[int, Row]) -> Edit:
    at, values = f"/edits/{number}", wish.get("values", {})
    if wish["deed"] == "add":
        return _added(values, f"{at}/values")
    before = known.get(wish.get("id", 0))
    if before is None:
        raise BadRequest([(f"{at}/id", str(DIALPLAN.words.of("missing", wish.get("id", 0))))])
    if wish["deed"] == "delete":
        return Edit(str(before["id"]), before, None)
    return _changed(before, values, f"{at}/values")


def _added(values: Mapping[str, Any], at: str = "") -> Edit:
    wanted = {c.name: values.get(c.name, c.default) for c in DIALPLAN.columns}
    _check(wanted, at)
    with reading(databases().switch) as connection:
        check_version(connection, DIALPLAN.table)
        after = rows.completed(connection, DIALPLAN, wanted, None)
        above = rows.highest_id(connection, DIALPLAN)
    return Edit("", None, after, above)


def _changed(before: Row, values: Mapping[str, Any], at: str = "") -> Edit:
    wanted = {c.name: values.get(c.name, before.get(c.name)) for c in DIALPLAN.columns}
    _check(wanted, at)
    with reading(databases().switch) as connection:
        after = rows.completed(connection, DIALPLAN, wanted, before)
    return Edit(str(before["id"]), before, after)


def _check(values: Mapping[str, Any], at: str) -> None:
    problems = DIALPLAN.validate(dict(values))
    if problems:
        raise BadRequest([(f"{at}/{name}", str(words)) for name, words in problems.items()])


def _row(rule_id: int) -> Row:
    with reading(databases().switch) as connection:
        check_version(connection, DIALPLAN.table)
        row = rows.load(connection, DIALPLAN, rule_id) if rule_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(
            DIALPLAN.words.of("missing", rule_id),
            _("It may have been deleted; see the changes."),
        )
    return row


def _saved(call: Call, edits: Sequence[Edit]) -> dict[str, Any]:
    # The same key gives the same reference, so that even a killed request happens once.
    text = f"{call.who.id} {call.key}" if call.key else secrets.token_hex(16)
    reference = hashlib.sha256(text.encode()).hexdigest()[:32]
    made = saving.save(DIALPLAN, edits, reference, (call.body or {}).get("comment", ""))
    if made.state == "conflict":
        raise Conflict(
            made.problem or _("The rule was changed meanwhile; nothing was changed by you."),
            _("Read it again, then repeat the change."),
        )
    return plain_change(made)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in RULE.properties}
