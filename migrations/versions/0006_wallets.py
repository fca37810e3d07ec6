"""wallets."""

revision = "0006_wallets"
down_revision = "0005_compliance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
