"""Toymarket's answers as the port's types. Pure: bytes in, dataclasses out, `Malformed` for what is not its protocol."""

from collections.abc import Callable

from tidegate.venues import body as read
from tidegate.venues.body import Malformed, Trouble, decode, unclear
from tidegate.venues.port import (
    Balance,
    Book,
    Candle,
    Fill,
    Market,
    OrderSeen,
    OrderState,
    PlaceOutcome,
    Reason,
    Rights,
    Ticker,
    WithdrawalSeen,
    WithdrawalState,
)


def markets(body: bytes, known: Callable[[str], bool]) -> list[Market]:
    found = []
    for entry in read.tables(decode(body), "markets"):
        base, quote = read.text(entry, "base"), read.text(entry, "quote")
        if known(base) and known(quote):
            found.append(
                Market(
                    symbol=read.text(entry, "name"),
                    base=base,
                    quote=quote,
                    tick=read.figure(entry, "tick"),
                    lot=read.figure(entry, "lot"),
                    min_quantity=read.figure(entry, "least"),
                    max_quantity=read.figure(entry, "most"),
                    min_notional=read.figure(entry, "worth"),
                    trading=read.flag(entry, "open"),
                )
            )
    return found


def book(body: bytes, symbol: str, received: float) -> Book:
    value = decode(body)
    bids = read.levels(read.pairs(read.field(value, "bids")), best_is_highest=True)
    asks = read.levels(read.pairs(read.field(value, "asks")), best_is_highest=False)
    read.uncrossed(bids, asks)
    return Book(symbol=symbol, bids=bids, asks=asks, sequence=0, received=received)


def ticker(body: bytes, symbol: str) -> Ticker:
    value = decode(body)
    return Ticker(symbol, read.figure(value, "bid"), read.figure(value, "ask"), read.figure(value, "last"))


def candles(body: bytes) -> list[Candle]:
    return [
        Candle(read.integer(one, "start"), *(read.figure(one, name) for name in ("o", "h", "l", "c", "volume")))
        for one in read.tables(decode(body), "candles")
    ]


def balances(body: bytes) -> list[Balance]:
    return [
        Balance(read.text(one, "asset"), read.figure(one, "free"), read.figure(one, "locked"))
        for one in read.tables(read.field(decode(body), "held"), "held")
    ]


def rights(body: bytes) -> Rights:
    value = decode(body)
    may = read.entries(read.field(value, "may"), "may")
    return Rights("trade" in may, "withdraw" in may, read.figure(value, "fee"))


_STATES = {"open": OrderState.OPEN, "filled": OrderState.FILLED}


def order(body: bytes) -> OrderSeen:
    value = decode(body)
    filled, word = read.figure(value, "filled"), read.text(value, "state")
    state = _STATES.get(word)
    if word == "ended":
        state = OrderState.PARTLY_FILLED if filled > 0 else OrderState.CANCELLED
    if state is None:
        raise Malformed(f"state {word}")
    return OrderSeen(read.text(value, "id"), str(read.integer(value, "number")), state, filled)


def fills(body: bytes) -> list[Fill]:
    found = []
    for one in read.tables(decode(body), "trades"):
        price, quantity = read.figure(one, "price"), read.figure(one, "quantity")
        fee, asset = read.figure(one, "fee"), read.text(one, "fee_asset")
        found.append(Fill(str(read.integer(one, "number")), price, quantity, price * quantity, fee, asset))
    return found


def withdrawal(body: bytes) -> WithdrawalSeen:
    value = decode(body)
    txid = read.field(value, "txid")
    if not isinstance(txid, str):
        raise Malformed("txid")
    state = WithdrawalState.COMPLETED if txid else WithdrawalState.PENDING
    number = str(read.integer(value, "number"))
    return WithdrawalSeen(number, state, read.figure(value, "amount"), read.figure(value, "fee"), txid)


_REFUSED = {
    "funds": Reason.INSUFFICIENT_FUNDS,
    "grid": Reason.INVALID_ORDER,
    "key": Reason.CREDENTIALS,
    "clock": Reason.CLOCK,
    "many": Reason.RATE_LIMITED,
}


def trouble(status: int, retry_after: float | None, body: bytes) -> Trouble:
    """What an answer other than 200 means. Only words that we know are a no."""
    try:
        word = read.text(decode(body), "no") if 400 <= status < 500 else ""
    except Malformed:
        word = ""
    if word in _REFUSED:
        return Trouble(PlaceOutcome.REFUSED, _REFUSED[word], word, retry_after)
    return unclear(f"HTTP {status} {word}".rstrip())


def number(body: bytes) -> str:
    """The venue's id in the answer to an order or a withdrawal."""
    return str(read.integer(decode(body), "number"))


def time_ms(body: bytes) -> int:
    return read.integer(decode(body), "ms")


def address(body: bytes) -> str:
    return read.text(decode(body), "address")
