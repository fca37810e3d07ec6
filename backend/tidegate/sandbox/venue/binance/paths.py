"""Binance Spot's paths, its signatures and limits, and what each call does."""

import secrets
import time
from collections.abc import MutableMapping, Sequence
from typing import Any

from tidegate.sandbox.venue.binance import request as read
from tidegate.sandbox.venue.binance import shapes
from tidegate.sandbox.venue.binance.funding import Funding
from tidegate.sandbox.venue.binance.words import FUNDING_WORDS, WORDS, reply, wrong
from tidegate.sandbox.venue.dialect import Call, Path, Raw, Reply, Trouble, Wrong
from tidegate.sandbox.venue.orders import Denied, Order, Why
from tidegate.sandbox.venue.prices import BINANCE, number
from tidegate.sandbox.venue.world import World

V3, SAPI = "/api/v3", "/sapi/v1"
INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400}


class Binance:
    """The dialect. Its one memory is the weight that each address used this minute."""

    style = BINANCE

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.engine
        self.funding = Funding(world)
        self.used: dict[str, tuple[int, int]] = {}  # address → minute, weight

    def paths(self) -> Sequence[Path]:
        funding = self.funding
        return [
            Path("GET", f"{V3}/ping", self.ping),
            Path("GET", f"{V3}/time", self.time),
            Path("GET", f"{V3}/exchangeInfo", self.exchange_info, 20),
            Path("GET", f"{V3}/depth", self.depth, 5),
            Path("GET", f"{V3}/klines", self.klines, 2),
            Path("GET", f"{V3}/ticker/bookTicker", self.book_ticker, 2),
            Path("GET", f"{V3}/ticker/price", self.price, 2),
            Path("GET", f"{V3}/ticker/24hr", self.day, 2),
            Path("GET", f"{V3}/account", self.account, 20, signed=True),
            Path("POST", f"{V3}/order", self.place, signed=True, acts=True),
            Path("POST", f"{V3}/order/test", self.test, signed=True),
            Path("GET", f"{V3}/order", self.order, 4, signed=True),
            Path("DELETE", f"{V3}/order", self.cancel, signed=True),
            Path("GET", f"{V3}/openOrders", self.open_orders, 6, signed=True),
            Path("DELETE", f"{V3}/openOrders", self.cancel_all, signed=True),
            Path("GET", f"{V3}/allOrders", self.all_orders, 20, signed=True),
            Path("GET", f"{V3}/myTrades", self.my_trades, 20, signed=True),
            Path("GET", f"{SAPI}/system/status", funding.status),
            Path("GET", f"{SAPI}/account/apiRestrictions", funding.restrictions, signed=True),
            Path("GET", f"{SAPI}/capital/config/getall", funding.coins, 10, signed=True),
            Path("GET", f"{SAPI}/capital/deposit/address", funding.deposit_address, 10, signed=True),
            Path("GET", f"{SAPI}/capital/deposit/hisrec", funding.deposits, signed=True),
            Path("POST", f"{SAPI}/capital/withdraw/apply", funding.apply, signed=True, acts=True),
            Path("GET", f"{SAPI}/capital/withdraw/history", funding.history, signed=True),
        ]

    # What the protocol says of every call.

    def read(self, raw: Raw, path: Path, now: int, headers: MutableMapping[str, str]) -> Call:
        self._weigh(raw.address, path.weight, headers)
        if not path.signed:
            return Call(raw, read.parameters(raw.query, raw.body), now, None)
        if path.path == f"{V3}/order" and path.acts:
            headers["x-mbx-order-count-10s"] = headers["x-mbx-order-count-1d"] = "1"
        key = raw.headers.get("x-mbx-apikey")
        account, found = read.authenticate(self.world.config.accounts, key, raw.query, raw.body, now)
        return Call(raw, found, now, account)

    def _weigh(self, address: str, weight: int, headers: MutableMapping[str, str]) -> None:
        """Count this call into its minute."""
        seconds, most = time.time_ns() // 1_000_000_000, self.world.config.weight
        minute, used = self.used.get(address, (0, 0))
        used = weight + (used if minute == seconds // 60 else 0)
        self.used[address] = (seconds // 60, used)
        headers["x-mbx-used-weight"] = headers["x-mbx-used-weight-1m"] = str(used)
        if used > most:
            raise Wrong(self.trouble(Trouble.BANNED if used > 2 * most else Trouble.LIMITED, 60 - seconds % 60))

    def answer(self, value: Any) -> Reply:
        return Reply(value)

    def denied(self, denied: Denied, path: Path) -> Reply:
        return reply(*(FUNDING_WORDS if path.path.startswith(SAPI) else WORDS)[denied.why])

    def trouble(self, trouble: Trouble, seconds: int) -> Reply:
        if trouble is Trouble.FAILED:
            words = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
            return reply(-1007, words, 408)
        if trouble is Trouble.TOO_LARGE:
            return reply(-1101, "Too many parameters sent for this endpoint.", 413)
        words = "Too much request weight used; please use WebSocket Streams for live updates to avoid polling the API."
        told = {"code": -1003, "msg": words}
        return Reply(told, 418 if trouble is Trouble.BANNED else 429, {"retry-after": str(seconds)})

    # Prices.

    def ping(self, call: Call) -> Any:
        return {}

    def time(self, call: Call) -> Any:
        return {"serverTime": call.now}

    def exchange_info(self, call: Call) -> Any:
        found = call.parameters
        if found.get("permissions", "SPOT").strip('[]"') != "SPOT":
            raise wrong(-1130, "Data sent for parameter 'permissions' is not valid.")
        if found.get("symbolStatus", "TRADING") not in ("TRADING", "HALT", "BREAK"):
            raise wrong(-1130, "Data sent for parameter 'symbolStatus' is not valid.")
        chosen = read.symbols(found) if found.get("symbolStatus", "TRADING") == "TRADING" else []
        trading = not self.world.maintained
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
            "symbols": [shapes.symbol_info(symbol, permission_sets=sets, trading=trading) for symbol in chosen],
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
        found = [{"symbol": one.name, "price": number(mids.mid(one.name))} for one in read.symbols(call.parameters)]
        return found[0] if "symbol" in call.parameters else found

    def klines(self, call: Call) -> Any:
        symbol, interval = read.symbol(call.parameters), read.mandatory(call.parameters, "interval")
        seconds = INTERVALS.get(interval)
        if seconds is None:
            raise wrong(-1120, "Invalid interval.")
        most = read.limit(call.parameters, default=500, most=1000)
        start, end = read.integer(call.parameters, "startTime"), read.integer(call.parameters, "endTime")
        last = (call.now if end is None else end) // 1000
        first = last // seconds * seconds - (most - 1) * seconds if start is None else -(-start // 1000)
        found = self.world.candles.between(symbol.name, seconds, first, last, now=call.now // 1000, most=most)
        return [shapes.candle(one, seconds) for one in found]

    def day(self, call: Call) -> Any:
        found = []
        for symbol in read.symbols(call.parameters):
            mid = self.world.prices.mid(symbol.name)
            found.append(shapes.day(self.engine, symbol, self.world.seen.get(symbol.name, (mid, mid, mid)), call.now))
        return found[0] if "symbol" in call.parameters else found

    def account(self, call: Call) -> Any:
        omit = call.parameters.get("omitZeroBalances", "false") == "true"
        return shapes.account(self.engine, call.who, call.now, omit_zero=omit)

    def place(self, call: Call) -> Any:
        self._may_trade(call)
        ask = read.ask(call.parameters, secrets.token_hex(11))
        kind = call.parameters.get("newOrderRespType", "FULL")
        if kind not in ("ACK", "RESULT", "FULL"):
            raise wrong(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        order, trades = self.world.place(call.who.name, ask, call.now)
        return shapes.placed(order, trades, kind)

    def test(self, call: Call) -> Any:
        self._may_trade(call)
        self.engine.judge(call.who.name, read.ask(call.parameters, "test"))
        return {}

    def order(self, call: Call) -> Any:
        return shapes.order(self._find(call, Denied(Why.NO_ORDER)))

    def cancel(self, call: Call) -> Any:
        self._may_trade(call)
        cancel_id = read.client_id(call.parameters, "newClientOrderId") or secrets.token_hex(11)
        order = self._find(call, Denied(Why.DONE))
        self.engine.cancel(order, call.now)
        return shapes.cancelled(order, cancel_id)

    def cancel_all(self, call: Call) -> Any:
        self._may_trade(call)
        symbol = read.symbol(call.parameters)
        orders = self.engine.orders_of_open(call.who.name, symbol.name)
        if not orders:
            raise Denied(Why.DONE)
        for order in orders:
            self.engine.cancel(order, call.now)
        return [shapes.cancelled(order, secrets.token_hex(11)) for order in orders]

    def open_orders(self, call: Call) -> Any:
        symbol = read.symbol(call.parameters).name if "symbol" in call.parameters else None
        return [shapes.order(one) for one in self.world.orders_of(call.who.name, symbol, only_open=True)]

    def all_orders(self, call: Call) -> Any:
        found = self.world.orders_of(call.who.name, read.symbol(call.parameters).name)
        first = read.integer(call.parameters, "orderId")
        found = [one for one in found if (first is None or one.id >= first) and _within(call, one.time)]
        limit = read.limit(call.parameters, default=500, most=1000)
        return [shapes.order(one) for one in (found[:limit] if first is not None else found[-limit:])]

    def my_trades(self, call: Call) -> Any:
        order = read.integer(call.parameters, "orderId")
        found = self.world.trades_of(call.who.name, read.symbol(call.parameters).name, order)
        first = read.integer(call.parameters, "fromId")
        found = [one for one in found if (first is None or one.id >= first) and _within(call, one.time)]
        limit = read.limit(call.parameters, default=500, most=1000)
        return [shapes.trade(one) for one in (found[:limit] if first is not None else found[-limit:])]

    def _find(self, call: Call, otherwise: Denied) -> Order:
        symbol = read.symbol(call.parameters)
        wanted = read.integer(call.parameters, "orderId")
        client_id = read.client_id(call.parameters, "origClientOrderId")
        if wanted is None and client_id is None:
            raise wrong(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        order = self.world.find(call.who.name, symbol.name, wanted, client_id)
        if order is None:
            raise otherwise
        return order

    @staticmethod
    def _may_trade(call: Call) -> None:
        if not call.who.can_trade:
            raise wrong(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _within(call: Call, stamp: int) -> bool:
    start, end = read.integer(call.parameters, "startTime"), read.integer(call.parameters, "endTime")
    return (start is None or stamp >= start) and (end is None or stamp <= end)


def _limit(kind: str, interval: str, many: int, most: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": many, "limit": most}
