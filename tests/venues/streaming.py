"""A market whose book changes by chance, and a stream of it that loses and spoils what it carries: no network."""

import random
from collections.abc import Mapping
from decimal import Decimal

from tidegate.sandbox.venue.feeds.binance import BinanceFeed
from tidegate.sandbox.venue.feeds.coinbase import CoinbaseFeed
from tidegate.sandbox.venue.feeds.feed import Feed, Levels
from tidegate.sandbox.venue.feeds.kraken import KrakenFeed
from tidegate.sandbox.venue.prices import E8, SYMBOLS, Symbol
from tidegate.venues.binance.stream import BinanceTalk
from tidegate.venues.body import Malformed
from tidegate.venues.coinbase.stream import CoinbaseTalk
from tidegate.venues.kraken.stream import KrakenTalk, Line
from tidegate.venues.port import Book, Level
from tidegate.venues.talk import Heard, OutOfStep, Talk

NAMES = {
    "binance": {"BTCUSDT": "BTCUSDT", "ETHUSDT": "ETHUSDT"},
    "coinbase": {"BTCUSDT": "BTC-USDT", "ETHUSDT": "ETH-USDT"},
    "kraken": {"BTCUSDT": "XBTUSDT", "ETHUSDT": "ETHUSDT"},
}
"""By venue, what its REST calls the two markets."""
LINES = {"XBTUSDT": Line("BTC/USDT", 2, 8), "ETHUSDT": Line("ETH/USDT", 2, 8)}


class Market:
    """Two books of some levels; each move changes a few of them. Implements `feeds.feed.Market`."""

    def __init__(self, chance: random.Random, *, levels: int = 40) -> None:
        self.symbols: Mapping[str, Symbol] = {name: SYMBOLS[name] for name in ("BTCUSDT", "ETHUSDT")}
        self.updates = 1000
        self._chance, self._levels = chance, levels
        self._books: dict[str, tuple[dict[int, int], dict[int, int]]] = {name: ({}, {}) for name in self.symbols}
        for name in self.symbols:
            self._fill(name)

    def _fill(self, name: str) -> None:
        bids, asks = self._books[name]
        middle = max(bids, default=6_400_000 if name == "BTCUSDT" else 310_000)
        while len(bids) < self._levels:
            bids[middle - self._chance.randint(0, 400)] = self._chance.randint(1, 10**9)
        best = max(bids)
        while len(asks) < self._levels:
            asks[best + self._chance.randint(1, 400)] = self._chance.randint(1, 10**9)

    def move(self, changes: int = 6) -> None:
        self.updates += self._chance.randint(1, 3)
        for name, (bids, asks) in self._books.items():
            for side in (bids, asks):
                for _ in range(self._chance.randint(0, changes)):
                    price = self._chance.choice(list(side))
                    if self._chance.random() < 0.4:
                        del side[price]
                    else:
                        side[price] = self._chance.randint(1, 10**9)
            self._fill(name)

    def book(self, name: str) -> tuple[Levels, Levels]:
        bids, asks = self._books[name]
        cents = E8 // 100
        return (
            [(price * cents, bids[price]) for price in sorted(bids, reverse=True)],
            [(price * cents, asks[price]) for price in sorted(asks)],
        )

    def shown(self, name: str, symbol: str, received: float = 0.0) -> Book:
        """What REST would answer."""
        bids, asks = self.book(name)
        return Book(symbol, levels(bids), levels(asks), self.updates, received)


def levels(side: Levels) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price).scaleb(-8), Decimal(quantity).scaleb(-8)) for price, quantity in side)


def feed_of(venue: str, market: Market, symbols: list[str]) -> Feed:
    if venue == "binance":
        return BinanceFeed(market, [f"{one.lower()}@depth@100ms" for one in symbols], wrapped=True)
    return KrakenFeed(market) if venue == "kraken" else CoinbaseFeed(market)


def talk_of(venue: str, symbols: list[str]) -> Talk:
    if venue == "binance":
        return BinanceTalk(symbols)
    return KrakenTalk({one: LINES[one] for one in symbols}) if venue == "kraken" else CoinbaseTalk(symbols)


class Carried:
    """A feed and a talk, message by message. `harm`: how likely a message is lost or spoilt. A talk that gives up gets a
    new connection; a book that is asked for over REST comes some messages later, as it was when it was asked for.
    """

    def __init__(self, venue: str, market: Market, chance: random.Random) -> None:
        self.venue, self.market, self.chance = venue, market, chance
        self.names = NAMES[venue]
        self.harm = 0.0
        self.now = 1_700_000_000.0
        self.connections = self.fetched = 0
        self._fetches: list[tuple[int, Book]] = []
        self.connect()

    def connect(self) -> None:
        self.connections += 1
        symbols = list(self.names.values())
        self.feed, self.talk = feed_of(self.venue, self.market, symbols), talk_of(self.venue, symbols)
        self._fetches.clear()
        self._does(self.talk.greeting())
        self.carry(self.feed.greeting())

    def carry(self, texts: list[str]) -> None:
        for text in texts:
            self.now += 0.01
            if self.chance.random() < self.harm:
                kind = self.chance.choice(("lose", "lose", "cut", "corrupt", "twice"))
                if kind == "lose":
                    continue
                text = {"cut": text[:-5], "corrupt": self.feed.corrupt(text)}.get(kind, text)
            try:
                heard = self.talk.hear(text.encode(), self.now)
            except (Malformed, OutOfStep):
                self.now += 60
                self.connect()
                return
            self._does(heard)

    def _does(self, heard: Heard) -> None:
        for symbol in heard.fetch:
            name = next(one for one, called in self.names.items() if called == symbol)
            self._fetches.append((self.chance.randint(0, 4), self.market.shown(name, symbol, self.now)))
        for said in heard.say:
            self.carry(self.feed.heard(said))

    def step(self) -> None:
        self.market.move()
        self.now += 15  # losses are counted by the minute
        self.carry(self.feed.moved())
        self.carry(self.feed.beat())
        due = [book for left, book in self._fetches if left == 0]
        self._fetches = [(left - 1, book) for left, book in self._fetches if left > 0]
        for book in due:
            self.fetched += 1
            try:
                self._does(self.talk.fetched(book, self.now))
            except OutOfStep:
                self.connect()
                return

    def whole(self) -> bool:
        return not self.talk.steps.missing

    def same(self) -> bool:
        """Whether every book that is shown is the market's own."""
        for name, symbol in self.names.items():
            found, wanted = self.talk.steps.book(symbol), self.market.shown(name, symbol)
            if found is not None and (found.bids, found.asks) != (wanted.bids, wanted.asks):
                return False
        return True
