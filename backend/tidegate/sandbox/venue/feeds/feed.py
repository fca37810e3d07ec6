"""One client's stream, whatever it speaks: what it hears, what it is told when the market moves, and what is broken.

Everything goes out through one queue: what was computed first is sent first, so numbers and checksums hold.
"""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.prices import Symbol

HEARTBEAT_SECONDS = 1.0
HUGE_BYTES = 48 << 20
_MOST_HEARD = 64 * 1024
_FULL = 10_000
"""A client that is so many messages behind is cut off, as the venues do."""

Levels = list[tuple[int, int]]
Changes = list[tuple[int, int]]


class Market(Protocol):
    """What a stream shows, in units of 1e-8. `updates` rises with every change."""

    @property
    def symbols(self) -> Mapping[str, Symbol]: ...

    @property
    def updates(self) -> int: ...

    def book(self, name: str) -> tuple[Levels, Levels]: ...


@dataclass(slots=True)
class Told:
    """What a client was told of one book last."""

    updates: int = 0
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    _seen: Levels | None = None

    def becomes(self, updates: int, bids: Levels, asks: Levels, depth: int | None = None) -> tuple[Changes, Changes]:
        """Take that over; what changed on each side. Levels that merely fall out of `depth` are no change."""
        self.updates = updates
        if bids is self._seen:
            return [], []
        self._seen = bids
        self.bids, less = _difference(self.bids, bids, depth)
        self.asks, more = _difference(self.asks, asks, depth)
        return less, more


def _difference(was: dict[int, int], now: Levels, depth: int | None) -> tuple[dict[int, int], Changes]:
    there = dict(now)
    shown = there if depth is None or len(now) <= depth else dict(now[:depth])
    changed = [level for level in shown.items() if was.get(level[0]) != level[1]]
    return shown, changed + [(price, 0) for price in was.keys() - there.keys()]


class Feed(Protocol):
    """A protocol's half of one connection. Nothing in it waits; what it returns is sent in that order."""

    def greeting(self) -> list[str]: ...

    def heard(self, text: str) -> list[str]: ...

    def moved(self) -> list[str]:
        """The market may have moved."""
        ...

    def beat(self) -> list[str]:
        """A second has passed."""
        ...

    def corrupt(self, text: str) -> str:
        """The same message with a checksum that is wrong, where it has one."""
        ...


class Movers:
    """Whoever wants to know that the market has moved."""

    def __init__(self) -> None:
        self._listeners: set[Callable[[], None]] = set()

    def tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    def add(self, listener: Callable[[], None]) -> None:
        self._listeners.add(listener)

    def remove(self, listener: Callable[[], None]) -> None:
        self._listeners.discard(listener)


async def serve(feed: Feed, socket: WebSocket, movers: Movers, faults: Faults) -> None:
    """Until either side goes away. A venue that is down takes nobody in, and lets go of whom it has."""
    if faults.active("venue_down"):
        await socket.close()
        return
    await socket.accept()
    outbox: asyncio.Queue[str] = asyncio.Queue(_FULL)

    def put(texts: list[str]) -> None:
        for text in texts:
            outbox.put_nowait(text)

    def moved() -> None:
        with suppress(asyncio.QueueFull):
            put(feed.moved())

    put(feed.greeting())
    movers.add(moved)
    tasks = [
        asyncio.create_task(one)
        for one in (_listen(feed, socket, put), _send(feed, socket, outbox, faults), _beat(feed, put))
    ]
    try:
        # Full, gone, or cut off on purpose: what is left ends with it.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        movers.remove(moved)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(RuntimeError, WebSocketDisconnect):  # closed already
        await socket.close()


async def _listen(feed: Feed, socket: WebSocket, put: Callable[[list[str]], None]) -> None:
    with suppress(WebSocketDisconnect, KeyError):  # KeyError: a binary message
        while len(text := await socket.receive_text()) < _MOST_HEARD:
            put(feed.heard(text))


async def _beat(feed: Feed, put: Callable[[list[str]], None]) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        put(feed.beat())


async def _send(feed: Feed, socket: WebSocket, outbox: asyncio.Queue[str], faults: Faults) -> None:
    with suppress(WebSocketDisconnect, RuntimeError, OSError):
        while True:
            text = await outbox.get()
            if faults.active("venue_stream_silent") or faults.meets("venue_stream_gap"):
                continue
            if faults.active("venue_down") or faults.meets("venue_stream_cut"):
                return
            if faults.meets("venue_stream_checksum"):
                text = feed.corrupt(text)
            if faults.meets("venue_stream_truncated"):
                text = text[: len(text) // 2]
            if faults.meets("venue_stream_packed"):
                await socket.send_bytes(gzip.compress(text.encode()))
            elif faults.meets("venue_stream_huge"):
                await socket.send_text(text.ljust(HUGE_BYTES))
            else:
                await socket.send_text(text)
