"""What the venues' books say together: prices to quote from, the middle, and about what an amount is worth.

One `Markets` a process. Quoting reads only fresh, uncrossed books that do not stand apart from the others; estimates may
use the last known mid for a while and say how old it is. How books come here: keep.py.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from tidegate.config import Settings
from tidegate.markets.consolidated import Sides, Source, judged
from tidegate.markets.depth import Depth
from tidegate.markets.keep import PATIENCE_SECONDS, POLL_SECONDS, Keeper, Tracked
from tidegate.markets.mids import Estimate, Mid, Remembered, mid_of, one_for_one, over, worth
from tidegate.money import BTC, USDC, USDT, Amount, Asset, UnknownAsset, asset
from tidegate.refusal import Kind, Refusal
from tidegate.venues.port import Market, Venue

__all__ = ["DOLLAR", "PATIENCE_SECONDS", "POLL_SECONDS", "Crossing", "Estimate", "Markets", "Mid"]

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


class Markets:
    """Books of all venues. Cheap to read; a venue that does not tell them is asked about once a second for each market."""

    def __init__(self, venues: Mapping[str, Venue], settings: Settings) -> None:
        self._venues = dict(venues)
        self._max_age = settings.quotes.max_book_age_seconds
        self._most_apart = Decimal(settings.quotes.max_venue_gap)
        self._keeper = Keeper(venues)
        self._tracked = self._keeper.tracked
        self._remembered = Remembered()
        self._sides = Sides(Fraction(settings.quotes.hedge_tolerance))

    async def run(self) -> None:
        """Background: keep the books of venues in use followed or young. Ends by cancel."""
        await self._keeper.run(lambda: self._seen(self._tracked.values()))

    async def sources(self, base: str | None = None, quote: str | None = None) -> list[Source]:
        """Every kept book between assets of this house, refreshed where older than a second."""
        await self._keeper.list_markets()
        wanted = [
            t
            for t in self._tracked.values()
            if (base is None or t.market.base == base) and (quote is None or t.market.quote == quote)
        ]
        await asyncio.gather(*(self._keeper.young(t) for t in wanted))
        return [source for _, source in self._seen(wanted)]

    def _seen(self, wanted: Iterable[Tracked]) -> list[tuple[Tracked, Source]]:
        """The books as they are in memory, each judged beside all others of its pair. What they say is remembered."""
        found: dict[int, tuple[Tracked, Source]] = {}
        wanted = list(wanted)
        for give, get in dict.fromkeys((t.market.base, t.market.quote) for t in wanted):
            seen, _ = self._pair(give, get)
            found.update((id(t), (t, source)) for t, source in seen)
        return [found[id(t)] for t in wanted]

    def _pair(self, give: str, get: str) -> tuple[list[tuple[Tracked, Source]], Mid | None]:
        """All books of the pair, whichever way round, and their middle in `get`; None where none may be quoted from."""
        pair = {give, get}
        peers = [t for t in self._tracked.values() if t.market.base in pair and t.market.quote in pair]
        for tracked in peers:
            self._keeper.look(tracked)
        sources = judged([Keeper.source(t, self._max_age) for t in peers], self._most_apart)
        mid = mid_of(sources, give, get)
        if mid is not None:
            self._remembered.keep(give, get, mid)
        return list(zip(peers, sources, strict=True)), mid

    async def crossing(self, give: Asset, get: Asset) -> Crossing:
        """Usable books on which `give` becomes `get`, directly or else over a bridge. Refuses VENUE_UNAVAILABLE."""
        await self._keeper.list_markets()
        direct = await self._looked_at([(give.code, get.code)])
        usable = [source for _, source in direct if source.unusable is None]
        if usable:
            sources = tuple(source for _, source in direct)
            sides = self._sides.toward(usable, [(give.code, get.code)])
            return Crossing(sources, sides, (), _variance(direct))
        bridges = [one for one in _BRIDGES if one not in (give, get)]
        legs = [leg for bridge in bridges for leg in ((give.code, bridge.code), (bridge.code, get.code))]
        found = await self._looked_at(legs)
        sides = self._sides.toward([source for _, source in found], legs)
        meeting = tuple(one for one in bridges if (give.code, one.code) in sides and (one.code, get.code) in sides)
        if not meeting:
            raise _no_price(give, get)
        # Two prices may move together: by at most twice the greater of their moves, which is four times its square.
        return Crossing(tuple(source for _, source in direct + found), sides, meeting, 4 * _variance(found))

    async def _looked_at(self, pairs: list[tuple[str, str]]) -> list[tuple[Tracked, Source]]:
        wanted = {frozenset(pair) for pair in pairs}
        tracked = [t for t in self._tracked.values() if {t.market.base, t.market.quote} in wanted]
        await asyncio.gather(*(self._keeper.young(t) for t in tracked))
        return self._seen(tracked)

    async def book(self, base: Asset, quote: Asset) -> list[Source]:
        """The usable books of the pair, in the venues' own direction. Refuses VENUE_UNAVAILABLE when there is none."""
        usable = [source for source in await self.sources(base.code, quote.code) if source.unusable is None]
        if not usable:
            raise Refusal(
                Kind.VENUE_UNAVAILABLE, f"No exchange shows {base.code}-{quote.code} right now.", retry_after=2
            )
        return usable

    async def mid(self, give: Asset, get: Asset, *, stale: bool = False) -> Mid:
        """The middle price, `get` per 1 `give`: the median over the venues; over USDT where no market is direct.

        With `stale`, a last known number up to 15 minutes old will do and is marked so. Refuses VENUE_UNAVAILABLE.
        """
        if give == get:
            return one_for_one(datetime.now(UTC))
        await self._keeper.list_markets()
        codes = {give.code, get.code, DOLLAR}
        legs = [t for t in self._tracked.values() if t.market.base in codes and t.market.quote in codes]
        await asyncio.gather(*(self._keeper.young(t) for t in legs))
        found = self.known_mid(give, get)
        if found is None or not (found.fresh or stale):
            raise _no_price(give, get)
        return found

    def known_mid(self, give: Asset, get: Asset) -> Mid | None:
        """The best number in memory, without asking anybody: direct, else over USDT; a fresh one before one that was. None
        when too old or unknown.
        """
        if give == get:
            return one_for_one(datetime.now(UTC))
        direct = self._known(give.code, get.code)
        if (direct is not None and direct.fresh) or DOLLAR in (give.code, get.code):
            return direct
        first, second = self._known(give.code, DOLLAR), self._known(DOLLAR, get.code)
        found = None if first is None or second is None else over(first, second)
        return found if direct is None or (found is not None and found.fresh) else direct

    def _known(self, give: str, get: str) -> Mid | None:
        _, mid = self._pair(give, get)
        return mid or self._remembered.last(give, get, time.time())

    def estimate(self, amount: Amount) -> Estimate | None:
        """Worth in USD (USDT taken as a dollar) from what is in memory, two decimals, rounded down; never raises."""
        try:
            found = self.known_mid(amount.asset, asset(DOLLAR))
        except UnknownAsset:
            return None
        return worth(amount, found) if found else None

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
        await self._keeper.list_markets()
        if not self._keeper.listed_at:
            raise Refusal(Kind.VENUE_UNAVAILABLE, "No exchange can be asked right now.", retry_after=2)
        return [(t.venue, t.market) for t in self._tracked.values() if (t.market.base, t.market.quote) == (base, quote)]

    def up(self) -> dict[str, bool]:
        """By venue, whether it has a usable book now; for health."""
        seen = self._seen(self._tracked.values())
        return {
            name: any(source.unusable is None for t, source in seen if t.venue is venue)
            for name, venue in self._venues.items()
        }

    def followed(self) -> dict[str, tuple[int, int]]:
        """By venue, how many books its stream tells now, of how many; the others are asked for. For health."""
        return self._keeper.followed()


def _variance(found: list[tuple[Tracked, Source]]) -> int:
    """The greatest of those that may be priced from."""
    return max((t.motion.variance for t, source in found if source.unusable is None and t.motion), default=0)


def _no_price(give: Asset, get: Asset) -> Refusal:
    return Refusal(
        Kind.VENUE_UNAVAILABLE, f"No exchange gives a price for {give.code} in {get.code} right now.", retry_after=2
    )
