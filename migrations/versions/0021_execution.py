"""exchange: a quote keeps the receipt of its decision and reserves what it promises; what an order left is shared out once."""

import sqlalchemy as sa
from alembic import op

from tidegate.database import Units

revision = "0021_execution"
down_revision = "0020_deposit_coins"
branch_labels = None
depends_on = None

# The receipt says what was known when the price was made. Nobody may tell it otherwise later; what nobody accepted and
# nobody can any more is not worth keeping.
RECEIPT = """
CREATE FUNCTION quote_receipt_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
BEGIN
    IF NEW.execution IS DISTINCT FROM OLD.execution
       AND NOT (NEW.execution IS NULL AND NEW.state IN ('expired', 'refused')) THEN
        RAISE EXCEPTION 'the receipt of a decision is not changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$function$
"""

# An order follows one that has ended, on the same market side, and those that follow one are not more than it was.
FOLLOWS = """
CREATE FUNCTION order_follow_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
DECLARE
    before orders;
BEGIN
    SELECT * INTO before FROM orders WHERE id = NEW.follows;
    IF before.state NOT IN ('filled', 'partly_filled', 'cancelled', 'rejected')
       OR (before.conversion_id, before.base_asset, before.quote_asset, before.side, before.attempt + 1)
          IS DISTINCT FROM (NEW.conversion_id, NEW.base_asset, NEW.quote_asset, NEW.side, NEW.attempt)
       OR (SELECT sum(base_units) FROM orders WHERE follows = NEW.follows) > before.base_units THEN
        RAISE EXCEPTION 'an order follows what another one left, and no more' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$function$
"""

# What the house has of an asset beyond what it owes: its own side of the books, a handful of accounts. What is in suspense
# is somebody's; what customers owe us we do not have.
OWN = """
CREATE FUNCTION ledger_own(of_asset text) RETURNS numeric
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = public, pg_temp AS $function$
    SELECT coalesce(sum(CASE side WHEN 'credit' THEN balance ELSE -balance END), 0)
    FROM ledger_accounts
    WHERE owner = '00000000-0000-0000-0000-000000000000' AND asset = of_asset
      AND (name IN ('capital', 'liquidity', 'rounding', 'receivable') OR name LIKE 'charged:%' OR name LIKE 'cost:%')
$function$
"""

_RESERVED = "reserved_usd_units >= 0"
_SANE = f"{_RESERVED} AND uncovered_usd_units BETWEEN 0 AND reserved_usd_units AND promised_units BETWEEN 0 AND deliver_units"

# Before, an order had at most one that followed it, and a conversion's first ones were not numbered.
_NUMBER = """
    UPDATE orders o SET part = n.part
    FROM (SELECT id, row_number() OVER (PARTITION BY conversion_id ORDER BY created_at, id) - 1 AS part
          FROM orders WHERE follows IS NULL) n
    WHERE o.id = n.id
"""


def upgrade() -> None:
    op.add_column("quotes", sa.Column("execution", sa.String(), nullable=True))
    for name in ("uncovered_usd_units", "promised_units"):
        op.add_column("quotes", sa.Column(name, Units(), nullable=False, server_default="0"))
    op.drop_constraint(op.f("ck_quotes_reserved_not_negative"), "quotes", type_="check")
    op.create_check_constraint(op.f("ck_quotes_reserved_sane"), "quotes", _SANE)
    op.create_table(
        "promises",
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.CheckConstraint("units >= 0", name=op.f("ck_promises_units_not_negative")),
        sa.PrimaryKeyConstraint("asset", "network", name=op.f("pk_promises")),
    )
    op.add_column("orders", sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
    op.execute(_NUMBER)
    op.drop_constraint(op.f("uq_orders_follows"), "orders", type_="unique")
    op.create_unique_constraint(op.f("uq_orders_follows_part"), "orders", ["follows", "part"])
    op.create_index(
        "uq_orders_first",
        "orders",
        ["conversion_id", "part"],
        unique=True,
        postgresql_where=sa.text("follows IS NULL"),
    )
    op.create_check_constraint(op.f("ck_orders_counted_from_zero"), "orders", "part >= 0 AND attempt >= 0")
    op.create_check_constraint(op.f("ck_orders_first_follows_none"), "orders", "(follows IS NULL) = (attempt = 0)")
    for function in (RECEIPT, FOLLOWS, OWN):
        op.execute(function)
    for name in ("quote_receipt_guard()", "order_follow_guard()", "ledger_own(text)"):
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER quote_receipt_guard BEFORE UPDATE OF execution ON quotes "
        "FOR EACH ROW EXECUTE FUNCTION quote_receipt_guard()"
    )
    op.execute(
        "CREATE TRIGGER order_follow_guard AFTER INSERT ON orders "
        "FOR EACH ROW WHEN (NEW.follows IS NOT NULL) EXECUTE FUNCTION order_follow_guard()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER order_follow_guard ON orders")
    op.execute("DROP TRIGGER quote_receipt_guard ON quotes")
    for name in ("quote_receipt_guard()", "order_follow_guard()", "ledger_own(text)"):
        op.execute(f"DROP FUNCTION {name}")
    op.drop_constraint(op.f("ck_orders_first_follows_none"), "orders", type_="check")
    op.drop_constraint(op.f("ck_orders_counted_from_zero"), "orders", type_="check")
    op.drop_index("uq_orders_first", "orders")
    op.drop_constraint(op.f("uq_orders_follows_part"), "orders", type_="unique")
    # Fails where an order was followed by several: the schema before cannot hold them.
    op.create_unique_constraint(op.f("uq_orders_follows"), "orders", ["follows"])
    op.drop_column("orders", "part")
    op.drop_table("promises")
    op.drop_constraint(op.f("ck_quotes_reserved_sane"), "quotes", type_="check")
    op.create_check_constraint(op.f("ck_quotes_reserved_not_negative"), "quotes", _RESERVED)
    for name in ("promised_units", "uncovered_usd_units", "execution"):
        op.drop_column("quotes", name)
