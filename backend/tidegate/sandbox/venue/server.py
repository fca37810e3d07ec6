"""The venue as a web application: Binance Spot's REST paths, and a control door for who breaks things on purpose."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidegate.sandbox.venue import request as read
from tidegate.sandbox.venue.control import control_routes
from tidegate.sandbox.venue.faults import Fault
from tidegate.sandbox.venue.orders import Denied
from tidegate.sandbox.venue.paths import Call, Venue
from tidegate.sandbox.venue.world import Config, World

MAX_BODY = 64 * 1024
Handler = Callable[[Call], Any]

__all__ = ["Config", "build"]


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
        route("GET", f"{v3}/ticker/price", venue.price, weight=2),
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
        route("GET", "/sapi/v1/system/status", venue.system_status),
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
