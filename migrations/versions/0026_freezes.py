"""compliance: freezes, which only a person ends; transactions: how long a check of the books took."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026_freezes"
down_revision = "0025_mail"
branch_labels = None
depends_on = None

# Born standing, released once and by somebody with a reason, never deleted. What was found may be written anew while it
# stands; why it stands may not.
GUARD = """
CREATE FUNCTION freeze_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a freeze is not deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.released_at IS NOT NULL THEN
            RAISE EXCEPTION 'a freeze begins standing' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.released_at IS NOT NULL THEN
        RAISE EXCEPTION 'a freeze is released once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF ROW(NEW.id, NEW.kind, NEW.asset, NEW.place, NEW.reason, NEW.at)
       IS DISTINCT FROM ROW(OLD.id, OLD.kind, OLD.asset, OLD.place, OLD.reason, OLD.at) THEN
        RAISE EXCEPTION 'why it is frozen does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""


def upgrade() -> None:
    op.create_table(
        "freezes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("found", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("release_reason", sa.String(), nullable=True),
        sa.Column("forced", sa.Boolean(), nullable=True),
        sa.CheckConstraint("kind IN ('difference', 'orphan', 'restored')", name=op.f("ck_freezes_kind_known")),
        sa.CheckConstraint("kind <> 'restored' OR asset = '*'", name=op.f("ck_freezes_restored_is_everything")),
        sa.CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (release_reason IS NULL) "
            "AND (released_at IS NULL) = (forced IS NULL)",
            name=op.f("ck_freezes_released_by_somebody"),
        ),
        sa.CheckConstraint("length(release_reason) >= 3", name=op.f("ck_freezes_released_with_words")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freezes")),
    )
    op.create_index(
        "uq_freezes_standing",
        "freezes",
        ["kind", "asset", "place"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_index("ix_freezes_at_id", "freezes", ["at", "id"])
    op.execute(GUARD)
    op.execute("REVOKE ALL ON FUNCTION freeze_guard() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER freezes_guard BEFORE INSERT OR UPDATE OR DELETE ON freezes "
        "FOR EACH ROW EXECUTE FUNCTION freeze_guard()"
    )
    op.add_column("books_checks", sa.Column("milliseconds", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_books_checks_verdict_known"), "books_checks", "verdict IN ('exact', 'differs', 'unchecked')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_books_checks_verdict_known"), "books_checks")
    op.drop_column("books_checks", "milliseconds")
    op.drop_table("freezes")
    op.execute("DROP FUNCTION freeze_guard()")
