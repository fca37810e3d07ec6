"""What a token is worth in gas, roughly: for judging whether a sweep is worth its cost, never for charging anybody."""

from fractions import Fraction

from tidegate.markets.books import Markets
from tidegate.money import asset


def worth(markets: Markets, gas_asset: str, code: str, units: int) -> int | None:
    """Base units of the gas asset that these units are worth by the prices in memory; None when there is none."""
    if code == gas_asset:
        return units
    given, got = asset(code), asset(gas_asset)
    found = markets.known_mid(given, got)
    if found is None:
        return None
    return int(Fraction(units, 10**given.decimals) * found.value * 10**got.decimals)
