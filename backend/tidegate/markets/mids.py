"""The middle price of a pair, from all venues that may be believed, and the last one known when there are none. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from tidegate.markets import rules
from tidegate.markets.consolidated import Source
from tidegate.money import Amount

REMEMBER_SECONDS = 900.0
"""How long a last known mid may still serve estimates and network-fee conversion."""


@dataclass(frozen=True, slots=True)
class Mid:
    """`value` of `to` per 1 `from`. `fresh` is false when it is a last known number. `as_of`: of the oldest book in it."""

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


def mid_of(sources: Iterable[Source], give: str, get: str) -> Mid | None:
    """The median of the venues' middles, in `get`; None where no book may be quoted from. The way back is its inverse."""
    usable = [one for one in sources if one.unusable is None]
    oldest = min((one.book.received for one in usable if one.book is not None), default=None)
    if oldest is None:
        return None
    value = Fraction(rules.middle([one.mid(max(give, get)) for one in usable]))
    venues = tuple(sorted({one.venue for one in usable}))
    return Mid(value if get > give else 1 / value, datetime.fromtimestamp(oldest, UTC), True, venues)


def one_for_one(now: datetime) -> Mid:
    """An asset in itself."""
    return Mid(Fraction(1), now, True, ())


def over(first: Mid, second: Mid) -> Mid:
    """One price after the other."""
    return Mid(
        first.value * second.value,
        min(first.as_of, second.as_of),
        first.fresh and second.fresh,
        tuple(dict.fromkeys(first.venues + second.venues)),
    )


def worth(amount: Amount, mid: Mid) -> Estimate:
    """In USD, two decimals, rounded down."""
    exact = Fraction(amount.units, 10**amount.asset.decimals) * mid.value * 100
    cents = Decimal(exact.numerator // exact.denominator)
    return Estimate("USD", (cents / 100).quantize(Decimal("0.01"), ROUND_DOWN), mid.as_of)


class Remembered:
    """The last mid of each pair, for as long as it may serve."""

    def __init__(self) -> None:
        self.mids: dict[tuple[str, str], Mid] = {}

    def keep(self, give: str, get: str, mid: Mid) -> None:
        self.mids[give, get] = mid

    def last(self, give: str, get: str, now: float) -> Mid | None:
        """Marked as not fresh; None when unknown or too old."""
        ways = [self.mids.get((give, get)), self.mids.get((get, give))]
        found = max((one for one in ways if one is not None), key=lambda one: one.as_of, default=None)
        if found is None or datetime.fromtimestamp(now, UTC) - found.as_of > timedelta(seconds=REMEMBER_SECONDS):
            return None
        return replace(found, fresh=False, value=found.value if found is ways[0] else 1 / found.value)
