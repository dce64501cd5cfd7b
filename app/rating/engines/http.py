"""An engine behind HTTP: JSON out, JSON in, every batch under its own key.

Request: ``{"batch": key, "calls": [{"id", "account", "caller", "number", "answered_at",
"duration_ms"}]}``. Answer: ``{"batch": key, "results": [{"id", "price", "currency",
"destination"} or {"id", "unpriced": reason}]}``; money as decimal text, ids as text. The engine
must answer the same key with the same results (``docs/examples/rating_engine.py`` does it in
forty lines).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests

from app.core import clock, money
from app.core.errors import CompanionError
from app.rating.engine import Batch, EngineUnavailable, RatableCall, Rated, Result, Unrated
from app.rating.tariff import Reason

_LARGEST_ANSWER = 64 * 1024 * 1024


class HttpEngine:
    """Asks a service outside; it may be slow, wrong or gone, and no call is lost for it."""

    name = "http"
    inline = False

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self.timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def rate(self, batch: Batch) -> list[Result]:
        """The engine's results; a call that it leaves out is unpriced, a wrong answer refused."""
        answer = self._post({"batch": batch.key, "calls": [_described(c) for c in batch.calls]})
        if answer.get("batch") != batch.key or not isinstance(answer.get("results"), list):
            raise EngineUnavailable(
                f"The rating engine at {self.url} answered another batch than was sent.",
                "See its log; the batch will be sent again.",
            )
        results: dict[int, Result] = {}
        for item in answer["results"]:
            result = _result(item)
            if result.call_id in results:
                raise EngineUnavailable(
                    f"The rating engine at {self.url} priced call {result.call_id} twice.",
                    "See its log; the batch will be sent again.",
                )
            results[result.call_id] = result
        return [
            results.get(call.id, Unrated(call.id, Reason.ENGINE_REFUSED)) for call in batch.calls
        ]

    def quote(self, call: RatableCall) -> Result:
        """The price of one call under a key that is never used for a batch."""
        answer = self._post({"batch": None, "calls": [_described(call)]})
        items = answer.get("results") or []
        return _result(items[0]) if items else Unrated(call.id, Reason.ENGINE_REFUSED)

    def health(self) -> str:
        """Empty when the engine answers an empty batch."""
        try:
            self._post({"batch": None, "calls": []})
        except EngineUnavailable as exc:
            return str(exc)
        return ""

    def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            with self._session.post(
                self.url, json=body, timeout=self.timeout, allow_redirects=False, stream=True
            ) as response:
                if response.status_code != 200:
                    raise EngineUnavailable(
                        f"The rating engine at {self.url} answered {response.status_code}.",
                        "See its log; the calls stay unpriced and will be sent again.",
                    )
                text = response.raw.read(_LARGEST_ANSWER, decode_content=True)
            answer = json.loads(text)
        except (requests.RequestException, ValueError, OSError) as exc:
            raise EngineUnavailable(
                f"The rating engine at {self.url} does not answer: {type(exc).__name__}.",
                "Start it or check PANEL_ENGINE_URL; the calls are priced when it returns.",
            ) from exc
        if not isinstance(answer, dict):
            raise EngineUnavailable(f"The rating engine at {self.url} did not answer an object.")
        return answer


def _described(call: RatableCall) -> dict[str, Any]:
    return {
        "id": str(call.id),
        "account": call.account,
        "caller": call.caller,
        "number": call.number,
        "answered_at": clock.iso(call.answered_at),
        "duration_ms": call.duration_ms,
    }


def _result(item: Any) -> Result:
    try:
        call_id = int(item["id"])
        if "price" not in item:
            return Unrated(call_id, Reason.ENGINE_REFUSED)
        currency = str(item["currency"])
        price = item["price"]
        if not isinstance(price, str) or len(currency) != 3:
            raise ValueError("price must be decimal text, currency an ISO 4217 code")
        units = money.to_units(money.parse_decimal(price, "price"), currency)
        return Rated(call_id, units, currency, str(item.get("destination", ""))[:80])
    except (KeyError, TypeError, ValueError, CompanionError) as exc:
        raise EngineUnavailable(
            f"The rating engine sent a result that makes no sense: {exc}.",
            "See its log; the batch will be sent again.",
        ) from exc
