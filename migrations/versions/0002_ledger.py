"""The ledger: accounts, postings, transfers, the one posting function, and the guards against everybody else."""

import sqlalchemy as sa
from alembic import op

from tidegate.database import Units

revision = "0002_ledger"
down_revision = "0001_frame"
branch_labels = None
depends_on = None

# Accounts are made on first use and locked once each in id order; the walk over the transfers is sequential, so a
# group that empties an account half-way is refused even when a later transfer would fill it again.
POST = """
CREATE FUNCTION ledger_post(posting jsonb) RETURNS text
LANGUAGE plpgsql AS $function$
DECLARE
    now_at timestamptz := clock_timestamp();
    row record;
    ids bigint[];
    d ledger_accounts%ROWTYPE;
    c ledger_accounts%ROWTYPE;
    amount units;
BEGIN
    INSERT INTO ledger_accounts (owner, name, asset, place, side, overdraft, balance, sequence)
    SELECT DISTINCT (a->>'owner')::uuid, a->>'name', a->>'asset', a->>'place', a->>'side', (a->>'overdraft')::boolean, 0, 0
    FROM jsonb_array_elements(posting->'transfers') t, LATERAL (VALUES (t->'debit'), (t->'credit')) v(a)
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (owner, name, asset, place) DO NOTHING;

    SELECT array_agg(id) INTO ids FROM (
        SELECT l.id FROM ledger_accounts l
        WHERE (l.owner, l.name, l.asset, l.place) IN (
            SELECT (a->>'owner')::uuid, a->>'name', a->>'asset', a->>'place'
            FROM jsonb_array_elements(posting->'transfers') t, LATERAL (VALUES (t->'debit'), (t->'credit')) v(a))
        ORDER BY l.id FOR UPDATE) locked;

    INSERT INTO ledger_postings (id, key, kind, object_id, posted_at)
    VALUES ((posting->>'id')::uuid, posting->>'key', posting->>'kind', (posting->>'object_id')::uuid, now_at)
    ON CONFLICT (key) DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'duplicate';
    END IF;

    FOR row IN SELECT t FROM jsonb_array_elements(posting->'transfers') t LOOP
        amount := (row.t->>'units')::numeric;
        SELECT * INTO d FROM ledger_accounts l WHERE l.owner = (row.t->'debit'->>'owner')::uuid
            AND l.name = row.t->'debit'->>'name' AND l.asset = row.t->'debit'->>'asset' AND l.place = row.t->'debit'->>'place';
        SELECT * INTO c FROM ledger_accounts l WHERE l.owner = (row.t->'credit'->>'owner')::uuid
            AND l.name = row.t->'credit'->>'name' AND l.asset = row.t->'credit'->>'asset' AND l.place = row.t->'credit'->>'place';
        IF d.asset <> c.asset THEN
            RETURN 'asset_mismatch';
        END IF;
        IF d.closed_at IS NOT NULL OR c.closed_at IS NOT NULL THEN
            RETURN 'closed';
        END IF;
        d.balance := d.balance + CASE d.side WHEN 'debit' THEN amount ELSE -amount END;
        c.balance := c.balance + CASE c.side WHEN 'credit' THEN amount ELSE -amount END;
        IF (d.balance < 0 AND NOT d.overdraft) OR (c.balance < 0 AND NOT c.overdraft) THEN
            RETURN 'insufficient';
        END IF;
        UPDATE ledger_accounts SET balance = d.balance, sequence = sequence + 1 WHERE id = d.id;
        UPDATE ledger_accounts SET balance = c.balance, sequence = sequence + 1 WHERE id = c.id;
        INSERT INTO ledger_transfers (id, posting_id, event, units, debit_account, debit_sequence, debit_balance,
                                      credit_account, credit_sequence, credit_balance, posted_at)
        VALUES ((row.t->>'id')::uuid, (posting->>'id')::uuid, row.t->>'event', amount, d.id, d.sequence + 1, d.balance,
                c.id, c.sequence + 1, c.balance, now_at);
    END LOOP;
    RETURN 'posted';
END
$function$
"""

# Verdicts other than 'posted' leave rows behind inside the transaction; the lane always rolls back on them.

GUARD = """
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION '% on % is refused: the ledger only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$function$
"""

ACCOUNT_GUARD = """
CREATE FUNCTION ledger_account_guard() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF NEW.id <> OLD.id OR NEW.owner <> OLD.owner OR NEW.name <> OLD.name OR NEW.asset <> OLD.asset
       OR NEW.place <> OLD.place OR NEW.side <> OLD.side OR NEW.overdraft <> OLD.overdraft THEN
        RAISE EXCEPTION 'an account does not change what it is' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.balance <> OLD.balance AND NEW.sequence <> OLD.sequence + 1 THEN
        RAISE EXCEPTION 'a balance moves by one numbered transfer at a time' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$
"""


def upgrade() -> None:
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("overdraft", sa.Boolean(), nullable=False),
        sa.Column("balance", Units(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("side IN ('debit', 'credit')", name=op.f("ck_ledger_accounts_side_known")),
        sa.CheckConstraint("overdraft OR balance >= 0", name=op.f("ck_ledger_accounts_no_overdraft")),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_ledger_accounts_sequence_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("owner", "name", "asset", "place", name=op.f("uq_ledger_accounts_owner_name_asset_place")),
    )
    op.create_table(
        "ledger_postings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_postings")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_postings_key")),
    )
    op.create_index(op.f("ix_ledger_postings_kind"), "ledger_postings", ["kind"])
    op.create_index(op.f("ix_ledger_postings_object_id"), "ledger_postings", ["object_id"])
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("units", Units(), nullable=False),
        sa.Column("debit_account", sa.BigInteger(), nullable=False),
        sa.Column("debit_sequence", sa.BigInteger(), nullable=False),
        sa.Column("debit_balance", Units(), nullable=False),
        sa.Column("credit_account", sa.BigInteger(), nullable=False),
        sa.Column("credit_sequence", sa.BigInteger(), nullable=False),
        sa.Column("credit_balance", Units(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("ck_ledger_transfers_units_positive")),
        sa.CheckConstraint("debit_account <> credit_account", name=op.f("ck_ledger_transfers_two_accounts")),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["ledger_postings.id"], name=op.f("fk_ledger_transfers_posting_id_ledger_postings")
        ),
        sa.ForeignKeyConstraint(
            ["debit_account"], ["ledger_accounts.id"], name=op.f("fk_ledger_transfers_debit_account_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["credit_account"], ["ledger_accounts.id"], name=op.f("fk_ledger_transfers_credit_account_ledger_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint(
            "debit_account", "debit_sequence", name=op.f("uq_ledger_transfers_debit_account_debit_sequence")
        ),
        sa.UniqueConstraint(
            "credit_account", "credit_sequence", name=op.f("uq_ledger_transfers_credit_account_credit_sequence")
        ),
    )
    op.create_index("ix_ledger_transfers_posting_id", "ledger_transfers", ["posting_id"])
    op.execute(POST)
    op.execute(GUARD)
    op.execute(ACCOUNT_GUARD)
    for table in ("ledger_postings", "ledger_transfers"):
        op.execute(
            f"CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_append_only()"
        )
    for table in ("ledger_postings", "ledger_transfers", "ledger_accounts"):
        op.execute(
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
        )
    op.execute(
        "CREATE TRIGGER ledger_accounts_delete BEFORE DELETE ON ledger_accounts "
        "FOR EACH ROW EXECUTE FUNCTION ledger_append_only()"
    )
    op.execute(
        "CREATE TRIGGER ledger_accounts_update BEFORE UPDATE ON ledger_accounts "
        "FOR EACH ROW EXECUTE FUNCTION ledger_account_guard()"
    )


def downgrade() -> None:
    op.drop_table("ledger_transfers")
    op.drop_table("ledger_postings")
    op.drop_table("ledger_accounts")
    op.execute("DROP FUNCTION ledger_post(jsonb)")
    op.execute("DROP FUNCTION ledger_append_only()")
    op.execute("DROP FUNCTION ledger_account_guard()")
