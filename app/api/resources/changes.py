"""Changes of the switch's tables, how far each is on every node, and the nodes."""

from __future__ import annotations

from typing import Any

from app.api.operations import Call, Reply, operation
from app.api.schema import Shape, choice, maybe, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import reading
from app.identity.access import insist
from app.provisioning import changeset, nodes, pusher, saving
from app.provisioning.changeset import ChangeSet
from app.provisioning.tables import change_set
from app.provisioning.tools.registry import tool
from app.provisioning.words import kind, summary

CHANGE = Shape(
    "Change",
    {
        "id": whole(1),
        "what": text(2000),
        "tool": text(40),
        "actor": text(64),
        "comment": text(255),
        "state": choice("drafted", "written", "conflict"),
        "problem": text(500),
        "created_at": moment(),
        "written_at": maybe(moment()),
        "edits": several(
            {
                "type": "object",
                "properties": {
                    "deed": text(16),
                    "row_id": text(20),
                    "before": {"type": ["object", "null"]},
                    "after": {"type": ["object", "null"]},
                },
            }
        ),
        "pushes": several(
            {
                "type": "object",
                "properties": {
                    "node": text(64),
                    "state": text(16),
                    "level": text(16),
                    "attempts": whole(),
                    "problem": text(500),
                    "next_at": maybe(moment()),
                    "verified_at": maybe(moment()),
                },
            }
        ),
    },
    {
        "id": 31,
        "what": "Change dialplan 1, priority 10: ^00[1-9]",
        "tool": "dialplan",
        "actor": "ann",
        "comment": "new carrier",
        "state": "written",
        "problem": "",
        "created_at": "2026-11-23T12:00:00.000Z",
        "written_at": "2026-11-23T12:00:00.100Z",
        "edits": [{"deed": "change", "row_id": "12", "before": {"pr": 10}, "after": {"pr": 20}}],
        "pushes": [
            {
                "node": "edge1",
                "state": "verified",
                "level": "sampled",
                "attempts": 1,
                "problem": "",
                "next_at": None,
                "verified_at": "2026-11-23T12:00:01.000Z",
            }
        ],
    },
)
WHY = Shape(
    "Reason",
    {"comment": text(255)},
    {"comment": "it was wrong"},
    frozenset({"comment"}),
    inbound=True,
)
DUE = Shape("Due", {"nodes": whole()}, {"nodes": 1})
NODE = Shape(
    "Node",
    {
        "id": whole(1),
        "name": text(64),
        "state": choice("unknown", "up", "down"),
        "version": text(80),
        "answered_at": maybe(moment()),
        "problem": text(255),
    },
    {
        "id": 1,
        "name": "edge1",
        "state": "up",
        "version": "OpenSIPS (3.6.8 (x86_64/linux))",
        "answered_at": "2026-11-23T12:00:01.000Z",
        "problem": "",
    },
)


@operation(
    "GET",
    "/changes",
    "change.read",
    "List changes, newest first",
    answer=CHANGE,
    lists=True,
    screens=("provisioning.index",),
)
def index(call: Call) -> Reply:
    """One page of change sets, each with its rows and nodes."""
    with reading(databases().panel) as connection:
        query = changeset.sets_of(call.who.tenant_id)
        found = call.page(connection, query, {"id": change_set.c.id}, descending=True)
        sets = changeset.assembled(connection, found.rows)
    return call.listed(sets, found.older, plain_change)


@operation(
    "GET",
    "/changes/{set_id}",
    "change.read",
    "One change, and how far it is on every node",
    answer=CHANGE,
    etag=True,
    screens=("provisioning.show", "provisioning.progress"),
)
def one(call: Call) -> dict[str, Any]:
    """The change set."""
    return plain_change(saving.load(call.path["set_id"]))


@operation(
    "POST",
    "/changes/{set_id}/undo",
    "change.write",
    "Take a change back by its reverse",
    help="Refused with a sentence when a row was changed since. Undone before: that change.",
    body=WHY,
    answer=CHANGE,
    screens=("provisioning.undo_set",),
)
def take_back(call: Call) -> dict[str, Any]:
    """The change that undoes it."""
    found = saving.load(call.path["set_id"])
    insist(tool(found.tool).write)
    return plain_change(saving.load(saving.take_back(found, call.body.get("comment", ""))))


@operation(
    "POST",
    "/changes/{set_id}/now",
    "change.write",
    "Try nodes that wait or failed at once",
    answer=DUE,
    screens=("provisioning.try_now",),
)
def try_now(call: Call) -> dict[str, Any]:
    """How many nodes are asked again."""
    found = saving.load(call.path["set_id"])
    insist(tool(found.tool).write)
    return {"nodes": pusher.try_now(databases(), found.id)}


@operation(
    "GET",
    "/nodes",
    "gateway.read",
    "List the OpenSIPS nodes in use",
    answer=NODE,
    lists=True,
    screens=("provisioning.index",),
)
def all_nodes(call: Call) -> Reply:
    """By name; all on one page."""
    with reading(databases().panel) as connection:
        found = nodes.in_use(connection)
    return call.listed(found, None, _node)


def plain_change(found: ChangeSet) -> dict[str, Any]:
    """A change set as the API shows it."""
    return {
        "id": found.id,
        "what": summary(found),
        "tool": found.tool,
        "actor": found.actor,
        "comment": found.comment,
        "state": found.state,
        "problem": found.problem,
        "created_at": clock.iso(found.created_at),
        "written_at": clock.iso(found.written_at),
        "edits": [
            {
                "deed": kind(edit),
                "row_id": edit.row_id,
                "before": edit.before,
                "after": edit.after,
            }
            for edit in found.edits
        ],
        "pushes": [
            {
                "node": push.node,
                "state": push.state,
                "level": push.level,
                "attempts": push.attempts,
                "problem": push.problem,
                "next_at": None if push.done else clock.iso(push.next_at),
                "verified_at": clock.iso(push.verified_at),
            }
            for push in found.pushes
        ],
    }


def _node(one: nodes.Node) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        "version": one.version,
        "answered_at": clock.iso(one.answered_at),
        "problem": one.last_error,
    }
