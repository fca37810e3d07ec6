"""Endpoints and what is sent to them. An endpoint is leased as a whole: at most one message is under way to it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import String

from tidegate.database import Base


class Endpoint(Base):
    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        UniqueConstraint("user_id", "slot"),
        CheckConstraint("slot BETWEEN 1 AND 10", name="slot_known"),
        CheckConstraint("enabled = (disabled IS NULL)", name="disabled_for_a_reason"),
        CheckConstraint("disabled IN ('owner', 'gone', 'failing')", name="disabled_known"),
        CheckConstraint("(secret_before IS NULL) = (before_until IS NULL)", name="secret_before_ends"),
        CheckConstraint("sequence >= 0", name="sequence_not_negative"),
        CheckConstraint("failures >= 0", name="failures_not_negative"),
        CheckConstraint("version > 0", name="version_positive"),
        Index("ix_webhook_endpoints_due_at", "due_at", postgresql_where=text("enabled")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    slot: Mapped[int]
    """Which of the account's places it has: so that no race makes one more than there are."""
    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(String()))
    """Empty: every kind."""
    enabled: Mapped[bool]
    disabled: Mapped[str | None]
    secret: Mapped[bytes]
    """Sealed, like the one before it."""
    secret_before: Mapped[bytes | None]
    before_until: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(BigInteger)
    """Up to which event of the account there are deliveries."""
    failures: Mapped[int]
    """Tries in vain since the last one that was taken."""
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger)


class Delivery(Base):
    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "sequence"),
        CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="state_known"),
        CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="waiting_is_due"),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        CheckConstraint("sequence > 0", name="sequence_positive"),
        Index("ix_webhook_deliveries_due", "endpoint_id", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_webhook_deliveries_endpoint_id_created_at_id", "endpoint_id", "created_at", "id"),
        Index("ix_webhook_deliveries_created_at", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    """Of the event; a test has none."""
    type: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    """As it is sent, byte for byte."""
    state: Mapped[str]
    tries: Mapped[int]
    """Of the present round; a delivery that is repeated begins a new one."""
    due_at: Mapped[datetime | None]
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Every try: at, status, error, milliseconds, and the beginning of what was answered."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
