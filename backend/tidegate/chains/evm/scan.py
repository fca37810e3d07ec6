"""Reading deposits off the chain: by number, verified by hash, walking back when the chain changed its mind.

No filters: after a reorg they deliver dead logs as living ones (chains.md 3.4).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tidegate.chains.evm import build, parse
from tidegate.chains.evm.parse import Blocks
from tidegate.chains.port import Arrival, Arrivals, NodeUnavailable, Tip
from tidegate.chains.rpc import Rpc, RpcError

MAX_BLOCKS = 50
"""Read in one call; a scan that is behind comes back for more."""
DEPTH = 256
"""Blocks that a reorg may take away before a person must look; also how far a first scan looks back."""


class Scan:
    """One call of `arrivals`: what it has learned so far."""

    def __init__(self, rpc: Rpc, watched: Collection[str], contracts: Mapping[str, str], native: str) -> None:
        self._rpc = rpc
        self._watched = frozenset(watched)
        self._contracts = contracts
        self._native = native
        self._seen: dict[tuple[str, int], Arrival] = {}

    async def run(self, cursor: str | None, open_txids: Sequence[str], tip: Tip) -> Arrivals:
        """Read on from the cursor up to the tip, then look at each open transaction by name."""
        known = await self._still_true(parse.read_cursor(cursor), tip)
        first = known[-1][0] + 1 if known else max(0, tip.height - DEPTH)
        last = min(tip.height, first + MAX_BLOCKS - 1)
        for block in await self._blocks(first, last):
            number, block_hash = parse.quantity(block["number"]), block["hash"]
            follows = not known or block["parentHash"] == known[-1][1]
            if not follows or not await self._read(block, tip):
                break  # the chain changed under our eyes: the next call walks back
            known.append((number, block_hash))
        if known and known[-1][0] == tip.height:
            await self._pending(tip)
        gone = await self._open(open_txids, tip)
        return Arrivals(tuple(self._seen.values()), parse.write_cursor(build.keep_blocks(known, DEPTH)), gone)

    async def _still_true(self, known: Blocks, tip: Tip) -> Blocks:
        """The remembered blocks that the chain still has. Refuses (NodeUnavailable) when it has none of them."""
        if not known:
            return []
        newest, newest_hash = known[-1]
        if newest <= tip.height:
            header = await self._rpc.call("eth_getBlockByNumber", hex(newest), False)
            if header is not None and header["hash"] == newest_hash:
                return known
        calls = [("eth_getBlockByNumber", (hex(number), False)) for number, _ in known]
        headers = _answers(await self._rpc.batch(calls))
        present = {n: header["hash"] if header else None for (n, _), header in zip(known, headers, strict=True)}
        common = parse.last_common(known, present)
        if common is None:
            raise NodeUnavailable(f"the node's chain has none of the blocks we read up to {newest}: another chain?")
        return [pair for pair in known if pair[0] <= common]

    async def _blocks(self, first: int, last: int) -> list[Any]:
        calls = [("eth_getBlockByNumber", (hex(number), True)) for number in range(first, last + 1)]
        blocks = []
        for block in _answers(await self._rpc.batch(calls, timeout=60.0)) if calls else []:
            if block is None:
                break
            blocks.append(block)
        return blocks

    async def _read(self, block: Mapping[str, Any], tip: Tip) -> bool:
        """Collect what this very block pays us; False when the node no longer has it."""
        found = parse.ether_candidates(block, self._watched)
        if self._contracts:
            query = {
                "blockHash": block["hash"],
                "address": list(self._contracts),
                "topics": [build.TRANSFER_TOPIC],
            }
            try:
                logs = await self._rpc.call("eth_getLogs", query)
            except RpcError:
                return False  # the node answers a dead hash with an error, in words that differ by client
            found += [txid for txid in parse.token_candidates(logs, self._watched) if txid not in found]
        by_hash = {transaction["hash"]: transaction for transaction in block["transactions"]}
        receipts = _answers(await self._rpc.batch([("eth_getTransactionReceipt", (txid,)) for txid in found]))
        if any(receipt is None or receipt["blockHash"] != block["hash"] for receipt in receipts):
            return False
        for receipt in receipts:
            self._take(by_hash[receipt["transactionHash"]], receipt, tip)
        return True

    def _take(self, transaction: Mapping[str, Any], receipt: Mapping[str, Any], tip: Tip) -> bool:
        arrivals = parse.receipt_arrivals(
            transaction, receipt, self._watched, self._contracts, tip.height, self._native
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
        for arrival in parse.pending_arrivals(block["transactions"], self._watched, self._contracts, self._native):
            self._seen.setdefault((arrival.txid, arrival.index), arrival)

    async def _open(self, txids: Sequence[str], tip: Tip) -> tuple[str, ...]:
        """Add the present state of each open transaction; answer those that pay us nothing any more."""
        unread = sorted(set(txids) - {txid for txid, _ in self._seen})
        transactions = _answers(await self._rpc.batch([("eth_getTransactionByHash", (txid,)) for txid in unread]))
        receipts = _answers(await self._rpc.batch([("eth_getTransactionReceipt", (txid,)) for txid in unread]))
        gone = []
        for txid, transaction, receipt in zip(unread, transactions, receipts, strict=True):
            if transaction is None:
                gone.append(txid)
            elif receipt is None:
                for arrival in parse.pending_arrivals([transaction], self._watched, self._contracts, self._native):
                    self._seen[arrival.txid, arrival.index] = arrival
            elif not self._take(transaction, receipt, tip):
                gone.append(txid)
        return tuple(gone)


def _answers(results: Sequence[Any]) -> list[Any]:
    """Refuses (NodeUnavailable) a batch in which the node refused a plain read."""
    for result in results:
        if isinstance(result, RpcError):
            raise NodeUnavailable(str(result))
    return list(results)
