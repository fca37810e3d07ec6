"""The withdrawal's states, what each waits for, and which ledger transfers each end makes. No I/O, no clock."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from tidegate.ledger.rules import Transfer, customer, house, transfers


class State(StrEnum):
    """A withdrawal's state (PRODUCT.md)."""

    PENDING_VERIFICATION = "pending_verification"  # the user has not confirmed yet
    PENDING_SCREENING = "pending_screening"  # confirmed; lists are asked
    PENDING_APPROVAL = "pending_approval"  # a person has to agree
    QUEUED = "queued"  # waits for inventory and a place among those to be signed
    SIGNING = "signing"  # inputs or nonce are reserved; the signer is asked
    BROADCASTING = "broadcasting"  # the signed bytes are stored; being sent
    CONFIRMING = "confirming"  # a node has it; waiting for depth
    COMPLETED = "completed"
    CANCELLED = "cancelled"  # by the user, before signing
    REJECTED = "rejected"  # by policy or a person
    EXPIRED = "expired"  # never confirmed by the user
    FAILED = "failed"  # the chain proves that no attempt can confirm


class SubStatus(StrEnum):
    """Why it stands where it stands, when that is not plain from the state."""

    HOLD = "hold"  # an operator holds it
    PERSON_REVIEWING = "person_reviewing"
    AWAITING_LIQUIDITY = "awaiting_liquidity"
    AWAITING_BATCH = "awaiting_batch"
    AWAITING_SIGNER = "awaiting_signer"
    AWAITING_NODE = "awaiting_node"
    BROADCAST_UNKNOWN = "broadcast_unknown"
    SLOWER_THAN_USUAL = "slower_than_usual"
    REPLACED = "replaced"
    REORGED = "reorged"
    NEEDS_OPERATOR = "needs_operator"
    FROZEN = "frozen"


class WaitingFor(StrEnum):
    """Who or what moves next."""

    YOU = "you"
    TIME = "time"
    PERSON = "person"
    FUNDS = "funds"
    VENUE = "venue"
    NODE = "node"
    SIGNER = "signer"
    NETWORK = "network"
    OPERATOR = "operator"


class TransferState(StrEnum):
    """An internal transfer's state (PRODUCT.md)."""

    PENDING_VERIFICATION = "pending_verification"  # the sender has not confirmed yet; the money is held
    COMPLETED = "completed"  # the recipient has it
    CANCELLED = "cancelled"  # by the sender, before confirming
    EXPIRED = "expired"  # never confirmed


ENDED = frozenset({State.COMPLETED, State.CANCELLED, State.REJECTED, State.EXPIRED, State.FAILED})
CANCELLABLE = frozenset({State.PENDING_VERIFICATION, State.PENDING_SCREENING, State.PENDING_APPROVAL, State.QUEUED})

# Every allowed move. The database holds the same pairs and refuses all others (migration 0009).
TRANSITIONS: dict[State, frozenset[State]] = {
    State.PENDING_VERIFICATION: frozenset({State.PENDING_SCREENING, State.CANCELLED, State.EXPIRED}),
    State.PENDING_SCREENING: frozenset({State.PENDING_APPROVAL, State.QUEUED, State.CANCELLED, State.REJECTED}),
    State.PENDING_APPROVAL: frozenset({State.QUEUED, State.CANCELLED, State.REJECTED}),
    State.QUEUED: frozenset({State.SIGNING, State.CANCELLED, State.REJECTED}),
    State.SIGNING: frozenset(
        {State.BROADCASTING, State.QUEUED}
    ),  # back only when the signer denied and nothing is signed
    # back to the queue only when every transaction of it is provably dead
    State.BROADCASTING: frozenset({State.CONFIRMING, State.FAILED, State.QUEUED}),
    State.CONFIRMING: frozenset({State.COMPLETED, State.BROADCASTING, State.FAILED, State.QUEUED}),
    State.COMPLETED: frozenset(),
    State.CANCELLED: frozenset(),
    State.REJECTED: frozenset(),
    State.EXPIRED: frozenset(),
    State.FAILED: frozenset(),
}

_WAITS: dict[SubStatus, WaitingFor] = {
    SubStatus.HOLD: WaitingFor.OPERATOR,
    SubStatus.PERSON_REVIEWING: WaitingFor.PERSON,
    SubStatus.AWAITING_LIQUIDITY: WaitingFor.FUNDS,
    SubStatus.AWAITING_BATCH: WaitingFor.TIME,
    SubStatus.AWAITING_SIGNER: WaitingFor.SIGNER,
    SubStatus.AWAITING_NODE: WaitingFor.NODE,
    SubStatus.BROADCAST_UNKNOWN: WaitingFor.NODE,
    SubStatus.SLOWER_THAN_USUAL: WaitingFor.NETWORK,
    SubStatus.REPLACED: WaitingFor.NETWORK,
    SubStatus.REORGED: WaitingFor.NETWORK,
    SubStatus.NEEDS_OPERATOR: WaitingFor.OPERATOR,
    SubStatus.FROZEN: WaitingFor.OPERATOR,
}


@dataclass(frozen=True, slots=True)
class Exit:
    """How a wait ends, and how long it may last before somebody is alarmed."""

    patience: timedelta
    way: str


EXITS: dict[State | SubStatus, Exit] = {
    State.PENDING_VERIFICATION: Exit(
        timedelta(minutes=5), "the step `expire` ends it when its time to confirm is over"
    ),
    State.PENDING_SCREENING: Exit(timedelta(minutes=2), "the step `screen`"),
    State.PENDING_APPROVAL: Exit(timedelta(hours=4), "an approver decides, or its owner cancels"),
    State.QUEUED: Exit(timedelta(minutes=2), "the step `reserve`"),
    State.SIGNING: Exit(timedelta(minutes=2), "the step `sign`"),
    State.BROADCASTING: Exit(timedelta(minutes=2), "the step `broadcast`"),
    State.CONFIRMING: Exit(timedelta(hours=6), "blocks; the step `confirm`; `tidegate withdrawals bump`"),
    SubStatus.HOLD: Exit(timedelta(hours=24), "`tidegate withdrawals release` or `reject`"),
    SubStatus.PERSON_REVIEWING: Exit(timedelta(hours=4), "an approver decides, or its owner cancels"),
    SubStatus.AWAITING_LIQUIDITY: Exit(timedelta(minutes=30), "a deposit, a sweep, a move from a venue, or a refill"),
    SubStatus.AWAITING_BATCH: Exit(timedelta(minutes=20), "the batch is full, or `batch_seconds` have passed"),
    SubStatus.AWAITING_SIGNER: Exit(timedelta(minutes=5), "the signer answers: start it, or lift its freeze"),
    SubStatus.AWAITING_NODE: Exit(timedelta(minutes=10), "the node answers and is fit"),
    SubStatus.BROADCAST_UNKNOWN: Exit(timedelta(minutes=10), "the same bytes are sent again until a node has them"),
    SubStatus.SLOWER_THAN_USUAL: Exit(timedelta(hours=6), "blocks; `tidegate withdrawals bump`"),
    SubStatus.REPLACED: Exit(timedelta(hours=6), "one of its transactions is mined; `tidegate withdrawals bump`"),
    SubStatus.REORGED: Exit(timedelta(hours=1), "it is mined again: its bytes are sent until it is"),
    SubStatus.NEEDS_OPERATOR: Exit(
        timedelta(minutes=15), "`tidegate withdrawals release` or `reject`; `tidegate resume`"
    ),
    SubStatus.FROZEN: Exit(timedelta(hours=24), "`tidegate resume`, or the account's freeze is lifted"),
}
"""Of every wait there is: its sub_status, or its state where there is none. None is without a way out."""
OVERDUE = timedelta(hours=1)
"""Whatever it waits for: so long after what was promised it is looked at, also when its reasons change all the time."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How many stand in a state for a reason, since when the oldest does, and how many of them for too long."""

    state: str
    sub_status: str | None
    count: int
    oldest: datetime
    stuck: int


@dataclass(frozen=True, slots=True)
class Promises:
    """Of one network and asset: how many promises of `expected_by` came due, and how many were kept."""

    network: str
    asset: str
    due: int
    kept: int


def waiting_for(state: State, sub_status: SubStatus | None, *, converting: bool = False) -> WaitingFor | None:
    """What a withdrawal waits for; None while it is simply being worked on, and at its end.

    What a conversion owes and no inventory covers is on its way from the venue that sold it to us.
    """
    if state in ENDED:
        return None
    if sub_status is SubStatus.AWAITING_LIQUIDITY and converting:
        return WaitingFor.VENUE
    if sub_status is not None:
        return _WAITS[sub_status]
    if state is State.PENDING_VERIFICATION:
        return WaitingFor.YOU
    if state is State.PENDING_APPROVAL:
        return WaitingFor.PERSON
    if state is State.CONFIRMING:
        return WaitingFor.NETWORK
    return None


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: who, what leaves, what arrives, each fee; all in base units. Stored with the withdrawal."""

    id: uuid.UUID
    user_id: uuid.UUID
    network: str
    from_asset: str
    to_asset: str
    debit_units: int
    deliver_units: int
    fee_network_units: int
    fee_service_units: int
    fee_spread_units: int

    @property
    def converting(self) -> bool:
        return self.from_asset != self.to_asset


@dataclass(frozen=True, slots=True)
class Draft:
    """A withdrawal as it is first written: the row's columns, with what nothing has happened to yet."""

    id: uuid.UUID
    user_id: uuid.UUID
    quote_id: uuid.UUID
    reference: str | None
    network: str
    address: str
    beneficiary_id: uuid.UUID | None
    label: str | None
    from_asset: str
    to_asset: str
    debit_units: int
    deliver_units: int
    rate: str
    fee_network_units: int
    fee_service_units: int
    fee_spread_units: int
    usd_cents: int
    review_needed: bool
    speed: str
    arrives_within: int
    intent: bytes
    digest: str
    challenge_expires_at: datetime
    since: datetime
    created_at: datetime
    due_at: datetime
    state: str = State.PENDING_VERIFICATION.value
    sub_status: str | None = None
    detail: str | None = None
    expected_by: datetime | None = None
    version: int = 1
    verified_at: datetime | None = None
    authorisation: dict[str, Any] | None = None
    conversion_id: uuid.UUID | None = None
    held_by_operator: str | None = None
    completed_at: datetime | None = None
    lease_until: datetime | None = None
    fence: int = 0


def hold_transfers(terms: Terms) -> tuple[Transfer, ...]:
    """Accepted: the whole debit is set aside."""
    available, held = (
        customer(terms.user_id, "available", terms.from_asset),
        customer(terms.user_id, "held", terms.from_asset),
    )
    return transfers((available, held, terms.debit_units, "withdrawal accepted"))


def plain_fee_transfers(terms: Terms) -> tuple[Transfer, ...]:
    """A plain withdrawal settles: its fees become income in the same group (a converting one paid them before)."""
    if terms.converting:
        return ()
    held = customer(terms.user_id, "held", terms.from_asset)
    return transfers(
        (held, house("charged:network", terms.from_asset), terms.fee_network_units, "withdrawal fees"),
        (held, house("charged:service", terms.from_asset), terms.fee_service_units, "withdrawal fees"),
        (held, house("charged:spread", terms.from_asset), terms.fee_spread_units, "withdrawal fees"),
    )


def refund_transfers(terms: Terms, *, executed: bool, mined: bool) -> tuple[Transfer, ...]:
    """Not sent. Before the conversion (and for a plain one) the debit returns; after it, what was to be delivered.
    The network fee comes with it where nothing was mined: a recipient that makes its payments fail would burn ours.
    Spread and service fee of a conversion stay, as the quote printed."""
    user = terms.user_id
    fee = 0 if mined else terms.fee_network_units
    if not (terms.converting and executed):
        held = customer(user, "held", terms.from_asset)
        kept = terms.fee_network_units if mined else 0
        return transfers(
            (held, customer(user, "available", terms.from_asset), terms.debit_units - kept, "refund"),
            (held, house("charged:network", terms.from_asset), kept, "withdrawal fees"),
        )
    return transfers(
        (
            customer(user, "held", terms.to_asset),
            customer(user, "available", terms.to_asset),
            terms.deliver_units,
            "refund",
        ),
        (house("charged:network", terms.from_asset), customer(user, "available", terms.from_asset), fee, "refund"),
    )


def can_cancel(state: State) -> bool:
    return state in CANCELLABLE


def promised(printed: timedelta, usual: timedelta | None, *, review: bool, review_prior: timedelta) -> timedelta:
    """From verification to arrival: what our own history promises, and never later than the quote printed.

    Where a person has to agree the quote may not have known it: then history counts, or what a look usually needs.
    """
    if review:
        return usual if usual is not None else max(printed, review_prior)
    return printed if usual is None else min(printed, usual)


def is_late(expected_by: datetime | None, now: datetime) -> bool:
    """Past the time that was promised."""
    return expected_by is not None and now > expected_by


Stage = Literal["preparing", "sent", "confirming", "arrived", "stopped"]
"""How far a payment is, in a recipient's words."""


def stage_of(state: State) -> Stage:
    """A recipient is told neither who looks at it nor why it ended."""
    if state is State.COMPLETED:
        return "arrived"
    if state in ENDED:
        return "stopped"
    if state is State.CONFIRMING:
        return "confirming"
    return "sent" if state is State.BROADCASTING else "preparing"
