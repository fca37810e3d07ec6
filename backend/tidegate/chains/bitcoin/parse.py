"""What the Bitcoin node says, turned into our words with exact integers. Pure."""

import re
from collections.abc import Container, Iterable, Mapping
from decimal import Decimal
from typing import Any

from tidegate.chains.families import Coin
from tidegate.chains.port import Arrival, Fate, FeeRates, NodeUnavailable, Sighting

_SAT = Decimal(100_000_000)


def sat(value: Any) -> int:
    """Satoshi of the node's amount. Refuses (NodeUnavailable) floats and parts of a satoshi: then we misread it."""
    if type(value) is not Decimal and type(value) is not int:
        raise NodeUnavailable("the node's amount is not a decimal number")
    units = Decimal(value) * _SAT
    if units != units.to_integral_value():
        raise NodeUnavailable("the node's amount is finer than a satoshi")
    return int(units)


MATURITY = 101
"""Confirmations from which the network lets a miner's reward be spent."""
_REWARDS = {"generate", "immature"}


def _arrival(entry: Mapping[str, Any], transaction: Mapping[str, Any], *, reward: bool) -> Arrival:
    return Arrival(
        asset="BTC",
        address=entry["address"],
        units=sat(entry["amount"]),
        txid=transaction["txid"],
        index=entry["vout"],
        block_hash=transaction.get("blockhash"),
        block_height=transaction.get("blockheight"),
        confirmations=transaction["confirmations"],
        matures=MATURITY if reward else 0,
    )


def listed_arrivals(answer: Mapping[str, Any], watched: Container[str]) -> list[Arrival]:
    """Payments to watched addresses in an answer of `listsinceblock`, a miner's reward among them."""
    return [
        _arrival(entry, entry, reward=entry["category"] in _REWARDS)
        for entry in answer["transactions"]
        if (entry.get("category") == "receive" or entry.get("category") in _REWARDS) and entry.get("address") in watched
    ]


def removed_txids(answer: Mapping[str, Any]) -> set[str]:
    """Transactions that `listsinceblock` saw leave the chain since the cursor; where they are now is to be asked."""
    return {entry["txid"] for entry in answer.get("removed", [])}


def spending(answer: Mapping[str, Any], since: int) -> list[str]:
    """Transactions in an answer of `listsinceblock` that spend the wallet's coins and may be, or are, in a block.

    `since`: Unix seconds; what the wallet saw earlier is not ours to judge.
    """
    found = [
        entry["txid"]
        for entry in answer["transactions"]
        if entry["category"] == "send"
        and entry["confirmations"] >= 0
        and not entry.get("abandoned")
        and entry["time"] >= since
    ]
    return list(dict.fromkeys(found))


def transaction_arrivals(transaction: Mapping[str, Any], watched: Container[str]) -> list[Arrival]:
    """Payments to watched addresses in a verbose `gettransaction`; confirmations may be negative.

    Read from the outputs: the answer's own `details` are empty once the transaction can no longer confirm.
    """
    decoded = transaction["decoded"]
    reward = any("coinbase" in spent for spent in decoded["vin"])
    outputs = [(output, output["scriptPubKey"].get("address")) for output in decoded["vout"]]
    return [
        _arrival({"address": address, "amount": output["value"], "vout": output["n"]}, transaction, reward=reward)
        for output, address in outputs
        if address in watched
    ]


def sighting(transaction: Mapping[str, Any], in_mempool: bool) -> Sighting:
    """Where our own transaction stands, from a verbose `gettransaction`."""
    confirmations = transaction["confirmations"]
    if confirmations < 0:
        fate = Fate.CONFLICTED
    elif confirmations > 0:
        fate = Fate.MINED
    else:
        fate = Fate.MEMPOOL if in_mempool else Fate.UNSEEN
    paid: dict[str, int] = {}
    for output in transaction["decoded"]["vout"]:
        address = output["scriptPubKey"].get("address")
        if address is not None:
            paid[address] = paid.get(address, 0) + sat(output["value"])
    return Sighting(
        fate=fate,
        confirmations=confirmations,
        block_hash=transaction.get("blockhash"),
        block_height=transaction.get("blockheight"),
        fee_units=-sat(transaction["fee"]) if "fee" in transaction else None,
        paid=paid,
    )


_ORIGIN = re.compile(r"\[[0-9a-f]{8}/84['h]/[01]['h]/0['h]/1/[0-9]+\]")


def is_change(descriptor: str) -> bool:
    """Whether a coin's descriptor, with its origin, lies on the internal chain of a BIP84 account."""
    return _ORIGIN.search(descriptor) is not None


def coins(listed: Iterable[Mapping[str, Any]]) -> list[Coin]:
    """Spendable coins from `listunspent`: safe ones of known keys (`safe`: confirmed, or our own change)."""
    return [
        Coin(
            txid=entry["txid"],
            vout=entry["vout"],
            units=sat(entry["amount"]),
            address=entry["address"],
            confirmations=entry["confirmations"],
            change=is_change(entry.get("desc", "")),
            ancestors=entry.get("ancestorcount", 0),
        )
        for entry in listed
        if entry.get("safe", False) and entry.get("solvable", False) and "address" in entry
    ]


def sat_per_vbyte(btc_per_kvbyte: Any) -> int:
    """The node's fee rate (BTC per 1,000 vB), rounded up: one satoshi too little may not be relayed."""
    return -(-sat(btc_per_kvbyte) // 1000)


def fee_rates(estimates: Mapping[str, Any], mempool: Mapping[str, Any], *, floor: int, ceiling: int) -> FeeRates:
    """Rates by speed from `estimatesmartfee` answers by speed, within the bounds.

    A node without an estimate (new, or a test chain) says so in `errors`: then multiples of the floor stand in, so
    that faster still means dearer.
    """
    lowest = max(floor, sat_per_vbyte(mempool["mempoolminfee"]), sat_per_vbyte(mempool["minrelaytxfee"]), 1)
    rates: list[int] = []
    for speed, factor in (("economy", 1), ("standard", 2), ("fast", 4)):
        answer = estimates.get(speed)
        known = isinstance(answer, Mapping) and "feerate" in answer and not answer.get("errors")
        rate = sat_per_vbyte(answer["feerate"]) if known and answer is not None else lowest * factor
        faster_than = rates[-1] if rates else lowest
        rates.append(min(max(rate, faster_than), ceiling))
    return FeeRates(*rates)
