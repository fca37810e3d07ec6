"""What a size of money would get from a book: exact integer walks, no network, no clock of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tidegate.money import Asset


class Unusable(StrEnum):
    """Why a book may not be quoted from."""

    STALE = "stale"  # older than the configured age
    CROSSED = "crossed"  # best bid at or above best ask: the venue's view is not consistent
    EMPTY = "empty"  # a side has no levels
    DOWN = "down"  # the venue did not answer


class TooThin(Exception):  # an answer of the walk: the book does not hold that size
    """The whole side of the book is less than what was asked for."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A price level as the venue gave it."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """One level in base units, both scaled: `give` of what we hand over for `get` of what we receive."""

    give: int
    get: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """One side of one book seen as steps, best first. Real base units are `give / give_scale`, `get / get_scale`."""

    steps: tuple[Step, ...]
    give_scale: int
    get_scale: int
    give_asset: Asset
    get_asset: Asset


@dataclass(frozen=True, slots=True)
class Walk:
    """The outcome: exact base units handed over and received, and the worst level's rate (`get` per 1 `give`)."""

    given: Fraction
    got: Fraction
    rate: Fraction
    worst: Fraction
    levels: int


def check(
    best_bid: Decimal | None, best_ask: Decimal | None, age_seconds: float, max_age_seconds: float
) -> Unusable | None:
    """Why this book may not be quoted from, or None when it may."""
    if best_bid is None or best_ask is None:
        return Unusable.EMPTY
    if best_bid >= best_ask:
        return Unusable.CROSSED
    if age_seconds > max_age_seconds:
        return Unusable.STALE
    return None


def ladder(levels: Iterable[Quoted], *, base: Asset, quote: Asset, selling_base: bool) -> Ladder:
    """A side as integer steps: bids when we sell the base asset, asks when we buy it.

    Decimals are taken exactly: one scale for the whole side, so the walk needs no fractions until its last level.
    """
    rows = [(level.price, level.quantity) for level in levels if level.price > 0 and level.quantity > 0]
    price_places = max((_places(price) for price, _ in rows), default=0)
    quantity_places = max((_places(quantity) for _, quantity in rows), default=0)
    # base units = quantity * 10**base.decimals; quote units = quantity * price * 10**quote.decimals
    base_scale = 10 ** max(0, quantity_places - base.decimals)
    quote_scale = 10 ** max(0, quantity_places + price_places - quote.decimals)
    steps = []
    for price, quantity in rows:
        in_base = _scaled(quantity, base.decimals) * base_scale
        in_quote = _scaled(quantity, 0) * _scaled(price, quote.decimals) * quote_scale
        base_units, quote_units = int(in_base), int(in_quote)
        steps.append(Step(base_units, quote_units) if selling_base else Step(quote_units, base_units))
    if selling_base:
        return Ladder(tuple(steps), base_scale, quote_scale, base, quote)
    return Ladder(tuple(steps), quote_scale, base_scale, quote, base)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _scaled(value: Decimal, decimals: int) -> Fraction:
    return Fraction(value) * Fraction(10**decimals)


def walk_in(side: Ladder, units: int) -> Walk:
    """Hand over exactly `units`. Raises TooThin when the side holds less."""
    return _walk(side, units * side.give_scale, give=True)


def walk_out(side: Ladder, units: int) -> Walk:
    """Receive exactly `units`. Raises TooThin when the side holds less."""
    return _walk(side, units * side.get_scale, give=False)


def _walk(side: Ladder, wanted: int, *, give: bool) -> Walk:
    if wanted <= 0:
        raise ValueError("a walk needs a size above zero")
    left, given, got = wanted, Fraction(0), Fraction(0)
    for count, step in enumerate(side.steps, start=1):
        here = step.give if give else step.get
        if here >= left:
            part = Fraction(left, here)
            given, got = given + part * step.give, got + part * step.get
            return _outcome(side, given, got, step, count)
        left, given, got = left - here, given + step.give, got + step.get
    raise TooThin


def _outcome(side: Ladder, given: Fraction, got: Fraction, last: Step, levels: int) -> Walk:
    given, got = given / side.give_scale, got / side.get_scale
    whole = Fraction(10) ** (side.give_asset.decimals - side.get_asset.decimals)
    worst = Fraction(last.get, last.give) * side.give_scale / side.get_scale * whole
    return Walk(given, got, got / given * whole, worst, levels)


def mid(best_bid: Decimal, best_ask: Decimal) -> Fraction:
    """The middle of the best prices, `quote` per 1 `base`."""
    return (Fraction(best_bid) + Fraction(best_ask)) / 2
