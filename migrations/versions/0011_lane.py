"""The ledger's posting function for batches, one wide table of transfers, and the lane's one round trip.

Why one table and no index but three: docs/decisions/0009-one-wide-row-per-transfer.md. Nothing here needs more than
PostgreSQL 15.
"""

from alembic import op

revision = "0011_lane"
down_revision = "0010_notices"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE ledger_transfers_wide (
    key text COLLATE "C" NOT NULL,
    n smallint NOT NULL,
    id uuid NOT NULL,
    event text NOT NULL,
    units units NOT NULL,
    debit_account bigint NOT NULL,
    debit_sequence bigint NOT NULL,
    debit_balance units NOT NULL,
    credit_account bigint NOT NULL,
    credit_sequence bigint NOT NULL,
    credit_balance units NOT NULL,
    posted_at timestamptz NOT NULL
)
"""

# Transfers written by version 0.1: the postings' keys go into their transfers.
COPY = """
INSERT INTO ledger_transfers_wide (key, n, id, event, units, debit_account, debit_sequence, debit_balance,
                                   credit_account, credit_sequence, credit_balance, posted_at)
SELECT p.key, row_number() OVER (PARTITION BY p.id ORDER BY t.id), t.id, t.event, t.units, t.debit_account,
       t.debit_sequence, t.debit_balance, t.credit_account, t.credit_sequence, t.credit_balance, t.posted_at
FROM ledger_transfers t JOIN ledger_postings p ON p.id = t.posting_id
ORDER BY t.id
"""

# Constraints after the copy, named as the metadata's convention names them.
CONSTRAINTS = """
ALTER TABLE ledger_transfers
    ADD CONSTRAINT pk_ledger_transfers PRIMARY KEY (key, n),
    ADD CONSTRAINT uq_ledger_transfers_debit_account_debit_sequence UNIQUE (debit_account, debit_sequence),
    ADD CONSTRAINT uq_ledger_transfers_credit_account_credit_sequence UNIQUE (credit_account, credit_sequence),
    ADD CONSTRAINT ck_ledger_transfers_n_positive CHECK (n > 0),
    ADD CONSTRAINT ck_ledger_transfers_units_positive CHECK (units > 0),
    ADD CONSTRAINT ck_ledger_transfers_two_accounts CHECK (debit_account <> credit_account)
"""

# An account is made on first use, by name, and found by number ever after: the lane remembers the numbers.
OPEN = """
CREATE FUNCTION ledger_open(owners uuid[], names text[], assets text[], places text[], sides text[],
                            overdrafts boolean[]) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $function$
DECLARE
    found bigint[];
BEGIN
    INSERT INTO ledger_accounts (owner, name, asset, place, side, overdraft, balance, sequence, moved_at)
    SELECT DISTINCT a.owner, a.name, a.asset, a.place, a.side, a.overdraft, 0, 0, '-infinity'::timestamptz
    FROM unnest(owners, names, assets, places, sides, overdrafts) a(owner, name, asset, place, side, overdraft)
    WHERE NOT EXISTS (SELECT FROM ledger_accounts l WHERE l.owner = a.owner AND l.name = a.name
                      AND l.asset = a.asset AND l.place = a.place)
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (owner, name, asset, place) DO NOTHING;
    SELECT array_agg(l.id ORDER BY a.i) INTO found
    FROM unnest(owners, names, assets, places) WITH ORDINALITY a(owner, name, asset, place, i)
    LEFT JOIN ledger_accounts l ON l.owner = a.owner AND l.name = a.name AND l.asset = a.asset AND l.place = a.place;
    RETURN found;
END
$function$
"""

# The one writer. A batch of postings in, one verdict for each out, as if they had come one after the other:
#   posted, replayed (this very submission was posted before), duplicate (the key was posted by another), insufficient,
#   unknown_account, asset_mismatch, closed.
# A posting is a linked group of transfers: `of` gives each transfer its posting, 1-based and ascending. Accounts are
# locked once each in id order before the keys are looked up, so a twin that is still committing is waited for. The
# walk over the transfers is sequential: a group that empties an account half-way is refused even when a later transfer
# would fill it again; what it did until then is taken back, and its neighbours stand. posted_at is taken under the
# locks and never below an account's last, so that along an account time follows the sequence.
# enable_seqscan: plans made while a table was small would otherwise stay sequential for the life of the connection.
POST = """
CREATE FUNCTION ledger_post(keys text[], ids uuid[], of int[], events text[], debits bigint[], credits bigint[],
                            units numeric[]) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $function$
#variable_conflict use_variable
DECLARE
    postings int := cardinality(keys);
    rows int := cardinality(ids);
    verdicts text[] := array_fill(NULL::text, ARRAY[cardinality(keys)]);
    numbers bigint[]; balances numeric[]; sequences bigint[]; assets text[];
    by_debit boolean[]; overdrafts boolean[]; shut boolean[];
    d_at int[]; c_at int[];
    places smallint[] := array_fill(NULL::smallint, ARRAY[cardinality(ids)]);
    d_sequences bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(ids)]);
    c_sequences bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(ids)]);
    d_balances numeric[] := array_fill(NULL::numeric, ARRAY[cardinality(ids)]);
    c_balances numeric[] := array_fill(NULL::numeric, ARRAY[cardinality(ids)]);
    now_at timestamptz;
    twins boolean;
    row record;
    p int := 0; t int; first int; d int; c int; amount numeric; verdict text; posted_any boolean := false;
BEGIN
    IF rows = 0 OR postings = 0 OR cardinality(of) <> rows OR cardinality(events) <> rows OR cardinality(debits) <> rows
       OR cardinality(credits) <> rows OR cardinality(units) <> rows OR array_position(keys, NULL) IS NOT NULL
       OR array_position(ids, NULL) IS NOT NULL OR array_position(events, NULL) IS NOT NULL
       OR of[1] IS DISTINCT FROM 1 OR of[rows] IS DISTINCT FROM postings
       OR EXISTS (SELECT FROM unnest(of, of[2:]) s(here, after) WHERE s.here IS NULL OR s.after - s.here NOT IN (0, 1)) THEN
        RAISE EXCEPTION 'these arrays are not a batch of postings' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM unnest(units) u(u) WHERE u IS NULL OR NOT (u > 0 AND u < 1e60) OR scale(u) <> 0) THEN
        RAISE EXCEPTION 'units are whole numbers above zero and below 1e60' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM unnest(debits, credits) s(d, c) WHERE s.d = s.c) THEN
        RAISE EXCEPTION 'a transfer has two accounts' USING ERRCODE = 'check_violation';
    END IF;

    SELECT array_agg(l.id), array_agg(l.balance::numeric), array_agg(l.sequence), array_agg(l.asset),
           array_agg(l.side = 'debit'), array_agg(l.overdraft), array_agg(l.closed_at IS NOT NULL),
           greatest(clock_timestamp(), max(l.moved_at))
    INTO numbers, balances, sequences, assets, by_debit, overdrafts, shut, now_at
    FROM (SELECT a.* FROM ledger_accounts a
          WHERE a.id = ANY (ARRAY(SELECT DISTINCT s.x FROM unnest(debits || credits) s(x) WHERE s.x IS NOT NULL))
          ORDER BY a.id FOR UPDATE) l;

    SELECT array_agg(d.i ORDER BY s.t), array_agg(c.i ORDER BY s.t) INTO d_at, c_at
    FROM unnest(debits, credits) WITH ORDINALITY s(debit, credit, t)
    LEFT JOIN unnest(numbers) WITH ORDINALITY d(id, i) ON d.id = s.debit
    LEFT JOIN unnest(numbers) WITH ORDINALITY c(id, i) ON c.id = s.credit;

    FOR row IN
        SELECT k.p, CASE WHEN x.id = ids[(SELECT min(s.t) FROM unnest(of) WITH ORDINALITY s(p, t) WHERE s.p = k.p)]
                    THEN 'replayed' ELSE 'duplicate' END AS verdict
        FROM unnest(keys) WITH ORDINALITY k(key, p)
        CROSS JOIN LATERAL (SELECT t.id FROM ledger_transfers t WHERE t.key = k.key AND t.n = 1 LIMIT 1) x
    LOOP
        verdicts[row.p] := row.verdict;
    END LOOP;
    SELECT count(DISTINCT k.key) < postings INTO twins FROM unnest(keys) k(key);

    t := 1;
    WHILE t <= rows LOOP
        p := of[t];
        first := t;
        verdict := verdicts[p];
        IF verdict IS NULL AND twins THEN
            FOR d IN 1 .. p - 1 LOOP
                IF keys[d] = keys[p] AND verdicts[d] IN ('posted', 'replayed', 'duplicate') THEN
                    verdict := 'duplicate';
                    EXIT;
                END IF;
            END LOOP;
        END IF;
        IF verdict IS NULL THEN
            verdict := 'posted';
            WHILE t <= rows AND of[t] = p LOOP
                d := d_at[t];
                c := c_at[t];
                IF d IS NULL OR c IS NULL THEN
                    verdict := 'unknown_account';
                    EXIT;
                ELSIF assets[d] <> assets[c] THEN
                    verdict := 'asset_mismatch';
                    EXIT;
                ELSIF shut[d] OR shut[c] THEN
                    verdict := 'closed';
                    EXIT;
                END IF;
                amount := units[t];
                balances[d] := CASE WHEN by_debit[d] THEN balances[d] + amount ELSE balances[d] - amount END;
                balances[c] := CASE WHEN by_debit[c] THEN balances[c] - amount ELSE balances[c] + amount END;
                sequences[d] := sequences[d] + 1;
                sequences[c] := sequences[c] + 1;
                d_sequences[t] := sequences[d];
                c_sequences[t] := sequences[c];
                d_balances[t] := balances[d];
                c_balances[t] := balances[c];
                places[t] := t - first + 1;
                t := t + 1;
                IF (balances[d] < 0 AND NOT overdrafts[d]) OR (balances[c] < 0 AND NOT overdrafts[c]) THEN
                    verdict := 'insufficient';
                    EXIT;
                END IF;
            END LOOP;
            IF verdict <> 'posted' THEN
                -- Take back what this group did so far.
                WHILE t > first LOOP
                    t := t - 1;
                    d := d_at[t];
                    c := c_at[t];
                    amount := units[t];
                    balances[d] := CASE WHEN by_debit[d] THEN balances[d] - amount ELSE balances[d] + amount END;
                    balances[c] := CASE WHEN by_debit[c] THEN balances[c] + amount ELSE balances[c] - amount END;
                    sequences[d] := sequences[d] - 1;
                    sequences[c] := sequences[c] - 1;
                    d_sequences[t] := NULL;
                END LOOP;
            ELSE
                posted_any := true;
            END IF;
        END IF;
        verdicts[p] := verdict;
        WHILE t <= rows AND of[t] = p LOOP
            t := t + 1;
        END LOOP;
    END LOOP;

    IF posted_any THEN
        INSERT INTO ledger_transfers (key, n, id, event, units, debit_account, debit_sequence, debit_balance,
                                      credit_account, credit_sequence, credit_balance, posted_at)
        SELECT keys[s.p], s.n, s.id, s.event, s.units, s.debit, s.d_sequence, s.d_balance,
               s.credit, s.c_sequence, s.c_balance, now_at
        FROM unnest(of, places, ids, events, units, debits, d_sequences, d_balances, credits, c_sequences, c_balances)
             s(p, n, id, event, units, debit, d_sequence, d_balance, credit, c_sequence, c_balance)
        WHERE s.d_sequence IS NOT NULL;
        UPDATE ledger_accounts a SET balance = s.balance, sequence = s.sequence, moved_at = now_at
        FROM unnest(numbers, balances, sequences) s(id, balance, sequence)
        WHERE a.id = s.id AND a.sequence < s.sequence;
    END IF;
    RETURN verdicts;
END
$function$
"""

# One round trip for a batch of submissions: postings, then the riders of those that were posted, as their caller's own
# rights allow. A rider that misses takes the whole batch back (TG001, with who missed what): the lane runs the others
# again without it, and it alone, so that a miss told is never the fault of a neighbour that was itself taken back.
# `again` is the second asking after an unknown end: it writes a receipt of its own, because only a write that is
# acknowledged says that everything before it is on the standby too.
RUN = """
CREATE FUNCTION lane_run(submissions uuid[], keys text[], ids uuid[], of int[], events text[], debits bigint[],
                         credits bigint[], units numeric[], posting_of int[], statements text[], rows jsonb[],
                         receipts uuid[]) RETURNS text[]
LANGUAGE plpgsql SECURITY INVOKER AS $function$
#variable_conflict use_variable
DECLARE
    verdicts text[] := array_fill('posted'::text, ARRAY[cardinality(submissions)]);
    posted text[];
    all_posted boolean := true;
    done uuid[];
    hits int[];
    asked jsonb;
    missed jsonb := '[]';
BEGIN
    IF cardinality(receipts) > 0 THEN
        WITH written AS (INSERT INTO lane_receipts (id, at) SELECT r, clock_timestamp() FROM unnest(receipts) r
                         ON CONFLICT DO NOTHING RETURNING id)
        SELECT array_agg(id) INTO done FROM written;
        SELECT array_agg(CASE WHEN s.id = ANY (receipts) AND NOT coalesce(s.id = ANY (done), false)
                         THEN 'replayed' ELSE 'posted' END ORDER BY s.n)
        INTO verdicts FROM unnest(submissions) WITH ORDINALITY s(id, n);
        all_posted := array_position(verdicts, 'replayed') IS NULL;
    END IF;
    IF cardinality(keys) > 0 THEN
        posted := ledger_post(keys, ids, of, events, debits, credits, units);
        FOR i IN 1 .. cardinality(keys) LOOP
            verdicts[posting_of[i]] := posted[i];
            all_posted := all_posted AND posted[i] = 'posted';
        END LOOP;
    END IF;
    FOR i IN 1 .. cardinality(statements) LOOP
        asked := rows[i];
        IF NOT all_posted THEN
            SELECT coalesce(jsonb_agg(r), '[]') INTO asked FROM jsonb_array_elements(rows[i]) r
            WHERE verdicts[(r->>'n')::int] = 'posted';
        END IF;
        CONTINUE WHEN asked = '[]';
        EXECUTE statements[i] INTO hits USING asked;
        IF coalesce(cardinality(hits), 0) < jsonb_array_length(asked) THEN
            SELECT missed || jsonb_agg(jsonb_build_array(r->'n', i)) INTO missed
            FROM jsonb_array_elements(asked) r WHERE NOT coalesce((r->>'i')::int = ANY (hits), false);
            -- The first miss by order of riders is the one that is told.
            EXIT;
        END IF;
    END LOOP;
    IF missed <> '[]' THEN
        RAISE EXCEPTION 'a rider missed' USING ERRCODE = 'TG001', DETAIL = missed::text;
    END IF;
    RETURN verdicts;
END
$function$
"""

RECEIPTS = "CREATE TABLE lane_receipts (id uuid CONSTRAINT pk_lane_receipts PRIMARY KEY, at timestamptz NOT NULL)"
RECEIPTS_AT = "CREATE INDEX ix_lane_receipts_at ON lane_receipts (at)"

GROWS = """
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION '% on % is refused: the ledger only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$function$
"""

# Who called? The last line of the call stack is PostgreSQL's own word for the outermost frame: a plain statement has none,
# a DO block, another function or a rider inside lane_run ("at EXECUTE") has another one.
ONLY_POSTED = r"""
CREATE FUNCTION ledger_only_by_function() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF substring(stack FROM '[^\n]*$')
       !~ '^PL/pgSQL function (ledger_(post|open)\(.*\) line \d+ at SQL statement|lane_run\(.*\) line \d+ at assignment)$' THEN
        RAISE EXCEPTION '% on % is refused: only ledger_post writes here', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$function$
"""

ACCOUNT_FIXED = """
CREATE FUNCTION ledger_account_fixed() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION 'an account does not change what it is, and its balance moves by numbered transfers'
        USING ERRCODE = 'restrict_violation';
END
$function$
"""

TRIGGERS = (
    """CREATE TRIGGER ledger_transfers_rows BEFORE UPDATE OR DELETE ON ledger_transfers
       FOR EACH ROW EXECUTE FUNCTION ledger_append_only()""",
    """CREATE TRIGGER ledger_transfers_truncate BEFORE TRUNCATE ON ledger_transfers
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()""",
    """CREATE TRIGGER ledger_transfers_written BEFORE INSERT ON ledger_transfers
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_function()""",
    """CREATE TRIGGER ledger_accounts_written BEFORE INSERT OR UPDATE OF balance, sequence, moved_at ON ledger_accounts
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_function()""",
    # WHEN is judged without calling anything: a batch moves thousands of accounts.
    """CREATE TRIGGER ledger_accounts_update BEFORE UPDATE ON ledger_accounts FOR EACH ROW
       WHEN (NEW.id <> OLD.id OR NEW.owner <> OLD.owner OR NEW.name <> OLD.name OR NEW.asset <> OLD.asset
             OR NEW.place <> OLD.place OR NEW.side <> OLD.side OR NEW.overdraft <> OLD.overdraft
             OR (NEW.balance <> OLD.balance AND NEW.sequence <= OLD.sequence) OR NEW.sequence < OLD.sequence
             OR NEW.moved_at < OLD.moved_at)
       EXECUTE FUNCTION ledger_account_fixed()""",
)


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(COPY)
    op.execute("DROP TABLE ledger_transfers")
    op.execute("DROP TABLE ledger_postings")
    op.execute("ALTER TABLE ledger_transfers_wide RENAME TO ledger_transfers")
    op.execute(CONSTRAINTS)
    op.execute("DROP FUNCTION ledger_post(jsonb)")
    op.execute("DROP TRIGGER ledger_accounts_update ON ledger_accounts")
    op.execute("DROP FUNCTION ledger_account_guard()")
    op.execute("ALTER TABLE ledger_accounts ADD COLUMN moved_at timestamptz NOT NULL DEFAULT '-infinity'")
    op.execute("ALTER TABLE ledger_accounts ALTER COLUMN moved_at DROP DEFAULT")
    # A batch rewrites each account it moves: room on the page keeps the index out of it.
    op.execute("ALTER TABLE ledger_accounts SET (fillfactor = 50)")
    op.execute(RECEIPTS)
    op.execute(RECEIPTS_AT)
    for function in (OPEN, POST, RUN, GROWS, ONLY_POSTED, ACCOUNT_FIXED, *TRIGGERS):
        op.execute(function)


def downgrade() -> None:
    """Only an empty ledger goes back; what was booked stays in the form it was booked in."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM ledger_transfers) THEN RAISE 'the ledger only goes forward'; END IF; END $$"
    )
    for function in ("lane_run", "ledger_post", "ledger_open"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TABLE lane_receipts")
    op.execute("DROP TABLE ledger_transfers")
    op.execute("DROP TRIGGER ledger_accounts_written ON ledger_accounts")
    op.execute("DROP TRIGGER ledger_accounts_update ON ledger_accounts")
    op.execute("DROP FUNCTION ledger_only_by_function()")
    op.execute("DROP FUNCTION ledger_account_fixed()")
    op.execute("ALTER TABLE ledger_accounts DROP COLUMN moved_at")
    # What the revision before drops on its own way down.
    op.execute(
        "CREATE TABLE ledger_postings (id uuid PRIMARY KEY, key text, kind text, object_id uuid, posted_at timestamptz)"
    )
    op.execute("CREATE TABLE ledger_transfers (id uuid PRIMARY KEY)")
    op.execute("CREATE FUNCTION ledger_post(jsonb) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'")
    op.execute("CREATE FUNCTION ledger_account_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
