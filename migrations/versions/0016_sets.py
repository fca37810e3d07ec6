"""Sets of attempts: one transaction may pay many, and may be replaced by a dearer one that excludes it."""

import sqlalchemy as sa
from alembic import op

from tidegate.database import Units

revision = "0016_sets"
down_revision = "0015_answers"
branch_labels = None
depends_on = None

PURPOSES = "'payout', 'consolidation', 'sweep', 'top_up', 'cold', 'cancel'"
STAGES = "'signing', 'broadcasting', 'confirming', 'ended'"
OUTCOMES = "'final', 'reverted', 'dropped'"

# Each old attempt becomes a set of one, by the same id.
SETS = """
INSERT INTO attempt_sets (id, network, purpose, asset, speed, hot_address, nonce, stage, created_at, due_at, fence,
    ended_at, outcome)
SELECT a.id, a.network, 'payout', a.asset, coalesce((SELECT w.speed FROM withdrawals w WHERE w.id = a.payout_id), 'standard'),
    a.hot_address, a.nonce,
    CASE WHEN a.state IN ('final', 'reverted', 'replaced', 'dropped') THEN 'ended' WHEN a.state = 'built' THEN 'signing'
         WHEN w.state IN ('signing', 'broadcasting') THEN 'broadcasting' ELSE 'confirming' END,
    a.created_at, now(), 0,
    CASE WHEN a.state IN ('final', 'reverted', 'replaced', 'dropped') THEN coalesce(a.mined_at, a.signed_at, a.created_at) END,
    CASE WHEN a.state IN ('final', 'reverted') THEN a.state WHEN a.state IN ('replaced', 'dropped') THEN 'dropped' END
FROM attempts a LEFT JOIN withdrawals w ON w.id = a.payout_id
"""
PAYOUTS = """
INSERT INTO set_payouts (set_id, payout_id, asset, units, address, ended_at, settled_at)
SELECT a.id, a.payout_id, a.asset, a.units, a.address, s.ended_at, CASE WHEN a.state = 'final' THEN s.ended_at END
FROM attempts a JOIN attempt_sets s USING (id)
"""
INPUTS = """
UPDATE attempts a SET plan = a.plan || jsonb_build_object('inputs', i.inputs)
FROM (SELECT attempt_id, jsonb_agg(jsonb_build_array(txid, vout)) AS inputs FROM reserved_inputs GROUP BY attempt_id) i
WHERE i.attempt_id = a.id
"""

# What no writer may do, whatever it believes: the payments of a set are fixed before anything is signed for them, end
# only when none of its transactions can pay them any more or one has, and an ended set signs nothing.
GUARDS = [
    """
    CREATE FUNCTION set_payout_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF EXISTS (SELECT FROM attempts a WHERE a.set_id = NEW.set_id AND a.txid IS NOT NULL) THEN
                RAISE EXCEPTION 'a set that has signed bytes takes no payout' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END IF;
        IF ROW(NEW.set_id, NEW.payout_id, NEW.asset, NEW.units, NEW.address)
           IS DISTINCT FROM ROW(OLD.set_id, OLD.payout_id, OLD.asset, OLD.units, OLD.address) OR OLD.ended_at IS NOT NULL THEN
            RAISE EXCEPTION 'what a set pays does not change' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.settled_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM attempts a WHERE a.set_id = NEW.set_id AND a.parent IS NULL AND a.state = 'final') THEN
            RAISE EXCEPTION 'nothing of this set is final' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.ended_at IS NOT NULL AND NEW.settled_at IS NULL AND EXISTS (
            SELECT FROM attempts a WHERE a.set_id = NEW.set_id AND a.parent IS NULL
                AND a.state NOT IN ('dropped', 'replaced', 'reverted')) THEN
            RAISE EXCEPTION 'a transaction of this set may still pay it' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END
    $function$
    """,
    """
    CREATE FUNCTION attempt_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
    BEGIN
        IF NEW.state IN ('dropped', 'replaced', 'reverted', 'final') THEN
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' AND OLD.state IN ('dropped', 'replaced', 'reverted', 'final') THEN
            RAISE EXCEPTION 'what is over for an attempt stays over' USING ERRCODE = 'restrict_violation';
        END IF;
        IF EXISTS (SELECT FROM attempt_sets s WHERE s.id = NEW.set_id AND s.ended_at IS NOT NULL) THEN
            RAISE EXCEPTION 'an ended set has no living attempt' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END
    $function$
    """,
    """
    CREATE FUNCTION attempt_set_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
    BEGIN
        IF OLD.ended_at IS NOT NULL OR ROW(NEW.id, NEW.network, NEW.purpose, NEW.asset, NEW.hot_address, NEW.nonce)
           IS DISTINCT FROM ROW(OLD.id, OLD.network, OLD.purpose, OLD.asset, OLD.hot_address, OLD.nonce) THEN
            RAISE EXCEPTION 'what a set is for does not change, nor its end' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.ended_at IS NOT NULL AND (
            EXISTS (SELECT FROM set_payouts p WHERE p.set_id = NEW.id AND p.ended_at IS NULL) OR
            EXISTS (SELECT FROM attempts a WHERE a.set_id = NEW.id
                AND a.state NOT IN ('dropped', 'replaced', 'reverted', 'final'))) THEN
            RAISE EXCEPTION 'a set with a living attempt or an open payout does not end' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END
    $function$
    """,
]
TRIGGERS = {
    "set_payout_guard": "BEFORE INSERT OR UPDATE ON set_payouts",
    "attempt_guard": "BEFORE INSERT OR UPDATE OF state ON attempts",
    # Leases and waiting reasons come and go without it.
    "attempt_set_guard": "BEFORE UPDATE OF id, network, purpose, asset, hot_address, nonce, ended_at, outcome ON attempt_sets",
}
# A set whose every transaction is provably dead gives its withdrawals back to the queue, where a person looks at them.
BACK = [("broadcasting", "queued"), ("confirming", "queued")]


def _create_sets() -> None:
    op.create_table(
        "attempt_sets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("speed", sa.String(), nullable=False),
        sa.Column("hot_address", sa.String(), nullable=True),
        sa.Column("nonce", sa.BigInteger(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("waits", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("asked_rate", sa.BigInteger(), nullable=True),
        sa.Column("capped", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.CheckConstraint(f"purpose IN ({PURPOSES})", name=op.f("ck_attempt_sets_purpose_known")),
        sa.CheckConstraint(f"stage IN ({STAGES})", name=op.f("ck_attempt_sets_stage_known")),
        sa.CheckConstraint(f"outcome IS NULL OR outcome IN ({OUTCOMES})", name=op.f("ck_attempt_sets_outcome_known")),
        sa.CheckConstraint(
            "(stage = 'ended') = (ended_at IS NOT NULL) AND (stage = 'ended') = (outcome IS NOT NULL)",
            name=op.f("ck_attempt_sets_ended_has_outcome"),
        ),
        sa.CheckConstraint("(nonce IS NULL) = (hot_address IS NULL)", name=op.f("ck_attempt_sets_nonce_has_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt_sets")),
    )
    op.create_index(
        "uq_attempt_sets_nonce",
        "attempt_sets",
        ["network", "hot_address", "nonce"],
        unique=True,
        postgresql_where=sa.text("nonce IS NOT NULL AND outcome IS DISTINCT FROM 'dropped'"),
    )
    op.create_index(
        "ix_attempt_sets_due",
        "attempt_sets",
        ["purpose", "stage", "due_at"],
        postgresql_where=sa.text("stage <> 'ended'"),
    )


def _create_payouts() -> None:
    op.create_table(
        "set_payouts",
        sa.Column("set_id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("units > 0", name=op.f("ck_set_payouts_units_positive")),
        sa.CheckConstraint("settled_at IS NULL OR ended_at IS NOT NULL", name=op.f("ck_set_payouts_settled_is_ended")),
        sa.ForeignKeyConstraint(["set_id"], ["attempt_sets.id"], name=op.f("fk_set_payouts_set_id_attempt_sets")),
        sa.PrimaryKeyConstraint("set_id", "payout_id", name=op.f("pk_set_payouts")),
    )
    op.create_index(op.f("ix_set_payouts_payout_id"), "set_payouts", ["payout_id"])
    live, paid = sa.text("ended_at IS NULL"), sa.text("settled_at IS NOT NULL")
    op.create_index("uq_set_payouts_live", "set_payouts", ["payout_id"], unique=True, postgresql_where=live)
    op.create_index("uq_set_payouts_paid", "set_payouts", ["payout_id"], unique=True, postgresql_where=paid)
    op.create_index("uq_set_payouts_address", "set_payouts", ["set_id", "address"], unique=True)


def _turn_attempts() -> None:
    op.add_column("attempts", sa.Column("set_id", sa.Uuid(), nullable=True))
    op.add_column("attempts", sa.Column("replaces", sa.Uuid(), nullable=True))
    op.add_column("attempts", sa.Column("parent", sa.Uuid(), nullable=True))
    op.execute("UPDATE attempts SET set_id = id")
    op.alter_column("attempts", "set_id", nullable=False)
    for column in ("replaces", "parent"):
        op.create_foreign_key(op.f(f"fk_attempts_{column}_attempts"), "attempts", "attempts", [column], ["id"])
    op.create_foreign_key(op.f("fk_attempts_set_id_attempt_sets"), "attempts", "attempt_sets", ["set_id"], ["id"])
    op.drop_index("uq_attempts_live_payout", "attempts")
    op.drop_index("uq_attempts_live_nonce", "attempts")
    for column in ("payout_id", "asset", "units", "address", "hot_address", "nonce"):
        op.drop_column("attempts", column)
    op.create_index(op.f("ix_attempts_set_id"), "attempts", ["set_id"])
    unsent = sa.text("state = 'built' OR state = 'signed'")
    won = sa.text("parent IS NULL AND (state = 'final' OR state = 'reverted')")
    op.create_index("uq_attempts_unsent", "attempts", ["set_id"], unique=True, postgresql_where=unsent)
    op.create_index("uq_attempts_won", "attempts", ["set_id"], unique=True, postgresql_where=won)


def _turn_inputs(before: str, after: str, old: str, table: str, move: str = "") -> None:
    op.drop_constraint(op.f(f"fk_reserved_inputs_{before}_{old}"), "reserved_inputs", type_="foreignkey")
    if move:
        op.execute(move)
    op.alter_column("reserved_inputs", before, new_column_name=after)
    op.execute(f"ALTER INDEX ix_reserved_inputs_{before} RENAME TO ix_reserved_inputs_{after}")
    op.create_foreign_key(op.f(f"fk_reserved_inputs_{after}_{table}"), "reserved_inputs", table, [after], ["id"])


def upgrade() -> None:
    _create_sets()
    _create_payouts()
    op.execute(SETS)
    op.execute(PAYOUTS)
    op.execute(INPUTS)
    _turn_attempts()
    _turn_inputs("attempt_id", "set_id", "attempts", "attempt_sets")
    for statement in GUARDS:
        op.execute(statement)
    for function, when in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {function} {when} FOR EACH ROW EXECUTE FUNCTION {function}()")
        op.execute(f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC")
    for before, after in BACK:
        op.execute(f"INSERT INTO withdrawal_transitions (before, after) VALUES ('{before}', '{after}')")


ALONE = """
DO $do$
BEGIN
    IF EXISTS (SELECT set_id FROM set_payouts GROUP BY set_id HAVING count(*) > 1) OR
       EXISTS (SELECT set_id FROM attempts GROUP BY set_id HAVING count(*) > 1) OR
       EXISTS (SELECT FROM attempt_sets WHERE purpose <> 'payout') THEN
        RAISE EXCEPTION 'there are sets that the schema before cannot hold';
    END IF;
END
$do$
"""
INPUTS_BACK = (
    "UPDATE reserved_inputs i SET set_id = a.id FROM attempts a WHERE a.set_id = i.set_id AND a.id <> a.set_id"
)
BACKWARDS = """
UPDATE attempts a SET payout_id = p.payout_id, asset = p.asset, units = p.units, address = p.address,
    hot_address = s.hot_address, nonce = s.nonce
FROM attempt_sets s JOIN set_payouts p ON p.set_id = s.id WHERE s.id = a.set_id
"""


def downgrade() -> None:
    op.execute(ALONE)
    for before, after in BACK:
        op.execute(f"DELETE FROM withdrawal_transitions WHERE before = '{before}' AND after = '{after}'")
    for function, when in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {function} ON {when.rpartition(' ')[2]}")
        op.execute(f"DROP FUNCTION {function}()")
    _turn_inputs("set_id", "attempt_id", "attempt_sets", "attempts", INPUTS_BACK)
    op.drop_index("uq_attempts_unsent", "attempts")
    op.drop_index("uq_attempts_won", "attempts")
    for name, kind in (
        ("payout_id", sa.Uuid()),
        ("asset", sa.String()),
        ("units", Units()),
        ("address", sa.String()),
        ("hot_address", sa.String()),
        ("nonce", sa.BigInteger()),
    ):
        op.add_column("attempts", sa.Column(name, kind, nullable=True))
    op.execute(BACKWARDS)
    for name in ("payout_id", "asset", "units", "address"):
        op.alter_column("attempts", name, nullable=False)
    op.drop_index(op.f("ix_attempts_set_id"), "attempts")
    for column in ("set_id", "replaces", "parent"):
        op.drop_column("attempts", column)
    op.create_index(op.f("ix_attempts_payout_id"), "attempts", ["payout_id"])
    live = sa.text("state NOT IN ('dropped', 'replaced', 'reverted')")
    op.create_index("uq_attempts_live_payout", "attempts", ["payout_id"], unique=True, postgresql_where=live)
    op.create_index(
        "uq_attempts_live_nonce",
        "attempts",
        ["network", "hot_address", "nonce"],
        unique=True,
        postgresql_where=sa.text("nonce IS NOT NULL AND state NOT IN ('replaced', 'dropped')"),
    )
    op.drop_table("set_payouts")
    op.drop_table("attempt_sets")
