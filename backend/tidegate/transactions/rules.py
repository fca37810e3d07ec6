"""The withdrawal's states, what each waits for, and which ledger transfers each end makes. No I/O, no clock."""

import uuid
from dataclasses import dataclass
from datetime import datetime
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


def waiting_for(state: State, sub_status: SubStatus | None) -> WaitingFor | None:
    """What a withdrawal waits for; None while it is simply being worked on, and at its end."""
    if state in ENDED:
        return None
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
