"""A receiver of Tidegate's webhooks, with nothing but Python's own library.

    WEBHOOK_SECRET=whsec_… python receiver.py 4000

Behind a TLS terminator it is what production needs; in the sandbox plain http on localhost will do.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

TOLERANCE_SECONDS = 300
KEY = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
SEEN: set[str] = set()
"""In a database of yours, in the same transaction as what you do about a message."""


def verified(headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Whether a message is ours and new: one of its signatures is right, over exactly these bytes."""
    message_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isdecimal() or abs(now - int(moment)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{moment}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not verified(headers, body, now=time.time()):
            self.send_response(400)
        else:
            self.send_response(204)  # quickly: do what takes long after the answer
            if headers["webhook-id"] not in SEEN:  # the same message may come twice
                SEEN.add(headers["webhook-id"])
                handle(json.loads(body))
        self.end_headers()


def handle(message: dict) -> None:
    """A hint: ask the API what is so now. Messages may overtake each other; `sequence` tells their order."""
    data = message["data"]
    print(message["type"], data["id"], data["version"], data["sequence"], flush=True)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print("listening on", server.server_port, flush=True)
    server.serve_forever()
