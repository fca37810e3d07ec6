"""Treasury: hot wallets, attempts, reserved inputs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tidegate.database import Units

revision = "0007_treasury"
down_revision = "0006_wallets"
branch_labels = None
depends_on = None

STATES = "'built', 'signed', 'broadcast', 'seen', 'mined', 'final', 'reverted', 'replaced', 'dropped', 'unknown'"


def upgrade() -> None:
    op.create_table(
        "hot_wallets",
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("next_nonce", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("next_nonce >= 0", name=op.f("ck_hot_wallets_next_nonce_not_negative")),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_hot_wallets")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("hot_address", sa.String(), nullable=True),
        sa.Column("nonce", sa.BigInteger(), nullable=True),
        sa.Column("plan", JSONB(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("txid", sa.String(), nullable=True),
        sa.Column("fee_units", Units(), nullable=True),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.String(), nullable=True),
        sa.Column("block_height", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("broadcast_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mined_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_attempts_state_known")),
        sa.CheckConstraint(
            "state = 'built' OR state = 'dropped' OR (raw IS NOT NULL AND txid IS NOT NULL)",
            name=op.f("ck_attempts_signed_has_bytes"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_payout_id"), "attempts", ["payout_id"])
    op.create_index(
        "uq_attempts_live_payout",
        "attempts",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('dropped', 'replaced', 'reverted')"),
    )
    op.create_index(
        "uq_attempts_live_nonce",
        "attempts",
        ["network", "hot_address", "nonce"],
        unique=True,
        postgresql_where=sa.text("nonce IS NOT NULL AND state NOT IN ('replaced', 'dropped')"),
    )
    op.create_index("uq_attempts_network_txid", "attempts", ["network", "txid"], unique=True)
    op.create_table(
        "reserved_inputs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("txid", sa.String(), nullable=False),
        sa.Column("vout", sa.Integer(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("from_deposit", sa.Boolean(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_reserved_inputs_attempt_id_attempts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserved_inputs")),
    )
    op.create_index(op.f("ix_reserved_inputs_attempt_id"), "reserved_inputs", ["attempt_id"])
    op.create_index(
        "uq_reserved_inputs_live",
        "reserved_inputs",
        ["network", "txid", "vout"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("reserved_inputs")
    op.drop_table("attempts")
    op.drop_table("hot_wallets")
