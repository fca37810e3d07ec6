"""Tables of the compliance room. Screenings and approvals are evidence: written once, never changed."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.compliance.rules import Cause
from tidegate.database import Base

_CAUSES = ", ".join(f"'{cause.value}'" for cause in Cause)


class ScreeningRow(Base):
    """What was asked of which list, and what it said. A subject may be screened again: the newest counts."""

    __tablename__ = "screenings"
    __table_args__ = (
        CheckConstraint("verdict IN ('pass', 'hold', 'block')", name="verdict_known"),
        Index("ix_screenings_subject_kind_subject_id", "subject_kind", "subject_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject_kind: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    verdict: Mapped[str]
    reason: Mapped[str]
    inputs: Mapped[dict[str, Any]]
    list_version: Mapped[str | None]
    at: Mapped[datetime]


class ApprovalRequest(Base):
    """Something that waits for people. `digest` is of the content they look at; another content is another request."""

    __tablename__ = "approval_requests"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "digest"),
        # Lets `approvals` name the requester in its foreign key, so that its CHECK compares with the truth.
        UniqueConstraint("id", "requester"),
        CheckConstraint("needed > 0", name="needed_positive"),
        CheckConstraint("state IN ('pending', 'approved', 'rejected')", name="state_known"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided_when_not_pending"),
        Index("ix_approval_requests_created_at_id", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    digest: Mapped[str]
    requester: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    summary: Mapped[dict[str, Any]]
    needed: Mapped[int]
    state: Mapped[str]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class Approval(Base):
    """One person's answer to one request."""

    __tablename__ = "approvals"
    __table_args__ = (
        ForeignKeyConstraint(["request_id", "requester"], ["approval_requests.id", "approval_requests.requester"]),
        UniqueConstraint("request_id", "approver"),
        CheckConstraint("approver <> requester", name="not_own"),
        CheckConstraint("verdict IN ('approve', 'reject')", name="verdict_known"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    request_id: Mapped[uuid.UUID]
    requester: Mapped[uuid.UUID]
    approver: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    verdict: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class LimitCounter(Base):
    """What a user sent out on a day, in US cents. Raised only by an update that checks the cap itself."""

    __tablename__ = "limit_counters"
    __table_args__ = (CheckConstraint("usd_cents >= 0", name="not_negative"),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    usd_cents: Mapped[int] = mapped_column(BigInteger)


class PauseRow(Base):
    """An asset (or `*`) whose payouts and credits stand still. The row is the pause; resuming deletes it."""

    __tablename__ = "pauses"

    asset: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime]
    by: Mapped[str]
    reason: Mapped[str]


class FreezeRow(Base):
    """An asset (or `*`) that the house itself stopped, until a person releases it with a reason. Kept for ever; a trigger
    lets nothing of it change but what was found, and its release once (migration 0026)."""

    __tablename__ = "freezes"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_CAUSES})", name="kind_known"),
        CheckConstraint("kind <> 'restored' OR asset = '*'", name="restored_is_everything"),
        CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (release_reason IS NULL) "
            "AND (released_at IS NULL) = (forced IS NULL)",
            name="released_by_somebody",
        ),
        CheckConstraint("length(release_reason) >= 3", name="released_with_words"),
        Index(
            "uq_freezes_standing", "kind", "asset", "place", unique=True, postgresql_where=text("released_at IS NULL")
        ),
        Index("ix_freezes_at_id", "at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    asset: Mapped[str]
    place: Mapped[str]
    """The network or exchange, `ledger`, or for a restored database the name of its backup."""
    reason: Mapped[str]
    """For operators: which term, and by how much."""
    found: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    """When what was signed since the backup was last compared."""
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
    release_reason: Mapped[str | None]
    forced: Mapped[bool | None]
