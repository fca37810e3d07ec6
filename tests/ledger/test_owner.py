"""What the owner of the tables can do: by DML nothing; by DDL, and as a superuser, nothing that the books do not tell."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from tests.ledger.booked import Connection, as_owner, book, findings, let_through, picture, undone
from tests.ledger.test_attacks import COPIED, FORGED, RUN, WRITES, call
from tidegate.database import Database
from tidegate.ledger import guards, proof
from tidegate.ledger.lane import Lane


@pytest.fixture
async def user(lane: Lane) -> uuid.UUID:
    return await book(lane)


@pytest.fixture
async def owner(superuser_url: str, user: uuid.UUID) -> AsyncIterator[Connection]:
    connection = await as_owner(superuser_url)
    yield connection
    await connection.close()


# --- by DML ---------------------------------------------------------------------------------------------------------


async def test_the_owner_writes_nothing_past_the_functions(owner: Connection, superuser: Connection) -> None:
    before = await picture(superuser)
    inside = [
        RUN.format(statement=one) for one in (*WRITES, FORGED) if not one.startswith(("PREPARE", "SET CONSTRAINTS"))
    ]
    known = {
        row["name"]: row["id"]
        for row in await superuser.fetch("SELECT name, id FROM ledger_accounts WHERE asset = 'BTC'")
    }
    attacks = [
        *WRITES,
        FORGED,
        *inside,
        RUN.format(statement=call().format(**known)),
        f"DO $$ BEGIN PERFORM {call().format(**known).removeprefix('SELECT ')}; END $$",
        "UPDATE ledger_accounts SET closed_at = now()",
        "UPDATE ONLY ledger_accounts SET id = DEFAULT",
        "DELETE FROM ledger_transfers USING ledger_accounts",
    ]
    assert await let_through(owner, attacks, asyncpg.RestrictViolationError) == []
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.copy_records_to_table(
            "ledger_accounts",
            records=[(uuid.uuid4(), "available", "BTC", "", "credit", False, 5, 0)],
            columns=["owner", "name", "asset", "place", "side", "overdraft", "balance", "sequence"],
        )
    assert await picture(superuser) == before


async def test_the_owner_may_not_look_away_as_a_replica_does(owner: Connection) -> None:
    attacks = ["SET session_replication_role = replica", "SET SESSION AUTHORIZATION postgres", "SET ROLE postgres"]
    assert await let_through(owner, attacks, asyncpg.InsufficientPrivilegeError) == []


async def test_the_owner_closes_an_empty_account_for_good(owner: Connection, superuser: Connection, lane: Lane) -> None:
    opened = (
        f"SELECT (ledger_open('{{{uuid.uuid4()}}}', '{{held}}', '{{BTC}}', ARRAY[''], '{{credit}}', '{{false}}'))[1]"
    )
    empty = await owner.fetchval(opened)
    await owner.execute("UPDATE ledger_accounts SET closed_at = now() WHERE id = $1", empty)
    again = [f"UPDATE ledger_accounts SET closed_at = {when} WHERE id = {empty}" for when in ("NULL", "now()")]
    assert await let_through(owner, again, asyncpg.RestrictViolationError) == []


async def test_a_view_and_a_temporary_trigger_of_the_owners_do_not_open_a_way_round(
    owner: Connection, superuser: Connection
) -> None:
    before = (await picture(superuser))[:2]
    await owner.execute("CREATE VIEW mine AS SELECT * FROM ledger_accounts")
    await owner.execute(
        "CREATE FUNCTION ledger_posts() RETURNS void LANGUAGE plpgsql AS "
        "'BEGIN UPDATE ledger_accounts SET balance = balance + 1, sequence = sequence + 1; END'"
    )
    attacks = ["UPDATE mine SET balance = balance + 1", "SELECT ledger_posts()", "DELETE FROM mine"]
    assert await let_through(owner, attacks, asyncpg.RestrictViolationError) == []
    assert (await picture(superuser))[:2] == before


# --- by DDL, and as a superuser: what the books say of the guards -----------------------------------------------------

POST = "ledger_post(text[],uuid[],integer[],text[],bigint[],bigint[],numeric[])"
BY_DDL = [
    (
        "ALTER TABLE ledger_transfers DISABLE TRIGGER ledger_transfers_rows",
        "ledger_transfers_rows on ledger_transfers is switched off",
    ),
    ("ALTER TABLE ledger_accounts DISABLE TRIGGER USER", "ledger_accounts_written on ledger_accounts is switched off"),
    ("ALTER TABLE withdrawals DISABLE TRIGGER withdrawals_guard", "withdrawals_guard on withdrawals is switched off"),
    ("ALTER TABLE ledger_transfers ENABLE REPLICA TRIGGER ledger_transfers_rows", "is switched off"),
    (
        "DROP TRIGGER ledger_transfers_truncate ON ledger_transfers",
        "ledger_transfers_truncate on ledger_transfers is gone",
    ),
    (
        "DROP TRIGGER ledger_accounts_update ON ledger_accounts; CREATE TRIGGER ledger_accounts_update BEFORE UPDATE "
        "ON ledger_accounts FOR EACH ROW WHEN (NEW.id <> OLD.id) EXECUTE FUNCTION ledger_account_fixed()",
        "trigger ledger_accounts_update on ledger_accounts is not what the migrations made",
    ),
    (
        "CREATE TRIGGER a_mine BEFORE INSERT ON ledger_transfers FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "trigger a_mine on ledger_transfers is none of the migrations'",
    ),
    (
        "ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_no_overdraft",
        "no_overdraft on ledger_accounts is gone",
    ),
    (
        "ALTER TABLE ledger_transfers DROP CONSTRAINT pk_ledger_transfers",
        "pk_ledger_transfers on ledger_transfers is gone",
    ),
    (
        "ALTER TABLE ledger_transfers DROP CONSTRAINT ck_ledger_transfers_units_positive, "
        "ADD CONSTRAINT ck_ledger_transfers_units_positive CHECK (units > -1)",
        "constraint ck_ledger_transfers_units_positive on ledger_transfers is not what the migrations made",
    ),
    (
        "ALTER TABLE ledger_accounts ADD CONSTRAINT lax CHECK (balance >= 0) NOT VALID",
        "constraint lax on ledger_accounts is not validated",
    ),
    ("ALTER DOMAIN units DROP CONSTRAINT units_check", "constraint units_check on units is gone"),
    (
        "ALTER TABLE ledger_transfers ALTER units TYPE numeric",
        "column units of ledger_transfers is not what the migrations made",
    ),
    (
        "ALTER TABLE ledger_transfers ALTER debit_balance DROP NOT NULL",
        "column debit_balance of ledger_transfers is not",
    ),
    (
        "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "function ledger_append_only() is not what the migrations made",
    ),
    ("ALTER FUNCTION ledger_post RESET search_path", f"function {POST} is not what the migrations made"),
    ("ALTER FUNCTION ledger_post SECURITY INVOKER", f"function {POST} is not what the migrations made"),
    (
        "CREATE FUNCTION ledger_post(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
        "function ledger_post(text) is none of the migrations'",
    ),
    ("DROP FUNCTION ledger_open", "function ledger_open(uuid[],text[],text[],text[],text[],boolean[]) is gone"),
    (
        "CREATE RULE mine AS ON INSERT TO ledger_transfers DO INSTEAD NOTHING",
        "rule mine on ledger_transfers rewrites statements",
    ),
    ("ALTER TABLE ledger_accounts ENABLE ROW LEVEL SECURITY", "ledger_accounts hides rows or has tables below it"),
    ("CREATE TABLE mine () INHERITS (ledger_transfers)", "ledger_transfers hides rows or has tables below it"),
    ("GRANT UPDATE ON ledger_accounts TO tidegate_api", "tidegate_api may UPDATE on ledger_accounts"),
    ("GRANT INSERT ON ledger_transfers TO PUBLIC", "PUBLIC may INSERT on ledger_transfers"),
    (
        "GRANT UPDATE (balance) ON ledger_accounts TO tidegate_worker",
        "tidegate_worker may UPDATE on ledger_accounts.balance",
    ),
    ("GRANT EXECUTE ON FUNCTION ledger_post TO PUBLIC", "everybody may call ledger_post"),
]
BY_SUPERUSER = [
    (
        "ALTER TABLE ledger_transfers DISABLE TRIGGER ALL",
        "ledger_transfers_written on ledger_transfers is switched off",
    ),
    ("ALTER TABLE withdrawal_events DISABLE TRIGGER ALL", "on withdrawal_events is switched off"),
    (
        "ALTER FUNCTION ledger_post OWNER TO postgres",
        "ledger_post belongs to postgres and ledger_transfers to tidegate_owner",
    ),
    (
        "ALTER ROLE tidegate_migrator_login SET session_replication_role = replica",
        "begin with session_replication_role=replica",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pk_ledger_transfers'::regclass",
        "index pk_ledger_transfers is not valid",
    ),
]


async def told(connection: Connection, db: Database) -> list[str]:
    """What `guards_are_in_place` says inside this connection's own transaction."""
    compared = await connection.fetch(guards_sql(guards.THERE), list(guards.FUNCTIONS), list(guards.TABLES))
    around = await connection.fetch(guards.LOOKS[0].sql)
    return guards.compared({row[0]: row[1] for row in compared}) + [row[0] for row in around]


def guards_sql(sql: str) -> str:
    return sql.replace(":functions", "$1").replace(":tables", "$2")


async def each_is_told(connection: Connection, db: Database, cases: list[tuple[str, str]]) -> list[str]:
    missed = []
    for statement, sentence in cases:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(statement)
            found = await told(connection, db)
        finally:
            await transaction.rollback()
        if not any(sentence in one for one in found):
            missed.append(f"{statement}: {found}")
    return missed


async def test_the_guards_are_those_that_the_migrations_make(db: Database) -> None:
    async with db.reading() as session:
        found = await guards.there(session)
    wrong = guards.compared(found)
    changed = "\n".join(
        f"    {name!r}: {found[name]!r}," for name in sorted(found) if found[name] != guards.GUARDS.get(name)
    )
    assert not wrong, (
        f"A migration changed the guards. In ledger/guards.py, GUARDS has to say:\n{changed}\nbecause: {wrong}"
    )


async def test_each_guard_that_its_owner_takes_away_or_changes_is_told(owner: Connection, db: Database) -> None:
    assert await told(owner, db) == []
    assert await each_is_told(owner, db, BY_DDL) == []


async def test_each_guard_that_a_superuser_walks_past_is_told(
    superuser: Connection, user: uuid.UUID, db: Database
) -> None:
    assert await each_is_told(superuser, db, BY_SUPERUSER) == []


# --- and of the rows --------------------------------------------------------------------------------------------------

HELD = "(SELECT id FROM ledger_accounts WHERE name = 'held')"
CAPITAL = "(SELECT id FROM ledger_accounts WHERE name = 'capital')"
LIQUIDITY = "(SELECT id FROM ledger_accounts WHERE name = 'liquidity')"


def inserted(debit: str, credit: str, *, units: int = 7, key: str = "forged") -> str:
    return f"""
        WITH d AS (UPDATE ledger_accounts SET sequence = sequence + 1,
                       balance = balance + CASE side WHEN 'debit' THEN {units} ELSE -{units} END
                   WHERE id = {debit} RETURNING *),
             c AS (UPDATE ledger_accounts SET sequence = sequence + 1,
                       balance = balance + CASE side WHEN 'credit' THEN {units} ELSE -{units} END
                   WHERE id = {credit} RETURNING *)
        INSERT INTO ledger_transfers
        SELECT '{key}', 1, gen_random_uuid(), 'forged', {units},
               coalesce(d.id, {debit}), coalesce(d.sequence, 1), coalesce(d.balance, 0),
               coalesce(c.id, {credit}), coalesce(c.sequence, 1), coalesce(c.balance, 0), now()
        FROM (SELECT 1) one LEFT JOIN d ON true LEFT JOIN c ON true
    """


ROWS = [
    (
        "UPDATE ledger_transfers SET units = units + 1 WHERE event = 'fee'",
        {"balances_equal_transfers", "running_balances_hold"},
    ),
    (
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'capital'",
        {"assets_balance", "balances_equal_transfers"},
    ),
    (
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE name IN ('capital', 'wallet:hot')",
        {"balances_equal_transfers"},
    ),
    ("UPDATE ledger_accounts SET sequence = sequence + 1 WHERE name = 'held'", {"balances_equal_transfers"}),
    ("UPDATE ledger_transfers SET credit_sequence = 9 WHERE event = 'operator funds'", {"numbers_have_no_gaps"}),
    ("UPDATE ledger_transfers SET debit_balance = 1 WHERE event = 'accepted'", {"running_balances_hold"}),
    (
        "DELETE FROM ledger_transfers WHERE event = 'operator funds'",
        {"numbers_have_no_gaps", "balances_equal_transfers"},
    ),
    ("DELETE FROM ledger_transfers WHERE event = 'fee'", {"balances_equal_transfers"}),
    (f"INSERT INTO ledger_transfers SELECT {COPIED} FROM ledger_transfers WHERE n = 1", {"numbers_have_no_gaps"}),
    # One leg: the other account is not there.
    (inserted("999999", CAPITAL), {"transfers_have_two_accounts", "assets_balance"}),
    (
        inserted("999999", CAPITAL)
        + ";"
        + inserted("(SELECT id FROM ledger_accounts WHERE name = 'wallet:hot')", "999998", key="other"),
        {"transfers_have_two_accounts"},
    ),
    (inserted(LIQUIDITY, HELD), {"transfers_have_one_asset"}),
    ("UPDATE ledger_accounts SET overdraft = true WHERE name = 'available'", {"accounts_are_on_the_chart"}),
    ("UPDATE ledger_accounts SET owner = gen_random_uuid() WHERE name = 'capital'", {"accounts_are_on_the_chart"}),
    ("UPDATE ledger_accounts SET name = 'free money' WHERE name = 'capital'", {"accounts_are_on_the_chart"}),
    (
        "UPDATE ledger_accounts SET side = 'debit' WHERE name = 'capital'",
        {"accounts_are_on_the_chart", "assets_balance"},
    ),
    ("UPDATE ledger_accounts SET asset = 'ETH' WHERE name = 'capital'", {"transfers_have_one_asset", "assets_balance"}),
    ("DELETE FROM ledger_accounts WHERE name = 'held'", {"transfers_have_two_accounts", "assets_balance"}),
    (
        "UPDATE ledger_accounts SET balance = CASE name WHEN 'held' THEN -1 ELSE balance + 91 END WHERE name IN ('held', 'available') AND asset = 'BTC'",
        {"nothing_is_overdrawn", "balances_equal_transfers"},
    ),
]


async def proved(db: Database, session_statements: list[str]) -> set[str]:
    async with undone(db) as session:
        for statement in session_statements:
            await session.execute(text(statement))
        return {name async for name, wrong in proof.prove(session) if wrong}


OFF = "ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_no_overdraft"
BY_TRIGGER = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in guards.TABLES]
BACK = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in guards.TABLES]


async def test_rows_that_the_owner_changed_with_the_guards_away_are_found_when_they_are_back(
    superuser_db: Database, user: uuid.UUID
) -> None:
    become = "SET LOCAL ROLE tidegate_owner"
    for statement, checks in ROWS:
        parts = [part for part in statement.split(";") if part.strip()]
        if "nothing_is_overdrawn" in checks:
            assert checks <= await proved(superuser_db, [become, OFF, *BY_TRIGGER, *parts, *BACK])
            continue
        found = await proved(superuser_db, [become, *BY_TRIGGER, *parts, *BACK])
        assert checks <= found, (statement, found)
        assert "guards_are_in_place" not in found, "they are back: the rows themselves must tell"


async def test_rows_that_a_superuser_changed_as_a_replica_are_found(superuser_db: Database, user: uuid.UUID) -> None:
    away = "SET LOCAL session_replication_role = replica"
    for statement, checks in ROWS:
        if "nothing_is_overdrawn" not in checks:
            parts = [part for part in statement.split(";") if part.strip()]
            found = await proved(superuser_db, [away, *parts])
            assert checks <= found, (statement, found)


async def test_a_newest_transfer_that_vanishes_with_all_its_traces_is_not_found_in_the_ledger_alone(
    superuser_db: Database, user: uuid.UUID
) -> None:
    """What finds it are holds, chains and venues: tests/transactions/test_audit.py."""
    vanish = [
        "SET LOCAL session_replication_role = replica",
        "UPDATE ledger_accounts SET balance = balance - 70, sequence = sequence - 1 WHERE asset = 'USDT' AND name = 'available'",
        "UPDATE ledger_accounts SET balance = balance + 70, sequence = sequence - 1 WHERE asset = 'USDT' AND name = 'liquidity'",
        "DELETE FROM ledger_transfers WHERE event = 'executed'",
    ]
    assert await proved(superuser_db, vanish) == set()


async def test_an_honest_ledger_has_no_findings(db: Database, user: uuid.UUID) -> None:
    assert await findings(db) == {}
