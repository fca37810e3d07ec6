"""Events by account, numbered without gaps: the counter row is locked by the commit that takes the number."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
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
    at: Mapped[datetime]


class Letter(Base):
    """Written in the commit that it tells of. `sent_at` is set by who sends it."""

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('email_confirm', 'email_taken', 'email_asked', 'email_changed', 'account_closed')",
            name="kind_known",
        ),
        Index("ix_letters_waiting", "written_at", postgresql_where=text("sent_at IS NULL")),
        Index("ix_letters_recipient_written_at", "recipient", "written_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    recipient: Mapped[str]
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    written_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
