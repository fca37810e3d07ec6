"""One book for each pair: what all venues show together, where each number is from and how old it is.

A book that is stale, crossed, empty, down or far from the others is left out, and is named with its reason. Between venues the best bid may
lie above the best ask: fees keep it there, and it is no fault.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from heapq import merge
from itertools import islice

from tidegate.markets import rules
from tidegate.markets.depth import Depth, depth
from tidegate.markets.rules import Told, Unusable
from tidegate.venues.port import Book, Level, Market


@dataclass(frozen=True, slots=True)
class Source:
    """One venue's book of one market: its best prices, its age, how it came here, and why it may not be quoted from (None:
    it may).
    """

    venue: str
    market: Market
    taker_fee: Decimal
    book: Book | None
    age_seconds: float | None
    unusable: Unusable | None
    told: Told = Told.POLL

    @property
    def name(self) -> str:
        """Venue and symbol."""
        return f"{self.venue} {self.market.symbol}"

    @property
    def bid(self) -> Decimal | None:
        return self.book.bids[0].price if self.book and self.book.bids else None

    @property
    def ask(self) -> Decimal | None:
        return self.book.asks[0].price if self.book and self.book.asks else None

    @property
    def as_of(self) -> datetime | None:
        return datetime.fromtimestamp(self.book.received, UTC) if self.book else None

    def mid(self, quote: str) -> Decimal:
        """The middle of its best prices in `quote`, whichever way round the venue writes the pair. For one that is usable."""
        bid, ask = self.bid, self.ask
        assert bid is not None
        assert ask is not None
        middle = rules.between(bid, ask)
        return middle if self.market.quote == quote else rules.inverse(middle)

    @property
    def directions(self) -> tuple[tuple[str, str, bool], ...]:
        """(give, get, whether that sells the base)."""
        base, quote = self.market.base, self.market.quote
        return (base, quote, True), (quote, base, False)


@dataclass(frozen=True, slots=True)
class Offered:
    """A level of the consolidated book, with the venue that shows it and the age of its book."""

    price: Decimal
    quantity: Decimal
    venue: str
    as_of: datetime
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Consolidated:
    """A pair. `used` are quoted from; `left_out` are not, each with its `unusable`."""

    base: str
    quote: str
    used: tuple[Source, ...]
    left_out: tuple[Source, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.used + self.left_out

    @property
    def bid(self) -> Offered | None:
        return self._best(selling=True)

    @property
    def ask(self) -> Offered | None:
        return self._best(selling=False)

    @property
    def as_of(self) -> datetime | None:
        """Of the oldest book in it."""
        return min((stamp for source in self.used if (stamp := source.as_of)), default=None)

    @property
    def mid(self) -> Fraction | None:
        """The median of the venues' middles: no single venue sets it where there are three."""
        return Fraction(rules.middle([one.mid(self.quote) for one in self.used])) if self.used else None

    def _best(self, *, selling: bool) -> Offered | None:
        tops = [top for source in self.used for top in _side(source, selling, 1)]
        return min(tops, key=lambda one: (-one.price if selling else one.price, one.venue), default=None)

    def levels(self, *, selling: bool, limit: int) -> tuple[Offered, ...]:
        """Best first, the bids for whoever sells; of equal prices the venue that comes first by name."""
        sides = [_side(source, selling, limit) for source in sorted(self.used, key=lambda one: one.venue)]
        ordered = merge(*sides, key=lambda one: -one.price if selling else one.price)
        return tuple(islice(ordered, limit))


def _side(source: Source, selling: bool, limit: int) -> list[Offered]:
    if source.book is None or source.as_of is None or source.age_seconds is None:
        return []
    levels: tuple[Level, ...] = source.book.bids if selling else source.book.asks
    return [Offered(one.price, one.quantity, source.venue, source.as_of, source.age_seconds) for one in levels[:limit]]


def judged(sources: Sequence[Source], most_apart: Decimal) -> list[Source]:
    """The same, of one pair: whoever's price is too far from the others' is not usable either."""
    usable = [one for one in sources if one.unusable is None]
    if len(usable) < 2:
        return list(sources)
    quote = usable[0].market.quote
    wrong = rules.apart({one.name: one.mid(quote) for one in usable}, most_apart)
    if not wrong:
        return list(sources)
    return [
        replace(one, unusable=Unusable.APART) if one.unusable is None and one.name in wrong else one for one in sources
    ]


def consolidate(sources: Iterable[Source]) -> list[Consolidated]:
    """By pair, in the order of their names; within a pair by venue."""
    pairs: dict[tuple[str, str], list[Source]] = {}
    for source in sorted(sources, key=lambda one: (one.venue, one.market.symbol)):
        pairs.setdefault((source.market.base, source.market.quote), []).append(source)
    return [
        Consolidated(
            base,
            quote,
            used=tuple(one for one in found if one.unusable is None),
            left_out=tuple(one for one in found if one.unusable is not None),
        )
        for (base, quote), found in sorted(pairs.items())
    ]


class Sides:
    """Usable books made ready for routing: a side once for each change of it, and only when it is priced from."""

    def __init__(self, slippage: Fraction) -> None:
        self._slippage = slippage
        self._made: dict[tuple[str, str, bool], tuple[tuple[Level, ...], Market, Depth]] = {}

    def toward(
        self, sources: Iterable[Source], wanted: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], list[Depth]]:
        """By (give, get) of those wanted, what may be traded on."""
        found: dict[tuple[str, str], list[Depth]] = {}
        for source in sources:
            if source.unusable is None:
                for give, get, selling in source.directions:
                    if (give, get) in wanted:
                        found.setdefault((give, get), []).append(self._side(source, selling))
        return found

    def _side(self, source: Source, selling: bool) -> Depth:
        assert source.book is not None
        key = source.venue, source.market.symbol, selling
        known = self._made.get(key)
        levels = source.book.bids if selling else source.book.asks
        if known is not None and known[0] is levels and known[1] == source.market:
            return known[2]
        made = depth(
            source.venue,
            source.market,
            levels,
            selling=selling,
            taker_fee=source.taker_fee,
            slippage=self._slippage,
        )
        self._made[key] = levels, source.market, made
        return made
