"""Kraken's `book` channel, version 2 (venues.md 2.9): whole books, then changes, each with a checksum over the top. Pure.

The checksum is compared after every message; a book that differs is subscribed to anew. Below the tenth level nothing
is proven: what is wrong there is found when it comes up, and every book is told whole again now and then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final
from zlib import crc32

from tidegate.venues import body as read
from tidegate.venues.body import Malformed, decode
from tidegate.venues.kraken import parse
from tidegate.venues.ladder import Change, Ladder
from tidegate.venues.port import Book, Level
from tidegate.venues.talk import NOTHING, Heard, Steps

STREAMS: Final = {"https://api.kraken.com": "wss://ws.kraken.com/v2"}
"""Where Kraken's REST address has its streams."""
DEPTH: Final = 500
"""What is subscribed to. Levels that fall out of it are not told of: the book is cut after each message."""
_LATE_SECONDS: Final = 15.0
"""A book that was asked for and has not come by then is asked for again: without it nothing would ever ask."""
_RENEWED_SECONDS: Final = 300.0
"""No book is older than that since it was last told whole. One at a time is out of step for as long as that takes."""
_PROVEN: Final = 10
_MOST: Final = Decimal(10) ** 18
_EXACT: Final = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Line:
    """How the stream writes a pair: its name there, and the decimals of prices and quantities."""

    name: str
    price_places: int
    quantity_places: int


def lines(body: bytes) -> dict[str, Line]:
    """AssetPairs: by the pair's id, those that have a name on the stream. Raises Malformed."""
    found = {}
    for key, entry in read.named(parse.result(body), "pairs").items():
        name = read.named(entry, "pair").get("wsname")
        if isinstance(name, str) and 0 < len(name) < 40:
            found[key] = Line(
                "/".join(parse.code_of(part) for part in name.split("/")),
                read.integer(entry, "pair_decimals"),
                read.integer(entry, "lot_decimals"),
            )
    return found


def checksum(ladder: Ladder, line: Line) -> int:
    """CRC32 over the ten best asks and bids, each number without its point and its leading zeros."""
    levels = ladder.asks.first(_PROVEN) + ladder.bids.first(_PROVEN)
    told = "".join(
        f"{units(one.price, line.price_places)}{units(one.quantity, line.quantity_places)}" for one in levels
    )
    return crc32(told.encode("ascii"))


def units(value: Decimal, places: int) -> int:
    """Raises Malformed for what is finer than `places`."""
    scaled = _EXACT.scaleb(value, places)
    whole = int(scaled)
    if whole != scaled:
        raise Malformed("finer than its precision")
    return whole


def change(entry: Any) -> Change:
    """A price and what stands at it, which are JSON numbers here. Raises Malformed."""
    price, quantity = _number(read.field(entry, "price")), _number(read.field(entry, "qty"))
    if not price:
        raise Malformed("a price of nothing")
    return price, quantity


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Malformed("not a number")
    number = Decimal(value)
    if not 0 <= number < _MOST:
        raise Malformed("not a number of a book")
    return number


class KrakenTalk:
    """Implements `venues.talk.Talk`."""

    path = ""

    def __init__(self, wanted: Mapping[str, Line]) -> None:
        self.steps = Steps(wanted)
        self._lines = wanted
        self._named = {line.name: symbol for symbol, line in wanted.items()}
        self._asked: dict[str, float] = {}  # when each that is missing was asked for
        self._whole: dict[str, float] = {}  # when each was last told whole

    def greeting(self) -> Heard:
        return Heard(say=(_ask("subscribe", list(self._named)),))

    def hear(self, message: bytes, now: float) -> Heard:
        value = read.named(decode(message), "message")
        heard = NOTHING
        if value.get("channel") == "book":
            whole = read.text(value, "type") == "snapshot"
            for entry in read.tables(read.field(value, "data"), "data"):
                heard = Heard(heard.say + self._told(entry, now, whole=whole).say)
        elif value.get("method") == "subscribe" and value.get("success") is not True:
            self._refused(value)
        self.steps.heard = now
        return Heard(heard.say + self._due(now).say)

    def _due(self, now: float) -> Heard:
        """What is to be subscribed to anew: books that did not come, and the one that has been whole for longest."""
        missing = self.steps.missing
        self._asked = {symbol: self._asked.get(symbol, now) for symbol in missing}
        due = [symbol for symbol in missing if now - self._asked[symbol] > _LATE_SECONDS]
        oldest = min(self._whole, key=self._whole.__getitem__, default=None)
        if not missing and oldest is not None and now - self._whole[oldest] > _RENEWED_SECONDS:
            self.steps.renew(oldest)
            due = [oldest]
        self._asked.update(dict.fromkeys(due, now))
        return _anew([self._lines[symbol].name for symbol in due])

    def _told(self, entry: dict[str, Any], now: float, *, whole: bool) -> Heard:
        symbol = self._named.get(read.text(entry, "symbol"))
        if symbol is None or (not whole and self.steps.sequence(symbol) is None):
            return NOTHING  # what still comes of the subscription that was given up
        bids, asks = ([change(one) for one in read.entries(read.field(entry, side), side)] for side in ("bids", "asks"))
        ladder, line = self.steps.ladders[symbol], self._lines[symbol]
        if whole:
            ladder.replace(_levels(bids), _levels(asks))
            self._whole[symbol] = now
        else:
            ladder.change(bids, asks)
        ladder.cut(DEPTH)
        proof = read.integer(entry, "checksum")
        if checksum(ladder, line) != proof:
            self.steps.lost(symbol, now)
        elif self.steps.stands(symbol, proof, now):
            return NOTHING
        return _anew([line.name])

    def _refused(self, value: dict[str, Any]) -> None:
        symbol = self._named.get(value.get("symbol", ""))
        if symbol is None:
            raise Malformed("a subscription was refused")
        self.steps.refuse(symbol)

    def fetched(self, book: Book, now: float) -> Heard:
        return NOTHING


def _levels(side: Sequence[Change]) -> list[Level]:
    return [Level(price, quantity) for price, quantity in side if quantity]


def _anew(names: list[str]) -> Heard:
    return Heard(say=(_ask("unsubscribe", names), _ask("subscribe", names))) if names else NOTHING


def _ask(method: str, names: list[str]) -> str:
    asked: dict[str, Any] = {"channel": "book", "symbol": names, "depth": DEPTH}
    if method == "subscribe":
        asked["snapshot"] = True
    return json.dumps({"method": method, "params": asked})
