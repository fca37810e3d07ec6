"""The ledger re-adds itself: silent when it is exact, and each kind of falsification is found and named."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.ledger.booked import undone
from tidegate.database import Database
from tidegate.ledger import guards, proof, walk
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting, Transfer, customer, house, transfers


@pytest.fixture
async def user(lane: Lane) -> uuid.UUID:
    """Somebody with a deposit, a fee paid and a hold, beside the house's own movements."""
    owner = uuid.uuid4()
    hot, available, held = (
        house("wallet:hot", "BTC", "bitcoin"),
        customer(owner, "available", "BTC"),
        customer(owner, "held", "BTC"),
    )
    for n, group in enumerate(
        (
            transfers((hot, house("capital", "BTC"), 1_000, "operator funds")),
            transfers((hot, available, 500, "deposit credited")),
            transfers((available, held, 100, "accepted"), (held, house("charged:network", "BTC"), 10, "fee")),
            transfers((house("liquidity", "USDT"), customer(owner, "available", "USDT"), 70, "executed")),
        )
    ):
        assert (await lane.submit(Posting(f"posting {n}", group, "test", owner))).posted
    return owner


async def proved(session: AsyncSession, *, stretch: int = walk.STRETCH, **how: Any) -> dict[str, list[str]]:
    """By check, what it found."""
    return {name: [one.detail for one in wrong] async for name, wrong in proof.prove(session, stretch=stretch, **how)}


async def findings(db: Database) -> dict[str, list[str]]:
    async with db.reading() as session:
        return await proved(session)


async def force(session: AsyncSession, *statements: str) -> None:
    """As somebody with the database's own password: triggers and foreign keys look away."""
    await session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in statements:
        await session.execute(text(statement))


async def test_an_honest_ledger_is_exact_by_every_check(db: Database, user: uuid.UUID) -> None:
    found = await findings(db)
    assert set(found) == {*proof.CHECKS, *(look.name for look in guards.LOOKS)}
    assert not any(found.values())


async def test_an_empty_ledger_is_exact(db: Database) -> None:
    assert not any((await findings(db)).values())


ACCOUNT = "(SELECT id FROM ledger_accounts WHERE asset = 'BTC' AND name = '{}')"


FALSIFICATIONS: list[tuple[tuple[str, ...], str, str]] = [
    (("UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'capital'",), "assets_balance", "BTC"),
    # One side alone: nothing to compare with is a difference too.
    (
        ("DELETE FROM ledger_accounts WHERE asset = 'USDT' AND name = 'liquidity'",),
        "assets_balance",
        "USDT: debit side 0, credit side 70",
    ),
    (
        ("UPDATE ledger_accounts SET balance = balance - 1 WHERE name IN ('capital', 'wallet:hot')",),
        "balances_equal_transfers",
        "BTC wallet:hot bitcoin",
    ),
    (
        ("DELETE FROM ledger_transfers WHERE event = 'deposit credited'",),
        "balances_equal_transfers",
        "BTC available",
    ),
    (("DELETE FROM ledger_transfers",), "balances_equal_transfers", "transfers say 0"),
    (("UPDATE ledger_transfers SET units = units + 1 WHERE event = 'fee'",), "running_balances_hold", "re-adding"),
    (
        ("UPDATE ledger_accounts SET sequence = sequence + 1 WHERE name = 'held'",),
        "balances_equal_transfers",
        "BTC held",
    ),
    (
        ("UPDATE ledger_transfers SET credit_sequence = 9 WHERE event = 'operator funds'",),
        "numbers_have_no_gaps",
        "BTC capital",
    ),
    (("DELETE FROM ledger_transfers WHERE event = 'operator funds'",), "numbers_have_no_gaps", "BTC wallet:hot"),
    (("UPDATE ledger_transfers SET debit_balance = 1 WHERE event = 'accepted'",), "running_balances_hold", "at 1"),
    (
        (
            f"UPDATE ledger_transfers SET credit_account = {ACCOUNT.format('capital')}, credit_sequence = 50 WHERE event = 'executed'",
        ),
        "transfers_have_one_asset",
        "USDT against BTC",
    ),
    (
        ("UPDATE ledger_transfers SET posted_at = posted_at - interval '1 h' WHERE event = 'deposit credited'",),
        "time_follows_numbers",
        "BTC wallet:hot bitcoin",
    ),
    (
        ("UPDATE ledger_accounts SET moved_at = moved_at + interval '1 s' WHERE name = 'capital'",),
        "time_follows_numbers",
        "BTC capital",
    ),
    # Two legs of one number, one on either side.
    (
        (
            f"UPDATE ledger_transfers SET credit_account = {ACCOUNT.format('wallet:hot')}, credit_sequence = 2 "
            "WHERE event = 'fee'",
        ),
        "numbers_have_no_gaps",
        "BTC wallet:hot bitcoin",
    ),
    (("DELETE FROM ledger_accounts WHERE name = 'charged:network'",), "balances_equal_transfers", "is not there"),
    (
        (
            "UPDATE ledger_transfers SET debit_balance = -1 WHERE event = 'fee'",
            "UPDATE ledger_transfers SET units = 101 WHERE event = 'fee'",
        ),
        "nothing_was_overdrawn",
        "BTC held",
    ),
    (
        (
            "ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_no_overdraft",
            "UPDATE ledger_accounts SET balance = -1 WHERE name = 'held'",
        ),
        "nothing_is_overdrawn",
        "stands at -1",
    ),
]


@pytest.mark.parametrize("stretch", [3, walk.STRETCH])
async def test_each_falsification_is_found_and_named(superuser_db: Database, user: uuid.UUID, stretch: int) -> None:
    for statements, check, names in FALSIFICATIONS:
        async with undone(superuser_db) as session:
            await force(session, *statements)
            found = await proved(session, stretch=stretch)
        assert any(names in detail for detail in found[check]), (statements, found)
    assert {check for _, check, _ in FALSIFICATIONS} == set(proof.CHECKS)


async def test_the_books_before_a_falsification_are_exact_still(
    superuser_db: Database, user: uuid.UUID, lane: Lane
) -> None:
    """What was not touched is exact as it was; the same moment finds what was changed before it."""
    async with undone(superuser_db) as session:
        before = (await session.execute(text("SELECT max(posted_at) FROM ledger_transfers"))).scalar_one()
    later = (Transfer(house("wallet:hot", "BTC", "bitcoin"), house("capital", "BTC"), 9, "later"),)
    assert (await lane.submit(Posting("later", later, "test", user))).posted
    for change in (
        "UPDATE ledger_transfers SET units = units + 1 WHERE event = 'later'",
        "UPDATE ledger_transfers SET credit_balance = 1 WHERE event = 'later'",
        "DELETE FROM ledger_transfers WHERE event = 'later'",
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'capital'",
    ):
        async with undone(superuser_db) as session:
            await force(session, change)
            assert not any((await proved(session, at=before)).values()), change
            assert any((await proved(session)).values()), change


@pytest.mark.parametrize("stretch", [3, walk.STRETCH])
async def test_what_was_changed_is_found_at_every_moment_after_it(
    superuser_db: Database, user: uuid.UUID, stretch: int
) -> None:
    found_then = {"units", "running", "missing", "moved", "renumbered"}
    changes = {
        "units": ("UPDATE ledger_transfers SET units = units + 1 WHERE event = 'fee'", "running_balances_hold"),
        "running": ("UPDATE ledger_transfers SET debit_balance = 1 WHERE event = 'accepted'", "running_balances_hold"),
        "missing": ("DELETE FROM ledger_transfers WHERE event = 'operator funds'", "numbers_have_no_gaps"),
        "moved": (
            "UPDATE ledger_transfers SET posted_at = posted_at - interval '1 h' WHERE event = 'deposit credited'",
            "time_follows_numbers",
        ),
        "renumbered": (
            "UPDATE ledger_transfers SET credit_sequence = 9 WHERE event = 'operator funds'",
            "numbers_have_no_gaps",
        ),
    }
    assert set(changes) == found_then
    for name, (change, check) in changes.items():
        async with undone(superuser_db) as session:
            now = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
            await force(session, change)
            found = await proved(session, at=now, stretch=stretch)
            assert found[check], (name, found)


async def test_a_transfer_that_was_put_in_later_is_found_in_the_past_it_pretends_to(
    superuser_db: Database, user: uuid.UUID
) -> None:
    """Earlier by its time, later by its number: the numbers up to that moment have a gap."""
    async with undone(superuser_db) as session:
        first = (await session.execute(text("SELECT min(posted_at) FROM ledger_transfers"))).scalar_one()
        await force(session, "UPDATE ledger_transfers SET posted_at = '2020-01-01Z' WHERE event = 'fee'")
        found = await proved(session, at=first)
    assert any("BTC held" in detail for detail in found["numbers_have_no_gaps"]), found


async def test_progress_counts_every_leg_once_and_ends_at_the_whole(db: Database, user: uuid.UUID) -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> None:
        told.append((done, of))

    for stretch in (3, walk.STRETCH):
        told.clear()
        async with db.reading() as session:
            await proved(session, stretch=stretch, progress=progress)
        assert told[0] == (0, 10)
        assert told[-1] == (10, 10)
        assert told == sorted(told)


async def test_a_lesser_look_leaves_out_only_what_reads_every_transfer(superuser_db: Database, user: uuid.UUID) -> None:
    async with undone(superuser_db) as session:
        await force(session, "UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'capital'")
        found = await proved(session, whole=False)
    assert set(found) == {"assets_balance", "nothing_is_overdrawn", "guards_are_in_place", "accounts_are_on_the_chart"}
    assert found["assets_balance"]


async def test_what_customers_have_on_hold_is_told_by_owner_and_asset(
    db: Database, lane: Lane, user: uuid.UUID
) -> None:
    async with db.reading() as session:
        assert await proof.held_by(session) == {(str(user), "BTC"): 90}
    back = Transfer(customer(user, "held", "BTC"), customer(user, "available", "BTC"), 90, "refund")
    assert (await lane.submit(Posting("back", (back,), "test", user))).posted
    async with db.reading() as session:
        assert await proof.held_by(session) == {}
