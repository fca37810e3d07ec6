"""Tables of the wallets room. `deposits` is what the chain showed us; the ledger is what was booked for it."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Units


class AddressIndex(Base):
    """The one sequence of deposit addresses of a family of keys. Locked to hand one out; only watched indexes are."""

    __tablename__ = "address_index"
    __table_args__ = (CheckConstraint("0 <= next_index AND next_index <= watched_upto", name="watched_first"),)

    family: Mapped[str] = mapped_column(primary_key=True)
    next_index: Mapped[int]
    watched_upto: Mapped[int]


class DepositAddress(Base):
    """An address of one user, for ever. `network` is the one it was given out for; `family` all that have its keys."""

    __tablename__ = "deposit_addresses"
    __table_args__ = (
        UniqueConstraint("family", "index"),
        UniqueConstraint("family", "address"),
        CheckConstraint("index >= 0", name="index_not_negative"),
        Index("ix_deposit_addresses_user_id_network", "user_id", "network"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    network: Mapped[str]
    index: Mapped[int]
    address: Mapped[str]
    created_at: Mapped[datetime]
    family: Mapped[str] = mapped_column(Computed("CASE WHEN left(address, 2) = '0x' THEN 'evm' ELSE network END"))


class AddressHandout(Base):
    """For which asset an address was given out. On EVM networks one address takes them all."""

    __tablename__ = "address_handouts"
    __table_args__ = (
        UniqueConstraint("address_id", "asset"),
        Index("ix_address_handouts_user_id_created_at_id", "user_id", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    address_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deposit_addresses.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    asset: Mapped[str]
    created_at: Mapped[datetime]


class DepositRow(Base):
    """One payment to one of our addresses. `booked` says whose account holds it; `epoch` counts undone bookings.

    A transaction that runs again in another block may pay somebody else at the same place: another row, and at most
    one of them is booked.
    """

    __tablename__ = "deposits"
    __table_args__ = (
        UniqueConstraint("network", "txid", "index", "address_id"),
        CheckConstraint(
            "state IN ('detected', 'confirming', 'credited', 'below_minimum', 'screening', 'held', 'reorged', 'unknown_asset')",
            name="state_known",
        ),
        CheckConstraint("booked IS NULL OR booked IN ('customer', 'suspense')", name="booked_known"),
        CheckConstraint(
            "(state = 'credited') = (booked IS NOT NULL AND booked = 'customer')", name="credited_is_with_the_customer"
        ),
        CheckConstraint("reason IS NULL OR reason IN ('other_network', 'unattributed')", name="reason_known"),
        CheckConstraint("finality IS NULL OR finality IN ('safe', 'finalized')", name="finality_known"),
        CheckConstraint(
            "(asset = 'UNKNOWN') = (contract IS NOT NULL) AND (contract IS NULL OR booked IS NULL)",
            name="unknown_token_is_in_no_book",
        ),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("epoch >= 0 AND version > 0", name="counts"),
        Index("ix_deposits_user_id_detected_at_id", "user_id", "detected_at", "id"),
        Index("ix_deposits_open", "network", postgresql_where=text("final_at IS NULL")),
        Index("ix_deposits_uncleared", "network", postgresql_where=text("booked IS DISTINCT FROM 'customer'")),
        Index("ix_deposits_address_id", "address_id"),
        Index("ix_deposits_state_detected_at_id", "state", "detected_at", "id"),
        Index(
            "uq_deposits_booked",
            "network",
            "txid",
            "index",
            unique=True,
            postgresql_where=text("booked IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    network: Mapped[str]
    txid: Mapped[str]
    index: Mapped[int]
    asset: Mapped[str]
    units: Mapped[int] = mapped_column(Units)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    address_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deposit_addresses.id"))
    address: Mapped[str]
    state: Mapped[str]
    sub_status: Mapped[str | None]
    reason: Mapped[str | None]
    contract: Mapped[str | None]
    booked: Mapped[str | None]
    explained: Mapped[bool]
    explained_by: Mapped[str | None]
    epoch: Mapped[int]
    version: Mapped[int]
    confirmations: Mapped[int]
    confirmations_required: Mapped[int]
    finality: Mapped[str | None]
    deep: Mapped[bool]
    block_hash: Mapped[str | None]
    block_height: Mapped[int | None] = mapped_column(BigInteger)
    detected_at: Mapped[datetime]
    since: Mapped[datetime]
    credited_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    final_at: Mapped[datetime | None]


class Receivable(Base):
    """What a customer owes us after a reorg took back money already spent. Together they are the ledger's account."""

    __tablename__ = "receivables"
    __table_args__ = (CheckConstraint("units >= 0", name="units_not_negative"),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    units: Mapped[int] = mapped_column(Units)


class ScanCursor(Base):
    """How far a network was scanned, and whether its node was fit the last time we asked. `version` counts what was
    stored: a scan that began before another one was stored stores nothing."""

    __tablename__ = "scan_cursors"

    network: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str | None]
    fit: Mapped[bool]
    reason: Mapped[str]
    height: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[datetime]
    scanned_at: Mapped[datetime | None]
    scanned_height: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)


class EtherFlow(Base):
    """What moved an account's ether and was no deposit, as far as blocks show it: gas that we sent it, what it spent."""

    __tablename__ = "ether_flows"
    __table_args__ = (Index("ix_ether_flows_network_address", "network", "address"),)

    network: Mapped[str] = mapped_column(primary_key=True)
    txid: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    units: Mapped[int] = mapped_column(Units)
    block_height: Mapped[int] = mapped_column(BigInteger)


class BeneficiaryRow(Base):
    """A saved destination of one user."""

    __tablename__ = "beneficiaries"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending_confirmation', 'cooling_down', 'active', 'suspended', 'archived')", name="state_known"
        ),
        CheckConstraint("state <> 'cooling_down' OR available_at IS NOT NULL", name="cooling_ends"),
        CheckConstraint("version > 0", name="version_positive"),
        Index(
            "uq_beneficiaries_living",
            "user_id",
            "network",
            "asset",
            "address",
            unique=True,
            postgresql_where=text("state <> 'archived'"),
        ),
        Index("ix_beneficiaries_user_id_created_at_id", "user_id", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    label: Mapped[str]
    asset: Mapped[str]
    network: Mapped[str]
    address: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    since: Mapped[datetime]
    available_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int]


class SentTo(Base):
    """Addresses a user really paid, never those that paid him: what lookalikes are compared with."""

    __tablename__ = "sent_to"
    __table_args__ = (CheckConstraint("times > 0", name="times_positive"),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
