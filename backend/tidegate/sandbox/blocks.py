"""Blocks that keep coming by themselves, and a chain that survives the killing of its node.

Both nodes forget on SIGKILL: anvil all since its last snapshot, bitcoind its block index since its last flush (and it
has no peers to ask). So whatever a new block holds is kept on disk as soon as it is seen, whoever made it.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from tidegate.sandbox.fates import BitcoinFates, EvmFates
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.nodes import BitcoinNode, EvmNode
from tidegate.sandbox.process import write_whole
from tidegate.sandbox.rpc import RpcGone, RpcRefused

_LOOK_SECONDS = 0.25


class Node(Protocol):
    """What a block maker needs of a node."""

    async def height(self) -> int: ...

    async def mine(self, blocks: int = 1) -> int: ...

    async def keep(self) -> None: ...


class Fates(Protocol):
    """What scenarios do to blocks."""

    async def before_block(self) -> None: ...

    async def depth_to_undo(self) -> int: ...


class BlockMaker(ABC):
    """One network: makes a block every `seconds` unless paused, keeps what any block brought."""

    def __init__(self, network: str, node: Node, seconds: float, fates: Fates) -> None:
        self.network = network
        self._fates = fates
        self.node = node
        self.seconds = seconds
        self.paused = False
        self.may_work = asyncio.Event()
        """Set while the node is up and fit. A block made on a chain that lost some would hide the loss."""
        self._one_at_a_time = asyncio.Lock()
        self._kept_tip: str | None = None

    async def run(self) -> None:
        """Until cancelled. A node that is down is asked again; its restart is the supervisor's business."""
        clock = asyncio.get_running_loop().time
        due = clock() + self.seconds
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, self.seconds))
            try:
                if not self.may_work.is_set():
                    due = clock() + self.seconds
                elif not self.paused and clock() >= due:
                    due = max(due + self.seconds, clock())
                    await self.next()
                else:
                    await self.keep_what_is_new()
            except (RpcGone, RpcRefused):
                due = clock() + self.seconds

    async def next(self) -> None:
        """The block that is due; or, where a scenario wants it, another one in the place of the last."""
        async with self._working():
            depth = await self._fates.depth_to_undo()
            if depth:
                await self._reorg(depth)
            else:
                await self._fates.before_block()
                await self.node.mine(1)
            await self._keep_new()

    async def mine(self, blocks: int) -> int:
        """Make blocks now, also while paused; on disk before it answers."""
        async with self._working():
            await self._fates.before_block()
            height = await self.node.mine(blocks)
            await self._keep_new()
            return height

    async def reorg(self, depth: int) -> int:
        """Replace the last `depth` blocks by others; the new height."""
        async with self._working():
            await self._reorg(depth)
            await self._keep_new()
            return await self.node.height()

    async def keep_what_is_new(self) -> None:
        """Blocks that somebody else made, on disk."""
        async with self._working():
            await self._keep_new()

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        """One at a time, and only on a fit node. Raises RpcGone otherwise."""
        async with self._one_at_a_time:
            if not self.may_work.is_set():
                raise RpcGone("the node is not up, or not fit")
            yield

    async def _keep_new(self) -> None:
        tip = await self._tip()
        if tip != self._kept_tip:
            await self.node.keep()
            self._kept_tip = tip

    @abstractmethod
    async def _tip(self) -> str:
        """The hash of the last block."""

    @abstractmethod
    async def _reorg(self, depth: int) -> None:
        """Make the node follow another branch."""


class BitcoinBlocks(BlockMaker):
    def __init__(self, node: BitcoinNode, seconds: float, network: str = "bitcoin") -> None:
        super().__init__(network, node, seconds, BitcoinFates(node))
        self.bitcoin = node

    async def _tip(self) -> str:
        return str(await self.bitcoin.rpc.call("getbestblockhash"))

    async def _reorg(self, depth: int) -> None:
        rpc = self.bitcoin.rpc
        height = await self.bitcoin.height()
        await rpc.call("invalidateblock", await rpc.call("getblockhash", height - depth + 1))
        # Empty, so that what they held is seen to be unconfirmed again; one more than before, so that the branch is longer.
        for _ in range(depth + 1):
            await self.bitcoin.mine_empty()


class EvmBlocks(BlockMaker):
    """Also remembers the last block that held a transaction: a chain without it is younger than the books."""

    def __init__(self, node: EvmNode, seconds: float, gate: Gate, network: str = "ethereum") -> None:
        super().__init__(network, node, seconds, EvmFates(node))
        self.evm = node
        self._gate = gate
        self._note = node.folder / "last-block.json"
        self._kept_height = 0
        self._rest_until = 0.0

    async def _tip(self) -> str:
        return str((await self.evm.rpc.call("eth_getBlockByNumber", "latest", False))["hash"])

    async def _reorg(self, depth: int) -> None:
        await self.evm.rpc.call("anvil_reorg", depth, [])

    async def _keep_new(self) -> None:
        latest = await self.evm.rpc.call("eth_getBlockByNumber", "latest", False)
        if latest["hash"] == self._kept_tip:
            return
        clock = asyncio.get_running_loop().time
        height = int(latest["number"], 16)
        holds_something = await self._anything_since(height)
        if not holds_something and clock() < self._rest_until:
            return
        # Before the snapshot: were we killed between the two, the note tells that the snapshot is too old.
        self._remember(height, latest["hash"], self._must_have(height, latest["hash"], holds_something))
        began = clock()
        await self.evm.keep()
        # A long chain makes large snapshots: empty blocks then wait, so that keeping costs a twentieth of the time.
        self._rest_until = clock() + 20 * (clock() - began)
        self._kept_tip, self._kept_height = latest["hash"], height

    async def _anything_since(self, height: int) -> bool:
        """Does any block after the last kept one hold a transaction? Also true after a reorg."""
        if self._kept_tip is None or not 0 < height - self._kept_height <= 16:
            return True
        for number in range(self._kept_height + 1, height + 1):
            block = await self.evm.rpc.call("eth_getBlockByNumber", hex(number), False)
            if block is None or block["transactions"]:
                return True
        return False

    def _must_have(self, height: int, block_hash: str, holds_something: bool) -> dict[str, object]:
        if holds_something or not self._note.is_file():
            return {"height": height, "hash": block_hash}
        known: dict[str, object] = json.loads(self._note.read_text())["must_have"]
        return known

    def _remember(self, height: int, block_hash: str, must_have: dict[str, object]) -> None:
        write_whole(self._note, json.dumps({"height": height, "hash": block_hash, "must_have": must_have}) + "\n")

    async def check_age(self) -> bool:
        """After a start of the node: does it still have the last block that anybody may have acted on?

        If not, the gate stays closed: what the books call paid may be unpaid here. Says so, and returns False.
        Empty blocks that were lost are made again, so that heights and confirmations never go back.
        """
        self._kept_tip = None
        self.may_work.clear()
        if self._note.is_file():
            known = json.loads(self._note.read_text())
            wanted = known["must_have"]
            block = await self.evm.rpc.call("eth_getBlockByNumber", hex(wanted["height"]), False)
            height = await self.evm.height()
            if block is None or block["hash"] != wanted["hash"]:
                self._gate.closed_because = (
                    f"The EVM chain (height {height}) is younger than the books, which have seen block "
                    f"{wanted['height']} ({wanted['hash'][:10]}…): its node was killed before that block was stored. "
                    "Nothing is paid or credited on it. Start again on a fresh data folder."
                )
                return False
            if height < known["height"]:
                await self.evm.mine(known["height"] - height)
        self._gate.closed_because = None
        self.may_work.set()
        return True
