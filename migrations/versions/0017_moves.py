"""The house's own moves: sweeps, top-ups, consolidations, cold storage; what it proposes to a person."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tidegate.database import Units

revision = "0017_moves"
down_revision = "0016_sets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "moves",
        sa.Column("set_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("address_index", sa.BigInteger(), nullable=True),
        sa.Column("to_cold", sa.Boolean(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("deposits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("booked", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint("booked IN ('nothing', 'sent', 'arrived', 'returned')", name=op.f("ck_moves_booked_known")),
        sa.CheckConstraint("units >= 0", name=op.f("ck_moves_units_not_negative")),
        sa.CheckConstraint("ended_at IS NULL OR booked <> 'sent'", name=op.f("ck_moves_nothing_stays_in_transit")),
        sa.ForeignKeyConstraint(["set_id"], ["attempt_sets.id"], name=op.f("fk_moves_set_id_attempt_sets")),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_moves")),
    )
    op.create_index(
        "uq_moves_live_address",
        "moves",
        ["network", "address_index"],
        unique=True,
        postgresql_where=sa.text("address_index IS NOT NULL AND ended_at IS NULL"),
    )
    op.create_index(
        "uq_moves_live_hot",
        "moves",
        ["network", "asset", "purpose"],
        unique=True,
        postgresql_where=sa.text("address_index IS NULL AND ended_at IS NULL"),
    )
    op.create_table(
        "gas_tanks",
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("address_index", sa.BigInteger(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.PrimaryKeyConstraint("network", "address_index", name=op.f("pk_gas_tanks")),
    )
    op.create_table(
        "treasury_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('refill', 'surplus')", name=op.f("ck_treasury_proposals_kind_known")),
        sa.CheckConstraint("state IN ('open', 'done', 'dismissed')", name=op.f("ck_treasury_proposals_state_known")),
        sa.CheckConstraint("units > 0", name=op.f("ck_treasury_proposals_units_positive")),
        sa.CheckConstraint(
            "(state = 'open') = (ended_at IS NULL)", name=op.f("ck_treasury_proposals_ended_when_not_open")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treasury_proposals")),
    )
    op.create_index(
        "uq_treasury_proposals_open",
        "treasury_proposals",
        ["kind", "network", "asset"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )

    op.execute(
        "INSERT INTO role_permissions (role, permission) VALUES ('treasurer', 'ops.treasury'), "
        "('administrator', 'ops.treasury')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM role_permissions WHERE permission = 'ops.treasury'")
    op.drop_table("treasury_proposals")
    op.drop_table("gas_tanks")
    op.drop_table("moves")
