"""A world for each test of the room."""

from collections.abc import AsyncIterator

import pytest

from tests.transactions.world import World
from tests.wallets.world import bitcoin_chain, evm_chain
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.config import NetworkSettings, Settings, TokenSettings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.signer.keys import make_seed
from tidegate.transactions import audit

# The same networks as in the settings of every test.
BITCOIN = NetworkSettings(kind="bitcoin", chain="regtest", confirmations=2, block_seconds=5)
TOKENS = {
    "USDT": TokenSettings(contract="0x5FbDB2315678afecb367f032d93F642f64180aa3", decimals=6),
    "USDC": TokenSettings(contract="0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512", decimals=6),
}
ETHEREUM = NetworkSettings(kind="evm", chain_id=31337, confirmations=3, block_seconds=2, tokens=TOKENS)


@pytest.fixture(scope="session")
async def drivers() -> AsyncIterator[tuple[BitcoinChain, EvmChain]]:
    seed = make_seed(1_700_000_000)
    bitcoin, evm = bitcoin_chain(BITCOIN, seed), evm_chain(ETHEREUM, seed)
    yield bitcoin, evm
    await bitcoin.close()
    await evm.close()


@pytest.fixture
async def world(
    db: Database,
    lane: Lane,
    settings: Settings,
    drivers: tuple[BitcoinChain, EvmChain],
    superuser_db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    # Nothing else moves here while the audit reads: a difference is one at the first look.
    monkeypatch.setattr(audit, "TRIES", 1)
    return await World(db, lane, settings, drivers, superuser_db).open()
