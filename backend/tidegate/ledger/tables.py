"""Accounts with their balances, transfers that never change. Only the function `ledger_post` writes here."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, SmallInteger, Text, UniqueConstraint
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
    moved_at: Mapped[datetime]


class TransferRow(Base):
    """One wide row for both sides: each side's running balance and gap-free number on its account.

    `key` and `n` are the posting and the place in its group; `id` is the submission's own, so that asking again after
    an unknown end is told from a stranger's duplicate. No foreign keys and no index but the three that prove something:
    each costs posting speed (docs/decisions/0009-one-wide-row-per-transfer.md).
    """

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        UniqueConstraint("debit_account", "debit_sequence"),
        UniqueConstraint("credit_account", "credit_sequence"),
        CheckConstraint("n > 0", name="n_positive"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("debit_account <> credit_account", name="two_accounts"),
    )

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    id: Mapped[uuid.UUID]
    event: Mapped[str] = mapped_column(Text)
    units: Mapped[int] = mapped_column(Units)
    debit_account: Mapped[int] = mapped_column(BigInteger)
    debit_sequence: Mapped[int] = mapped_column(BigInteger)
    debit_balance: Mapped[int] = mapped_column(Units)
    credit_account: Mapped[int] = mapped_column(BigInteger)
    credit_sequence: Mapped[int] = mapped_column(BigInteger)
    credit_balance: Mapped[int] = mapped_column(Units)
    posted_at: Mapped[datetime]


class LaneReceipt(Base):
    """A submission without a posting that was committed; kept for as long as somebody may ask again."""

    __tablename__ = "lane_receipts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
