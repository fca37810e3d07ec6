"""Whether a Bitcoin node may be decided from: its chain, its rules, its age, its past, and what other nodes say."""

import time
from typing import Any

from tidegate.chains.bitcoin.parse import transaction_arrivals
from tidegate.chains.bitcoin.wallet import NodeWallet
from tidegate.chains.opinions import Claim, Opinions, bare
from tidegate.chains.past import Past
from tidegate.chains.port import Health, NodeUnavailable, Tip
from tidegate.chains.rpc import Rpc, RpcError, headers_from, understood
from tidegate.config import NetworkSettings, NodeSettings

OLDEST_TIP_SECONDS = 2 * 3600
SETTLED = 144
CHECK_SECONDS = 60.0
MIN_VERSION = 250_000
KNOWN_DEPLOYMENTS = {"bip34", "bip66", "bip65", "csv", "segwit", "taproot", "testdummy"}
"""A node with another deployment on the main chain follows rules we have not read: it may be on a fork."""

_UNKNOWN = -5
_OUT_OF_RANGE = -8


class BitcoinWitness:
    """Another node of the same chain; it needs no wallet and no index."""

    def __init__(self, name: str, node: NodeSettings, chain: str) -> None:
        self.name = name
        self._chain = chain
        self._rpc = Rpc(node.url.get_secret_value(), headers=headers_from(node.headers, node.headers_file))

    @understood
    async def height(self) -> int:
        info = await self._rpc.call("getblockchaininfo")
        if info["chain"] != self._chain:
            raise NodeUnavailable(f"it is on chain {info['chain']}")
        return int(info["blocks"])

    @understood
    async def hash_at(self, height: int) -> str | None:
        return await block_hash(self._rpc, height)

    @understood
    async def holds(self, claim: Claim) -> bool:
        try:
            header = await self._rpc.call("getblockheader", claim.block_hash)
            if header["confirmations"] < 1:
                return False
            decoded = await self._rpc.call("getrawtransaction", claim.txid, True, claim.block_hash)
        except RpcError as error:
            if error.code == _UNKNOWN:
                return False
            raise
        block = {"blockhash": claim.block_hash, "blockheight": claim.height, "confirmations": 0}
        told = {"txid": claim.txid, "decoded": decoded, **block}
        paid = {bare(one) for one in transaction_arrivals(told, {one.address for one in claim.paid})}
        return paid >= set(claim.paid)

    async def close(self) -> None:
        await self._rpc.close()


async def block_hash(rpc: Rpc, height: int) -> str | None:
    """The block of the active chain at that height, None when there is none yet."""
    try:
        return str(await rpc.call("getblockhash", height))
    except RpcError as error:
        if error.code == _OUT_OF_RANGE:
            return None
        raise


class Fitness:
    """The checks of chains.md 2.7: the whole of them at start and each minute, the quick ones at every look."""

    def __init__(
        self, rpc: Rpc, wallet: NodeWallet, settings: NetworkSettings, keys_chain: str, opinions: Opinions
    ) -> None:
        self._rpc = rpc
        self._wallet = wallet
        self._settings = settings
        self._keys_chain = keys_chain
        self._opinions = opinions
        self._past = Past(SETTLED)
        self._checked_at: float | None = None

    async def remember(self, height: int, cursor: str | None) -> None:
        """The books read up to `height`; `cursor` is a block of theirs, which another branch may have orphaned since."""
        anchor = None
        if cursor is not None:
            try:
                header = await self._rpc.call("getblockheader", cursor)
            except RpcError as error:
                if error.code != _UNKNOWN:
                    raise
            else:
                anchor = Tip(header["height"], cursor) if header["confirmations"] > SETTLED else None
        self._past.remember(height, anchor)

    @understood
    async def rules(self) -> None:
        """The chain is ours, by rules that we know, with the checkpoint's block. Raises NodeUnavailable."""
        wanted = self._settings.chain
        info = await self._rpc.call("getblockchaininfo")
        if info["chain"] != wanted or self._keys_chain != wanted:
            raise NodeUnavailable(f"the node is on chain {info['chain']}, we are set to {wanted}")
        version = (await self._rpc.call("getnetworkinfo"))["version"]
        if version < MIN_VERSION:
            raise NodeUnavailable(f"the node's version {version} is older than {MIN_VERSION}")
        if wanted == "main":
            deployments = set((await self._rpc.call("getdeploymentinfo"))["deployments"])
            foreign = deployments - KNOWN_DEPLOYMENTS - set(self._settings.deployments)
            if foreign:
                raise NodeUnavailable(f"the node follows unknown rules: {sorted(foreign)}")
        checkpoint = self._settings.checkpoint
        if checkpoint is not None and await block_hash(self._rpc, checkpoint.height) != checkpoint.hash:
            raise NodeUnavailable(f"the node does not have the checkpoint's block at {checkpoint.height}")

    async def look(self) -> Health:
        """Answers, whatever happens."""
        try:
            if self._checked_at is None or time.monotonic() - self._checked_at > CHECK_SECONDS:
                self._checked_at = None
                await self.rules()
                await self._wallet.check()
                self._checked_at = time.monotonic()
            return await self._quick()
        except NodeUnavailable as error:
            self._checked_at = None
            return Health(False, None, _sentence(str(error)))

    @understood
    async def _quick(self) -> Health:
        anchor = self._past.anchor
        calls: list[tuple[str, tuple[int, ...]]] = [("getblockchaininfo", ())]
        if anchor is not None:
            calls.append(("getblockhash", (anchor.height,)))
        info, *found = await self._rpc.batch(calls)
        for answer in (info, *found):
            if isinstance(answer, RpcError) and answer.code != _OUT_OF_RANGE:
                raise answer
        height = int(info["blocks"])
        there = str(found[0]) if found and not isinstance(found[0], RpcError) else None
        doubts = self._unfit(info) or self._past.doubts(height, there)
        doubts = doubts or await self._opinions.doubts(height, self._hash)
        if doubts:
            self._checked_at = None
            return Health(False, height, doubts)
        settled = self._past.seen(height)
        if settled is not None and (held := await self._hash(settled)) is not None:
            self._past.anchor = Tip(settled, held)
        return Health(True, height)

    async def _hash(self, height: int) -> str | None:
        return await block_hash(self._rpc, height)

    def _unfit(self, info: dict[str, Any]) -> str:
        if info["chain"] != self._settings.chain:
            return f"The node is on chain {info['chain']}, not {self._settings.chain}."
        oldest = self._settings.oldest_tip_seconds
        # Regtest's blocks come when somebody makes them: an old tip says nothing, and "initial download" hangs on it.
        if info["chain"] == "regtest" and not oldest:
            return ""
        if info.get("initialblockdownload"):
            return "The node is still downloading the chain."
        if time.time() - info["time"] > (oldest or OLDEST_TIP_SECONDS):
            return "The node's newest block is too old: it does not keep up with the chain."
        return ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
