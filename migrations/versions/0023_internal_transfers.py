"""transactions: internal transfers, kept to their life by a trigger and to the ledger at commit; their events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tidegate.database import Units

revision = "0023_internal_transfers"
down_revision = "0022_rebalancing"
branch_labels = None
depends_on = None

STATES = "'pending_verification', 'completed', 'cancelled', 'expired'"

# Born waiting; from there to one of three ends; never changed otherwise, never deleted.
GUARD = """
CREATE FUNCTION internal_transfer_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'pending_verification' OR NEW.version <> 1 THEN
            RAISE EXCEPTION 'an internal transfer begins unverified' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an internal transfer is not deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'pending_verification' OR NEW.state = OLD.state OR NEW.version <> OLD.version + 1 THEN
        RAISE EXCEPTION 'an internal transfer does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF ROW(NEW.id, NEW.user_id, NEW.recipient_id, NEW.reference, NEW.asset, NEW.units, NEW.to_email, NEW.from_email,
           NEW.to_address, NEW.network, NEW.usd_cents, NEW.intent, NEW.digest, NEW.challenge_expires_at, NEW.created_at)
       IS DISTINCT FROM
       ROW(OLD.id, OLD.user_id, OLD.recipient_id, OLD.reference, OLD.asset, OLD.units, OLD.to_email, OLD.from_email,
           OLD.to_address, OLD.network, OLD.usd_cents, OLD.intent, OLD.digest, OLD.challenge_expires_at, OLD.created_at)
    THEN
        RAISE EXCEPTION 'what was agreed does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""

# At commit, when the posting that came with the state is there: the very one, between these accounts, of these units.
POSTED = """
CREATE FUNCTION internal_transfer_posted() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
DECLARE
    step text := CASE NEW.state WHEN 'pending_verification' THEN 'hold' WHEN 'completed' THEN 'complete' ELSE 'refund' END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM ledger_transfers t
        JOIN ledger_accounts d ON d.id = t.debit_account
        JOIN ledger_accounts c ON c.id = t.credit_account
        WHERE t.key = 'transfer:' || NEW.id || ':' || step AND t.units = NEW.units
          AND d.asset = NEW.asset AND d.owner = NEW.user_id
          AND d.name = CASE step WHEN 'hold' THEN 'available' ELSE 'held' END
          AND c.owner = CASE step WHEN 'complete' THEN NEW.recipient_id ELSE NEW.user_id END
          AND c.name = CASE step WHEN 'hold' THEN 'held' ELSE 'available' END
    ) THEN
        RAISE EXCEPTION 'internal transfer % is % and the ledger has not its posting', NEW.id, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$function$
"""


def upgrade() -> None:
    op.create_table(
        "internal_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("to_email", sa.String(), nullable=True),
        sa.Column("from_email", sa.String(), nullable=True),
        sa.Column("to_address", sa.String(), nullable=True),
        sa.Column("network", sa.String(), nullable=True),
        sa.Column("usd_cents", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("intent", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("challenge_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("authorisation", JSONB(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_internal_transfers_state_known")),
        sa.CheckConstraint("units > 0", name=op.f("ck_internal_transfers_units_positive")),
        sa.CheckConstraint("user_id <> recipient_id", name=op.f("ck_internal_transfers_two_people")),
        sa.CheckConstraint(
            "(to_email IS NULL) <> (to_address IS NULL)", name=op.f("ck_internal_transfers_one_destination")
        ),
        sa.CheckConstraint(
            "(to_email IS NULL) = (from_email IS NULL)", name=op.f("ck_internal_transfers_names_on_both_sides")
        ),
        sa.CheckConstraint(
            "(to_address IS NULL) = (network IS NULL)", name=op.f("ck_internal_transfers_address_has_network")
        ),
        sa.CheckConstraint(
            "(state = 'completed') = (completed_at IS NOT NULL)", name=op.f("ck_internal_transfers_completed_has_time")
        ),
        sa.CheckConstraint(
            "(completed_at IS NULL) = (authorisation IS NULL)",
            name=op.f("ck_internal_transfers_completed_has_authorisation"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_internal_transfers_user_id_users")),
        sa.ForeignKeyConstraint(["recipient_id"], ["users.id"], name=op.f("fk_internal_transfers_recipient_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_internal_transfers")),
        sa.UniqueConstraint("user_id", "reference", name=op.f("uq_internal_transfers_user_id_reference")),
    )
    op.create_index("ix_internal_transfers_user_id_created_at", "internal_transfers", ["user_id", "created_at", "id"])
    op.create_index(
        "ix_internal_transfers_recipient_id_completed_at",
        "internal_transfers",
        ["recipient_id", "completed_at", "id"],
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_internal_transfers_unverified",
        "internal_transfers",
        ["challenge_expires_at"],
        postgresql_where=sa.text("state = 'pending_verification'"),
    )
    op.create_table(
        "internal_transfer_events",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["internal_transfers.id"],
            name=op.f("fk_internal_transfer_events_transfer_id_internal_transfers"),
        ),
        sa.PrimaryKeyConstraint("transfer_id", "version", name=op.f("pk_internal_transfer_events")),
    )
    for function in (GUARD, POSTED):
        op.execute(function)
    for name in ("internal_transfer_guard", "internal_transfer_posted"):
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER internal_transfers_guard BEFORE INSERT OR UPDATE OR DELETE ON internal_transfers "
        "FOR EACH ROW EXECUTE FUNCTION internal_transfer_guard()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER internal_transfers_posted AFTER INSERT OR UPDATE ON internal_transfers "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION internal_transfer_posted()"
    )
    op.execute(
        "CREATE TRIGGER internal_transfer_events_rows BEFORE UPDATE OR DELETE ON internal_transfer_events "
        "FOR EACH ROW EXECUTE FUNCTION ledger_append_only()"
    )


def downgrade() -> None:
    op.drop_table("internal_transfer_events")
    op.drop_table("internal_transfers")
    op.execute("DROP FUNCTION internal_transfer_posted()")
    op.execute("DROP FUNCTION internal_transfer_guard()")
