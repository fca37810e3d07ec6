"""What the database's roles stand on: functions that nobody else can bend, and nothing for PUBLIC.

The roles themselves belong to the server and are made by `tidegate database init`; what each may do is
backend/tidegate/grants.py, applied after every migration. Nothing here needs a role to be there.
"""

from alembic import op

revision = "0012_roles"
down_revision = "0011_lane"
branch_labels = None
depends_on = None

# Whoever may call it makes accounts; that they are lines of the chart (ledger/rules.py) is no longer his word alone. An
# account that may be overdrawn would be money from nothing.
OPEN = """
CREATE OR REPLACE FUNCTION ledger_open(owners uuid[], names text[], assets text[], places text[], sides text[],
                            overdrafts boolean[]) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $function$
DECLARE
    found bigint[];
BEGIN
    IF EXISTS (
        SELECT FROM unnest(owners, names, assets, places, sides, overdrafts) a(owner, name, asset, place, side, overdraft)
        WHERE NOT EXISTS (
            SELECT FROM (VALUES
                ('available', 'credit', false), ('held', 'credit', false), ('wallet:deposit', 'debit', false),
                ('wallet:hot', 'debit', false), ('wallet:cold', 'debit', false), ('venue', 'debit', false),
                ('in_transit', 'debit', false), ('receivable', 'debit', false), ('capital', 'credit', false),
                ('liquidity', 'credit', true), ('charged:network', 'credit', false), ('charged:service', 'credit', false),
                ('charged:spread', 'credit', false), ('cost:network', 'debit', false), ('cost:venue', 'debit', false),
                ('suspense', 'credit', false), ('rounding', 'credit', false)) c(name, side, overdraft)
            WHERE c.name = a.name AND c.side = a.side AND c.overdraft = a.overdraft
              AND (a.name IN ('available', 'held')) = (a.owner <> '00000000-0000-0000-0000-000000000000')
              AND (a.name LIKE 'wallet:%' OR a.name = 'venue') = (a.place <> ''))) THEN
        RAISE EXCEPTION 'this account is not on the chart' USING ERRCODE = 'check_violation';
    END IF;
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

# As in 0011, and each array is as long as it says, beginning at 1.
POST = """
CREATE OR REPLACE FUNCTION ledger_post(keys text[], ids uuid[], of int[], events text[], debits bigint[], credits bigint[],
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
    shape text := '[1:' || cardinality(ids) || ']';
    row record;
    p int := 0; t int; first int; d int; c int; amount numeric; verdict text; posted_any boolean := false;
BEGIN
    -- Read by subscript here and by position there: an array with bounds of its own would be two different batches.
    IF concat_ws(' ', array_dims(keys), array_dims(ids), array_dims(of), array_dims(events), array_dims(debits),
                 array_dims(credits), array_dims(units))
       IS DISTINCT FROM concat_ws(' ', '[1:' || postings || ']', shape, shape, shape, shape, shape, shape) THEN
        RAISE EXCEPTION 'these arrays are not a batch of postings' USING ERRCODE = 'invalid_parameter_value';
    END IF;
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

# Closing is the one thing that the owner does by hand, to an empty account and for good.
ACCOUNT_FIXED = """
CREATE TRIGGER ledger_accounts_update BEFORE UPDATE ON ledger_accounts FOR EACH ROW
WHEN (NEW.id <> OLD.id OR NEW.owner <> OLD.owner OR NEW.name <> OLD.name OR NEW.asset <> OLD.asset
      OR NEW.place <> OLD.place OR NEW.side <> OLD.side OR NEW.overdraft <> OLD.overdraft
      OR (NEW.balance <> OLD.balance AND NEW.sequence <= OLD.sequence) OR NEW.sequence < OLD.sequence
      OR NEW.moved_at < OLD.moved_at
      OR (NEW.closed_at IS DISTINCT FROM OLD.closed_at AND (OLD.closed_at IS NOT NULL OR NEW.balance <> 0)))
EXECUTE FUNCTION ledger_account_fixed()
"""

# Their own names resolve in `public` whatever the caller's search_path says, and never in his temporary schema.
PINNED = (
    "lane_run",
    "ledger_append_only",
    "ledger_only_by_function",
    "ledger_account_fixed",
    "auth_append_only",
    "auth_step_guard",
    "withdrawal_guard",
)


def upgrade() -> None:
    op.execute(OPEN)
    op.execute(POST)
    for function in PINNED:
        op.execute(f"ALTER FUNCTION {function} SET search_path = public, pg_temp")
    op.execute("DROP TRIGGER ledger_accounts_update ON ledger_accounts")
    op.execute(ACCOUNT_FIXED)
    # Row triggers do not see TRUNCATE.
    op.execute(
        "CREATE TRIGGER withdrawal_events_truncate BEFORE TRUNCATE ON withdrawal_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
    )
    for function in ("ledger_open", "ledger_post", *PINNED):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")


def downgrade() -> None:
    """The stricter functions stay: they take everything that those before them rightly took."""
    for function in ("ledger_open", "ledger_post", *PINNED):
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC")
    for function in PINNED:
        op.execute(f"ALTER FUNCTION {function} RESET search_path")
    op.execute("DROP TRIGGER withdrawal_events_truncate ON withdrawal_events")
    op.execute("DROP TRIGGER ledger_accounts_update ON ledger_accounts")
    op.execute(
        """
        CREATE TRIGGER ledger_accounts_update BEFORE UPDATE ON ledger_accounts FOR EACH ROW
        WHEN (NEW.id <> OLD.id OR NEW.owner <> OLD.owner OR NEW.name <> OLD.name OR NEW.asset <> OLD.asset
              OR NEW.place <> OLD.place OR NEW.side <> OLD.side OR NEW.overdraft <> OLD.overdraft
              OR (NEW.balance <> OLD.balance AND NEW.sequence <= OLD.sequence) OR NEW.sequence < OLD.sequence
              OR NEW.moved_at < OLD.moved_at)
        EXECUTE FUNCTION ledger_account_fixed()
        """
    )
