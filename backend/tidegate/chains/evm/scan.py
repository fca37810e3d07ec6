"""Reading deposits off the chain: by number, verified by hash, walking back when the chain changed its mind.

No filters: after a reorg they deliver dead logs as living ones (chains.md 3.4).
"""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import structlog

from tidegate.chains.evm import build, parse
from tidegate.chains.evm.parse import Blocks
from tidegate.chains.port import Arrival, Arrivals, Flow, NodeUnavailable, Tip
from tidegate.chains.rpc import BATCH, Rpc, RpcError

log = structlog.get_logger(__name__)

MAX_BLOCKS = 50
"""Read in one call; a scan that is behind comes back for more."""


@dataclass(slots=True)
class Pace:
    """How many blocks this node gives in one answer: halved when it gives none, and twice as many after each that came."""

    blocks: int = MAX_BLOCKS

    def slower(self) -> None:
        self.blocks = max(self.blocks // 2, 1)

    def faster(self) -> None:
        self.blocks = min(self.blocks * 2, MAX_BLOCKS)


MANY = 20
"""Receipts of one block that are asked for one by one; more than these come as the whole block's."""
DEPTH = 256
"""Blocks that a reorg may take away before a person must look; also how far a first scan looks back."""


class Scan:
    """One call of `arrivals`: what it has learned so far."""

    def __init__(
        self,
        rpc: Rpc,
        watched: Container[str],
        contracts: Mapping[str, str],
        native: str,
        house: Collection[str],
        pace: Pace | None = None,
    ) -> None:
        """`pace`: what earlier scans of this node learned."""
        self._rpc = rpc
        self._pace = pace or Pace()
        self._watched = watched
        self._contracts = contracts
        self._native = native
        self._house = house
        self._seen: dict[tuple[str, int], Arrival] = {}
        self._flows: list[Flow] = []

    async def run(self, cursor: str | None, open_txids: Sequence[str], tip: Tip) -> Arrivals:
        """Read on from the cursor up to the tip, then look at each open transaction by name."""
        remembered = parse.read_cursor(cursor)
        known = await self._still_true(remembered, tip)
        first_known = len(known)
        first = known[-1][0] + 1 if known else max(0, tip.height - DEPTH)
        for block in await self._blocks(first, tip.height):
            number, block_hash = parse.quantity(block["number"]), block["hash"]
            follows = not known or block["parentHash"] == known[-1][1]
            if not follows or not await self._read(block, tip):
                break  # the chain changed under our eyes: the next call walks back
            known.append((number, block_hash))
        if known and known[-1][0] == tip.height:
            await self._pending(tip)
        gone = await self._open(open_txids, tip)
        tags = await self._tags()
        return Arrivals(
            tuple(self._seen.values()),
            parse.write_cursor(build.keep_blocks(known, DEPTH)),
            gone,
            upto=known[-1][0] if known else None,
            safe=tags[0],
            finalized=tags[1],
            flows=tuple(self._flows),
            reread_above=first - 1 if len(remembered) != first_known else None,
        )

    async def _tags(self) -> tuple[int | None, int | None]:
        """Heights of `safe` and `finalized`; None where the node has no such tag (yet)."""
        answers = await self._rpc.batch([("eth_getBlockByNumber", (tag, False)) for tag in ("safe", "finalized")])
        safe, finalized = (
            None if isinstance(a, RpcError) or a is None else parse.quantity(a["number"]) for a in answers
        )
        return safe, finalized

    async def _still_true(self, known: Blocks, tip: Tip) -> Blocks:
        """The remembered blocks that the chain still has. Refuses (NodeUnavailable) when it has none of them."""
        if not known:
            return []
        newest, newest_hash = known[-1]
        if newest <= tip.height:
            header = await self._rpc.call("eth_getBlockByNumber", hex(newest), False)
            if header is not None and header["hash"] == newest_hash:
                return known
        elif (tip.height, tip.hash) in known:
            # No reorg: the same chain, shorter. What it does not know yet proves nothing.
            raise NodeUnavailable(f"the node is at block {tip.height}, and it showed us {newest} before")
        calls = [("eth_getBlockByNumber", (hex(number), False)) for number, _ in known]
        headers = _answers(await self._rpc.batch(calls))
        present = {n: header["hash"] if header else None for (n, _), header in zip(known, headers, strict=True)}
        common = parse.last_common(known, present)
        if common is None:
            raise NodeUnavailable(f"the node's chain has none of the blocks we read up to {newest}: another chain?")
        return [pair for pair in known if pair[0] <= common]

    async def _blocks(self, first: int, tip: int) -> list[Any]:
        """As many as the node gives at a time. Raises NodeUnavailable when it does not even give one."""
        while True:
            last = min(tip, first + self._pace.blocks - 1)
            calls = [("eth_getBlockByNumber", (hex(number), True)) for number in range(first, last + 1)]
            try:
                answers = _answers(await self._rpc.batch(calls, timeout=60.0)) if calls else []
            except NodeUnavailable:
                # Too large an answer, too long a question: providers say it in words of their own, or not at all.
                if last <= first:
                    raise
                await self._rpc.call("eth_blockNumber")  # one that is away altogether is not asked six times
                self._pace.slower()
                continue
            if len(calls) == self._pace.blocks:
                self._pace.faster()
            return list(takewhile(lambda block: block is not None, answers))

    async def _read(self, block: Mapping[str, Any], tip: Tip) -> bool:
        """Collect what this very block pays us; False when the node no longer has it."""
        found = parse.ether_candidates(block, self._watched)
        logs = await self._logs(block)
        if logs is None:
            return False
        found = list(dict.fromkeys([*found, *parse.token_candidates(logs, self._watched)]))
        by_hash = {transaction["hash"]: transaction for transaction in block["transactions"]}
        receipts = await self._receipts(block, found)
        if any(receipt is None or receipt["blockHash"] != block["hash"] for receipt in receipts):
            return False
        for receipt in receipts:
            transaction = by_hash[receipt["transactionHash"]]
            self._take(transaction, receipt, tip)
            self._flows += parse.receipt_flows(transaction, receipt, self._watched, self._house)
        return True

    async def _logs(self, block: Mapping[str, Any]) -> list[Any] | None:
        """Transfers in this very block; None when the node no longer has it, which it says in words that differ by client.

        A block with more of them than the node gives is asked for our tokens alone: then unknown ones stay unseen.
        """
        wanted = {"blockHash": block["hash"], "topics": [build.TRANSFER_TOPIC]}
        try:
            # Of every contract: a token that we do not know is shown to its owner, and filtering costs the node more.
            logs: list[Any] = await self._rpc.call("eth_getLogs", wanted, timeout=60.0)
        except (RpcError, NodeUnavailable) as error:
            there = await self._rpc.call("eth_getBlockByNumber", block["number"], False)
            if there is None or there["hash"] != block["hash"]:
                return None
            log.warning("logs_of_our_tokens_alone", block=parse.quantity(block["number"]), reason=str(error)[:200])
            ours = {**wanted, "address": sorted(self._contracts)}
            return list(await self._rpc.call("eth_getLogs", ours, timeout=60.0)) if self._contracts else []
        if not logs and parse.may_have(block["logsBloom"], build.TRANSFER_TOPIC):
            await self._really_none(block)
        return logs

    async def _really_none(self, block: Mapping[str, Any]) -> None:
        """An empty answer about a block whose header speaks of logs: refuses (NodeUnavailable) one that hides them."""
        try:
            every = await self._rpc.call("eth_getLogs", {"blockHash": block["hash"]})
        except RpcError as error:
            raise NodeUnavailable(str(error)) from error
        if not every:
            raise NodeUnavailable(f"the node has no logs for block {parse.quantity(block['number'])}, which has some")

    async def _receipts(self, block: Mapping[str, Any], txids: Sequence[str]) -> list[Any]:
        """Their receipts; the whole block's in one answer where they are many and the node can."""
        if len(txids) > MANY:
            try:
                every = await self._rpc.call("eth_getBlockReceipts", block["hash"], timeout=60.0)
            except RpcError:
                every = None
            if every is not None:
                by_hash = {receipt["transactionHash"]: receipt for receipt in every}
                return [by_hash.get(txid) for txid in txids]
        return _answers(await self._rpc.batch([("eth_getTransactionReceipt", (txid,)) for txid in txids]))

    def _take(self, transaction: Mapping[str, Any], receipt: Mapping[str, Any], tip: Tip) -> bool:
        arrivals = parse.receipt_arrivals(
            transaction, receipt, self._watched, self._contracts, tip.height, self._native, self._house
        )
        self._seen.update({(arrival.txid, arrival.index): arrival for arrival in arrivals})
        return bool(arrivals)

    async def _pending(self, tip: Tip) -> None:
        """Payments on their way, where the node shows its pending block; many providers do not, and that is fine."""
        try:
            block = await self._rpc.call("eth_getBlockByNumber", "pending", True)
        except RpcError:
            return
        if block is None or parse.quantity(block.get("number") or "0x0") <= tip.height:
            return
        for arrival in self._promised(block["transactions"]):
            self._seen.setdefault((arrival.txid, arrival.index), arrival)

    def _promised(self, transactions: Sequence[Any]) -> list[Arrival]:
        return parse.pending_arrivals(transactions, self._watched, self._contracts, self._native, self._house)

    async def _open(self, txids: Sequence[str], tip: Tip) -> tuple[str, ...]:
        """Add the present state of each open transaction; answer those that pay us nothing any more."""
        unread = sorted(set(txids) - {txid for txid, _ in self._seen})
        gone = []
        for txid, transaction, receipt in await self._by_name(unread, tip):
            if transaction is None:
                gone.append(txid)
            elif receipt is None:
                for arrival in self._promised([transaction]):
                    self._seen[arrival.txid, arrival.index] = arrival
            elif not self._take(transaction, receipt, tip):
                gone.append(txid)
        return tuple(gone)

    async def _by_name(self, txids: Sequence[str], tip: Tip) -> list[tuple[str, Any, Any]]:
        """Each with its transaction and receipt. Refuses (NodeUnavailable) the answers of a node that is behind the tip.

        One of several behind one address may be late: what it has not heard of is not gone.
        """
        found: list[tuple[str, Any, Any]] = []
        many = (BATCH - 1) // 2
        for start in range(0, len(txids), many):
            some = txids[start : start + many]
            calls: list[tuple[str, Sequence[Any]]] = [("eth_blockNumber", ())]
            calls += [("eth_getTransactionByHash", (txid,)) for txid in some]
            calls += [("eth_getTransactionReceipt", (txid,)) for txid in some]
            number, *answers = _answers(await self._rpc.batch(calls))
            if parse.quantity(number) < tip.height:
                raise NodeUnavailable(f"the node is at block {parse.quantity(number)}, and was at {tip.height} before")
            found += zip(some, answers[: len(some)], answers[len(some) :], strict=True)
        return found


def _answers(results: Sequence[Any]) -> list[Any]:
    """Refuses (NodeUnavailable) a batch in which the node refused a plain read."""
    for result in results:
        if isinstance(result, RpcError):
            raise NodeUnavailable(str(result))
    return list(results)
