"""Money: assets, amounts in integer base units, rates, and roundings that say their direction.

Nothing here is a float, nothing here rounds silently, and nothing here knows a database or a wire.
"""

from tidegate.money.allocate import Remainder, allocate, divide
from tidegate.money.amount import Amount, InvalidAmount, MoneyError, TooManyDecimals, format_units, parse_units
from tidegate.money.asset import BNB, BTC, ETH, UNKNOWN_TOKEN, USDC, USDT, Asset, UnknownAsset, asset, listed_assets
from tidegate.money.rate import ONE, Rate, cost_of, worth_of

__all__ = [
    "BNB",
    "BTC",
    "ETH",
    "ONE",
    "UNKNOWN_TOKEN",
    "USDC",
    "USDT",
    "Amount",
    "Asset",
    "InvalidAmount",
    "MoneyError",
    "Rate",
    "Remainder",
    "TooManyDecimals",
    "UnknownAsset",
    "allocate",
    "asset",
    "cost_of",
    "divide",
    "format_units",
    "listed_assets",
    "parse_units",
    "worth_of",
]
