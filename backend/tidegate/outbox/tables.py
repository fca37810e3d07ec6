"""Events by account, numbered without gaps: the counter row is locked by the commit that takes the number."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index
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
