"""The rules of the dialplan as people look for them, from OpenSIPS's own table."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from app.opensips.dialplan import Answer, Rule
from app.opensips.mi import MiClient, MiCommandError, MiError
from app.opensips.mi_names import Command
from app.opensips.sandbox import translations
from app.opensips.tables import check_version, reflect
from app.provisioning.changeset import Row
from app.provisioning.nodes import Node
from app.provisioning.rows import fingerprint, plain

SEARCHED = ("match_exp", "subst_exp", "repl_exp", "attrs")
Place = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list with what a button on it must know."""

    row: Row
    seen: str

    @property
    def place(self) -> Place:
        """Where the list goes on after this row."""
        return self.row["dpid"], self.row["pr"], self.row["id"]


def table_of(connection: Connection) -> Table:
    """The dialplan table; raises SwitchTableError when it is missing or of an unknown version."""
    check_version(connection, "dialplan")
    return reflect(connection, "dialplan")


def dpids(connection: Connection) -> list[int]:
    """The dialplans that have rules."""
    table = table_of(connection)
    return list(connection.scalars(select(table.c.dpid).distinct().order_by(table.c.dpid)))


def browse(
    connection: Connection,
    *,
    dpid: int | None = None,
    text: str = "",
    after: Place | None = None,
    limit: int = 100,
) -> list[Listed]:
    """Rules by dialplan, priority and id; ``text`` is looked for in expressions and attributes."""
    table = table_of(connection)
    conditions: list[ColumnElement[bool]] = []
    if dpid is not None:
        conditions.append(table.c.dpid == dpid)
    if text:
        conditions.append(
            or_(*(table.c[name].icontains(text, autoescape=True) for name in SEARCHED))
        )
    if after is not None:
        conditions.append(_beyond(table, after))
    order = (table.c.dpid, table.c.pr, table.c.id)
    rows = connection.execute(
        select(table).where(and_(True, *conditions)).order_by(*order).limit(limit)
    ).mappings()
    return [Listed(row, fingerprint(row)) for row in map(plain, rows)]


def _beyond(table: Table, after: Place) -> ColumnElement[bool]:
    dpid, pr, row_id = after
    c = table.c
    later = or_(c.pr > pr, and_(c.pr == pr, c.id > row_id))
    return and_(c.dpid >= dpid, or_(c.dpid > dpid, later))


def rules_of(connection: Connection, dpid: int) -> list[Rule]:
    """All rules of one dialplan."""
    table = table_of(connection)
    rows = connection.execute(select(table).where(table.c.dpid == dpid)).mappings()
    return [Rule.of(dict(row)) for row in rows]


def by_table(connection: Connection, dpid: int, text: str) -> Answer:
    """What our table says becomes of the input; raises SandboxTimeout for hostile rules."""
    return translations(rules_of(connection, dpid), [(dpid, text)])[0]


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What one node says; ``output`` is None for "No translation", ``problem`` when not asked."""

    node: str
    output: str | None = None
    attrs: str = ""
    problem: str = ""

    def differs(self, answer: Answer) -> bool:
        """Whether it is not what the table says (where that is certain)."""
        if self.problem or not answer.certain:
            return False
        if not answer.translates or self.output is None:
            return answer.translates or self.output is not None
        return self.attrs != answer.attrs or answer.output not in (None, self.output)


def by_nodes(used: list[Node], dpid: int, text: str, seconds: float) -> list[NodeAnswer]:
    """What each node makes of the input, all asked at once; ``seconds`` for each."""
    if not used:
        return []
    with ThreadPoolExecutor(min(len(used), 16), thread_name_prefix="try") as pool:
        return list(pool.map(lambda node: _ask(node, dpid, text, seconds), used))


def _ask(node: Node, dpid: int, text: str, seconds: float) -> NodeAnswer:
    try:
        # The old name works on 4.x too (recorded on 4.0.1): no need to ask what it offers.
        reply = MiClient(node.mi_url, seconds).call(
            Command.DP_TRANSLATE.value, {"dpid": dpid, "input": text}
        )
    except MiCommandError as exc:
        return NodeAnswer(node.name, problem="" if exc.number == 404 else str(exc))
    except MiError as exc:
        return NodeAnswer(node.name, problem=str(exc))
    found: Mapping[str, Any] = reply if isinstance(reply, dict) else {"Output": reply}
    output, attrs = found.get("Output"), found.get("ATTRIBUTES")
    return NodeAnswer(node.name, str(output or ""), str(attrs or ""))
