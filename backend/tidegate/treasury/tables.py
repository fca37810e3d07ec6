"""Attempts with their signed bytes, the nonces and inputs they reserve. What is unique here is paid once."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Units
from tidegate.treasury.rules import DEAD, AttemptState

_STATES = ", ".join(f"'{state.value}'" for state in AttemptState)
_DEAD = ", ".join(f"'{state.value}'" for state in sorted(DEAD))


class HotWallet(Base):
    """One row a network: the lock under which spending is decided, and the next nonce (EVM)."""

    __tablename__ = "hot_wallets"
    __table_args__ = (CheckConstraint("next_nonce >= 0", name="next_nonce_not_negative"),)

    network: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    next_nonce: Mapped[int] = mapped_column(BigInteger)


class Attempt(Base):
    """One chain transaction of one payout. `raw` is stored before anything is sent."""

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state_known"),
        CheckConstraint(
            "state = 'built' OR state = 'dropped' OR (raw IS NOT NULL AND txid IS NOT NULL)", name="signed_has_bytes"
        ),
        Index("uq_attempts_live_payout", "payout_id", unique=True, postgresql_where=text(f"state NOT IN ({_DEAD})")),
        Index(
            "uq_attempts_live_nonce",
            "network",
            "hot_address",
            "nonce",
            unique=True,
            postgresql_where=text("nonce IS NOT NULL AND state NOT IN ('replaced', 'dropped')"),
        ),
        Index("uq_attempts_network_txid", "network", "txid", unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    payout_id: Mapped[uuid.UUID] = mapped_column(index=True)
    network: Mapped[str]
    asset: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    address: Mapped[str]
    state: Mapped[str]
    hot_address: Mapped[str | None]
    nonce: Mapped[int | None] = mapped_column(BigInteger)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    txid: Mapped[str | None]
    fee_units: Mapped[int | None] = mapped_column(Units)
    confirmations: Mapped[int]
    block_hash: Mapped[str | None]
    block_height: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    broadcast_at: Mapped[datetime | None]
    mined_at: Mapped[datetime | None]


class ReservedInput(Base):
    """A Bitcoin coin that a living attempt spends; released only when the attempt is provably dead."""

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
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.id"), index=True)
    network: Mapped[str]
    txid: Mapped[str]
    vout: Mapped[int]
    units: Mapped[int] = mapped_column(Units)
    from_deposit: Mapped[bool]
    released_at: Mapped[datetime | None]
