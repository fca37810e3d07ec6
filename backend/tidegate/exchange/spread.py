"""The risk spread: what the house charges for holding a price open. Pure; every rounding is up, for the house.

    share = spread + spread_per_100k_usd * usd / 100,000 + spread_volatility * volatility * sqrt(open + age)

and at most `max_spread`. `usd` is what the size is worth; `volatility` the price's usual relative move in a second, as
lately seen; `open` the seconds for which the price is promised, and `age` those that the oldest book in it is old: the
price may have moved for both. The share is of what is converted, a whole number of millionths; the venues' taker fees
come on top and the two together are the `spread` line.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isqrt

from tidegate.exchange.rules import USD_DECIMALS, ceiling

MILLIONTHS = 10**6
_REFERENCE_USD = 100_000 * 10**USD_DECIMALS


@dataclass(frozen=True, slots=True)
class Terms:
    """The configured coefficients."""

    base: Fraction
    per_100k_usd: Fraction
    volatility: Fraction
    most: Fraction

    @classmethod
    @cache
    def read(cls, *, base: str, per_100k_usd: str, volatility: str, most: str) -> "Terms":
        """From the settings' texts, once for each set of them.

        Refuses (ValueError) negative ones, and a maximum below the base.
        """
        found = cls(Fraction(base), Fraction(per_100k_usd), Fraction(volatility), Fraction(most))
        if min(found.base, found.per_100k_usd, found.volatility) < 0 or found.most < found.base:
            raise ValueError("[quotes] spreads are not below zero, and max_spread not below spread")
        return found


@dataclass(frozen=True, slots=True)
class Risk:
    """What a price depends on: worth in millionths of a dollar, variance a second in 10**-18, milliseconds open and old."""

    usd: int
    variance: int
    open_ms: int
    age_ms: int


def share(terms: Terms, risk: Risk) -> Fraction:
    """The spread for that risk, rounded up to a millionth, at most `terms.most`."""
    size = terms.per_100k_usd * Fraction(risk.usd, _REFERENCE_USD)
    motion = terms.volatility * _move(risk.variance, risk.open_ms + risk.age_ms)
    found = Fraction(ceiling((terms.base + size + motion) * MILLIONTHS), MILLIONTHS)
    return min(found, terms.most)


def _move(variance: int, milliseconds: int) -> Fraction:
    """The usual relative move in that time, rounded up to 10**-12."""
    # (variance / 10**18) * (milliseconds / 10**3), in units of 10**-24.
    squared = variance * milliseconds * 1000
    root = isqrt(squared)
    return Fraction(root + (root * root < squared), 10**12)
