"""The demo switch as a process: it starts, answers, and stops cleanly."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from sqlalchemy import func, select

from app.core.database import reading
from app.core.errors import SettingsError
from app.opensips.simulator.run import serve
from app.opensips.simulator.tables import TABLES

_PROGRAM = """
import sys
from app.core.database import make_engine
from app.opensips.simulator.run import run
run(make_engine(sys.argv[1]), "UTC", "127.0.0.1", int(sys.argv[2]), 20.0)
"""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _ask(port, method):
    body = json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/mi", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)["result"]


def _count(engine, name):
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(TABLES[name]))


def _wait(condition, process):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, process.stderr.read()
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("the demo switch did not get that far in 30 s")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_every_call_has_its_rows(switch, by):
    port = _free_port()
    arguments = [sys.executable, "-c", _PROGRAM, str(switch.url), str(port)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait(lambda: _ask(port, "version"), process)
            _wait(
                lambda: _count(switch, "dialog") > 20 and _count(switch, "acc") > 2,
                process,
            )
            process.send_signal(by)
            assert process.wait(timeout=15) == 0, process.stderr.read()
        finally:
            process.kill()
    assert _count(switch, "dialog") == 0
    assert _count(switch, "acc") > 20


def test_a_killed_switch_leaves_dialogs_that_the_next_one_clears(switch, node):
    with switch.execution_options(writing=True).begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO dialog (dlg_id, callid, from_uri, from_tag, to_uri, to_tag, caller_cseq,"
            " callee_cseq, caller_ping_cseq, callee_ping_cseq, caller_sock, callee_sock, state,"
            " start_time, timeout) VALUES (7, 'dead@lab', '', '', '', '', '', '', 0, 0, '', '',"
            " 4, 1, 2)"
        )
    stop = threading.Event()
    stop.set()
    serve(switch, "UTC", "127.0.0.1", 0, stop)
    assert _count(switch, "dialog") == 0


def test_a_taken_port_is_said_in_a_sentence(switch):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SettingsError, match=r"cannot listen on 127\.0\.0\.1"),
    ):
        serve(switch, "UTC", "127.0.0.1", taken.getsockname()[1], threading.Event())


def test_without_opensips_tables_it_says_so(tmp_path):
    from app.core.database import make_engine
    from app.core.errors import SwitchTableError

    engine = make_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(SwitchTableError, match="no table 'acc'"):
        serve(engine, "UTC", "127.0.0.1", 0, threading.Event())
    engine.dispose()
