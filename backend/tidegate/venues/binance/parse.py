"""Binance's answers as the port's types. Pure. Unknown fields are ignored; a missing or misshapen one is refused.

An answer that cannot be read is never taken for a no: of an order it means UNKNOWN, of a read `Malformed`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tidegate.venues.port import (
    Balance,
    Book,
    Fill,
    Level,
    Market,
    OrderSeen,
    OrderState,
    Placed,
    PlaceOutcome,
    Reason,
)

_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{1,18})?\Z", re.ASCII)
ZERO = Decimal(0)


class Malformed(ValueError):
    """Not Binance's protocol."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error body. `code` is None where the body is not Binance's (a proxy's page)."""

    status: int
    code: int | None
    message: str
    retry_after: float | None = None


def decode(body: bytes) -> Any:
    """JSON with numbers as Decimals. Raises Malformed."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _field(value: Any, name: str) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise Malformed(f"no {name}")
    return value[name]


def _text(value: Any, name: str) -> str:
    found = _field(value, name)
    if not isinstance(found, str) or not found or len(found) > 100:
        raise Malformed(f"{name} is not a text")
    return found


def _integer(value: Any, name: str) -> int:
    found = _field(value, name)
    if not isinstance(found, int) or isinstance(found, bool):
        raise Malformed(f"{name} is not a whole number")
    return found


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is not a list")
    return value


def number(value: Any, what: str) -> Decimal:
    """A plain decimal string, zero or above. Raises Malformed for signs, exponents, NaN, JSON numbers."""
    if not isinstance(value, str) or not _NUMBER.match(value):
        raise Malformed(f"{what} is not a number")
    return Decimal(value)


def _number(value: Any, name: str) -> Decimal:
    return number(_field(value, name), name)


def server_time(body: bytes) -> int:
    """Milliseconds of the venue's clock."""
    return _integer(decode(body), "serverTime")


def markets(body: bytes, known: Callable[[str], bool]) -> list[Market]:
    """exchangeInfo: the pairs of which `known` knows both assets. Others are not looked at, whatever their shape."""
    found = []
    for symbol in _list(_field(decode(body), "symbols"), "symbols"):
        base, quote = _text(symbol, "baseAsset"), _text(symbol, "quoteAsset")
        if known(base) and known(quote):
            found.append(_market(symbol, base, quote))
    return found


def _market(symbol: Any, base: str, quote: str) -> Market:
    filters: dict[str, Any] = {}
    for entry in _list(_field(symbol, "filters"), "filters"):
        filters[_text(entry, "filterType")] = entry
    price, lot = _field(filters, "PRICE_FILTER"), _field(filters, "LOT_SIZE")
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    tick, step = _number(price, "tickSize"), _number(lot, "stepSize")
    if tick <= 0 or step <= 0:
        # Zero switches the rule off; the house then has no grid to round to.
        raise Malformed(f"{base}{quote} has no tick or no lot")
    return Market(
        symbol=_text(symbol, "symbol"),
        base=base,
        quote=quote,
        tick=tick,
        lot=step,
        min_quantity=max(_number(lot, "minQty"), step),
        max_quantity=_number(lot, "maxQty"),
        min_notional=_number(notional, "minNotional") if notional is not None else ZERO,
        trading=_text(symbol, "status") == "TRADING" and _field(symbol, "isSpotTradingAllowed") is True,
    )


def book(body: bytes, symbol: str, received: float) -> Book:
    """depth. Refuses a side out of order, an empty level, and bids at or above asks."""
    value = decode(body)
    bids = _levels(_field(value, "bids"), best_is_highest=True)
    asks = _levels(_field(value, "asks"), best_is_highest=False)
    if bids and asks and bids[0].price >= asks[0].price:
        raise Malformed("crossed book")
    return Book(symbol=symbol, bids=bids, asks=asks, sequence=_integer(value, "lastUpdateId"), received=received)


def _levels(side: Any, *, best_is_highest: bool) -> tuple[Level, ...]:
    found: list[Level] = []
    for entry in _list(side, "side"):
        if not isinstance(entry, list) or len(entry) < 2:
            raise Malformed("level")
        level = Level(number(entry[0], "price"), number(entry[1], "quantity"))
        if level.price <= 0 or level.quantity <= 0:
            raise Malformed("empty level")
        if found and (level.price < found[-1].price) is not best_is_highest:
            raise Malformed("levels out of order")
        found.append(level)
    return tuple(found)


def balances(body: bytes) -> list[Balance]:
    """account."""
    return [
        Balance(asset=_text(entry, "asset"), free=_number(entry, "free"), locked=_number(entry, "locked"))
        for entry in _list(_field(decode(body), "balances"), "balances")
    ]


_OPEN: Final = frozenset({"NEW", "PENDING_NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"})
_ENDED: Final = frozenset({"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})


def order(body: bytes) -> OrderSeen:
    """The answer to a query, or the FULL or RESULT answer to a new order. A status unknown to us is Malformed."""
    value = decode(body)
    filled, status = _number(value, "executedQty"), _text(value, "status")
    if status in _OPEN:
        state = OrderState.OPEN
    elif status == "FILLED":
        state = OrderState.FILLED
    elif status in _ENDED:
        state = OrderState.PARTLY_FILLED if filled > 0 else OrderState.CANCELLED
    elif status == "REJECTED":
        state = OrderState.REJECTED
    else:
        raise Malformed(f"status {status}")
    return OrderSeen(
        client_order_id=_text(value, "clientOrderId"),
        venue_order_id=str(_integer(value, "orderId")),
        state=state,
        filled=filled,
    )


def fills(body: bytes, venue_order_id: str) -> list[Fill]:
    """myTrades of one order, oldest first. A trade of another order is Malformed: its money is not ours to book here."""
    found: list[tuple[int, Fill]] = []
    for entry in _list(decode(body), "trades"):
        if str(_integer(entry, "orderId")) != venue_order_id:
            raise Malformed("a trade of another order")
        trade = _integer(entry, "id")
        found.append(
            (
                trade,
                Fill(
                    trade_id=str(trade),
                    price=_number(entry, "price"),
                    quantity=_number(entry, "qty"),
                    quote_quantity=_number(entry, "quoteQty"),
                    fee=_number(entry, "commission"),
                    fee_asset=_text(entry, "commissionAsset"),
                ),
            )
        )
    return [fill for _, fill in sorted(found, key=lambda pair: pair[0])]


def failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What a status other than 200 says; never raises."""
    code: int | None = None
    message = ""
    try:
        value = decode(body)
        if isinstance(value, dict) and isinstance(value.get("code"), int):
            code, message = value["code"], str(value.get("msg", ""))[:200]
    except Malformed:
        pass
    waits = headers.get("retry-after", "")
    retry_after = float(waits) if waits.isascii() and waits.isdigit() and len(waits) < 8 else None
    if retry_after is None and status in _DEFAULT_WAITS:
        retry_after = _DEFAULT_WAITS[status]
    return Failure(status, code, message, retry_after)


# Seconds to stay away where the answer names none. Going on after a 429 earns a 418, a ban of minutes to days.
_DEFAULT_WAITS: Final = {429: 60.0, 418: 120.0}

NO_SUCH_ORDER: Final = -2013
ARCHIVED: Final = -2026
NOTHING_TO_CANCEL: Final = -2011
CLOCK: Final = -1021

# Codes by which Binance says that it did not act. Whatever is neither here nor below may have been acted upon.
_REFUSED: Final[Mapping[int, Reason]] = {
    -1002: Reason.CREDENTIALS,  # not authorised
    -1003: Reason.RATE_LIMITED,  # weight
    -1008: Reason.RATE_LIMITED,  # overloaded, turned away
    -1015: Reason.RATE_LIMITED,  # too many orders
    -1013: Reason.INVALID_ORDER,  # a filter
    -1014: Reason.INVALID_ORDER,
    -1016: Reason.MARKET_CLOSED,
    -1020: Reason.INVALID_ORDER,
    -1021: Reason.CLOCK,
    -1022: Reason.CREDENTIALS,  # signature
    -2014: Reason.CREDENTIALS,
    -2015: Reason.CREDENTIALS,
    -2010: Reason.REFUSED,  # decided by the message
}
_PARAMETERS: Final = range(-1199, -1099)  # -1100 … -1199: a parameter is wrong
_UNKNOWN: Final = frozenset({-1000, -1001, -1006, -1007})
_BY_MESSAGE: Final = (
    ("insufficient balance", Reason.INSUFFICIENT_FUNDS),
    ("duplicate order", Reason.DUPLICATE),
    ("market is closed", Reason.MARKET_CLOSED),
)


def reason(failed: Failure) -> tuple[PlaceOutcome, Reason]:
    """What a failed order request means. UNKNOWN unless the venue plainly says that it did not act."""
    if failed.status >= 500 or failed.status < 400 or failed.code in _UNKNOWN:
        return PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR
    if failed.status in (418, 429):
        return PlaceOutcome.REFUSED, Reason.RATE_LIMITED
    if failed.code is None:
        # 403 is the firewall in front of the venue: the request never came in. Any other page proves nothing.
        return (
            (PlaceOutcome.REFUSED, Reason.RATE_LIMITED)
            if failed.status == 403
            else (PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR)
        )
    if failed.code == -2010:
        said = failed.message.lower()
        why = next((reason for part, reason in _BY_MESSAGE if part in said), Reason.REFUSED)
        # A duplicate says that an order of this id is open there: a request of ours did arrive.
        return (PlaceOutcome.UNKNOWN if why is Reason.DUPLICATE else PlaceOutcome.REFUSED), why
    if failed.code in _PARAMETERS:
        return PlaceOutcome.REFUSED, Reason.INVALID_ORDER
    if failed.code in _REFUSED:
        return PlaceOutcome.REFUSED, _REFUSED[failed.code]
    return PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR


def placed(status: int, headers: Mapping[str, str], body: bytes, client_order_id: str) -> Placed:
    """The outcome of a new order; never raises."""
    if status == 200:
        try:
            seen = order(body)
        except Malformed as error:
            return Placed(PlaceOutcome.UNKNOWN, reason=Reason.VENUE_ERROR, detail=str(error))
        if seen.client_order_id != client_order_id:
            return Placed(PlaceOutcome.UNKNOWN, reason=Reason.VENUE_ERROR, detail="the answer names another order")
        return Placed(PlaceOutcome.PLACED, order=seen)
    failed = failure(status, headers, body)
    outcome, why = reason(failed)
    return Placed(outcome, reason=why, detail=describe(failed), retry_after=failed.retry_after)


def describe(failed: Failure) -> str:
    """For logs and operators: no body of unknown origin in it."""
    return f"HTTP {failed.status}" if failed.code is None else f"HTTP {failed.status} {failed.code} {failed.message}"
