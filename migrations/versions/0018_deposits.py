"""deposits: one sequence of addresses for each family of keys, held and unknown arrivals, ether that nobody announced."""

import sqlalchemy as sa
from alembic import op

from tidegate.database import Units

revision = "0018_deposits"
down_revision = "0017_moves"
branch_labels = None
depends_on = None

# Every EVM network has the same keys, so the same address on each: one family (wallets/rules.py says the same).
_FAMILY = "CASE WHEN left(address, 2) = '0x' THEN 'evm' ELSE network END"


def upgrade() -> None:
    _families()
    _deposits()
    _scans()


def _families() -> None:
    op.execute(f"ALTER TABLE deposit_addresses ADD family varchar GENERATED ALWAYS AS ({_FAMILY}) STORED NOT NULL")
    op.drop_constraint("uq_deposit_addresses_network_index", "deposit_addresses")
    op.drop_constraint("uq_deposit_addresses_network_address", "deposit_addresses")
    # Two owners of one address cannot be parted by a migration: then this fails, and a person decides whose it is.
    op.create_unique_constraint("uq_deposit_addresses_family_address", "deposit_addresses", ["family", "address"])
    op.create_unique_constraint("uq_deposit_addresses_family_index", "deposit_addresses", ["family", "index"])
    op.execute("CREATE TEMPORARY TABLE was ON COMMIT DROP AS SELECT * FROM address_index")
    op.execute("DELETE FROM address_index")
    op.alter_column("address_index", "network", new_column_name="family")
    # A sequence of which nothing was handed out says no kind of network: the worker makes it anew.
    op.execute(
        "INSERT INTO address_index (family, next_index, watched_upto) "
        "SELECT f.family, max(w.next_index), max(w.watched_upto) FROM was w "
        "JOIN (SELECT DISTINCT network, family FROM deposit_addresses) f USING (network) GROUP BY f.family"
    )


def _deposits() -> None:
    op.add_column("deposits", sa.Column("contract", sa.String(), nullable=True))
    op.add_column("deposits", sa.Column("reason", sa.String(), nullable=True))
    op.add_column("deposits", sa.Column("finality", sa.String(), nullable=True))
    op.add_column("deposits", sa.Column("explained_by", sa.String(), nullable=True))
    op.add_column("deposits", sa.Column("deep", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE deposits SET deep = confirmations >= confirmations_required")
    op.alter_column("deposits", "deep", server_default=None)
    op.drop_constraint("uq_deposits_network_txid_index", "deposits")
    op.create_unique_constraint(
        "uq_deposits_network_txid_index_address_id", "deposits", ["network", "txid", "index", "address_id"]
    )
    op.create_index(
        "uq_deposits_booked",
        "deposits",
        ["network", "txid", "index"],
        unique=True,
        postgresql_where=sa.text("booked IS NOT NULL"),
    )
    op.create_index("ix_deposits_address_id", "deposits", ["address_id"])
    op.create_index("ix_deposits_state_detected_at_id", "deposits", ["state", "detected_at", "id"])
    op.create_check_constraint(
        op.f("ck_deposits_reason_known"), "deposits", "reason IS NULL OR reason IN ('other_network', 'unattributed')"
    )
    op.create_check_constraint(
        op.f("ck_deposits_finality_known"), "deposits", "finality IS NULL OR finality IN ('safe', 'finalized')"
    )
    op.create_check_constraint(
        op.f("ck_deposits_unknown_token_is_in_no_book"),
        "deposits",
        "(asset = 'UNKNOWN') = (contract IS NOT NULL) AND (contract IS NULL OR booked IS NULL)",
    )


def _scans() -> None:
    op.add_column("scan_cursors", sa.Column("scanned_height", sa.BigInteger(), nullable=True))
    op.add_column("scan_cursors", sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("scan_cursors", "version", server_default=None)
    op.create_table(
        "ether_flows",
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("txid", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("network", "txid", "address", name=op.f("pk_ether_flows")),
    )
    op.create_index("ix_ether_flows_network_address", "ether_flows", ["network", "address"])


def downgrade() -> None:
    op.drop_table("ether_flows")
    op.drop_column("scan_cursors", "version")
    op.drop_column("scan_cursors", "scanned_height")
    op.drop_constraint(op.f("ck_deposits_unknown_token_is_in_no_book"), "deposits")
    op.drop_constraint(op.f("ck_deposits_finality_known"), "deposits")
    op.drop_constraint(op.f("ck_deposits_reason_known"), "deposits")
    op.drop_index("ix_deposits_state_detected_at_id", "deposits")
    op.drop_index("ix_deposits_address_id", "deposits")
    op.drop_index("uq_deposits_booked", "deposits")
    op.drop_constraint("uq_deposits_network_txid_index_address_id", "deposits")
    op.create_unique_constraint("uq_deposits_network_txid_index", "deposits", ["network", "txid", "index"])
    for column in ("deep", "explained_by", "finality", "reason", "contract"):
        op.drop_column("deposits", column)
    op.execute("CREATE TEMPORARY TABLE was ON COMMIT DROP AS SELECT * FROM address_index")
    op.execute("DELETE FROM address_index")
    op.alter_column("address_index", "family", new_column_name="network")
    op.execute(
        "INSERT INTO address_index (network, next_index, watched_upto) "
        "SELECT DISTINCT a.network, w.next_index, w.watched_upto FROM was w JOIN deposit_addresses a USING (family)"
    )
    op.drop_constraint("uq_deposit_addresses_family_index", "deposit_addresses")
    op.drop_constraint("uq_deposit_addresses_family_address", "deposit_addresses")
    op.drop_column("deposit_addresses", "family")
    op.create_unique_constraint("uq_deposit_addresses_network_address", "deposit_addresses", ["network", "address"])
    op.create_unique_constraint("uq_deposit_addresses_network_index", "deposit_addresses", ["network", "index"])
