"""The MI commands that the panel may send, and what OpenSIPS 4.x calls them.

OpenSIPS up to 3.6 has flat names (``dp_reload``); 4.x names them ``module:command`` and lists only
those in ``which`` (recordings of 3.6.8 and 4.0.1). Nothing outside this list is ever sent: MI can
also stop the server (``kill``) or block it for minutes (``t_hash``).
"""

from __future__ import annotations

from enum import StrEnum


class Command(StrEnum):
    """An allowed command by its name up to 3.6."""

    VERSION = "version"
    WHICH = "which"
    UPTIME = "uptime"
    GET_STATISTICS = "get_statistics"
    SR_LIST_REPORTS = "sr_list_reports"
    DP_RELOAD = "dp_reload"
    DP_TRANSLATE = "dp_translate"
    DLG_LIST = "dlg_list"
    DLG_END_DLG = "dlg_end_dlg"
    UL_DUMP = "ul_dump"
    DR_RELOAD = "dr_reload"
    DR_RELOAD_STATUS = "dr_reload_status"
    DR_GW_STATUS = "dr_gw_status"
    DR_CARRIER_STATUS = "dr_carrier_status"
    DR_NUMBER_ROUTING = "dr_number_routing"


# The names of 4.x where they differ in more than nothing; taken from its own ``which``.
NEW_NAMES: dict[Command, str] = {
    Command.VERSION: "core:version",
    Command.WHICH: "core:which",
    Command.UPTIME: "core:uptime",
    Command.GET_STATISTICS: "statistics:get",
    Command.SR_LIST_REPORTS: "status_report:reports",
    Command.DP_RELOAD: "dialplan:reload",
    Command.DP_TRANSLATE: "dialplan:translate",
    Command.DLG_LIST: "dialog:list",
    Command.DLG_END_DLG: "dialog:end_dlg",
    Command.UL_DUMP: "usrloc:dump",
    Command.DR_RELOAD: "drouting:reload",
    Command.DR_RELOAD_STATUS: "drouting:reload_status",
    Command.DR_GW_STATUS: "drouting:gw_status",
    Command.DR_CARRIER_STATUS: "drouting:carrier_status",
    Command.DR_NUMBER_ROUTING: "drouting:number_routing",
}

ALLOWED: frozenset[str] = frozenset(Command) | frozenset(NEW_NAMES.values())


def spelled(command: Command, offered: frozenset[str]) -> str | None:
    """The name under which a node offers the command (its ``which``); None when it does not."""
    new = NEW_NAMES[command]
    if new in offered:
        return new
    return command.value if command.value in offered else None
