"""The venues' books, consolidated: polled while somebody uses them, each number with its age and its source.

One `Markets` a process. Quoting reads only fresh, uncrossed books; estimates may use the last known mid for a while
and say how old it is.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

import structlog

from tidegate.config import Settings
from tidegate.markets import rules
from tidegate.markets.consolidated import Sides, Source
from tidegate.markets.depth import Depth
from tidegate.markets.motion import Motion, moved
from tidegate.markets.rules import Unusable
from tidegate.money import BTC, USDC, USDT, Amount, Asset, UnknownAsset, asset
from tidegate.refusal import Kind, Refusal
from tidegate.venues.port import Book, Market, Venue, VenueUnavailable

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
"""A book younger than this is answered from memory."""
IN_USE_SECONDS = 60.0
"""A book that nobody asked for in this time is polled slowly."""
IDLE_POLL_SECONDS = 10.0
LIST_SECONDS = 600.0
"""How long a venue's list of markets is taken as it stands."""
PATIENCE_SECONDS = 2.5
"""How long a reader waits for a venue; the fetch itself goes on and serves the next reader."""
REMEMBER_SECONDS = 900.0
"""How long a last known mid may still serve estimates and network-fee conversion."""
DOLLAR = "USDT"
"""Estimates in USD take one USDT for one dollar and say so."""
_BRIDGES = (USDT, USDC, BTC)
"""What is exchanged for almost anything; of equal ways over them the first is taken."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What leads from one asset to another: the books that were looked at, and the usable sides by (give, get).

    `bridges`: assets that both ends are traded against, in the order in which they are preferred; none where there is a
    direct book. `variance`: of the price's relative change a second, in 10**-18, as lately seen.
    """

    sources: tuple[Source, ...]
    sides: Mapping[tuple[str, str], Sequence[Depth]]
    bridges: tuple[Asset, ...]
    variance: int

    @property
    def age_seconds(self) -> float:
        """Of the oldest book that may be priced from."""
        return max((one.age_seconds or 0.0 for one in self.sources if one.unusable is None), default=0.0)


@dataclass(frozen=True, slots=True)
class Mid:
    """`value` of `to` per 1 `from`. `fresh` is false when it is a last known number."""

    value: Fraction
    as_of: datetime
    fresh: bool
    venues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """About what an amount is worth, and as of when."""

    currency: str
    amount: Decimal
    as_of: datetime


@dataclass(slots=True)
class _Tracked:
    """A book this process follows. `task` is the one fetch under way, shared by all who wait for it."""

    venue: Venue
    market: Market
    book: Book | None = None
    motion: Motion | None = None
    failed_at: float = 0.0
    used_at: float = 0.0
    task: "asyncio.Task[None] | None" = None
    asked_at: float = 0.0


class Markets:
    """Books of all venues. Cheap to read; asks a venue at most about once a second for each market."""

    def __init__(self, venues: Mapping[str, Venue], settings: Settings) -> None:
        self._venues = dict(venues)
        self._max_age = settings.quotes.max_book_age_seconds
        self._tracked: dict[tuple[str, str], _Tracked] = {}
        self._listed_at: dict[str, float] = {}
        self._list_failed_at: dict[str, float] = {}
        self._listing: dict[str, asyncio.Task[None]] = {}
        self._mids: dict[tuple[str, str], Mid] = {}
        self._sides = Sides(Fraction(settings.quotes.hedge_tolerance))

    async def run(self) -> None:
        """Background: keep books in use about a second young, the others warm enough for estimates. Ends by cancel."""
        while True:
            try:
                await self._list()
                now = time.time()
                due = [t for t in self._tracked.values() if now - self._tried(t) >= self._pace(t, now)]
                await asyncio.gather(*(self._refresh(t) for t in due))
            except Exception:
                # This loop only keeps memory warm; whoever needs a book fetches it and hears the reason.
                log.exception("markets_poll_failed")
            await asyncio.sleep(POLL_SECONDS / 2)

    @staticmethod
    def _pace(tracked: _Tracked, now: float) -> float:
        return POLL_SECONDS if now - tracked.used_at < IN_USE_SECONDS else IDLE_POLL_SECONDS

    @staticmethod
    def _tried(tracked: _Tracked) -> float:
        return max(tracked.failed_at, tracked.book.received if tracked.book else 0.0)

    async def sources(self, base: str | None = None, quote: str | None = None) -> list[Source]:
        """Every followed book between assets of this house, refreshed where older than a second."""
        await self._list()
        wanted = [
            t
            for t in self._tracked.values()
            if (base is None or t.market.base == base) and (quote is None or t.market.quote == quote)
        ]
        await asyncio.gather(*(self._young(t) for t in wanted))
        return [self._source(t) for t in wanted]

    async def crossing(self, give: Asset, get: Asset) -> Crossing:
        """Usable books on which `give` becomes `get`, directly or else over a bridge. Refuses VENUE_UNAVAILABLE."""
        await self._list()
        direct = await self._looked_at([(give.code, get.code)])
        usable = [source for _, source in direct if source.unusable is None]
        if usable:
            sources = tuple(source for _, source in direct)
            sides = self._sides.toward(usable, [(give.code, get.code)])
            return Crossing(sources, sides, (), self._variance(direct))
        bridges = [one for one in _BRIDGES if one not in (give, get)]
        legs = [leg for bridge in bridges for leg in ((give.code, bridge.code), (bridge.code, get.code))]
        found = await self._looked_at(legs)
        sides = self._sides.toward([source for _, source in found], legs)
        meeting = tuple(one for one in bridges if (give.code, one.code) in sides and (one.code, get.code) in sides)
        if not meeting:
            raise Refusal(
                Kind.VENUE_UNAVAILABLE,
                f"No exchange gives a price for {give.code} in {get.code} right now.",
                retry_after=2,
            )
        # Two prices may move together: by at most twice the greater of their moves, which is four times its square.
        return Crossing(tuple(source for _, source in direct + found), sides, meeting, 4 * self._variance(found))

    async def _looked_at(self, pairs: list[tuple[str, str]]) -> list[tuple[_Tracked, Source]]:
        wanted = {frozenset(pair) for pair in pairs}
        tracked = [t for t in self._tracked.values() if {t.market.base, t.market.quote} in wanted]
        await asyncio.gather(*(self._young(t) for t in tracked))
        return [(t, self._source(t)) for t in tracked]

    @staticmethod
    def _variance(found: list[tuple[_Tracked, Source]]) -> int:
        """The greatest of those that may be priced from."""
        return max((t.motion.variance for t, source in found if source.unusable is None and t.motion), default=0)

    async def book(self, base: Asset, quote: Asset) -> list[Source]:
        """The usable books of the pair, in the venues' own direction. Refuses VENUE_UNAVAILABLE when there is none."""
        usable = [source for source in await self.sources(base.code, quote.code) if source.unusable is None]
        if not usable:
            raise Refusal(
                Kind.VENUE_UNAVAILABLE, f"No exchange shows {base.code}-{quote.code} right now.", retry_after=2
            )
        return usable

    async def mid(self, give: Asset, get: Asset, *, stale: bool = False) -> Mid:
        """The middle price, `get` per 1 `give`; over USDT where no market is direct.

        With `stale`, a last known number up to 15 minutes old will do and is marked so. Refuses VENUE_UNAVAILABLE.
        """
        if give == get:
            return Mid(Fraction(1), datetime.now(UTC), True, ())
        await self._list()
        codes = {give.code, get.code, DOLLAR}
        legs = [t for t in self._tracked.values() if t.market.base in codes and t.market.quote in codes]
        await asyncio.gather(*(self._young(t) for t in legs))
        found = self.known_mid(give, get)
        if found is None or not (found.fresh or stale):
            raise Refusal(
                Kind.VENUE_UNAVAILABLE,
                f"No exchange gives a price for {give.code} in {get.code} right now.",
                retry_after=2,
            )
        return found

    def known_mid(self, give: Asset, get: Asset) -> Mid | None:
        """The best number in memory, without asking anybody: direct, else over USDT. None when too old or unknown."""
        if give == get:
            return Mid(Fraction(1), datetime.now(UTC), True, ())
        direct = self._remembered(give.code, get.code)
        if direct is not None or DOLLAR in (give.code, get.code):
            return direct
        first, second = self._remembered(give.code, DOLLAR), self._remembered(DOLLAR, get.code)
        if first is None or second is None:
            return None
        return Mid(
            first.value * second.value,
            min(first.as_of, second.as_of),
            first.fresh and second.fresh,
            tuple(dict.fromkeys(first.venues + second.venues)),
        )

    def estimate(self, amount: Amount) -> Estimate | None:
        """Worth in USD (USDT taken as a dollar) from what is in memory, two decimals, rounded down; never raises."""
        try:
            found = self.known_mid(amount.asset, asset(DOLLAR))
        except UnknownAsset:
            return None
        if found is None:
            return None
        exact = Fraction(amount.units, 10**amount.asset.decimals) * found.value * 100
        cents = Decimal(exact.numerator // exact.denominator)
        return Estimate("USD", (cents / 100).quantize(Decimal("0.01"), ROUND_DOWN), found.as_of)

    def usd(self, amount: Amount) -> Decimal | None:
        """`estimate(amount).amount`, or None when nothing recent is known."""
        found = self.estimate(amount)
        return found.amount if found else None

    def market(self, venue: str, symbol: str) -> Market | None:
        """A venue's market as it was last listed, from memory."""
        found = self._tracked.get((venue, symbol))
        return found.market if found else None

    async def trading(self, base: str, quote: str) -> list[tuple[Venue, Market]]:
        """Who trades the pair, as last listed; no book is asked for. Refuses VENUE_UNAVAILABLE while nobody has said."""
        await self._list()
        if not self._listed_at:
            raise Refusal(Kind.VENUE_UNAVAILABLE, "No exchange can be asked right now.", retry_after=2)
        return [(t.venue, t.market) for t in self._tracked.values() if (t.market.base, t.market.quote) == (base, quote)]

    def up(self) -> dict[str, bool]:
        """By venue, whether it has a usable book now; for health."""
        return {
            name: any(self._source(t).unusable is None for t in self._tracked.values() if t.venue is venue)
            for name, venue in self._venues.items()
        }

    async def _list(self) -> None:
        """Learn the venues' markets, each at most every ten minutes (a failed venue is asked again after a second)."""
        now = time.time()
        for name, venue in self._venues.items():
            known, failed = self._listed_at.get(name, 0.0), self._list_failed_at.get(name, 0.0)
            if now - known < LIST_SECONDS or now - failed < POLL_SECONDS:
                continue
            if name not in self._listing or self._listing[name].done():
                self._listing[name] = asyncio.ensure_future(self._fetch_list(name, venue))
        # A list that is merely old serves while it is asked for anew.
        pending = [task for name, task in self._listing.items() if name not in self._listed_at and not task.done()]
        if pending:
            await asyncio.wait(pending, timeout=PATIENCE_SECONDS)

    async def _fetch_list(self, name: str, venue: Venue) -> None:
        try:
            listed = await venue.markets()
        except VenueUnavailable as error:
            self._list_failed_at[name] = time.time()
            log.info("markets_unavailable", venue=name, reason=str(error)[:200])
            return
        self._take(name, venue, listed)

    def _take(self, name: str, venue: Venue, listed: list[Market]) -> None:
        self._listed_at[name] = time.time()
        ours = {m.symbol: m for m in listed if m.trading and _ours(m)}
        for key in [key for key in self._tracked if key[0] == name and key[1] not in ours]:
            del self._tracked[key]
        for symbol, market in ours.items():
            known = self._tracked.get((name, symbol))
            if known is None:
                self._tracked[name, symbol] = _Tracked(venue, market)
            else:
                known.market = market

    async def _young(self, tracked: _Tracked) -> None:
        """Mark as used, and fetch when older than a second. Never raises: the age tells the rest."""
        now = time.time()
        tracked.used_at = now
        if now - self._tried(tracked) > POLL_SECONDS:
            await self._refresh(tracked)

    async def _refresh(self, tracked: _Tracked) -> None:
        """Join the fetch under way or start one; give up waiting after a while, never cancel it."""
        if tracked.task is None or tracked.task.done():
            tracked.task = asyncio.ensure_future(self._fetch(tracked))
            tracked.asked_at = time.time()
        # Counted from when it was asked: one silent venue costs a quote this wait once, not for each number it needs.
        left = tracked.asked_at + PATIENCE_SECONDS - time.time()
        await asyncio.wait([tracked.task], timeout=max(0.0, left))

    async def _fetch(self, tracked: _Tracked) -> None:
        try:
            book = await tracked.venue.book(tracked.market.symbol)
        except VenueUnavailable as error:
            tracked.failed_at = time.time()
            log.info(
                "book_unavailable", venue=tracked.venue.name, symbol=tracked.market.symbol, reason=str(error)[:200]
            )
            return
        tracked.book = book
        source = self._source(tracked)
        if source.unusable is None and source.bid and source.ask and source.as_of:
            value = rules.mid(source.bid, source.ask)
            tracked.motion = moved(tracked.motion, value, int(book.received * 1000))
            base, quote = tracked.market.base, tracked.market.quote
            self._mids[base, quote] = Mid(value, source.as_of, True, (source.venue,))
            self._mids[quote, base] = Mid(1 / value, source.as_of, True, (source.venue,))

    def _remembered(self, give: str, get: str) -> Mid | None:
        if give == get:
            return Mid(Fraction(1), datetime.now(UTC), True, ())
        found = self._mids.get((give, get))
        if found is None:
            return None
        age = time.time() - found.as_of.timestamp()
        if age > REMEMBER_SECONDS:
            return None
        # Idle books are polled slowly; for an estimate that is young enough, for a quote the books are asked again.
        return Mid(found.value, found.as_of, age <= self._max_age, found.venues)

    def _source(self, tracked: _Tracked) -> Source:
        book, venue = tracked.book, tracked.venue
        if book is None:
            return Source(venue.name, tracked.market, venue.taker_fee, None, None, Unusable.DOWN)
        age = max(0.0, time.time() - book.received)
        bid = book.bids[0].price if book.bids else None
        ask = book.asks[0].price if book.asks else None
        unusable = rules.check(bid, ask, age, self._max_age)
        return Source(venue.name, tracked.market, venue.taker_fee, book, age, unusable)


def _ours(market: Market) -> bool:
    try:
        return asset(market.base).listed and asset(market.quote).listed
    except UnknownAsset:
        return False
