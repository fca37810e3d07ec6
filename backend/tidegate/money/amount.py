"""Amounts: an asset and a whole number of its base units."""

import re
from dataclasses import dataclass
from typing import Self

from tidegate.money.asset import Asset

# ASCII only, no sign, no exponent, no bare point: the wire's one spelling of an amount (API.md).
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?\Z", re.ASCII)


class MoneyError(ValueError):
    """A text or operation that is not money."""


class InvalidAmount(MoneyError):
    """Not spelled as an amount."""


class TooManyDecimals(MoneyError):
    """More decimals than the asset has."""


def parse_units(text: str, decimals: int) -> int:
    """Base units of a decimal string. Refuses (InvalidAmount, TooManyDecimals); never rounds."""
    if not _AMOUNT.match(text):
        raise InvalidAmount(text[:64])
    whole, _, fraction = text.partition(".")
    if len(fraction) > decimals:
        raise TooManyDecimals(f"{len(fraction)} decimals, at most {decimals}")
    return int(whole) * int(10**decimals) + int(fraction.ljust(decimals, "0") or "0")


def format_units(units: int, decimals: int) -> str:
    """Fixed point with exactly `decimals` decimals; the inverse of parse_units. Takes negatives."""
    sign = "-" if units < 0 else ""
    digits = str(abs(units)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else sign + digits


@dataclass(frozen=True, slots=True)
class Amount:
    """`units` base units of `asset`. May be negative inside sums; never on the wire in."""

    asset: Asset
    units: int

    @classmethod
    def parse(cls, asset: Asset, text: str) -> Self:
        return cls(asset, parse_units(text, asset.decimals))

    @property
    def text(self) -> str:
        """Fixed point with exactly the asset's decimals."""
        return format_units(self.units, self.asset.decimals)

    def _same(self, other: "Amount") -> None:
        if other.asset != self.asset:
            raise MoneyError(f"{self.asset.code} and {other.asset.code} do not add")

    def __add__(self, other: "Amount") -> "Amount":
        self._same(other)
        return Amount(self.asset, self.units + other.units)

    def __sub__(self, other: "Amount") -> "Amount":
        self._same(other)
        return Amount(self.asset, self.units - other.units)

    def __str__(self) -> str:
        return f"{self.text} {self.asset.code}"
