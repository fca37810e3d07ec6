"""A venue's application on a socket of its own. Several may run in one process: none takes the process's signals."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Protocol(HttpToolsProtocol):
    """Lets the application hang up without an answer: its transport is in the request's state."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class Server(uvicorn.Server):
    """Ends when `should_exit` is set, and at no signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: Starlette, *, lifespan: bool = True) -> Server:
    """`serve(sockets=[…])` runs it."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on" if lifespan else "off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    return Server(config)


def listening(port: int) -> socket.socket:
    """A socket on 127.0.0.1 that takes connections at once; they are answered as soon as the server runs. Port 0: any."""
    # Named as TCP: of any other asyncio does not know that it may send at once, and every answer comes 40 ms later.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(128)
    return made
