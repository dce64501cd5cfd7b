"""Events and states as people read them."""

from __future__ import annotations

from app.core.outbox import DEAD, SENT, WAITING
from app.core.words import _l

EVENT_WORDS = {
    "call.ended": _l("A call ended"),
    "call.priced": _l("A call got its price"),
    "balance.low": _l("A balance fell below its low one"),
    "push.failed": _l("A change could not be pushed to a node"),
    "gateway.down": _l("A gateway went down"),
    "test": _l("A test"),
}
# state → its word and its tone
STATE_WORDS = {
    WAITING: (_l("waiting"), "warn"),
    SENT: (_l("sent"), "ok"),
    DEAD: (_l("dead"), "bad"),
}
