"""Withdrawals, their events, and the stored checks of the books. The row is the job."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Units
from tidegate.transactions.rules import ENDED, State, SubStatus, TransferState

_STATES = ", ".join(f"'{state.value}'" for state in State)
_SUBS = ", ".join(f"'{sub.value}'" for sub in SubStatus)
_TRANSFER_STATES = ", ".join(f"'{state.value}'" for state in TransferState)
_ENDED = ", ".join(f"'{state.value}'" for state in sorted(ENDED))


class WithdrawalTransition(Base):
    """The allowed moves, read by the trigger that refuses all others."""

    __tablename__ = "withdrawal_transitions"

    before: Mapped[str] = mapped_column(primary_key=True)
    after: Mapped[str] = mapped_column(primary_key=True)


class Withdrawal(Base):
    __tablename__ = "withdrawals"
    __table_args__ = (
        UniqueConstraint("user_id", "reference"),
        CheckConstraint(f"state IN ({_STATES})", name="state_known"),
        CheckConstraint(f"sub_status IS NULL OR sub_status IN ({_SUBS})", name="sub_status_known"),
        CheckConstraint("debit_units > 0 AND deliver_units > 0", name="units_positive"),
        CheckConstraint(
            "fee_network_units >= 0 AND fee_service_units >= 0 AND fee_spread_units >= 0", name="fees_not_negative"
        ),
        CheckConstraint(
            "from_asset <> to_asset OR debit_units = deliver_units + fee_network_units + fee_service_units + fee_spread_units",
            name="plain_debit_is_sum",
        ),
        CheckConstraint("(verified_at IS NULL) = (authorisation IS NULL)", name="verified_has_authorisation"),
        CheckConstraint(f"state NOT IN ({_ENDED}) OR sub_status IS NULL", name="ended_waits_for_nothing"),
        CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name="completed_has_time"),
        CheckConstraint(
            "verified_at IS NOT NULL OR state IN ('pending_verification', 'cancelled', 'expired')",
            name="goes_on_only_verified",
        ),
        Index("ix_withdrawals_user_id_created_at", "user_id", "created_at", "id"),
        Index("ix_withdrawals_due", "state", "due_at", postgresql_where=text(f"state NOT IN ({_ENDED})")),
        Index("ix_withdrawals_completed_at", "completed_at", postgresql_where=text("state = 'completed'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    quote_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("quotes.id"), unique=True)
    reference: Mapped[str | None]
    network: Mapped[str]
    address: Mapped[str]
    beneficiary_id: Mapped[uuid.UUID | None]
    label: Mapped[str | None]
    from_asset: Mapped[str]
    to_asset: Mapped[str]
    debit_units: Mapped[int] = mapped_column(Units)
    deliver_units: Mapped[int] = mapped_column(Units)
    rate: Mapped[str]
    fee_network_units: Mapped[int] = mapped_column(Units)
    fee_service_units: Mapped[int] = mapped_column(Units)
    fee_spread_units: Mapped[int] = mapped_column(Units)
    usd_cents: Mapped[int] = mapped_column(BigInteger)
    review_needed: Mapped[bool]
    speed: Mapped[str]
    arrives_within: Mapped[int]
    state: Mapped[str]
    sub_status: Mapped[str | None]
    detail: Mapped[str | None]
    since: Mapped[datetime]
    expected_by: Mapped[datetime | None]
    version: Mapped[int]
    intent: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str]
    challenge_expires_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    authorisation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    conversion_id: Mapped[uuid.UUID | None]
    held_by_operator: Mapped[str | None]
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger)


class WithdrawalEvent(Base):
    """One row for each transition and each change of what it waits for: who, why, on what grounds, from where to where.

    Append-only; at commit a trigger holds the withdrawal against it: no move without its event (migration 0027)."""

    __tablename__ = "withdrawal_events"
    __table_args__ = (CheckConstraint("(version = 1) = (state_before IS NULL)", name="only_the_first_has_none_before"),)

    withdrawal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("withdrawals.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    state: Mapped[str]
    sub_status: Mapped[str | None]
    by: Mapped[str]
    detail: Mapped[str | None]
    state_before: Mapped[str | None]
    sub_status_before: Mapped[str | None]
    inputs: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What it was decided on: ids, digests, verdicts; nothing secret."""


class TrackingLink(Base):
    """A link by which a recipient follows one withdrawal. What proves it is made anew of id and expiry; it is not here."""

    __tablename__ = "tracking_links"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="lives"),
        Index(
            "uq_tracking_links_withdrawal_id",
            "withdrawal_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    withdrawal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("withdrawals.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class InternalTransfer(Base):
    """Money from one customer to another. Triggers keep it to its life and to what was agreed, and at commit hold it
    against the ledger: no state without its posting (migration 0023)."""

    __tablename__ = "internal_transfers"
    __table_args__ = (
        UniqueConstraint("user_id", "reference"),
        CheckConstraint(f"state IN ({_TRANSFER_STATES})", name="state_known"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("user_id <> recipient_id", name="two_people"),
        CheckConstraint("(to_email IS NULL) <> (to_address IS NULL)", name="one_destination"),
        CheckConstraint("(to_email IS NULL) = (from_email IS NULL)", name="names_on_both_sides"),
        CheckConstraint("(to_address IS NULL) = (network IS NULL)", name="address_has_network"),
        CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name="completed_has_time"),
        CheckConstraint("(completed_at IS NULL) = (authorisation IS NULL)", name="completed_has_authorisation"),
        Index("ix_internal_transfers_user_id_created_at", "user_id", "created_at", "id"),
        Index(
            "ix_internal_transfers_recipient_id_completed_at",
            "recipient_id",
            "completed_at",
            "id",
            postgresql_where=text("completed_at IS NOT NULL"),
        ),
        Index(
            "ix_internal_transfers_unverified",
            "challenge_expires_at",
            postgresql_where=text("state = 'pending_verification'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    recipient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    reference: Mapped[str | None]
    asset: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    to_email: Mapped[str | None]
    from_email: Mapped[str | None]
    """Shown to the recipient; null when the sender paid an address and did not know whose it is."""
    to_address: Mapped[str | None]
    network: Mapped[str | None]
    usd_cents: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    detail: Mapped[str | None]
    since: Mapped[datetime]
    version: Mapped[int]
    intent: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str]
    challenge_expires_at: Mapped[datetime]
    authorisation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class InternalTransferEvent(Base):
    """One row for each state it came to; append-only."""

    __tablename__ = "internal_transfer_events"

    transfer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("internal_transfers.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    state: Mapped[str]
    by: Mapped[str]
    detail: Mapped[str | None]


class BooksCheck(Base):
    """Each run of the reconciliation, for the footer of every page and for the record: every term of every line, what
    could not be asked and why, and how long it took."""

    __tablename__ = "books_checks"
    __table_args__ = (
        CheckConstraint("verdict IN ('exact', 'differs', 'unchecked')", name="verdict_known"),
        Index("ix_books_checks_at", "at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    verdict: Mapped[str]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    milliseconds: Mapped[int] = mapped_column(server_default="0", default=0)
