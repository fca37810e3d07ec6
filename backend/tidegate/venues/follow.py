"""Carrying a venue's stream: connections that come, are watched, and are replaced before they end. `talk` knows the words.

One connection serves all books of a venue. A successor is made before its time is over, and takes over once it has told
as many books: there is no hole between the two. After a failure the next try waits a random time below a bound that
doubles, so that many who were cut off together do not come back together.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tidegate.http import MIB
from tidegate.venues.port import Book, VenueUnavailable
from tidegate.venues.talk import Heard, Talk
from tidegate.websocket import Socket, opened

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
"""A connection that lasted so long was a good one: the next failure is a first one again."""
WHOLE_SECONDS = 20.0
"""How long a new connection may take to tell its books before it is judged by those that it has."""
MISSING_SECONDS = 300.0
"""How long one of its books may stay out of step before another connection is tried."""
LOOK_SECONDS = 0.5

Begin = Callable[[], Awaitable[Talk]]
Fetch = Callable[[str], Awaitable[Book]]


@dataclass(frozen=True, slots=True)
class Habits:
    """`silence`: seconds without a message after which a connection is dead. `lifetime`: replaced after so long; the
    venues end them after a day. `max_bytes`: of one message.
    """

    silence: float
    lifetime: float = 23 * 3600.0
    max_bytes: int = 4 * MIB


class Follower:
    """Implements `venues.port.Following`. `begin` makes the talk of a new connection and may ask the venue for what it
    needs (VenueUnavailable: tried again later); `fetch` asks for a book over REST.
    """

    def __init__(
        self, url: str, begin: Begin, *, name: str, symbols: Sequence[str], habits: Habits, fetch: Fetch | None = None
    ) -> None:
        self.symbols = tuple(symbols)
        self._url, self._begin, self._name = url, begin, name
        self._habits, self._fetch = habits, fetch
        self._link: Link | None = None
        self._moved = asyncio.Event()

    def book(self, symbol: str) -> Book | None:
        link = self._link
        return link.talk.steps.book(symbol) if link is not None and link.open else None

    async def moved(self) -> None:
        await self._moved.wait()

    def _stir(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        failures = 0
        try:
            while True:
                begun = time.monotonic()
                steady = await self._one()
                failures = 0 if steady or time.monotonic() - begun > STEADY_SECONDS else failures + 1
                if not steady:
                    await asyncio.sleep(pause(failures))
        finally:
            if self._link is not None:
                await self._link.close()

    async def _one(self) -> bool:
        """One connection, from its first try until it is over or due to be replaced. True: replace it at once."""
        try:
            fresh = Link(self._url, await self._begin(), self._habits, self._fetch, self._stir)
        except VenueUnavailable as error:
            log.info("stream not begun", extra={"venue": self._name, "reason": error.detail[:200]})
            return False
        try:
            if not await self._takes_over(fresh):
                return False
        finally:
            if self._link is not fresh:
                await fresh.close()
        return await self._watch(fresh)

    async def _takes_over(self, fresh: "Link") -> bool:
        """Whether it has told its books, or as many as the one before it. Where there is none, it serves from the start."""
        if self._link is None or not self._link.open:
            self._link = fresh
        await fresh.whole(WHOLE_SECONDS)
        if not fresh.open:
            self._log_end(fresh)
            return False
        before = self._link if self._link is not fresh and self._link.open else None
        if fresh.talk.steps.in_step < (before.talk.steps.in_step if before else 1):
            log.warning("stream tells too little", extra={"venue": self._name, "missing": fresh.talk.steps.missing})
            return False
        had, self._link = self._link, fresh
        if had is not fresh:
            await had.close()
        log.info("stream followed", extra={"venue": self._name, "books": fresh.talk.steps.in_step})
        return True

    async def _watch(self, link: "Link") -> bool:
        missing_since: float | None = None
        while True:
            await asyncio.wait([link.task], timeout=min(LOOK_SECONDS, self._habits.silence / 2))
            now = time.monotonic()
            if not link.open:
                self._log_end(link)
                return False
            if now - link.heard_at > self._habits.silence:
                log.warning("stream silent", extra={"venue": self._name, "seconds": round(now - link.heard_at, 1)})
                await link.close()
                return False
            if link.ends or now - link.begun_at > self._habits.lifetime:
                return True
            missing_since = (missing_since or now) if link.talk.steps.missing else None
            if missing_since is not None and now - missing_since > MISSING_SECONDS:
                log.warning("stream lacks books", extra={"venue": self._name, "missing": link.talk.steps.missing})
                return True

    def _log_end(self, link: "Link") -> None:
        log.warning("stream ended", extra={"venue": self._name, "reason": link.reason})


class Link:
    """One connection and its talk."""

    def __init__(self, url: str, talk: Talk, habits: Habits, fetch: Fetch | None, stir: Callable[[], None]) -> None:
        self.talk = talk
        self.begun_at = self.heard_at = time.monotonic()
        self.ends = False
        self._url, self._habits, self._fetch, self._stir = url, habits, fetch, stir
        self._fetching: set[str] = set()
        self._heard = asyncio.Event()
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(
            lambda task: task.cancelled() or task.exception()
        )  # looked at: `reason` is for logs

    @property
    def open(self) -> bool:
        return not self.task.done()

    @property
    def reason(self) -> str:
        """Why it is over, for logs."""
        if not self.task.done() or self.task.cancelled():
            return "given up"
        error: BaseException | None = self.task.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return f"{type(error).__name__}: {error}"[:200]

    async def whole(self, seconds: float) -> None:
        """Ends when no book is missing, the connection is over, or so much time is."""
        until = time.monotonic() + seconds
        while self.open and self.talk.steps.missing and (left := until - time.monotonic()) > 0:
            self._heard.clear()
            heard = asyncio.ensure_future(self._heard.wait())
            await asyncio.wait([heard, self.task], timeout=left, return_when=asyncio.FIRST_COMPLETED)
            heard.cancel()

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    async def _run(self) -> None:
        async with opened(self._url + self.talk.path, max_bytes=self._habits.max_bytes) as socket:
            async with asyncio.TaskGroup() as group:
                await self._do(self.talk.greeting(), socket, group)
                while True:
                    message = await socket.receive()
                    self.heard_at = time.monotonic()
                    await self._do(self.talk.hear(message, time.time()), socket, group)

    async def _do(self, heard: Heard, socket: Socket, group: asyncio.TaskGroup) -> None:
        self.ends = self.ends or heard.ends
        for message in heard.say:
            await socket.send(message)
        for symbol in heard.fetch:
            if symbol not in self._fetching:
                self._fetching.add(symbol)
                group.create_task(self._fetched(symbol, socket, group))
        self._heard.set()
        self._stir()

    async def _fetched(self, symbol: str, socket: Socket, group: asyncio.TaskGroup) -> None:
        assert self._fetch is not None
        failures = 0
        while True:
            try:
                book = await self._fetch(symbol)
            except VenueUnavailable as error:
                failures += 1
                await asyncio.sleep(max(error.retry_after or 0.0, pause(failures)))
                continue
            self._fetching.discard(symbol)
            heard = self.talk.fetched(book, book.received)
            if symbol not in heard.fetch:
                return await self._do(heard, socket, group)
            # Older than the first change that was heard: a moment later it will not be.
            self._fetching.add(symbol)
            failures += 1
            await asyncio.sleep(pause(failures))


def pause(failures: int) -> float:
    """Full jitter: anything up to the bound."""
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 10)))  # noqa: S311  # spreads load
