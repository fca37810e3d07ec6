"""One bitcoind and one anvil for the room's tests; keys, wallet, journal and database are each test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.treasury.moving import House
from tests.treasury.rebalancing import Exchange
from tests.venues.sandbox import sandbox
from tests.wallets.world import World, on_nodes
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.sandbox.nodes import BitcoinNode, EvmNode, anvil, bitcoind


@pytest.fixture(scope="session")
async def bitcoin_node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BitcoinNode]:
    async with bitcoind(tmp_path_factory.mktemp("bitcoin")) as node:
        yield node


@pytest.fixture(scope="session")
async def evm_node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EvmNode]:
    async with anvil(tmp_path_factory.mktemp("evm")) as node:
        yield node


@pytest.fixture
async def house(
    db: Database, lane: Lane, settings: Settings, bitcoin_node: BitcoinNode, evm_node: EvmNode, tmp_path: Path
) -> AsyncIterator[House]:
    world = await World(db, lane, on_nodes(settings, bitcoin_node, evm_node), bitcoin_node, evm_node).open()
    found = House(world, tmp_path).open()
    yield found
    found.close()
    await world.close()


@pytest.fixture
async def exchange(house: House, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Exchange]:
    async with sandbox(getattr(request, "param", "binance"), tmp_path / "venue") as running:
        client = running.client()
        yield await Exchange(house, running, client).open()
        await client.close()
