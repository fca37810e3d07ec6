"""The lane posts exactly, once, whole or not at all."""

import asyncio
import uuid

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tidegate.database import Database, Rider
from tidegate.ledger.balances import balance, balances_of
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, Posting, Transfer, customer, house, transfers
from tidegate.outbox.events import changed


async def credit(lane: Lane, user: uuid.UUID, units: int, key: str | None = None) -> Outcome:
    hot = house("wallet:deposit", "BTC", "bitcoin")
    posting = Posting(
        key or f"deposit:{uuid.uuid4()}",
        (Transfer(hot, customer(user, "available", "BTC"), units, "deposit credited"),),
        "deposit",
        user,
    )
    return (await lane.submit(posting)).outcome


def hold(user: uuid.UUID, units: int, key: str) -> Posting:
    moved = Transfer(customer(user, "available", "BTC"), customer(user, "held", "BTC"), units, "withdrawal accepted")
    return Posting(key, (moved,), "withdrawal", user)


async def test_a_posting_moves_both_balances_by_its_units(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    assert await credit(lane, user, 10**20) is Outcome.POSTED
    async with db.reading() as session:
        assert (await balances_of(session, user))["BTC"].available == 10**20
        assert await balance(session, house("wallet:deposit", "BTC", "bitcoin")) == 10**20


async def test_the_same_key_posts_once_and_is_told_duplicate(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    assert await credit(lane, user, 5, "one") is Outcome.POSTED
    assert await credit(lane, user, 5, "one") is Outcome.DUPLICATE
    async with db.reading() as session:
        assert (await balances_of(session, user))["BTC"].available == 5


async def test_a_poor_account_is_refused_and_its_riders_roll_back(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    await credit(lane, user, 5)
    verdict = await lane.submit(hold(user, 6, "hold"), [changed(user, "withdrawal", user, 1)])
    assert verdict.outcome is Outcome.INSUFFICIENT
    async with db.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM events"))).scalar_one() == 0
        assert (
            await session.execute(text("SELECT count(*) FROM ledger_transfers WHERE key = 'hold'"))
        ).scalar_one() == 0


async def test_a_rider_that_misses_is_named_and_nothing_is_posted(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    await credit(lane, user, 5)
    miss = Rider("quote", text("UPDATE event_counters SET last = 2 WHERE last = -1"))
    verdict = await lane.submit(hold(user, 1, "hold"), [miss])
    assert (verdict.outcome, verdict.rider) == (Outcome.CONFLICT, "quote")
    async with db.reading() as session:
        assert (await balances_of(session, user))["BTC"].held == 0


async def test_a_linked_group_fails_whole_when_its_second_transfer_is_poor(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    await credit(lane, user, 5)
    available, held = customer(user, "available", "BTC"), customer(user, "held", "BTC")
    group = transfers((available, held, 5, "withdrawal accepted"), (held, house("charged:network", "BTC"), 6, "fee"))
    assert (await lane.submit(Posting("group", group, "withdrawal", user))).outcome is Outcome.INSUFFICIENT
    async with db.reading() as session:
        assert (await balances_of(session, user))["BTC"].available == 5


async def test_a_race_against_one_account_posts_exactly_what_it_holds(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    await credit(lane, user, 10)
    verdicts = await asyncio.gather(*(lane.submit(hold(user, 1, f"hold:{n}")) for n in range(20)))
    assert sorted(v.outcome for v in verdicts) == [Outcome.INSUFFICIENT] * 10 + [Outcome.POSTED] * 10
    async with db.reading() as session:
        found = (await balances_of(session, user))["BTC"]
        assert (found.available, found.held) == (0, 10)


async def test_events_of_an_account_are_numbered_without_gaps_under_concurrency(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    await asyncio.gather(*(lane.write([changed(user, "account", user, n)]) for n in range(30)))
    async with db.reading() as session:
        rows = await session.scalars(text("SELECT sequence FROM events ORDER BY sequence"))
        assert list(rows) == list(range(1, 31))


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE ledger_transfers SET units = 1",
        "DELETE FROM ledger_transfers",
        "TRUNCATE ledger_transfers CASCADE",
        "DELETE FROM ledger_accounts",
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'available'",
        "UPDATE ledger_accounts SET overdraft = true",
        "UPDATE ledger_accounts SET balance = 'NaN', sequence = sequence + 1",
        "UPDATE ledger_accounts SET balance = 1.5, sequence = sequence + 1",
        "UPDATE ledger_accounts SET balance = -1, sequence = sequence + 1",
    ],
)
async def test_the_owner_cannot_rewrite_the_ledger_by_sql(db: Database, lane: Lane, attack: str) -> None:
    await credit(lane, uuid.uuid4(), 7)
    with pytest.raises(DBAPIError) as refused:
        async with db.transaction() as session:
            await session.execute(text(attack))
    assert isinstance(refused.value.orig.__cause__, asyncpg.PostgresError)  # type: ignore[union-attr]  # the driver's error is there
