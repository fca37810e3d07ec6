"""Whether an EVM node may be decided from: its chain, its tokens, its age, its past, and what other nodes say."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate import money
from tidegate.chains.evm import build, parse
from tidegate.chains.opinions import Claim, Opinions, bare
from tidegate.chains.past import Past
from tidegate.chains.port import Health, NodeUnavailable, Tip
from tidegate.chains.rpc import Rpc, RpcError, headers_from, understood
from tidegate.config import NetworkSettings, NodeSettings

OLDEST_TIP_SECONDS = 600
SETTLED = 256
CHECK_SECONDS = 60.0
DEVELOPMENT_CHAINS = {1337, 31337}
"""Blocks come when somebody makes them: an old tip says nothing there."""


class EvmWitness:
    """Another node of the same chain."""

    def __init__(
        self, name: str, node: NodeSettings, chain_id: int, assets: Mapping[str, str] | None = None, native: str = ""
    ) -> None:
        """`assets`: by contract, the tokens that are listed."""
        self.name = name
        self._chain_id = chain_id
        self._assets = assets or {}
        self._native = native
        self._rpc = Rpc(node.url.get_secret_value(), headers=headers_from(node.headers, node.headers_file))

    @understood
    async def height(self) -> int:
        chain_id, number = await self._rpc.batch([("eth_chainId", ()), ("eth_blockNumber", ())])
        if parse.quantity(chain_id) != self._chain_id:
            raise NodeUnavailable(f"it is on chain id {parse.quantity(chain_id)}")
        return parse.quantity(number)

    @understood
    async def hash_at(self, height: int) -> str | None:
        return await block_hash(self._rpc, height)

    @understood
    async def holds(self, claim: Claim) -> bool:
        calls = [("eth_getTransactionReceipt", (claim.txid,)), ("eth_getTransactionByHash", (claim.txid,))]
        receipt, transaction = await self._rpc.batch(calls)
        for answer in (receipt, transaction):
            if isinstance(answer, RpcError):
                raise answer
        if receipt is None or transaction is None or receipt["blockHash"] != claim.block_hash:
            return False
        recipients = {one.address for one in claim.paid}
        told = parse.receipt_arrivals(transaction, receipt, recipients, self._assets, claim.height, self._native)
        return {bare(one) for one in told} >= set(claim.paid)

    async def close(self) -> None:
        await self._rpc.close()


async def block_hash(rpc: Rpc, height: int) -> str | None:
    """The block at that height, None when there is none."""
    block = await rpc.call("eth_getBlockByNumber", hex(height), False)
    return str(block["hash"]) if block is not None else None


class Fitness:
    """The whole of the checks at start and each minute, the quick ones at every look."""

    def __init__(self, rpc: Rpc, settings: NetworkSettings, contracts: Mapping[str, str], opinions: Opinions) -> None:
        self._rpc = rpc
        self._settings = settings
        self._contracts = contracts
        self._opinions = opinions
        self._past = Past(SETTLED)
        self._checked_at: float | None = None

    def remember(self, height: int, cursor: str | None) -> None:
        """The books read up to `height`; the oldest block of their cursor must still be there."""
        blocks = parse.read_cursor(cursor)
        if blocks:
            self._past.remember(max(height, blocks[-1][0]), Tip(*blocks[0]))
        else:
            self._past.remember(height, None)

    @understood
    async def rules(self) -> None:
        """The chain is ours; each token has code and the decimals this house reckons with. Raises NodeUnavailable."""
        chain_id = parse.quantity(await self._rpc.call("eth_chainId"))
        if chain_id != self._settings.chain_id:
            raise NodeUnavailable(f"the node is on chain id {chain_id}, we are set to {self._settings.chain_id}")
        for asset, contract in self._contracts.items():
            pinned = self._settings.tokens[asset].decimals
            if pinned != money.asset(asset).decimals:
                raise NodeUnavailable(f"{asset} is set to {pinned} decimals, the house reckons with another number")
            if await self._rpc.call("eth_getCode", contract, "latest") in ("0x", None):
                raise NodeUnavailable(f"there is no contract at the address set for {asset}")
            decimals = parse.quantity(await self._rpc.call("eth_call", build.decimals_call(contract), "latest"))
            if decimals != pinned:
                raise NodeUnavailable(f"the contract of {asset} says {decimals} decimals, we are set to {pinned}")
        checkpoint = self._settings.checkpoint
        if checkpoint is not None:
            wanted = "0x" + checkpoint.hash.removeprefix("0x")
            if await block_hash(self._rpc, checkpoint.height) != wanted:
                raise NodeUnavailable(f"the node does not have the checkpoint's block at {checkpoint.height}")

    async def look(self) -> Health:
        """Answers, whatever happens."""
        try:
            if self._checked_at is None or time.monotonic() - self._checked_at > CHECK_SECONDS:
                self._checked_at = None
                await self.rules()
                self._checked_at = time.monotonic()
            return await self._quick()
        except NodeUnavailable as error:
            self._checked_at = None
            text = str(error)
            return Health(False, None, text[:1].upper() + text[1:] + ("" if text.endswith(".") else "."))

    @understood
    async def _quick(self) -> Health:
        anchor = self._past.anchor
        calls: list[tuple[str, Sequence[Any]]] = [
            ("eth_chainId", ()),
            ("eth_syncing", ()),
            ("eth_getBlockByNumber", ("latest", False)),
        ]
        if anchor is not None:
            calls.append(("eth_getBlockByNumber", (hex(anchor.height), False)))
        answers = await self._rpc.batch(calls)
        for answer in answers:
            if isinstance(answer, RpcError):
                raise answer
        chain_id, syncing, latest, *there = answers
        height = parse.quantity(latest["number"])
        present = str(there[0]["hash"]) if there and there[0] is not None else None
        doubts = self._unfit(parse.quantity(chain_id), syncing, latest) or self._past.doubts(height, present)
        doubts = doubts or await self._opinions.doubts(height, self._hash)
        if doubts:
            self._checked_at = None
            return Health(False, height, doubts)
        settled = self._past.seen(height)
        if settled is not None and (found := await self._hash(settled)) is not None:
            self._past.anchor = Tip(settled, found)
        return Health(True, height)

    async def _hash(self, height: int) -> str | None:
        return await block_hash(self._rpc, height)

    def _unfit(self, chain_id: int, syncing: Any, latest: Mapping[str, Any]) -> str:
        if chain_id != self._settings.chain_id:
            return f"The node is on chain id {chain_id}, not {self._settings.chain_id}."
        if syncing is not False:
            return "The node is still downloading the chain."
        oldest = self._settings.oldest_tip_seconds
        if chain_id in DEVELOPMENT_CHAINS and not oldest:
            return ""
        if time.time() - parse.quantity(latest["timestamp"]) > (oldest or OLDEST_TIP_SECONDS):
            return "The node's newest block is too old: it does not keep up with the chain."
        return ""
