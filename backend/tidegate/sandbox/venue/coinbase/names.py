"""What Coinbase calls products, accounts, orders and trades."""

import uuid

from tidegate.sandbox.venue.coinbase.words import invalid, missing
from tidegate.sandbox.venue.prices import Style, Symbol, by_name, symbol

# Every price times every lot has at most eight decimals, so that what a fill is worth is exact.
STYLE = Style(
    name="coinbase",
    symbols=by_name(
        (
            symbol("BTC", "USDT", "0.01", "0.000001", "1", least="0.00005"),
            symbol("ETH", "USDT", "0.01", "0.000001", "1", least="0.0005"),
            symbol("ETH", "BTC", "0.00001", "0.001", "0.00002", least="0.001"),
            symbol("USDC", "USDT", "0.0001", "0.0001", "1", 8_000_000, least="1"),
            symbol("BTC", "USDC", "0.01", "0.000001", "1", least="0.00005"),
            symbol("ETH", "USDC", "0.01", "0.000001", "1", least="0.0005"),
        )
    ),
    fee_ppm=1050,
    fee_in_quote=True,
    half_spread=18_000,
    wobble_ppm=80,
)
NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "USDT": "Tether", "USDC": "USDC"}
_SPACE = uuid.UUID("0f0b7c52-4a0e-4d8e-9c54-636f696e6261")
_PRODUCTS = {f"{one.base}-{one.quote}": one for one in STYLE.symbols.values()}
_IDS = {one.name: name for name, one in _PRODUCTS.items()}


def product_id(name: str) -> str:
    return _IDS[name]


def product_of(told: str) -> Symbol:
    """Raises Wrong."""
    found = _PRODUCTS.get(told)
    if found is None:
        raise missing("valid product_id is required")
    return found


def products() -> list[Symbol]:
    return list(_PRODUCTS.values())


def wallet_id(account: str, asset: str) -> str:
    return str(uuid.uuid5(_SPACE, f"{account}/{asset}"))


def order_id(number: int) -> str:
    return _named(0x4F, number)


def trade_id(number: int) -> str:
    return _named(0x54, number)


def send_id(number: int) -> str:
    return _named(0x57, number)


def _named(kind: int, number: int) -> str:
    """A well-formed UUID that holds the number."""
    return f"{number:08x}-00{kind:02x}-4000-8000-{number:012x}"


def number_of(told: str) -> int | None:
    """The number in one of our ids; None for any other text."""
    try:
        return int(told[:8], 16) if len(told) == 36 else None
    except ValueError:
        return None


def offset_of(cursor: str | None) -> int:
    """Where a page begins. Raises Wrong."""
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 12:
        raise invalid("cursor")
    return int(cursor)
