"""The demo switch's MI beside the recorded one."""

import json
import socket
from http.client import HTTPConnection, RemoteDisconnected

import pytest

from app.core.database import writing
from app.opensips.simulator.commands import COMMANDS
from app.opensips.simulator.server import respond
from tests.opensips.simulator import recorded

# Replies that depend on the hour, on rows that we have no copy of, or on more commands than ours.
_OTHERWISE = (
    "sr_list_reports",
    "which",
    "uptime",
    "ul_dump",
    "address_dump",
    "subnet_dump",
    "ds_list",
)


def ask(node, method, params=None):
    request = {"jsonrpc": "2.0", "method": method, "id": 1}
    status, reply = respond(
        node,
        json.dumps(request | ({} if params is None else {"params": params})).encode(),
    )
    assert status == 200
    return reply.get("result", reply.get("error"))


def _replayed():
    for place, exchange in enumerate(recorded.mi()):
        request, reply = exchange["request"], exchange["response"]
        if exchange.get("http_status") != 200 or exchange.get("http", {}).get("method") == "GET":
            continue
        if isinstance(request, dict) and isinstance(request.get("method"), str):
            method = request["method"]
            if (
                method in COMMANDS
                and method not in _OTHERWISE
                and "table" not in str(exchange.get("note"))
            ):
                yield place, request, reply
        elif isinstance(request, str | list) and request:
            yield place, request, reply


_ERRORS = [
    pytest.param(request, reply, id=str(place))
    for place, request, reply in _replayed()
    if "error" in reply
]


@pytest.mark.parametrize("request_, reply", _ERRORS)
def test_errors_are_those_of_the_real_server(node, request_, reply):
    body = request_ if isinstance(request_, str) else json.dumps(request_)
    assert respond(node, body.encode()) == (200, reply)


@pytest.mark.parametrize(
    "exchange",
    [
        found
        for found in recorded.mi()
        if isinstance(found["request"], dict)
        and str(found["request"].get("method"))
        in ("dp_translate", "version", "domain_dump", "dr_carrier_status")
        and found["http_status"] == 200
        and "id" in found["request"]
        # Asked after somebody had switched the carrier off.
        and (found["request"]["method"], found["request"]["id"]) != ("dr_carrier_status", 124)
    ],
    ids=lambda found: str(found["request"]["id"]),
)
def test_replies_are_those_of_the_real_server(node, exchange):
    status, reply = respond(node, json.dumps(exchange["request"]).encode())
    assert status == 200
    if exchange["request"]["method"] == "domain_dump":
        assert sorted(map(str, reply["result"]["Domains"])) == sorted(
            map(str, exchange["response"]["result"]["Domains"])
        )
    else:
        assert reply == exchange["response"]


def test_statistics_have_the_recorded_names(node):
    wanted = next(
        found["response"]["result"]
        for found in recorded.mi()
        if isinstance(found["request"], dict)
        and found["request"].get("params") == {"statistics": ["dialog:", "tm:"]}
    )
    names = {name for name in wanted if name.startswith("dialog:")}
    assert set(ask(node, "get_statistics", {"statistics": ["dialog:"]})) == names
    assert ask(node, "get_statistics", {"statistics": ["dialog:active_dialogs"]}) == {}
    assert ask(node, "get_statistics", {"statistics": ["active_dialogs", "nosuch"]}) == {
        "dialog:active_dialogs": 0
    }


def test_only_a_reload_changes_the_dialplan(node, switch):
    from app.opensips.simulator.tables import TABLES

    plan = TABLES["dialplan"]
    with writing(switch) as connection:
        connection.execute(plan.update().where(plan.c.match_exp == "112").values(repl_exp="110"))
    assert ask(node, "dp_translate", [1, "112"])["Output"] == "911"
    assert ask(node, "dp_reload") == "OK"
    assert ask(node, "dp_translate", [1, "112"])["Output"] == "110"


def test_a_reload_without_its_table_fails_and_keeps_the_old_rules(node, switch):
    with writing(switch) as connection:
        connection.exec_driver_sql("DROP TABLE dialplan")
    failed = {
        "code": -32000,
        "message": "Server error",
        "data": "Command handler returned null",
    }
    assert ask(node, "dp_reload") == failed
    assert ask(node, "dp_translate", [1, "112"])["Output"] == "911"


def test_an_invalid_rule_is_skipped_and_the_reload_says_ok(node, switch):
    from app.opensips.simulator.tables import TABLES

    plan = TABLES["dialplan"]
    with writing(switch) as connection:
        connection.execute(plan.update().where(plan.c.match_exp == "112").values(match_op=1))
        connection.execute(plan.update().where(plan.c.match_exp == "112").values(match_exp="^(1"))
    assert ask(node, "dp_reload") == "OK"
    assert ask(node, "dp_translate", [1, "112"])["message"] == "No translation"


def test_reports_count_what_was_loaded_and_what_was_left_out(node, switch):
    from app.opensips.simulator.tables import TABLES

    plan = TABLES["dialplan"]
    with writing(switch) as connection:
        connection.execute(plan.update().where(plan.c.dpid == 2).values(match_exp="^("))
    ask(node, "dp_reload")
    (identifier,) = ask(node, "sr_list_reports", {"group": "dialplan"})
    logs = [report["Log"] for report in identifier["Reports"]]
    assert logs[-3:] == [
        "starting DB data loading",
        "DB data loading successfully completed",
        "3 rules loaded (1 discarded)",
    ]
    recorded_ = next(
        found["response"]["result"]
        for found in recorded.mi()
        if isinstance(found["request"], dict)
        and found["request"].get("method") == "sr_list_reports"
        and found["request"].get("params") == {"group": "drouting"}
    )
    wanted = next(found for found in recorded_ if found["Name"] == "Default")["Reports"]
    (shown,) = ask(node, "sr_list_reports", {"group": "drouting"})
    assert shown["Name"] == "Default"
    assert [set(report) for report in shown["Reports"]] == [set(wanted[0])] * 3
    assert shown["Reports"][-1]["Log"] == (
        "3 gateways loaded (0 discarded), 3 carriers loaded (0 discarded),"
        " 0 rules loaded (0 discarded)"
    )
    with writing(switch) as connection:
        connection.exec_driver_sql("DROP TABLE dialplan")
    ask(node, "dp_reload")
    (identifier,) = ask(node, "sr_list_reports", {"group": "dialplan"})
    assert identifier["Reports"][-1]["Log"] == "DB data loading failed, discarding"
    assert ask(node, "sr_list_reports", {"group": "nosuch"})["code"] == 404


def test_a_gateway_state_set_by_mi_survives_a_reload_unless_told_otherwise(node):
    assert ask(node, "dr_gw_status", {"gw_id": "gw1", "status": 0}) == "OK"
    assert ask(node, "dr_reload") == "OK"
    assert ask(node, "dr_gw_status", {"gw_id": "gw1"})["State"] == "Disabled MI"
    assert ask(node, "dr_reload", {"inherit_state": "n"}) == "OK"
    assert ask(node, "dr_gw_status", {"gw_id": "gw1"}) == {
        "ATTRS": "cost=1",
        "State": "Active",
    }


def test_numbers_are_routed_by_the_longest_prefix(node, switch):
    from app.opensips.simulator.tables import TABLES

    base = {"groupid": "0,1", "priority": 0, "sort_alg": "N", "attrs": None}
    with writing(switch) as connection:
        connection.execute(
            TABLES["dr_rules"].insert(),
            [
                base | {"prefix": "49", "gwlist": "gw1,#carA"},
                base | {"prefix": "4930", "gwlist": "#carB,nosuch"},
                base | {"prefix": "+1", "gwlist": "gw1"},
                base | {"prefix": "44", "gwlist": "gw1;gw2"},
            ],
        )
    assert ask(node, "dr_reload") == "OK"
    assert ask(node, "dr_number_routing", {"number": "49301"}) == {
        "Matched Prefix": "4930",
        "GW List": [{"CARRIER": "carB"}],
    }
    assert ask(node, "dr_number_routing", {"group_id": 1, "number": "4989"})["GW List"] == [
        {"GATEWAY": "gw1"},
        {"CARRIER": "carA"},
    ]
    for number in ("+1", "441"):
        assert ask(node, "dr_number_routing", {"number": number}) == "No match"


def post(server, body, content_type="application/json", path="/mi", method="POST"):
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        headers = {"Content-Type": content_type} if content_type else {}
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        never_ends = reply.headers.get("Transfer-Encoding") == "chunked"
        return reply.status, None if never_ends else reply.read()
    finally:
        connection.close()


_UPTIME = b'{"jsonrpc":"2.0","method":"version","id":1}'


@pytest.mark.parametrize("path", ["/mi", "/mi/", "/mi/dlg_list"])
@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/json-rpc"])
def test_http_answers_compact_json(mi_server, path, kind):
    status, body = post(mi_server, _UPTIME, kind, path)
    assert status == 200
    assert body.startswith(b'{"jsonrpc":"2.0","result":{"Server":"OpenSIPS (3.6')


@pytest.mark.parametrize("kind", ["text/plain", ""])
def test_http_drops_other_content_types(mi_server, kind):
    with pytest.raises(RemoteDisconnected):
        post(mi_server, _UPTIME, kind)


def test_http_says_what_it_does_not_serve(mi_server):
    assert post(mi_server, _UPTIME, path="/json")[0] == 400
    assert post(mi_server, _UPTIME, method="PUT")[0] == 406
    assert post(mi_server, b"", method="GET") == (405, None)
    assert post(mi_server, _UPTIME, "application/x-www-form-urlencoded") == (400, None)


def test_a_notification_is_carried_out_and_its_answer_never_ends(mi_server):
    assert post(mi_server, b'{"jsonrpc":"2.0","method":"dp_reload"}') == (202, None)


def test_a_client_that_hangs_keeps_nobody_waiting(mi_server):
    with socket.create_connection(("127.0.0.1", mi_server.server_port)) as silent:
        silent.sendall(b"POST /mi HTTP/1.1\r\nContent-Type: application/json\r\n")
        assert post(mi_server, _UPTIME)[0] == 200
