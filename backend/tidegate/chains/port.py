"""What the rooms above may ask of any chain. Amounts are base units; addresses are in their canonical spelling.

Outcomes are values. `Unknown` is not failure: it means the node may or may not have acted (chains.md section 4).
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol


class NodeUnavailable(Exception):
    """The node did not answer, is starting, or is not fit to decide from. Nothing is known to have happened."""


class AddressProblem(StrEnum):
    """Why a text is not a payable address on a network."""

    INVALID = "invalid"  # not an address at all, or a wrong checksum
    WRONG_NETWORK = "wrong_network"  # an address of another chain or of another network of this chain
    FORBIDDEN = "forbidden"  # zero, burn, precompile, token contract


@dataclass(frozen=True, slots=True)
class Address:
    """A judged address: canonical spelling and kind (`p2wpkh`, `p2tr`, `p2pkh`, `p2sh`, `p2wsh`, `account`)."""

    text: str
    kind: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Occupant:
    """What the chain tells of an address: made by our own keys (hot, change, deposit), or a contract's."""

    ours: bool = False
    contract: bool = False


@dataclass(frozen=True, slots=True)
class Tip:
    height: int
    hash: str


@dataclass(frozen=True, slots=True)
class Health:
    """`fit` is false when nothing may be paid or credited by this node; `reason` says why in a sentence."""

    fit: bool
    height: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A payment to one of our addresses as the chain shows it now; `asset` is UNKNOWN_TOKEN where it is not on our list.

    `confirmations` is 0 in the mempool and negative when it can no longer confirm (Bitcoin: conflicted).
    """

    asset: str
    address: str
    units: int
    txid: str
    index: int  # Bitcoin: vout. EVM: place of the log among its transaction's logs (a block-wide log index changes
    # when a reorg mines the transaction again), or -1 for a plain ether transfer
    block_hash: str | None
    block_height: int | None
    confirmations: int
    contract: str | None = None
    """Of an unknown token; then `units` are whatever that contract says."""
    matures: int = 0
    """Confirmations before which the network itself lets nobody spend it (a miner's reward)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What moved the gas asset of a watched account and is no payment to it: gas of ours (+), what it spent itself (−)."""

    txid: str
    address: str
    units: int
    block_height: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a scan from `cursor` saw, and the cursor to store in the same commit as the rows.

    `gone` are those of the asked `open_txids` that pay us nothing on the chain as it stands and are not waiting for a
    block either (replaced, reorged away, reverted): every stored arrival of that transaction which is not in `seen`
    with 0 or more confirmations has -1. It may come back: keep asking while the deposit is not final.
    """

    seen: tuple[Arrival, ...]
    cursor: str
    gone: tuple[str, ...] = ()
    upto: int | None = None
    """The height up to which blocks were read; None where the node's list has everything up to its tip."""
    safe: int | None = None
    finalized: int | None = None
    """Heights of the node's tags, where the chain has them."""
    flows: tuple[Flow, ...] = ()
    unknown: tuple[str, ...] = ()
    """Those of the asked that this node never heard of, which proves nothing."""
    reread_above: int | None = None
    """Blocks above this height were taken away or are read again: flows stored from there are void."""


class Submitted(StrEnum):
    ACCEPTED = "accepted"  # the node has it (also: had it already, or it is in a block)
    REFUSED = "refused"  # the node says this can never be valid: a person must look
    UNKNOWN = "unknown"  # no answer, or one that proves nothing


@dataclass(frozen=True, slots=True)
class SubmitOutcome:
    outcome: Submitted
    detail: str = ""


class Fate(StrEnum):
    UNSEEN = "unseen"  # the node does not know it (never sent, dropped, or reorged out)
    MEMPOOL = "mempool"
    MINED = "mined"
    REVERTED = "reverted"  # EVM: mined with status 0
    CONFLICTED = "conflicted"  # Bitcoin: an input was spent by another confirmed transaction


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a transaction of ours stands. `fee_units` (of the gas asset) once mined; `paid` is the proof of delivery.

    `paid` maps recipient address to units, read from outputs (Bitcoin), value (ether) or the Transfer log (tokens).
    """

    fate: Fate
    confirmations: int = 0
    block_hash: str | None = None
    block_height: int | None = None
    fee_units: int | None = None
    paid: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Per unit of weight: sat/vB (Bitcoin) or wei per gas (EVM: the `max_fee` to sign with), by speed."""

    economy: int
    standard: int
    fast: int

    def of(self, speed: str) -> int:
        rate: int = getattr(self, speed)
        return rate


class Chain(Protocol):
    """The port. Every coroutine raises NodeUnavailable when the node cannot be asked."""

    network: str
    family: Literal["bitcoin", "evm"]
    """How it is spent from, and whose keys sign for it: see chains.families."""
    gas_asset: str
    """What its fees are paid in: its own coin."""
    confirmations: int
    block_seconds: float
    compared: bool
    """Other nodes are asked too, before a payment counts (`arrivals`, `sighting`)."""

    @property
    def hot_address(self) -> str:
        """Where the operator puts what payouts are made from; no one's deposit address."""
        ...

    def judge(self, text: str) -> Address | AddressProblem:
        """Pure. Is this a payable address of this very network? Refuses zero, burn and token contracts."""
        ...

    def deposit_address(self, index: int) -> str:
        """Pure. The customer deposit address number `index`, from public keys only."""
        ...

    async def remember(self, height: int, cursor: str | None) -> None:
        """What the books have read (0: not known), before `prepare`: a node far below it, or without it, is not fit."""
        ...

    async def occupant(self, address: str) -> Occupant:
        """Who stands at a payable address (canonical spelling) now."""
        ...

    async def turns_down(self, asset: str, address: str, units: int) -> bool:
        """Would the recipient itself make this payment of the gas asset fail? False while that cannot be told."""
        ...

    async def prepare(self) -> None:
        """At start: the right chain by known rules, wallet there, descriptors imported, tokens as they are pinned."""
        ...

    async def watch(self, upto_index: int) -> None:
        """Make sure that deposit addresses below `upto_index` are seen by the node (no-op where scanning covers it)."""
        ...

    async def health(self) -> Health:
        """Whether this node may be decided from, the checks of `prepare` included: nodes are swapped while we run.

        Answers (never raises): a silent node is `fit=False`. Ask it before each payment.
        """
        ...

    async def tip(self) -> Tip: ...

    async def pulse(self) -> str | None:
        """One cheap question: while the answer stays the same, no payment to us came, moved or went.

        None where that cannot be told: then `arrivals` is asked each time.
        """
        ...

    async def arrivals(self, cursor: str | None, watched: "Container[str]", open_txids: "Sequence[str]") -> Arrivals:
        """Payments to `watched` since `cursor`, and the present state of every transaction in `open_txids`.

        `watched` is only ever asked whether an address is in it: it may be large, and must cost nothing.
        """
        ...

    async def depths(self, blocks: "Sequence[tuple[int, str]]") -> dict[str, int]:
        """By block hash, how many confirmations these (height, hash) have now; -1 when another block took its place.

        Absent: the node never heard of it, which proves nothing (it may be behind).
        """
        ...

    async def reread(self, height: int) -> str:
        """Have everything from block `height` on looked at again: the cursor to store for that."""
        ...

    async def fee_rates(self) -> FeeRates: ...

    async def submit(self, raw: bytes) -> SubmitOutcome:
        """Send signed bytes. Sending the same bytes again is safe and answers ACCEPTED.

        NodeUnavailable here means that nothing was sent; an answer that was lost on the way is UNKNOWN.
        """
        ...

    async def sighting(self, txid: str, asset: str) -> Sighting: ...

    async def balances(self, addresses: "Sequence[str]") -> dict[str, int]:
        """By asset, what those addresses hold.

        Bitcoin: the whole wallet, our own unconfirmed transactions already taken off and their change included,
        unconfirmed deposits not. EVM: the state after the newest block, so what waits for a block is not taken off.
        """
        ...

    async def close(self) -> None: ...
