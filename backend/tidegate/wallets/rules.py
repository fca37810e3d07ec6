"""What the wallets room decides: where a deposit stands, what is booked for it, what looks like what. Pure."""

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from tidegate.ledger.rules import AccountRef, Posting, customer, house, transfers
from tidegate.money import UNKNOWN_TOKEN

FINAL_FACTOR = 6
"""A deposit is watched until it has this many times the confirmations that credit it."""
GIVE_UP_AFTER = timedelta(days=14)
"""A payment that left the chain is watched this long: mempools drop a transaction after 336 hours."""
ADDRESS_WINDOW = 1000
"""How many deposit addresses beyond the last one handed out a node is made to watch."""
MOST_UNKNOWN = 20
"""Rows of unknown tokens kept for one address: anybody may send any number of them, for next to nothing."""
UNATTRIBUTED_INDEX = -2
"""`index` of ether that came without a transaction to the address, of the first address there is; and so on down."""
LOOK_BACK = 256
"""Blocks before the newest one at which the scans of a new EVM network begin."""
LOOKAHEAD = 50
"""How many unissued addresses a scan asks for, so that one handed out during the scan is not missed."""


class DepositState(StrEnum):
    """Where a deposit stands. Anything not yet credited is still afloat."""

    DETECTED = "detected"  # seen, in no block yet
    CONFIRMING = "confirming"  # in a block, not deep enough
    CREDITED = "credited"  # booked to the customer: the last state a user sees
    BELOW_MINIMUM = "below_minimum"  # deep enough, too small: booked to suspense
    SCREENING = "screening"  # deep enough, credits of this asset stand still
    HELD = "held"  # deep enough, a person must look: booked to suspense
    REORGED = "reorged"  # left the chain, or was replaced before it got there; what was booked is undone
    UNKNOWN_ASSET = "unknown_asset"  # deep enough, not an asset customers can hold


class Booked(StrEnum):
    """Whose account holds a deposit now."""

    CUSTOMER = "customer"
    SUSPENSE = "suspense"


class BeneficiaryState(StrEnum):
    """Where a saved destination stands."""

    PENDING_CONFIRMATION = "pending_confirmation"  # saved, the second factor has not spoken
    COOLING_DOWN = "cooling_down"  # confirmed, cannot be paid before `available_at`
    ACTIVE = "active"  # can be paid
    SUSPENDED = "suspended"  # stopped by an operator
    ARCHIVED = "archived"  # deleted by its user; kept for history


REORGED = "reorged"
"""Sub-status: it was in a block and that block is gone."""
REPLACED = "replaced"
"""Sub-status: it left the mempool before any block had it."""
FROZEN = "frozen"
"""Sub-status: an operator stopped this asset."""


class Reason(StrEnum):
    """Why a person must look at a deposit."""

    OTHER_NETWORK = "other_network"  # came over another network than the one the address was given out for
    UNATTRIBUTED = "unattributed"  # the balance rose without a payment that a block shows: a contract sent it


AFLOAT = (DepositState.DETECTED, DepositState.CONFIRMING, DepositState.SCREENING)
"""States that count as incoming."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How the chain shows a payment now. `confirmations` is negative when it is gone."""

    confirmations: int
    block_hash: str | None
    block_height: int | None


GONE = Seen(-1, None, None)


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides about one deposit besides the chain."""

    minimum_units: int
    listed: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class Tier:
    """How deep payments of at least `from_units` must be. `finality`: and at or below that tag of the node's."""

    asset: str
    from_units: int
    confirmations: int
    finality: str | None = None


def need(tiers: Iterable[Tier], asset: str, units: int, confirmations: int) -> Tier:
    """What a payment needs: the greatest tier that it reaches, else the network's own count."""
    base = Tier(asset, 0, confirmations)
    return max(
        (base, *(tier for tier in tiers if tier.asset == asset and tier.from_units <= units)),
        key=lambda tier: tier.from_units,
    )


@dataclass(frozen=True, slots=True)
class Tags:
    """Heights that the node calls safe and finalized; None where it has no such tag."""

    safe: int | None = None
    finalized: int | None = None

    def has(self, finality: str | None, height: int | None) -> bool:
        if finality is None:
            return True
        tag = self.finalized if finality == "finalized" else self.safe
        return tag is not None and height is not None and height <= tag


def family(network: str, address: str) -> str:
    """Networks on which the same keys give the same addresses. Every EVM network is one; the database says the same."""
    return "evm" if address.startswith("0x") else network


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit as stored."""

    id: uuid.UUID
    user_id: uuid.UUID
    network: str
    asset: str
    units: int
    state: DepositState
    sub_status: str | None
    booked: Booked | None
    epoch: int
    version: int
    confirmations: int
    required: int
    deep: bool
    block_hash: str | None
    since: datetime
    explained: bool = False
    txid: str = ""
    finality: str | None = None
    reason: Reason | None = None
    swept: bool = False
    """Its coin was moved on, as far as we know."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a sighting makes of a row. `final`: no longer watched."""

    state: DepositState
    sub_status: str | None
    confirmations: int
    deep: bool
    block_hash: str | None
    block_height: int | None
    final: bool


def shown(deposit: Deposit, seen: Seen, tags: Tags, now: datetime) -> Shown:
    """Where a sighting puts a deposit, bookings apart: what is booked keeps its state until the booking is undone."""
    depth, required = seen.confirmations, deposit.required
    deep = depth >= required and tags.has(deposit.finality, seen.block_height)
    where = (depth, deep, seen.block_hash, seen.block_height)
    if deposit.booked is not None:
        return Shown(deposit.state, _doubt(deposit, seen), *where, final=deep and depth >= required * FINAL_FACTOR)
    if depth > 0:
        if deposit.state is DepositState.SCREENING:
            return Shown(deposit.state, deposit.sub_status, *where, final=False)
        return Shown(DepositState.CONFIRMING, None, *where, final=False)
    was_mined = deposit.block_hash is not None or deposit.sub_status == REORGED
    if depth == 0 and not was_mined:
        return Shown(DepositState.DETECTED, None, 0, False, None, None, final=False)
    given_up = deposit.state is DepositState.REORGED and (
        depth <= -required * FINAL_FACTOR or now - deposit.since > GIVE_UP_AFTER
    )
    return Shown(DepositState.REORGED, REORGED if was_mined else REPLACED, depth, False, None, None, final=given_up)


def _doubt(deposit: Deposit, seen: Seen) -> str | None:
    """Has a booked deposit lost the block it was booked in? A head that merely moved back a little is no reason to undo.

    Once in doubt it stays so until it is deep again or undone, whatever was stored in between.
    """
    if seen.confirmations >= deposit.required:
        return None
    moved = seen.block_hash is None or seen.block_hash != deposit.block_hash
    return REORGED if moved or deposit.sub_status == REORGED else None


class Move(StrEnum):
    """What is to be booked for a deposit."""

    CREDIT = "credit"  # to the customer
    SUSPEND = "suspend"  # to suspense
    WAIT = "wait"  # nothing yet: credits stand still
    NOTE = "note"  # nothing ever: shown, and in no book
    UNDO = "undo"  # take back what was booked


@dataclass(frozen=True, slots=True)
class Step:
    """A booking to make and the state it leads to."""

    move: Move
    state: DepositState
    sub_status: str | None = None


def step(deposit: Deposit, terms: Terms) -> Step | None:
    """What has to be booked for a deposit that stands like this; None when its books are right."""
    if deposit.booked is not None:
        if deposit.sub_status != REORGED:
            return None
        state = DepositState.CONFIRMING if deposit.confirmations > 0 else DepositState.REORGED
        return Step(Move.UNDO, state, REORGED)
    if not deposit.deep:
        return None
    if deposit.asset == UNKNOWN_TOKEN:
        # Its amount is whatever a stranger's contract says: no book of ours repeats that.
        return Step(Move.NOTE, DepositState.UNKNOWN_ASSET)
    if not terms.listed:
        return Step(Move.SUSPEND, DepositState.UNKNOWN_ASSET)
    if deposit.reason is not None and not deposit.explained:
        return Step(Move.SUSPEND, DepositState.HELD)
    if deposit.units < terms.minimum_units and not deposit.explained:
        return Step(Move.SUSPEND, DepositState.BELOW_MINIMUM)
    if terms.paused:
        if deposit.state is DepositState.SCREENING:
            return None
        return Step(Move.WAIT, DepositState.SCREENING, FROZEN)
    return Step(Move.CREDIT, DepositState.CREDITED)


def credit(deposit: Deposit, owed: int) -> Posting:
    """The posting that credits: what this customer owes for an undone deposit first, the rest to the customer."""
    wallet = house("wallet:deposit", deposit.asset, deposit.network)
    repaid = min(owed, deposit.units)
    return _posting(
        deposit,
        "credit",
        (wallet, house("receivable", deposit.asset), repaid, "deposit credited while a receivable is open"),
        (wallet, customer(deposit.user_id, "available", deposit.asset), deposit.units - repaid, "deposit credited"),
    )


def suspend(deposit: Deposit) -> Posting:
    """The posting for a deposit that cannot be credited."""
    wallet = house("wallet:deposit", deposit.asset, deposit.network)
    row = (wallet, house("suspense", deposit.asset), deposit.units, "deposit seen that cannot be credited")
    return _posting(deposit, "suspend", row)


def explain(deposit: Deposit, owed: int) -> Posting:
    """The posting that moves a deposit from suspense to its customer."""
    suspense = house("suspense", deposit.asset)
    repaid = min(owed, deposit.units)
    return _posting(
        deposit,
        "explain",
        (suspense, house("receivable", deposit.asset), repaid, "deposit credited while a receivable is open"),
        (
            suspense,
            customer(deposit.user_id, "available", deposit.asset),
            deposit.units - repaid,
            "deposit explained later",
        ),
    )


@dataclass(frozen=True, slots=True)
class Undone:
    """How a deposit is taken back. `owed`: what the customer owes for it now. `spent`: its coin was not there any more,
    so a payout that left with it left the chain too, and a person must look."""

    posting: Posting
    owed: int
    spent: bool


def undo(deposit: Deposit, available: int, at_deposit: int, at_hot: int) -> Undone:
    """Take a deposit back, from whoever has it, out of where its coin stands.

    `available`: what the customer can use. `at_deposit`, `at_hot`: what stands in the wallets. A coin that was moved on
    is the hot wallet's. What neither has left with a payout that the same reorganisation took back: it is owed to the
    payee again, and stands in suspense until a person has settled that.
    """
    moved = deposit.units if deposit.swept else max(deposit.units - at_deposit, 0)
    from_hot = min(moved, at_hot)
    wallet = house("wallet:deposit", deposit.asset, deposit.network)
    hot = house("wallet:hot", deposit.asset, deposit.network)
    suspense = house("suspense", deposit.asset)
    sources = [(wallet, deposit.units - moved), (hot, from_hot), (suspense, moved - from_hot)]
    if deposit.booked is Booked.SUSPENSE:
        rows = [(suspense, account, part, "reorg of a deposit still in suspense") for account, part in sources[:2]]
        return Undone(_posting(deposit, "undo", *rows), 0, moved > 0)
    taken = min(available, deposit.units)
    owers = [
        (customer(deposit.user_id, "available", deposit.asset), taken),
        (house("receivable", deposit.asset), deposit.units - taken),
    ]
    matched = _matched(owers, sources)
    rows = [(debit, credit, part, "reorg of a credited deposit") for debit, credit, part in matched]
    return Undone(_posting(deposit, "undo", *rows), deposit.units - taken, moved > 0)


def _matched(
    left: Sequence[tuple[AccountRef, int]], right: Sequence[tuple[AccountRef, int]]
) -> list[tuple[AccountRef, AccountRef, int]]:
    """Both sides, of one sum, taken off against each other from the front."""
    found: list[tuple[AccountRef, AccountRef, int]] = []
    places = [account for account, _ in right]
    rest = [units for _, units in right]
    for account, units in left:
        for n, place in enumerate(places):
            part = min(units, rest[n])
            found.append((account, place, part))
            units -= part
            rest[n] -= part
    return found


def _posting(deposit: Deposit, what: str, *rows: tuple[AccountRef, AccountRef, int, str]) -> Posting:
    # One key for each booking and its undoing: a deposit that is mined again starts its next epoch.
    key = f"deposit:{deposit.id}:{what}" + (f":{deposit.epoch}" if deposit.epoch else "")
    return Posting(key, transfers(*rows), "deposit", deposit.id)


BEHIND_AFTER = timedelta(seconds=60)
"""A network that was not scanned for this long is behind, whatever its node says."""
BEHIND_BLOCKS = 10
"""And one whose blocks are so many ahead of those that were read."""


def behind(*, height: int | None, scanned_height: int | None, scanned_at: datetime | None, now: datetime) -> str | None:
    """Why deposits of a network come late, in a sentence; None when they do not."""
    if scanned_at is None or now - scanned_at > BEHIND_AFTER:
        return "We have not been able to look at this network for a while."
    if height is not None and scanned_height is not None and height - scanned_height > BEHIND_BLOCKS:
        return f"We are reading this network's blocks: {height - scanned_height} to go."
    return None


FINALITY_BLOCKS = {"safe": 64, "finalized": 96}
"""About how many blocks such a tag lies back, at most, when all is well."""
PATIENCE_FACTOR = 2
"""Blocks come irregularly: what is promised is this many times the average."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What a deposit waits for, why, and until when (PRODUCT.md); null where nothing applies."""

    sub_status: str | None
    waiting_for: str | None
    expected_by: datetime | None


def promised(detected_at: datetime, required: int, block_seconds: float) -> datetime:
    """When a deposit should be credited at the latest. Fixed when it is first seen: a promise that moves is none."""
    return detected_at + timedelta(seconds=block_seconds * (required + 1) * PATIENCE_FACTOR)


def waits(state: DepositState, sub_status: str | None, promise: datetime, *, node_fit: bool, now: datetime) -> Waits:
    """What a deposit in this state waits for now. `node_fit`: false while its network is not being read as it should."""
    if state in (DepositState.DETECTED, DepositState.CONFIRMING):
        if not node_fit:
            return Waits("awaiting_node", "node", promise)
        return Waits("slower_than_usual" if now > promise else sub_status, "network", promise)
    if state is DepositState.SCREENING:
        return Waits(sub_status, "operator", None)
    if state is DepositState.HELD:
        return Waits(sub_status, "person", None)
    if state is DepositState.REORGED and sub_status == REORGED:
        return Waits(sub_status, "network", None)
    return Waits(sub_status, None, None)


LOOKALIKE_ENDS = 4
"""Characters at each end that people compare."""


def _ends(address: str) -> tuple[str, str]:
    lowered = address.lower()
    # The prefix is the same for every address of a network, so it says nothing.
    body = re.sub(r"^(0x|bc1[qp]|tb1[qp]|bcrt1[qp])", "", lowered)
    return body[:LOOKALIKE_ENDS], body[-LOOKALIKE_ENDS:]


@dataclass(frozen=True, slots=True)
class Known:
    """An address this user may mean: saved, really paid, or his own deposit address. `at`: saved, last paid, made."""

    network: str
    address: str
    source: Literal["saved", "paid", "own"]
    label: str | None
    at: datetime


def lookalike(address: str, known: Iterable[Known]) -> Known | None:
    """A known address that begins and ends like this one and is another: the mark of a poisoned clipboard."""
    for one in known:
        if one.address.lower() != address.lower() and _ends(one.address) == _ends(address):
            return one
    return None


def only_elsewhere(address: str, network: str, known: Iterable[Known]) -> bool:
    """Saved or paid on another network alone: the same key may not be held on this one."""
    used = {one.network for one in known if one.address == address and one.source != "own"}
    return bool(used) and network not in used


def payable_from(
    saved_from: datetime | None, paid_since: datetime | None, cooldown: timedelta, now: datetime
) -> datetime:
    """From when an address that is named without its saved entry may be paid: as that entry may (`saved_from`), or a
    cool-down after it was first paid, whichever is sooner; of an unknown one, a cool-down from now at the earliest."""
    found = [saved_from] if saved_from is not None else []
    found += [paid_since + cooldown] if paid_since is not None else []
    return min(found, default=now + cooldown)


MOST_UNUSED = 20
"""Deposit addresses of one user and network that nothing has come to yet: indexes are not handed out for nothing."""


def beneficiary_state(state: BeneficiaryState, available_at: datetime | None, now: datetime) -> BeneficiaryState:
    """Where a saved destination stands at `now`: cooling down ends by the clock, without a write."""
    if state is BeneficiaryState.COOLING_DOWN and available_at is not None and now >= available_at:
        return BeneficiaryState.ACTIVE
    return state
