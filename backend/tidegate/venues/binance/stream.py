"""Binance's stream of book changes (venues.md 1.9): buffer, ask for the book over REST, go on from its number. Pure.

Each change names the first and the last update in it; the next one must begin right behind. What stands before the
book that was fetched is dropped, a hole means fetching it anew.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tidegate.venues import body as read
from tidegate.venues.body import Malformed, decode
from tidegate.venues.ladder import Change
from tidegate.venues.port import Book
from tidegate.venues.talk import NOTHING, Heard, Steps

STREAMS: Final = {
    "https://api.binance.com": "wss://stream.binance.com:9443",
    "https://data-api.binance.vision": "wss://data-stream.binance.vision",
    "https://testnet.binance.vision": "wss://stream.testnet.binance.vision",
    "https://demo-api.binance.com": "wss://demo-stream.binance.com",
}
"""Where each of Binance's REST addresses has its streams."""
MOST_SYMBOLS: Final = 200
"""Binance allows 1,024 on a connection; their names stand in its address."""
MOST_WAITING: Final = 1000
"""Changes kept while the book is fetched: a hundred seconds of them. Beyond that the oldest make a hole."""
DEPTH: Final = 1000
"""Levels fetched. What is deeper shows only when it changes: a side may lack levels there, and never has too many."""


@dataclass(frozen=True, slots=True)
class Update:
    """depthUpdate. `first` and `last` number the updates in it."""

    symbol: str
    first: int
    last: int
    bids: tuple[Change, ...]
    asks: tuple[Change, ...]


def update(value: Any) -> Update:
    """Raises Malformed."""
    found = Update(
        symbol=read.text(value, "s"),
        first=read.integer(value, "U"),
        last=read.integer(value, "u"),
        bids=_changes(value, "b"),
        asks=_changes(value, "a"),
    )
    if found.first > found.last:
        raise Malformed("an update that ends before it begins")
    return found


def _changes(value: Any, name: str) -> tuple[Change, ...]:
    return tuple(read.change(price, quantity) for price, quantity in read.pairs(read.field(value, name)))


class BinanceTalk:
    """Implements `venues.talk.Talk`."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self.path = "/stream?streams=" + "/".join(f"{quote(one.lower(), safe='')}@depth@100ms" for one in symbols)
        self.steps = Steps(symbols)
        self._waiting: dict[str, deque[Update]] = {one: deque(maxlen=MOST_WAITING) for one in symbols}

    def greeting(self) -> Heard:
        # The stream runs already: whatever changes from now on is buffered.
        return Heard(fetch=tuple(self._waiting))

    def hear(self, message: bytes, now: float) -> Heard:
        value = decode(message)
        if isinstance(value, dict) and "stream" in value:
            value = read.field(value, "data")
        kind = read.named(value, "message").get("e")
        if kind == "depthUpdate":
            return self._updated(update(value), now)
        if "error" in value:
            raise Malformed("a request was refused")
        self.steps.heard = now
        return Heard(ends=True) if kind == "serverShutdown" else NOTHING

    def _updated(self, told: Update, now: float) -> Heard:
        self.steps.heard = now
        if told.symbol not in self._waiting:
            return NOTHING
        stands = self.steps.sequence(told.symbol)
        if stands is None:
            self._waiting[told.symbol].append(told)
            return NOTHING
        return self._apply(told, stands, now)

    def fetched(self, book: Book, now: float) -> Heard:
        symbol, waiting = book.symbol, self._waiting[book.symbol]
        if self.steps.sequence(symbol) is not None:
            return NOTHING
        if waiting and book.sequence < waiting[0].first - 1:
            return Heard(fetch=(symbol,))  # older than what we have heard: the changes between are missing
        self.steps.ladders[symbol].replace(book.bids, book.asks)
        heard = self._settled(symbol, book.sequence, now)
        while waiting and not heard.fetch:
            stands = self.steps.sequence(symbol)
            assert stands is not None
            heard = self._apply(waiting.popleft(), stands, now)
        return heard

    def _apply(self, told: Update, stands: int, now: float) -> Heard:
        if told.last <= stands:
            return NOTHING
        if told.first > stands + 1:
            self.steps.lost(told.symbol, now)
            self._waiting[told.symbol].appendleft(told)
            return Heard(fetch=(told.symbol,))
        self.steps.ladders[told.symbol].change(told.bids, told.asks)
        return self._settled(told.symbol, told.last, now)

    def _settled(self, symbol: str, sequence: int, now: float) -> Heard:
        return NOTHING if self.steps.stands(symbol, sequence, now) else Heard(fetch=(symbol,))
