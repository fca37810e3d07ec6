"""The venue as a web application: Binance Spot's REST paths, and a control door for who breaks things on purpose."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidegate.sandbox.venue import request as read
from tidegate.sandbox.venue import shapes
from tidegate.sandbox.venue.control import control_routes
from tidegate.sandbox.venue.engine import Denied, Engine, Order
from tidegate.sandbox.venue.faults import Fault, Faults
from tidegate.sandbox.venue.journal import Journal
from tidegate.sandbox.venue.prices import SYMBOLS, Prices, e8
from tidegate.sandbox.venue.request import Account

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
Handler = Callable[["Call"], Any]


@dataclass(frozen=True, slots=True)
class Config:
    """Accounts by API key; `weight` is what one address may use in a minute."""

    accounts: Mapping[str, Account]
    weight: int = 60_000

    @classmethod
    def read(cls, path: Path) -> "Config":
        """`{"accounts": [{"name", "api_key", "secret", "balances": {"BTC": "1.5"}, "can_trade"?}], "weight"?}`."""
        value = json.loads(path.read_text())
        accounts = [
            Account(
                name=entry["name"],
                api_key=entry["api_key"],
                secret=entry["secret"],
                balances={asset: e8(text) for asset, text in entry["balances"].items()},
                can_trade=entry.get("can_trade", True),
            )
            for entry in value["accounts"]
        ]
        return cls({account.api_key: account for account in accounts}, value.get("weight", 60_000))


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


class World:
    """Everything a running venue is made of."""

    def __init__(self, config: Config, directory: Path, seed: int, interval: float) -> None:
        self.config = config
        self.faults = Faults()
        self.prices = Prices(seed)
        self.engine = Engine(self.prices)
        self.journal = Journal(directory)
        self.engine.restore(self.journal.cells)
        self.journal.cells.clear()
        for account in config.accounts.values():
            self.engine.open_account(account.name, dict(account.balances))
        # Update numbers must not fall back over a restart; the clock runs ahead of them.
        self.engine.updates = max(self.engine.updates, self.now() // 100)
        self.interval = interval
        self.seen: dict[str, tuple[int, int, int]] = {}  # symbol → first, highest, lowest mid
        self.used: dict[str, tuple[int, int]] = {}  # address → minute, weight
        self.save()

    @staticmethod
    def now() -> int:
        return time.time_ns() // 1_000_000

    def save(self) -> None:
        """Make what has changed durable: before any answer that tells of it."""
        self.journal.append(self.engine.changes)
        self.engine.changes.clear()

    def step(self) -> None:
        self.prices.step()
        self.after_move()

    def after_move(self) -> None:
        self.engine.step(self.now())
        for name in SYMBOLS:
            mid = self.prices.mid(name)
            first, high, low = self.seen.get(name, (mid, mid, mid))
            self.seen[name] = (first, max(high, mid), min(low, mid))
        self.save()

    async def keep_moving(self) -> None:
        while True:
            await asyncio.sleep(self.interval)
            if not self.faults.active("venue_market_paused"):
                try:
                    self.step()
                except Exception:
                    log.exception("the market could not move")

    def weigh(self, address: str, weight: int) -> tuple[int, int]:
        """Weight used in this minute with this call in it, and seconds left of the minute."""
        seconds = time.time_ns() // 1_000_000_000
        minute, used = self.used.get(address, (0, 0))
        used = weight + (used if minute == seconds // 60 else 0)
        self.used[address] = (seconds // 60, used)
        return used, 60 - seconds % 60


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


def build(config: Config, directory: Path, *, seed: int = 1, interval: float = 0.25) -> Starlette:
    """The application. It takes the directory for itself until its lifespan ends; `interval` 0: nothing moves alone."""
    world = World(config, directory, seed, interval)
    venue = Venue(world)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        moving = asyncio.create_task(world.keep_moving()) if interval > 0 else None
        try:
            yield
        finally:
            if moving is not None:
                moving.cancel()
                with suppress(asyncio.CancelledError):
                    await moving
            world.journal.close()

    def route(method: str, path: str, handler: Handler, *, weight: int = 1, signed: bool = False) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _answer(world, request, handler, weight, signed=signed)

        return Route(path, endpoint, methods=[method], name=f"{method} {path}")

    v3 = "/api/v3"
    routes = [
        route("GET", f"{v3}/ping", venue.ping),
        route("GET", f"{v3}/time", venue.time),
        route("GET", f"{v3}/exchangeInfo", venue.exchange_info, weight=20),
        route("GET", f"{v3}/depth", venue.depth, weight=5),
        route("GET", f"{v3}/ticker/bookTicker", venue.book_ticker, weight=2),
        route("GET", f"{v3}/ticker/24hr", venue.day, weight=2),
        route("GET", f"{v3}/account", venue.account, weight=20, signed=True),
        route("POST", f"{v3}/order", venue.place, signed=True),
        route("POST", f"{v3}/order/test", venue.test, signed=True),
        route("GET", f"{v3}/order", venue.order, weight=4, signed=True),
        route("DELETE", f"{v3}/order", venue.cancel, signed=True),
        route("GET", f"{v3}/openOrders", venue.open_orders, weight=6, signed=True),
        route("DELETE", f"{v3}/openOrders", venue.cancel_all, signed=True),
        route("GET", f"{v3}/allOrders", venue.all_orders, weight=20, signed=True),
        route("GET", f"{v3}/myTrades", venue.my_trades, weight=20, signed=True),
        route("GET", "/sapi/v1/capital/config/getall", venue.coins, weight=10, signed=True),
        *control_routes(world),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.world = world
    return app


async def _answer(world: World, request: Request, handler: Handler, weight: int, *, signed: bool) -> Response:
    """One call from its bytes to its answer: faults, limits, signature, handler, durability, and only then a word."""
    broken = _broken(world)
    if broken is not None:
        return broken
    used, left = world.weigh(request.client.host if request.client else "", weight)
    headers = {"x-mbx-used-weight": str(used), "x-mbx-used-weight-1m": str(used)}
    if used > world.config.weight:
        headers["retry-after"] = str(left)
        words = "Too much request weight used; please use WebSocket Streams for live updates to avoid polling the API."
        return _denied(Denied(-1003, words, 418 if used > 2 * world.config.weight else 429), headers)
    body = await _body(request)
    if body is None:
        return _denied(Denied(-1101, "Too many parameters sent for this endpoint.", 413), headers)
    new_order = signed and request.method == "POST" and request.url.path == "/api/v3/order"
    # From here to the answer nothing waits: a call is whole before the next one starts.
    now = world.now()
    try:
        query = request.scope["query_string"]
        if signed:
            key = request.headers.get("x-mbx-apikey")
            account, found = read.authenticate(world.config.accounts, key, query, body, now)
        else:
            account, found = None, read.parameters(query, body)
        if new_order and world.faults.meets("venue_error_before_accept"):
            return _denied(_TIMEOUT, headers)
        answer = handler(Call(found, now, account))
    except Denied as denied:
        return _denied(denied, headers)
    world.save()
    if new_order:
        headers["x-mbx-order-count-10s"] = headers["x-mbx-order-count-1d"] = "1"
        if world.faults.meets("venue_error_after_accept"):
            return _denied(_TIMEOUT, headers)
        silent = world.faults.meets("venue_timeout_after_accept")
        if silent is not None:
            return Silence(silent)
    return JSONResponse(answer, headers=headers)


_TIMEOUT = Denied(
    -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown.", 408
)


def _broken(world: World) -> Response | None:
    """The answer of a venue that is not well."""
    if world.faults.meets("venue_down"):
        return Response("<html><h1>503 Service Unavailable</h1></html>", 503, media_type="text/html")
    if world.faults.meets("venue_html"):
        return Response("<html><h1>502 Bad Gateway</h1></html>", 502, media_type="text/html")
    limited = world.faults.meets("venue_rate_limited")
    if limited is not None:
        return _denied(
            Denied(-1003, "Way too much request weight used.", 429), {"retry-after": str(int(limited.seconds))}
        )
    return None


def _denied(denied: Denied, headers: Mapping[str, str]) -> Response:
    return JSONResponse({"code": denied.code, "msg": denied.message}, denied.status, headers)


async def _body(request: Request) -> bytes | None:
    """The whole body, None where it is too large."""
    parts: list[bytes] = []
    async for part in request.stream():
        parts.append(part)
        if sum(map(len, parts)) > MAX_BODY:
            return None
    return b"".join(parts)


class Silence(Response):
    """No answer: the connection stays open for a while and then ends without a byte."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self._seconds = fault.seconds

    async def __call__(
        self,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        # Also when the server is told to stop meanwhile: hanging up is what was to come anyway.
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(self._seconds):
                await _until_gone(receive)
        transport = scope["state"].get("transport")
        if transport is not None:
            transport.abort()
            await _until_gone(receive)


async def _until_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
