"""A stored answer is the bytes that were sent, not what a JSON column makes of them."""

from alembic import op

revision = "0015_answers"
down_revision = "0014_reading"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE idempotency_keys ALTER COLUMN answer TYPE text USING answer::text")


def downgrade() -> None:
    op.execute("ALTER TABLE idempotency_keys ALTER COLUMN answer TYPE jsonb USING answer::jsonb")
