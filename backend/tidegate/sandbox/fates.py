"""Recipients with a scripted fate (scenarios.py), seen from the miner's side."""

import time
from typing import Any

from tidegate.sandbox.nodes import BitcoinNode, EvmNode
from tidegate.sandbox.rpc import RpcRefused
from tidegate.sandbox.scenarios import REORGED_BITCOIN, REORGED_EVM, STUCK_BITCOIN, STUCK_SECONDS

_TRANSFER = "0xa9059cbb"
# Far more than any fee: a block template leaves out what it would be paid less than nothing for.
_PENALTY_SATS = 100_000_000


class BitcoinFates:
    """Payments to STUCK are left out of blocks for a while; the first block with one to REORGED is replaced."""

    def __init__(self, node: BitcoinNode) -> None:
        self._node = node
        self._looked_at: set[str] = set()
        self._stuck: dict[str, float] = {}
        self._reorged: set[str] = set()
        self._began = False

    async def before_block(self) -> None:
        """Look at what waits, and hold back or let go."""
        rpc = self._node.rpc
        if not self._began:
            # A supervisor before us may have been killed while it held something back.
            for txid, held in (await rpc.call("getprioritisedtransactions")).items():
                await rpc.call("prioritisetransaction", txid, 0, -int(held["fee_delta"]))
            self._began = True
        waiting = set(await rpc.call("getrawmempool"))
        for txid in waiting - self._looked_at:
            if STUCK_BITCOIN in await self._recipients(txid):
                await rpc.call("prioritisetransaction", txid, 0, -_PENALTY_SATS)
                self._stuck[txid] = time.monotonic() + STUCK_SECONDS
        self._looked_at = waiting
        for txid in [txid for txid, until in self._stuck.items() if time.monotonic() > until]:
            await rpc.call("prioritisetransaction", txid, 0, _PENALTY_SATS)
            del self._stuck[txid]

    async def _recipients(self, txid: str) -> set[str]:
        try:
            return _addresses(await self._node.rpc.call("getrawtransaction", txid, True))
        except RpcRefused:  # mined or replaced meanwhile
            return set()

    async def depth_to_undo(self) -> int:
        """1 when the last block holds the first payment of a transaction to REORGED; else 0."""
        tip = await self._node.rpc.call("getblock", await self._node.rpc.call("getbestblockhash"), 2)
        found = {entry["txid"] for entry in tip["tx"] if REORGED_BITCOIN in _addresses(entry)} - self._reorged
        self._reorged |= found
        return 1 if found else 0


def _addresses(transaction: dict[str, Any]) -> set[str]:
    return {output["scriptPubKey"].get("address", "") for output in transaction["vout"]}


class EvmFates:
    """The first block with a payment to REORGED, in ether or a token, is replaced."""

    def __init__(self, node: EvmNode) -> None:
        self._node = node
        self._reorged: set[str] = set()

    async def before_block(self) -> None:
        """Nothing is held back here."""

    async def depth_to_undo(self) -> int:
        tip = await self._node.rpc.call("eth_getBlockByNumber", "latest", True)
        found = {entry["hash"] for entry in tip["transactions"] if _recipient(entry) == REORGED_EVM} - self._reorged
        self._reorged |= found
        return 1 if found else 0


def _recipient(transaction: dict[str, Any]) -> str:
    data: str = transaction.get("input") or ""
    if data.startswith(_TRANSFER):
        return f"0x{data[34:74]}"
    return (transaction.get("to") or "").lower()
