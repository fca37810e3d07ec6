"""What Kraken calls assets and pairs: each has an id and other names, and any of them may be asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.sandbox.venue.kraken.words import wrong
from tidegate.sandbox.venue.prices import Style, Symbol, by_name, symbol

STYLE = Style(
    name="kraken",
    symbols=by_name(
        (
            symbol("BTC", "USDT", "0.1", "0.00000001", "0.5", least="0.00005"),
            symbol("ETH", "USDT", "0.01", "0.00000001", "0.5", least="0.002"),
            symbol("ETH", "BTC", "0.00001", "0.00000001", "0.00002", least="0.002"),
            symbol("USDC", "USDT", "0.0001", "0.00000001", "0.5", 8_000_000, least="5"),
            symbol("BTC", "USDC", "0.01", "0.00000001", "0.5", least="0.00005"),
            symbol("ETH", "USDC", "0.01", "0.00000001", "0.5", least="0.002"),
        )
    ),
    fee_ppm=1020,
    fee_in_quote=True,
    half_spread=16_000,
    wobble_ppm=80,
)

ASSETS = {"BTC": ("XXBT", "XBT"), "ETH": ("XETH", "ETH"), "USDT": ("USDT", "USDT"), "USDC": ("USDC", "USDC")}
"""Id and alternative name, by the common code."""
_CODES = {told: code for code, names in ASSETS.items() for told in names}
METHODS = {"BTC": "Bitcoin", "ETH": "Ether (Hex)", "USDT": "Tether USD (ERC20)", "USDC": "USDC (ERC20)"}
NETWORKS = {"bitcoin": "Bitcoin", "ethereum": "Ethereum"}


@dataclass(frozen=True, slots=True)
class Pair:
    id: str
    altname: str
    wsname: str
    symbol: Symbol


def _pair(one: Symbol) -> Pair:
    (base_id, base), (quote_id, quote) = ASSETS[one.base], ASSETS[one.quote]
    # Two old assets make an old, long id; everything else goes by its plain names.
    old = (base_id != base and quote_id != quote) or (one.base, one.quote) == ("ETH", "BTC")
    return Pair(base_id + quote_id if old else base + quote, base + quote, f"{base}/{quote}", one)


PAIRS = {one.name: _pair(one) for one in STYLE.symbols.values()}
_BY_ANY = {told: pair for pair in PAIRS.values() for told in (pair.id, pair.altname, pair.wsname)}


def pair_of(told: str) -> Pair:
    """By any of its names. Raises Wrong."""
    found = _BY_ANY.get(told)
    if found is None:
        raise wrong("EQuery:Unknown asset pair")
    return found


def pairs_of(told: str | None) -> Iterator[Pair]:
    """Those of a comma list, or all."""
    return iter(PAIRS.values()) if told is None else (pair_of(one) for one in told.split(","))


def code_of(told: str) -> str:
    """The common code of an asset, by any of its names. Raises Wrong."""
    if told not in _CODES:
        raise wrong("EQuery:Unknown asset")
    return _CODES[told]


def order_id(number: int) -> str:
    return _named("O", number)


def trade_id(number: int) -> str:
    return _named("T", number)


def ref_id(number: int) -> str:
    return _named("F", number)


def _named(kind: str, number: int) -> str:
    digits = f"{number:011d}"
    return f"{kind}{digits[:5]}-SANDX-{digits[5:]}"


def number_of(told: str) -> int | None:
    """The number in one of our ids; None for any other text."""
    first, middle, last = [*told.split("-"), "", ""][:3]
    digits = first[1:] + last
    if middle != "SANDX" or len(digits) != 11 or not digits.isascii() or not digits.isdigit():
        return None
    return int(digits)
