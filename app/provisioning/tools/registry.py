"""Which tables the panel can edit: one more tool is one more line."""

from __future__ import annotations

from app.core.errors import NotFound
from app.provisioning.tools.declaration import Tool
from app.provisioning.tools.dialplan import DIALPLAN

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (DIALPLAN,)}


def tool(name: str) -> Tool:
    """The tool of that name; raises NotFound."""
    try:
        return TOOLS[name]
    except KeyError as exc:
        raise NotFound(f"There is no tool '{name}'.", f"There are: {', '.join(TOOLS)}.") from exc
