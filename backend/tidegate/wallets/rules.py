"""What the wallets room decides: where a deposit stands, what is booked for it, what looks like what. Pure."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from tidegate.ledger.rules import AccountRef, Posting, customer, house, transfers

FINAL_FACTOR = 6
"""A deposit is watched until it has this many times the confirmations that credit it."""
GIVE_UP_AFTER = timedelta(days=14)
"""A payment that left the chain is watched this long: mempools drop a transaction after 336 hours."""
ADDRESS_WINDOW = 1000
"""How many deposit addresses beyond the last one handed out a node is made to watch."""
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

    required: int
    minimum_units: int
    listed: bool
    paused: bool


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
    block_hash: str | None
    since: datetime
    explained: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a sighting makes of a row. `final`: no longer watched."""

    state: DepositState
    sub_status: str | None
    confirmations: int
    block_hash: str | None
    block_height: int | None
    final: bool


def shown(deposit: Deposit, seen: Seen, required: int, now: datetime) -> Shown:
    """Where a sighting puts a deposit, bookings apart: what is booked keeps its state until the booking is undone."""
    depth = seen.confirmations
    if deposit.booked is not None:
        settled = depth >= required * FINAL_FACTOR
        return Shown(deposit.state, _doubt(deposit, seen, required), depth, seen.block_hash, seen.block_height, settled)
    if depth > 0:
        if deposit.state is DepositState.SCREENING:
            return Shown(deposit.state, deposit.sub_status, depth, seen.block_hash, seen.block_height, final=False)
        return Shown(DepositState.CONFIRMING, None, depth, seen.block_hash, seen.block_height, final=False)
    was_mined = deposit.block_hash is not None or deposit.sub_status == REORGED
    if depth == 0 and not was_mined:
        return Shown(DepositState.DETECTED, None, 0, None, None, final=False)
    given_up = deposit.state is DepositState.REORGED and (
        depth <= -required * FINAL_FACTOR or now - deposit.since > GIVE_UP_AFTER
    )
    return Shown(DepositState.REORGED, REORGED if was_mined else REPLACED, depth, None, None, final=given_up)


def _doubt(deposit: Deposit, seen: Seen, required: int) -> str | None:
    """Has a booked deposit lost the block it was booked in? A head that merely moved back a little is no reason to undo.

    Once in doubt it stays so until it is deep again or undone, whatever was stored in between.
    """
    if seen.confirmations >= required:
        return None
    moved = seen.block_hash is None or seen.block_hash != deposit.block_hash
    return REORGED if moved or deposit.sub_status == REORGED else None


class Move(StrEnum):
    """What is to be booked for a deposit."""

    CREDIT = "credit"  # to the customer
    SUSPEND = "suspend"  # to suspense
    WAIT = "wait"  # nothing yet: credits stand still
    UNDO = "undo"  # take back what was booked


@dataclass(frozen=True, slots=True)
class Step:
    """A booking to make and the state it leads to."""

    move: Move
    state: DepositState
    sub_status: str | None = None


def step(deposit: Deposit, terms: Terms) -> Step | None:
    """What has to be booked for a deposit that stands like this; None when its books are right."""
    deep = deposit.confirmations >= terms.required
    if deposit.booked is not None:
        if deposit.sub_status != REORGED:
            return None
        state = DepositState.CONFIRMING if deposit.confirmations > 0 else DepositState.REORGED
        return Step(Move.UNDO, state, REORGED)
    if not deep:
        return None
    if not terms.listed:
        return Step(Move.SUSPEND, DepositState.UNKNOWN_ASSET)
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


def undo(deposit: Deposit, available: int) -> tuple[Posting, int]:
    """The posting that takes a deposit back, and the part of it the customer now owes us."""
    wallet = house("wallet:deposit", deposit.asset, deposit.network)
    if deposit.booked is Booked.SUSPENSE:
        row = (house("suspense", deposit.asset), wallet, deposit.units, "reorg of a deposit still in suspense")
        return _posting(deposit, "undo", row), 0
    taken = min(available, deposit.units)
    owed = deposit.units - taken
    posting = _posting(
        deposit,
        "undo",
        (customer(deposit.user_id, "available", deposit.asset), wallet, taken, "reorg of a credited deposit"),
        (house("receivable", deposit.asset), wallet, owed, "reorg of a credited deposit"),
    )
    return posting, owed


def _posting(deposit: Deposit, what: str, *rows: tuple[AccountRef, AccountRef, int, str]) -> Posting:
    # One key for each booking and its undoing: a deposit that is mined again starts its next epoch.
    key = f"deposit:{deposit.id}:{what}" + (f":{deposit.epoch}" if deposit.epoch else "")
    return Posting(key, transfers(*rows), "deposit", deposit.id)


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
    """What a deposit in this state waits for now."""
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
