"""compliance: screenings, approvals, limits, pauses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005_compliance"
down_revision = "0004_markets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screenings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("inputs", JSONB(), nullable=False),
        sa.Column("list_version", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("verdict IN ('pass', 'hold', 'block')", name=op.f("ck_screenings_verdict_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screenings")),
    )
    op.create_index("ix_screenings_subject_kind_subject_id", "screenings", ["subject_kind", "subject_id"])
    op.create_table(
        "approval_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("requester", sa.Uuid(), nullable=False),
        sa.Column("summary", JSONB(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("needed > 0", name=op.f("ck_approval_requests_needed_positive")),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'rejected')", name=op.f("ck_approval_requests_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'pending') = (decided_at IS NULL)", name=op.f("ck_approval_requests_decided_when_not_pending")
        ),
        sa.ForeignKeyConstraint(["requester"], ["users.id"], name=op.f("fk_approval_requests_requester_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_requests")),
        sa.UniqueConstraint("kind", "subject_id", "digest", name=op.f("uq_approval_requests_kind_subject_id_digest")),
        sa.UniqueConstraint("id", "requester", name=op.f("uq_approval_requests_id_requester")),
    )
    op.create_index("ix_approval_requests_created_at_id", "approval_requests", ["created_at", "id"])
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("requester", sa.Uuid(), nullable=False),
        sa.Column("approver", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("approver <> requester", name=op.f("ck_approvals_not_own")),
        sa.CheckConstraint("verdict IN ('approve', 'reject')", name=op.f("ck_approvals_verdict_known")),
        sa.ForeignKeyConstraint(
            ["request_id", "requester"],
            ["approval_requests.id", "approval_requests.requester"],
            name=op.f("fk_approvals_request_id_requester_approval_requests"),
        ),
        sa.ForeignKeyConstraint(["approver"], ["users.id"], name=op.f("fk_approvals_approver_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("request_id", "approver", name=op.f("uq_approvals_request_id_approver")),
    )
    op.create_table(
        "limit_counters",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("usd_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("usd_cents >= 0", name=op.f("ck_limit_counters_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_limit_counters_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "day", name=op.f("pk_limit_counters")),
    )
    op.create_table(
        "pauses",
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("asset", name=op.f("pk_pauses")),
    )


def downgrade() -> None:
    op.drop_table("pauses")
    op.drop_table("limit_counters")
    op.drop_table("approvals")
    op.drop_table("approval_requests")
    op.drop_table("screenings")
