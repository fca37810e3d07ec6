"""auth, outbox: change of the e-mail address, the hold after it, closed accounts, letters to be sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032_account_settings"
down_revision = "0024_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("held_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_users_hold_whole"), "users", "(held_until IS NULL) = (held_since IS NULL) AND held_until > held_since"
    )
    op.create_table(
        "email_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_canonical", sa.String(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > asked_at", name=op.f("ck_email_changes_expires_later")),
        sa.CheckConstraint("confirmed_at IS NULL OR dropped_at IS NULL", name=op.f("ck_email_changes_one_end")),
        sa.CheckConstraint("confirmed_at < expires_at", name=op.f("ck_email_changes_confirmed_in_time")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_changes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_changes")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_email_changes_token_digest")),
    )
    op.create_index(
        "uq_email_changes_user_id_open",
        "email_changes",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("confirmed_at IS NULL AND dropped_at IS NULL"),
    )
    op.create_table(
        "letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('email_confirm', 'email_taken', 'email_asked', 'email_changed', 'account_closed')",
            name=op.f("ck_letters_kind_known"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_letters_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
    )
    op.create_index("ix_letters_waiting", "letters", ["written_at"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("ix_letters_recipient_written_at", "letters", ["recipient", "written_at"])


def downgrade() -> None:
    op.drop_table("letters")
    op.drop_table("email_changes")
    op.drop_constraint(op.f("ck_users_hold_whole"), "users")
    for column in ("closed_at", "held_since", "held_until"):
        op.drop_column("users", column)
