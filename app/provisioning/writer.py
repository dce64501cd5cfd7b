"""From the written intent to OpenSIPS's table: all rows in one transaction, guarded, repeatable.

Ours and OpenSIPS's tables may live in two databases, so a kill can fall between the two commits.
Then the intent is still ``drafted``; doing it again finds the rows as they should become and only
notes that, or finds them as somebody else made them and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.database import Databases, inserted_id, ping, reading, writing
from app.core.errors import CompanionError, Conflict, DatabaseUnavailable, SwitchTableError
from app.core.settings import Settings
from app.core.words import _
from app.opensips.tables import check_version, reflect
from app.provisioning import changeset, guard, nodes
from app.provisioning.changeset import Draft, Edit, Row
from app.provisioning.rows import fetch, plain, stored
from app.provisioning.tables import change, change_set, push
from app.provisioning.tools.declaration import Tool
from app.provisioning.tools.registry import tool


def submit(dbs: Databases, settings: Settings, draft: Draft) -> int:
    """Writes the intent down, then does it; returns the change set's id.

    When OpenSIPS's database does not answer, the set stays ``drafted`` and the worker goes on.
    """
    with writing(dbs.panel) as connection:
        set_id = changeset.draft(connection, draft)[0]
    try:
        apply(dbs, settings, set_id)
    except (DatabaseUnavailable, DBAPIError, SwitchTableError) as exc:
        _note(dbs, set_id, _sentence(exc))
    return set_id


def finish_drafted(dbs: Databases, settings: Settings, limit: int = 100) -> int:
    """Does what was written down and not done: after a kill, or an outage. How many it settled."""
    with reading(dbs.panel) as connection:
        query = select(change_set.c.id).where(change_set.c.state == "drafted")
        waiting = connection.scalars(query.order_by(change_set.c.id).limit(limit)).all()
    settled = 0
    for set_id in waiting:
        try:
            settled += apply(dbs, settings, set_id)
        except (DatabaseUnavailable, DBAPIError, SwitchTableError) as exc:
            _note(dbs, set_id, _sentence(exc))
            break  # the next one would fare no better
    return settled


def apply(dbs: Databases, settings: Settings, set_id: int) -> bool:
    """Does one drafted change set; False when it is not drafted (any more).

    Our row of it stays locked meanwhile, so that two processes cannot both insert.
    """
    if dbs.switch is not dbs.panel:
        ping(dbs.switch)  # before anything is locked
    with writing(dbs.panel) as panel:
        query = select(change_set).where(change_set.c.id == set_id).with_for_update()
        if panel.execute(query).one().state != "drafted":
            return False
        wish = changeset.get(panel, set_id)
        used = tool(wish.tool)
        try:
            with _switch(dbs, panel) as switch:
                check_version(switch, used.table)
                table = reflect(switch, used.table)
                ids = [_apply(panel, switch, table, used, edit) for edit in wish.edits]
        except Conflict as exc:
            values = {"state": "conflict", "problem": exc.message[:255]}
            panel.execute(update(change_set).where(change_set.c.id == set_id).values(**values))
            return True
        _record(panel, settings, set_id, ids)
    return True


@contextmanager
def _switch(dbs: Databases, panel: Connection) -> Iterator[Connection]:
    """A transaction on OpenSIPS's database: a part of ours when they are one."""
    if dbs.switch is dbs.panel:
        with panel.begin_nested():
            yield panel
    else:
        with writing(dbs.switch) as switch:
            yield switch


def _record(panel: Connection, settings: Settings, set_id: int, ids: list[str]) -> None:
    """Notes that the rows are written and lets every node wait for them."""
    now = clock.now_ms()
    row_ids = panel.scalars(
        select(change.c.id).where(change.c.change_set_id == set_id).order_by(change.c.id)
    ).all()
    for change_id, row_id in zip(row_ids, ids, strict=True):
        panel.execute(update(change).where(change.c.id == change_id).values(row_id=row_id))
    values = {"state": "written", "written_at": now, "problem": ""}
    panel.execute(update(change_set).where(change_set.c.id == set_id).values(**values))
    tenant_id = panel.scalar(select(change_set.c.tenant_id).where(change_set.c.id == set_id))
    waiting = [
        {
            "tenant_id": tenant_id,
            "change_set_id": set_id,
            "node_id": node.id,
            "state": "waiting",
            "level": "",
            "attempts": 0,
            "problem": "",
            "next_at": now,
        }
        for node in nodes.sync(panel, settings)
    ]
    if waiting:
        panel.execute(push.insert(), waiting)


def _apply(panel: Connection, switch: Connection, table: Table, used: Tool, edit: Edit) -> str:
    """Makes one row so; returns its id. Raises Conflict when it is not as it was seen."""
    try:
        if edit.before is None:
            row_id = _insert(panel, switch, table, used, edit)
        else:
            row_id = int(edit.row_id)
            _change(switch, table, used, row_id, edit)
    except DBAPIError as exc:
        if exc.connection_invalidated:
            raise
        raise Conflict(_("The database refused the row: %(why)s", why=_sentence(exc))) from exc
    return str(row_id)


def _change(switch: Connection, table: Table, used: Tool, row_id: int, edit: Edit) -> None:
    here = table.c[used.key] == row_id
    current = fetch(switch, table, used.key, row_id, lock=True)
    if guard.same(current, edit.after):
        return
    if current is None or not guard.same(current, edit.before):
        raise Conflict(guard.difference(used, row_id, edit.before, current))
    if edit.after is None:
        switch.execute(delete(table).where(here))
        return
    # Only what changes: the switch writes columns of its own while we look at the others.
    wanted = {name: value for name, value in edit.after.items() if current.get(name) != value}
    switch.execute(update(table).where(here).values(**stored(table, wanted)))
    _read_back(switch, table, used, row_id, edit.after)


def _insert(panel: Connection, switch: Connection, table: Table, used: Tool, edit: Edit) -> int:
    after = edit.after or {}
    if used.key in after:
        return _insert_again(switch, table, used, after)
    found = _already_inserted(panel, switch, table, used, edit)
    if found is not None:
        return found
    row_id = inserted_id(switch.execute(insert(table).values(**stored(table, after))))
    _read_back(switch, table, used, row_id, after)
    return row_id


def _insert_again(switch: Connection, table: Table, used: Tool, after: Row) -> int:
    """A row that was there before, under the number that it had."""
    row_id = int(after[used.key])
    current = fetch(switch, table, used.key, row_id, lock=True)
    if current is not None and not guard.same(current, after):
        raise Conflict(guard.difference(used, row_id, None, current))
    if current is None:
        switch.execute(insert(table).values(**stored(table, after)))
        _read_back(switch, table, used, row_id, after)
    return row_id


def _already_inserted(
    panel: Connection, switch: Connection, table: Table, used: Tool, edit: Edit
) -> int | None:
    """The row of an insert that was committed just before a kill; nobody else's."""
    if edit.above_id is None or edit.change_id is None:
        return None
    same = and_(*(table.c[name].is_not_distinct_from(value) for name, value in _after(edit)))
    query = select(table).where(table.c[used.key] > edit.above_id, same).order_by(table.c[used.key])
    rows = [plain(row) for row in switch.execute(query).mappings()]
    # again here: a database may compare without regard to case
    candidates = [int(row[used.key]) for row in rows if guard.same(row, edit.after)]
    taken = panel.scalars(
        select(change.c.row_id).where(
            change.c.table_name == table.name, change.c.row_id.in_([str(i) for i in candidates])
        )
    ).all()
    free = [row for row in candidates if str(row) not in taken]
    # Of several same inserts in flight the earlier ones come first: none is lost, none doubled.
    earlier = panel.scalar(
        select(func.count())
        .select_from(change)
        .join(change_set, change_set.c.id == change.c.change_set_id)
        .where(
            change_set.c.state == "drafted",
            change.c.table_name == table.name,
            change.c.before.is_(None),
            change.c.after == changeset.dumped(edit.after),
            change.c.id < edit.change_id,
        )
    )
    return free[earlier or 0] if len(free) > (earlier or 0) else None


def _after(edit: Edit) -> list[tuple[str, Any]]:
    return list((edit.after or {}).items())


def _read_back(switch: Connection, table: Table, used: Tool, row_id: int, wanted: Row) -> None:
    """A database may cut or recode what it stores; then nothing of the change is kept."""
    stored = fetch(switch, table, used.key, row_id)
    for name, value in wanted.items():
        if stored is None or stored[name] != value:
            kept = None if stored is None else stored[name]
            raise Conflict(
                _(
                    "OpenSIPS's database would store %(label)s as %(kept)s, not %(wanted)s;"
                    " nothing was written.",
                    label=guard.label(used, name),
                    kept=repr(kept),
                    wanted=repr(value),
                )
            )


def _note(dbs: Databases, set_id: int, problem: str) -> None:
    with writing(dbs.panel) as connection:
        connection.execute(
            update(change_set)
            .where(change_set.c.id == set_id, change_set.c.state == "drafted")
            .values(problem=problem[:255])
        )


def _sentence(exc: Exception) -> str:
    if isinstance(exc, CompanionError):
        return exc.message
    return str(getattr(exc, "orig", exc)).splitlines()[0][:200]
