"""The MI commands of the demo switch, with OpenSIPS 3.6's names, signatures and replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core import clock
from app.opensips.simulator import statistics
from app.opensips.simulator.dialplan import NoTranslation
from app.opensips.simulator.errors import MiFailure, invalid_params
from app.opensips.simulator.node import Node
from app.opensips.simulator.routes import DEFAULT_GROUP, Routes

Params = Mapping[str, Any]
VERSION = "OpenSIPS (3.6.8 (x86_64/linux))"


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its sets of parameters, each in order, and what it does with one of them."""

    run: Callable[[Node, Params], Any]
    signatures: tuple[tuple[str, ...], ...] = ((),)
    named_only: bool = False

    def arguments(self, given: Any) -> Params:
        """Parameters by name; raises MiFailure -32602. Sets must fit exactly."""
        if not given:
            given = {}
        if isinstance(given, list) and self.named_only:
            raise invalid_params("Command only supports named parameters")
        fitting = [names for names in self.signatures if len(names) == len(given)]
        if not fitting:
            raise invalid_params("Too few or too many parameters")
        if isinstance(given, list):
            return dict(zip(fitting[0], given, strict=True))
        if not any(set(names) == set(given) for names in fitting):
            raise invalid_params("Named parameters do not match")
        return dict(given)


def _uptime(node: Node, params: Params) -> Any:
    now = clock.now_ms()
    return {
        "Now": node.ctime(now),
        "Up since": node.ctime(node.started_ms),
        "Up time": f"{(now - node.started_ms) // 1000} [sec]",
    }


def _get_statistics(node: Node, params: Params) -> Any:
    names = params["statistics"]
    if not isinstance(names, list):
        raise invalid_params("Bad type for parameter 'statistics'")
    return statistics.select(statistics.all_values(node), [str(name) for name in names])


def _dp_reload(node: Node, params: Params) -> Any:
    _check_partition(params)
    node.reload_dialplan()
    return "OK"


def _dp_translate(node: Node, params: Params) -> Any:
    _check_partition(params)
    try:
        dpid = int(params["dpid"])
    except (TypeError, ValueError):
        raise MiFailure(404, "Wrong id parameter") from None
    text = str(params["input"])
    if not text:
        raise MiFailure(404, "Empty input parameter")
    try:
        output, attributes = node.dialplan.translate(dpid, text)
    except KeyError:
        raise MiFailure(404, "No information available for dpid") from None
    except NoTranslation:
        raise MiFailure(404, "No translation") from None
    return {"Output": output, "ATTRIBUTES": attributes}


def _dp_show_partition(node: Node, params: Params) -> Any:
    url = node.engine.url.render_as_string(hide_password=True)
    if "partition" not in params:
        return {"Partitions": [{"name": "default", "table": "dialplan", "db_url": url}]}
    if params["partition"] != "default":
        raise MiFailure(404, "Partition Not Found")
    return {"Partition": "default", "Table": "dialplan", "db_url": url}


def _check_partition(params: Params) -> None:
    if params.get("partition", "default") != "default":
        raise MiFailure(400, "Partition not found")


def _dlg_list(node: Node, params: Params) -> Any:
    dialogs = node.dialogs
    if "callid" in params:
        try:
            live = dialogs.find(str(params["callid"]), params.get("from_tag"))
        except KeyError:
            raise MiFailure(404, "No such dialog") from None
        return {"Dialog": dialogs.shown(live)}
    calls = dialogs.all()
    if "index" not in params:
        return {"Dialogs": [dialogs.shown(live) for live in calls]}
    first, count = _number(params, "index"), _number(params, "counter")
    page = calls[first : first + count]
    return {"count": len(calls), "Dialogs": [dialogs.shown(live) for live in page]}


def _dlg_end_dlg(node: Node, params: Params) -> Any:
    node.dialogs.hang_up(str(params["dialog_id"]))
    return "OK"


def _number(params: Params, name: str) -> int:
    try:
        return max(int(params[name]), 0)
    except (TypeError, ValueError):
        raise invalid_params(f"Bad type for parameter '{name}'") from None


def _dr_reload(node: Node, params: Params) -> Any:
    _no_partitions(params)
    node.reload_routes(inherit=params.get("inherit_state", "y") != "n")
    return "OK"


def _dr_reload_status(node: Node, params: Params) -> Any:
    return {"Date": node.ctime(node.routes_loaded_ms)}


def _dr_gw_status(node: Node, params: Params) -> Any:
    _no_partitions(params)
    routes = _routes(node)
    if "gw_id" not in params:
        return {"Gateways": [gateway.shown() for gateway in routes.gateways.values()]}
    gateway = routes.gateway(str(params["gw_id"]))
    if "status" not in params:
        return gateway.status()
    gateway.state = 0 if _number(params, "status") else 1
    return "OK"


def _dr_carrier_status(node: Node, params: Params) -> Any:
    _no_partitions(params)
    routes = _routes(node)
    if "carrier_id" not in params:
        return {"Carriers": [carrier.shown() for carrier in routes.carriers.values()]}
    carrier = routes.carrier(str(params["carrier_id"]))
    if "status" not in params:
        return carrier.status()
    carrier.enabled = bool(_number(params, "status"))
    return "OK"


def _dr_number_routing(node: Node, params: Params) -> Any:
    group = _number(params, "group_id") if "group_id" in params else DEFAULT_GROUP
    return _routes(node).look_up(str(params["number"]), group)


def _routes(node: Node) -> Routes:
    return node.routes or Routes()


def _no_partitions(params: Params) -> None:
    if "partition_name" in params:
        raise MiFailure(
            400,
            "Invalid parameter: 'partition_name'",
            "'partition_name' supported only when 'use_partitions' is set",
        )


def _ds_list(node: Node, params: Params) -> Any:
    empty = {"PARTITIONS": [{"name": "default", "SETS": []}]}
    return node.dispatcher.shown("full" in params) if node.dispatcher else empty


def _ds_set_state(node: Node, params: Params) -> Any:
    if node.dispatcher is None:
        raise MiFailure(404, "destination not found")
    state, group, address = (str(params[name]) for name in ("state", "group", "address"))
    node.dispatcher.set_state(state, group, address)
    return "OK"


def _sr_list_reports(node: Node, params: Params) -> Any:
    if "group" in params:
        return node.reports.shown(str(params["group"]))
    return node.reports.all()


def _reload(
    method: str, unknown_partition: MiFailure | None = None
) -> Callable[[Node, Params], Any]:
    def run(node: Node, params: Params) -> Any:
        if unknown_partition and params.get("partition", "default") != "default":
            raise unknown_partition
        getattr(node, method)()
        return "OK"

    return run


def _addresses(attribute: str) -> Callable[[Node, Params], Any]:
    def run(node: Node, params: Params) -> Any:
        shown = {"Destinations": getattr(node, attribute)}
        if "partition" in params:
            return {"part": params["partition"]} | shown
        return {"Partitions": [{"name": "default"} | shown]}

    return run


_PARTITION = ((), ("partition",))
COMMANDS: dict[str, Command] = {
    "get_statistics": Command(_get_statistics, (("statistics",),)),
    "uptime": Command(_uptime),
    "version": Command(lambda node, params: {"Server": VERSION}),
    "which": Command(lambda node, params: list(COMMANDS)),
    "sr_list_reports": Command(_sr_list_reports, ((), ("group",))),
    "ul_dump": Command(lambda node, params: node.contacts("brief" in params), ((), ("brief",))),
    "domain_reload": Command(_reload("reload_domains")),
    "domain_dump": Command(lambda node, params: {"Domains": node.domains}),
    "dlg_list": Command(
        _dlg_list,
        ((), ("callid",), ("callid", "from_tag"), ("index", "counter")),
        named_only=True,
    ),
    "dlg_end_dlg": Command(_dlg_end_dlg, (("dialog_id",), ("dialog_id", "extra_hdrs"))),
    "dp_reload": Command(_dp_reload, _PARTITION),
    "dp_translate": Command(_dp_translate, (("dpid", "input"), ("dpid", "input", "partition"))),
    "dp_show_partition": Command(_dp_show_partition, _PARTITION),
    "dr_reload": Command(
        _dr_reload,
        (
            (),
            ("partition_name",),
            ("inherit_state",),
            ("partition_name", "inherit_state"),
        ),
    ),
    "dr_gw_status": Command(
        _dr_gw_status, ((), ("gw_id",), ("partition_name",), ("gw_id", "status"))
    ),
    "dr_carrier_status": Command(
        _dr_carrier_status,
        ((), ("carrier_id",), ("partition_name",), ("carrier_id", "status")),
    ),
    "dr_number_routing": Command(_dr_number_routing, (("number",), ("group_id", "number"))),
    "dr_reload_status": Command(_dr_reload_status),
    "ds_set_state": Command(_ds_set_state, (("state", "group", "address"),)),
    "ds_list": Command(_ds_list, ((), ("full",))),
    "ds_reload": Command(
        _reload("reload_dispatcher", MiFailure(500, "ERROR Unknown partition")),
        _PARTITION,
    ),
    "address_reload": Command(
        _reload("reload_addresses", MiFailure(400, "Trusted table reload failed")),
        _PARTITION,
    ),
    "address_dump": Command(_addresses("hosts"), _PARTITION),
    "subnet_dump": Command(_addresses("networks"), _PARTITION),
}


def execute(node: Node, method: str, params: Any = None) -> Any:
    """The result of a command; raises MiFailure. ``params``: None, a list or an object."""
    command = COMMANDS.get(method)
    if command is None:
        raise MiFailure(-32601, "Method not found")
    return command.run(node, command.arguments(params))
