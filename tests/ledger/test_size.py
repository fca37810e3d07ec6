"""The proof of a large ledger: exact, in bounded memory on either side, and one wrong unit among all is found."""

import os

import asyncpg
import pytest
from sqlalchemy import text

from bench.ledger_fill import fill, memory
from tests.ledger.booked import undone
from tidegate.database import Database, utcnow
from tidegate.ledger import proof, walk

SIZE = int(os.environ.get("TIDEGATE_LEDGER_SIZE", "20000"))
WHOLE = int(os.environ.get("TIDEGATE_LEDGER_WHOLE", "10000000"))
CLIENT_MIB, SERVER_MIB = 40, 200
"""What a proof may take beyond what its process had before: the same for twenty thousand transfers and ten million."""


async def prepared(url: str, transfers: int, customers: int) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await fill(connection, transfers=transfers, customers=customers)
    finally:
        await connection.close()


async def findings(db: Database, *, past: bool = False, change: str | None = None, stretch: int) -> dict[str, int]:
    """By check, how many findings; memory is watched meanwhile."""
    async with undone(db) as session:
        backend = int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        if change is not None:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            await session.execute(text(change))
        at = utcnow() if past else None
        async with memory(backend) as most:
            found = {name: len(wrong) async for name, wrong in proof.prove(session, at=at, stretch=stretch)}
    assert most.client_most - most.client < CLIENT_MIB, most
    assert most.server_most - most.server < SERVER_MIB, most
    return {name: many for name, many in found.items() if many}


@pytest.fixture
async def ledger(superuser_url: str, superuser_db: Database) -> int:
    return await prepared(superuser_url, SIZE, customers=500)


@pytest.mark.parametrize("stretch", [3_000, walk.STRETCH])
async def test_a_filled_ledger_is_exact_now_and_as_it_was(superuser_db: Database, ledger: int, stretch: int) -> None:
    assert await findings(superuser_db, stretch=stretch) == {}
    assert await findings(superuser_db, stretch=stretch, past=True) == {}


@pytest.mark.parametrize("stretch", [1_000, walk.STRETCH])
async def test_one_unit_in_the_middle_of_a_hot_account_is_found(
    superuser_db: Database, ledger: int, stretch: int
) -> None:
    middle = ledger // 8
    change = f"UPDATE ledger_transfers SET units = units + 1 WHERE debit_account = 1 AND debit_sequence = {middle}"
    assert (await findings(superuser_db, change=change, stretch=stretch)).keys() >= {
        "running_balances_hold",
        "balances_equal_transfers",
    }


async def test_a_number_twice_at_the_edge_of_a_page_is_found(superuser_url: str, superuser_db: Database) -> None:
    """Wherever a page of an account ends, both legs of that number are looked at."""
    await prepared(superuser_url, 200, customers=3)
    for number in range(17, 24):
        # A customer's fee goes to the hot account 1 under a number that it has.
        change = f"""UPDATE ledger_transfers SET credit_account = 1, credit_sequence = {number}
                     WHERE key = (SELECT min(key) FROM ledger_transfers WHERE event = 'withdrawal fees')
                     AND event = 'withdrawal fees'"""
        assert "numbers_have_no_gaps" in await findings(superuser_db, change=change, stretch=20), number


@pytest.mark.slow
@pytest.mark.timeout(5400)
async def test_ten_million_transfers_are_proved_in_bounded_memory(superuser_url: str, superuser_db: Database) -> None:
    assert await prepared(superuser_url, WHOLE, customers=100_000) >= WHOLE
    assert await findings(superuser_db, stretch=walk.STRETCH) == {}
    assert await findings(superuser_db, stretch=walk.STRETCH, past=True) == {}
    change = "UPDATE ledger_transfers SET debit_balance = debit_balance + 1 WHERE key = 'fund:filled'"
    assert "running_balances_hold" in await findings(superuser_db, stretch=walk.STRETCH, change=change)
