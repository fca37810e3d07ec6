"""Which venues' streams run: one for each venue whose books are in use, and none for one that cannot or may not."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from tidegate.venues.port import Book, Following, Streaming, Venue

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 60.0
"""A stream that ended by a fault of its own is begun again after so long; its books are asked for meanwhile."""


@dataclass(slots=True)
class _Stream:
    """`following` is None while a venue's books are not followed. `task` runs it."""

    following: Following | None = None
    task: "asyncio.Task[None] | None" = None
    not_before: float = 0.0  # monotonic


class Streams:
    """Books that venues tell by themselves."""

    def __init__(self, venues: Mapping[str, Venue]) -> None:
        self._venues = {name: venue for name, venue in venues.items() if isinstance(venue, Streaming)}
        self._streams = {name: _Stream() for name in self._venues}

    def book(self, venue: str, symbol: str) -> Book | None:
        """As it stands now, or None."""
        stream = self._streams.get(venue)
        return stream.following.book(symbol) if stream is not None and stream.following is not None else None

    def told(self, venue: str) -> tuple[int, int]:
        """How many of the venue's books its stream tells now, and how many it is to tell."""
        stream = self._streams.get(venue)
        following = stream.following if stream is not None else None
        symbols = following.symbols if following is not None else ()
        return sum(self.book(venue, symbol) is not None for symbol in symbols), len(symbols)

    def want(self, venue: str, symbols: tuple[str, ...]) -> None:
        """Follow these and no others; nothing more when there are none. Cheap when nothing changes."""
        stream = self._streams.get(venue)
        if stream is None:
            return
        if stream.task is not None and stream.task.done():
            self._ended(venue, stream)
        if (stream.following.symbols if stream.following else ()) == symbols:
            return
        if symbols and time.monotonic() < stream.not_before:
            return
        if stream.task is not None:
            stream.task.cancel()
        stream.following = stream.task = None
        if symbols:
            self._begin(venue, stream, symbols)

    def _begin(self, venue: str, stream: _Stream, symbols: tuple[str, ...]) -> None:
        try:
            stream.following = self._venues[venue].follow(symbols)
        except ValueError as error:
            log.warning("stream_refused", venue=venue, reason=str(error))
        if stream.following is None:
            stream.not_before = time.monotonic() + AGAIN_SECONDS
        else:
            stream.task = asyncio.create_task(stream.following.run())

    def _ended(self, venue: str, stream: _Stream) -> None:
        """A follower runs until it is told to end: this one has a fault, or a fault of ours in it."""
        assert stream.task is not None
        if not stream.task.cancelled():
            log.error("stream_failed", venue=venue, exc_info=stream.task.exception())
        stream.following = stream.task = None
        stream.not_before = time.monotonic() + AGAIN_SECONDS

    async def close(self) -> None:
        tasks = [stream.task for stream in self._streams.values() if stream.task is not None]
        for stream in self._streams.values():
            stream.following = stream.task = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
