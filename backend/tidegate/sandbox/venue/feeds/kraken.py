"""Kraken's stream, version 2: `status`, `book` with its checksum, heartbeats, pings. Numbers are JSON numbers."""

import json
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.feeds.feed import Changes, Levels, Market, Movers, Told, serve
from tidegate.sandbox.venue.prices import E8, Symbol

_DEPTHS = (10, 25, 100, 500, 1000)
_PROVEN = 10
QUANTITY_PLACES = 8


def places(units: int) -> int:
    """Decimals of a step in units of 1e-8."""
    return next(count for count in range(9) if units * 10**count % E8 == 0)


def checksum(symbol: Symbol, bids: Levels, asks: Levels) -> int:
    """As Kraken's guide has it: ten asks, ten bids, each number without point and leading zeros."""
    cut = 10 ** (8 - places(symbol.tick))
    told = "".join(f"{price // cut}{quantity}" for price, quantity in asks[:_PROVEN] + bids[:_PROVEN])
    return crc32(told.encode())


class KrakenFeed:
    """Implements `Feed`."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._books: dict[str, tuple[Told, int]] = {}  # symbol → what was told, depth
        self._subscribed = self._spoke = False

    def greeting(self) -> list[str]:
        data = [{"version": "2.0.9", "system": "online", "api_version": "v2", "connection_id": 1}]
        return [json.dumps({"channel": "status", "type": "update", "data": data})]

    def heard(self, text: str) -> list[str]:
        now = _now()
        try:
            asked = json.loads(text)
            method, more = asked["method"], {"req_id": asked["req_id"]} if "req_id" in asked else {}
            if method == "ping":
                return [json.dumps({"method": "pong", **more, "time_in": now, "time_out": now})]
            given = asked["params"]
            channel, names = given["channel"], given["symbol"]
            depth = given.get("depth", 10)
        except (ValueError, KeyError, TypeError, AttributeError):
            return [json.dumps({"error": "Malformed request", "success": False, "time_in": now, "time_out": now})]
        if method not in ("subscribe", "unsubscribe") or channel != "book" or depth not in _DEPTHS:
            told = {"method": method, "error": "Unsupported channel or depth", "success": False, **more}
            return [json.dumps({**told, "time_in": now, "time_out": now})]
        answer = self._subscribe if method == "subscribe" else self._unsubscribe
        return [one for name in names for one in answer(str(name), depth, {**more, "time_in": now, "time_out": now})]

    def _subscribe(self, name: str, depth: int, more: dict[str, Any]) -> list[str]:
        symbol = self._known(name)
        if symbol is None:
            refused = {"method": "subscribe", "error": f"Currency pair not supported {name}", "success": False}
            return [json.dumps({**refused, "symbol": name, **more})]
        told = Told()
        self._books[name] = (told, depth)
        self._subscribed = self._spoke = True
        result = {"channel": "book", "depth": depth, "snapshot": True, "symbol": name}
        bids, asks = self._market.book(symbol.name)
        told.becomes(self._market.updates, bids, asks, depth)
        book = _message("snapshot", name, symbol, bids[:depth], asks[:depth], checksum(symbol, bids, asks))
        return [json.dumps({"method": "subscribe", "result": result, "success": True, **more}), book]

    def _unsubscribe(self, name: str, depth: int, more: dict[str, Any]) -> list[str]:
        if self._books.pop(name, None) is None:
            refused = {"method": "unsubscribe", "error": "Subscription Not Found", "success": False, "symbol": name}
            return [json.dumps({**refused, **more})]
        result = {"channel": "book", "depth": depth, "symbol": name}
        return [json.dumps({"method": "unsubscribe", "result": result, "success": True, **more})]

    def _known(self, name: str) -> Symbol | None:
        base, _, quote = name.partition("/")
        return self._market.symbols.get(base + quote)

    def moved(self) -> list[str]:
        found = []
        for name, (told, depth) in self._books.items():
            symbol = self._known(name)
            assert symbol is not None
            bids, asks = self._market.book(symbol.name)
            changes = told.becomes(self._market.updates, bids, asks, depth)
            if changes[0] or changes[1]:
                found.append(_message("update", name, symbol, *changes, checksum(symbol, bids, asks)))
        self._spoke = self._spoke or bool(found)
        return found

    def beat(self) -> list[str]:
        silent, self._spoke = not self._spoke, False
        return ['{"channel":"heartbeat"}'] if self._subscribed and silent else []

    def corrupt(self, text: str) -> str:
        head, found, tail = text.partition('"checksum":')
        return f"{head}{found}1{tail[1:]}" if found else text


def _message(kind: str, name: str, symbol: Symbol, bids: Changes, asks: Changes, proof: int) -> str:
    sides = f'"bids":{_levels(symbol, bids)},"asks":{_levels(symbol, asks)}'
    stamp = f'"checksum":{proof},"timestamp":"{_now()}"'
    return f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{name}",{sides},{stamp}}}]}}'


def _levels(symbol: Symbol, changes: Changes) -> str:
    price_places = places(symbol.tick)
    entries = (
        f'{{"price":{_plain(price, price_places)},"qty":{_plain(quantity, QUANTITY_PLACES)}}}'
        for price, quantity in changes
    )
    return f"[{','.join(entries)}]"


def _plain(units: int, count: int) -> str:
    fraction = f"{units % E8:08d}"[:count]
    return f"{units // E8}.{fraction}" if count else str(units // E8)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def routes(market: Market, movers: Movers, faults: Faults) -> list[WebSocketRoute]:
    async def public(socket: WebSocket) -> None:
        await serve(KrakenFeed(market), socket, movers, faults)

    return [WebSocketRoute("/v2", public)]
