"""Attacks with SQL by whoever has the password of a serving process: api, worker, auditor."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.conftest import ROLES, as_login
from tests.ledger.booked import Connection, as_duty, book, findings, let_through, picture
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import CHART, HOUSE
from tidegate.roles import DUTIES, Duty

SERVING: tuple[Duty, ...] = tuple(duty for duty in DUTIES if duty != "migrator")
DENIED = asyncpg.InsufficientPrivilegeError
REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)

ACCOUNT = "(owner, name, asset, place, side, overdraft, balance, sequence, moved_at)"
COPIED = "key || 'x', n, id, event, units, debit_account, debit_sequence + 99, debit_balance, credit_account, credit_sequence + 99, credit_balance, posted_at"
WRITES = [
    "UPDATE ledger_accounts SET balance = balance + 1",
    "UPDATE ledger_accounts SET owner = gen_random_uuid()",
    "UPDATE ledger_accounts SET overdraft = true",
    "UPDATE ledger_accounts SET sequence = sequence + 1, balance = 0",
    "UPDATE ledger_accounts SET closed_at = now() WHERE balance <> 0",
    "UPDATE ledger_transfers SET units = units + 1",
    "UPDATE ledger_transfers SET key = 'free again' WHERE key = 'posting 1'",
    "DELETE FROM ledger_transfers",
    "DELETE FROM ledger_accounts",
    "TRUNCATE ledger_transfers",
    "TRUNCATE ledger_accounts RESTART IDENTITY CASCADE",
    f"INSERT INTO ledger_accounts {ACCOUNT} VALUES (gen_random_uuid(), 'available', 'BTC', '', 'credit', true, 9, 1, now())",
    f"INSERT INTO ledger_transfers SELECT {COPIED} FROM ledger_transfers",
    f"INSERT INTO ledger_transfers SELECT {COPIED} FROM ledger_transfers ON CONFLICT (key, n) DO UPDATE SET units = 1",
    f"INSERT INTO ledger_accounts {ACCOUNT} SELECT owner, name, asset, place, side, true, 5, sequence + 1, now() FROM ledger_accounts"
    " ON CONFLICT (owner, name, asset, place) DO UPDATE SET balance = 1",
    "MERGE INTO ledger_accounts a USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET balance = 0",
    "MERGE INTO ledger_transfers t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM ledger_transfers RETURNING *) SELECT count(*) FROM gone",
    "EXPLAIN ANALYZE DELETE FROM ledger_transfers",
    "PREPARE away AS DELETE FROM ledger_transfers; EXECUTE away",
    "DO $$ BEGIN UPDATE ledger_accounts SET balance = balance + 1; END $$",
    "DO $$ BEGIN EXECUTE 'DELETE FROM ledger_transfers'; END $$",
    "SET CONSTRAINTS ALL DEFERRED; UPDATE ledger_accounts SET balance = balance + 1",
    f"SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO ledger_transfers SELECT {COPIED} FROM ledger_transfers",
]
"""Refused to everybody: to the serving roles for want of a privilege, to the owner by the triggers."""

REACHES = [
    "SELECT * FROM ledger_accounts FOR UPDATE",
    "SELECT * FROM ledger_accounts FOR KEY SHARE",
    "LOCK TABLE ledger_accounts IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE ledger_transfers IN EXCLUSIVE MODE",
    "SELECT setval('ledger_accounts_id_seq', 1)",
    "SELECT nextval('ledger_accounts_id_seq')",
    "COPY ledger_transfers FROM PROGRAM 'true'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/ledger'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/ledger')",
    "SELECT rolpassword FROM pg_authid",
    "LOAD 'auto_explain'",
]

SHAPES = [
    "ALTER TABLE ledger_transfers DISABLE TRIGGER ALL",
    "ALTER TABLE ledger_transfers DISABLE TRIGGER ledger_transfers_rows",
    "ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_no_overdraft",
    "ALTER TABLE ledger_accounts ALTER COLUMN units DROP NOT NULL",
    "ALTER TABLE ledger_accounts ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE ledger_transfers OWNER TO CURRENT_USER",
    "ALTER DOMAIN units DROP CONSTRAINT units_check",
    "DROP TRIGGER ledger_transfers_rows ON ledger_transfers",
    "DROP TABLE ledger_transfers",
    "DROP FUNCTION ledger_post",
    "CREATE TRIGGER mine BEFORE INSERT ON ledger_transfers FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON INSERT TO ledger_transfers DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER FUNCTION ledger_post SECURITY INVOKER",
    "ALTER FUNCTION ledger_post SET search_path = pg_temp, public",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TEMP TABLE ledger_accounts (id bigint)",
    "CREATE TABLE public.mine (id int)",
    "CREATE VIEW public.mine AS SELECT * FROM ledger_accounts",
    "CREATE TABLE public.mine () INHERITS (ledger_transfers)",
    "CREATE SCHEMA mine",
    "CREATE INDEX mine ON ledger_transfers (event)",
    "CREATE EXTENSION pg_trgm",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "COMMENT ON TABLE ledger_transfers IS 'mine'",
    "ALTER DATABASE :database SET session_replication_role = replica",
    "ALTER DEFAULT PRIVILEGES FOR ROLE tidegate_owner GRANT ALL ON TABLES TO PUBLIC",
    "DROP OWNED BY tidegate_owner",
    "REASSIGN OWNED BY tidegate_owner TO CURRENT_USER",
]

BECOMING = [
    "SET ROLE tidegate_owner",
    "SET ROLE tidegate_migrator",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', true)",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
    "ALTER ROLE tidegate_owner LOGIN PASSWORD 'x'",
    "ALTER ROLE tidegate_migrator_login PASSWORD 'x'",
    "GRANT tidegate_owner TO CURRENT_USER",
    "GRANT pg_write_all_data TO CURRENT_USER",
    "CREATE ROLE mine SUPERUSER",
    "GRANT SET ON PARAMETER session_replication_role TO CURRENT_USER",
]


@pytest.fixture
async def owner(lane: Lane) -> uuid.UUID:
    return await book(lane)


@pytest.fixture(params=SERVING)
async def attacker(request: pytest.FixtureRequest, superuser_url: str, owner: uuid.UUID) -> AsyncIterator[Connection]:
    connection = await as_duty(superuser_url, request.param)
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    "attacks", [WRITES, REACHES, SHAPES, BECOMING], ids=["writing", "reaching further", "reshaping", "becoming more"]
)
async def test_no_serving_role_writes_reshapes_or_becomes_anything(
    attacks: list[str], attacker: Connection, superuser: Connection
) -> None:
    before = await picture(superuser)
    database = await superuser.fetchval("SELECT current_database()")
    wrong = await let_through(attacker, [attack.replace(":database", database) for attack in attacks], DENIED)
    assert wrong == []
    with pytest.raises(DENIED):  # not in a transaction, as the others are
        await attacker.execute("ALTER SYSTEM SET session_replication_role = replica")
    assert await picture(superuser) == before


# --- the functions that do write ------------------------------------------------------------------------------------

POST = "SELECT ledger_post($1::text[], $2::uuid[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::numeric[])"


async def accounts(connection: Connection) -> dict[str, int]:
    rows = await connection.fetch("SELECT name, id FROM ledger_accounts WHERE asset = 'BTC'")
    return {row["name"]: row["id"] for row in rows}


def call(
    *,
    keys: str = "ARRAY['fresh']",
    ids: str = "ARRAY[gen_random_uuid()]",
    of: str = "ARRAY[1]",
    events: str = "ARRAY['x']",
    debits: str = "ARRAY[{available}]",
    credits: str = "ARRAY[{held}]",
    units: str = "ARRAY[1]",
) -> str:
    """A posting of one unit from the customer's `available` to his `held`, as SQL, with something wrong in it."""
    return f"SELECT ledger_post({keys}, {ids}, {of}::int[], {events}, {debits}::bigint[], {credits}::bigint[], {units}::numeric[])"


TWO = {
    "keys": "ARRAY['fresh', 'other']",
    "ids": "ARRAY[gen_random_uuid(), gen_random_uuid()]",
    "of": "ARRAY[1, 2]",
    "events": "ARRAY['x', 'y']",
    "debits": "ARRAY[{available}, 999999]",
    "credits": "ARRAY[{held}, {held}]",
    "units": "ARRAY[1, 1]",
}
"""The first is good; the second names an account that is not there, so nobody looks at its amount."""

MALFORMED = [
    *(
        call(units=f"ARRAY[{bad}]")
        for bad in ("'NaN'", "'Infinity'", "'-Infinity'", "1.5", "1.0", "1e60", "-1", "0", "NULL")
    ),
    call(units="ARRAY[1, 1]"),
    call(units="'{}'"),
    call(units="NULL"),
    call(keys="NULL"),
    call(keys="ARRAY[NULL::text]"),
    call(keys="'{}'::text[]"),
    call(ids="ARRAY[NULL::uuid]"),
    call(events="ARRAY[NULL::text]"),
    call(of="ARRAY[2]"),
    call(of="ARRAY[0]"),
    call(of="ARRAY[NULL]"),
    call(credits="ARRAY[{available}]"),
    call(debits="ARRAY[{available}, {held}]"),
    call(**TWO | {"of": "ARRAY[2, 1]"}),
    call(**TWO | {"of": "ARRAY[1, 3]"}),
    call(**TWO | {"units": "ARRAY[[1, 1]]"}),
    call(**TWO | {"debits": "ARRAY[[{available}], [{held}]]"}),
    # Positions from 0: by subscript the first moves 1, by position it would be written as 400.
    call(**TWO | {"units": "'[0:1]={{400,1}}'"}),
    call(**TWO | {"units": "'[2:3]={{400,1}}'"}),
    call(**TWO | {"keys": "'[0:1]={{a,b}}'::text[]"}),
    call(**TWO | {"ids": "('[0:1]={{' || gen_random_uuid() || ',' || gen_random_uuid() || '}}')::uuid[]"}),
    call(**TWO | {"debits": "('[0:1]={{{available},{held}}}')"}),
    # Beyond what one posting may be long.
    call(
        ids="ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 40000))",
        of="ARRAY(SELECT 1 FROM generate_series(1, 40000))",
        events="ARRAY(SELECT 'x' FROM generate_series(1, 40000))",
        debits="ARRAY(SELECT {wallet:hot} FROM generate_series(1, 40000))",
        credits="ARRAY(SELECT {capital} FROM generate_series(1, 40000))",
        units="ARRAY(SELECT 1 FROM generate_series(1, 40000))",
    ),
]

OFF_THE_CHART = [
    "('{{{me}}}', '{{available}}', '{{BTC}}', '{{}}', '{{credit}}', '{{true}}')",
    "('{{{me}}}', '{{available}}', '{{BTC}}', ARRAY[''], '{{credit}}', '{{true}}')",
    "('{{{me}}}', '{{available}}', '{{BTC}}', ARRAY[''], '{{debit}}', '{{false}}')",
    "('{{{me}}}', '{{liquidity}}', '{{BTC}}', ARRAY[''], '{{credit}}', '{{true}}')",
    "('{{{me}}}', '{{made up}}', '{{BTC}}', ARRAY[''], '{{credit}}', '{{false}}')",
    "('{{{house}}}', '{{available}}', '{{BTC}}', ARRAY[''], '{{credit}}', '{{false}}')",
    "('{{{me}}}', '{{available}}', '{{BTC}}', '{{second}}', '{{credit}}', '{{false}}')",
    "('{{{house}}}', '{{wallet:hot}}', '{{BTC}}', ARRAY[''], '{{debit}}', '{{false}}')",
    "('{{NULL}}', '{{available}}', '{{BTC}}', ARRAY[''], '{{credit}}', '{{false}}')",
    "('{{{me}}}', '{{available}}', '{{NULL}}', ARRAY[''], '{{credit}}', '{{false}}')",
]


@pytest.fixture
async def api(superuser_url: str, owner: uuid.UUID) -> AsyncIterator[Connection]:
    connection = await as_duty(superuser_url, "api")
    yield connection
    await connection.close()


async def test_the_posting_function_refuses_what_is_no_batch_of_whole_amounts(
    api: Connection, superuser: Connection
) -> None:
    known = await accounts(superuser)
    before = await picture(superuser)
    attacks = []
    for attack in MALFORMED:
        for name, number in known.items():
            attack = attack.replace("{" + name + "}", str(number))
        attacks.append(attack.replace("{{", "{").replace("}}", "}"))
    refusals = (
        asyncpg.DataError,
        asyncpg.IntegrityConstraintViolationError,
        asyncpg.FeatureNotSupportedError,
    )
    assert await let_through(api, attacks, refusals) == []
    assert await picture(superuser) == before


async def test_an_honest_call_is_posted_and_its_key_is_spent(api: Connection, superuser: Connection) -> None:
    known = await accounts(superuser)
    honest = call().format(**known)
    assert await api.fetchval(honest) == ["posted"]
    before = await picture(superuser)
    assert await api.fetchval(honest) == ["duplicate"]
    assert await api.fetchval(call(keys="ARRAY['posting 1']").format(**known)) == ["duplicate"]
    assert await api.fetchval(call(units="ARRAY[390]").format(**known)) == ["duplicate"]
    poor = call(keys="ARRAY['poor']", units="ARRAY[400]").format(**known)
    assert await api.fetchval(poor) == ["insufficient"]
    assert await api.fetchval(call(keys="ARRAY['nobody']", debits="ARRAY[999999]").format(**known)) == [
        "unknown_account"
    ]
    dollars = await superuser.fetchval("SELECT id FROM ledger_accounts WHERE name = 'available' AND asset = 'USDT'")
    mixed = call(keys="ARRAY['mixed']", credits=f"ARRAY[{dollars}]").format(**known)
    assert await api.fetchval(mixed) == ["asset_mismatch"]
    assert await picture(superuser) == before


async def test_an_account_that_is_not_on_the_chart_is_not_opened(api: Connection, superuser: Connection) -> None:
    before = await picture(superuser)
    me, nobody = uuid.uuid4(), uuid.UUID(int=0)
    attacks = [f"SELECT ledger_open{one}".format(me=me, house=nobody) for one in OFF_THE_CHART]
    assert await let_through(api, attacks, asyncpg.IntegrityConstraintViolationError) == []
    assert await picture(superuser) == before
    # A second opening of an account that is there changes nothing of it.
    opened = f"SELECT ledger_open('{{{me}}}', '{{available}}', '{{BTC}}', ARRAY[''], '{{credit}}', '{{false}}')"
    assert await api.fetchval(opened) == await api.fetchval(opened)


async def test_every_line_of_the_chart_is_opened(api: Connection) -> None:
    """The function's own list is a copy in a migration: a new line of the chart needs another one."""
    for name, kind in CHART.items():
        owner = uuid.uuid4() if name in ("available", "held") else HOUSE
        place = "somewhere" if name.startswith("wallet:") or name == "venue" else ""
        values = ([owner], [name], ["BTC"], [place], [kind.side.value], [kind.overdraft])
        opened = "SELECT ledger_open($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])"
        assert len(await api.fetchval(opened, *values)) == 1


async def test_the_auditor_cannot_call_what_writes(superuser_url: str, owner: uuid.UUID, superuser: Connection) -> None:
    auditor = await as_duty(superuser_url, "auditor")
    known = await accounts(superuser)
    attacks = [
        call().format(**known),
        f"SELECT ledger_open('{{{owner}}}', '{{held}}', '{{ETH}}', ARRAY[''], '{{credit}}', '{{false}}')",
        RUN.format(statement="SELECT ARRAY[1]"),
        "INSERT INTO lane_receipts VALUES (gen_random_uuid(), now())",
        "UPDATE users SET frozen_at = NULL",
        "INSERT INTO pauses SELECT '*', now()",
    ]
    try:
        assert await let_through(auditor, attacks, DENIED) == []
    finally:
        await auditor.close()


SECRETS = [
    "SELECT password_hash FROM users",
    "SELECT * FROM users",
    "SELECT secret FROM totp_factors",
    "SELECT token_digest FROM sessions",
    "SELECT count(*) FROM sessions",
    "SELECT * FROM refresh_tokens",
    "SELECT digest FROM recovery_codes",
    "SELECT answer FROM idempotency_keys",
]


async def test_neither_auditor_nor_worker_reads_what_signs_somebody_in(superuser_url: str, owner: uuid.UUID) -> None:
    for duty in ("auditor", "worker"):
        connection = await as_duty(superuser_url, duty)
        try:
            secrets = SECRETS if duty == "auditor" else [one for one in SECRETS if "count" not in one]
            assert await let_through(connection, secrets, DENIED) == []
        finally:
            await connection.close()


# --- names that lead elsewhere --------------------------------------------------------------------------------------

SHADOWS = """
    CREATE SCHEMA mine;
    CREATE TEMP TABLE ledger_accounts AS SELECT * FROM public.ledger_accounts;
    CREATE TEMP TABLE ledger_transfers AS SELECT * FROM public.ledger_transfers;
    UPDATE pg_temp.ledger_accounts SET balance = 1000000, overdraft = true;
    CREATE FUNCTION mine.less(numeric, int) RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR mine.< (LEFTARG = numeric, RIGHTARG = int, FUNCTION = mine.less);
    CREATE FUNCTION mine.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '1999-01-01' $$;
    CREATE FUNCTION mine.ledger_post(text[], uuid[], int[], text[], bigint[], bigint[], numeric[]) RETURNS text[]
        LANGUAGE plpgsql AS $$ BEGIN UPDATE public.ledger_accounts SET balance = balance + 1, sequence = sequence + 1;
        RETURN ARRAY['posted']; END $$;
    SET search_path = mine, pg_temp, pg_catalog, public;
"""


async def test_a_search_path_full_of_traps_changes_nothing_of_what_the_functions_do(
    superuser_url: str, superuser: Connection, owner: uuid.UUID
) -> None:
    database = await superuser.fetchval("SELECT current_database()")
    # What the api does not have: even with it, it would be no use.
    await superuser.execute(f"GRANT CREATE, TEMPORARY ON DATABASE {database} TO {ROLES.of('api')}")
    known = await accounts(superuser)
    api = await as_duty(superuser_url, "api")
    try:
        await api.execute(SHADOWS)
        poor = call(units="ARRAY[5000]").format(**known).replace("ledger_post", "public.ledger_post")
        assert await api.fetchval(poor) == ["insufficient"]
        rich = call().format(**known).replace("ledger_post", "public.ledger_post")
        assert await api.fetchval(rich) == ["posted"]
        assert await superuser.fetchval("SELECT max(posted_at) > now() - interval '1 hour' FROM ledger_transfers")
        # lane_run finds the one in public too, not the one that would write by itself.
        before = await picture(superuser)
        with pytest.raises(DENIED):
            await api.fetchval(call().format(**known).replace("ledger_post", "mine.ledger_post"))
        ran = RUN.format(statement="SELECT ARRAY[1]").replace("lane_run", "public.lane_run")
        assert await api.fetchval(ran) == ["posted"]
        assert await picture(superuser) == before
    finally:
        await api.close()


# --- statements that travel in lane_run -----------------------------------------------------------------------------

RUN = (
    "SELECT lane_run(ARRAY[gen_random_uuid()], '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', "
    "ARRAY[$rider${statement}$rider$], ARRAY['[{{\"n\": 1, \"i\": 1}}]'::jsonb], '{{}}')"
)
INSIDE = [
    "SET ROLE tidegate_owner",
    "SET LOCAL session_replication_role = replica",
    "ALTER TABLE ledger_transfers DISABLE TRIGGER ALL",
    "CREATE TEMP TABLE ledger_accounts (id bigint)",
]
# Text that looks like the frame that the triggers let through.
FORGED = """UPDATE ledger_accounts SET balance = balance + 1 /*
PL/pgSQL function ledger_post(text[]) line 1 at SQL statement
*/"""


@pytest.mark.parametrize("duty", ["api", "worker"])
async def test_a_statement_in_the_lane_can_do_no_more_than_its_caller(
    superuser_url: str, superuser: Connection, owner: uuid.UUID, duty: Duty
) -> None:
    before = await picture(superuser)
    connection = await as_duty(superuser_url, duty)
    hostile = [one for one in WRITES if not one.startswith(("PREPARE", "SET CONSTRAINTS"))]
    try:
        attacks = [RUN.format(statement=one) for one in (*hostile, *INSIDE, FORGED)]
        assert await let_through(connection, attacks, DENIED) == []
    finally:
        await connection.close()
    assert await picture(superuser) == before


async def test_a_statement_in_the_lane_cannot_call_the_posting_function(api: Connection, superuser: Connection) -> None:
    known = await accounts(superuser)
    before = await picture(superuser)
    statement = call().format(**known)
    assert await let_through(api, [RUN.format(statement=statement)], asyncpg.RestrictViolationError) == []
    assert await picture(superuser) == before


# --- what anybody may switch for himself ----------------------------------------------------------------------------


async def test_whoever_switches_durability_off_for_a_login_is_overruled_by_the_process_and_reported(
    superuser: Connection, superuser_url: str, owner: uuid.UUID, db: Database
) -> None:
    user = ROLES.login("api")
    database = await superuser.fetchval("SELECT current_database()")
    await superuser.execute(f"ALTER ROLE {user} IN DATABASE {database} SET synchronous_commit = off")
    ours = Database(as_login(superuser_url, user).replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with ours.reading() as session:
            shown = (await session.connection()).exec_driver_sql("SHOW synchronous_commit")
            assert (await shown).scalar_one() == "on"
        direct = await ours.direct(lock_seconds=1)
        assert await direct.fetchval("SHOW synchronous_commit") == "on"
        await direct.close()
    finally:
        await ours.close()
    told = f"role {user} is set to begin with synchronous_commit=off"
    assert await findings(db) == {"guards_are_in_place": [told]}


async def test_no_constraint_of_the_ledger_can_be_put_off_to_the_commit(superuser: Connection) -> None:
    put_off: Any = await superuser.fetch(
        "SELECT conname FROM pg_constraint WHERE condeferrable AND conrelid::regclass::text LIKE 'ledger%'"
    )
    assert put_off == []
