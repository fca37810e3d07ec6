"""One side of one venue's book as integers of one scale, in whole lots, with the taker fee in each price. Pure.

It is made once for each book that arrives and walked for each price that is asked for. Every rounding is against us:
the side never looks better than the venue's own words.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

from tidegate.venues.port import Level, Market

PLACES = 18
"""Decimals of prices and quantities here; values (price times quantity) have twice as many."""
_ONE = 10**PLACES
_EXACT = Context(prec=100)
_BEYOND = 10**100
"""Dearer, and more, than anything: what stands behind the last level."""

Step = tuple[int, str, int, int, int]
"""A level for a merge of several sides: rank of the price (least is best), side, index, quantity, value after fees."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Levels, best first. `selling`: the bids, on which we sell the base asset; else the asks, on which we buy it.

    `net`, `held`, `gross` and `after` have one number a level: the price with the fee in it, and what the side holds down
    to there in base, in quote before fees, and in quote after them. `steps` are the levels once more, one behind the last
    included. `least`: the smallest order the venue takes. `name`: venue and symbol, which is also the order of equals.
    """

    name: str
    venue: str
    market: Market
    selling: bool
    lot: int
    tick: int
    least: int
    prices: tuple[int, ...]
    net: tuple[int, ...]
    held: tuple[int, ...]
    gross: tuple[int, ...]
    after: tuple[int, ...]
    steps: tuple[Step, ...] = field(repr=False, compare=False)

    def level(self, quantity: int) -> int:
        """The level at which `quantity` (above zero, at most what is held) is reached."""
        return bisect_left(self.held, quantity)

    def gross_of(self, quantity: int) -> int:
        """Quote for `quantity` of base, before fees."""
        return self._of(self.gross, self.prices, quantity)

    def after_of(self, quantity: int) -> int:
        """Quote for `quantity` of base: what selling it brings, or buying it costs, with the fee."""
        return self._of(self.after, self.net, quantity)

    def _of(self, totals: tuple[int, ...], prices: tuple[int, ...], quantity: int) -> int:
        if quantity <= 0:
            return 0
        index = self.level(quantity)
        return totals[index] - (self.held[index] - quantity) * prices[index]

    def limit(self, quantity: int) -> int:
        """The price of an order that reaches `quantity`, on the venue's tick: down for a sale, up for a purchase."""
        worst = self.prices[self.level(quantity)]
        return worst // self.tick * self.tick if self.selling else -(-worst // self.tick) * self.tick


def depth(
    venue: str,
    market: Market,
    levels: Iterable[Level],
    *,
    selling: bool,
    taker_fee: Decimal,
    slippage: Fraction = Fraction(0),
) -> Depth:
    """That side of that venue's book (best level first), cut to what can be ordered: empty when that is nothing.

    A lot that lies on two levels counts at the worse one. `slippage`: how far below the walked price a sale's limit may
    lie; the venue judges its least value by the limit.
    """
    lot, tick = max(1, scaled(market.lot, up=True)), max(1, scaled(market.tick, up=True))
    fee = scaled(taker_fee, up=True)
    most = scaled(market.max_quantity, up=False) // lot * lot
    prices, quantities = _in_lots(levels, lot, most, selling)
    costs = [-(-price * fee // _ONE) for price in prices]
    net = [price - cost if selling else price + cost for price, cost in zip(prices, costs, strict=True)]
    value = Fraction(market.min_notional) * _ONE**2 / (1 - slippage if selling else 1)
    least = _least(
        -(-value.numerator // value.denominator), scaled(market.min_quantity, up=True), lot, prices, quantities
    )
    if least is None or net[-1] <= 0:  # below zero: a fee of the whole price
        least, prices, net, quantities = lot, [], [], []
    values = [price * quantity for price, quantity in zip(net, quantities, strict=True)]
    name = f"{venue} {market.symbol}"
    sign = -1 if selling else 1
    steps = [(sign * net[i], name, i, quantities[i], values[i]) for i in range(len(net))]
    return Depth(
        name=name,
        venue=venue,
        market=market,
        selling=selling,
        lot=lot,
        tick=tick,
        least=least,
        prices=tuple(prices),
        net=tuple(net),
        held=tuple(accumulate(quantities)),
        gross=tuple(accumulate(price * quantity for price, quantity in zip(prices, quantities, strict=True))),
        after=tuple(accumulate(values)),
        steps=(*steps, (_BEYOND, name, len(net), _BEYOND, _BEYOND)),
    )


@lru_cache(1 << 15)  # of a book that has changed most levels are as they were
def scaled(value: Decimal, *, up: bool) -> int:
    """`value` with PLACES decimals, as an integer; what is finer is rounded up or down."""
    above, below = value.as_integer_ratio()
    units: int = -(-above * _ONE // below) if up else above * _ONE // below
    return units


def decimal(units: int, places: int = PLACES) -> Decimal:
    """The decimal of a scaled integer, exact, without zeros behind the point."""
    if units % 10**places == 0:
        return Decimal(units // 10**places)
    return _EXACT.normalize(_EXACT.scaleb(Decimal(units), -places))


def _in_lots(levels: Iterable[Level], lot: int, most: int, selling: bool) -> tuple[list[int], list[int]]:
    """Prices and quantities of the levels on which whole lots are complete, up to the greatest order."""
    prices: list[int] = []
    quantities: list[int] = []
    seen = taken = 0
    for level in levels:
        seen += scaled(level.quantity, up=False)
        whole = min(seen // lot * lot, most)
        if whole > taken and level.price > 0:
            prices.append(scaled(level.price, up=not selling))
            quantities.append(whole - taken)
            taken = whole
    return prices, quantities


def _least(value: int, quantity: int, lot: int, prices: list[int], quantities: list[int]) -> int | None:
    """The fewest lots of at least `quantity` that are worth at least `value`; None when the side does not hold them."""
    held = 0
    for price, here in zip(prices, quantities, strict=True):
        if price * here >= value:
            enough = held + max(0, -(-value // (price * lot))) * lot
            fewest = max(enough, -(-quantity // lot) * lot, lot)
            return fewest if fewest <= sum(quantities) else None
        value -= price * here
        held += here
    return None
