"""Coinbase Advanced Trade's stream: `level2`, `heartbeats`, one channel a message, everything numbered."""

import json
from datetime import UTC, datetime
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.feeds.feed import Changes, Market, Movers, Told, serve
from tidegate.sandbox.venue.prices import Symbol, number

_CHANNELS = ("level2", "heartbeats")


class CoinbaseFeed:
    """Implements `Feed`."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._books: dict[str, Told] = {}
        self._asked: dict[str, list[str]] = {}  # channel → products
        self._number = self._beats = 0

    def greeting(self) -> list[str]:
        return []

    def heard(self, text: str) -> list[str]:
        try:
            asked = json.loads(text)
            kind, channel = asked["type"], asked["channel"]
            products = [str(one) for one in asked.get("product_ids", [])]
        except (ValueError, KeyError, TypeError, AttributeError):
            return [_error("malformed request")]
        if kind not in ("subscribe", "unsubscribe") or channel not in _CHANNELS:
            return [_error(f"{channel} is not a valid channel")]
        if any(self._known(one) is None for one in products):
            return [_error("invalid product_id")]
        had = self._asked.setdefault(channel, [])
        if kind == "unsubscribe":
            self._asked[channel] = [one for one in had if one not in products]
            for one in products if channel == "level2" else ():
                self._books.pop(one, None)
            return [self._subscriptions()]
        had += [one for one in products if one not in had]
        books = [self._snapshot(one) for one in products] if channel == "level2" else []
        return [*books, self._subscriptions()]

    def _known(self, product: str) -> Symbol | None:
        base, _, quote = product.partition("-")
        return self._market.symbols.get(base + quote)

    def _subscriptions(self) -> str:
        return self._sent(
            "subscriptions", [{"subscriptions": {key: found for key, found in self._asked.items() if found}}]
        )

    def _snapshot(self, product: str) -> str:
        symbol = self._known(product)
        assert symbol is not None
        told = self._books[product] = Told()
        changes = told.becomes(self._market.updates, *self._market.book(symbol.name))
        return self._sent("l2_data", [_event("snapshot", product, *changes)])

    def moved(self) -> list[str]:
        found = []
        for product, told in self._books.items():
            symbol = self._known(product)
            assert symbol is not None
            changes = told.becomes(self._market.updates, *self._market.book(symbol.name))
            if changes[0] or changes[1]:
                found.append(self._sent("l2_data", [_event("update", product, *changes)]))
        return found

    def beat(self) -> list[str]:
        if not self._asked.get("heartbeats"):
            return []
        self._beats += 1
        return [self._sent("heartbeats", [{"current_time": _now(), "heartbeat_counter": self._beats}])]

    def corrupt(self, text: str) -> str:
        return text

    def _sent(self, channel: str, events: list[Any]) -> str:
        number_, self._number = self._number, self._number + 1
        head = {"channel": channel, "client_id": "", "timestamp": _now(), "sequence_num": number_}
        return json.dumps({**head, "events": events}, separators=(",", ":"))


def _event(kind: str, product: str, bids: Changes, asks: Changes) -> Any:
    stamp = _now()
    updates = [
        {"side": side, "event_time": stamp, "price_level": number(price), "new_quantity": number(quantity)}
        for side, changes in (("bid", bids), ("offer", asks))
        for price, quantity in changes
    ]
    return {"type": kind, "product_id": product, "updates": updates}


def _error(message: str) -> str:
    return json.dumps({"type": "error", "message": message})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def routes(market: Market, movers: Movers, faults: Faults) -> list[WebSocketRoute]:
    async def public(socket: WebSocket) -> None:
        await serve(CoinbaseFeed(market), socket, movers, faults)

    return [WebSocketRoute("/", public)]
