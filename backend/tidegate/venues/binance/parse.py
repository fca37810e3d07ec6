"""Binance's answers as the port's types. Pure. Unknown fields are ignored; a missing or misshapen one is refused.

An answer that cannot be read is never taken for a no: of an order it means UNKNOWN, of a read `Malformed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.venues import body as read
from tidegate.venues.body import ZERO, Malformed, Trouble, decode
from tidegate.venues.port import (
    Balance,
    Book,
    Candle,
    DepositAddress,
    DepositSeen,
    DepositState,
    Fill,
    Market,
    OrderSeen,
    OrderState,
    Placed,
    PlaceOutcome,
    Reason,
    Rights,
    Ticker,
    WithdrawalSeen,
    WithdrawalState,
    Withdrawing,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error body. `code` is None where the body is not Binance's (a proxy's page)."""

    status: int
    code: int | None
    message: str
    retry_after: float | None = None


def server_time(body: bytes) -> int:
    """Milliseconds of the venue's clock."""
    return read.integer(decode(body), "serverTime")


def markets(body: bytes, known: Callable[[str], bool]) -> list[Market]:
    """exchangeInfo: the pairs of which `known` knows both assets. Others are not looked at, whatever their shape."""
    found = []
    for symbol in read.entries(read.field(decode(body), "symbols"), "symbols"):
        base, quote = read.text(symbol, "baseAsset"), read.text(symbol, "quoteAsset")
        if known(base) and known(quote):
            found.append(_market(symbol, base, quote))
    return found


def _market(symbol: Any, base: str, quote: str) -> Market:
    filters: dict[str, Any] = {}
    for entry in read.entries(read.field(symbol, "filters"), "filters"):
        filters[read.text(entry, "filterType")] = entry
    price, lot = read.field(filters, "PRICE_FILTER"), read.field(filters, "LOT_SIZE")
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    tick, step = read.figure(price, "tickSize"), read.figure(lot, "stepSize")
    if tick <= 0 or step <= 0:
        # Zero switches the rule off; the house then has no grid to round to.
        raise Malformed(f"{base}{quote} has no tick or no lot")
    return Market(
        symbol=read.text(symbol, "symbol"),
        base=base,
        quote=quote,
        tick=tick,
        lot=step,
        min_quantity=max(read.figure(lot, "minQty"), step),
        max_quantity=read.figure(lot, "maxQty"),
        min_notional=read.figure(notional, "minNotional") if notional is not None else ZERO,
        trading=read.text(symbol, "status") == "TRADING" and read.field(symbol, "isSpotTradingAllowed") is True,
    )


def weight_limit(body: bytes) -> int | None:
    """exchangeInfo: the weight that a minute may hold, where it is told."""
    for entry in read.tables(read.named(decode(body), "exchangeInfo").get("rateLimits", []), "rateLimits"):
        if entry.get("rateLimitType") == "REQUEST_WEIGHT" and entry.get("interval") == "MINUTE":
            return read.integer(entry, "limit") // max(1, read.integer(entry, "intervalNum"))
    return None


def tickers(body: bytes) -> dict[str, Ticker]:
    """ticker/24hr of several symbols, by symbol. Binance says 0 where there is nothing."""
    found = {}
    for entry in read.entries(decode(body), "tickers"):
        symbol = read.text(entry, "symbol")
        found[symbol] = Ticker(
            symbol=symbol,
            bid=read.figure(entry, "bidPrice") or None,
            ask=read.figure(entry, "askPrice") or None,
            last=read.figure(entry, "lastPrice") or None,
        )
    return found


def candles(body: bytes) -> list[Candle]:
    """klines, oldest first."""
    found = []
    for row in read.entries(decode(body), "klines"):
        if not isinstance(row, list) or len(row) < 6 or not isinstance(row[0], int):
            raise Malformed("kline")
        first, high, low, last, volume = (read.number(value, "kline") for value in row[1:6])
        found.append(Candle(start=row[0] // 1000, open=first, high=high, low=low, close=last, volume=volume))
    return found


def book(body: bytes, symbol: str, received: float) -> Book:
    """depth. Refuses a side out of order, an empty level, and bids at or above asks."""
    value = decode(body)
    bids = read.levels(read.pairs(read.field(value, "bids")), best_is_highest=True)
    asks = read.levels(read.pairs(read.field(value, "asks")), best_is_highest=False)
    read.uncrossed(bids, asks)
    return Book(symbol=symbol, bids=bids, asks=asks, sequence=read.integer(value, "lastUpdateId"), received=received)


def balances(body: bytes) -> list[Balance]:
    """account."""
    return [
        Balance(asset=read.text(entry, "asset"), free=read.figure(entry, "free"), locked=read.figure(entry, "locked"))
        for entry in read.entries(read.field(decode(body), "balances"), "balances")
    ]


_OPEN: Final = frozenset({"NEW", "PENDING_NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"})
_ENDED: Final = frozenset({"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})


def order(body: bytes) -> OrderSeen:
    """The answer to a query, or the FULL or RESULT answer to a new order. A status unknown to us is Malformed."""
    value = decode(body)
    filled, status = read.figure(value, "executedQty"), read.text(value, "status")
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
        client_order_id=read.text(value, "clientOrderId"),
        venue_order_id=str(read.integer(value, "orderId")),
        state=state,
        filled=filled,
    )


def fills(body: bytes, venue_order_id: str) -> list[Fill]:
    """myTrades of one order, oldest first. A trade of another order is Malformed: its money is not ours to book here."""
    found: list[tuple[int, Fill]] = []
    for entry in read.entries(decode(body), "trades"):
        if str(read.integer(entry, "orderId")) != venue_order_id:
            raise Malformed("a trade of another order")
        trade = read.integer(entry, "id")
        found.append(
            (
                trade,
                Fill(
                    trade_id=str(trade),
                    price=read.figure(entry, "price"),
                    quantity=read.figure(entry, "qty"),
                    quote_quantity=read.figure(entry, "quoteQty"),
                    fee=read.figure(entry, "commission"),
                    fee_asset=read.text(entry, "commissionAsset"),
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
    return Failure(status, code, message, read.asked_wait(status, headers))


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
    return trouble(status, headers, body).placed()


def trouble(status: int, headers: Mapping[str, str], body: bytes) -> Trouble:
    """What a failed request for an order or a withdrawal means; never raises."""
    failed = failure(status, headers, body)
    outcome, why = reason(failed)
    return Trouble(outcome, why, describe(failed), failed.retry_after)


def describe(failed: Failure) -> str:
    """For logs and operators: no body of unknown origin in it."""
    return f"HTTP {failed.status}" if failed.code is None else f"HTTP {failed.status} {failed.code} {failed.message}"


def deposit_address(body: bytes, asset: str, network: str) -> DepositAddress:
    """capital/deposit/address. An address for another coin is Malformed."""
    value = decode(body)
    if read.text(value, "coin") != asset:
        raise Malformed("an address for another coin")
    tag = read.field(value, "tag")
    if not isinstance(tag, str):
        raise Malformed("tag is not a text")
    return DepositAddress(asset=asset, network=network, address=read.text(value, "address"), tag=tag)


def withdrawing(status: int, headers: Mapping[str, str], body: bytes) -> Withdrawing:
    """The outcome of capital/withdraw/apply; never raises."""
    if status != 200:
        return trouble(status, headers, body).withdrawing()
    try:
        return Withdrawing(PlaceOutcome.PLACED, read.text(decode(body), "id"))
    except Malformed as error:
        return read.unclear(str(error)).withdrawing()


_WITHDRAWALS: Final = {
    0: WithdrawalState.PENDING,  # a mail was sent
    2: WithdrawalState.PENDING,  # awaits approval
    4: WithdrawalState.PENDING,  # processing
    6: WithdrawalState.COMPLETED,
    1: WithdrawalState.FAILED,  # cancelled
    3: WithdrawalState.FAILED,  # rejected
    5: WithdrawalState.FAILED,
}


def withdrawal(body: bytes, client_id: str) -> WithdrawalSeen | None:
    """capital/withdraw/history asked by our id, which the venue does not keep unique: two of it are Malformed."""
    found = [one for one in read.tables(decode(body), "history") if one.get("withdrawOrderId") == client_id]
    if len(found) > 1:
        raise Malformed("two withdrawals of one id")
    if not found:
        return None
    status, txid = read.integer(found[0], "status"), found[0].get("txId", "")
    if status not in _WITHDRAWALS or not isinstance(txid, str):
        raise Malformed(f"status {status}")
    return WithdrawalSeen(
        venue_id=read.text(found[0], "id"),
        state=_WITHDRAWALS[status],
        amount=read.figure(found[0], "amount"),
        fee=read.figure(found[0], "transactionFee"),
        txid=txid,
    )


_DEPOSITS: Final = {
    0: DepositState.PENDING,
    8: DepositState.PENDING,
    1: DepositState.CREDITED,
    6: DepositState.CREDITED,  # it counts in the balance; only withdrawing waits
    2: DepositState.REJECTED,
    7: DepositState.REJECTED,
}


def deposit(body: bytes, txid: str) -> DepositSeen | None:
    """capital/deposit/hisrec: what this transaction brought."""
    found = []
    for one in read.tables(decode(body), "deposits"):
        if str(one.get("txId", "")).lower() == txid.lower():
            status = read.integer(one, "status")
            if status not in _DEPOSITS:
                raise Malformed(f"status {status}")
            found.append(DepositSeen(_DEPOSITS[status], read.figure(one, "amount")))
    return DepositSeen.of(found)


def rights(account: bytes, restrictions: bytes | None) -> Rights:
    """account, and apiRestrictions where the venue has them (test networks do not)."""
    value = read.named(decode(account), "account")
    trade, withdraw = read.flag(value, "canTrade"), None
    if restrictions is not None:
        told = decode(restrictions)
        trade = trade and read.flag(told, "enableSpotAndMarginTrading")
        withdraw = read.flag(told, "enableWithdrawals")
    rates = value.get("commissionRates")
    return Rights(trade, withdraw, read.figure(rates, "taker") if isinstance(rates, dict) else None)
