"""The assets this house knows. Decimals are pinned here and compared with the chain at start."""

from dataclasses import dataclass


class UnknownAsset(KeyError):
    """The code names no asset of this house."""


UNKNOWN_TOKEN = "UNKNOWN"
"""Stands for any token that is not on our list. Its name and symbol are its own words, so nobody repeats them."""


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset: its code (`USDT`), how many decimals one whole unit has, and its name in English."""

    code: str
    decimals: int
    name: str
    listed: bool = True  # False: may exist in the ledger (venue fees), never in a customer's account


BTC = Asset("BTC", 8, "Bitcoin")
ETH = Asset("ETH", 18, "Ether")
USDT = Asset("USDT", 6, "Tether USD")
USDC = Asset("USDC", 6, "USD Coin")
BNB = Asset("BNB", 8, "BNB", listed=False)

_BY_CODE = {a.code: a for a in (BTC, ETH, USDT, USDC, BNB)}


def asset(code: str) -> Asset:
    """The asset of that code, exact spelling. Refuses with UnknownAsset."""
    try:
        return _BY_CODE[code]
    except KeyError:
        raise UnknownAsset(code) from None


def listed_assets() -> tuple[Asset, ...]:
    """Assets a customer may hold, in the order the house shows them."""
    return tuple(a for a in _BY_CODE.values() if a.listed)
