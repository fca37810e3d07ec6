"""The control door: loopback only, for who breaks the venue on purpose or moves its market. No part of the protocol."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidegate.sandbox.venue import shapes
from tidegate.sandbox.venue.faults import FAULTS
from tidegate.sandbox.venue.prices import SYMBOLS, e8
from tidegate.sandbox.venue.world import World

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_THIN = 1000


def control_routes(world: World) -> list[Route]:
    """`/_sandbox/faults`, `/_sandbox/market`, `/_sandbox/books`."""

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            value = await _json(request)
            try:
                name, on = value["fault"], value["on"] is True
                times, seconds = value.get("times"), min(float(value.get("seconds", 2.0)), 60.0)
                world.faults.switch(name, on, times=None if times is None else int(times), seconds=seconds)
            except (KeyError, TypeError, ValueError):
                return _refused("fault: one of those listed by GET; on: true or false")
            world.prices.thin_out(_THIN if world.faults.active("venue_thin_book") else 1)
        items = [{"fault": name, "on": world.faults.active(name), "what": what} for name, what in FAULTS.items()]
        return JSONResponse({"items": items})

    async def market(request: Request) -> Response:
        if request.method == "POST":
            value = await _json(request)
            try:
                if "steps" in value:
                    for _ in range(min(int(value["steps"]), 10_000)):
                        world.step()
                else:
                    world.prices.move(value["symbol"], e8(value["mid"]))
                    world.after_move()
            except (KeyError, TypeError, ValueError, AttributeError):
                return _refused("{steps} or {symbol: BTCUSDT, ETHUSDT or USDCUSDT, mid}")
        return JSONResponse({name: shapes.number(world.prices.mid(name)) for name in SYMBOLS})

    async def books(request: Request) -> Response:
        engine = world.engine
        return JSONResponse(
            {
                "totals": _signed(engine.totals()),
                "house": _signed(engine.house),
                "fees": _signed(engine.fees),
                "accounts": {
                    name: {
                        asset: [shapes.number(free), shapes.number(locked)] for asset, (free, locked) in held.items()
                    }
                    for name, held in engine.balances.items()
                },
                "orders": len(engine.orders),
                "trades": len(engine.trades),
            }
        )

    return [
        Route("/_sandbox/faults", _guarded(faults), methods=["GET", "POST"]),
        Route("/_sandbox/market", _guarded(market), methods=["GET", "POST"]),
        Route("/_sandbox/books", _guarded(books), methods=["GET"]),
    ]


def _guarded(handler: Any) -> Any:
    """Loopback callers that are not a web page elsewhere: a page can neither name this host nor send JSON unasked."""

    async def endpoint(request: Request) -> Response:
        host = request.url.hostname
        if request.client is None or request.client.host not in _LOOPBACK or host not in {*_LOOPBACK, "localhost"}:
            return JSONResponse({"detail": "loopback only"}, 403)
        if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _refused("send JSON")
        answer: Response = await handler(request)
        return answer

    return endpoint


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        return None


def _signed(units: dict[str, int]) -> dict[str, str]:
    return {asset: shapes.signed(value) for asset, value in sorted(units.items())}


def _refused(detail: str) -> Response:
    return JSONResponse({"detail": detail}, 422)
