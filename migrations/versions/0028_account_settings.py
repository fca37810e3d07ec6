"""auth, mail: change of the e-mail address, the hold after it, closed accounts, mails to an address of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0028_account_settings"
down_revision = "0027_states"
branch_labels = None
depends_on = None

# As in 0025_mail, with the address that a mail goes to among what does not change.
_GUARD = """
CREATE OR REPLACE FUNCTION mail_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF ROW(%(new)s) IS DISTINCT FROM ROW(%(old)s) THEN
        RAISE EXCEPTION 'what a mail says does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'waiting' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a mail that is %% stays so', OLD.state USING ERRCODE = 'restrict_violation';
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
_FIXED = ("id", "user_id", "kind", "object_id", "facts", "created_at")


def _guard(*columns: str) -> str:
    return _GUARD % {name: ", ".join(f"{name.upper()}.{one}" for one in columns) for name in ("new", "old")}


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
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > asked_at", name=op.f("ck_email_changes_expires_later")),
        sa.CheckConstraint("confirmed_at IS NULL OR dropped_at IS NULL", name=op.f("ck_email_changes_one_end")),
        sa.CheckConstraint("confirmed_at < expires_at", name=op.f("ck_email_changes_confirmed_in_time")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_changes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_changes")),
    )
    op.create_index(
        "uq_email_changes_user_id_open",
        "email_changes",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("confirmed_at IS NULL AND dropped_at IS NULL"),
    )
    op.add_column("mails", sa.Column("recipient", sa.String(), nullable=True))
    op.execute(_guard(*_FIXED, "recipient"))


def downgrade() -> None:
    op.execute(_guard(*_FIXED))
    op.drop_column("mails", "recipient")
    op.drop_table("email_changes")
    op.drop_constraint(op.f("ck_users_hold_whole"), "users")
    for column in ("closed_at", "held_since", "held_until"):
        op.drop_column("users", column)
