"""The shipped configuration on a real OpenSIPS with MariaDB, driven by sipp.

Runs when ``PANEL_TEST_OPENSIPS`` names an OpenSIPS 3.6 binary that has the modules of
``opensips_scripts/opensips.cfg``. Everything listens on loopback.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.integration.charging_stub import ChargingStub
from tests.integration.lab import DOMAIN, PASSWORD, Lab, private_mariadb, running_lab
from tests.integration.sipp import Batch, register, sipp_calls
from tests.integration.switch import free_port

BINARY = os.environ.get("PANEL_TEST_OPENSIPS", "")
pytestmark = pytest.mark.skipif(not BINARY, reason="PANEL_TEST_OPENSIPS names no OpenSIPS binary")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with private_mariadb(Path(BINARY), tmp_path_factory.mktemp("mariadb")) as made:
        yield made


@pytest.fixture(scope="class")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(Path(BINARY), engine, tmp_path_factory.mktemp("switch")) as made:
        yield made


@pytest.fixture(scope="class")
def charging() -> Iterator[ChargingStub]:
    stub = ChargingStub()
    yield stub
    stub.stop()


@pytest.fixture(scope="class")
def charged(
    engine: Engine, charging: ChargingStub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    workdir = tmp_path_factory.mktemp("charged")
    with running_lab(Path(BINARY), engine, workdir, charging=charging.address) as made:
        yield made


class TestCalls:
    def test_answered_calls_leave_one_row_each_with_what_was_dialled(self, lab: Lab) -> None:
        batch = sipp_calls(
            lab.switch.sip_port, lab.workdir, number="0012125550100",
            local_port=lab.trunk_port, count=10, hold_ms=1100,
        )  # fmt: skip
        assert batch.ok, batch.output
        rows = lab.wait_rows("acc", batch.prefix, 10)
        for row in rows:
            assert row["callee"] == "0012125550100", "as dialled, before the dialplan"
            assert (row["account"], row["caller"]) == ("trunk-one", "trunk")
            assert (row["gateway"], row["sip_code"]) == ("answer", "200")
            assert 1000 <= row["ms_duration"] < 1600
            assert row["user_agent"] == "sipp"
            assert row["src_ip"] == "127.0.0.1"
            assert row["caller_domain"] == DOMAIN
        assert len({row["charge_id"] for row in rows}) == 10, "each call has an id of its own"
        assert lab.rows("missed_calls", batch.prefix) == []
        assert lab.gateways["answer"].numbers()[-10:] == ["12125550100"] * 10

    def test_a_subscriber_calls_with_his_password_and_is_the_account(self, lab: Lab) -> None:
        batch = sipp_calls(
            lab.switch.sip_port, lab.workdir, number="1333", user="alice", password=PASSWORD,
            local_port=free_port(), hold_ms=200,
        )  # fmt: skip
        assert batch.ok, batch.output
        (row,) = lab.wait_rows("acc", batch.prefix, 1)
        assert (row["caller"], row["account"]) == ("alice", f"alice@{DOMAIN}")

    def test_a_wrong_password_is_no_call(self, lab: Lab) -> None:
        batch = sipp_calls(
            lab.switch.sip_port, lab.workdir, number="1333", user="alice", password="wrong",
            local_port=free_port(), expect=407,
        )  # fmt: skip
        assert batch.ok, batch.output
        assert lab.rows("acc", batch.prefix) == []

    def test_a_registered_subscriber_is_called_directly(self, lab: Lab) -> None:
        phone = lab.gateways["answer"].port
        done = register(
            lab.switch.sip_port, lab.workdir, user="bob", password=PASSWORD,
            contact_port=phone, local_port=free_port(),
        )  # fmt: skip
        assert done.ok, done.output
        batch = sipp_calls(
            lab.switch.sip_port, lab.workdir, number="bob", user="alice", password=PASSWORD,
            local_port=free_port(), hold_ms=200,
        )  # fmt: skip
        assert batch.ok, batch.output
        (row,) = lab.wait_rows("acc", batch.prefix, 1)
        assert (row["callee"], row["gateway"]) == ("bob", None)

    @pytest.mark.parametrize(
        ("number", "expect", "code", "gateway"),
        [
            ("2001", 486, "486", "busy"),
            ("3001", 404, "404", "none"),
            ("5001", "cancel", "487", "ring"),
        ],
    )
    def test_a_failed_call_stands_in_both_tables(
        self, lab: Lab, number: str, expect: Any, code: str, gateway: str
    ) -> None:
        batch = sipp_calls(
            lab.switch.sip_port, lab.workdir, number=number, local_port=lab.trunk_port,
            count=3, expect=expect, hold_ms=300,
        )  # fmt: skip
        assert batch.ok, batch.output
        for table in ("acc", "missed_calls"):
            for row in lab.wait_rows(table, batch.prefix, 3):
                assert (row["sip_code"], row["gateway"]) == (code, gateway)
                assert (row["callee"], row["account"]) == (number, "trunk-one")

    def test_the_ringing_timer_does_not_lose_the_call(self, lab: Lab) -> None:
        batch = sipp_calls(
            lab.switch.sip_port,
            lab.workdir,
            number="5002",
            local_port=lab.trunk_port,
            expect=408,
        )
        assert batch.ok, batch.output
        (row,) = lab.wait_rows("acc", batch.prefix, 1)
        assert row["sip_code"] in {"408", "487"}
        assert row["setuptime"] >= 3

    def test_failover_names_the_gateway_that_failed_and_the_one_that_answered(
        self, lab: Lab
    ) -> None:
        batch = sipp_calls(
            lab.switch.sip_port,
            lab.workdir,
            number="4001",
            local_port=lab.trunk_port,
            count=5,
        )
        assert batch.ok, batch.output
        for row in lab.wait_rows("acc", batch.prefix, 5):
            assert (row["sip_code"], row["gateway"], row["carrier"]) == (
                "200",
                "answer",
                "both",
            )
        for row in lab.wait_rows("missed_calls", batch.prefix, 5):
            assert (row["sip_code"], row["gateway"]) == ("503", "down")

    def test_no_gateway_left_and_no_route_are_recorded(self, lab: Lab) -> None:
        down = sipp_calls(
            lab.switch.sip_port,
            lab.workdir,
            number="6001",
            local_port=lab.trunk_port,
            expect=500,
        )
        assert down.ok, down.output
        assert lab.wait_rows("acc", down.prefix, 1)[0]["sip_code"] == "503"
        lost = sipp_calls(
            lab.switch.sip_port,
            lab.workdir,
            number="9001",
            local_port=lab.trunk_port,
            expect=404,
        )
        assert lost.ok, lost.output
        (row,) = lab.wait_rows("acc", lost.prefix, 1)
        assert (row["sip_code"], row["gateway"], row["to_tag"]) == ("404", None, None)

    def test_values_that_fit_no_column_do_not_lose_the_row(self, lab: Lab) -> None:
        batch = sipp_calls(
            lab.switch.sip_port, lab.workdir, number="1444", local_port=lab.trunk_port,
            user="u" * 100, user_agent="caf\udce9 " + "x" * 400, hold_ms=200,
        )  # fmt: skip
        assert batch.ok, batch.output
        (row,) = lab.wait_rows("acc", batch.prefix, 1)
        assert row["caller"] == "u" * 64
        assert row["user_agent"] == "caf? " + "x" * 250

    def test_a_call_id_longer_than_the_column_is_refused_not_given_away(self, lab: Lab) -> None:
        batch = sipp_calls(
            lab.switch.sip_port, lab.workdir, number="1444", local_port=lab.trunk_port,
            call_id="c" * 104, expect=400,
        )  # fmt: skip
        assert batch.ok, batch.output
        assert lab.rows("acc", batch.prefix) == []

    def test_a_from_tag_that_is_no_text_is_refused(self, lab: Lab) -> None:
        batch = sipp_calls(
            lab.switch.sip_port,
            lab.workdir,
            number="1444",
            local_port=lab.trunk_port,
            tag="caf\udce9",
            expect=400,
        )
        assert batch.ok, batch.output
        assert lab.rows("acc", batch.prefix) == []

    def test_a_dialplan_change_is_read_by_dp_reload(self, lab: Lab) -> None:
        with lab.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO dialplan"
                    " (dpid, pr, match_op, match_exp, subst_exp, repl_exp, attrs)"
                    " VALUES (1, 0, 1, :m, :m, :r, '')"
                ),
                {"m": "^77(.*)$", "r": r"2\1"},
            )
        assert lab.switch.mi("dp_reload") == "OK"
        batch = sipp_calls(
            lab.switch.sip_port,
            lab.workdir,
            number="77123",
            local_port=lab.trunk_port,
            expect=486,
        )
        assert batch.ok, batch.output
        assert lab.wait_rows("acc", batch.prefix, 1)[0]["callee"] == "77123"
        assert lab.gateways["busy"].numbers()[-1] == "2123"

    def test_mi_takes_a_body_above_the_stock_limit(self, lab: Lab) -> None:
        with pytest.raises(RuntimeError, match="404"):
            lab.switch.mi("dp_translate", {"dpid": 1, "input": "x" * 15_000})

    def test_a_call_from_a_gateway_has_no_account(self, lab: Lab) -> None:
        register(
            lab.switch.sip_port, lab.workdir, user="bob", password=PASSWORD,
            contact_port=lab.gateways["answer"].port, local_port=free_port(),
        )  # fmt: skip
        carrier_port = free_port()
        with lab.engine.begin() as connection:
            connection.execute(
                text("INSERT INTO dr_gateways (gwid, type, address) VALUES ('inbound', 0, :a)"),
                {"a": f"127.0.0.1:{carrier_port}"},
            )
        lab.switch.mi("dr_reload")
        batch = sipp_calls(
            lab.switch.sip_port,
            lab.workdir,
            number="bob",
            local_port=carrier_port,
            user_agent="",
        )
        assert batch.ok, batch.output
        (row,) = lab.wait_rows("acc", batch.prefix, 1)
        assert (row["gateway"], row["callee"]) == ("inbound", "bob")
        assert (row["account"], row["user_agent"]) == (None, None)


class TestCharging:
    def call(self, charged: Lab, number: str, **options: Any) -> Batch:
        batch = sipp_calls(
            charged.switch.sip_port, charged.workdir, number=number,
            local_port=charged.trunk_port, **options,
        )  # fmt: skip
        assert batch.ok, batch.output
        return batch

    def test_one_id_joins_all_messages_and_the_row(
        self, charged: Lab, charging: ChargingStub
    ) -> None:
        charging.seconds, charging.error = 30.0, None
        batch = self.call(charged, "001001")
        (row,) = charged.wait_rows("acc", batch.prefix, 1)
        events = charging.events(batch.prefix)
        assert len(events) == 4
        assert {event["ChargeID"] for event in events.values()} == {row["charge_id"]}
        assert {event["Account"] for event in events.values()} == {"trunk-one"}
        assert events["AuthorizeEventWithDigest"]["Destination"] == row["callee"] == "001001"

    def test_the_switch_ends_the_call_when_the_grant_is_used_up(
        self, charged: Lab, charging: ChargingStub
    ) -> None:
        charging.seconds, charging.error = 2.0, None
        batch = self.call(charged, "1001", expect="switch-bye")
        (row,) = charged.wait_rows("acc", batch.prefix, 1)
        assert 900 <= row["ms_duration"] <= 3100

    @pytest.mark.parametrize(
        ("seconds", "error", "expect"),
        [
            (0.0, None, 402),
            (1.0, "INSUFFICIENT_CREDIT", 402),
            (1.0, "ACCOUNT_NOT_FOUND", 403),
        ],
    )
    def test_a_refused_call_goes_nowhere_and_is_recorded(
        self,
        charged: Lab,
        charging: ChargingStub,
        seconds: float,
        error: str | None,
        expect: int,
    ) -> None:
        charging.seconds, charging.error = seconds, error
        before = charged.gateways["answer"].numbers()
        batch = self.call(charged, "1001", expect=expect)
        (row,) = charged.wait_rows("acc", batch.prefix, 1)
        assert (row["sip_code"], row["gateway"]) == (str(expect), None)
        assert charged.gateways["answer"].numbers() == before

    def test_a_busy_call_is_reported_so_that_its_hold_ends(
        self, charged: Lab, charging: ChargingStub
    ) -> None:
        charging.seconds, charging.error = 30.0, None
        batch = self.call(charged, "2001", expect=486)
        events = charging.events(batch.prefix)
        assert set(events) == {"AuthorizeEventWithDigest", "ProcessCDR"}

    def test_without_a_charging_server_no_call_goes(self, engine: Engine, tmp_path: Path) -> None:
        nobody = f"127.0.0.1:{free_port()}"
        with running_lab(Path(BINARY), engine, tmp_path, charging=nobody) as lone:
            batch = self.call(lone, "1001", expect=503)
            assert lone.wait_rows("acc", batch.prefix, 1)[0]["sip_code"] == "503"
