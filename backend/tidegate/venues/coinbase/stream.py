"""Coinbase's `level2` channel (venues.md 3.7): whole books, then changes; every message of a connection is numbered. Pure.

There is no checksum: a number that is missing is the only sign of a loss, and of whose nobody can say. The connection is
then given up. `heartbeats`, once a second, keep it alive and count too: a loss shows within a second.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from tidegate.venues import body as read
from tidegate.venues.body import Malformed, decode
from tidegate.venues.ladder import Change
from tidegate.venues.port import Book, Level
from tidegate.venues.talk import NOTHING, Heard, OutOfStep, Steps

STREAMS: Final = {"https://api.coinbase.com": "wss://advanced-trade-ws.coinbase.com"}
"""Where Coinbase's REST address has its streams."""
_SIDES: Final = {"bid": 0, "offer": 1}


def changes(value: Any) -> tuple[list[Change], list[Change]]:
    """The updates of an event: bids and asks. Raises Malformed."""
    sides: tuple[list[Change], list[Change]] = ([], [])
    for entry in read.entries(read.field(value, "updates"), "updates"):
        side = _SIDES.get(read.text(entry, "side"))
        if side is None:
            raise Malformed("side")
        sides[side].append(read.change(read.field(entry, "price_level"), read.field(entry, "new_quantity")))
    return sides


class CoinbaseTalk:
    """Implements `venues.talk.Talk`. Nothing is signed: market data is for everybody, and the key stays here."""

    path = ""

    def __init__(self, symbols: Sequence[str]) -> None:
        self.steps = Steps(symbols)
        self._number: int | None = None
        # A product may share the book of another and be answered under its name.
        self._named = {one: one for one in symbols}
        for one in symbols:
            if one.endswith("-USDC"):
                self._named.setdefault(one[:-1], one)

    def greeting(self) -> Heard:
        products = list(self.steps.ladders)
        return Heard(say=tuple(_subscribe(channel, products) for channel in ("heartbeats", "level2")))

    def hear(self, message: bytes, now: float) -> Heard:
        value = read.named(decode(message), "message")
        if value.get("type") == "error":
            raise Malformed("a subscription was refused")
        channel, number = read.text(value, "channel"), read.integer(value, "sequence_num")
        if self._number is not None and number != self._number + 1:
            raise OutOfStep(f"message {number} after {self._number}")
        self._number = number
        if channel == "l2_data":
            for event in read.tables(read.field(value, "events"), "events"):
                self._told(event, now)
        self.steps.heard = now
        return NOTHING

    def _told(self, event: dict[str, Any], now: float) -> None:
        symbol, kind = self._named.get(read.text(event, "product_id")), read.text(event, "type")
        bids, asks = changes(event)
        if symbol is None:
            return
        ladder = self.steps.ladders[symbol]
        if kind == "snapshot":
            ladder.replace(_levels(bids), _levels(asks))
        elif kind != "update":
            raise Malformed("type")
        elif self.steps.sequence(symbol) is None:
            raise OutOfStep(f"{symbol}: a change of what was never told")
        else:
            ladder.change(bids, asks)
        assert self._number is not None
        if not self.steps.stands(symbol, self._number, now):
            raise OutOfStep(f"{symbol}: crossed")

    def fetched(self, book: Book, now: float) -> Heard:
        return NOTHING


def _levels(side: list[Change]) -> list[Level]:
    return [Level(price, quantity) for price, quantity in side if quantity]


def _subscribe(channel: str, products: list[str]) -> str:
    return json.dumps({"type": "subscribe", "product_ids": products, "channel": channel})
