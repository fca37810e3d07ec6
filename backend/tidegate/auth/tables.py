"""Tables of the auth room. Secrets are stored as digests, seeds encrypted; nothing here lets anybody sign in."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base


class User(Base):
    """A person or program with an account. `epoch` goes up to end every session at once; `version` counts changes."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email_canonical"),
        CheckConstraint("(frozen_at IS NULL) = (frozen_by IS NULL)", name="frozen_by_somebody"),
        CheckConstraint("frozen_by IN ('owner', 'operator')", name="frozen_by_known"),
        CheckConstraint("(held_until IS NULL) = (held_since IS NULL) AND held_until > held_since", name="hold_whole"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_canonical: Mapped[str]
    email_confirmed_at: Mapped[datetime | None]
    name: Mapped[str | None]
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime]
    language: Mapped[str] = mapped_column(server_default=text("'en'"))
    currency: Mapped[str] = mapped_column(server_default=text("'USD'"))
    notices: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    epoch: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]
    frozen_by: Mapped[str | None]
    """`owner`, who can lift it with the second factor, or `operator`, which only an operator lifts."""
    held_since: Mapped[datetime | None]
    held_until: Mapped[datetime | None]
    """Until then nothing new leaves: the e-mail address changed. Ends by itself."""
    closed_at: Mapped[datetime | None]
    """Nobody signs in any more; the books stay."""


class EmailChange(Base):
    """A wish for another address: of one user one at a time, done by the link that went there."""

    __tablename__ = "email_changes"
    __table_args__ = (
        CheckConstraint("expires_at > asked_at", name="expires_later"),
        CheckConstraint("confirmed_at IS NULL OR dropped_at IS NULL", name="one_end"),
        CheckConstraint("confirmed_at < expires_at", name="confirmed_in_time"),
        Index(
            "uq_email_changes_user_id_open",
            "user_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NULL AND dropped_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    email: Mapped[str]
    email_canonical: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]


class Role(Base):
    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(primary_key=True)


class RolePermission(Base):
    """Which role may do what. Rows, so that an organisation can cut its roles to fit."""

    __tablename__ = "role_permissions"

    role: Mapped[str] = mapped_column(ForeignKey("roles.name", ondelete="CASCADE"), primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)


class UserRole(Base):
    __tablename__ = "user_roles"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(ForeignKey("roles.name"), primary_key=True)
    granted_at: Mapped[datetime]


class Session(Base):
    """A browser's session, or the family of refresh tokens of an API client: the row both revocations look at."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("credential IN ('cookie', 'bearer')", name="credential_known"),
        CheckConstraint("(credential = 'cookie') = (token_digest IS NOT NULL)", name="cookie_has_token"),
        UniqueConstraint("token_digest"),
        Index("ix_sessions_user_id_created_at", "user_id", "created_at"),
        Index("ix_sessions_previous_digest", "previous_digest", postgresql_where=text("previous_digest IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    credential: Mapped[str]
    token_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The value before the last rotation; taken for some seconds, for requests already on their way."""
    rotated_at: Mapped[datetime | None]
    epoch: Mapped[int]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    second_factor_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RefreshTokenRow(Base):
    """One link of a family. Its successor's value is derived from its own, so a repeated answer needs no secret stored."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (UniqueConstraint("token_digest"), Index("ix_refresh_tokens_session_id", "session_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    token_digest: Mapped[bytes] = mapped_column(LargeBinary)
    device_digest: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    successor_id: Mapped[uuid.UUID | None]


class TotpFactor(Base):
    """The authenticator of a user. `last_step` only grows: a code of an older step is a used code."""

    __tablename__ = "totp_factors"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class TotpUse(Base):
    """Each accepted code, for ever: (user, step) is unique, whatever the code was written like."""

    __tablename__ = "totp_uses"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    used_at: Mapped[datetime]


class RecoveryCode(Base):
    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "digest"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """HMAC-SHA-256 under the house key: 80 random bits, and a stolen table alone cannot be searched."""
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RateCounter(Base):
    """GCRA: `spent_until` is when all that was taken has come back. Unlogged: a crash forgives."""

    __tablename__ = "rate_counters"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    key: Mapped[str] = mapped_column(primary_key=True)
    spent_until: Mapped[datetime]
