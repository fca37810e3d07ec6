"""Balances of a past moment, found by the two unique indexes of the transfers.

Along an account posted_at never falls as the number rises (ledger_post sees to it under the account's lock), and the
numbers have no gap. So the last leg at or before a moment is a search by halves over the numbers, about log2(n) looks of
two index probes each, and the running balance stands on that leg. No index on time is needed for it.
"""

from alembic import op

revision = "0014_reading"
down_revision = "0013_riders"
branch_labels = None
depends_on = None

# Legs posted at exactly the moment count: a batch shares one posted_at, so a moment never falls inside a batch. The last
# leg is looked at first: most accounts have not moved since. A leg that is missing counts as later than the moment; that
# it is missing is for the proof to find.
# enable_seqscan: a plan made while the table was small would otherwise stay sequential for the life of the connection.
LEG_AT = """
CREATE FUNCTION ledger_leg_at(of_account bigint, moment timestamptz, OUT sequence bigint, OUT balance numeric)
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = public, pg_temp SET enable_seqscan = off AS $function$
DECLARE
    after bigint;
    probe bigint;
    found record;
BEGIN
    sequence := 0;
    balance := 0;
    SELECT a.sequence INTO probe FROM ledger_accounts a WHERE a.id = of_account;
    after := coalesce(probe, 0) + 1;
    WHILE after - sequence > 1 LOOP
        SELECT l.posted_at, l.balance INTO found FROM (
            SELECT t.posted_at, t.debit_balance AS balance FROM ledger_transfers t
            WHERE t.debit_account = of_account AND t.debit_sequence = probe
            UNION ALL
            SELECT t.posted_at, t.credit_balance FROM ledger_transfers t
            WHERE t.credit_account = of_account AND t.credit_sequence = probe) l
        LIMIT 1;
        IF found.posted_at <= moment THEN
            sequence := probe;
            balance := found.balance;
        ELSE
            after := probe;
        END IF;
        probe := sequence + (after - sequence) / 2;
    END LOOP;
END
$function$
"""

BALANCE_AT = """
CREATE FUNCTION ledger_balance_at(of_account bigint, moment timestamptz) RETURNS numeric
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = public, pg_temp AS 'SELECT balance FROM ledger_leg_at(of_account, moment)'
"""


def upgrade() -> None:
    op.execute(LEG_AT)
    op.execute(BALANCE_AT)
    for function in ("ledger_leg_at", "ledger_balance_at"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_balance_at(bigint, timestamptz)")
    op.execute("DROP FUNCTION ledger_leg_at(bigint, timestamptz)")
