"""Kraken's answers as the port's types. Pure. Errors come with HTTP 200; `price` of an order is its average.

An answer that cannot be read is never taken for a no: of an order it means UNKNOWN, of a read `Malformed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tidegate.venues import body as read
from tidegate.venues.body import ZERO, Malformed, decode
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
    Ticker,
    Withdrawal,
    WithdrawalSeen,
    WithdrawalState,
)

_OURS: Final = {"XBT": "BTC", "XDG": "DOGE"}


@dataclass(frozen=True, slots=True)
class Names:
    """What Kraken calls assets, by its ids and alternative names, and back. Learnt from Assets, never from a rule."""

    ours: Mapping[str, str]
    theirs: Mapping[str, str]

    def of(self, theirs: str) -> str:
        """Our code, or Kraken's own word (staked and held balances have a suffix and stay apart)."""
        return self.ours.get(theirs, theirs)


def result(body: bytes) -> Any:
    """The result of an answer without errors. Raises Malformed; warnings are no errors."""
    value = decode(body)
    if errors(value):
        raise Malformed("an error")
    return read.field(value, "result")


def errors(value: Any) -> list[str]:
    """The errors of an envelope, warnings left out. Raises Malformed."""
    told = read.entries(read.field(value, "error"), "error")
    if any(not isinstance(one, str) or not one for one in told):
        raise Malformed("error is not a text")
    return [one for one in told if not one.startswith("W")]


def code_of(theirs: str) -> str:
    """What everybody else calls it."""
    return _OURS.get(theirs, theirs)


def server_time(body: bytes) -> int:
    """Milliseconds of the venue's clock; Kraken tells whole seconds: taken as the middle of its second."""
    return read.integer(result(body), "unixtime") * 1000 + 500


def names(body: bytes) -> Names:
    """Assets."""
    ours, theirs = {}, {}
    for key, entry in read.named(result(body), "assets").items():
        alternative = read.text(entry, "altname")
        code = code_of(alternative)
        ours[key] = ours[alternative] = code
        theirs[code] = alternative
    return Names(ours, theirs)


def markets(body: bytes, called: Names, known: Callable[[str], bool]) -> list[Market]:
    """AssetPairs: the pairs of which `known` knows both assets. Others are not looked at, whatever their shape."""
    found = []
    for key, entry in read.named(result(body), "pairs").items():
        base, quote = called.of(read.text(entry, "base")), called.of(read.text(entry, "quote"))
        if known(base) and known(quote) and not key.endswith(".d"):  # .d: dark pool
            found.append(_market(key, read.named(entry, "pair"), base, quote))
    return found


def _market(key: str, entry: Mapping[str, Any], base: str, quote: str) -> Market:
    # Older answers lack tick_size, costmin and status.
    tick = read.figure(entry, "tick_size") if "tick_size" in entry else _grid(entry, "pair_decimals")
    lot = _grid(entry, "lot_decimals")
    if tick <= 0:
        raise Malformed(f"{key} has no tick")
    return Market(
        symbol=key,
        base=base,
        quote=quote,
        tick=tick,
        lot=lot,
        min_quantity=max(read.figure(entry, "ordermin"), lot),
        max_quantity=Decimal(10) ** 9,  # Kraken names none
        min_notional=read.figure(entry, "costmin") if "costmin" in entry else ZERO,
        trading=entry.get("status", "online") == "online",
    )


def _grid(entry: Any, name: str) -> Decimal:
    decimals = read.integer(entry, name)
    if not 0 <= decimals <= 18:
        raise Malformed(name)
    return Decimal(1).scaleb(-decimals)


def only(value: Any) -> Any:
    """The one entry beside `last`: its key may differ from the pair that was asked for."""
    found = [one for key, one in read.named(value, "result").items() if key != "last"]
    if len(found) != 1:
        raise Malformed("not one pair")
    return found[0]


def book(body: bytes, symbol: str, received: float) -> Book:
    """Depth. Refuses a side out of order, an empty level, and bids at or above asks."""
    value = only(result(body))
    bids = read.levels(read.pairs(read.field(value, "bids")), best_is_highest=True)
    asks = read.levels(read.pairs(read.field(value, "asks")), best_is_highest=False)
    read.uncrossed(bids, asks)
    return Book(symbol=symbol, bids=bids, asks=asks, sequence=0, received=received)


def ticker(body: bytes, symbol: str) -> Ticker:
    """Ticker of one pair."""
    value = only(result(body))
    bid, ask, last = (_first(value, key) for key in ("b", "a", "c"))
    return Ticker(symbol=symbol, bid=bid or None, ask=ask or None, last=last or None)


def _first(value: Any, name: str) -> Decimal:
    row = read.entries(read.field(value, name), name)
    if not row:
        raise Malformed(f"{name} is empty")
    return read.number(row[0], name)


def candles(body: bytes) -> list[Candle]:
    """OHLC, oldest first."""
    found = []
    for row in read.entries(only(result(body)), "candles"):
        if not isinstance(row, list) or len(row) < 7 or not isinstance(row[0], int):
            raise Malformed("candle")
        first, high, low, last = (read.number(value, "candle") for value in row[1:5])
        volume = read.number(row[6], "candle")
        found.append(Candle(start=row[0], open=first, high=high, low=low, close=last, volume=volume))
    return found


def _either(value: Any, name: str) -> Decimal:
    """A number as text, or bare as in Kraken's documents."""
    found = read.field(value, name)
    if isinstance(found, int | Decimal) and not isinstance(found, bool):
        found = format(Decimal(found), "f")  # an int alone would go through a float
    return read.number(found, name)


def balances(body: bytes, called: Names) -> list[Balance]:
    """BalanceEx."""
    found = []
    for key, entry in read.named(result(body), "balances").items():
        held, total = _either(entry, "hold_trade"), _either(entry, "balance")
        if total or held:
            free = total - held
            for name, sign in (("credit", 1), ("credit_used", -1)):
                free += sign * _either(entry, name) if name in entry else ZERO
            found.append(Balance(asset=called.of(key), free=max(ZERO, free), locked=held))
    return found


def acknowledged(body: bytes) -> str:
    """AddOrder: the id of the order. There are no fills in it, ever."""
    txids = read.entries(read.field(result(body), "txid"), "txid")
    if len(txids) != 1 or not isinstance(txids[0], str) or not txids[0]:
        raise Malformed("txid")
    return txids[0]


def orders(body: bytes, kind: str, client_order_id: str) -> tuple[list[OrderSeen], int]:
    """OpenOrders (`kind` "open") or ClosedOrders ("closed"): those of that id, and how many the page has."""
    page = read.named(read.field(result(body), kind), kind)
    mine = [
        order(key, one) for key, one in page.items() if read.named(one, "order").get("cl_ord_id") == client_order_id
    ]
    return mine, len(page)


_ENDED: Final = frozenset({"closed", "canceled", "expired"})


def order(key: str, value: Any) -> OrderSeen:
    """One order object. Done orders are judged by what was filled, not by the word."""
    status, filled, wanted = read.text(value, "status"), read.figure(value, "vol_exec"), read.figure(value, "vol")
    if status in ("pending", "open"):
        state = OrderState.OPEN
    elif status not in _ENDED:
        raise Malformed(f"status {status}")
    elif filled >= wanted:
        state = OrderState.FILLED
    else:
        state = OrderState.PARTLY_FILLED if filled > 0 else OrderState.CANCELLED
    return OrderSeen(read.text(value, "cl_ord_id"), key, state, filled)


def trade_ids(body: bytes, venue_order_id: str) -> tuple[list[str], bool]:
    """QueryOrders with trades: the ids of the order's trades, and whether its fees are in the base asset."""
    value = read.named(read.field(result(body), venue_order_id), "order")
    found = read.entries(value.get("trades", []), "trades")
    if any(not isinstance(one, str) or not one for one in found):
        raise Malformed("trades")
    return found, "fcib" in str(value.get("oflags", "")).split(",")


def trades(body: bytes, venue_order_id: str, fee_asset: str) -> list[tuple[Decimal, Fill]]:
    """QueryTrades, with the time of each. A trade of another order is Malformed: its money is not ours to book here."""
    found = []
    for key, entry in read.named(result(body), "trades").items():
        if read.text(entry, "ordertxid") != venue_order_id:
            raise Malformed("a trade of another order")
        when = read.field(entry, "time")
        if not isinstance(when, int | Decimal) or isinstance(when, bool):
            raise Malformed("time")
        fill = Fill(
            trade_id=key,
            price=read.figure(entry, "price"),
            quantity=read.figure(entry, "vol"),
            quote_quantity=read.figure(entry, "cost"),
            fee=read.figure(entry, "fee"),
            fee_asset=fee_asset,
        )
        found.append((Decimal(when), fill))
    return found


def methods(body: bytes) -> list[str]:
    """DepositMethods: by what names an asset can come in."""
    return [read.text(entry, "method") for entry in read.entries(result(body), "methods")]


def deposit_address(body: bytes, asset: str, network: str) -> DepositAddress | None:
    """DepositAddresses: the first one that does not expire, or None."""
    for entry in read.tables(result(body), "addresses"):
        expires = read.field(entry, "expiretm")
        if not isinstance(expires, int | str):
            raise Malformed("expiretm")
        if str(expires) == "0":
            tag = entry.get("tag") or entry.get("memo") or ""
            return DepositAddress(asset, network, read.text(entry, "address"), str(tag))
    return None


def allowed_key(body: bytes, address: str, tag: str) -> str | None:
    """WithdrawAddresses: the name of that address in the account's own list, where it is verified."""
    for entry in read.tables(result(body), "addresses"):
        memo = entry.get("memo") or entry.get("tag") or ""
        if entry.get("address") == address and memo == tag and entry.get("verified") is True:
            return read.text(entry, "key")
    return None


def refid(body: bytes) -> str:
    """Withdraw: the venue's id."""
    return read.text(result(body), "refid")


_WITHDRAWALS: Final = {
    "Initial": WithdrawalState.PENDING,
    "Pending": WithdrawalState.PENDING,
    "Settled": WithdrawalState.PENDING,  # on chain, and not final there
    "Success": WithdrawalState.COMPLETED,
    "Failure": WithdrawalState.FAILED,
}


def withdrawals(body: bytes, wanted: Withdrawal, venue_id: str | None) -> list[WithdrawalSeen]:
    """WithdrawStatus: the one of `venue_id`, else those of that address and amount."""
    found = []
    for entry in read.tables(result(body), "withdrawals"):
        same = read.text(entry, "info") == wanted.address and read.figure(entry, "amount") == wanted.amount
        if (read.text(entry, "refid") == venue_id) if venue_id else same:
            status = read.text(entry, "status")
            if status not in _WITHDRAWALS:
                raise Malformed(f"status {status}")
            cancelled = entry.get("status-prop") in ("canceled", "return")
            found.append(
                WithdrawalSeen(
                    venue_id=read.text(entry, "refid"),
                    state=WithdrawalState.FAILED if cancelled else _WITHDRAWALS[status],
                    amount=read.figure(entry, "amount"),
                    fee=read.figure(entry, "fee") if "fee" in entry else ZERO,
                    txid=str(entry.get("txid") or ""),
                )
            )
    return found


_DEPOSITS: Final = {
    "Initial": DepositState.PENDING,
    "Pending": DepositState.PENDING,
    "Settled": DepositState.PENDING,
    "Success": DepositState.CREDITED,
    "Failure": DepositState.REJECTED,
}


def deposit(body: bytes, txid: str) -> DepositSeen | None:
    """DepositStatus: what this transaction brought, less what Kraken kept of it."""
    found = []
    for one in read.tables(result(body), "deposits"):
        if str(one.get("txid") or "").lower() != txid.lower():
            continue
        status = read.text(one, "status")
        if status not in _DEPOSITS:
            raise Malformed(f"status {status}")
        held = one.get("status-prop") in ("return", "onhold")
        kept = read.figure(one, "fee") if "fee" in one else ZERO
        state = DepositState.PENDING if held and status == "Success" else _DEPOSITS[status]
        found.append(DepositSeen(state, read.figure(one, "amount") - kept))
    return DepositSeen.of(found)


def taker_fee(body: bytes) -> Decimal | None:
    """TradeVolume of one pair, as a share; Kraken tells percent."""
    fees = read.named(result(body), "volume").get("fees")
    return _either(only(fees), "fee") / 100 if isinstance(fees, dict) else None
