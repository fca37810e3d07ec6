"""Our two drivers keep the contract, on a real bitcoind and a real anvil, behind a gate that can be closed."""

import contextlib
from collections.abc import AsyncIterator
from types import MappingProxyType

import pytest

from tests.chains.conftest import House
from tests.chains.test_payouts import intent, sign_evm
from tidegate.chains.bitcoin import BitcoinChain
from tidegate.chains.contract import ChainContract
from tidegate.chains.evm import EvmChain
from tidegate.chains.open import open_chains
from tidegate.chains.port import AddressProblem, Chain
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.nodes import BitcoinNode, EvmNode
from tidegate.sandbox.process import end, free_port
from tidegate.signing.messages import Approved

WRONG, INVALID, FORBIDDEN = AddressProblem.WRONG_NETWORK, AddressProblem.INVALID, AddressProblem.FORBIDDEN


class _OnNode:
    """What both worlds share: the gate, and a node that can be started again."""

    def __init__(self, house: House, node: BitcoinNode | EvmNode, gate: Gate, chain: Chain) -> None:
        self.house, self.gate, self.chain = house, gate, chain
        self._node = node

    def lose_next_answer(self) -> None:
        self.gate.drop_next = True

    async def down(self) -> None:
        await self.gate.door.close()

    async def up(self) -> None:
        await self.gate.door.open()

    async def mine(self, blocks: int = 1) -> None:
        await self._node.mine(blocks)

    async def restart(self) -> None:
        assert self._node.process is not None
        await self._node.keep()
        await end(self._node.process, seconds=20)
        await self._node.launch()
        await self._node.ready()


class BitcoinWorld(_OnNode):
    units = 150_000
    refused = MappingProxyType(
        {
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa": WRONG,
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": WRONG,
            "0x70997970C51812dc3A010C7d01b50e0d17dc79C8": WRONG,
            "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081": INVALID,
        }
    )

    async def stranger(self) -> str:
        return str(await self.house.bitcoin_node.faucet("getnewaddress", "", "bech32"))

    async def pay(self, address: str, units: int) -> str:
        return await self.house.send_bitcoin(address, units)

    async def resend(self, txid: str) -> None:
        """The node's own mempool has it again."""

    async def reorg(self, depth: int) -> None:
        node = self.house.bitcoin_node
        await node.rpc.call("invalidateblock", await node.rpc.call("getblockhash", await node.height() - depth + 1))
        for _ in range(depth + 1):
            await node.mine_empty()

    async def sign(self, address: str, units: int) -> bytes:
        wanted, yes = intent("bitcoin", "BTC", address, units, 50_000)
        assert isinstance(self.chain, BitcoinChain)
        funded = await self.chain.fund([(address, units)], 2, ())
        answer = await self.house.door.sign_bitcoin([(wanted, yes)], funded.psbt)
        assert isinstance(answer, Approved), answer
        return answer.raw


class EvmWorld(_OnNode):
    units = 10**15
    refused = MappingProxyType(
        {
            "0x" + "0" * 40: FORBIDDEN,
            "0x0000000000000000000000000000000000000001": FORBIDDEN,
            "0x000000000000000000000000000000000000dEaD": FORBIDDEN,
            "0x5FbDB2315678afecb367f032d93F642f64180aa3": FORBIDDEN,
            "0x70997970c51812dc3A010C7d01b50e0d17dc79C8": INVALID,
            "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080": WRONG,
        }
    )
    made = 0

    async def stranger(self) -> str:
        self.made += 1
        judged = self.chain.judge(f"0x57a63e{self.made:034x}")
        assert not isinstance(judged, AddressProblem)
        return judged.text

    async def pay(self, address: str, units: int) -> str:
        txid = await self.house.send_ether(address, units)
        self.raw = await self.house.evm_node.rpc.call("eth_getRawTransactionByHash", txid)
        return txid

    async def resend(self, txid: str) -> None:
        await self.house.evm_node.rpc.call("eth_sendRawTransaction", self.raw)

    async def reorg(self, depth: int) -> None:
        await self.house.evm_node.rpc.call("anvil_reorg", depth, [])
        await self.house.evm_node.mine()

    async def sign(self, address: str, units: int) -> bytes:
        assert isinstance(self.chain, EvmChain)
        wanted, yes = intent("ethereum", "ETH", address, units, 10**17)
        answer = await sign_evm(self.house, wanted, yes, await self.chain.next_nonce())
        assert isinstance(answer, Approved), answer
        return answer.raw


@contextlib.asynccontextmanager
async def gated(house: House, network: str, url: str) -> AsyncIterator[tuple[Gate, Chain]]:
    """The house's chain once more, through a gate, with the house's keys and the signer beside it."""
    scheme, _, place = url.rpartition("//")
    login, _, host = place.rpartition("@")
    gate = Gate(free_port(), f"{scheme}//{host}")
    await gate.open()
    through = f"http://{login}@127.0.0.1:{gate.door.port}" if login else f"http://127.0.0.1:{gate.door.port}"
    told = {**house.tables["networks"][network], "rpc_url": through}
    settings = Settings(**{**house.tables, "networks": {network: told}})
    chain = open_chains(settings, load_public(house.settings.signer.public_file))[network]
    try:
        await chain.prepare()
        await chain.watch(1_000)
        yield gate, chain
    finally:
        await chain.close()
        await gate.close()


class TestBitcoin(ChainContract):
    @pytest.fixture
    async def world(self, house: House) -> AsyncIterator[BitcoinWorld]:
        async with gated(house, "bitcoin", house.bitcoin_node.url) as (gate, chain):
            yield BitcoinWorld(house, house.bitcoin_node, gate, chain)
            await house.bitcoin_node.mine()


class TestEvm(ChainContract):
    @pytest.fixture
    async def world(self, house: House) -> AsyncIterator[EvmWorld]:
        async with gated(house, "ethereum", house.evm_node.url) as (gate, chain):
            yield EvmWorld(house, house.evm_node, gate, chain)
            await house.evm_node.mine()
