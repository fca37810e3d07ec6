"""Reading a request the way Coinbase does: queries with repeated names, JSON bodies, order configurations."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from tidegate.sandbox.venue.coinbase.names import product_of
from tidegate.sandbox.venue.coinbase.words import invalid, order_failed, unsupported
from tidegate.sandbox.venue.dialect import Raw, Wrong
from tidegate.sandbox.venue.orders import Ask
from tidegate.sandbox.venue.prices import e8

_DECIMAL = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?\Z", re.ASCII)
_TIMES = {"sor_limit_ioc": "IOC", "limit_limit_fok": "FOK", "limit_limit_gtc": "GTC"}


def parameters(raw: Raw) -> dict[str, Any]:
    """Lists of texts from the query; of a body its JSON. Raises Wrong."""
    if raw.method == "GET":
        try:
            return dict(parse_qs(raw.query.decode("ascii"), keep_blank_values=True))
        except (ValueError, UnicodeDecodeError):
            raise invalid("query") from None
    try:
        value = json.loads(raw.body, parse_float=str)
    except (ValueError, RecursionError):
        raise invalid("body is not JSON") from None
    if not isinstance(value, dict):
        raise invalid("body is not an object")
    return value


def one(found: Mapping[str, Any], name: str) -> str | None:
    """The first value of a name in a query."""
    values = found.get(name)
    return values[0] if values else None


def several(found: Mapping[str, Any], *names: str) -> set[str]:
    """All values of these names, which may also be comma lists."""
    return {part for name in names for value in found.get(name, ()) for part in value.split(",") if part}


def whole(found: Mapping[str, Any], name: str, default: int) -> int:
    told = one(found, name)
    if told is None:
        return default
    if not told.isascii() or not told.isdigit() or len(told) > 15:
        raise invalid(name)
    return int(told)


def moment(found: Mapping[str, Any], name: str, default: int) -> int:
    """RFC 3339, in milliseconds."""
    told = one(found, name)
    if told is None:
        return default
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise invalid(name) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def text(value: Mapping[str, Any], name: str) -> str:
    told = value.get(name)
    if not isinstance(told, str) or not told or len(told) > 128:
        raise invalid(f"{name} is required")
    return told


def decimal(value: Mapping[str, Any], name: str, otherwise: Wrong) -> int:
    """In units of 1e-8, above zero."""
    told = text(value, name)
    if not _DECIMAL.match(told):
        raise otherwise
    before, _, fraction = told.partition(".")
    if len(fraction.rstrip("0")) > 8:
        raise otherwise
    units = e8(f"{before}.{fraction[:8]}")
    if units == 0:
        raise otherwise
    return units


def ask(value: Mapping[str, Any]) -> Ask:
    """The order a client wants to place. Raises Wrong."""
    symbol, side = product_of(text(value, "product_id")), text(value, "side")
    client_id, told = text(value, "client_order_id"), value.get("order_configuration")
    if side not in ("BUY", "SELL"):
        raise invalid("side")
    if not isinstance(told, dict) or len(told) != 1:
        raise invalid("order_configuration")
    ((kind, terms),) = told.items()
    if not isinstance(terms, dict):
        raise invalid("order_configuration")
    bad_size = Wrong(order_failed("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_BASE_SIZE_PRECISION", ""))
    bad_price = Wrong(order_failed("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_PRICE_PRECISION", ""))
    if kind == "market_market_ioc":
        by_worth = "quote_size" in terms
        if by_worth and "base_size" in terms:
            raise unsupported()
        size = decimal(terms, "quote_size" if by_worth else "base_size", bad_size)
        quantity, worth = (0, size) if by_worth else (size, 0)
        return Ask(symbol, side == "BUY", "MARKET", "IOC", quantity, worth, 0, client_id)
    if kind not in _TIMES:
        raise unsupported()
    size, price = decimal(terms, "base_size", bad_size), decimal(terms, "limit_price", bad_price)
    post_only = terms.get("post_only") is True and kind == "limit_limit_gtc"
    return Ask(
        symbol=symbol,
        buys=side == "BUY",
        type="LIMIT_MAKER" if post_only else "LIMIT",
        time_in_force=_TIMES[kind],
        quantity=size,
        quote_quantity=0,
        price=price,
        client_id=client_id,
    )
