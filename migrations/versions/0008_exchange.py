"""exchange."""

revision = "0008_exchange"
down_revision = "0007_treasury"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
