"""A demo switch with OpenSIPS's tables in a file of its own."""

import threading

import pytest

from app.core.database import make_engine, writing
from app.opensips.simulator.dialogs import Dialogs
from app.opensips.simulator.node import Node
from app.opensips.simulator.server import MiServer
from app.opensips.tables import create_opensips_tables


@pytest.fixture
def switch(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'switch.db'}")
    create_opensips_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def node(switch):
    """A node whose tables hold what those of the recorded server held."""
    from app.opensips.simulator.tables import TABLES

    rule = {"match_op": 1, "match_flags": 0, "disabled": 0, "timerec": None}
    plan = [
        (1, 1, 0, "112", "112", "911", "emergency"),
        (1, 2, 1, r"^00[1-9][0-9]+$", r"^00(.*)$", r"+\1", "intl"),
        (1, 3, 1, r"^0[1-9][0-9]+$", r"^0(.*)$", r"+40\1", "national"),
        (2, 1, 1, r"^\+1900", None, None, "premium"),
    ]
    names = ("dpid", "pr", "match_op", "match_exp", "subst_exp", "repl_exp", "attrs")
    gateway = {"type": 0, "strip": 0, "probe_mode": 0, "state": 0}
    with writing(switch) as connection:
        connection.execute(
            TABLES["dialplan"].insert(),
            [rule | dict(zip(names, p, strict=True)) for p in plan],
        )
        connection.execute(
            TABLES["dr_gateways"].insert(),
            [
                gateway | {"gwid": "gw1", "address": "127.0.0.1:5671", "attrs": "cost=1"},
                gateway | {"gwid": "gw2", "address": "127.0.0.1:5672", "attrs": "cost=2"},
                gateway
                | {
                    "gwid": "gw3",
                    "address": "127.0.0.1:5673",
                    "attrs": None,
                    "state": 1,
                },
            ],
        )
        connection.execute(
            TABLES["dr_carriers"].insert(),
            [
                {
                    "carrierid": "carA",
                    "gwlist": "gw1,gw2",
                    "attrs": "carrier-attrs",
                    "state": 0,
                },
                {"carrierid": "carB", "gwlist": "gw2", "attrs": None, "state": 0},
                {"carrierid": "carOff", "gwlist": "gw2", "attrs": None, "state": 1},
            ],
        )
        connection.execute(
            TABLES["domain"].insert(),
            [
                {"domain": "sip.example.net", "attrs": None},
                {"domain": "lab.local", "attrs": "tenant=1"},
            ],
        )
    found = Node(switch, Dialogs("UTC"))
    found.load_all()
    return found


@pytest.fixture
def mi_server(node):
    server = MiServer("127.0.0.1", 0, node)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
