"""wallets: deposit addresses, deposits, receivables, scan cursors, beneficiaries, paid addresses."""

import sqlalchemy as sa
from alembic import op

from tidegate.database import Units

revision = "0006_wallets"
down_revision = "0005_compliance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _addresses()
    _deposits()
    _destinations()


def _addresses() -> None:
    op.create_table(
        "address_index",
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("next_index", sa.Integer(), nullable=False),
        sa.Column("watched_upto", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= next_index AND next_index <= watched_upto", name=op.f("ck_address_index_watched_first")
        ),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_address_index")),
    )
    op.create_table(
        "deposit_addresses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("index >= 0", name=op.f("ck_deposit_addresses_index_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_deposit_addresses_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_addresses")),
        sa.UniqueConstraint("network", "index", name=op.f("uq_deposit_addresses_network_index")),
        sa.UniqueConstraint("network", "address", name=op.f("uq_deposit_addresses_network_address")),
    )
    op.create_index("ix_deposit_addresses_user_id_network", "deposit_addresses", ["user_id", "network"])
    op.create_table(
        "address_handouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["deposit_addresses.id"], name=op.f("fk_address_handouts_address_id_deposit_addresses")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_address_handouts_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_handouts")),
        sa.UniqueConstraint("address_id", "asset", name=op.f("uq_address_handouts_address_id_asset")),
    )
    op.create_index("ix_address_handouts_user_id_created_at_id", "address_handouts", ["user_id", "created_at", "id"])


def _deposits() -> None:
    op.create_table(
        "deposits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("txid", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sub_status", sa.String(), nullable=True),
        sa.Column("booked", sa.String(), nullable=True),
        sa.Column("explained", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("confirmations_required", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.String(), nullable=True),
        sa.Column("block_height", sa.BigInteger(), nullable=True),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("credited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("final_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('detected', 'confirming', 'credited', 'below_minimum', 'screening', 'held', 'reorged', 'unknown_asset')",
            name=op.f("ck_deposits_state_known"),
        ),
        sa.CheckConstraint(
            "booked IS NULL OR booked IN ('customer', 'suspense')", name=op.f("ck_deposits_booked_known")
        ),
        sa.CheckConstraint(
            "(state = 'credited') = (booked IS NOT NULL AND booked = 'customer')",
            name=op.f("ck_deposits_credited_is_with_the_customer"),
        ),
        sa.CheckConstraint("units > 0", name=op.f("ck_deposits_units_positive")),
        sa.CheckConstraint("epoch >= 0 AND version > 0", name=op.f("ck_deposits_counts")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_deposits_user_id_users")),
        sa.ForeignKeyConstraint(
            ["address_id"], ["deposit_addresses.id"], name=op.f("fk_deposits_address_id_deposit_addresses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposits")),
        sa.UniqueConstraint("network", "txid", "index", name=op.f("uq_deposits_network_txid_index")),
    )
    op.create_index("ix_deposits_user_id_detected_at_id", "deposits", ["user_id", "detected_at", "id"])
    op.create_index("ix_deposits_open", "deposits", ["network"], postgresql_where=sa.text("final_at IS NULL"))
    op.create_table(
        "receivables",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.CheckConstraint("units >= 0", name=op.f("ck_receivables_units_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_receivables_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "asset", name=op.f("pk_receivables")),
    )
    op.create_table(
        "scan_cursors",
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=True),
        sa.Column("fit", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_scan_cursors")),
    )


def _destinations() -> None:
    op.create_table(
        "beneficiaries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending_confirmation', 'cooling_down', 'active', 'suspended', 'archived')",
            name=op.f("ck_beneficiaries_state_known"),
        ),
        sa.CheckConstraint(
            "state <> 'cooling_down' OR available_at IS NOT NULL", name=op.f("ck_beneficiaries_cooling_ends")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_beneficiaries_version_positive")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_beneficiaries_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beneficiaries")),
    )
    op.create_index(
        "uq_beneficiaries_living",
        "beneficiaries",
        ["user_id", "network", "asset", "address"],
        unique=True,
        postgresql_where=sa.text("state <> 'archived'"),
    )
    op.create_index("ix_beneficiaries_user_id_created_at_id", "beneficiaries", ["user_id", "created_at", "id"])
    op.create_table(
        "sent_to",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("times > 0", name=op.f("ck_sent_to_times_positive")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sent_to_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "network", "address", name=op.f("pk_sent_to")),
    )


def downgrade() -> None:
    for table in (
        "sent_to",
        "beneficiaries",
        "scan_cursors",
        "receivables",
        "deposits",
        "address_handouts",
        "deposit_addresses",
        "address_index",
    ):
        op.drop_table(table)
