"""What becomes of a number: by the rules of OpenSIPS's table, and on every node."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.opensips.dialplan import Answer, Rule
from app.opensips.mi import MiClient, MiCommandError, MiError
from app.opensips.mi_names import Command
from app.opensips.sandbox import translations
from app.provisioning import browse
from app.provisioning.nodes import Node
from app.provisioning.tools.dialplan import DIALPLAN


def rules_of(connection: Connection, dpid: int) -> list[Rule]:
    """All rules of one dialplan."""
    table = browse.table_of(connection, DIALPLAN)
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
