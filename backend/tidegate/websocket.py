"""The door for outbound WebSockets, beside that for HTTP and under the same rules (decisions/0005, 0028).

Only wss, or ws on loopback. Certificates are judged by `http.tls()`. No proxy of the environment, no redirect, and no
compression: nothing here inflates. A message larger than asked for ends the connection.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tidegate.http import tls

# websockets logs what is said, in both directions, at DEBUG, and every failed handshake at ERROR.
logging.getLogger("websockets").setLevel(logging.CRITICAL)

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PING_SECONDS = 10.0
"""We ping so often; a pong that takes as long ends the connection. The other side's pings are answered at once."""
OPEN_SECONDS, CLOSE_SECONDS = 5.0, 1.0


class Closed(Exception):
    """The connection could not be made, or is over. The text says why, for logs."""


def address(url: str) -> str:
    """`url` without a slash at its end. Raises ValueError for what is neither wss nor ws on loopback, or has a login."""
    parts = urlsplit(url)
    if parts.scheme != "wss" and not (parts.scheme == "ws" and parts.hostname in LOOPBACK):
        raise ValueError("wss only, ws on loopback")
    if not parts.hostname or parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("an address without query and login")
    return url.rstrip("/")


class _Connect(connect):
    """One address and no other."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Socket:
    """An open connection. Everything raises Closed once it is over."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> bytes:
        """The next whole message. Cancelling loses none."""
        try:
            return await self._connection.recv(decode=False)
        except (WebSocketException, OSError) as error:
            raise Closed(_words(error)) from error

    async def send(self, message: str) -> None:
        try:
            await self._connection.send(message)
        except (WebSocketException, OSError) as error:
            raise Closed(_words(error)) from error


@asynccontextmanager
async def opened(url: str, *, max_bytes: int) -> AsyncIterator[Socket]:
    """A connection for as long as the block lasts. Raises Closed when there is none, ValueError for a wrong `url`.

    `url` may have a query. A reader that does not keep up is felt by the other side: little is kept here.
    """
    address(url.partition("?")[0])
    try:
        connection = await _Connect(
            url,
            ssl=tls() if url.startswith("wss:") else None,
            proxy=None,
            compression=None,
            max_size=max_bytes,
            max_queue=16,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            user_agent_header="tidegate",
        )
    except (WebSocketException, OSError, TimeoutError) as error:
        raise Closed(_words(error)) from error
    try:
        yield Socket(connection)
    finally:
        await connection.close()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
