"""Keeping the venues' books: followed where a venue tells them, asked for where it does not, each with its age.

A stream that is down, silent or out of step is not waited for: its books grow old, and whoever needs one asks for it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import structlog

from tidegate.markets import rules
from tidegate.markets.consolidated import Source
from tidegate.markets.motion import LEAST_MS, Motion, moved
from tidegate.markets.rules import Told, Unusable
from tidegate.markets.streams import Streams
from tidegate.money import UnknownAsset, asset
from tidegate.venues.port import Book, Market, Venue, VenueUnavailable

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
"""A book younger than this is answered from memory."""
IN_USE_SECONDS = 60.0
"""A book that nobody asked for in this time is polled slowly."""
IDLE_POLL_SECONDS = 10.0
FOLLOW_SECONDS = 600.0
"""A venue none of whose books was asked for in this time is not followed."""
LIST_SECONDS = 600.0
"""How long a venue's list of markets is taken as it stands."""
PATIENCE_SECONDS = 2.5
"""How long a reader waits for a venue; the fetch itself goes on and serves the next reader."""


@dataclass(slots=True)
class Tracked:
    """A book this process keeps. `task` is the one fetch under way, shared by all who wait for it."""

    venue: Venue
    market: Market
    book: Book | None = None
    told: Told = Told.POLL
    motion: Motion | None = None
    failed_at: float = 0.0
    used_at: float = 0.0
    task: "asyncio.Task[None] | None" = None
    asked_at: float = 0.0

    @property
    def tried_at(self) -> float:
        return max(self.failed_at, self.book.received if self.book else 0.0)

    def take(self, book: Book, told: Told) -> None:
        """The younger of two books counts, however it came."""
        if self.book is not None and book.received < self.book.received:
            return
        self.book, self.told = book, told
        at_ms = int(book.received * 1000)
        if self.motion is not None and at_ms - self.motion.at_ms < LEAST_MS:
            return
        bid, ask = best(book)
        if bid is not None and ask is not None and bid < ask:
            self.motion = moved(self.motion, Fraction(rules.between(bid, ask)), at_ms)


class Keeper:
    """The books of all venues. `tracked` is by venue and symbol."""

    def __init__(self, venues: Mapping[str, Venue]) -> None:
        self._venues = dict(venues)
        self._streams = Streams(venues)
        self.tracked: dict[tuple[str, str], Tracked] = {}
        self.listed_at: dict[str, float] = {}
        self._list_failed_at: dict[str, float] = {}
        self._listing: dict[str, asyncio.Task[None]] = {}

    async def run(self, seen: Callable[[], object]) -> None:
        """Keep books in use young, the others warm enough for estimates; `seen` is told of each turn. Ends by cancel."""
        try:
            while True:
                try:
                    await self._turn()
                    seen()
                except Exception:
                    # This loop only keeps memory warm; whoever needs a book fetches it and hears the reason.
                    log.exception("markets_poll_failed")
                await asyncio.sleep(POLL_SECONDS / 2)
        finally:
            await self._streams.close()

    async def _turn(self) -> None:
        await self.list_markets()
        now = time.time()
        for name in self._venues:
            ours = {symbol: t for (venue, symbol), t in self.tracked.items() if venue == name}
            used = any(now - t.used_at < FOLLOW_SECONDS for t in ours.values())
            self._streams.want(name, tuple(sorted(ours)) if used else ())
        for tracked in self.tracked.values():
            self.look(tracked)
        due = [t for t in self.tracked.values() if now - t.tried_at >= _pace(t, now)]
        await asyncio.gather(*(self._refresh(t) for t in due))

    def followed(self) -> dict[str, tuple[int, int]]:
        """By venue, how many books its stream tells now, of how many. (0, 0) where none is followed."""
        return {name: self._streams.told(name) for name in self._venues}

    def look(self, tracked: Tracked) -> None:
        """Take over what the stream has told by now. Asks nobody."""
        book = self._streams.book(tracked.venue.name, tracked.market.symbol)
        if book is not None:
            tracked.take(book, Told.STREAM)

    async def young(self, tracked: Tracked) -> None:
        """Mark as used, and fetch when older than a second. Never raises: the age tells the rest."""
        now = time.time()
        tracked.used_at = now
        self.look(tracked)
        if now - tracked.tried_at > POLL_SECONDS:
            await self._refresh(tracked)

    async def list_markets(self) -> None:
        """Learn the venues' markets, each at most every ten minutes (a failed venue is asked again after a second)."""
        now = time.time()
        for name, venue in self._venues.items():
            known, failed = self.listed_at.get(name, 0.0), self._list_failed_at.get(name, 0.0)
            if now - known < LIST_SECONDS or now - failed < POLL_SECONDS:
                continue
            if name not in self._listing or self._listing[name].done():
                self._listing[name] = asyncio.ensure_future(self._fetch_list(name, venue))
        # A list that is merely old serves while it is asked for anew.
        pending = [task for name, task in self._listing.items() if name not in self.listed_at and not task.done()]
        if pending:
            await asyncio.wait(pending, timeout=PATIENCE_SECONDS)

    async def _fetch_list(self, name: str, venue: Venue) -> None:
        try:
            listed = await venue.markets()
        except VenueUnavailable as error:
            self._list_failed_at[name] = time.time()
            log.info("markets_unavailable", venue=name, reason=str(error)[:200])
            return
        self._take_list(name, venue, listed)

    def _take_list(self, name: str, venue: Venue, listed: list[Market]) -> None:
        self.listed_at[name] = time.time()
        ours = {m.symbol: m for m in listed if m.trading and _ours(m)}
        for key in [key for key in self.tracked if key[0] == name and key[1] not in ours]:
            del self.tracked[key]
        for symbol, market in ours.items():
            known = self.tracked.get((name, symbol))
            if known is None:
                self.tracked[name, symbol] = Tracked(venue, market)
            else:
                known.market = market

    async def _refresh(self, tracked: Tracked) -> None:
        """Join the fetch under way or start one; give up waiting after a while, never cancel it."""
        if tracked.task is None or tracked.task.done():
            tracked.task = asyncio.ensure_future(self._fetch(tracked))
            tracked.asked_at = time.time()
        # Counted from when it was asked: one silent venue costs a quote this wait once, not for each number it needs.
        left = tracked.asked_at + PATIENCE_SECONDS - time.time()
        await asyncio.wait([tracked.task], timeout=max(0.0, left))

    async def _fetch(self, tracked: Tracked) -> None:
        try:
            book = await tracked.venue.book(tracked.market.symbol)
        except VenueUnavailable as error:
            tracked.failed_at = time.time()
            log.info(
                "book_unavailable", venue=tracked.venue.name, symbol=tracked.market.symbol, reason=str(error)[:200]
            )
            return
        tracked.take(book, Told.POLL)

    @staticmethod
    def source(tracked: Tracked, max_age_seconds: float) -> Source:
        """The book as it is in memory, with its age now."""
        book, venue = tracked.book, tracked.venue
        if book is None:
            return Source(venue.name, tracked.market, venue.taker_fee, None, None, Unusable.DOWN)
        age = max(0.0, time.time() - book.received)
        unusable = rules.check(*best(book), age, max_age_seconds)
        return Source(venue.name, tracked.market, venue.taker_fee, book, age, unusable, tracked.told)


def best(book: Book) -> tuple[Decimal | None, Decimal | None]:
    """Best bid and best ask."""
    return book.bids[0].price if book.bids else None, book.asks[0].price if book.asks else None


def _pace(tracked: Tracked, now: float) -> float:
    return POLL_SECONDS if now - tracked.used_at < IN_USE_SECONDS else IDLE_POLL_SECONDS


def _ours(market: Market) -> bool:
    try:
        return asset(market.base).listed and asset(market.quote).listed
    except UnknownAsset:
        return False
