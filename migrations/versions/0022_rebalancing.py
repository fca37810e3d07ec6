"""Moves between exchanges and the hot wallet, and the proposals for them."""

import sqlalchemy as sa
from alembic import op

from tidegate.database import Units

revision = "0022_rebalancing"
down_revision = "0021_execution"
branch_labels = None
depends_on = None

_PURPOSES = "'payout', 'consolidation', 'sweep', 'top_up', 'cold', 'cancel'"
_KINDS = "'refill', 'surplus'"
_STATES = "'open', 'done', 'dismissed'"

# What a move is does not change under way, and what is over stays over: otherwise an old one could move money anew.
_GUARD = """
    CREATE FUNCTION venue_move_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
    BEGIN
        IF OLD.ended_at IS NOT NULL OR ROW(NEW.id, NEW.venue, NEW.network, NEW.asset, NEW.direction, NEW.units, NEW.address,
                                           NEW.client_id, NEW.proposal_id, NEW.created_at)
           IS DISTINCT FROM ROW(OLD.id, OLD.venue, OLD.network, OLD.asset, OLD.direction, OLD.units, OLD.address,
                                OLD.client_id, OLD.proposal_id, OLD.created_at) THEN
            RAISE EXCEPTION 'what a move is does not change, nor its end' USING ERRCODE = 'restrict_violation';
        END IF;
        IF (OLD.asked_at IS NOT NULL AND NEW.asked_at IS DISTINCT FROM OLD.asked_at)
           OR (NEW.state IN ('intended', 'asked') AND NEW.state <> OLD.state AND OLD.state <> 'intended')
           OR (OLD.state = 'pending' AND NEW.state NOT IN ('pending', 'arrived', 'failed')) THEN
            RAISE EXCEPTION 'what was asked for is never asked for again' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END
    $function$
"""


def upgrade() -> None:
    _checks("attempt_sets", "purpose_known", f"purpose IN ({_PURPOSES}, 'to_venue')")
    op.add_column("moves", sa.Column("venue", sa.String(), nullable=False, server_default=""))
    op.create_check_constraint(op.f("ck_moves_venue_named"), "moves", "(purpose = 'to_venue') = (venue <> '')")
    op.add_column("treasury_proposals", sa.Column("venue", sa.String(), nullable=False, server_default=""))
    _checks("treasury_proposals", "kind_known", f"kind IN ({_KINDS}, 'to_venue', 'to_wallet')")
    _checks("treasury_proposals", "state_known", f"state IN ({_STATES}, 'accepted')")
    op.create_check_constraint(
        op.f("ck_treasury_proposals_venue_named"),
        "treasury_proposals",
        "(kind IN ('to_venue', 'to_wallet')) = (venue <> '')",
    )
    op.create_check_constraint(
        op.f("ck_treasury_proposals_accepted_has_venue"), "treasury_proposals", "state <> 'accepted' OR venue <> ''"
    )
    op.drop_index("uq_treasury_proposals_open", "treasury_proposals")
    op.create_index(
        "uq_treasury_proposals_open",
        "treasury_proposals",
        ["kind", "network", "asset", "venue"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    _table()
    op.execute(_GUARD)
    op.execute("REVOKE ALL ON FUNCTION venue_move_guard() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER venue_move_guard BEFORE UPDATE ON venue_moves FOR EACH ROW EXECUTE FUNCTION venue_move_guard()"
    )


def _checks(table: str, name: str, condition: str) -> None:
    """Say anew what a column may hold."""
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _table() -> None:
    def told(name: str) -> str:
        return op.f(f"ck_venue_moves_{name}")

    op.create_table(
        "venue_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("venue", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("booked", sa.String(), nullable=False),
        sa.Column("venue_id", sa.String(), nullable=True),
        sa.Column("txid", sa.String(), nullable=True),
        sa.Column("fee_units", Units(), nullable=True),
        sa.Column("arrived_units", Units(), nullable=True),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.CheckConstraint("direction IN ('to_wallet', 'to_venue')", name=told("direction_known")),
        sa.CheckConstraint(
            "state IN ('intended', 'asked', 'unknown', 'moving', 'pending', 'arrived', 'refused', 'failed')",
            name=told("state_known"),
        ),
        sa.CheckConstraint("booked IN ('nothing', 'sent', 'arrived', 'returned')", name=told("booked_known")),
        sa.CheckConstraint("units > 0", name=told("units_positive")),
        sa.CheckConstraint(
            "(state IN ('arrived', 'refused', 'failed')) = (ended_at IS NOT NULL)", name=told("ended_when_over")
        ),
        sa.CheckConstraint(
            "(booked = 'sent') = (state = 'pending') AND (booked = 'arrived') = (state = 'arrived') "
            "AND (booked <> 'returned' OR state = 'failed')",
            name=told("booked_as_it_stands"),
        ),
        sa.CheckConstraint(
            "(direction = 'to_wallet') = (client_id IS NOT NULL) AND (state <> 'moving' OR direction = 'to_venue') "
            "AND (state NOT IN ('intended', 'asked', 'unknown') OR direction = 'to_wallet')",
            name=told("states_of_its_direction"),
        ),
        sa.CheckConstraint(
            "client_id IS NULL OR substr(client_id::text, 15, 1) = '4'", name=told("client_id_is_random")
        ),
        sa.CheckConstraint(
            "state IN ('intended', 'refused') OR direction = 'to_venue' OR asked_at IS NOT NULL",
            name=told("asked_has_time"),
        ),
        sa.CheckConstraint(
            "state <> 'arrived' OR (txid IS NOT NULL AND coalesce(arrived_units, 0) > 0)",
            name=told("arrived_has_transaction"),
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["treasury_proposals.id"], name=op.f("fk_venue_moves_proposal_id_treasury_proposals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_venue_moves")),
    )
    op.create_index("uq_venue_moves_client_id", "venue_moves", ["client_id"], unique=True)
    op.create_index("uq_venue_moves_proposal", "venue_moves", ["proposal_id"], unique=True)
    op.create_index(
        "uq_venue_moves_open",
        "venue_moves",
        ["venue", "asset", "direction"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_venue_moves_payment",
        "venue_moves",
        ["network", "txid", "asset"],
        unique=True,
        postgresql_where=sa.text("txid IS NOT NULL AND direction = 'to_wallet'"),
    )
    op.create_index("ix_venue_moves_due", "venue_moves", ["due_at"], postgresql_where=sa.text("ended_at IS NULL"))


def downgrade() -> None:
    op.execute("DROP TRIGGER venue_move_guard ON venue_moves")
    op.execute("DROP FUNCTION venue_move_guard()")
    op.drop_table("venue_moves")
    op.execute("DELETE FROM treasury_proposals WHERE venue <> ''")
    op.drop_index("uq_treasury_proposals_open", "treasury_proposals")
    op.create_index(
        "uq_treasury_proposals_open",
        "treasury_proposals",
        ["kind", "network", "asset"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_constraint(op.f("ck_treasury_proposals_venue_named"), "treasury_proposals", type_="check")
    op.drop_constraint(op.f("ck_treasury_proposals_accepted_has_venue"), "treasury_proposals", type_="check")
    op.drop_column("treasury_proposals", "venue")
    op.drop_constraint(op.f("ck_moves_venue_named"), "moves", type_="check")
    op.drop_column("moves", "venue")
    _checks("treasury_proposals", "kind_known", f"kind IN ({_KINDS})")
    _checks("treasury_proposals", "state_known", f"state IN ({_STATES})")
    # Fails where something was ever moved to an exchange: older code could not tell what that set is for.
    _checks("attempt_sets", "purpose_known", f"purpose IN ({_PURPOSES})")
