"""Binance's streams: `/ws/NAME`, `/stream?streams=A/B`, SUBSCRIBE; `@depth`, `@depth@100ms` and `@bookTicker`."""

import json
import time
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.feeds.feed import Changes, Market, Movers, Told, serve
from tidegate.sandbox.venue.prices import number

_DEPTHS = ("depth", "depth@100ms")


class BinanceFeed:
    """Implements `Feed`."""

    def __init__(self, market: Market, names: list[str], *, wrapped: bool) -> None:
        self._market, self._wrapped = market, wrapped
        self._books: dict[str, Told] = {}  # stream → what was told
        self._tops: dict[str, Any] = {}
        for name in names:
            self._subscribe(name)

    def _subscribe(self, stream: str) -> None:
        symbol, _, kind = stream.partition("@")
        name = symbol.upper()
        if name not in self._market.symbols or symbol != symbol.lower():
            return  # as the venue: a name that nothing is ever sent for
        if kind in _DEPTHS:
            told = self._books.setdefault(stream, Told())
            told.becomes(self._market.updates, *self._market.book(name))
        elif kind == "bookTicker":
            self._tops[stream] = None

    def greeting(self) -> list[str]:
        return []

    def heard(self, text: str) -> list[str]:
        try:
            asked = json.loads(text)
            method, number_ = asked["method"], asked["id"]
            names = [str(one) for one in asked.get("params", [])]
        except (ValueError, KeyError, TypeError, AttributeError):
            return [_text({"error": {"code": 3, "msg": "Invalid JSON: expected value"}})]
        result: Any = None
        if method == "SUBSCRIBE":
            for name in names:
                self._subscribe(name)
        elif method == "UNSUBSCRIBE":
            for name in names:
                self._books.pop(name, None)
                self._tops.pop(name, None)
        elif method == "LIST_SUBSCRIPTIONS":
            result = [*self._books, *self._tops]
        else:
            return [_text({"error": {"code": 2, "msg": f"Invalid request: unknown variant `{method}`"}, "id": number_})]
        return [_text({"result": result, "id": number_})]

    def moved(self) -> list[str]:
        found = []
        for stream, told in self._books.items():
            name, first = stream.partition("@")[0].upper(), told.updates + 1
            bids, asks = told.becomes(max(self._market.updates, first), *self._market.book(name))
            if not (bids or asks):
                told.updates = first - 1
                continue
            event = {"e": "depthUpdate", "E": _now(), "s": name, "U": first, "u": told.updates}
            found.append(self._sent(stream, {**event, "b": _levels(bids), "a": _levels(asks)}))
        for stream in self._tops:
            top = self._top(stream.partition("@")[0].upper())
            if top is not None and top != self._tops[stream]:
                self._tops[stream] = top
                found.append(self._sent(stream, {"u": self._market.updates, **top}))
        return found

    def _top(self, name: str) -> Any:
        bids, asks = self._market.book(name)
        if not bids or not asks:
            return None
        (bid, bid_quantity), (ask, ask_quantity) = bids[0], asks[0]
        quantities = {"B": number(bid_quantity), "A": number(ask_quantity)}
        return {"s": name, "b": number(bid), "a": number(ask), **quantities}

    def beat(self) -> list[str]:
        return []  # Binance is silent where nothing happens; the server's pings show that it is there

    def corrupt(self, text: str) -> str:
        return text

    def _sent(self, stream: str, event: Any) -> str:
        return _text({"stream": stream, "data": event} if self._wrapped else event)


def _levels(changes: Changes) -> list[list[str]]:
    return [[number(price), number(quantity)] for price, quantity in changes]


def _now() -> int:
    return time.time_ns() // 1_000_000


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def routes(market: Market, movers: Movers, faults: Faults) -> list[WebSocketRoute]:
    async def raw(socket: WebSocket) -> None:
        names = [one for one in socket.path_params.get("names", "").split("/") if one]
        await serve(BinanceFeed(market, names, wrapped=False), socket, movers, faults)

    async def combined(socket: WebSocket) -> None:
        names = [one for one in socket.query_params.get("streams", "").split("/") if one]
        await serve(BinanceFeed(market, names, wrapped=True), socket, movers, faults)

    return [
        WebSocketRoute("/ws", raw),
        WebSocketRoute("/ws/{names:path}", raw),
        WebSocketRoute("/stream", combined),
    ]
