"""What may be quoted from, and the middle of one book and of several: no network, no clock of its own."""

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from enum import StrEnum

_EXACT = Context(prec=60)


class Unusable(StrEnum):
    """Why a book may not be quoted from."""

    STALE = "stale"  # older than the configured age
    CROSSED = "crossed"  # best bid at or above best ask: the venue's view is not consistent
    EMPTY = "empty"  # a side has no levels
    DOWN = "down"  # the venue did not answer
    APART = "apart"  # its price is too far from what the other venues say


class Told(StrEnum):
    """How a book came here."""

    STREAM = "stream"  # the venue tells each change
    POLL = "poll"  # it was asked for


class TooThin(Exception):  # an answer of the walk: the book does not hold that size
    """The whole side of the book is less than what was asked for."""


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


def middle(mids: Sequence[Decimal]) -> Decimal:
    """The median: of three prices, one that is wrong moves it no further than to the nearer of the others."""
    ranked, half = sorted(mids), len(mids) // 2
    return ranked[half] if len(ranked) % 2 else between(ranked[half - 1], ranked[half])


def between(one: Decimal, other: Decimal) -> Decimal:
    """The middle of two prices, exact."""
    return _EXACT.divide(_EXACT.add(one, other), 2)


def inverse(price: Decimal) -> Decimal:
    """The price the other way round, to sixty digits."""
    return _EXACT.divide(1, price)


def apart(mids: Mapping[str, Decimal], most: Decimal) -> set[str]:
    """Whose price is further than `most` (a share) from the median of all. One alone has nobody to differ from; of two that
    differ by more nobody can say which is wrong, and neither is believed.
    """
    if len(mids) == 2:
        one, other = mids.values()
        return set(mids) if abs(one - other) > most * min(one, other) else set()
    centre = middle(list(mids.values())) if mids else Decimal(0)
    return {name for name, value in mids.items() if abs(value - centre) > most * centre}
