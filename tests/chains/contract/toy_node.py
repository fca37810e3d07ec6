"""The node of the worked example: accounts, blocks and a mempool in memory, behind JSON-RPC."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from tests.chains.faulty import Reply, refuses, says
from tidegate.chains.evm.build import checksummed, hash_of

CHAIN_ID = 7_007
PRICE = 10**9
GAS = 21_000


@dataclass
class Block:
    hash: str
    parent: str
    payments: list[dict[str, Any]] = field(default_factory=list)


class ToyNode:
    """`answer` is its JSON-RPC; the rest is what a test does to the chain."""

    def __init__(self, rich: dict[str, int]) -> None:
        self.genesis = dict(rich)
        self.blocks = [Block("genesis", "")]
        self.waiting: dict[str, dict[str, Any]] = {}
        self.away = False
        self.drop_next = False
        self.made = 0

    # --- the chain

    def mine(self, *, empty: bool = False) -> None:
        self.made += 1
        parent = self.blocks[-1].hash
        block = Block(hashlib.sha256(f"{parent}/{self.made}".encode()).hexdigest(), parent)
        if not empty:
            for one in sorted(self.waiting.values(), key=lambda one: int(one["nonce"])):
                block.payments.append({**one, "height": len(self.blocks), "block": block.hash})
            self.waiting.clear()
        self.blocks.append(block)

    def reorg(self, depth: int) -> None:
        del self.blocks[-depth:]
        for _ in range(depth + 1):
            self.mine(empty=True)

    def mined(self) -> list[dict[str, Any]]:
        return [one for block in self.blocks for one in block.payments]

    def account(self, address: str) -> dict[str, int]:
        sent = [one for one in self.mined() if one["from"] == address]
        got = sum(one["units"] for one in self.mined() if one["to"] == address)
        spent = sum(one["units"] + one["fee"] for one in sent)
        return {"units": self.genesis.get(address, 0) + got - spent, "nonce": len(sent)}

    def find(self, txid: str) -> dict[str, Any] | None:
        return self.waiting.get(txid) or next((one for one in self.mined() if one["txid"] == txid), None)

    def send(self, raw: bytes) -> str:
        """Refuses (ValueError) what is not one more payment of its sender."""
        txid = hash_of(raw)
        if self.find(txid):
            raise ValueError("already known")
        sender = Account.recover_transaction(HexBytes(raw))
        told = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        queued = sum(1 for one in self.waiting.values() if one["from"] == sender)
        if told["chainId"] != CHAIN_ID or told["nonce"] != self.account(sender)["nonce"] + queued:
            raise ValueError("nonce or chain")
        to, units = checksummed(told["to"].hex() if isinstance(told["to"], bytes) else told["to"]), told["value"]
        if self.account(sender)["units"] < units + GAS * PRICE:
            raise ValueError("funds")
        place = {"height": None, "block": None, "fee": GAS * PRICE, "nonce": told["nonce"]}
        self.waiting[txid] = {"txid": txid, "from": sender, "to": to, "units": units, **place}
        return txid

    # --- its door

    def answer(self, request: dict[str, Any]) -> Reply:
        if self.away:
            return 503, b"away"
        method, params = request["method"], request["params"]
        if method == "toy_send":
            try:
                txid = self.send(bytes.fromhex(params[0]))
            except Exception as error:  # noqa: BLE001  whatever it is, the node says no
                return refuses(-32000, str(error))(request)
            if self.drop_next:
                self.drop_next = False
                return None
            return says(txid)(request)
        return says(self._read(method, params))(request)

    def _read(self, method: str, params: list[Any]) -> Any:
        if method == "toy_status":
            return {"chain_id": CHAIN_ID, "height": len(self.blocks) - 1, "hash": self.blocks[-1].hash}
        if method == "toy_block":
            block = self.blocks[params[0]] if params[0] < len(self.blocks) else None
            return block and {"hash": block.hash, "parent": block.parent, "payments": block.payments}
        if method == "toy_find":
            return self.find(params[0])
        return PRICE if method == "toy_price" else self.account(params[0])
