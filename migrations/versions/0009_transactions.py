"""Transactions: withdrawals with their transition guard, their events, the checks of the books."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tidegate.database import Units

revision = "0009_transactions"
down_revision = "0008_exchange"
branch_labels = None
depends_on = None

# As transactions/rules.py had them when this migration was written; a test holds the two together.
TRANSITIONS = {
    "pending_verification": ["pending_screening", "cancelled", "expired"],
    "pending_screening": ["pending_approval", "queued", "cancelled", "rejected"],
    "pending_approval": ["queued", "cancelled", "rejected"],
    "queued": ["signing", "cancelled", "rejected"],
    "signing": ["broadcasting", "queued"],
    "broadcasting": ["confirming", "failed"],
    "confirming": ["completed", "broadcasting", "failed"],
}
STATES = (
    "'pending_verification', 'pending_screening', 'pending_approval', 'queued', 'signing', 'broadcasting', "
    "'confirming', 'completed', 'cancelled', 'rejected', 'expired', 'failed'"
)
SUBS = (
    "'hold', 'person_reviewing', 'awaiting_liquidity', 'awaiting_batch', 'awaiting_signer', 'awaiting_node', "
    "'broadcast_unknown', 'slower_than_usual', 'replaced', 'reorged', 'needs_operator', 'frozen'"
)
ENDED = "'cancelled', 'completed', 'expired', 'failed', 'rejected'"

GUARD = """
CREATE FUNCTION withdrawal_guard() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF NEW.state <> OLD.state AND NOT EXISTS (
        SELECT 1 FROM withdrawal_transitions t WHERE t.before = OLD.state AND t.after = NEW.state) THEN
        RAISE EXCEPTION 'a withdrawal does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF ROW(NEW.id, NEW.user_id, NEW.quote_id, NEW.network, NEW.address, NEW.from_asset, NEW.to_asset, NEW.debit_units,
           NEW.deliver_units, NEW.fee_network_units, NEW.fee_service_units, NEW.fee_spread_units, NEW.intent, NEW.digest)
       IS DISTINCT FROM
       ROW(OLD.id, OLD.user_id, OLD.quote_id, OLD.network, OLD.address, OLD.from_asset, OLD.to_asset, OLD.debit_units,
           OLD.deliver_units, OLD.fee_network_units, OLD.fee_service_units, OLD.fee_spread_units, OLD.intent, OLD.digest) THEN
        RAISE EXCEPTION 'what was agreed does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""


def upgrade() -> None:
    transitions = op.create_table(
        "withdrawal_transitions",
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("before", "after", name=op.f("pk_withdrawal_transitions")),
    )
    op.bulk_insert(
        transitions, [{"before": before, "after": after} for before, found in TRANSITIONS.items() for after in found]
    )
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("from_asset", sa.String(), nullable=False),
        sa.Column("to_asset", sa.String(), nullable=False),
        sa.Column("debit_units", Units(), nullable=False),
        sa.Column("deliver_units", Units(), nullable=False),
        sa.Column("rate", sa.String(), nullable=False),
        sa.Column("fee_network_units", Units(), nullable=False),
        sa.Column("fee_service_units", Units(), nullable=False),
        sa.Column("fee_spread_units", Units(), nullable=False),
        sa.Column("usd_cents", sa.BigInteger(), nullable=False),
        sa.Column("review_needed", sa.Boolean(), nullable=False),
        sa.Column("speed", sa.String(), nullable=False),
        sa.Column("arrives_within", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sub_status", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("intent", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("challenge_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("authorisation", JSONB(none_as_null=True), nullable=True),
        sa.Column("conversion_id", sa.Uuid(), nullable=True),
        sa.Column("held_by_operator", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_withdrawals_state_known")),
        sa.CheckConstraint(
            f"sub_status IS NULL OR sub_status IN ({SUBS})", name=op.f("ck_withdrawals_sub_status_known")
        ),
        sa.CheckConstraint("debit_units > 0 AND deliver_units > 0", name=op.f("ck_withdrawals_units_positive")),
        sa.CheckConstraint(
            "fee_network_units >= 0 AND fee_service_units >= 0 AND fee_spread_units >= 0",
            name=op.f("ck_withdrawals_fees_not_negative"),
        ),
        sa.CheckConstraint(
            "from_asset <> to_asset OR debit_units = deliver_units + fee_network_units + fee_service_units + fee_spread_units",
            name=op.f("ck_withdrawals_plain_debit_is_sum"),
        ),
        sa.CheckConstraint(
            "(verified_at IS NULL) = (authorisation IS NULL)", name=op.f("ck_withdrawals_verified_has_authorisation")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_withdrawals_user_id_users")),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_withdrawals_quote_id_quotes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
        sa.UniqueConstraint("quote_id", name=op.f("uq_withdrawals_quote_id")),
        sa.UniqueConstraint("user_id", "reference", name=op.f("uq_withdrawals_user_id_reference")),
    )
    op.create_index("ix_withdrawals_user_id_created_at", "withdrawals", ["user_id", "created_at", "id"])
    op.create_index(
        "ix_withdrawals_due", "withdrawals", ["state", "due_at"], postgresql_where=sa.text(f"state NOT IN ({ENDED})")
    )
    op.create_table(
        "withdrawal_events",
        sa.Column("withdrawal_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sub_status", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawals.id"], name=op.f("fk_withdrawal_events_withdrawal_id_withdrawals")
        ),
        sa.PrimaryKeyConstraint("withdrawal_id", "version", name=op.f("pk_withdrawal_events")),
    )
    op.create_table(
        "books_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("report", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books_checks")),
    )
    op.create_index("ix_books_checks_at", "books_checks", ["at"])
    op.execute(GUARD)
    op.execute(
        "CREATE TRIGGER withdrawals_guard BEFORE UPDATE ON withdrawals FOR EACH ROW EXECUTE FUNCTION withdrawal_guard()"
    )
    op.execute(
        "CREATE TRIGGER withdrawal_events_rows BEFORE UPDATE OR DELETE ON withdrawal_events "
        "FOR EACH ROW EXECUTE FUNCTION ledger_append_only()"
    )


def downgrade() -> None:
    op.drop_table("books_checks")
    op.drop_table("withdrawal_events")
    op.drop_table("withdrawals")
    op.drop_table("withdrawal_transitions")
    op.execute("DROP FUNCTION withdrawal_guard()")
