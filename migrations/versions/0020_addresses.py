"""What has come to an address is asked for with every page of addresses, and before another one is handed out."""

from alembic import op

revision = "0020_addresses"
down_revision = "0018_deposits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deposits_address_id", "deposits", ["address_id"])


def downgrade() -> None:
    op.drop_index("ix_deposits_address_id", "deposits")
