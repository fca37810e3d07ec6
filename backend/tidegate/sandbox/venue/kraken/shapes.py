"""The exchange's facts in Kraken's JSON."""

from collections.abc import Sequence
from typing import Any

from tidegate.sandbox.venue.candles import Candle
from tidegate.sandbox.venue.engine import Engine
from tidegate.sandbox.venue.funding import Deposit, Withdrawal
from tidegate.sandbox.venue.kraken.names import ASSETS, METHODS, NETWORKS, PAIRS, Pair, order_id, ref_id, trade_id
from tidegate.sandbox.venue.orders import Order, Trade
from tidegate.sandbox.venue.prices import E8, number, short

_STATES = {"pending": "Pending", "completed": "Success", "failed": "Failure"}


def _decimals(units: int) -> int:
    return len(short(units).partition(".")[2])


def percent(ppm: int) -> float:
    return ppm / 10_000


def pair(one: Pair, fee_ppm: int, *, trading: bool) -> dict[str, Any]:
    """An entry of AssetPairs."""
    symbol = one.symbol
    return {
        "altname": one.altname,
        "wsname": one.wsname,
        "aclass_base": "currency",
        "base": ASSETS[symbol.base][0],
        "aclass_quote": "currency",
        "quote": ASSETS[symbol.quote][0],
        "lot": "unit",
        "cost_decimals": 8,
        "pair_decimals": _decimals(symbol.tick),
        "lot_decimals": _decimals(symbol.step),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, percent(fee_ppm)]],
        "fees_maker": [[0, percent(fee_ppm)]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": short(symbol.min_quantity),
        "costmin": short(symbol.min_notional),
        "tick_size": short(symbol.tick),
        "status": "online" if trading else "cancel_only",
    }


def ticker(engine: Engine, one: Pair, seen: tuple[int, int, int], volume: int) -> dict[str, Any]:
    bids, asks = engine.book(one.symbol.name)
    last, (first, high, low) = engine.prices.mid(one.symbol.name), seen

    def best(side: Sequence[tuple[int, int]]) -> list[str]:
        price, quantity = side[0] if side else (0, 0)
        return [number(price), str(quantity // E8), number(quantity)]

    return {
        "a": best(asks),
        "b": best(bids),
        "c": [number(last), number(E8 // 100)],
        "v": [number(volume), number(volume)],
        "p": [number(last), number(last)],
        "t": [1, 1],
        "l": [number(low), number(low)],
        "h": [number(high), number(high)],
        "o": number(first),
    }


def levels(side: Sequence[tuple[int, int]], count: int, now: int) -> list[list[Any]]:
    return [[number(price), number(quantity), now // 1000] for price, quantity in side[:count]]


def candle(one: Candle) -> list[Any]:
    prices = [number(value) for value in (one.open, one.high, one.low, one.close, one.close)]
    return [one.start, *prices, number(one.volume), one.trades]


def words(one: Order) -> dict[str, Any]:
    """`descr` of an order."""
    side, kind = "buy" if one.buys else "sell", "market" if one.type == "MARKET" else "limit"
    name, price = PAIRS[one.symbol].altname, short(one.price)
    at = "market" if kind == "market" else f"limit {price}"
    return {
        "pair": name,
        "type": side,
        "ordertype": kind,
        "price": price,
        "price2": "0",
        "leverage": "none",
        "order": f"{side} {number(one.quantity)} {name} @ {at}",
        "close": "",
    }


def order(one: Order, trades: Sequence[Trade], named: Sequence[Trade]) -> dict[str, Any]:
    """`price` is the average; the limit is in `descr`. `named`: those of its trades whose ids are told."""
    open_, cost = one.open, sum(trade.quote for trade in trades)
    average = cost * E8 // one.executed if one.executed else 0
    status = "open" if open_ else "closed" if one.executed == one.quantity else "canceled"
    reasons = {"CANCELED": "User requested", "EXPIRED": "IOC order", "EXPIRED_IN_MATCH": "Self trade prevention"}
    return {
        "refid": None,
        "userref": 0,
        "status": status,
        "opentm": one.time / 1000,
        "starttm": 0,
        "expiretm": 0,
        "descr": words(one),
        "vol": number(one.quantity),
        "vol_exec": number(one.executed),
        "cost": number(cost),
        "fee": number(sum(trade.fee for trade in trades)),
        "price": number(average),
        "stopprice": "0.00000000",
        "limitprice": "0.00000000",
        "misc": "",
        "oflags": "fciq",
        "time_in_force": one.time_in_force,
        "cl_ord_id": one.client_id,
        **({} if open_ else {"closetm": one.updated / 1000, "reason": reasons.get(one.status)}),
        **({"trades": [trade_id(trade.id) for trade in named]} if named else {}),
    }


def trade(one: Trade, kind: str) -> dict[str, Any]:
    return {
        "ordertxid": order_id(one.order),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": PAIRS[one.symbol].id,
        "time": one.time / 1000,
        "type": "buy" if one.buys else "sell",
        "ordertype": "market" if kind == "MARKET" else "limit",
        "price": number(one.price),
        "cost": number(one.quote),
        "fee": number(one.fee),
        "vol": number(one.quantity),
        "margin": "0.00000000",
        "leverage": "0",
        "misc": "",
        "trade_id": one.id,
        "maker": one.maker,
    }


def withdrawal(one: Withdrawal) -> dict[str, Any]:
    return {
        "method": METHODS[one.asset],
        "network": NETWORKS[one.network],
        "aclass": "currency",
        "asset": ASSETS[one.asset][0],
        "refid": ref_id(one.id),
        "txid": one.txid or None,
        "info": one.address,
        "amount": number(one.asked),
        "fee": number(one.fee),
        "time": one.time // 1000,
        "status": _STATES[one.state],
        "key": one.key,
    }


def deposit(one: Deposit) -> dict[str, Any]:
    return {
        "method": METHODS[one.asset],
        "aclass": "currency",
        "asset": ASSETS[one.asset][0],
        "refid": ref_id(one.id),
        "txid": one.txid,
        "info": one.address,
        "amount": number(one.amount),
        "fee": number(0),
        "time": one.time // 1000,
        "status": "Success",
    }
