"""Coinbase Advanced Trade's answers as the port's types. Pure. A failed order comes with HTTP 200: only `success` counts.

An answer that cannot be read is never taken for a no: of an order it means UNKNOWN, of a read `Malformed`.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

from tidegate.venues import body as read
from tidegate.venues.body import ZERO, Malformed, Trouble, decode, unclear
from tidegate.venues.port import (
    Balance,
    Book,
    Candle,
    Fill,
    Market,
    OrderSeen,
    OrderState,
    Placed,
    PlaceOutcome,
    Reason,
    Rights,
    Ticker,
)

_FINEST: Final = Decimal("0.00000001")
_EXACT: Final = Context(prec=100)


def server_time(body: bytes) -> int:
    """Milliseconds of the venue's clock."""
    told = read.text(decode(body), "epochMillis")
    if not told.isascii() or not told.isdigit():
        raise Malformed("epochMillis")
    return int(told)


def markets(body: bytes, known: Callable[[str], bool]) -> list[Market]:
    """products: the pairs of which `known` knows both assets. Others are not looked at, whatever their shape."""
    found = []
    for entry in read.tables(read.field(decode(body), "products"), "products"):
        base, quote = read.text(entry, "base_currency_id"), read.text(entry, "quote_currency_id")
        if known(base) and known(quote):
            found.append(_market(entry, base, quote))
    return found


_STOPS: Final = ("trading_disabled", "is_disabled", "cancel_only", "post_only", "auction_mode", "view_only")


def _market(entry: Any, base: str, quote: str) -> Market:
    tick, lot = read.figure(entry, "price_increment"), read.figure(entry, "base_increment")
    if tick <= 0 or lot <= 0:
        raise Malformed(f"{base}-{quote} has no tick or no lot")
    return Market(
        symbol=read.text(entry, "product_id"),
        base=base,
        quote=quote,
        tick=tick,
        lot=lot,
        min_quantity=max(read.figure(entry, "base_min_size"), lot),
        max_quantity=read.figure(entry, "base_max_size"),
        min_notional=read.figure(entry, "quote_min_size"),
        trading=read.text(entry, "status") == "online" and not any(entry.get(stop) is True for stop in _STOPS),
    )


def book(body: bytes, symbol: str, received: float) -> Book:
    """product_book. Refuses a side out of order, an empty level, bids at or above asks, and another product."""
    value = read.field(decode(body), "pricebook")
    if read.text(value, "product_id") != symbol:
        raise Malformed("the book of another product")
    bids = read.levels(_pairs(read.field(value, "bids")), best_is_highest=True)
    asks = read.levels(_pairs(read.field(value, "asks")), best_is_highest=False)
    read.uncrossed(bids, asks)
    return Book(symbol=symbol, bids=bids, asks=asks, sequence=0, received=received)


def _pairs(side: Any) -> Iterable[tuple[Any, Any]]:
    for entry in read.entries(side, "side"):
        yield read.field(entry, "price"), read.field(entry, "size")


def ticker(body: bytes, symbol: str) -> Ticker:
    """ticker of one product; "" where there is nothing."""
    value = decode(body)
    trades = read.entries(read.field(value, "trades"), "trades")
    last = read.figure(trades[0], "price") if trades else None
    return Ticker(symbol=symbol, bid=_filled(value, "best_bid"), ask=_filled(value, "best_ask"), last=last)


def _filled(value: Any, name: str) -> Decimal | None:
    told = read.field(value, name)
    return None if told == "" else read.number(told, name) or None


def candles(body: bytes) -> list[Candle]:
    """candles: newest first there, oldest first here."""
    found = []
    for entry in read.entries(read.field(decode(body), "candles"), "candles"):
        start = read.text(entry, "start")
        if not start.isascii() or not start.isdigit():
            raise Malformed("start")
        first, high, low, last, volume = (
            read.figure(entry, name) for name in ("open", "high", "low", "close", "volume")
        )
        found.append(Candle(start=int(start), open=first, high=high, low=low, close=last, volume=volume))
    return found[::-1]


def following(value: Any, seen: set[str]) -> str | None:
    """The cursor of the next page, or None. A cursor that was there already is Malformed: it would never end."""
    if read.field(value, "has_next") is not True:
        return None
    return _new(read.text(value, "cursor"), seen)


def _new(cursor: str, seen: set[str]) -> str:
    if cursor in seen:
        raise Malformed("the pages go round")
    seen.add(cursor)
    return cursor


def balances(value: Any) -> list[Balance]:
    """One page of accounts."""
    found = []
    for entry in read.entries(read.field(value, "accounts"), "accounts"):
        free = read.figure(read.field(entry, "available_balance"), "value")
        locked = read.figure(read.field(entry, "hold"), "value")
        found.append(Balance(asset=read.text(entry, "currency"), free=free, locked=locked))
    return found


_OPEN: Final = frozenset({"PENDING", "OPEN", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"})
_ENDED: Final = frozenset({"CANCELLED", "EXPIRED"})


def order(entry: Any) -> OrderSeen:
    """One order object. A status unknown to us is Malformed."""
    filled, status = read.figure(entry, "filled_size"), read.text(entry, "status")
    if status in _OPEN:
        state = OrderState.OPEN
    elif status == "FILLED":
        state = OrderState.FILLED
    elif status in _ENDED:
        state = OrderState.PARTLY_FILLED if filled > 0 else OrderState.CANCELLED
    elif status == "FAILED":
        state = OrderState.PARTLY_FILLED if filled > 0 else OrderState.REJECTED
    else:
        raise Malformed(f"status {status}")
    return OrderSeen(read.text(entry, "client_order_id"), read.text(entry, "order_id"), state, filled)


def one_order(body: bytes) -> OrderSeen:
    """The answer to a query by the venue's id."""
    return order(read.field(decode(body), "order"))


def orders(value: Any, client_order_id: str) -> list[OrderSeen]:
    """One page of historical orders: those of that id. Others are not looked at, whatever their shape."""
    return [
        order(entry)
        for entry in read.entries(read.field(value, "orders"), "orders")
        if read.text(entry, "client_order_id") == client_order_id
    ]


def fills(value: Any, venue_order_id: str, quote: str) -> list[tuple[str, Fill]]:
    """One page of fills, with the time of each. Fees are in the quote asset, always.

    Another order's fill, and one that was taken back or corrected, are Malformed: a person has to look.
    """
    found = []
    for entry in read.entries(read.field(value, "fills"), "fills"):
        if read.text(entry, "order_id") != venue_order_id:
            raise Malformed("a fill of another order")
        if read.text(entry, "trade_type") != "FILL":
            raise Malformed("a fill that is none")
        price, size = read.figure(entry, "price"), read.figure(entry, "size")
        if read.flag(entry, "size_in_quote"):
            if price <= 0:
                raise Malformed("price")
            # Told in the quote asset: that is exact, and the quantity is the nearest that there can be.
            quantity, worth = _EXACT.divide(size, price).quantize(_FINEST, ROUND_HALF_EVEN, _EXACT), size
        else:
            quantity, worth = size, _EXACT.multiply(size, price)
        fill = Fill(read.text(entry, "trade_id"), price, quantity, worth, read.figure(entry, "commission"), quote)
        found.append((read.text(entry, "trade_time"), fill))
    return found


# By the beginning of the reason. These say that Coinbase did not act; other words prove nothing.
_REFUSED: Final[Mapping[str, Reason]] = {
    "INSUFFICIENT_FUND": Reason.INSUFFICIENT_FUNDS,
    "PREVIEW_INSUFFICIENT_FUND": Reason.INSUFFICIENT_FUNDS,
    "UNSUPPORTED_ORDER_CONFIGURATION": Reason.INVALID_ORDER,
    "INVALID_": Reason.INVALID_ORDER,
    "PREVIEW_INVALID_": Reason.INVALID_ORDER,
    "ORDER_ENTRY_DISABLED": Reason.MARKET_CLOSED,
    "PREVIEW_": Reason.REFUSED,
}
_SAID: Final = ("preview_failure_reason", "new_order_failure_reason", "error")


def placed(status: int, retry_after: float | None, body: bytes, client_order_id: str) -> Placed:
    """The outcome of a new order; never raises. It is taken in and not matched yet: no fill is in the answer."""
    if status != 200:
        return trouble(status, retry_after, body).placed()
    try:
        value = decode(body)
        if not read.flag(value, "success"):
            return _failed(value).placed()
        told = read.field(value, "success_response")
        if read.text(told, "client_order_id") != client_order_id:
            return unclear("the answer names another order").placed()
        seen = OrderSeen(client_order_id, read.text(told, "order_id"), OrderState.OPEN, ZERO)
    except Malformed as error:
        return unclear(str(error)).placed()
    return Placed(PlaceOutcome.PLACED, order=seen)


def _failed(value: Any) -> Trouble:
    """`failure_reason` says UNKNOWN also where the reason is known: it is not looked at."""
    told = read.named(value, "answer").get("error_response")
    said = [str(told.get(name, ""))[:100] for name in _SAID] if isinstance(told, dict) else []
    for word in said:
        for beginning, reason in _REFUSED.items():
            if word.startswith(beginning):
                return Trouble(PlaceOutcome.REFUSED, reason, " ".join(said))
    return unclear(" ".join(said) or "no reason")


_ERRORS: Final[Mapping[str, Reason]] = {
    "INVALID_ARGUMENT": Reason.INVALID_ORDER,
    "PERMISSION_DENIED": Reason.CREDENTIALS,
    "UNAUTHENTICATED": Reason.CREDENTIALS,
    "authentication_error": Reason.CREDENTIALS,
    "invalid_token": Reason.CREDENTIALS,
    "invalid_scope": Reason.CREDENTIALS,
    "two_factor_required": Reason.NOT_ALLOWED,
    "validation_error": Reason.INVALID_ORDER,
    "param_required": Reason.INVALID_ORDER,
    "invalid_request": Reason.INVALID_ORDER,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
}


def error_word(body: bytes) -> tuple[str, str]:
    """(word, message) of an error body of either interface; "" where it is none. Never raises."""
    try:
        value = decode(body)
    except Malformed:
        return "", ""
    if not isinstance(value, dict):
        return "", ""
    told = value.get("errors")
    if isinstance(told, list) and told and isinstance(told[0], dict):
        return str(told[0].get("id", ""))[:60], str(told[0].get("message", ""))[:200]
    return str(value.get("error", ""))[:60], str(value.get("message", ""))[:200]


def trouble(status: int, retry_after: float | None, body: bytes) -> Trouble:
    """What a failed request for an order or a withdrawal means; never raises."""
    word, message = error_word(body)
    detail = f"HTTP {status} {word} {message}".rstrip()
    if status >= 500 or status < 400:
        return Trouble(PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR, detail, retry_after)
    if status == 429:
        return Trouble(PlaceOutcome.REFUSED, Reason.RATE_LIMITED, detail, retry_after)
    if status == 401:
        return Trouble(PlaceOutcome.REFUSED, Reason.CREDENTIALS, detail)
    if word in _ERRORS:
        scarce = word == "validation_error" and ("insufficient" in message.lower() or "enough" in message.lower())
        return Trouble(PlaceOutcome.REFUSED, Reason.INSUFFICIENT_FUNDS if scarce else _ERRORS[word], detail)
    if status == 403:
        # With scopes named it is the key; a page without a word is the wall in front of the venue.
        why = Reason.CREDENTIALS if message else Reason.RATE_LIMITED
        return Trouble(PlaceOutcome.REFUSED, why, detail, retry_after)
    return Trouble(PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR, detail, retry_after)


CANCEL_NOTHING: Final = frozenset(
    {"UNKNOWN_CANCEL_ORDER", "DUPLICATE_CANCEL_REQUEST", "INVALID_CANCEL_REQUEST", "ORDER_IS_FULLY_FILLED"}
)


def cancel_refused(body: bytes) -> str:
    """batch_cancel of one order: "" when it is accepted or there is nothing to cancel, else the reason."""
    results = read.entries(read.field(decode(body), "results"), "results")
    if len(results) != 1:
        raise Malformed("results")
    if read.flag(results[0], "success"):
        return ""
    reason = read.text(results[0], "failure_reason")
    return "" if reason in CANCEL_NOTHING else reason


def rights(permissions: bytes, summary: bytes) -> Rights:
    """key_permissions and transaction_summary."""
    told, tier = decode(permissions), read.field(decode(summary), "fee_tier")
    return Rights(read.flag(told, "can_trade"), read.flag(told, "can_transfer"), read.figure(tier, "taker_fee_rate"))
