"""Our adapters keep the contract, each at a small venue that checks every signature by a computation of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from tests.venues.small import binance as small_binance
from tests.venues.small import coinbase as small_coinbase
from tests.venues.small import kraken as small_kraken
from tests.venues.small.binance import SmallBinance
from tests.venues.small.coinbase import SmallCoinbase
from tests.venues.small.kraken import SmallKraken
from tests.venues.small.server import Answering, Server
from tests.venues.small.world import SmallWorld
from tidegate.venues.binance import Binance
from tidegate.venues.coinbase import Coinbase
from tidegate.venues.contract import VenueContract
from tidegate.venues.kraken import Kraken
from tidegate.venues.port import Rights

TOLD = Rights(trade=True, withdraw=True, taker_fee=Decimal("0.002"))


@asynccontextmanager
async def serving(venue: Answering) -> AsyncIterator[Server]:
    server = Server(venue)
    await server.up()
    try:
        yield server
    finally:
        await server.down()


@asynccontextmanager
async def kraken_world() -> AsyncIterator[SmallWorld]:
    small = SmallKraken()
    async with serving(small) as server:
        client = Kraken(
            rest_url=server.url, tier="pro", timeout=5, api_key=small_kraken.KEY, secret=small_kraken.SECRET
        )
        yield SmallWorld(client, "XBTUSDT", server, small.engine, TOLD)
        await client.close()


@asynccontextmanager
async def coinbase_world() -> AsyncIterator[SmallWorld]:
    small = SmallCoinbase()
    async with serving(small) as server:
        client = Coinbase(rest_url=server.url, timeout=5, api_key=small_coinbase.KEY, secret=small_coinbase.SECRET)
        yield SmallWorld(client, "BTC-USDT", server, small.engine, TOLD)
        await client.close()


@asynccontextmanager
async def binance_world() -> AsyncIterator[SmallWorld]:
    small = SmallBinance()
    async with serving(small) as server:
        client = Binance(rest_url=server.url, timeout=5, api_key=small_binance.KEY, secret=small_binance.SECRET)
        yield SmallWorld(client, "BTCUSDT", server, small.engine, TOLD)
        await client.close()


class TestBinance(VenueContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SmallWorld]:
        async with binance_world() as world:
            yield world


class TestCoinbase(VenueContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SmallWorld]:
        async with coinbase_world() as world:
            yield world


class TestKraken(VenueContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SmallWorld]:
        async with kraken_world() as world:
            yield world
