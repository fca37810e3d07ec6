"""Real nodes, the drivers on them, and a real signer process: shared by the tests of this folder."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.chains.waiting import until
from tidegate.chains.bitcoin import BitcoinChain
from tidegate.chains.evm import EvmChain
from tidegate.chains.open import close_chains, open_chains
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.sandbox.nodes import BitcoinNode, EvmNode, anvil, bitcoind
from tidegate.sandbox.settings import toml
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import SignerStatus

COLD = {
    "bitcoin": "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry",
    "ethereum": "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
}


@pytest.fixture(scope="session")
async def bitcoin_node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BitcoinNode]:
    async with bitcoind(tmp_path_factory.mktemp("bitcoind")) as node:
        yield node


@pytest.fixture(scope="session")
async def evm_node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EvmNode]:
    async with anvil(tmp_path_factory.mktemp("anvil")) as node:
        yield node


@dataclass
class House:
    """Settings, chains and signer of one installation on the shared nodes."""

    folder: Path
    tables: dict[str, Any]
    bitcoin_node: BitcoinNode
    evm_node: EvmNode
    settings: Settings = field(init=False)
    bitcoin: BitcoinChain = field(init=False)
    evm: EvmChain = field(init=False)
    door: SignerDoor = field(init=False)

    def write(self) -> Path:
        path = self.folder / "tidegate.toml"
        path.write_text(toml(self.tables))
        return path

    @contextlib.asynccontextmanager
    async def signer(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The signer's process, answering."""
        env = {**os.environ, "TIDEGATE_CONFIG": str(self.write())}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tidegate.signer", env=env)
        try:
            await until(lambda: self._answers(process), "the signer to answer")
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def _answers(self, process: asyncio.subprocess.Process) -> bool:
        assert process.returncode is None, "the signer ended at start"
        return isinstance(await self.door.status(), SignerStatus)

    async def send_bitcoin(self, address: str, units: int) -> str:
        """Coins from the faucet's wallet, unconfirmed."""
        amount = str(Decimal(units) / 10**8)
        txid: str = await self.bitcoin_node.faucet("sendtoaddress", address, amount)
        return txid

    async def send_ether(self, address: str, units: int) -> str:
        owner = (await self.evm_node.accounts())[0]
        fields = {"from": owner, "to": address, "value": hex(units)}
        txid: str = await self.evm_node.rpc.call("eth_sendTransaction", fields)
        return txid

    async def send_token(self, asset: str, address: str, units: int) -> str:
        owner = (await self.evm_node.accounts())[0]
        data = "0xa9059cbb" + address[2:].lower().rjust(64, "0") + f"{units:064x}"
        fields = {"from": owner, "to": self.evm_node.tokens[asset], "data": data, "gas": hex(200_000)}
        txid: str = await self.evm_node.rpc.call("eth_sendTransaction", fields)
        return txid


@pytest.fixture(scope="module")
async def house(
    bitcoin_node: BitcoinNode, evm_node: EvmNode, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A running signer and both chains, prepared, the hot wallets funded. Keys and wallet are each file's own: what one
    file's customers were paid is not what another one's see."""
    folder = tmp_path_factory.mktemp("house")
    tokens = {asset: {"contract": contract, "decimals": 6} for asset, contract in evm_node.tokens.items()}
    tables: dict[str, Any] = {
        "mode": "sandbox",
        "networks": {
            "bitcoin": {
                "kind": "bitcoin",
                "rpc_url": bitcoin_node.url,
                "wallet": f"watch-{folder.name}",
                "confirmations": 2,
                "block_seconds": 5,
            },
            "ethereum": {
                "kind": "evm",
                "rpc_url": evm_node.url,
                "chain_id": 31337,
                "confirmations": 3,
                "tokens": tokens,
            },
        },
        "signer": {
            "socket": folder / "run" / "signer.sock",
            "directory": folder / "signer",
            "passphrase_file": folder / "passphrase",
            "public_file": folder / "signer-public.json",
            "cold_addresses": COLD,
            "max_payout": {"BTC": "5", "ETH": "100", "USDT": "100000", "USDC": "100000"},
        },
    }
    house = House(folder, tables, bitcoin_node, evm_node)
    house.settings = Settings(**tables)
    house.door = SignerDoor(house.settings.signer.socket)
    async with house.signer():
        chains = open_chains(house.settings, load_public(house.settings.signer.public_file))
        bitcoin, evm = chains["bitcoin"], chains["ethereum"]
        assert isinstance(bitcoin, BitcoinChain) and isinstance(evm, EvmChain)
        house.bitcoin, house.evm = bitcoin, evm
        try:
            await bitcoin.prepare()
            await evm.prepare()
            for units in (5_000_000, 7_000_000, 20_000_000):
                await house.send_bitcoin(bitcoin.hot_address, units)
            await bitcoin_node.mine(bitcoin.confirmations)
            await house.send_ether(evm.hot_address, 20 * 10**18)
            for asset in evm_node.tokens:
                await house.send_token(asset, evm.hot_address, 50_000 * 10**6)
            await evm_node.mine(1)
            yield house
        finally:
            await close_chains(chains)
