"""The three venues' streams for the bench, in a process of their own: books of five hundred levels that change ten times as
often as real ones, each saying in the quantity of its best bid when it was so.

    python -m bench.telling RATE_BINANCE RATE_COINBASE RATE_KRAKEN

Rates are changes a second and market. The messages are the sandbox venues' own (`sandbox.venue.feeds`). Prints its port.
"""

import asyncio
import json
import random
import socket
import sys
import time
from collections.abc import Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.feeds import FEEDS, Movers
from tidegate.sandbox.venue.feeds.feed import Levels
from tidegate.sandbox.venue.prices import E8, SYMBOLS, Symbol, number

VENUES = ("binance", "coinbase", "kraken")
MARKETS = ("BTCUSDT", "ETHUSDT")
LEVELS = 250
CHANGES = 10
"""Levels of each side that change at once."""
EPOCH = 1_750_000_000.0
"""Stamps are microseconds since then, as a quantity in units of 1e-8."""


def stamp() -> int:
    return int((time.time() - EPOCH) * 1_000_000)


class Book:
    """One market, in cents of its price. The best bid never goes, and its quantity is the time."""

    def __init__(self, chance: random.Random, middle: int) -> None:
        self._chance, self.middle = chance, middle
        self.bids = {middle - n: self._quantity() for n in range(LEVELS)}
        self.asks = {middle + 1 + n: self._quantity() for n in range(LEVELS)}
        self._levels: tuple[Levels, Levels] | None = None

    def _quantity(self) -> int:
        return self._chance.randint(1, 10**9)

    def change(self) -> None:
        for side, sign in ((self.bids, -1), (self.asks, 1)):
            for _ in range(CHANGES):
                # Most of what changes is near the top, and a fifth of it comes or goes.
                price = self.middle + sign * (1 + int(self._chance.expovariate(1 / 30)) % (LEVELS - 1))
                if price in side and self._chance.random() < 0.2:
                    del side[price]
                else:
                    side[price] = self._quantity()
        self.bids[self.middle] = stamp()
        self._levels = None

    def levels(self) -> tuple[Levels, Levels]:
        """The same lists until something changes."""
        if self._levels is None:
            cent = E8 // 100
            self._levels = (
                [(price * cent, self.bids[price]) for price in sorted(self.bids, reverse=True)],
                [(price * cent, self.asks[price]) for price in sorted(self.asks)],
            )
        return self._levels


class Market:
    """Implements `feeds.Market`."""

    def __init__(self, seed: str) -> None:
        chance = random.Random(seed)
        self.symbols: Mapping[str, Symbol] = {name: SYMBOLS[name] for name in MARKETS}
        self.updates = 1
        self._books = {name: Book(chance, 6_400_000 if name == "BTCUSDT" else 310_000) for name in MARKETS}

    def book(self, name: str) -> tuple[Levels, Levels]:
        return self._books[name].levels()

    def change(self, name: str) -> None:
        self.updates += 1
        self._books[name].change()


async def moving(market: Market, movers: Movers, rate: float) -> None:
    """Each market by itself, evenly, at `rate` a second."""
    due, turn = time.monotonic(), 0
    while True:
        due += 1 / rate / len(MARKETS)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        market.change(MARKETS[turn % len(MARKETS)])
        movers.tell()
        turn += 1


async def serve(rates: list[float]) -> None:
    routes: list[Route] = []
    markets = {venue: Market(venue) for venue in VENUES}
    tellers = {venue: Movers() for venue in VENUES}

    async def depth(request: Request) -> Response:
        """What Binance's procedure asks for."""
        market = markets["binance"]
        bids, asks = ([[number(p), number(q)] for p, q in side] for side in market.book(request.query_params["symbol"]))
        return JSONResponse({"lastUpdateId": market.updates, "bids": bids, "asks": asks})

    routes.append(Route("/api/v3/depth", depth))
    streams = [one for venue in VENUES for one in FEEDS[venue](markets[venue], tellers[venue], Faults())]
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Starlette(routes=[*routes, *streams]), ws="websockets-sansio", lifespan="off", log_level="error"
    )
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    movers = [asyncio.create_task(moving(markets[v], tellers[v], r)) for v, r in zip(VENUES, rates, strict=True)]
    await uvicorn.Server(config).serve(sockets=[listener])
    for task in movers:
        task.cancel()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve([float(word) for word in sys.argv[1:]]))
