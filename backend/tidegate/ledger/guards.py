"""Are the ledger's guards where the migrations put them, and does every row still keep what they guard?

Whoever owns the tables can take a guard away, and a superuser can walk past all of them. What he did then to the rows is
found by `proof`; here is found that a guard is gone, changed or switched off, also when no row was changed yet.
`GUARDS` is what the migrations make; a test compares the two and says what to write when a migration changes one.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.ledger.rules import CHART, HOUSE

TABLES = ("ledger_accounts", "ledger_transfers")
FUNCTIONS = (
    "ledger_open",
    "ledger_post",
    "lane_run",
    "ledger_append_only",
    "ledger_only_by_function",
    "ledger_account_fixed",
)


@dataclass(frozen=True, slots=True)
class Look:
    """A named statement that answers with one row for each thing that is wrong."""

    name: str
    sql: str
    scans: bool = False


GUARDS = {
    "column asset of ledger_accounts": "character varying NOT NULL",
    "column balance of ledger_accounts": "units NOT NULL",
    "column closed_at of ledger_accounts": "timestamp with time zone",
    "column credit_account of ledger_transfers": "bigint NOT NULL",
    "column credit_balance of ledger_transfers": "units NOT NULL",
    "column credit_sequence of ledger_transfers": "bigint NOT NULL",
    "column debit_account of ledger_transfers": "bigint NOT NULL",
    "column debit_balance of ledger_transfers": "units NOT NULL",
    "column debit_sequence of ledger_transfers": "bigint NOT NULL",
    "column event of ledger_transfers": "text NOT NULL",
    "column id of ledger_accounts": "bigint NOT NULL",
    "column id of ledger_transfers": "uuid NOT NULL",
    "column key of ledger_transfers": "text NOT NULL",
    "column moved_at of ledger_accounts": "timestamp with time zone NOT NULL",
    "column n of ledger_transfers": "smallint NOT NULL",
    "column name of ledger_accounts": "character varying NOT NULL",
    "column overdraft of ledger_accounts": "boolean NOT NULL",
    "column owner of ledger_accounts": "uuid NOT NULL",
    "column place of ledger_accounts": "character varying NOT NULL",
    "column posted_at of ledger_transfers": "timestamp with time zone NOT NULL",
    "column sequence of ledger_accounts": "bigint NOT NULL",
    "column side of ledger_accounts": "character varying NOT NULL",
    "column units of ledger_transfers": "units NOT NULL",
    "constraint ck_ledger_accounts_no_overdraft on ledger_accounts": "CHECK ((overdraft OR ((balance)::numeric >= (0)::numeric)))",
    "constraint ck_ledger_accounts_sequence_not_negative on ledger_accounts": "CHECK ((sequence >= 0))",
    "constraint ck_ledger_accounts_side_known on ledger_accounts": "CHECK (((side)::text = ANY ((ARRAY['debit'::character varying, 'credit'::character varying])::text[])))",
    "constraint ck_ledger_transfers_n_positive on ledger_transfers": "CHECK ((n > 0))",
    "constraint ck_ledger_transfers_two_accounts on ledger_transfers": "CHECK ((debit_account <> credit_account))",
    "constraint ck_ledger_transfers_units_positive on ledger_transfers": "CHECK (((units)::numeric > (0)::numeric))",
    "constraint pk_ledger_accounts on ledger_accounts": "PRIMARY KEY (id)",
    "constraint pk_ledger_transfers on ledger_transfers": "PRIMARY KEY (key, n)",
    "constraint units_check on units": "CHECK (((VALUE = trunc(VALUE)) AND (abs(VALUE) < '1000000000000000000000000000000000000000000000000000000000000'::numeric)))",
    "constraint uq_ledger_accounts_owner_name_asset_place on ledger_accounts": "UNIQUE (owner, name, asset, place)",
    "constraint uq_ledger_transfers_credit_account_credit_sequence on ledger_transfers": "UNIQUE (credit_account, credit_sequence)",
    "constraint uq_ledger_transfers_debit_account_debit_sequence on ledger_transfers": "UNIQUE (debit_account, debit_sequence)",
    "function lane_run(uuid[],text[],uuid[],integer[],text[],bigint[],bigint[],numeric[],integer[],text[],jsonb[],uuid[])": "b63c5ab35f3e40289111e88d2a5bcd693d8f7685e538e84489919c73664529b1",
    "function ledger_account_fixed()": "126c4221d93fcb9a897bed65d0885d150cb995777dfaaf65ec7699033f6b150f",
    "function ledger_append_only()": "1e917427809cbc7f7ea75a9d2eec8112ea26a16e8242edada01c0d7555fa9210",
    "function ledger_only_by_function()": "1f43768b9a26a799dccbc8a9a26bea949bae6a8428b685506041eba55b8727dd",
    "function ledger_open(uuid[],text[],text[],text[],text[],boolean[])": "16e9fc6972f6710a6e1f644645c546b4ce80b3da2a23c4078600022f97d25cdb",
    "function ledger_post(text[],uuid[],integer[],text[],bigint[],bigint[],numeric[])": "7ba1dd94ed3182661d8aad1c913d6612daf1b6dfe2dd095f23c92cc6ef65a3d1",
    "trigger ledger_accounts_delete on ledger_accounts": "CREATE TRIGGER ledger_accounts_delete BEFORE DELETE ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION ledger_append_only()",
    "trigger ledger_accounts_truncate on ledger_accounts": "CREATE TRIGGER ledger_accounts_truncate BEFORE TRUNCATE ON ledger_accounts FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()",
    "trigger ledger_accounts_update on ledger_accounts": "CREATE TRIGGER ledger_accounts_update BEFORE UPDATE ON ledger_accounts FOR EACH ROW WHEN (new.id <> old.id OR new.owner <> old.owner OR new.name::text <> old.name::text OR new.asset::text <> old.asset::text OR new.place::text <> old.place::text OR new.side::text <> old.side::text OR new.overdraft <> old.overdraft OR new.balance::numeric <> old.balance::numeric AND new.sequence <= old.sequence OR new.sequence < old.sequence OR new.moved_at < old.moved_at OR new.closed_at IS DISTINCT FROM old.closed_at AND (old.closed_at IS NOT NULL OR new.balance::numeric <> 0::numeric)) EXECUTE FUNCTION ledger_account_fixed()",
    "trigger ledger_accounts_written on ledger_accounts": "CREATE TRIGGER ledger_accounts_written BEFORE INSERT OR UPDATE OF balance, sequence, moved_at ON ledger_accounts FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_function()",
    "trigger ledger_transfers_rows on ledger_transfers": "CREATE TRIGGER ledger_transfers_rows BEFORE DELETE OR UPDATE ON ledger_transfers FOR EACH ROW EXECUTE FUNCTION ledger_append_only()",
    "trigger ledger_transfers_truncate on ledger_transfers": "CREATE TRIGGER ledger_transfers_truncate BEFORE TRUNCATE ON ledger_transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()",
    "trigger ledger_transfers_written on ledger_transfers": "CREATE TRIGGER ledger_transfers_written BEFORE INSERT ON ledger_transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_function()",
}

# The same guards as PostgreSQL spells them once they have been written out and read in again (a restored backup).
RESPELT = {
    "constraint ck_ledger_accounts_side_known on ledger_accounts": "CHECK (((side)::text = ANY (ARRAY[('debit'::character varying)::text, ('credit'::character varying)::text])))",
}

# What is there, one row a guard: its name and what it says. Functions by digest of all that makes them what they are.
THERE = """
SELECT 'function ' || p.oid::regprocedure, encode(sha256(convert_to(concat_ws(
           E'\\n', l.lanname, p.prosecdef, p.provolatile, array_to_string(p.proconfig, ', '), p.prosrc), 'UTF8')), 'hex')
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'public'::regnamespace AND p.proname = ANY (CAST(:functions AS text[]))
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || c.relname, pg_get_triggerdef(t.oid, true)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (CAST(:tables AS text[])) AND NOT t.tgisinternal
UNION ALL
SELECT 'constraint ' || k.conname || ' on ' || c.relname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (CAST(:tables AS text[])) AND k.contype IN ('p', 'u', 'c')
UNION ALL
SELECT 'constraint ' || k.conname || ' on units', pg_get_constraintdef(k.oid)
FROM pg_constraint k WHERE k.contypid = to_regtype('public.units')
UNION ALL
SELECT 'column ' || a.attname || ' of ' || c.relname,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (CAST(:tables AS text[]))
  AND a.attnum > 0 AND NOT a.attisdropped
"""

# What needs no list: nothing in this database is switched off, and nobody was let in beside the functions.
_AROUND = """
SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass || ' is switched off'
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND t.tgenabled <> 'O'
UNION ALL
SELECT 'constraint ' || k.conname || ' on ' || k.conrelid::regclass || ' is not validated'
FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace AND NOT k.convalidated AND k.conrelid <> 0
UNION ALL
SELECT 'index ' || i.indexrelid::regclass || ' is not valid'
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT (i.indisvalid AND i.indisready AND i.indislive)
UNION ALL
SELECT 'rule ' || r.rulename || ' on ' || c.relname || ' rewrites statements'
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL
SELECT c.relname || ' hides rows or has tables below it'
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ('ledger_accounts', 'ledger_transfers')
  AND (c.relrowsecurity OR c.relforcerowsecurity OR c.relkind <> 'r'
       OR EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid))
UNION ALL
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END || ' may ' || a.privilege_type || ' on '
       || c.relname
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ('ledger_accounts', 'ledger_transfers') AND a.grantee <> c.relowner
  AND a.privilege_type <> 'SELECT'
UNION ALL
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END || ' may ' || a.privilege_type || ' on '
       || c.relname || '.' || t.attname
FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ('ledger_accounts', 'ledger_transfers') AND a.grantee <> c.relowner
  AND a.privilege_type <> 'SELECT'
UNION ALL
SELECT 'everybody may call ' || p.proname
FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN ('ledger_open', 'ledger_post') AND a.grantee = 0
UNION ALL
SELECT p.proname || ' belongs to ' || pg_get_userbyid(p.proowner) || ' and ledger_transfers to '
       || pg_get_userbyid(c.relowner)
FROM pg_proc p JOIN pg_class c ON c.oid = to_regclass('public.ledger_transfers') AND c.relowner <> p.proowner
WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN ('ledger_open', 'ledger_post')
UNION ALL
SELECT coalesce('role ' || pg_get_userbyid(nullif(s.setrole, 0)), 'the database') || ' is set to begin with ' || c
FROM pg_db_role_setting s, unnest(s.setconfig) c
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND c ~ '^(session_replication_role=(replica|local)|synchronous_commit=(off|local))$'
  AND (s.setrole = 0 OR has_table_privilege(s.setrole, 'public.ledger_transfers', 'SELECT')
       OR pg_has_role(s.setrole, (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.ledger_transfers')), 'MEMBER'))
UNION ALL
SELECT 'the server''s ' || s.name || ' is ' || s.setting
FROM pg_settings s
WHERE (s.name, s.reset_val) IN (('session_replication_role', 'replica'), ('session_replication_role', 'local'))
"""

_CHART = ", ".join(f"('{name}', '{kind.side.value}', {kind.overdraft})" for name, kind in CHART.items())

LOOKS = (
    Look("guards_are_in_place", _AROUND),
    # An account that may be overdrawn, or that stands on the other side, is money from nothing.
    Look(
        "accounts_are_on_the_chart",
        f"""
        SELECT a.asset || ' ' || a.name || ' ' || a.place || ' of ' || a.owner || ' is a ' || a.side || ' account'
               || CASE WHEN a.overdraft THEN ' that may be overdrawn' ELSE '' END || ': not a line of the chart'
        FROM ledger_accounts a
        WHERE NOT EXISTS (SELECT FROM (VALUES {_CHART}) c(name, side, overdraft)
                          WHERE c.name = a.name AND c.side = a.side AND c.overdraft = a.overdraft)
           OR (a.name IN ('available', 'held')) <> (a.owner <> '{HOUSE}')
           OR (a.name LIKE 'wallet:%' OR a.name = 'venue') <> (a.place <> '') LIMIT 20
        """,  # noqa: S608  names of our own
    ),
    # The layout has no foreign keys: what would be one leg only is a transfer whose other account is not there.
    Look(
        "transfers_have_two_accounts",
        """
        SELECT 'transfer ' || t.id || ' moves ' || t.units || ' between accounts ' || t.debit_account || ' and '
               || t.credit_account || ', of which one is not there'
        FROM ledger_transfers t
        WHERE NOT EXISTS (SELECT FROM ledger_accounts a WHERE a.id = t.debit_account)
           OR NOT EXISTS (SELECT FROM ledger_accounts a WHERE a.id = t.credit_account) LIMIT 20
        """,
        scans=True,
    ),
)


async def there(session: AsyncSession) -> dict[str, str]:
    """The guards of this database, by name."""
    rows = await session.execute(text(THERE), {"functions": list(FUNCTIONS), "tables": list(TABLES)})
    return {row[0]: row[1] for row in rows}


async def look(session: AsyncSession, *, whole: bool = True) -> AsyncIterator[tuple[str, list[str]]]:
    """Each check by name with what it found. Without `whole`, what reads every transfer is left out."""
    for one in LOOKS:
        if one.scans and not whole:
            continue
        found = [str(row[0]) for row in await session.execute(text(one.sql))]
        if one.name == "guards_are_in_place":
            found = compared(await there(session)) + found
        yield one.name, found


def compared(found: dict[str, str]) -> list[str]:
    # More constraints and columns only narrow what may be written; another trigger or function could do anything.
    more = [name for name in found.keys() - GUARDS.keys() if name.startswith(("trigger", "function"))]
    return [
        *(f"{name} is gone" for name in sorted(GUARDS.keys() - found.keys())),
        *(
            f"{name} is not what the migrations made"
            for name in sorted(GUARDS)
            if found.get(name, GUARDS[name]) not in (GUARDS[name], RESPELT.get(name))
        ),
        *(f"{name} is none of the migrations'" for name in sorted(more)),
    ]
