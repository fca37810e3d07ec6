"""Exchange: quotes, exposures, conversions, orders, fills, what venues hold beyond whole units."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tidegate.database import Units

revision = "0008_exchange"
down_revision = "0007_treasury"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
UNSETTLED = "state IN ('intended', 'sent', 'open', 'unknown')"


def upgrade() -> None:
    op.create_table(
        "quotes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("from_asset", sa.String(), nullable=False),
        sa.Column("to_asset", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=True),
        sa.Column("speed", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=True),
        sa.Column("debit_units", Units(), nullable=False),
        sa.Column("deliver_units", Units(), nullable=False),
        sa.Column("rate", sa.String(), nullable=False),
        sa.Column("fee_network_units", Units(), nullable=False),
        sa.Column("fee_service_units", Units(), nullable=False),
        sa.Column("fee_spread_units", Units(), nullable=False),
        sa.Column("network_fee_max_units", Units(), nullable=False),
        sa.Column("mid", sa.String(), nullable=True),
        sa.Column("mid_at", TIME, nullable=True),
        sa.Column("route", postgresql.JSONB(), nullable=False),
        sa.Column("hedge", postgresql.JSONB(), nullable=True),
        sa.Column("usd_units", Units(), nullable=True),
        sa.Column("review_needed", sa.Boolean(), nullable=False),
        sa.Column("arrives_earliest_seconds", sa.Integer(), nullable=False),
        sa.Column("arrives_latest_seconds", sa.Integer(), nullable=False),
        sa.Column("shown", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("used_by", sa.Uuid(), nullable=True),
        sa.Column("reserved_usd_units", Units(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('withdrawal', 'conversion')", name=op.f("ck_quotes_kind_known")),
        sa.CheckConstraint("side IN ('exact_in', 'exact_out')", name=op.f("ck_quotes_side_known")),
        sa.CheckConstraint("state IN ('open', 'accepted', 'expired', 'refused')", name=op.f("ck_quotes_state_known")),
        sa.CheckConstraint(
            "(kind = 'withdrawal') = (network IS NOT NULL)", name=op.f("ck_quotes_network_of_withdrawal")
        ),
        sa.CheckConstraint("(kind = 'withdrawal') = (speed IS NOT NULL)", name=op.f("ck_quotes_speed_of_withdrawal")),
        sa.CheckConstraint("debit_units > 0 AND deliver_units > 0", name=op.f("ck_quotes_amounts_positive")),
        sa.CheckConstraint(
            "fee_network_units >= 0 AND fee_service_units >= 0 AND fee_spread_units >= 0",
            name=op.f("ck_quotes_fees_not_negative"),
        ),
        sa.CheckConstraint(
            "debit_units > fee_network_units + fee_service_units + fee_spread_units",
            name=op.f("ck_quotes_debit_above_fees"),
        ),
        sa.CheckConstraint(
            "from_asset <> to_asset OR debit_units = deliver_units + fee_network_units + fee_service_units"
            " + fee_spread_units",
            name=op.f("ck_quotes_same_asset_exact"),
        ),
        sa.CheckConstraint("reserved_usd_units >= 0", name=op.f("ck_quotes_reserved_not_negative")),
        sa.CheckConstraint("(state = 'accepted') = (used_by IS NOT NULL)", name=op.f("ck_quotes_accepted_by_one")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_quotes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("used_by", name=op.f("uq_quotes_used_by")),
    )
    op.create_index("ix_quotes_open", "quotes", ["expires_at"], postgresql_where=sa.text("state = 'open'"))
    op.create_index("ix_quotes_user_id_created_at", "quotes", ["user_id", "created_at"])

    op.create_table(
        "exposures",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("usd_units", Units(), nullable=False),
        sa.CheckConstraint("usd_units >= 0", name=op.f("ck_exposures_usd_units_not_negative")),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_exposures")),
    )

    op.create_table(
        "conversions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("withdrawal_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("from_asset", sa.String(), nullable=False),
        sa.Column("to_asset", sa.String(), nullable=False),
        sa.Column("debit_units", Units(), nullable=False),
        sa.Column("deliver_units", Units(), nullable=False),
        sa.Column("rate", sa.String(), nullable=False),
        sa.Column("fee_network_units", Units(), nullable=False),
        sa.Column("fee_service_units", Units(), nullable=False),
        sa.Column("fee_spread_units", Units(), nullable=False),
        sa.Column("mid", sa.String(), nullable=True),
        sa.Column("mid_at", TIME, nullable=True),
        sa.Column("route", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("completed_at", TIME, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('executing', 'completed', 'failed')", name=op.f("ck_conversions_state_known")),
        sa.CheckConstraint("debit_units > 0 AND deliver_units > 0", name=op.f("ck_conversions_amounts_positive")),
        sa.CheckConstraint(
            "(state = 'completed') = (completed_at IS NOT NULL)",
            name=op.f("ck_conversions_completed_at_when_completed"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_conversions_user_id_users")),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_conversions_quote_id_quotes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversions")),
        sa.UniqueConstraint("quote_id", name=op.f("uq_conversions_quote_id")),
        sa.UniqueConstraint("withdrawal_id", name=op.f("uq_conversions_withdrawal_id")),
        sa.UniqueConstraint("user_id", "reference", name=op.f("uq_conversions_user_id_reference")),
    )
    op.create_index("ix_conversions_user_id_created_at", "conversions", ["user_id", "created_at", "id"])

    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("follows", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("base_asset", sa.String(), nullable=False),
        sa.Column("quote_asset", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("base_units", Units(), nullable=False),
        sa.Column("client_order_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=True),
        sa.Column("limit_price", sa.Numeric(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("venue_order_id", sa.String(), nullable=True),
        sa.Column("filled", sa.Numeric(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('intended', 'sent', 'open', 'unknown', 'filled', 'partly_filled', 'cancelled', 'rejected')",
            name=op.f("ck_orders_state_known"),
        ),
        sa.CheckConstraint("side IN ('buy', 'sell')", name=op.f("ck_orders_side_known")),
        sa.CheckConstraint("base_units > 0", name=op.f("ck_orders_base_units_positive")),
        sa.CheckConstraint("filled >= 0", name=op.f("ck_orders_filled_not_negative")),
        sa.CheckConstraint(
            "state IN ('intended', 'cancelled') OR (quantity IS NOT NULL AND limit_price IS NOT NULL)",
            name=op.f("ck_orders_priced_when_sent"),
        ),
        sa.ForeignKeyConstraint(
            ["conversion_id"], ["conversions.id"], name=op.f("fk_orders_conversion_id_conversions")
        ),
        sa.ForeignKeyConstraint(["follows"], ["orders.id"], name=op.f("fk_orders_follows_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("client_order_id", name=op.f("uq_orders_client_order_id")),
        sa.UniqueConstraint("follows", name=op.f("uq_orders_follows")),
    )
    op.create_index("ix_orders_conversion_id", "orders", ["conversion_id"])
    op.create_index("ix_orders_due_at", "orders", ["due_at"], postgresql_where=sa.text(UNSETTLED))

    op.create_table(
        "fills",
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("trade_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("quote_quantity", sa.Numeric(), nullable=False),
        sa.Column("fee", sa.Numeric(), nullable=False),
        sa.Column("fee_asset", sa.String(), nullable=False),
        sa.Column("booked_at", TIME, nullable=False),
        sa.CheckConstraint(
            "quantity > 0 AND quote_quantity >= 0 AND price > 0 AND fee >= 0", name=op.f("ck_fills_amounts_sane")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fills_order_id_orders")),
        sa.PrimaryKeyConstraint("venue", "symbol", "trade_id", name=op.f("pk_fills")),
    )
    op.create_index("ix_fills_order_id", "fills", ["order_id"])

    op.create_table(
        "venue_dust",
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("residue", sa.Numeric(), nullable=False),
        sa.CheckConstraint("residue >= 0 AND residue < 1", name=op.f("ck_venue_dust_residue_below_one")),
        sa.PrimaryKeyConstraint("venue", "asset", name=op.f("pk_venue_dust")),
    )


def downgrade() -> None:
    for table in ("venue_dust", "fills", "orders", "conversions", "exposures", "quotes"):
        op.drop_table(table)
