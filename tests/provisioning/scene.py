"""What the tests of this room share: rules, edits, an operator, nodes that read the table."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from app.core.database import Databases, reading, writing
from app.core.settings import NodeSetting, Settings
from app.opensips.tables import reflect
from app.provisioning import changeset, rows, writer
from app.provisioning.changeset import Author, ChangeSet, Draft, Edit, Row
from app.provisioning.tools.dialplan import DIALPLAN

ANN = Author("ann", 7)


def rule(**values: Any) -> Row:
    """A rule as a form gives it."""
    return {
        "dpid": 1,
        "pr": 1,
        "match_op": 1,
        "match_exp": "^00[1-9][0-9]+$",
        "match_flags": 0,
        "subst_exp": "^00(.*)$",
        "repl_exp": r"+\1",
        "timerec": "",
        "attrs": "intl",
        "disabled": 0,
        **values,
    }


def stored(dbs: Databases) -> list[Row]:
    """The table's rows by id."""
    with reading(dbs.switch) as connection:
        table = reflect(connection, "dialplan")
        found = connection.execute(select(table).order_by(table.c.id)).mappings()
        return [rows.plain(row) for row in found]


def put(dbs: Databases, **values: Any) -> Row:
    """A row that another program wrote; returns it as stored."""
    with writing(dbs.switch) as connection:
        table = reflect(connection, "dialplan")
        connection.execute(table.insert().values(**rule(**values)))
    return stored(dbs)[-1]


def change_behind_our_back(dbs: Databases, row_id: int, **values: Any) -> None:
    """Another program edits a row."""
    with writing(dbs.switch) as connection:
        table = reflect(connection, "dialplan")
        if values:
            connection.execute(table.update().where(table.c.id == row_id).values(**values))
        else:
            connection.execute(table.delete().where(table.c.id == row_id))


def adding(dbs: Databases, **values: Any) -> Edit:
    with reading(dbs.switch) as connection:
        after = rows.completed(connection, DIALPLAN, rule(**values), None)
        return Edit("", None, after, rows.highest_id(connection, DIALPLAN))


def changing(before: Row, **values: Any) -> Edit:
    return Edit(str(before["id"]), before, before | values)


def deleting(before: Row) -> Edit:
    return Edit(str(before["id"]), before, None)


def wish(edits: Sequence[Edit], reference: str = "", comment: str = "") -> Draft:
    used = reference or secrets.token_hex(16)
    return Draft("dialplan", "dialplan", edits, ANN, used, comment)


def submit(dbs: Databases, settings: Settings, *edits: Edit) -> ChangeSet:
    """Drafts and writes; returns the change set."""
    return look(dbs, writer.submit(dbs, settings, wish(edits)))


def only_draft(dbs: Databases, *edits: Edit) -> int:
    """What a process leaves that is killed right after writing the intent down."""
    with writing(dbs.panel) as connection:
        return changeset.draft(connection, wish(edits))[0]


def look(dbs: Databases, set_id: int) -> ChangeSet:
    with reading(dbs.panel) as connection:
        return changeset.get(connection, set_id)


def with_nodes(settings: Settings, **urls: str) -> Settings:
    nodes = tuple(NodeSetting(name, url) for name, url in urls.items())
    return replace(settings, nodes=nodes, mi_timeout=1.0)


def loader(dbs: Databases) -> Callable[[], list[Row]]:
    """What a fake node reads when it is told to reload."""
    return lambda: stored(dbs)
