"""Tables of the exchange room: quotes with their reservations, conversions, our orders and the venues' fills."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Units
from tidegate.exchange.rules import UNSETTLED, ConversionState, OrderState, QuoteKind, QuoteSide, QuoteState


def _one_of(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


class Quote(Base):
    """A firm price. `reserved_usd_units` counts in `exposures` until it is executed, expired or given back; so does
    `uncovered_usd_units` there, and `promised_units` in `promises`.

    `execution` is the receipt of the decision, as text: written with the row and never changed; what nobody accepted loses
    it when it expires.
    """

    __tablename__ = "quotes"
    __table_args__ = (
        CheckConstraint(_one_of("kind", QuoteKind), name="kind_known"),
        CheckConstraint(_one_of("side", QuoteSide), name="side_known"),
        CheckConstraint(_one_of("state", QuoteState), name="state_known"),
        CheckConstraint("(kind = 'withdrawal') = (network IS NOT NULL)", name="network_of_withdrawal"),
        CheckConstraint("(kind = 'withdrawal') = (speed IS NOT NULL)", name="speed_of_withdrawal"),
        CheckConstraint("debit_units > 0 AND deliver_units > 0", name="amounts_positive"),
        CheckConstraint(
            "fee_network_units >= 0 AND fee_service_units >= 0 AND fee_spread_units >= 0", name="fees_not_negative"
        ),
        CheckConstraint(
            "debit_units > fee_network_units + fee_service_units + fee_spread_units", name="debit_above_fees"
        ),
        CheckConstraint(
            "from_asset <> to_asset OR debit_units = deliver_units + fee_network_units + fee_service_units"
            " + fee_spread_units",
            name="same_asset_exact",
        ),
        CheckConstraint(
            "reserved_usd_units >= 0 AND uncovered_usd_units BETWEEN 0 AND reserved_usd_units"
            " AND promised_units BETWEEN 0 AND deliver_units",
            name="reserved_sane",
        ),
        CheckConstraint("(state = 'accepted') = (used_by IS NOT NULL)", name="accepted_by_one"),
        UniqueConstraint("used_by"),
        Index("ix_quotes_open", "expires_at", postgresql_where=text("state = 'open'")),
        Index("ix_quotes_user_id_created_at", "user_id", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    side: Mapped[str]
    from_asset: Mapped[str]
    to_asset: Mapped[str]
    network: Mapped[str | None]
    speed: Mapped[str | None]
    address: Mapped[str | None]
    beneficiary_id: Mapped[uuid.UUID | None]
    debit_units: Mapped[int] = mapped_column(Units)
    deliver_units: Mapped[int] = mapped_column(Units)
    rate: Mapped[str]
    fee_network_units: Mapped[int] = mapped_column(Units)
    fee_service_units: Mapped[int] = mapped_column(Units)
    fee_spread_units: Mapped[int] = mapped_column(Units)
    network_fee_max_units: Mapped[int] = mapped_column(Units)
    mid: Mapped[str | None]
    mid_at: Mapped[datetime | None]
    route: Mapped[list[Any]] = mapped_column(JSONB)
    hedge: Mapped[list[Any] | None] = mapped_column(JSONB)
    usd_units: Mapped[int | None] = mapped_column(Units)
    review_needed: Mapped[bool]
    arrives_earliest_seconds: Mapped[int]
    arrives_latest_seconds: Mapped[int]
    shown: Mapped[dict[str, Any]] = mapped_column(JSONB)
    execution: Mapped[str | None]
    state: Mapped[str]
    used_by: Mapped[uuid.UUID | None]
    reserved_usd_units: Mapped[int] = mapped_column(Units)
    uncovered_usd_units: Mapped[int] = mapped_column(Units, server_default="0")
    promised_units: Mapped[int] = mapped_column(Units, server_default="0")
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    version: Mapped[int]


class Exposure(Base):
    """What open prices could cost, in millionths of a dollar: one row for the house, one for each user who has any, one for
    what accounts could not pay as they stand, and one for the positions that executed prices have left open.
    """

    __tablename__ = "exposures"
    __table_args__ = (CheckConstraint("usd_units >= 0", name="usd_units_not_negative"),)

    scope: Mapped[str] = mapped_column(primary_key=True)
    usd_units: Mapped[int] = mapped_column(Units)


class Promise(Base):
    """What open prices would deliver, by asset; with a `network` what would leave there, "" for all together."""

    __tablename__ = "promises"
    __table_args__ = (CheckConstraint("units >= 0", name="units_not_negative"),)

    asset: Mapped[str] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    units: Mapped[int] = mapped_column(Units)


class Conversion(Base):
    """An exchange that was agreed; booked in the ledger by the posting of the same commit."""

    __tablename__ = "conversions"
    __table_args__ = (
        CheckConstraint(_one_of("state", ConversionState), name="state_known"),
        CheckConstraint("debit_units > 0 AND deliver_units > 0", name="amounts_positive"),
        CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name="completed_at_when_completed"),
        UniqueConstraint("quote_id"),
        UniqueConstraint("withdrawal_id"),
        UniqueConstraint("user_id", "reference"),
        Index("ix_conversions_user_id_created_at", "user_id", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    quote_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("quotes.id"))
    withdrawal_id: Mapped[uuid.UUID | None]
    reference: Mapped[str | None]
    state: Mapped[str]
    from_asset: Mapped[str]
    to_asset: Mapped[str]
    debit_units: Mapped[int] = mapped_column(Units)
    deliver_units: Mapped[int] = mapped_column(Units)
    rate: Mapped[str]
    fee_network_units: Mapped[int] = mapped_column(Units)
    fee_service_units: Mapped[int] = mapped_column(Units)
    fee_spread_units: Mapped[int] = mapped_column(Units)
    mid: Mapped[str | None]
    mid_at: Mapped[datetime | None]
    route: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    version: Mapped[int]


class Order(Base):
    """Our order at a venue. Its client order id is committed before anything is sent, and used once.

    What an ended order left is shared out once: the orders that follow it are numbered by `part`, as are those that a
    conversion begins with. A trigger sees to it that they follow what has ended and are not more than it was.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(_one_of("state", OrderState), name="state_known"),
        CheckConstraint("side IN ('buy', 'sell')", name="side_known"),
        CheckConstraint("base_units > 0", name="base_units_positive"),
        CheckConstraint("filled >= 0", name="filled_not_negative"),
        CheckConstraint(
            "state IN ('intended', 'cancelled') OR (quantity IS NOT NULL AND limit_price IS NOT NULL)",
            name="priced_when_sent",
        ),
        CheckConstraint("part >= 0 AND attempt >= 0", name="counted_from_zero"),
        CheckConstraint("(follows IS NULL) = (attempt = 0)", name="first_follows_none"),
        UniqueConstraint("client_order_id"),
        UniqueConstraint("follows", "part"),
        Index("uq_orders_first", "conversion_id", "part", unique=True, postgresql_where=text("follows IS NULL")),
        Index("ix_orders_conversion_id", "conversion_id"),
        Index("ix_orders_due_at", "due_at", postgresql_where=text(_one_of("state", UNSETTLED))),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversions.id"))
    follows: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    part: Mapped[int] = mapped_column(server_default="0")
    attempt: Mapped[int]
    venue: Mapped[str]
    symbol: Mapped[str]
    base_asset: Mapped[str]
    quote_asset: Mapped[str]
    side: Mapped[str]
    base_units: Mapped[int] = mapped_column(Units)
    client_order_id: Mapped[str]
    quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    limit_price: Mapped[Decimal | None] = mapped_column(Numeric)
    state: Mapped[str]
    venue_order_id: Mapped[str | None]
    filled: Mapped[Decimal] = mapped_column(Numeric)
    reason: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]


class Fill(Base):
    """A trade the venue made for us, in the venue's own decimals; its key is the venue's trade id, so it is booked once."""

    __tablename__ = "fills"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND quote_quantity >= 0 AND price > 0 AND fee >= 0", name="amounts_sane"),
        Index("ix_fills_order_id", "order_id"),
    )

    venue: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)
    trade_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    price: Mapped[Decimal] = mapped_column(Numeric)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    quote_quantity: Mapped[Decimal] = mapped_column(Numeric)
    fee: Mapped[Decimal] = mapped_column(Numeric)
    fee_asset: Mapped[str]
    booked_at: Mapped[datetime]


class VenueDust(Base):
    """What a venue holds beyond the whole base units in the ledger's `venue` account, in base units, from 0 to below 1."""

    __tablename__ = "venue_dust"
    __table_args__ = (CheckConstraint("residue >= 0 AND residue < 1", name="residue_below_one"),)

    venue: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    residue: Mapped[Decimal] = mapped_column(Numeric)
