"""compliance."""

revision = "0005_compliance"
down_revision = "0004_markets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
