"""States: what was before is told with each event, no move without its event, promises do not move earlier; arrival times."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027_states"
down_revision = "0026_freezes"
branch_labels = None
depends_on = None

ENDED = "'cancelled', 'completed', 'expired', 'failed', 'rejected'"

BEGINS = """
CREATE FUNCTION withdrawal_begins() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF NEW.state <> 'pending_verification' OR NEW.version <> 1 OR NEW.expected_by IS NOT NULL THEN
        RAISE EXCEPTION 'a withdrawal begins unverified' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""
PROMISED = """
CREATE FUNCTION withdrawal_promised() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    RAISE EXCEPTION 'what was promised by % does not move earlier', OLD.expected_by USING ERRCODE = 'restrict_violation';
END
$function$
"""
# At commit, when the event that came with the move is there.
TOLD = """
CREATE FUNCTION withdrawal_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF NOT EXISTS (
        SELECT FROM withdrawal_events e
        WHERE e.withdrawal_id = NEW.id AND e.version = NEW.version
          AND ROW(e.state_before, e.sub_status_before, e.state, e.sub_status)
              IS NOT DISTINCT FROM ROW(OLD.state, OLD.sub_status, NEW.state, NEW.sub_status)
    ) THEN
        RAISE EXCEPTION 'withdrawal % went from % to % and no event says so', NEW.id, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$function$
"""
BEFORE = """
WITH told AS (
    SELECT withdrawal_id, version, lag(state) OVER life AS state, lag(sub_status) OVER life AS sub_status
    FROM withdrawal_events WINDOW life AS (PARTITION BY withdrawal_id ORDER BY version)
)
UPDATE withdrawal_events e SET state_before = told.state, sub_status_before = told.sub_status
FROM told WHERE told.withdrawal_id = e.withdrawal_id AND told.version = e.version AND told.state IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("events", sa.Column("standing", JSONB(none_as_null=True), nullable=True))
    op.add_column("withdrawal_events", sa.Column("state_before", sa.String(), nullable=True))
    op.add_column("withdrawal_events", sa.Column("sub_status_before", sa.String(), nullable=True))
    op.add_column("withdrawal_events", sa.Column("inputs", JSONB(none_as_null=True), nullable=True))
    # Rows of an earlier version: what was before them is what the row before them says.
    op.execute("ALTER TABLE withdrawal_events DISABLE TRIGGER withdrawal_events_rows")
    op.execute(BEFORE)
    op.execute("ALTER TABLE withdrawal_events ENABLE TRIGGER withdrawal_events_rows")
    op.create_check_constraint(
        "only_the_first_has_none_before", "withdrawal_events", "(version = 1) = (state_before IS NULL)"
    )
    op.create_check_constraint(
        "ended_waits_for_nothing", "withdrawals", f"state NOT IN ({ENDED}) OR sub_status IS NULL"
    )
    op.create_check_constraint(
        "completed_has_time", "withdrawals", "(state = 'completed') = (completed_at IS NOT NULL)"
    )
    op.create_check_constraint(
        "goes_on_only_verified",
        "withdrawals",
        "verified_at IS NOT NULL OR state IN ('pending_verification', 'cancelled', 'expired')",
    )
    op.create_index(
        "ix_withdrawals_completed_at", "withdrawals", ["completed_at"], postgresql_where=sa.text("state = 'completed'")
    )
    op.create_table(
        "arrival_times",
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("speed", sa.String(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("usual_ms", sa.BigInteger(), nullable=False),
        sa.Column("promised_ms", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("way", "network", "asset", "speed", name=op.f("pk_arrival_times")),
        sa.CheckConstraint(
            "samples > 0 AND usual_ms >= 0 AND promised_ms >= usual_ms", name=op.f("ck_arrival_times_sensible")
        ),
    )
    for function in (BEGINS, PROMISED, TOLD):
        op.execute(function)
    for name in ("withdrawal_begins", "withdrawal_promised", "withdrawal_told"):
        op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER withdrawals_begin BEFORE INSERT ON withdrawals "
        "FOR EACH ROW EXECUTE FUNCTION withdrawal_begins()"
    )
    op.execute(
        "CREATE TRIGGER withdrawals_promised BEFORE UPDATE OF expected_by ON withdrawals FOR EACH ROW "
        "WHEN (OLD.expected_by IS NOT NULL AND (NEW.expected_by IS NULL OR NEW.expected_by < OLD.expected_by)) "
        "EXECUTE FUNCTION withdrawal_promised()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER withdrawals_told AFTER UPDATE ON withdrawals DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.sub_status IS DISTINCT FROM NEW.sub_status) "
        "EXECUTE FUNCTION withdrawal_told()"
    )


def downgrade() -> None:
    for name in ("withdrawals_told", "withdrawals_promised", "withdrawals_begin"):
        op.execute(f"DROP TRIGGER {name} ON withdrawals")
    for name in ("withdrawal_told", "withdrawal_promised", "withdrawal_begins"):
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("arrival_times")
    op.drop_index("ix_withdrawals_completed_at", "withdrawals")
    for name in ("ended_waits_for_nothing", "completed_has_time", "goes_on_only_verified"):
        op.drop_constraint(op.f(f"ck_withdrawals_{name}"), "withdrawals")
    op.drop_constraint(op.f("ck_withdrawal_events_only_the_first_has_none_before"), "withdrawal_events")
    op.drop_column("events", "standing")
    for column in ("inputs", "sub_status_before", "state_before"):
        op.drop_column("withdrawal_events", column)
