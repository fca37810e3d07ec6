"""notices."""

revision = "0010_notices"
down_revision = "0009_transactions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
