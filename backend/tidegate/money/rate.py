"""Rates: `to` per 1 `from` in whole units, 18 significant digits, always rounded down (API.md)."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from tidegate.money.amount import MoneyError
from tidegate.money.asset import Asset

SIGNIFICANT = 18

# ASCII only; the point has digits on both sides, and no zero stands before the first digit that counts. What is longer
# is no price of anything, and Python reads no number of thousands of digits.
_RATE = re.compile(r"(0|[1-9][0-9]{0,199})(\.[0-9]{1,199})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """The exact decimal `digits * 10**-scale`, positive, at most 18 significant digits."""

    digits: int
    scale: int

    @classmethod
    def of(cls, value: Fraction) -> Self:
        """The greatest rate of 18 significant digits that is not above `value`. Refuses zero and below."""
        if value <= 0:
            raise MoneyError("a rate is above zero")
        scale = SIGNIFICANT
        # Find the scale at which the integer part has exactly 18 digits.
        guess = len(str(value.numerator)) - len(str(value.denominator))
        scale = SIGNIFICANT - guess
        digits = int(value * Fraction(10) ** scale)
        while digits >= 10**SIGNIFICANT:
            scale -= 1
            digits = int(value * Fraction(10) ** scale)
        while digits < 10 ** (SIGNIFICANT - 1):
            scale += 1
            digits = int(value * Fraction(10) ** scale)
        return cls._normal(digits, scale)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The rate a decimal string spells, e.g. `64012.5`.

        Refuses (MoneyError) any other spelling, zero, and more digits than a rate has: nothing is rounded here.
        """
        whole, _, fraction = text.partition(".")
        if not _RATE.match(text) or not 0 < len((whole + fraction).strip("0")) <= SIGNIFICANT:
            raise MoneyError(f"not a rate: {text[:64]}")
        return cls._normal(int(whole + fraction), len(fraction))

    @classmethod
    def _normal(cls, digits: int, scale: int) -> Self:
        while scale > 0 and digits % 10 == 0:
            digits, scale = digits // 10, scale - 1
        if scale < 0:
            digits, scale = digits * 10**-scale, 0
        return cls(digits, scale)

    @property
    def value(self) -> Fraction:
        return Fraction(self.digits, 10**self.scale)

    @property
    def text(self) -> str:
        """Fixed point, no exponent, no trailing zeros."""
        if self.scale == 0:
            return str(self.digits)
        digits = str(self.digits).rjust(self.scale + 1, "0")
        return f"{digits[: -self.scale]}.{digits[-self.scale :]}"


ONE = Rate(1, 0)


def worth_of(units: int, rate: Rate, source: Asset, target: Asset) -> int:
    """Base units of `target` that `units` of `source` become at `rate`, rounded down (for the house)."""
    exact = units * rate.value * Fraction(10) ** (target.decimals - source.decimals)
    return exact.numerator // exact.denominator


def cost_of(units: int, rate: Rate, source: Asset, target: Asset) -> int:
    """Base units of `source` needed so that at `rate` they become `units` of `target`, rounded up (for the house)."""
    exact = units / rate.value * Fraction(10) ** (source.decimals - target.decimals)
    return -(-exact.numerator // exact.denominator)
