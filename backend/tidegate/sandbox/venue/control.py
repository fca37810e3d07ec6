"""The control door: loopback only, for who breaks the venue on purpose, moves its market, or plays the chains it pays
on. No part of any protocol.

| path | GET | POST |
|---|---|---|
| `/_sandbox/faults` | what can be broken, what is | `{fault, on, times?, seconds?}` |
| `/_sandbox/market` | the mids | `{steps}`, or `{symbol, mid}` |
| `/_sandbox/books` | every balance and total | |
| `/_sandbox/orders` | every order with its trades (`?since=` a number) | |
| `/_sandbox/requests` | what clients sent (`?since=` a number) | |
| `/_sandbox/withdrawals` | all, oldest first | `{id, txid}` has been paid; `{id, failed: true}` has not |
| `/_sandbox/deposits` | all | `{account, asset, network, amount, txid}` has arrived |
| `/_sandbox/addresses` | where the accounts' deposits go, where they may withdraw to | `{account, asset, network, address}`, or `{account, asset, address, key}` for the list of a venue that has one |
"""

import json
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidegate.sandbox.venue.faults import FAULTS
from tidegate.sandbox.venue.orders import Denied
from tidegate.sandbox.venue.prices import e8, number, signed
from tidegate.sandbox.venue.world import World

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_THIN = 1000
_LONGEST_SECONDS = 3600.0


def control_routes(world: World) -> list[Route]:
    """The doors of the table above."""
    door = _Door(world)
    both, read = ["GET", "POST"], ["GET"]
    doors = [
        ("faults", door.faults, both),
        ("market", door.market, both),
        ("books", door.books, read),
        ("orders", door.orders, read),
        ("requests", door.requests, read),
        ("withdrawals", door.withdrawals, both),
        ("deposits", door.deposits, both),
        ("addresses", door.addresses, both),
    ]
    return [Route(f"/_sandbox/{name}", _guarded(handler), methods=methods) for name, handler, methods in doors]


class _Door:
    def __init__(self, world: World) -> None:
        self.world = world

    async def faults(self, request: Request) -> Response:
        faults = self.world.faults
        if request.method == "POST":
            value = await _json(request)
            try:
                name, on = value["fault"], value["on"] is True
                times, seconds = value.get("times"), min(float(value.get("seconds", 2.0)), _LONGEST_SECONDS)
                faults.switch(name, on, times=None if times is None else int(times), seconds=seconds)
            except (KeyError, TypeError, ValueError):
                return _refused("fault: one of those listed by GET; on: true or false")
            self._thin(_THIN if faults.active("venue_thin_book") else 1)
        items = [{"fault": name, "on": faults.active(name), "what": what} for name, what in FAULTS.items()]
        return JSONResponse({"items": items})

    def _thin(self, divisor: int) -> None:
        if divisor != self.world.prices.thin:
            self.world.prices.thin_out(divisor)
            self.world.engine.updates += 1
            self.world.tell()

    async def market(self, request: Request) -> Response:
        world = self.world
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
        return JSONResponse({name: number(world.prices.mid(name)) for name in world.prices.symbols})

    async def books(self, request: Request) -> Response:
        engine = self.world.engine
        return JSONResponse(
            {
                "totals": _signed(engine.totals()),
                "house": _signed(engine.house),
                "fees": _signed(engine.fees),
                "outside": _signed(engine.outside),
                "accounts": {
                    name: {asset: [number(free), number(locked)] for asset, (free, locked) in held.items()}
                    for name, held in engine.balances.items()
                },
                "orders": len(engine.orders),
                "trades": len(engine.trades),
                "withdrawals": len(self.world.funding.withdrawals),
            }
        )

    async def orders(self, request: Request) -> Response:
        since, engine = request.query_params.get("since", "0"), self.world.engine
        after = int(since) if since.isdigit() else 0
        wanted = [one for one in engine.orders.values() if one.id > after]
        trades: dict[int, list[dict[str, str]]] = {one.id: [] for one in wanted}
        for one in engine.trades:
            if one.order in trades:
                trades[one.order].append({"id": str(one.id), "quantity": number(one.quantity)})
        items = [
            {
                "id": one.id,
                "client_id": one.client_id,
                "symbol": one.symbol,
                "status": one.status,
                "executed": number(one.executed),
                "trades": trades[one.id],
            }
            for one in wanted
        ]
        return JSONResponse({"items": items, "last": engine.last_order})

    async def requests(self, request: Request) -> Response:
        since = request.query_params.get("since", "0")
        return JSONResponse({"items": self.world.heard.since(int(since) if since.isdigit() else 0)})

    async def withdrawals(self, request: Request) -> Response:
        world = self.world
        if request.method == "POST":
            value = await _json(request)
            try:
                if value.get("failed") is True:
                    world.funding.fail(int(value["id"]), world.now())
                else:
                    world.funding.complete(int(value["id"]), _word(value["txid"]), world.now())
            except (KeyError, TypeError, ValueError, AttributeError):
                return _refused("{id, txid} or {id, failed: true} of a withdrawal that is pending")
            world.save()
        found = [asdict(one) for one in world.funding.withdrawals.values()]
        return JSONResponse({"items": [_money(one) for one in found]})

    async def deposits(self, request: Request) -> Response:
        world = self.world
        if request.method == "POST":
            value = await _json(request)
            try:
                amount, txid = e8(value["amount"]), _word(value["txid"])
                world.funding.credit(value["account"], value["asset"], value["network"], amount, txid, world.now())
            except (KeyError, TypeError, ValueError, AttributeError, Denied):
                return _refused("{account, asset, network, amount, txid} of an account and an asset that are here")
            world.save()
        return JSONResponse({"items": [_money(asdict(one)) for one in world.funding.deposits.values()]})

    async def addresses(self, request: Request) -> Response:
        world = self.world
        if request.method == "POST":
            value = await _json(request)
            try:
                account, asset, address = value["account"], value["asset"], _word(value["address"])
                if account not in world.engine.balances:
                    raise KeyError(account)
                if "key" in value:
                    world.allow(account, _word(value["key"]), asset, address)
                else:
                    world.funding.set_address(account, asset, value["network"], address)
            except (KeyError, TypeError, ValueError, Denied):
                return _refused("{account, asset, network, address} or {account, asset, address, key}")
            world.save()
        return JSONResponse(
            {
                "deposits": [
                    {"account": account, "asset": asset, "network": network, "address": address}
                    for (account, asset, network), address in world.funding.addresses.items()
                ],
                "allowed": [
                    {"account": account, "key": key, "asset": asset, "address": address}
                    for account in world.engine.balances
                    for key, asset, address in world.allowed(account)
                ],
            }
        )


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


def _word(value: Any) -> str:
    """A text that may stand in a journal's key. Raises ValueError."""
    if not isinstance(value, str) or not value or len(value) > 200 or "/" in value:
        raise ValueError(value)
    return value


def _money(one: dict[str, Any]) -> dict[str, Any]:
    return {name: number(value) if name in ("asked", "amount", "fee") else value for name, value in one.items()}


def _signed(units: dict[str, int]) -> dict[str, str]:
    return {asset: signed(value) for asset, value in sorted(units.items())}


def _refused(detail: str) -> Response:
    return JSONResponse({"detail": detail}, 422)
