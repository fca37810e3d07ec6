"""treasury."""

revision = "0007_treasury"
down_revision = "0006_wallets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
