"""What may be quoted from, and the middle of a book: no network, no clock of its own."""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction


class Unusable(StrEnum):
    """Why a book may not be quoted from."""

    STALE = "stale"  # older than the configured age
    CROSSED = "crossed"  # best bid at or above best ask: the venue's view is not consistent
    EMPTY = "empty"  # a side has no levels
    DOWN = "down"  # the venue did not answer


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


def mid(best_bid: Decimal, best_ask: Decimal) -> Fraction:
    """The middle of the best prices, `quote` per 1 `base`."""
    return (Fraction(best_bid) + Fraction(best_ask)) / 2
