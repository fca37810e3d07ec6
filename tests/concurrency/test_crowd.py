"""Many clients, several processes, few accounts: what was acknowledged is what is there, at every moment.

TIDEGATE_LEDGER_CLIENTS and TIDEGATE_LEDGER_TRANSFERS (submissions of each) say how many; TIDEGATE_SEED draws another crowd.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import pytest

from tests.concurrency.crowd import ACCOUNTS, HOT, INDEX, USERS, Errand, Record, send
from tidegate.database import Database
from tidegate.ledger import proof
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting, customer, transfers

CLIENTS = int(os.environ.get("TIDEGATE_LEDGER_CLIENTS", "12"))
SUBMISSIONS = int(os.environ.get("TIDEGATE_LEDGER_TRANSFERS", "200"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
PROCESSES = 3
READERS = 2

# What must be true of any one snapshot, told as sentences where it is not. All by index.
AT_ANY_MOMENT = """
SELECT asset || ' does not balance' FROM ledger_accounts GROUP BY asset
HAVING sum(balance) FILTER (WHERE side = 'debit') <> sum(balance) FILTER (WHERE side = 'credit')
UNION ALL
SELECT asset || ' ' || name || ' stands at ' || balance FROM ledger_accounts WHERE balance < 0 AND NOT overdraft
UNION ALL
SELECT a.asset || ' ' || a.name || ' stands at ' || a.balance || ', its last transfer left '
       || coalesce(coalesce(d.debit_balance, c.credit_balance)::text, 'nothing')
FROM ledger_accounts a
LEFT JOIN ledger_transfers d ON d.debit_account = a.id AND d.debit_sequence = a.sequence
LEFT JOIN ledger_transfers c ON c.credit_account = a.id AND c.credit_sequence = a.sequence
WHERE a.sequence > 0 AND coalesce(d.debit_balance, c.credit_balance) IS DISTINCT FROM a.balance
UNION ALL
SELECT 'an odd number of legs' WHERE (SELECT sum(sequence) % 2 FROM ledger_accounts) <> 0
"""


@dataclass
class Reader:
    """Looks again and again until it is stopped; keeps what it saw wrong."""

    url: str
    looks: int = 0
    moved: int = 0
    """Looks that found more legs than the one before."""

    async def run(self, stop: asyncio.Event) -> list[str]:
        connection = await asyncpg.connect(self.url)
        wrong: list[str] = []
        legs = 0
        while not stop.is_set():
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                wrong += [row[0] for row in await connection.fetch(AT_ANY_MOMENT)]
                now = int(await connection.fetchval("SELECT coalesce(sum(sequence), 0) FROM ledger_accounts"))
            self.looks += 1
            self.moved += now > legs
            legs = now
        await connection.close()
        return wrong


async def watched(url: str, errands: Sequence[Errand]) -> tuple[Record, list[Reader]]:
    """What the crowd was told, with readers inside that saw nothing wrong."""
    readers, stop = [Reader(url) for _ in range(READERS)], asyncio.Event()
    looking = [asyncio.ensure_future(reader.run(stop)) for reader in readers]
    try:
        record = await send(errands)
    finally:
        stop.set()
        wrong = await asyncio.gather(*looking)
    assert wrong == [[] for _ in readers]
    return record, readers


async def opened(lane: Lane, units: int) -> Record:
    """All accounts are there, and every customer has something."""
    record = Record()
    for user in USERS:
        for asset, hot in HOT.items():
            moves = transfers((hot, customer(user, "available", asset), units, "deposit credited"))
            posting = Posting(f"opening:{asset}:{user}", moves, "crowd", user)
            record.told(posting, (await lane.submit(posting)).outcome)
    return record


async def as_recorded(database_url: str, record: Record) -> None:
    """Balances, numbers, keys and events: what was acknowledged and nothing else."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT owner, name, asset, place, balance::numeric, sequence FROM ledger_accounts")
    found = {(r["owner"], r["name"], r["asset"], r["place"]): (int(r["balance"]), r["sequence"]) for r in rows}
    for account in ACCOUNTS:
        wanted = (record.balances[INDEX[account]], record.legs[INDEX[account]])
        assert found.pop((account.owner, account.name, account.asset, account.place), (0, 0)) == wanted, account
    assert found == {}
    acknowledged = set(record.posted)
    assert len(acknowledged) == len(record.posted), "one key was acknowledged twice"
    async with connection.transaction():
        async for row in connection.cursor("SELECT key FROM ledger_transfers WHERE n = 1", prefetch=50_000):
            acknowledged.remove(row[0])
    assert acknowledged == set(), "acknowledged, and not there"
    for user, bells in zip(USERS, record.bells, strict=True):
        numbers = await connection.fetch("SELECT sequence FROM events WHERE user_id = $1 ORDER BY 1", user)
        assert [row[0] for row in numbers] == list(range(1, bells + 1))
    await connection.close()


async def assert_exact(db: Database) -> None:
    async with db.reading() as session:
        assert [found async for _, wrong in proof.prove(session) for found in wrong] == []


def errands(url: str, *, submissions: int, race: bool = False) -> list[Errand]:
    share = [CLIENTS // PROCESSES + (n < CLIENTS % PROCESSES) for n in range(PROCESSES)]
    return [Errand(url, SEED, n, clients, submissions, race) for n, clients in enumerate(share) if clients]


@pytest.mark.timeout(4 * 3600)
async def test_a_crowd_on_fifty_accounts_leaves_exactly_what_it_was_told(
    database_url: str, db: Database, lane: Lane
) -> None:
    assert len(ACCOUNTS) == 50
    record = await opened(lane, 500)
    told, readers = await watched(database_url, errands(database_url, submissions=SUBMISSIONS))
    print(dict(told.outcomes), [(reader.looks, reader.moved) for reader in readers])
    assert sum(told.outcomes.values()) == CLIENTS * SUBMISSIONS
    assert min(told.outcomes[word] for word in ("posted", "duplicate", "insufficient")) > 0
    assert all(reader.moved > 1 for reader in readers), "nobody looked while it moved"
    record.add(told)
    await as_recorded(database_url, record)
    await assert_exact(db)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_race_of_processes_against_one_account_posts_exactly_what_it_holds(
    database_url: str, db: Database, lane: Lane
) -> None:
    holds = 100 * CLIENTS + 1
    record = await opened(lane, holds)
    told, _ = await watched(database_url, errands(database_url, submissions=holds + 2, race=True))
    record.add(told)
    assert record.balances[INDEX[customer(USERS[0], "available", "BTC")]] == 0
    assert record.balances[INDEX[customer(USERS[0], "held", "BTC")]] == holds
    await as_recorded(database_url, record)
    await assert_exact(db)
