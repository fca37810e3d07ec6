"""Withdrawals, their events, and the stored checks of the books. The row is the job."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Units
from tidegate.transactions.rules import ENDED, State, SubStatus

_STATES = ", ".join(f"'{state.value}'" for state in State)
_SUBS = ", ".join(f"'{sub.value}'" for sub in SubStatus)
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
        Index("ix_withdrawals_user_id_created_at", "user_id", "created_at", "id"),
        Index("ix_withdrawals_due", "state", "due_at", postgresql_where=text(f"state NOT IN ({_ENDED})")),
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
    """One row for each transition and each change of what it waits for; append-only."""

    __tablename__ = "withdrawal_events"

    withdrawal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("withdrawals.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    state: Mapped[str]
    sub_status: Mapped[str | None]
    by: Mapped[str]
    detail: Mapped[str | None]


class BooksCheck(Base):
    """Each run of the reconciliation, for the footer of every page and for the record."""

    __tablename__ = "books_checks"
    __table_args__ = (Index("ix_books_checks_at", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    verdict: Mapped[str]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
