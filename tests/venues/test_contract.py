"""Our adapters keep the contract at the sandbox venues, which were written from the documents and not from them.

The small venues below serve tests that need to look into an answer or to count requests.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import pytest

from tests.venues.sandbox import SYMBOLS, Sandbox, SandboxWorld, sandbox
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
from tidegate.venues.contract import DepositContract, VenueContract
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


@pytest.fixture(scope="module")
async def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Sandbox]]:
    async with AsyncExitStack() as stack:
        yield {
            dialect: await stack.enter_async_context(sandbox(dialect, tmp_path_factory.mktemp(dialect)))
            for dialect in SYMBOLS
        }


class AtTheSandbox(VenueContract, DepositContract):
    dialect = ""

    @pytest.fixture
    async def world(self, sandboxes: dict[str, Sandbox]) -> AsyncIterator[SandboxWorld]:
        client = sandboxes[self.dialect].client()
        yield SandboxWorld(sandboxes[self.dialect], client)
        await client.close()


class TestBinance(AtTheSandbox):
    dialect = "binance"


class TestCoinbase(AtTheSandbox):
    dialect = "coinbase"


class TestKraken(AtTheSandbox):
    dialect = "kraken"
