"""Routing: the best split of a size over several venues' books after their fees. Pure, exact, deterministic.

A leg is one exchange of two assets. Levels of all venues are taken best first, in whole lots, until the next lot does not
fit: what is left then is less than one coarsest lot, is priced at the level it would have come from, and is carried by
the house. That is the cheapest split as long as nobody's minimum binds. Where one does, every set of the venues that have
minimums is tried, each of its members with its least order first, and the cheapest set wins. Never is more ordered than
the size: what is less than anybody's least order is priced as if it could be ordered, and carried whole. Ties: of equal
prices the venue that comes first by name; of equal sets the one of fewer venues, then the one that was tried first.

Where no venue trades the two assets directly, two legs are joined at a bridge asset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter

from tidegate.exchange.rules import QuoteSide, ceiling, floor
from tidegate.exchange.split import ONE, Alone, Rest, alone, split
from tidegate.markets.depth import PLACES, Depth, decimal
from tidegate.markets.rules import TooThin
from tidegate.money import Asset

_NAME = attrgetter("name")
_TEN: list[int] = [10**power for power in range(2 * PLACES + 1)]


class NoMarket(Exception):  # an answer of the routing: nobody trades it
    """No usable book leads from one asset to the other, directly or over a bridge."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be ordered at one venue, and what its book says that does: `value` in quote before its `fee`."""

    depth: Depth
    base: int

    @property
    def venue(self) -> str:
        return self.depth.venue

    @property
    def symbol(self) -> str:
        return self.depth.market.symbol

    @property
    def quantity(self) -> Decimal:
        return decimal(self.base)

    @property
    def limit_price(self) -> Decimal:
        return decimal(self.depth.limit(self.base))

    @property
    def value(self) -> Decimal:
        return decimal(self.depth.gross_of(self.base), 2 * PLACES)

    @property
    def fee(self) -> Decimal:
        return decimal(abs(self.depth.gross_of(self.base) - self.depth.after_of(self.base)), 2 * PLACES)


@dataclass(frozen=True, slots=True)
class Leg:
    """One exchange, routed. All amounts are whole units of their asset, exact; the rest is in them."""

    give: Asset
    get: Asset
    side: QuoteSide
    size: int
    depths: tuple[Depth, ...]
    amounts: tuple[int, ...]
    rest: Rest
    orderable: bool
    passed: tuple[Depth, ...] = ()  # sides of markets that are written the other way round, and were no better

    @property
    def parts(self) -> tuple[Part, ...]:
        """The orders, in the order of their venues' names; none when nobody takes so little."""
        if not self.orderable:
            return ()
        return tuple(Part(one, base) for one, base in zip(self.depths, self.amounts, strict=True) if base)

    @property
    def selling(self) -> bool:
        """Whether we sell the market's base asset."""
        return self.depths[0].selling

    @property
    def carried(self) -> Fraction:
        """Base that is ordered nowhere: less than one coarsest lot, or than anybody's least order."""
        return self._rest if self.orderable else self.base

    @property
    def _rest(self) -> Fraction:
        return Fraction(self.rest.size, self._below * ONE)

    @property
    def _below(self) -> int:
        """What the rest's base is to be divided by: it was measured in quote, or is base already."""
        return self.rest.net if _by_value(self.side, self.selling) else 1

    @property
    def _base(self) -> int:
        return sum(self.amounts) * self._below + self.rest.size

    @property
    def _gross(self) -> int:
        ordered = sum(one.gross_of(base) for one, base in zip(self.depths, self.amounts, strict=True) if base)
        return ordered * self._below + self.rest.size * self.rest.price

    @property
    def _after(self) -> int:
        ordered = sum(one.after_of(base) for one, base in zip(self.depths, self.amounts, strict=True) if base)
        return ordered * self._below + self.rest.size * self.rest.net

    @property
    def base(self) -> Fraction:
        return Fraction(self._base, ONE * self._below)

    @property
    def gross(self) -> Fraction:
        """Quote before venue fees."""
        return Fraction(self._gross, ONE**2 * self._below)

    @property
    def after(self) -> Fraction:
        """Quote after venue fees: what a sale brings, what a purchase costs."""
        return Fraction(self._after, ONE**2 * self._below)

    @property
    def given(self) -> Fraction:
        return self.base if self.selling else self.after

    @property
    def got(self) -> Fraction:
        return self.after if self.selling else self.base

    @property
    def rate(self) -> Fraction:
        """`get` per 1 `give` in the books, before fees."""
        return Fraction(self._gross, self._base * ONE) if self.selling else Fraction(self._base * ONE, self._gross)

    @property
    def venue_cost(self) -> Fraction:
        """What the venues charge, as a share of what `got` costs at `rate`."""
        gross, after = self._gross, self._after
        return Fraction(gross - after, after) if self.selling else Fraction(after - gross, gross)

    @property
    def priced_at(self) -> tuple[tuple[Depth, Fraction, Fraction], ...]:
        """By side, base and quote before fees that the price was made of; the rest is where it would have come from."""
        found = []
        for rank, (one, base) in enumerate(zip(self.depths, self.amounts, strict=True)):
            rest = self._rest if rank == self.rest.at else Fraction(0)
            quote = Fraction(one.gross_of(base), ONE**2) + rest * Fraction(self.rest.price, ONE)
            found.append((one, Fraction(base, ONE) + rest, quote))
        return tuple(found)

    def for_base(self, units: int) -> "Leg":
        """The same books for so many base units of the market's base asset; this leg itself when they will not do."""
        side = QuoteSide.EXACT_IN if self.selling else QuoteSide.EXACT_OUT
        try:
            return leg(self.depths, give=self.give, get=self.get, size=units, side=side)
        except TooThin:
            return self

    @property
    def considered(self) -> tuple[Alone, ...]:
        """The alternatives: each venue alone, for the same size."""
        fixed = self.give if self.side is QuoteSide.EXACT_IN else self.get
        return tuple(
            alone(one, _scaled(self.size, fixed, by_value), by_value=by_value)
            for one in self.depths + self.passed
            for by_value in (_by_value(self.side, one.selling),)
        )


@dataclass(frozen=True, slots=True)
class Route:
    """One leg, or two that meet at a bridge asset. `given` and `got` are whole units, venue fees included."""

    legs: tuple[Leg, ...]

    @property
    def given(self) -> Fraction:
        return self.legs[0].given

    @property
    def got(self) -> Fraction:
        return self.legs[-1].got

    @property
    def rate(self) -> Fraction:
        """What the books say, before fees: `get` per 1 `give`."""
        found = Fraction(1)
        for leg in self.legs:
            found *= leg.rate
        return found

    @property
    def venue_cost(self) -> Fraction:
        """What the venues charge, as a share of what `got` costs at `rate`; with what is lost between two legs."""
        if len(self.legs) == 1:
            return self.legs[0].venue_cost
        return self.given * self.rate / self.got - 1


Books = Mapping[tuple[str, str], Sequence[Depth]]
"""Usable sides by (give, get), as `depth()` makes them."""


def find(books: Books, *, give: Asset, get: Asset, size: int, side: QuoteSide, bridges: Sequence[Asset]) -> Route:
    """The best route for `size` base units of the side that was fixed: directly, or else over the best bridge.

    Raises TooThin when the books hold less, NoMarket when none leads there.
    """
    direct = _traded(books, give, get)
    if direct:
        return Route((leg(direct, give=give, get=get, size=size, side=side),))
    found: list[Route] = []
    thin = False
    for bridge in bridges:
        first, second = _traded(books, give, bridge), _traded(books, bridge, get)
        if not first or not second:
            continue
        try:
            found.append(_over(bridge, first, second, give=give, get=get, size=size, side=side))
        except TooThin:
            thin = True
    if not found:
        raise TooThin if thin else NoMarket
    # Of equal ones the bridge that was named first.
    return max(found, key=lambda r: r.got) if side is QuoteSide.EXACT_IN else min(found, key=lambda r: r.given)


def _traded(books: Books, give: Asset, get: Asset) -> list[Depth]:
    return [depth for depth in books.get((give.code, get.code), ()) if depth.held]


def _over(
    bridge: Asset, first: list[Depth], second: list[Depth], *, give: Asset, get: Asset, size: int, side: QuoteSide
) -> Route:
    """Two legs. Between them less than a unit of the bridge is lost, to us."""
    unit = 10**bridge.decimals
    if side is QuoteSide.EXACT_IN:
        into = leg(first, give=give, get=bridge, size=size, side=side)
        out = leg(second, give=bridge, get=get, size=floor(into.got * unit), side=side)
    else:
        out = leg(second, give=bridge, get=get, size=size, side=side)
        into = leg(first, give=give, get=bridge, size=ceiling(out.given * unit), side=side)
    return Route((into, out))


def leg(depths: Sequence[Depth], *, give: Asset, get: Asset, size: int, side: QuoteSide) -> Leg:
    """The best split of `size` base units over sides of one pair: `give` with EXACT_IN, `get` with EXACT_OUT.

    Raises TooThin when they hold less, or when what their minimums leave does.
    """
    ranked = sorted([one for one in depths if one.held], key=_NAME)
    if size <= 0 or not ranked:  # nothing: between two legs, less than a unit that came through
        raise TooThin
    selling = ranked[0].selling
    passed = tuple([one for one in ranked if one.selling is not selling])
    if passed:
        return _either_way([one for one in ranked if one.selling is selling], passed, give, get, size, side)
    by_value = _by_value(side, selling)
    fixed = give if side is QuoteSide.EXACT_IN else get
    found = split(ranked, _scaled(size, fixed, by_value), by_value=by_value, most=side is QuoteSide.EXACT_IN)
    return Leg(give, get, side, size, tuple(ranked), *found)


def _either_way(
    one: Sequence[Depth], other: Sequence[Depth], give: Asset, get: Asset, size: int, side: QuoteSide
) -> Leg:
    """Where one venue writes USDC-USDT and another USDT-USDC: no split over both, the better of the two."""
    found: list[Leg] = []
    for taken, passed in ((one, other), (other, one)):
        try:
            found.append(replace(leg(taken, give=give, get=get, size=size, side=side), passed=tuple(passed)))
        except TooThin:
            continue
    if not found:
        raise TooThin
    return max(found, key=lambda r: r.got) if side is QuoteSide.EXACT_IN else min(found, key=lambda r: r.given)


def _by_value(side: QuoteSide, selling: bool) -> bool:
    """Whether the size is one of quote (after fees), not of base."""
    return (side is QuoteSide.EXACT_OUT) == selling


def _scaled(size: int, fixed: Asset, by_value: bool) -> int:
    """Base units of the fixed asset in the scale of the books."""
    return size * _TEN[(2 if by_value else 1) * PLACES - fixed.decimals]
