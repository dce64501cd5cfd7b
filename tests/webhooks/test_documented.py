"""docs/webhooks.md shows bodies as they are, and code that tells right signatures from wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core import outbox
from app.core.database import Databases, writing
from app.core.settings import Settings
from app.ledger import account
from app.provisioning import gateway_watch, nodes, pusher
from app.rounds import Runner
from app.webhooks import endpoints
from app.webhooks.deliverer import Deliverer
from tests.opensips.fake_mi import FakeNode
from tests.pipeline import recorded
from tests.provisioning.scene import adding, loader, submit, with_nodes
from tests.webhooks.receiver import Receiver
from tests.webhooks.scene import deliver, deliveries, listen, say

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def verified() -> Callable[..., Any]:
    """The documented function itself."""
    (code,) = blocks("python")
    made: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), made)  # noqa: S102 - our own page
    function: Callable[..., Any] = made["verified"]
    return function


def test_the_documented_code_verifies_a_real_delivery(
    panel_db: Databases,
    settings: Settings,
    receiver: Receiver,
    deliverer: Deliverer,
    verified: Callable[..., Any],
) -> None:
    number, secret = listen(panel_db, settings, receiver.url)
    say(panel_db)
    deliver(deliverer, lambda: bool(deliveries(panel_db, state="sent")))
    (got,) = receiver.got
    event = verified(secret, got.headers, got.body)
    assert (event["type"], event["data"]) == ("call.ended", {"number": 0})
    for headers, body in (
        (got.headers, got.body + b" "),
        (got.headers | {"webhook-id": "msg_other"}, got.body),
        (got.headers | {"webhook-timestamp": "1700000000"}, got.body),
        (got.headers | {"webhook-signature": "v1,AAAA"}, got.body),
    ):
        with pytest.raises(ValueError, match="wrong"):
            verified(secret, headers, body)
    two = got.headers | {"webhook-signature": f"v1,AAAA {got.headers['webhook-signature']}"}
    assert verified(secret, two, got.body)
    with writing(panel_db.panel) as connection:
        row = endpoints.get(connection, number, None)
        newer = endpoints.renew_secret(connection, settings, row)
    say(panel_db)
    deliver(deliverer, lambda: len(receiver.got) == 2)
    last = receiver.got[-1]
    assert verified(newer, last.headers, last.body)
    with pytest.raises(ValueError, match="wrong"):
        verified(secret, last.headers, last.body)


def _shape(value: Any) -> Any:
    """What a body looks like: names, and kinds of values."""
    if isinstance(value, dict):
        return {name: _shape(one) for name, one in value.items()}
    return type(value).__name__


def test_the_documented_bodies_are_the_real_ones(
    dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    number, _ = listen(dbs, settings, "https://hooks.example.net/panel")
    recorded.load(dbs, recorded.scenarios(shared_dir)[:1])
    alice = recorded.price_alice(dbs)
    with writing(dbs.panel) as connection:
        account.set_low_balance(connection, alice, 0)
        endpoints.test(connection, endpoints.get(connection, number, None))
    hasty = replace(settings, settling_ms=0, country="", trunk_prefix="")
    Runner(dbs, hasty).to_the_end(lambda _rows: None)
    with FakeNode(loader(dbs)) as node:
        one = with_nodes(settings, edge=node.url)
        node.mode = "refuse_reload"
        submit(dbs, one, adding(dbs))
        pusher.run_due(dbs, one)
    with writing(dbs.panel) as connection:
        (edge,) = nodes.in_use(connection)
        for state in ("Active", "Probing"):
            gateway_watch.note(connection, edge, {"gw1": ("192.0.2.10:5060", state)})
    real = {row.event: _shape(json.loads(row.body)) for row in deliveries(dbs)}
    shown = {said["type"]: _shape(said) for said in map(json.loads, blocks("json"))}
    assert set(real) == {*outbox.EVENTS, outbox.TEST}
    assert shown == real
