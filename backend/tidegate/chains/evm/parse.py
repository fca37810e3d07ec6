"""What an EVM node says, turned into our words. Pure. Quantities come as hex; numbers are exact integers."""

import json
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from tidegate.chains.evm.build import TRANSFER_SELECTOR, TRANSFER_TOPIC, checksummed, unpadded
from tidegate.chains.port import Arrival, Fate, Flow, NodeUnavailable, Sighting
from tidegate.money import UNKNOWN_TOKEN

NATIVE_INDEX = -1
"""`Arrival.index` of a plain ether transfer, which has no log."""

_TRANSFER_PREFIX = "0x" + TRANSFER_SELECTOR.hex() + "0" * 24
_TRANSFER_LENGTH = 2 + 8 + 64 + 64
_WORD_LENGTH = 2 + 64
MOST_UNITS = 10**60
"""What the books can hold of anything."""

Blocks = list[tuple[int, str]]


def quantity(value: Any) -> int:
    """Refuses (NodeUnavailable) what is no hex quantity."""
    if type(value) is not str or not value.startswith("0x"):
        raise NodeUnavailable("the node's number is not a hex quantity")
    return int(value, 16) if value != "0x" else 0


def read_cursor(cursor: str | None) -> Blocks:
    """The blocks that a cursor remembers, oldest first; none for a first scan."""
    if cursor is None:
        return []
    raw = json.loads(cursor)
    if raw.get("v") != 1:
        raise NodeUnavailable("the scan's cursor is of another version")
    return [(number, block_hash) for number, block_hash in raw["blocks"]]


def write_cursor(blocks: Blocks) -> str:
    return json.dumps({"v": 1, "blocks": blocks}, separators=(",", ":"))


def ether_candidates(block: Mapping[str, Any], watched: Container[str]) -> list[str]:
    """Hashes of transactions in a full block that a watched account sends, or that send it ether; receipts decide."""
    return [
        transaction["hash"]
        for transaction in block["transactions"]
        if (transaction.get("to") and quantity(transaction["value"]) > 0 and checksummed(transaction["to"]) in watched)
        or checksummed(transaction["from"]) in watched
    ]


def may_have(bloom: str, topic: str) -> bool:
    """Whether a block whose header has this `logsBloom` may have a log with this topic; False is certain."""
    bits, digest = int(bloom, 16), keccak(hexstr=topic)
    return all(bits >> (int.from_bytes(digest[place : place + 2]) & 2047) & 1 for place in (0, 2, 4))


def token_candidates(logs: Iterable[Mapping[str, Any]], watched: Container[str]) -> list[str]:
    """Hashes of transactions whose Transfer logs name a watched recipient; their receipts decide."""
    found = {
        log["transactionHash"]: None for log in logs if _is_transfer(log) and unpadded(log["topics"][2]) in watched
    }
    return list(found)


def _is_transfer(log: Mapping[str, Any]) -> bool:
    """Of a fungible token, by its shape alone: any contract may write this."""
    return (
        len(log["topics"]) == 3
        and log["topics"][0] == TRANSFER_TOPIC
        and len(log["data"]) == _WORD_LENGTH
        and not log.get("removed", False)
    )


@dataclass(frozen=True, slots=True)
class Transfer:
    """One Transfer log; `place` is its place in the transaction, `asset` None when the contract is not on our list."""

    place: int
    contract: str
    asset: str | None
    sender: str
    recipient: str
    units: int


def _transfers(receipt: Mapping[str, Any], contracts: Mapping[str, str]) -> list[Transfer]:
    found = []
    for place, log in enumerate(receipt["logs"]):
        if _is_transfer(log):
            contract = checksummed(log["address"])
            sender, recipient = unpadded(log["topics"][1]), unpadded(log["topics"][2])
            units = quantity(log["data"])
            found.append(Transfer(place, contract, contracts.get(contract), sender, recipient, units))
    return found


def receipt_arrivals(
    transaction: Mapping[str, Any],
    receipt: Mapping[str, Any],
    watched: Container[str],
    contracts: Mapping[str, str],
    tip: int,
    native: str,
    house: Collection[str] = (),
) -> list[Arrival]:
    """What a mined transaction pays to watched accounts. `contracts` maps a token's address to its asset; `house` are
    our own paying accounts: what they send to a deposit address is gas, and nobody's deposit.

    A reverted transaction pays nothing; an amount of zero is address poisoning, not a payment; a token's amount is
    the log's, never the calldata's. More units than money can have are a joke of an unknown token.
    """
    if quantity(receipt["status"]) != 1:
        return []
    height = quantity(receipt["blockNumber"])
    paid: list[tuple[int, str, str, int, str | None]] = [
        (t.place, t.asset or UNKNOWN_TOKEN, t.recipient, t.units, None if t.asset else t.contract)
        for t in _transfers(receipt, contracts)
        if t.recipient in watched and 0 < t.units < MOST_UNITS and t.sender not in house
    ]
    to, value = transaction.get("to"), quantity(transaction["value"])
    if to and value > 0 and checksummed(to) in watched and checksummed(transaction["from"]) not in house:
        paid.append((NATIVE_INDEX, native, checksummed(to), value, None))
    return [
        Arrival(
            asset=asset,
            address=recipient,
            units=units,
            txid=receipt["transactionHash"],
            index=place,
            block_hash=receipt["blockHash"],
            block_height=height,
            confirmations=max(tip - height + 1, 1),
            contract=contract,
        )
        for place, asset, recipient, units, contract in paid
    ]


def receipt_flows(
    transaction: Mapping[str, Any], receipt: Mapping[str, Any], watched: Container[str], house: Collection[str]
) -> list[Flow]:
    """What else this mined transaction does to the ether of watched accounts."""
    txid, height = receipt["transactionHash"], quantity(receipt["blockNumber"])
    sender, to = checksummed(transaction["from"]), transaction.get("to")
    value = quantity(transaction["value"]) if quantity(receipt["status"]) == 1 else 0
    moved: dict[str, int] = {}
    if sender in house and to and checksummed(to) in watched:
        moved[checksummed(to)] = value
    if sender in watched:
        gas = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
        moved[sender] = moved.get(sender, 0) - value - gas
    return [Flow(txid, address, units, height) for address, units in moved.items() if units]


def pending_arrivals(
    transactions: Iterable[Mapping[str, Any]],
    watched: Container[str],
    contracts: Mapping[str, str],
    native: str,
    house: Collection[str] = (),
) -> list[Arrival]:
    """What waits for a block to pay watched accounts, 0 confirmations: plain ether, and `transfer` of a known token.

    A token's amount is here what the sender asks for; the log of the mined transaction has the last word.
    """
    found = []
    for transaction in transactions:
        promised = _promised(transaction, contracts, native)
        if promised is None or checksummed(transaction["from"]) in house:
            continue
        if promised[1] in watched and 0 < promised[2] < MOST_UNITS:
            asset, address, units = promised
            index = NATIVE_INDEX if asset == native else 0  # a plain `transfer` has one log
            found.append(Arrival(asset, address, units, transaction["hash"], index, None, None, 0))
    return found


def _promised(transaction: Mapping[str, Any], contracts: Mapping[str, str], native: str) -> tuple[str, str, int] | None:
    """(asset, recipient, units) of a transaction that is a plain payment by its fields."""
    if not transaction.get("to"):
        return None
    to, data = checksummed(transaction["to"]), transaction.get("input", "0x")
    if data == "0x":
        return native, to, quantity(transaction["value"])
    if to in contracts and len(data) == _TRANSFER_LENGTH and data.startswith(_TRANSFER_PREFIX):
        return contracts[to], unpadded(data[10:74]), int(data[74:], 16)
    return None


def sighting(
    transaction: Mapping[str, Any] | None,
    receipt: Mapping[str, Any] | None,
    tip: int,
    contract: str | None,
) -> Sighting:
    """Where our own transaction stands. `contract` is the token paid, None for ether."""
    if receipt is None or transaction is None:
        return Sighting(Fate.UNSEEN if transaction is None else Fate.MEMPOOL)
    height = quantity(receipt["blockNumber"])
    succeeded = quantity(receipt["status"]) == 1
    paid: dict[str, int] = {}
    if succeeded and contract is None and transaction.get("to"):
        paid[checksummed(transaction["to"])] = quantity(transaction["value"])
    elif succeeded and contract is not None:
        for transfer in _transfers(receipt, {contract: "token"}):
            if transfer.asset is not None:
                paid[transfer.recipient] = paid.get(transfer.recipient, 0) + transfer.units
    return Sighting(
        fate=Fate.MINED if succeeded else Fate.REVERTED,
        confirmations=max(tip - height + 1, 1),
        block_hash=receipt["blockHash"],
        block_height=height,
        fee_units=quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"]),
        paid=paid,
    )


def last_common(known: Sequence[tuple[int, str]], present: Mapping[int, str | None]) -> int | None:
    """The highest known number whose hash the chain still has, by `present` (number → hash now); None when none."""
    for number, block_hash in reversed(known):
        if present.get(number) == block_hash:
            return number
    return None
