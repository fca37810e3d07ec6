"""One bitcoind and one anvil for the room's tests; keys, wallet and database are each test's own."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.auth.people import ORIGIN, build_app
from tests.wallets.people import Holder
from tests.wallets.world import World, begun, bitcoin_chain, evm_chain, on_nodes
from tidegate.auth.gate import open_gate
from tidegate.chains.port import Chain
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.sandbox.nodes import BitcoinNode, EvmNode, anvil, bitcoind
from tidegate.signer.keys import make_seed
from tidegate.wallets import routes
from tidegate.wallets.cashier import Cashier


@pytest.fixture(scope="session")
async def bitcoin_node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BitcoinNode]:
    async with bitcoind(tmp_path_factory.mktemp("bitcoin")) as node:
        yield node


@pytest.fixture(scope="session")
async def evm_node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EvmNode]:
    async with anvil(tmp_path_factory.mktemp("evm")) as node:
        yield node


@pytest.fixture
async def world(
    db: Database, lane: Lane, settings: Settings, bitcoin_node: BitcoinNode, evm_node: EvmNode
) -> AsyncIterator[World]:
    found = World(db, lane, on_nodes(settings, bitcoin_node, evm_node), bitcoin_node, evm_node)
    await found.open()
    yield found
    await found.close()


@pytest.fixture
async def cashier(db: Database, settings: Settings) -> AsyncIterator[Cashier]:
    seed = make_seed(int(time.time()))
    networks = settings.networks
    chains: dict[str, Chain] = {
        "bitcoin": bitcoin_chain(networks["bitcoin"], seed),
        "ethereum": evm_chain(networks["ethereum"], seed),
    }
    async with db.transaction() as session:
        for family in ("bitcoin", "evm"):
            await session.execute(
                text("INSERT INTO address_index (family, next_index, watched_upto) VALUES (:f, 0, 1000)"),
                {"f": family},
            )
    await begun(db, "ethereum", "read")
    yield Cashier(db, settings, chains)
    for chain in chains.values():
        await chain.close()


@pytest.fixture
def app(db: Database, settings: Settings, cashier: Cashier) -> FastAPI:
    app = build_app(open_gate(db, settings), routes.router)
    app.state.wallets = cashier
    return app


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def ana(http: httpx.AsyncClient) -> Holder:
    holder = Holder(http, "ana@demo.example")
    await holder.register()
    await holder.enrol()
    return holder


@pytest.fixture
async def ben(http: httpx.AsyncClient) -> Holder:
    holder = Holder(http, "ben@demo.example")
    await holder.register()
    await holder.signed_in()
    return holder
