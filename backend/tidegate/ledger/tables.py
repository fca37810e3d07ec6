"""Accounts with their balances, transfers that never change. Only the function `ledger_post` writes here."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Units


class Account(Base):
    """`balance` stands in the account's own direction: what a liability owes, what an asset holds."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("owner", "name", "asset", "place"),
        CheckConstraint("side IN ('debit', 'credit')", name="side_known"),
        CheckConstraint("overdraft OR balance >= 0", name="no_overdraft"),
        CheckConstraint("sequence >= 0", name="sequence_not_negative"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    owner: Mapped[uuid.UUID]
    name: Mapped[str]
    asset: Mapped[str]
    place: Mapped[str]
    side: Mapped[str]
    overdraft: Mapped[bool]
    balance: Mapped[int] = mapped_column(Units)
    sequence: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[datetime | None]


class PostingRow(Base):
    """One linked group; its key is unique for ever."""

    __tablename__ = "ledger_postings"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(index=True)
    object_id: Mapped[uuid.UUID] = mapped_column(index=True)
    posted_at: Mapped[datetime]


class TransferRow(Base):
    """One wide row for both sides: each side's running balance and gap-free number on its account."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        UniqueConstraint("debit_account", "debit_sequence"),
        UniqueConstraint("credit_account", "credit_sequence"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("debit_account <> credit_account", name="two_accounts"),
        Index("ix_ledger_transfers_posting_id", "posting_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    posting_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_postings.id"))
    event: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    debit_account: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_accounts.id"))
    debit_sequence: Mapped[int] = mapped_column(BigInteger)
    debit_balance: Mapped[int] = mapped_column(Units)
    credit_account: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_accounts.id"))
    credit_sequence: Mapped[int] = mapped_column(BigInteger)
    credit_balance: Mapped[int] = mapped_column(Units)
    posted_at: Mapped[datetime]
