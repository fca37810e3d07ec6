"""Sets of attempts: what one nonce or one choice of coins is for, its signed bytes, what it reserves.

What is unique here is paid once. A set is the job row of the worker; its members exclude each other on chain.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Units
from tidegate.treasury.rules import (
    AttemptState,
    Booked,
    Direction,
    Outcome,
    ProposalKind,
    ProposalState,
    Purpose,
    Stage,
    VenueState,
)

_STATES = ", ".join(f"'{state.value}'" for state in AttemptState)
_PURPOSES = ", ".join(f"'{purpose.value}'" for purpose in Purpose)
_STAGES = ", ".join(f"'{stage.value}'" for stage in Stage)
_BOOKED = ", ".join(f"'{booked.value}'" for booked in Booked)
_PROPOSALS = ", ".join(f"'{kind.value}'" for kind in ProposalKind)
_PROPOSAL_STATES = ", ".join(f"'{state.value}'" for state in ProposalState)
_DIRECTIONS = ", ".join(f"'{direction.value}'" for direction in Direction)
_VENUE_STATES = ", ".join(f"'{state.value}'" for state in VenueState)
_OUTCOMES = ", ".join(f"'{outcome.value}'" for outcome in Outcome)


class HotWallet(Base):
    """One row a network: the lock under which spending is decided, and the next nonce (EVM)."""

    __tablename__ = "hot_wallets"
    __table_args__ = (CheckConstraint("next_nonce >= 0", name="next_nonce_not_negative"),)

    network: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    next_nonce: Mapped[int] = mapped_column(BigInteger)


class ArrivalTime(Base):
    """How long payouts took lately from verification to final, of one way, network, asset and speed."""

    __tablename__ = "arrival_times"
    __table_args__ = (CheckConstraint("samples > 0 AND usual_ms >= 0 AND promised_ms >= usual_ms", name="sensible"),)

    way: Mapped[str] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    speed: Mapped[str] = mapped_column(primary_key=True)
    samples: Mapped[int]
    usual_ms: Mapped[int] = mapped_column(BigInteger)
    """The median."""
    promised_ms: Mapped[int] = mapped_column(BigInteger)
    """What is promised to those to come."""
    measured_at: Mapped[datetime]


class AttemptSet(Base):
    """All transactions that can make the same payments, at most one of which can ever be mined.

    Bitcoin: they share a coin. EVM: they share the nonce of `hot_address` (the account that sends).
    """

    __tablename__ = "attempt_sets"
    __table_args__ = (
        CheckConstraint(f"purpose IN ({_PURPOSES})", name="purpose_known"),
        CheckConstraint(f"stage IN ({_STAGES})", name="stage_known"),
        CheckConstraint(f"outcome IS NULL OR outcome IN ({_OUTCOMES})", name="outcome_known"),
        CheckConstraint(
            "(stage = 'ended') = (ended_at IS NOT NULL) AND (stage = 'ended') = (outcome IS NOT NULL)",
            name="ended_has_outcome",
        ),
        CheckConstraint("(nonce IS NULL) = (hot_address IS NULL)", name="nonce_has_account"),
        Index(
            "uq_attempt_sets_nonce",
            "network",
            "hot_address",
            "nonce",
            unique=True,
            postgresql_where=text("nonce IS NOT NULL AND outcome IS DISTINCT FROM 'dropped'"),
        ),
        Index("ix_attempt_sets_due", "purpose", "stage", "due_at", postgresql_where=text("stage <> 'ended'")),
        Index(
            "ix_attempt_sets_left",
            "network",
            "hot_address",
            "nonce",
            postgresql_where=text("nonce IS NOT NULL AND outcome = 'dropped'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    network: Mapped[str]
    purpose: Mapped[str]
    asset: Mapped[str]
    """What it moves; a transaction's fee is in the network's gas asset."""
    speed: Mapped[str]
    hot_address: Mapped[str | None]
    nonce: Mapped[int | None] = mapped_column(BigInteger)
    stage: Mapped[str]
    waits: Mapped[str | None]
    """Why it does not go on, in the words of the withdrawals' sub-status."""
    detail: Mapped[str | None]
    asked_rate: Mapped[int | None] = mapped_column(BigInteger)
    """A person wants it dearer: at this rate, or with 0 at today's. Empty again once it was tried."""
    capped: Mapped[str | None]
    """Why it is not made dearer any more."""
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class SetPayout(Base):
    """One payment of a set. A payout is in one living set at most, and is paid once for ever."""

    __tablename__ = "set_payouts"
    __table_args__ = (
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("settled_at IS NULL OR ended_at IS NOT NULL", name="settled_is_ended"),
        Index("uq_set_payouts_live", "payout_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("uq_set_payouts_paid", "payout_id", unique=True, postgresql_where=text("settled_at IS NOT NULL")),
        Index("uq_set_payouts_address", "set_id", "address", unique=True),
    )

    set_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempt_sets.id"), primary_key=True)
    payout_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    asset: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    address: Mapped[str]
    ended_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class Attempt(Base):
    """One chain transaction of a set. `raw` is stored before anything is sent.

    `parent` is set for a child that pays for its parent's mining (CPFP): it makes no payment itself. Nor does one with
    `plan["cancel"]`, which fills the set's nonce with a payment of nothing to ourselves.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state_known"),
        CheckConstraint(
            "state = 'built' OR state = 'dropped' OR (raw IS NOT NULL AND txid IS NOT NULL)", name="signed_has_bytes"
        ),
        # What fills a nonce with nothing pays nobody, whatever is said of it.
        CheckConstraint("state <> 'final' OR plan ->> 'cancel' IS NULL", name="cancel_is_no_payment"),
        CheckConstraint("refits >= 0", name="refits_not_negative"),
        # What is not sent yet is sent or given up before anything dearer is built; what cancels it stands beside it.
        Index(
            "uq_attempts_unsent",
            "set_id",
            unique=True,
            postgresql_where=text("(state = 'built' OR state = 'signed') AND plan ->> 'cancel' IS NULL"),
        ),
        Index(
            "uq_attempts_unsent_cancel",
            "set_id",
            unique=True,
            postgresql_where=text("(state = 'built' OR state = 'signed') AND plan ->> 'cancel' IS NOT NULL"),
        ),
        Index("ix_attempts_shallow", "network", "confirmations", postgresql_where=text("state = 'final'")),
        Index(
            "uq_attempts_won",
            "set_id",
            unique=True,
            postgresql_where=text("parent IS NULL AND (state = 'final' OR state = 'reverted')"),
        ),
        Index("uq_attempts_network_txid", "network", "txid", unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    set_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempt_sets.id"), index=True)
    network: Mapped[str]
    state: Mapped[str]
    replaces: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attempts.id"))
    parent: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attempts.id"))
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    txid: Mapped[str | None]
    fee_units: Mapped[int | None] = mapped_column(Units)
    refits: Mapped[int] = mapped_column(server_default="0", default=0)
    """How often the books were corrected after it was booked: numbers the postings."""
    confirmations: Mapped[int]
    block_hash: Mapped[str | None]
    block_height: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    broadcast_at: Mapped[datetime | None]
    mined_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    """When it was last looked for after it was final."""

    @property
    def cancels(self) -> bool:
        """It fills its set's nonce and pays nobody."""
        return bool(self.plan.get("cancel"))


class ReservedInput(Base):
    """A Bitcoin coin that a living set spends; released only when the set has ended.

    A set that is made dearer reserves its own earlier change too: who spent that would die with what is replaced.
    """

    __tablename__ = "reserved_inputs"
    __table_args__ = (
        Index(
            "uq_reserved_inputs_live",
            "network",
            "txid",
            "vout",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    set_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempt_sets.id"), index=True)
    network: Mapped[str]
    txid: Mapped[str]
    vout: Mapped[int]
    units: Mapped[int] = mapped_column(Units)
    from_deposit: Mapped[bool]
    released_at: Mapped[datetime | None]


class MoveRow(Base):
    """What a set that pays nobody is for: our own money, from one of our places to another."""

    __tablename__ = "moves"
    __table_args__ = (
        CheckConstraint(f"booked IN ({_BOOKED})", name="booked_known"),
        CheckConstraint("units >= 0", name="units_not_negative"),
        CheckConstraint("ended_at IS NULL OR booked <> 'sent'", name="nothing_stays_in_transit"),
        CheckConstraint("(purpose = 'to_venue') = (venue <> '')", name="venue_named"),
        Index(
            "uq_moves_live_address",
            "network",
            "address_index",
            unique=True,
            postgresql_where=text("address_index IS NOT NULL AND ended_at IS NULL"),
        ),
        Index(
            "uq_moves_live_hot",
            "network",
            "asset",
            "purpose",
            unique=True,
            postgresql_where=text("address_index IS NULL AND ended_at IS NULL"),
        ),
    )

    set_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempt_sets.id"), primary_key=True)
    network: Mapped[str]
    purpose: Mapped[str]
    asset: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    """Nothing for a consolidation: the ledger does not tell coins apart."""
    address_index: Mapped[int | None] = mapped_column(BigInteger)
    """Of the deposit address that is swept or topped up."""
    to_cold: Mapped[bool]
    venue: Mapped[str] = mapped_column(server_default="", default="")
    """The exchange that it goes to; "" where it goes to none."""
    address: Mapped[str]
    """Who gets it: one of ours, the cold address, or our deposit address at an exchange."""
    deposits: Mapped[list[str]] = mapped_column(JSONB)
    """Those that are swept with it."""
    booked: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Why it came to nothing."""


class GasTank(Base):
    """What an EVM deposit address has of ether beside its customers' deposits: top-ups less what its sweeps cost."""

    __tablename__ = "gas_tanks"

    network: Mapped[str] = mapped_column(primary_key=True)
    address_index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    units: Mapped[int] = mapped_column(Units)


class ProposalRow(Base):
    """A movement that needs a person: money to or from the hot wallet, cold storage or an exchange being the other end."""

    __tablename__ = "treasury_proposals"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_PROPOSALS})", name="kind_known"),
        CheckConstraint(f"state IN ({_PROPOSAL_STATES})", name="state_known"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended_when_not_open"),
        Index(
            "uq_treasury_proposals_open",
            "kind",
            "network",
            "asset",
            "venue",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("(kind IN ('to_venue', 'to_wallet')) = (venue <> '')", name="venue_named"),
        CheckConstraint("state <> 'accepted' OR venue <> ''", name="accepted_has_venue"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    venue: Mapped[str] = mapped_column(server_default="", default="")
    """The exchange at the other end; "" where there is none."""
    network: Mapped[str]
    asset: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    address: Mapped[str]
    """Where a refill is to be sent."""
    reason: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class VenueMoveRow(Base):
    """One move between an exchange and the hot wallet. The row is the job; what it moves and where never changes.

    To the wallet: `client_id` is the name that the exchange hears, used once. To the exchange: `id` is that of the set
    of attempts that pays it.
    """

    __tablename__ = "venue_moves"
    __table_args__ = (
        CheckConstraint(f"direction IN ({_DIRECTIONS})", name="direction_known"),
        CheckConstraint(f"state IN ({_VENUE_STATES})", name="state_known"),
        CheckConstraint(f"booked IN ({_BOOKED})", name="booked_known"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("(state IN ('arrived', 'refused', 'failed')) = (ended_at IS NOT NULL)", name="ended_when_over"),
        # In transit in the books exactly while it is under way, arrived exactly when it is there.
        CheckConstraint(
            "(booked = 'sent') = (state = 'pending') AND (booked = 'arrived') = (state = 'arrived') "
            "AND (booked <> 'returned' OR state = 'failed')",
            name="booked_as_it_stands",
        ),
        CheckConstraint(
            "(direction = 'to_wallet') = (client_id IS NOT NULL) AND (state <> 'moving' OR direction = 'to_venue') "
            "AND (state NOT IN ('intended', 'asked', 'unknown') OR direction = 'to_wallet')",
            name="states_of_its_direction",
        ),
        CheckConstraint("client_id IS NULL OR substr(client_id::text, 15, 1) = '4'", name="client_id_is_random"),
        CheckConstraint(
            "state IN ('intended', 'refused') OR direction = 'to_venue' OR asked_at IS NOT NULL", name="asked_has_time"
        ),
        CheckConstraint(
            "state <> 'arrived' OR (txid IS NOT NULL AND coalesce(arrived_units, 0) > 0)",
            name="arrived_has_transaction",
        ),
        Index("uq_venue_moves_client_id", "client_id", unique=True),
        Index("uq_venue_moves_proposal", "proposal_id", unique=True),
        # Two alike could not be told apart at a venue that keeps no name of ours.
        Index(
            "uq_venue_moves_open",
            "venue",
            "asset",
            "direction",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "uq_venue_moves_payment",
            "network",
            "txid",
            "asset",
            unique=True,
            postgresql_where=text("txid IS NOT NULL AND direction = 'to_wallet'"),
        ),
        Index("ix_venue_moves_due", "due_at", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    venue: Mapped[str]
    network: Mapped[str]
    asset: Mapped[str]
    direction: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    """What was asked for; what arrives may be less by the venue's fee."""
    address: Mapped[str]
    """Our hot address, or our deposit address there: compared with where it comes from before anything leaves."""
    client_id: Mapped[uuid.UUID | None]
    state: Mapped[str]
    booked: Mapped[str]
    venue_id: Mapped[str | None]
    txid: Mapped[str | None]
    fee_units: Mapped[int | None] = mapped_column(Units)
    arrived_units: Mapped[int | None] = mapped_column(Units)
    proposal_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("treasury_proposals.id"))
    """The accepted proposal that it comes from; none where the policy made it."""
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Why it came to nothing."""
    trouble: Mapped[str | None]
    """Why a person has to look at it while it is under way."""
