"""The frame: the units domain, idempotency keys, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001_frame"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Unconstrained numeric: a type modifier would round silently. The bound also keeps NaN and Infinity out.
    op.execute("CREATE DOMAIN units AS numeric CHECK (value = trunc(value) AND abs(value) < 1e60)")
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status BETWEEN 200 AND 299", name=op.f("ck_idempotency_keys_status_success")),
        sa.PrimaryKeyConstraint("user_id", "operation", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "event_counters",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_event_counters")),
    )
    op.create_table(
        "events",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_events_sequence_positive")),
        sa.PrimaryKeyConstraint("user_id", "sequence", name=op.f("pk_events")),
    )
    op.create_index("ix_events_user_id_at", "events", ["user_id", "at"])


def downgrade() -> None:
    op.drop_table("events")
    op.drop_table("event_counters")
    op.drop_table("idempotency_keys")
    op.execute("DROP DOMAIN units")
