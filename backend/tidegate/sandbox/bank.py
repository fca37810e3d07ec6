"""What ties the sandbox's exchanges to its nodes: withdrawals are paid on the real chains, and deposits are seen there.

Every exchange has a deposit address on each chain that belongs to nobody: what is sent there is the exchange's and is
never needed again, because what it pays comes from the faucet's endless accounts. Nothing here is remembered but how far
Ethereum was read; a deposit is known by its transaction, so looking twice credits once.
"""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import bdkpython as bdk
import structlog

from tidegate.sandbox.nodes import FAUCET_WALLET, TOKEN_DECIMALS
from tidegate.sandbox.rpc import Rpc, RpcGone, RpcRefused
from tidegate.sandbox.venue.funding import NETWORKS
from tidegate.sandbox.venue.prices import E8
from tidegate.sandbox.venue.world import World

log = structlog.get_logger(__name__)

ACCOUNT = "tidegate"
"""Ours, at every exchange."""
BITCOIN_DEPTH, EVM_DEPTH = 2, 6
"""From when an exchange credits: deep enough for the reorganisations that the sandbox makes."""
_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_BLOCKS_A_LOOK = 200
_LOOK_SECONDS = 1.0
_READ_TO = "ethereum read to"
_ETHER, _TOKEN = 10**18, 10**TOKEN_DECIMALS


def deposit_address(exchange: str, network: str) -> str:
    """Where deposits to our account at that exchange go: well formed, the same in every sandbox, nobody's."""
    nobody = sha256(f"sandbox deposit {exchange} {network}".encode()).digest()[:20]
    if network == "ethereum":
        return f"0x{nobody.hex()}"
    return str(bdk.Address.from_script(bdk.Script(b"\x00\x14" + nobody), bdk.Network.REGTEST))


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where the chains are. `public_file`: what the signer tells of its addresses, once it has any."""

    bitcoin_url: str
    evm_url: str
    tokens: dict[str, str]
    public_file: Path

    @classmethod
    def read(cls, path: Path) -> "Nodes":
        """As `write` wrote it."""
        told = json.loads(path.read_text())
        return cls(**{**told, "public_file": Path(told["public_file"])})

    def text(self) -> str:
        told = {"bitcoin_url": self.bitcoin_url, "evm_url": self.evm_url, "tokens": self.tokens}
        return json.dumps({**told, "public_file": str(self.public_file)}, indent=1)


class Bank:
    """The faucet's accounts on both chains, as the `Payer` of every exchange, and the eye on their deposit addresses."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.bitcoin = Rpc(nodes.bitcoin_url, seconds=20)
        self.evm = Rpc(nodes.evm_url, seconds=20)
        self._paying = asyncio.Lock()
        self._looked_at = -1  # Bitcoin's height: between two blocks nothing becomes deep

    async def close(self) -> None:
        await self.bitcoin.close()
        await self.evm.close()

    async def pay(self, asset: str, network: str, address: str, amount: str) -> str:
        """Waits until the node answers; only then is anything sent, and that once."""
        async with self._paying:
            await self._until_it_answers(network)
            if network == "bitcoin":
                return str(await self.bitcoin.call("sendtoaddress", address, amount, path=f"/wallet/{FAUCET_WALLET}"))
            owner, rich, *_ = await self.evm.call("eth_accounts")
            if asset not in self.nodes.tokens:
                value = hex(int(Decimal(amount) * _ETHER))
                return str(await self.evm.call("eth_sendTransaction", {"from": rich, "to": address, "value": value}))
            units = int(Decimal(amount) * _TOKEN)
            data = f"0xa9059cbb{int(address, 16):064x}{units:064x}"
            sending = {"from": owner, "to": self.nodes.tokens[asset], "data": data, "gas": hex(120_000)}
            return str(await self.evm.call("eth_sendTransaction", sending))

    async def _until_it_answers(self, network: str) -> None:
        rpc, method = (self.bitcoin, "getblockcount") if network == "bitcoin" else (self.evm, "eth_blockNumber")
        while True:
            try:
                await rpc.call(method)
                return
            except (RpcGone, RpcRefused):
                await asyncio.sleep(_LOOK_SECONDS)

    async def watch(self, exchanges: Sequence[tuple[str, World]]) -> None:
        """Credit what arrives, as long as the process lives. A node that is away is asked again."""
        for name, world in exchanges:
            open_door(name, world)
        allowed = False
        while True:
            if not allowed and self.nodes.public_file.is_file():
                allowed = await self.allow(exchanges)
            for look in (self.look_at_bitcoin, self.look_at_ethereum):
                try:
                    await look(exchanges)
                except (RpcGone, RpcRefused) as away:
                    log.info("deposits_wait", reason=str(away)[:200])
            await asyncio.sleep(_LOOK_SECONDS)

    async def allow(self, exchanges: Sequence[tuple[str, World]]) -> bool:
        """Our hot addresses on each account's list of where it may withdraw to. False while the node is away."""
        # Read as it is: what the drivers of the chains bring along would double this process.
        keys = json.loads(self.nodes.public_file.read_text())
        try:
            (bitcoin, *_) = await self.bitcoin.call("deriveaddresses", keys["bitcoin"]["bitcoin"]["internal"], [0, 0])
        except (RpcGone, RpcRefused):
            return False
        hot = {"bitcoin": bitcoin, "ethereum": keys["evm"]["ethereum"]["hot_address"]}
        for _, world in exchanges:
            for asset, network in NETWORKS.items():
                world.allow(ACCOUNT, f"hot {asset}", asset, hot[network])
            world.save()
        return True

    async def look_at_bitcoin(self, exchanges: Sequence[tuple[str, World]]) -> None:
        """The unspent set tells all of it: nobody can spend what lies at an address of nobody."""
        height = int(await self.bitcoin.call("getblockcount"))
        if height == self._looked_at:
            return
        for name, world in exchanges:
            place = deposit_address(name, "bitcoin")
            found = await self.bitcoin.call("scantxoutset", "start", [f"addr({place})"])
            by_transaction: dict[str, int] = {}
            for coin in found["unspents"]:
                if height - int(coin["height"]) + 1 >= BITCOIN_DEPTH:
                    units = by_transaction.get(coin["txid"], 0) + int(Decimal(coin["amount"]) * E8)
                    by_transaction[coin["txid"]] = units
            for txid, units in by_transaction.items():
                credit(world, "BTC", "bitcoin", units, txid)
        self._looked_at = height

    async def look_at_ethereum(self, exchanges: Sequence[tuple[str, World]]) -> None:
        """The blocks that have become deep since the last look: ether by its transactions, tokens by their logs."""
        deep = int(await self.evm.call("eth_blockNumber"), 16) - EVM_DEPTH + 1
        read = min([deep, *(int(world.notes.get(_READ_TO, deep)) for _, world in exchanges)])
        upto = min(deep, read + _BLOCKS_A_LOOK)
        places = {deposit_address(name, "ethereum").lower(): world for name, world in exchanges}
        if upto > read:
            for place, asset, units, txid in await self._arrived(places, read + 1, upto):
                credit(places[place], asset, "ethereum", units, txid)
        for _, world in exchanges:
            if world.notes.get(_READ_TO) != upto:
                world.note(_READ_TO, upto)
                world.save()

    async def _arrived(self, places: Collection[str], first: int, last: int) -> list[tuple[str, str, int, str]]:
        """Place, asset, units of 1e-8 and transaction of each payment to one of them in these blocks."""
        found: list[tuple[str, str, int, str]] = []
        for number in range(first, last + 1):
            block = await self.evm.call("eth_getBlockByNumber", hex(number), True)
            for one in block["transactions"]:
                place, wei = (one["to"] or "").lower(), int(one["value"], 16)
                if place in places and wei and await self._succeeded(one["hash"]):
                    found.append((place, "ETH", wei * E8 // _ETHER, one["hash"]))
        to = [f"0x{int(place, 16):064x}" for place in places]
        blocks: dict[str, Any] = {"fromBlock": hex(first), "toBlock": hex(last)}
        for asset, contract in self.nodes.tokens.items():
            asked = {**blocks, "address": contract, "topics": [_TRANSFER, None, to]}
            for entry in await self.evm.call("eth_getLogs", asked):
                place = f"0x{entry['topics'][2][-40:]}".lower()
                found.append((place, asset, int(entry["data"], 16) * E8 // _TOKEN, entry["transactionHash"]))
        return found

    async def _succeeded(self, txid: str) -> bool:
        receipt = await self.evm.call("eth_getTransactionReceipt", txid)
        return bool(int(receipt["status"], 16))


def open_door(exchange: str, world: World) -> None:
    """The account's deposits go to the addresses that are watched."""
    for asset, network in NETWORKS.items():
        world.funding.set_address(ACCOUNT, asset, network, deposit_address(exchange, network))
    world.save()


def credit(world: World, asset: str, network: str, units: int, txid: str) -> None:
    """Once for a transaction and asset; `units` of 1e-8, and less than one is nothing."""
    if units > 0:
        world.funding.credit(ACCOUNT, asset, network, units, txid, world.now())
        world.save()
