"""Filling a ledger: history made in bulk is as exact as history that was posted."""

import asyncpg
import pytest

from bench.fill import INDEXES, Plan, fill
from tidegate.database import Database, new_id
from tidegate.ledger.lane import Lane
from tidegate.ledger.proof import Finding, prove
from tidegate.ledger.rules import Posting, Transfer, house

PLAN = Plan(transfers=3_000, accounts=200, hot=0.2)


async def findings(db: Database) -> list[Finding]:
    async with db.reading() as session:
        return [finding async for _, found in prove(session) for finding in found]


@pytest.fixture
async def connection(superuser_url: str) -> asyncpg.Connection:
    return await asyncpg.connect(superuser_url)


async def test_a_filled_ledger_is_exact_and_has_as_many_transfers_as_asked(
    connection: asyncpg.Connection, superuser_db: Database
) -> None:
    await fill(connection, PLAN)
    assert await findings(superuser_db) == []
    assert await connection.fetchval("SELECT count(*) FROM ledger_transfers") == PLAN.transfers
    await connection.close()


async def test_history_is_added_to_history_and_stays_exact(
    connection: asyncpg.Connection, superuser_db: Database
) -> None:
    await fill(connection, PLAN)
    await fill(connection, PLAN)
    assert await findings(superuser_db) == []
    assert await connection.fetchval("SELECT count(*) FROM ledger_transfers") == 2 * PLAN.transfers
    await connection.close()


async def test_along_an_account_time_follows_the_numbers(
    connection: asyncpg.Connection, superuser_db: Database
) -> None:
    await fill(connection, PLAN)
    await fill(connection, PLAN)
    backwards = await connection.fetchval(
        """
        SELECT count(*) FROM (
            SELECT posted_at < lag(posted_at) OVER (PARTITION BY account ORDER BY sequence) AS back FROM (
                SELECT debit_account AS account, debit_sequence AS sequence, posted_at FROM ledger_transfers
                UNION ALL SELECT credit_account, credit_sequence, posted_at FROM ledger_transfers) legs) x
        WHERE back
        """
    )
    assert backwards == 0
    await connection.close()


async def test_the_indexes_and_triggers_are_as_before(connection: asyncpg.Connection) -> None:
    guards = """
        SELECT conname AS name, pg_get_constraintdef(oid) AS what FROM pg_constraint
        WHERE conrelid = 'ledger_transfers'::regclass
        UNION ALL SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = 'ledger_transfers'::regclass
        ORDER BY 1, 2
    """
    before = await connection.fetch(guards)
    await fill(connection, PLAN)
    assert await connection.fetch(guards) == before
    assert set(INDEXES) <= {row["name"] for row in before}
    await connection.close()


async def test_the_lane_goes_on_where_the_filling_ended(
    connection: asyncpg.Connection, superuser_db: Database, lane: Lane
) -> None:
    await fill(connection, PLAN)
    paid = Transfer(house("charged:network", "USDT"), house("wallet:hot", "USDT", "ethereum"), 1, "test")
    verdict = await lane.submit(Posting("test:after", (paid,), "test", new_id()))
    assert verdict.posted
    assert await findings(superuser_db) == []
    await connection.close()
