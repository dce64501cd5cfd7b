"""A rating engine for PANEL_ENGINE=http: two cents a begun minute to everywhere.

Run it with ``python docs/examples/rating_engine.py 9000``. It remembers the answer of each batch,
so a batch that is sent again is priced once. Yours would remember in its database.
"""

import json
import sys
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

ANSWERED: dict[str, list[dict[str, str]]] = {}
LOCK = Lock()


def price(call: dict) -> dict[str, str]:
    minutes = -(-call["duration_ms"] // 60_000)
    amount = minutes * Decimal("0.02")
    return {"id": call["id"], "price": str(amount), "currency": "EUR", "destination": "World"}


class Engine(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = asked["batch"]
        with LOCK:
            results = ANSWERED.get(key) or [price(call) for call in asked["calls"]]
            if key is not None:  # a quote has no key and leaves no trace
                ANSWERED[key] = results
        body = json.dumps({"batch": key, "results": results}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Engine).serve_forever()
