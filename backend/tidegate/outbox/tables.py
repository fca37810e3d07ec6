"""Events by account, numbered without gaps: the counter row is locked by the commit that takes the number. And mails."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base


class EventCounter(Base):
    __tablename__ = "event_counters"

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class Event(Base):
    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("sequence > 0", name="sequence_positive"),
        Index("ix_events_user_id_at", "user_id", "at"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str]
    object_id: Mapped[uuid.UUID]
    version: Mapped[int]
    standing: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Where it stood at this version, as the API tells it; null for what has no states to tell."""
    at: Mapped[datetime]


class Mail(Base):
    """One mail to one user, written with the change that it tells. The row is the job; what it says never changes."""

    __tablename__ = "mails"
    __table_args__ = (
        UniqueConstraint("kind", "object_id"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed', 'unwanted')", name="state_known"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        Index("ix_mails_due_at", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_mails_created_at", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    object_id: Mapped[uuid.UUID]
    """What it is about; with `kind` unique, so that one change is never told by two mails."""
    recipient: Mapped[str | None]
    """Where it goes; null: to the account's own address, whichever that is when it is sent."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    reason: Mapped[str | None]
    """Why the last try was in vain."""
    tries: Mapped[int]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    link_used_at: Mapped[datetime | None]
    """When the one-use link in it was used."""
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger)
