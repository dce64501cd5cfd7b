"""What the CDR says of gateways tried, delays and the end of a call, on a real OpenSIPS.

Calls are made by sipp through the shipped configuration, their rows are read with the panel's
own mediation. Runs when ``PANEL_TEST_OPENSIPS`` names an OpenSIPS 3.6 binary.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.mediation.call import Call
from tests.integration.lab import PASSWORD, Lab, private_mariadb, running_lab
from tests.integration.mediated import mediate
from tests.integration.sipp import sipp_calls
from tests.integration.switch import free_port

BINARY = os.environ.get("PANEL_TEST_OPENSIPS", "")
pytestmark = pytest.mark.skipif(not BINARY, reason="PANEL_TEST_OPENSIPS names no OpenSIPS binary")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with private_mariadb(Path(BINARY), tmp_path_factory.mktemp("mariadb")) as engine:
        with running_lab(Path(BINARY), engine, tmp_path_factory.mktemp("switch")) as made:
            yield made


def one(lab: Lab, number: str, **options: Any) -> Call:
    """The call that sipp makes to a number, as mediation reads it."""
    options.setdefault("local_port", lab.trunk_port)
    batch = sipp_calls(lab.switch.sip_port, lab.workdir, number=number, **options)
    assert batch.ok, batch.output
    lab.wait_rows("acc", batch.prefix, 1)
    (call,) = mediate(lab.engine, batch.prefix)
    return call


def end_by_switch(lab: Lab) -> threading.Thread:
    """Ends the next answered call by MI, half a second after its answer."""

    def wait() -> None:
        for _ in range(100):
            found = lab.switch.mi("dlg_list")["Dialogs"]
            live = [dialog for dialog in found if dialog["state"] == 4]
            if live:
                time.sleep(0.5)
                lab.switch.mi("dlg_end_dlg", {"dialog_id": live[0]["callid"]})
                return
            time.sleep(0.1)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_who_hung_up(lab: Lab) -> None:
    by_caller = one(lab, "0012125550100", hold_ms=400)
    assert (by_caller.hangup, by_caller.attempts, by_caller.tries) == ("caller", 1, ())
    assert (by_caller.dialled, by_caller.routed) == ("0012125550100", "12125550100")
    assert by_caller.trunk == "trunk-one"
    assert by_caller.pdd_ms is not None
    assert 0 <= by_caller.pdd_ms < 500
    by_callee = one(lab, "01", expect="switch-bye")
    assert (by_callee.hangup, by_callee.cause) == ("callee", 16)
    ending = end_by_switch(lab)
    assert one(lab, "1001", expect="switch-bye").hangup == "switch"
    ending.join()
    assert one(lab, "5001", expect="cancel", hold_ms=300).hangup == "caller"
    unanswered = one(lab, "5002", expect=408)
    assert (unanswered.hangup, unanswered.answered_at) == ("timeout", None)


def test_gateways_that_failed_before_are_attempts(lab: Lab) -> None:
    taken = one(lab, "4001")
    assert (taken.sip_code, taken.gateway, taken.carrier, taken.attempts) == (
        200, "answer", "both", 2,
    )  # fmt: skip
    (first,) = taken.tries
    assert (first.gateway, first.carrier, first.sip_code, first.cause) == ("down", "both", 503, 41)
    assert first.first_ms is None
    assert first.final_ms is not None
    assert 0 <= first.final_ms < 500
    assert taken.cause is None, "the other gateway's cause is not this one's"
    nobody = one(lab, "7001", expect=500)
    assert (nobody.gateway, nobody.sip_code, nobody.attempts) == ("also-down", 503, 2)
    assert [(one.gateway, one.sip_code) for one in nobody.tries] == [("down", 503)]
    assert (nobody.cause, nobody.hangup) == (41, "")


def test_refusals_and_what_decides_a_price(lab: Lab) -> None:
    busy = one(lab, "2001", expect=486, headers=["P-Asserted-Identity: <sip:+4930@trunk.example>"])
    assert (busy.sip_code, busy.cause, busy.hangup) == (486, 17, "")
    assert (busy.attempts, busy.tries, busy.asserted) == (1, (), "4930")
    moved = one(lab, "8001", expect=302, uri_user="8001;npdi;rn=+4989123")
    assert (moved.sip_code, moved.routing_number) == (302, "4989123")
    # Who proves himself by a password is not believed whom he asserts to be.
    alice = one(
        lab, "1333", user="alice", password=PASSWORD, local_port=free_port(), hold_ms=200,
        headers=["P-Asserted-Identity: <sip:911@x>", "P-Preferred-Identity: <sip:+4931@x>"],
    )  # fmt: skip
    assert (alice.asserted, alice.trunk) == ("4931", "")
