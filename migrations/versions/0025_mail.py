"""mail: mails to be sent, tracking links, and who froze an account."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025_mail"
down_revision = "0024_webhooks"
branch_labels = None
depends_on = None

# What a mail says is what was true when it was written; what was sent, refused or used stays so.
_GUARD = """
CREATE FUNCTION mail_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF ROW(NEW.id, NEW.user_id, NEW.kind, NEW.object_id, NEW.facts, NEW.created_at)
       IS DISTINCT FROM ROW(OLD.id, OLD.user_id, OLD.kind, OLD.object_id, OLD.facts, OLD.created_at) THEN
        RAISE EXCEPTION 'what a mail says does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'waiting' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a mail that is % stays so', OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.tries < OLD.tries OR NEW.fence < OLD.fence THEN
        RAISE EXCEPTION 'tries and fences only grow' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.link_used_at IS NOT NULL AND NEW.link_used_at IS DISTINCT FROM OLD.link_used_at THEN
        RAISE EXCEPTION 'a link that was used stays used' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""

# A link that was revoked leads nowhere for ever, and none ever leads to another withdrawal.
_LINK_GUARD = """
CREATE FUNCTION tracking_link_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF OLD.revoked_at IS NOT NULL
       OR ROW(NEW.id, NEW.user_id, NEW.withdrawal_id, NEW.created_at, NEW.expires_at)
          IS DISTINCT FROM ROW(OLD.id, OLD.user_id, OLD.withdrawal_id, OLD.created_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'a tracking link is revoked once, and nothing else' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("link_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed', 'unwanted')", name=op.f("ck_mails_state_known")),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_mails_sent_has_time")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_mails_tries_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mails_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("kind", "object_id", name=op.f("uq_mails_kind_object_id")),
    )
    op.create_index("ix_mails_due_at", "mails", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index("ix_mails_created_at", "mails", ["created_at"])
    op.create_table(
        "tracking_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("withdrawal_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_tracking_links_lives")),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawals.id"], name=op.f("fk_tracking_links_withdrawal_id_withdrawals")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tracking_links_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_links")),
    )
    op.create_index(
        "uq_tracking_links_withdrawal_id",
        "tracking_links",
        ["withdrawal_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.add_column("users", sa.Column("frozen_by", sa.String(), nullable=True))
    # Whatever is frozen by now an operator froze.
    op.execute("UPDATE users SET frozen_by = 'operator' WHERE frozen_at IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_users_frozen_by_somebody"), "users", "(frozen_at IS NULL) = (frozen_by IS NULL)"
    )
    op.create_check_constraint(op.f("ck_users_frozen_by_known"), "users", "frozen_by IN ('owner', 'operator')")
    for name, code in (("mail_guard", _GUARD), ("tracking_link_guard", _LINK_GUARD)):
        op.execute(code)
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute("CREATE TRIGGER mails_guard BEFORE UPDATE ON mails FOR EACH ROW EXECUTE FUNCTION mail_guard()")
    op.execute(
        "CREATE TRIGGER tracking_links_guard BEFORE UPDATE ON tracking_links "
        "FOR EACH ROW EXECUTE FUNCTION tracking_link_guard()"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_frozen_by_known"), "users")
    op.drop_constraint(op.f("ck_users_frozen_by_somebody"), "users")
    op.drop_column("users", "frozen_by")
    op.drop_table("tracking_links")
    op.drop_table("mails")
    op.execute("DROP FUNCTION tracking_link_guard()")
    op.execute("DROP FUNCTION mail_guard()")
