"""The lane names the very rider that missed: two of one submission may be of one kind."""

from alembic import op

revision = "0013_riders"
down_revision = "0012_roles"
branch_labels = None
depends_on = None

# As before (0011), but a miss is told as [step, i]: the place of its statement and of its row there.
RUN = """
CREATE OR REPLACE FUNCTION lane_run(submissions uuid[], keys text[], ids uuid[], of int[], events text[], debits bigint[],
                         credits bigint[], units numeric[], posting_of int[], statements text[], rows jsonb[],
                         receipts uuid[]) RETURNS text[]
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $function$
#variable_conflict use_variable
DECLARE
    verdicts text[] := array_fill('posted'::text, ARRAY[cardinality(submissions)]);
    posted text[];
    all_posted boolean := true;
    done uuid[];
    hits int[];
    asked jsonb;
    missed jsonb;
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
    FOR step IN 1 .. cardinality(statements) LOOP
        asked := rows[step];
        IF NOT all_posted THEN
            SELECT coalesce(jsonb_agg(r), '[]') INTO asked FROM jsonb_array_elements(asked) r
            WHERE verdicts[(r->>'n')::int] = 'posted';
        END IF;
        CONTINUE WHEN asked = '[]';
        EXECUTE statements[step] INTO hits USING asked;
        IF coalesce(cardinality(hits), 0) < jsonb_array_length(asked) THEN
            -- The first miss by order of riders is the one that is told.
            SELECT jsonb_agg(jsonb_build_array(step, r->'i') ORDER BY (r->>'i')::int) INTO missed
            FROM jsonb_array_elements(asked) r WHERE NOT coalesce((r->>'i')::int = ANY (hits), false);
            RAISE EXCEPTION 'a rider missed' USING ERRCODE = 'TG001', DETAIL = missed::text;
        END IF;
    END LOOP;
    RETURN verdicts;
END
$function$
"""


def upgrade() -> None:
    op.execute(RUN)


def downgrade() -> None:
    """Nothing: what stood before the lane drops the function (0011)."""
