"""Reading the module's requests, with the faults that it is known for."""

from __future__ import annotations

from typing import Any

import pytest

from app.charging.event import Grant, Step
from app.charging.protocols import cgrates
from app.charging.protocols.cgrates import BadRequest, read_request

EVENT = {
    "ToR": "*voice",
    "Tenant": "lab.local",
    "OriginID": "abc@host",
    "Account": "alice@lab.local",
    "SetupTime": "1795393464",
    "Destination": "0012125550106",
}


def _request(method: str = "SessionSv1.InitiateSession", **event: Any) -> cgrates.Request:
    return read_request({"id": 7, "method": method, "params": [{"Event": EVENT | event}]})


def test_an_event_is_read() -> None:
    found = _request(AnswerTime="1795393470", ChargeID="c-1", DialogID=998168007, DialogEntry=301)
    event = found.event
    assert event is not None
    assert (found.id, found.old, event.step) == (7, False, Step.START)
    assert (event.call_id, event.account, event.domain) == (
        "abc@host",
        "alice@lab.local",
        "lab.local",
    )
    assert (event.setup_at, event.answered_at) == (1_795_393_464_000, 1_795_393_470_000)
    assert (event.charge_id, event.dialog_id, event.dialog_entry) == ("c-1", 998168007, 301)


def test_the_older_dialect_is_flat() -> None:
    found = read_request({"id": 7, "method": "SMGenericV1.GetMaxUsage", "params": [EVENT]})
    assert found.old
    assert found.event is not None
    assert found.event.step is Step.AUTHORISE


@pytest.mark.parametrize(
    ("header", "call_id"),
    [
        ("Call-ID: abc@host", "abc@host"),
        ("Call-ID:abc@host\r\n", "abc@host"),
        ("CALL-ID : \tabc@host", "abc@host"),
        ("i: abc@host", "abc@host"),
        ("I:abc@host", "abc@host"),
        ("i: i:abc@host", "i:abc@host"),
        ("Call-ID: i: abc", "i: abc"),
        ("abc@host", "abc@host"),
        ("Call-IDabc", "Call-IDabc"),
    ],
)
def test_the_cdr_of_an_unanswered_call_names_the_whole_header(header: str, call_id: str) -> None:
    event = _request("SessionSv1.ProcessCDR", OriginID=header, DisconnectCause="").event
    assert event is not None
    assert event.call_id == call_id


def test_elsewhere_a_call_id_may_begin_like_a_header() -> None:
    for method in ("SessionSv1.InitiateSession", "SessionSv1.ProcessCDR"):
        event = _request(method, OriginID="i:abc", AnswerTime="1795393470").event
        assert event is not None
        assert event.call_id == "i:abc"


def test_a_run_is_named_after_a_bar_in_start_and_stop_only() -> None:
    for step, method in (("Initiate", True), ("Terminate", True)):
        event = _request(f"SessionSv1.{step}Session", OriginID="a|b@host|carrier").event
        assert event is not None
        assert method
        assert (event.call_id, event.head, event.tag) == ("a|b@host|carrier", "a|b@host", "carrier")
    event = _request("SessionSv1.ProcessCDR", OriginID="a|b@host", AnswerTime="1").event
    assert event is not None
    assert (event.call_id, event.head, event.tag) == ("a|b@host", None, "")


@pytest.mark.parametrize(
    ("usage", "ms"),
    [
        ("0s", 0),
        ("2s", 2000),
        ("1m3s", 63_000),
        ("1.5s", 1500),
        ("1h2m3.25s", 3_723_250),
        ("300ms", 300),
        (".5s", 500),
        ("1s1ns", 1001),
        ("2000000000", 2000),
        (1_500_000_000, 1500),
        ("999999h", 400 * 86_400_000),
    ],
)
def test_usage_is_a_go_duration(usage: Any, ms: int) -> None:
    event = _request("SessionSv1.TerminateSession", Usage=usage).event
    assert event is not None
    assert event.usage_ms == ms


@pytest.mark.parametrize("usage", ["2", "s", "2x", "1s ", " 1s", "-1s", "1e3s", "²s", True, [1]])
def test_other_usages_are_refused_or_nanoseconds(usage: Any) -> None:
    if usage == "2":
        event = _request("SessionSv1.TerminateSession", Usage=usage).event
        assert event is not None
        assert event.usage_ms == 1  # two nanoseconds, rounded up
        return
    with pytest.raises(BadRequest, match="Usage"):
        _request("SessionSv1.TerminateSession", Usage=usage)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"method": "SessionSv1.Foo", "params": [{}]}, "Unknown Method"),
        ({"method": ["x"], "params": [{}]}, "Unknown Method"),
        ({"params": [{}]}, "Unknown Method"),
        ({"method": "SessionSv1.ProcessCDR"}, "params"),
        ({"method": "SessionSv1.ProcessCDR", "params": []}, "params"),
        ({"method": "SessionSv1.ProcessCDR", "params": [{}]}, "Event"),
        ({"method": "SessionSv1.ProcessCDR", "params": [{"Event": []}]}, "Event"),
        ({"method": "SMGenericV1.ProcessCDR", "params": [{"OriginID": "a"}]}, "Account"),
        ({"method": "SMGenericV1.ProcessCDR", "params": [{"Account": "a"}]}, "OriginID"),
    ],
)
def test_incomplete_requests_are_named(message: dict[str, Any], text: str) -> None:
    with pytest.raises(BadRequest, match=text):
        read_request(message)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Account", "a" * 129),
        ("Account", "a\0b"),
        ("Account", "\ud800"),
        ("Account", {"a": 1}),
        ("Destination", True),
        ("AnswerTime", "yesterday"),
        ("SetupTime", "9" * 12),
    ],
)
def test_hostile_values_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=name):
        _request(**{name: value})


def test_a_long_call_id_is_cut_as_mediation_cuts_it() -> None:
    event = _request(OriginID="x" * 300).event
    assert event is not None
    assert event.call_id == "x" * 255


def test_a_charge_id_too_long_for_the_column_is_not_used() -> None:
    event = _request(ChargeID="x" * 65).event
    assert event is not None
    assert event.charge_id is None


def test_no_money_is_a_plain_zero() -> None:
    request = _request("SessionSv1.AuthorizeEventWithDigest")
    assert b'"MaxUsage": 0,' in cgrates.grant_reply(request, Grant(0))
    assert b'"MaxUsage": 3.0,' in cgrates.grant_reply(request, Grant(3999))


def test_an_error_is_always_text() -> None:
    assert cgrates.error_reply(7, "X") == b'{"id": 7, "result": null, "error": "X"}'
    assert b'"error": "SERVER_ERROR"' in cgrates.error_reply(None, "")
