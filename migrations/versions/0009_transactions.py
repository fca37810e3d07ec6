"""transactions."""

revision = "0009_transactions"
down_revision = "0008_exchange"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
