"""What each path of the protocol does. Nothing here waits: a call is whole before the next one starts."""

import secrets
from dataclasses import dataclass
from typing import Any

from tidegate.sandbox.venue import request as read
from tidegate.sandbox.venue import shapes
from tidegate.sandbox.venue.orders import Denied, Order
from tidegate.sandbox.venue.request import Account
from tidegate.sandbox.venue.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated or public call. `account` stands where the path asks for a signature."""

    parameters: dict[str, str]
    now: int
    account: Account | None

    @property
    def who(self) -> Account:
        assert self.account is not None
        return self.account


class Venue:
    """The paths. Each handler is given a Call and returns what is to be JSON, or raises Denied."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.engine

    def ping(self, call: Call) -> Any:
        return {}

    def time(self, call: Call) -> Any:
        return {"serverTime": call.now}

    def exchange_info(self, call: Call) -> Any:
        found = call.parameters
        if found.get("permissions", "SPOT").strip('[]"') != "SPOT":
            raise Denied(-1130, "Data sent for parameter 'permissions' is not valid.")
        if found.get("symbolStatus", "TRADING") not in ("TRADING", "HALT", "BREAK"):
            raise Denied(-1130, "Data sent for parameter 'symbolStatus' is not valid.")
        chosen = read.symbols(found) if found.get("symbolStatus", "TRADING") == "TRADING" else []
        sets = found.get("showPermissionSets", "true") != "false"
        return {
            "timezone": "UTC",
            "serverTime": call.now,
            "rateLimits": [
                _limit("REQUEST_WEIGHT", "MINUTE", 1, self.world.config.weight),
                _limit("ORDERS", "SECOND", 10, 10_000),
                _limit("ORDERS", "DAY", 1, 1_000_000),
            ],
            "exchangeFilters": [],
            "symbols": [shapes.symbol_info(symbol, permission_sets=sets) for symbol in chosen],
        }

    def depth(self, call: Call) -> Any:
        symbol = read.symbol(call.parameters)
        limit = read.limit(call.parameters, default=100, most=5000)
        bids, asks = self.engine.book(symbol.name)
        return {
            "lastUpdateId": self.engine.updates,
            "bids": shapes.levels(bids, limit),
            "asks": shapes.levels(asks, limit),
        }

    def book_ticker(self, call: Call) -> Any:
        found = [shapes.book_ticker(self.engine, symbol) for symbol in read.symbols(call.parameters)]
        return found[0] if "symbol" in call.parameters else found

    def price(self, call: Call) -> Any:
        mids = self.world.prices
        found = [
            {"symbol": one.name, "price": shapes.number(mids.mid(one.name))} for one in read.symbols(call.parameters)
        ]
        return found[0] if "symbol" in call.parameters else found

    def system_status(self, call: Call) -> Any:
        return {"status": 0, "msg": "normal"}

    def day(self, call: Call) -> Any:
        found = []
        for symbol in read.symbols(call.parameters):
            mid = self.world.prices.mid(symbol.name)
            found.append(shapes.day(self.engine, symbol, self.world.seen.get(symbol.name, (mid, mid, mid)), call.now))
        return found[0] if "symbol" in call.parameters else found

    def account(self, call: Call) -> Any:
        omit = call.parameters.get("omitZeroBalances", "false") == "true"
        return shapes.account(self.engine, call.who, call.now, omit_zero=omit)

    def coins(self, call: Call) -> Any:
        return [shapes.coin(self.engine, call.who, asset) for asset in shapes.NAMES]

    def place(self, call: Call) -> Any:
        self._may_trade(call)
        ask = read.ask(call.parameters, secrets.token_hex(11))
        kind = call.parameters.get("newOrderRespType", "FULL")
        if kind not in ("ACK", "RESULT", "FULL"):
            raise Denied(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        order, trades = self.engine.place(call.who.name, ask, call.now)
        return shapes.placed(order, trades, kind)

    def test(self, call: Call) -> Any:
        self._may_trade(call)
        read.ask(call.parameters, "test")
        return {}

    def order(self, call: Call) -> Any:
        return shapes.order(self._find(call, Denied(-2013, "Order does not exist.")))

    def cancel(self, call: Call) -> Any:
        self._may_trade(call)
        cancel_id = read.client_id(call.parameters, "newClientOrderId") or secrets.token_hex(11)
        order = self._find(call, Denied(-2011, "Unknown order sent."))
        self.engine.cancel(order, call.now)
        return shapes.cancelled(order, cancel_id)

    def cancel_all(self, call: Call) -> Any:
        self._may_trade(call)
        symbol = read.symbol(call.parameters)
        orders = self.engine.orders_of_open(call.who.name, symbol.name)
        if not orders:
            raise Denied(-2011, "Unknown order sent.")
        for order in orders:
            self.engine.cancel(order, call.now)
        return [shapes.cancelled(order, secrets.token_hex(11)) for order in orders]

    def open_orders(self, call: Call) -> Any:
        symbol = read.symbol(call.parameters).name if "symbol" in call.parameters else None
        return [shapes.order(one) for one in self.engine.orders_of(call.who.name, symbol, only_open=True)]

    def all_orders(self, call: Call) -> Any:
        found = self.engine.orders_of(call.who.name, read.symbol(call.parameters).name)
        first = read.integer(call.parameters, "orderId")
        found = [one for one in found if (first is None or one.id >= first) and _within(call, one.time)]
        limit = read.limit(call.parameters, default=500, most=1000)
        return [shapes.order(one) for one in (found[:limit] if first is not None else found[-limit:])]

    def my_trades(self, call: Call) -> Any:
        order = read.integer(call.parameters, "orderId")
        found = self.engine.trades_of(call.who.name, read.symbol(call.parameters).name, order)
        first = read.integer(call.parameters, "fromId")
        found = [one for one in found if (first is None or one.id >= first) and _within(call, one.time)]
        limit = read.limit(call.parameters, default=500, most=1000)
        return [shapes.trade(one) for one in (found[:limit] if first is not None else found[-limit:])]

    def _find(self, call: Call, otherwise: Denied) -> Order:
        symbol = read.symbol(call.parameters)
        number, client_id = (
            read.integer(call.parameters, "orderId"),
            read.client_id(call.parameters, "origClientOrderId"),
        )
        if number is None and client_id is None:
            raise Denied(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        order = self.engine.find(call.who.name, symbol.name, number, client_id)
        if order is None:
            raise otherwise
        return order

    @staticmethod
    def _may_trade(call: Call) -> None:
        if not call.who.can_trade:
            raise Denied(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _within(call: Call, stamp: int) -> bool:
    start, end = read.integer(call.parameters, "startTime"), read.integer(call.parameters, "endTime")
    return (start is None or stamp >= start) and (end is None or stamp <= end)


def _limit(kind: str, interval: str, many: int, most: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": many, "limit": most}
