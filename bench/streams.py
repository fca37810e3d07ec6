"""Three venues' streams at ten times the real rate: how old the consolidated book is, and whether memory stays flat.

    python -m bench.streams

The venues are a process of their own (`bench.telling`) and speak the three protocols; what follows them is the
product's: followers, talks, `Markets`. Age is not what we say of ourselves: each book carries the time at which it was
so, and the age of the consolidated book is now less the oldest of three, from the venue's change to a price that is made
of it. No rates were recorded for us: Binance tells a market ten times a second at most (`@depth@100ms`); of Coinbase and
Kraken twenty messages a second and market are assumed, each with twenty changed levels. All of it times ten.
"""

import asyncio
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from bench.results import Measure, judged, measured
from bench.telling import EPOCH, MARKETS, VENUES
from tidegate.config import Settings
from tidegate.http import Outbound
from tidegate.markets.books import Markets
from tidegate.markets.rules import Told
from tidegate.money import BTC, USDT
from tidegate.venues.binance import parse
from tidegate.venues.binance.stream import BinanceTalk
from tidegate.venues.coinbase.stream import CoinbaseTalk
from tidegate.venues.follow import Follower, Habits
from tidegate.venues.kraken.stream import KrakenTalk, Line
from tidegate.venues.port import Book, Following, Market, VenueUnavailable
from tidegate.venues.talk import Heard, Talk

SECTION = "streams"
REAL_RATES = {"binance": 10.0, "coinbase": 20.0, "kraken": 20.0}
TIMES = 10
SEPARATORS = {"binance": "", "coinbase": "-", "kraken": "/"}
LOT = Decimal("0.00001")


@dataclass(frozen=True, slots=True)
class Sizes:
    """`seconds` of measuring, after `settle` seconds in which everything is met for the first time."""

    seconds: float = 600.0
    settle: float = 60.0
    look_seconds: float = 0.005
    price_seconds: float = 0.05


QUICK = Sizes(seconds=2.0, settle=0.5)


class Shop:
    """A venue of the bench: its list of markets, and its stream. Its books are never asked for."""

    taker_fee = Decimal("0.001")

    def __init__(self, name: str, port: int) -> None:
        self.name, self._port = name, port
        self._out = Outbound(f"http://127.0.0.1:{port}")
        self.connections = self.messages = 0

    async def markets(self) -> list[Market]:
        split = [(one[:3], one[3:]) for one in MARKETS]
        return [
            Market(
                base + SEPARATORS[self.name] + quote,
                base,
                quote,
                Decimal("0.01"),
                LOT,
                LOT,
                Decimal(9000),
                Decimal(5),
                True,
            )
            for base, quote in split
        ]

    async def book(self, symbol: str, depth: int = 100) -> Book:
        raise VenueUnavailable("only its stream is measured")

    def follow(self, symbols: Sequence[str]) -> Following:
        async def begin() -> Talk:
            self.connections += 1
            return Counting(self, talk_of(self.name, symbols))

        async def fetch(symbol: str) -> Book:
            answer = await self._out.call("GET", f"/api/v3/depth?symbol={symbol}")
            return parse.book(answer.body, symbol, time.time())

        url = f"ws://127.0.0.1:{self._port}{'/v2' if self.name == 'kraken' else ''}"
        return Follower(url, begin, name=self.name, symbols=symbols, habits=Habits(silence=5), fetch=fetch)

    async def close(self) -> None:
        await self._out.close()


def talk_of(venue: str, symbols: Sequence[str]) -> Talk:
    if venue == "binance":
        return BinanceTalk(symbols)
    return KrakenTalk({one: Line(one, 2, 8) for one in symbols}) if venue == "kraken" else CoinbaseTalk(symbols)


class Counting:
    """A talk whose messages are counted. Implements `Talk`."""

    def __init__(self, shop: Shop, talk: Talk) -> None:
        self._shop, self._talk = shop, talk
        self.path, self.steps = talk.path, talk.steps
        self.greeting, self.fetched = talk.greeting, talk.fetched

    def hear(self, message: bytes, now: float) -> Heard:
        self._shop.messages += 1
        return self._talk.hear(message, now)


@asynccontextmanager
async def telling() -> AsyncIterator[int]:
    """The venues' process; its port."""
    rates = [str(REAL_RATES[venue] * TIMES) for venue in VENUES]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.telling", *rates, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(json.loads(await process.stdout.readline())["port"])
    finally:
        process.terminate()
        await process.wait()


def age_ms(book: Book) -> float:
    """Since the venue's book was so, by the venue's own stamp."""
    return (time.time() - EPOCH) * 1000 - int(book.bids[0].quantity.scaleb(8)) / 1000


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def look(markets: Markets, ages: list[float], until: float, pause: float) -> int:
    """Age of the consolidated BTC book again and again; how often a venue was missing in it."""
    missing, chance = 0, random.Random(1)
    while time.monotonic() < until:
        sources = await markets.sources("BTC", "USDT")
        books = [one.book for one in sources if one.book is not None and one.told is Told.STREAM and not one.unusable]
        missing += len(books) < len(VENUES)
        if books:
            ages.append(max(age_ms(one) for one in books))
        await asyncio.sleep(pause * (0.5 + chance.random()))
    return missing


async def price(markets: Markets, until: float, pause: float) -> None:
    """What quoting does with the books meanwhile."""
    while time.monotonic() < until:
        await markets.crossing(BTC, USDT)
        await asyncio.sleep(pause)


async def remember(memory: list[float], until: float, pause: float) -> None:
    while time.monotonic() < until:
        memory.append(resident_mib())
        await asyncio.sleep(pause)


async def streams(sizes: Sizes, console: Console) -> list[Measure]:
    """The section."""
    async with telling() as port:
        shops = {name: Shop(name, port) for name in VENUES}
        markets = Markets(shops, Settings(mode="sandbox"))  # type: ignore[arg-type]  # no more of a venue is asked
        running = asyncio.create_task(markets.run())
        try:
            begun = time.monotonic()
            while not all(markets.up().values()):
                assert time.monotonic() - begun < 30, "the streams do not come"
                await markets.sources()
                await asyncio.sleep(0.05)
            settled = time.monotonic() + sizes.settle
            await asyncio.gather(
                look(markets, [], settled, sizes.look_seconds), price(markets, settled, sizes.price_seconds)
            )
            connections = sum(shop.connections for shop in shops.values())
            ages, memory = list[float](), list[float]()
            heard = sum(shop.messages for shop in shops.values())
            used, until = time.process_time(), time.monotonic() + sizes.seconds
            missing, *_ = await asyncio.gather(
                look(markets, ages, until, sizes.look_seconds),
                price(markets, until, sizes.price_seconds),
                remember(memory, until, sizes.seconds / 200),
            )
            busy = (time.process_time() - used) / sizes.seconds
            rate = (sum(shop.messages for shop in shops.values()) - heard) / sizes.seconds
            lost = sum(shop.connections for shop in shops.values()) - connections
        finally:
            running.cancel()
            await asyncio.wait([running])
            for shop in shops.values():
                await shop.close()
    wanted = sum(REAL_RATES.values()) * TIMES * len(MARKETS)
    console.print({"messages a second": round(rate), "looks": len(ages), "new connections": lost})
    what = f"three streams, {wanted:,.0f} messages a second in all, {sizes.seconds:,.0f} s"
    whole = 100 * (1 - missing / len(ages)) if not lost else 0.0
    return [
        judged(
            "streams_rate", 100 * rate / wanted, "%", "at least 95", SECTION, what=f"{what}: share of them that came"
        ),
        judged(
            "streams_whole",
            whole,
            "%",
            "at least 100",
            SECTION,
            what=f"{what}: looks at which all three were there, 0 if a connection was lost",
        ),
        *_measures(what, sorted(ages), memory),
        measured(
            "streams_busy", 100 * busy, "%", SECTION, what=f"{what}: of one processor, pricing included", digits=0
        ),
    ]


def _measures(what: str, ages: list[float], memory: list[float]) -> list[Measure]:
    tenth = max(1, len(memory) // 10)
    first, last = statistics.median(memory[:tenth]), statistics.median(memory[-tenth:])
    return [
        judged(
            "streams_age_p99",
            ages[int(len(ages) * 0.99)],
            "ms",
            "at most 50",
            SECTION,
            what=f"{what}: age of the consolidated book, p99 (the oldest of three, by the venues' stamps)",
            span=(round(ages[len(ages) // 2], 1), round(ages[-1], 1)),
        ),
        judged(
            "streams_memory",
            last / first,
            "x",
            "at most 1.02",
            SECTION,
            what=f"{what}: resident memory, last tenth of the run against the first ({last:.0f} MiB)",
            digits=3,
        ),
    ]


if __name__ == "__main__":
    from bench.results import table

    screen = Console()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else Sizes().seconds
    screen.print(table(asyncio.run(streams(Sizes(seconds=seconds), screen))))
