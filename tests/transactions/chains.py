"""Chains in memory behind the real drivers' types: a mempool, blocks, and every fault a node can have at will.

Only the node is stood in for. Address rules, derivation and the port's meanings are the real drivers' own.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import (
    Coin,
    Funded,
    GasFees,
    GasPrice,
    GasTerms,
    NotEnough,
    OutPoint,
    Outpoint,
    WouldRevert,
)
from tidegate.chains.port import (
    Fate,
    FeeRates,
    Health,
    NodeUnavailable,
    Occupant,
    Sighting,
    SubmitOutcome,
    Submitted,
    Tip,
)

GAS_PRICE = 10**9


def raw_of(fields: dict[str, Any]) -> bytes:
    """Signed bytes as these chains read them: the same fields are always the same bytes."""
    return json.dumps(fields, sort_keys=True).encode()


def txid_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@dataclass
class Block:
    height: int
    hash: str
    txids: list[str] = field(default_factory=list)


@dataclass
class Node:
    """What one node knows and how it misbehaves. `submissions` are all bytes it was ever handed, in order."""

    down: bool = False
    answers_lost: int = 0
    """So many of the next submissions are taken in, and their answer is lost."""
    refusal: str | None = None
    submissions: list[bytes] = field(default_factory=list)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    mempool: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=lambda: [Block(0, "genesis")])
    reverting: set[str] = field(default_factory=set)
    """Addresses whose payments end with status 0 (EVM)."""
    turning_down: set[str] = field(default_factory=set)
    """Contracts that take no ether, as a dry run shows (EVM)."""
    change: set[str] = field(default_factory=set)
    """Addresses of our own that nobody wrote down (Bitcoin)."""
    paid: list[tuple[str, str, int]] = field(default_factory=list)
    """(asset, address, units) of everything that arrived on the chain as it stands."""
    branch: int = 0

    def up(self) -> None:
        if self.down:
            raise NodeUnavailable("the node is down")

    @property
    def height(self) -> int:
        return self.blocks[-1].height

    def block_of(self, txid: str) -> Block | None:
        return next((block for block in self.blocks if txid in block.txids), None)

    def mine(self, txids: Sequence[str] = ()) -> None:
        height = self.height + 1
        self.blocks.append(Block(height, f"block-{height}-{self.branch}", list(txids)))
        self.mempool = [txid for txid in self.mempool if txid not in txids]

    def take(self, raw: bytes) -> SubmitOutcome | None:
        """The faults of a submission; None when it is to be judged as usual."""
        self.up()
        self.submissions.append(raw)
        if self.refusal is not None:
            return SubmitOutcome(Submitted.REFUSED, self.refusal)
        return None

    def told(self, outcome: SubmitOutcome) -> SubmitOutcome:
        if self.answers_lost > 0:
            self.answers_lost -= 1
            return SubmitOutcome(Submitted.UNKNOWN, "the answer was lost")
        return outcome

    def forget(self) -> None:
        """Everything that waits is dropped from the mempool."""
        for txid in self.mempool:
            del self.known[txid]
        self.mempool = []

    def sighting(self, txid: str, fee_units: int) -> Sighting:
        self.up()
        tx, block = self.known.get(txid), self.block_of(txid)
        if tx is None:
            return Sighting(Fate.UNSEEN)
        if block is None:
            return Sighting(Fate.MEMPOOL, fee_units=fee_units)
        deep = self.height - block.height + 1
        if tx.get("reverted"):
            return Sighting(Fate.REVERTED, deep, block.hash, block.height, fee_units)
        paid = dict(tx["outputs"]) if "outputs" in tx else {tx["address"]: tx["units"]}
        return Sighting(Fate.MINED, deep, block.hash, block.height, fee_units, paid)


class MemoryEvm(EvmChain):
    """`hot` and `deposited` are what the chain says those accounts hold, by asset."""

    def __init__(self, driver: EvmChain) -> None:
        self.__dict__.update(driver.__dict__)
        self.node = Node()
        self.hot = {"ETH": 0, "USDT": 0, "USDC": 0}
        self.deposited = {"ETH": 0, "USDT": 0, "USDC": 0}
        self.nonce = 0
        self.gas = 60_000
        self.costs = GAS_PRICE
        """Wei per gas that the next block takes."""
        self.price = GAS_PRICE
        """Wei per gas that a transaction has to offer to be mined, and what is asked for new ones."""
        self.used_deep = 0
        """The nonce below which no reorg reaches."""

    async def occupant(self, address: str) -> Occupant:
        self.node.up()
        return Occupant(ours=address == self.hot_address, contract=address in self.node.turning_down)

    async def turns_down(self, asset: str, address: str, units: int) -> bool:
        self.node.up()
        return asset == "ETH" and address in self.node.turning_down

    async def health(self) -> Health:
        return Health(not self.node.down, self.node.height, "the node is down" if self.node.down else "")

    async def tip(self) -> Tip:
        self.node.up()
        return Tip(self.node.height, self.node.blocks[-1].hash)

    async def reread(self, height: int) -> str:
        return f"from {height}"

    async def gas_fees(self) -> GasFees:
        self.node.up()
        price = GasPrice(self.price, self.price // 10)
        return GasFees(price, price, price)

    async def final_nonce(self, depth: int) -> int:
        self.node.up()
        return self.used_deep

    async def gas_for(self, asset: str, address: str, units: int) -> int:
        self.node.up()
        if self.hot[asset] < units:
            raise WouldRevert("execution reverted")
        return 21_000 if asset == "ETH" else self.gas

    async def next_nonce(self, address: str | None = None) -> int:
        self.node.up()
        return self.nonce

    def terms_in(self, raw: bytes) -> GasTerms:
        tx = json.loads(raw)
        gas = 21_000 if tx["asset"] == "ETH" else self.gas
        to = tx["address"] if tx["units"] else self.hot_address
        return GasTerms(self.chain_id, tx["nonce"], gas, GasPrice(tx["max_fee"], 1), to)

    async def submit(self, raw: bytes) -> SubmitOutcome:
        fault = self.node.take(raw)
        if fault is not None:
            return fault
        tx, txid = json.loads(raw), txid_of(raw)
        if txid not in self.node.known:
            if tx["nonce"] < self.nonce:
                return SubmitOutcome(Submitted.REFUSED, "another transaction used its nonce")
            for other in [one for one in self.node.mempool if self.node.known[one]["nonce"] == tx["nonce"]]:
                if 8 * tx["max_fee"] < 9 * self.node.known[other]["max_fee"]:
                    return self.node.told(SubmitOutcome(Submitted.UNKNOWN, "replacement transaction underpriced"))
                self.node.mempool.remove(other)
                del self.node.known[other]
            self.node.known[txid] = tx
            self.node.mempool.append(txid)
        return self.node.told(SubmitOutcome(Submitted.ACCEPTED, txid))

    def mine(self, blocks: int = 1) -> None:
        """Blocks with everything that waits in an unbroken row of nonces and pays today's price."""
        taken = []
        waiting = sorted(self.node.mempool, key=lambda txid: int(self.node.known[txid]["nonce"]))
        for txid in waiting:
            tx = self.node.known[txid]
            if tx["nonce"] == self.nonce and tx.get("max_fee", self.price) >= self.price:
                self._apply(tx, 1)
                taken.append(txid)
        self.node.mine(taken)
        for _ in range(blocks - 1):
            self.node.mine()

    def _apply(self, tx: dict[str, Any], sign: int) -> None:
        self.nonce += sign
        if sign > 0:
            tx["fee"] = (21_000 if tx["asset"] == "ETH" else self.gas) * self.costs
        self.hot["ETH"] -= sign * self.fee(tx)
        tx["reverted"] = tx["address"] in self.node.reverting
        if not tx["reverted"]:
            self.hot[tx["asset"]] -= sign * tx["units"]
            arrived = (tx["asset"], tx["address"], tx["units"])
            self.node.paid.append(arrived) if sign > 0 else self.node.paid.remove(arrived)

    def fee(self, tx: dict[str, Any]) -> int:
        return int(tx.get("fee", (21_000 if tx["asset"] == "ETH" else self.gas) * self.costs))

    def reorg(self, depth: int) -> None:
        """The newest blocks never were; their transactions are forgotten by the node."""
        for block in reversed(self.node.blocks[-depth:]):
            for txid in reversed(block.txids):
                self._apply(self.node.known.pop(txid), -1)
        del self.node.blocks[-depth:]
        self.node.branch += 1
        for _ in range(depth + 1):
            self.node.mine()

    async def sighting(self, txid: str, asset: str) -> Sighting:
        tx = self.node.known.get(txid)
        return self.node.sighting(txid, self.fee(tx) if tx else 0)

    async def balances(self, addresses: Sequence[str]) -> dict[str, int]:
        self.node.up()
        return {code: self.hot[code] + self.deposited[code] for code in self.hot}


@dataclass(frozen=True)
class Held:
    units: int
    address: str
    change: bool


class MemoryBitcoin(BitcoinChain):
    """`coins` are our unspent coins by outpoint, as the newest block and our own mempool leave them."""

    FEE_RATE = 2
    VBYTES = 154

    def __init__(self, driver: BitcoinChain) -> None:
        self.__dict__.update(driver.__dict__)
        self.node = Node()
        self.coins: dict[OutPoint, Held] = {}
        self.spent: dict[OutPoint, Held] = {}
        self.made = 0
        self.rate = self.FEE_RATE
        self.mined_from = 0
        """sat/vB that is asked for new transactions, and from which they are mined."""
        self.most_inputs = 100

    def receive(self, address: str, units: int, *, change: bool) -> OutPoint:
        """A confirmed coin of ours."""
        self.made += 1
        outpoint = (hashlib.sha256(f"coin {self.made}".encode()).hexdigest(), 0)
        self.coins[outpoint] = Held(units, address, change)
        return outpoint

    async def occupant(self, address: str) -> Occupant:
        self.node.up()
        return Occupant(ours=address == self.hot_address or address in self.node.change)

    async def watch(self, upto_index: int) -> None:
        self.node.up()

    async def health(self) -> Health:
        return Health(not self.node.down, self.node.height, "the node is down" if self.node.down else "")

    async def tip(self) -> Tip:
        self.node.up()
        return Tip(self.node.height, self.node.blocks[-1].hash)

    async def fee_rates(self) -> FeeRates:
        self.node.up()
        return FeeRates(self.rate, self.rate, self.rate)

    async def relay_step(self) -> int:
        return 1

    def vsize_of(self, raw: bytes) -> int:
        return self.VBYTES

    def change_of(self, raw: bytes, paid: Collection[str]) -> tuple[int, int] | None:
        change = json.loads(raw)["change"]
        return (1, change) if change else None

    async def fund(
        self,
        recipients: Sequence[tuple[str, int]],
        fee_rate: int,
        reserved: Collection[OutPoint],
        pinned: Sequence[OutPoint] = (),
    ) -> Funded:
        self.node.up()
        units = sum(each for _, each in recipients)
        chosen: list[Outpoint] = []
        fee = fee_rate * (self.VBYTES + 31 * (len(recipients) - 1))
        coins = self.coins | {one: coin for one, coin in self.spent.items() if one in pinned}
        for (txid, vout), coin in sorted(coins.items(), key=lambda one: (one[0] not in pinned, -one[1].units)):
            enough = sum(one.units for one in chosen) >= units + fee or len(chosen) == self.most_inputs
            if (txid, vout) not in pinned and ((txid, vout) in reserved or enough):
                continue
            chosen.append(Outpoint(txid, vout, coin.units, coin.address, coin.change))
        held = sum(one.units for one in chosen)
        if held < units + fee:
            free = sum(coin.units for outpoint, coin in coins.items() if outpoint not in reserved)
            raise NotEnough(units + fee, held, free - held)
        inputs = [[one.txid, one.vout] for one in chosen]
        plan = {
            "outputs": [list(one) for one in recipients],
            "inputs": inputs,
            "change": held - units - fee,
            "fee": fee,
            "rate": fee_rate,
        }
        return Funded(json.dumps(plan, sort_keys=True), tuple(chosen), held - units - fee, fee)

    async def unspent(self) -> list[Coin]:
        self.node.up()
        return [Coin(txid, vout, one.units, one.address, 9, one.change) for (txid, vout), one in self.coins.items()]

    async def spends(self, since: datetime) -> list[str]:
        self.node.up()
        return [txid for txid in self.node.known if txid in self.node.mempool or self.node.block_of(txid)]

    async def coins_in(self, raw: bytes) -> list[Outpoint]:
        self.node.up()
        wanted = [(txid, vout) for txid, vout in json.loads(raw)["inputs"]]
        coins = self.coins | self.spent
        return [Outpoint(*one, coins[one].units, coins[one].address, change=False) for one in wanted]

    async def gather(self, coins: Sequence[Coin], fee_rate: int) -> Funded:
        inputs = tuple(Outpoint(one.txid, one.vout, one.units, one.address, one.change) for one in coins)
        fee = fee_rate * 68 * len(coins)
        return Funded("{}", inputs, sum(one.units for one in coins) - fee, fee)

    async def submit(self, raw: bytes) -> SubmitOutcome:
        fault = self.node.take(raw)
        if fault is not None:
            return fault
        tx, txid = json.loads(raw), txid_of(raw)
        if txid not in self.node.known:
            spent = [tuple(one) for one in tx["inputs"]]
            for other in [one for one in self.node.mempool if self._shares(one, spent)]:
                if tx["fee"] <= self.node.known[other]["fee"]:
                    return self.node.told(SubmitOutcome(Submitted.UNKNOWN, "insufficient fee"))
                self.evict(other)
            if any(one not in self.coins for one in spent):
                return SubmitOutcome(Submitted.REFUSED, "another transaction spent an input of it")
            tx["taken"] = {one: self.coins.pop(one) for one in spent}
            self.spent |= tx["taken"]
            self.coins[txid, 1] = Held(tx["change"], self.hot_address, change=True)
            self.node.known[txid] = tx
            self.node.mempool.append(txid)
        return self.node.told(SubmitOutcome(Submitted.ACCEPTED, txid))

    def _shares(self, txid: str, spent: Sequence[tuple[Any, ...]]) -> bool:
        return any(tuple(one) in spent for one in self.node.known[txid]["inputs"])

    def evict(self, txid: str) -> None:
        """One transaction leaves the mempool: the coins it spent are there again."""
        self.coins |= self.node.known.pop(txid)["taken"]
        del self.coins[txid, 1]
        self.node.mempool.remove(txid)

    def mine(self, blocks: int = 1) -> None:
        """Blocks with everything that waits and pays today's rate."""
        taken = [txid for txid in self.node.mempool if self.node.known[txid]["rate"] >= self.mined_from]
        for txid in taken:
            for address, units in self.node.known[txid]["outputs"]:
                self.node.paid.append(("BTC", address, units))
        self.node.mine(taken)
        for _ in range(blocks - 1):
            self.node.mine()

    def forget(self) -> None:
        """Everything that waits is dropped from the mempool."""
        for txid in list(self.node.mempool):
            self.evict(txid)

    async def sighting(self, txid: str, asset: str) -> Sighting:
        tx = self.node.known.get(txid)
        return self.node.sighting(txid, tx["fee"] if tx else 0)

    async def balances(self, addresses: Sequence[str]) -> dict[str, int]:
        self.node.up()
        return {"BTC": sum(coin.units for coin in self.coins.values())}
