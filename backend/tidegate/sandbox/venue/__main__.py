"""`python -m tidegate.sandbox.venue --port P --data DIR --config FILE --seed N`, on 127.0.0.1.

Once it takes calls it has written `DIR/venue.json`: `{"url", "pid"}`. Port 0 takes a free one. SIGTERM ends it.
"""

import argparse
import json
import logging
import os
import socket
import sys
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidegate.sandbox.process import write_whole
from tidegate.sandbox.venue.server import Config, build


class Protocol(HttpToolsProtocol):
    """Lets the application hang up without an answer: its transport is in the request's state."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tidegate.sandbox.venue", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval-ms", type=int, default=250, help="between two moves of the market; 0: none")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        app = build(Config.read(given.config), given.data, seed=given.seed, interval=given.interval_ms / 1000)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", given.port))
        listener.listen(128)
    except BlockingIOError:
        sys.exit(f"{given.data}: another venue runs on this directory")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"the sandbox venue cannot start: {error!r}")
    # The socket takes connections already; they are answered as soon as the server below runs.
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    write_whole(given.data / "venue.json", json.dumps({"url": url, "pid": os.getpid()}))
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="websockets-sansio",
        ws_ping_interval=20,
        ws_ping_timeout=60,
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
