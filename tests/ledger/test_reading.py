"""Past balances and statements: right at every moment, and read by index however long the history is."""

import os
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bench.ledger_fill import fill
from tidegate.database import Database
from tidegate.ledger import statement, store
from tidegate.ledger.balances import balance_at, trial_balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import AccountRef, Posting, Transfer, customer, house, transfers
from tidegate.ledger.statement import Line, Place

SIZE = int(os.environ.get("TIDEGATE_LEDGER_SIZE", "20000"))
EXAMPLES = int(os.environ.get("TIDEGATE_EXAMPLES", "4"))
MICRO = timedelta(microseconds=1)
HOT, CAPITAL, FEES = house("wallet:hot", "BTC", "bitcoin"), house("capital", "BTC"), house("charged:network", "BTC")


async def history(session: AsyncSession, ref: AccountRef) -> list[tuple[datetime, int]]:
    """(posted_at, balance) after each leg of an account, by reading all of them."""
    rows = await session.execute(
        text("""
            SELECT t.posted_at, CASE WHEN t.debit_account = a.id THEN t.debit_balance ELSE t.credit_balance END
            FROM ledger_transfers t JOIN ledger_accounts a ON a.id IN (t.debit_account, t.credit_account)
            WHERE a.owner = :owner AND a.name = :name AND a.asset = :asset AND a.place = :place
            ORDER BY CASE WHEN t.debit_account = a.id THEN t.debit_sequence ELSE t.credit_sequence END"""),
        {"owner": ref.owner, "name": ref.name, "asset": ref.asset, "place": ref.place},
    )
    return [(row[0], int(row[1])) for row in rows]


MOVES = st.lists(st.lists(st.integers(-3, 5).filter(bool), min_size=1, max_size=4), min_size=1, max_size=12)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(MOVES)
async def test_a_past_balance_is_what_the_last_leg_up_to_that_moment_left(
    db: Database, lane: Lane, groups: list[list[int]]
) -> None:
    available = customer(uuid.uuid4(), "available", "BTC")
    for group in groups:
        moves = transfers(*((HOT, available, u, "in") if u > 0 else (available, HOT, -u, "out") for u in group))
        await lane.submit(Posting(uuid.uuid4().hex, moves, "test", available.owner))
    async with db.reading() as session:
        for ref in (available, HOT):
            legs = await history(session, ref)
            moments = {at for at, _ in legs} | {at - MICRO for at, _ in legs} | {at + MICRO for at, _ in legs}
            for moment in moments:
                wanted = [left for at, left in legs if at <= moment]
                assert await balance_at(session, ref, moment) == (wanted[-1] if wanted else 0)


async def test_legs_of_one_moment_all_count_at_that_moment_and_none_before(db: Database, lane: Lane) -> None:
    available = customer(uuid.uuid4(), "available", "BTC")
    moves = transfers((HOT, available, 5, "in"), (HOT, available, 6, "in"), (available, HOT, 1, "out"))
    assert (await lane.submit(Posting("group", moves, "test", available.owner))).posted
    async with db.reading() as session:
        (moment,) = {at for at, _ in await history(session, available)}
        assert await balance_at(session, available, moment) == 10
        assert await balance_at(session, available, moment - MICRO) == 0


async def test_what_was_never_booked_stood_at_nothing(db: Database) -> None:
    async with db.reading() as session:
        assert await balance_at(session, HOT, datetime.now(UTC)) == 0
        assert await trial_balance(session, datetime.now(UTC)) == []


async def test_the_trial_balance_of_a_past_moment_balances_in_every_asset(db: Database, lane: Lane) -> None:
    owner = uuid.uuid4()
    for n, code in enumerate(("BTC", "USDT", "BTC")):
        wallet = house("wallet:hot", code, "bitcoin")
        move = Transfer(wallet, customer(owner, "available", code), 10 + n, "in")
        assert (await lane.submit(Posting(f"in {n}", (move,), "test", owner))).posted
    async with db.reading() as session:
        moments = [at for at, _ in await history(session, HOT)]
        then = await trial_balance(session, moments[0])
        now = await trial_balance(session, moments[1])
    assert [(a, n, u) for a, n, _, _, u in then if a == "BTC"] == [("BTC", "available", 10), ("BTC", "wallet:hot", 10)]
    assert [(a, n, u) for a, n, _, _, u in then if u and a == "USDT"] == []
    async with db.reading() as session:
        assert now == await trial_balance(session), "the last moment is now"


# --- statements -----------------------------------------------------------------------------------------------------


async def lived(lane: Lane, owner: uuid.UUID) -> None:
    """In 100; 60 aside; 10 of them a fee and 30 paid; 20 back; in 7."""
    available, held = customer(owner, "available", "BTC"), customer(owner, "held", "BTC")
    for key, moves in (
        ("deposit:1", transfers((HOT, available, 100, "deposit credited"))),
        ("withdrawal:1:hold", transfers((available, held, 60, "withdrawal accepted"))),
        ("withdrawal:1:settle", transfers((held, FEES, 10, "withdrawal fees"), (held, HOT, 30, "payout final"))),
        ("withdrawal:2:refund", transfers((held, available, 20, "refund"))),
        ("deposit:2", transfers((HOT, available, 7, "deposit credited"))),
    ):
        assert (await lane.submit(Posting(f"{key} {owner}", moves, "test", owner))).posted


SHOWN = [
    ("deposit credited", 7, 67, 0, 0),
    ("refund", 20, 60, -20, 0),
    ("payout final", 0, 40, -30, 20),
    ("withdrawal fees", 0, 40, -10, 50),
    ("withdrawal accepted", -60, 40, 60, 60),
    ("deposit credited", 100, 100, 0, 0),
]


def shown(lines: list[Line]) -> list[tuple[str, int, int, int, int]]:
    return [(one.event, one.amount, one.balance, one.held_amount, one.held) for one in lines]


async def read(
    session: AsyncSession,
    owner: uuid.UUID,
    limit: int,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Line]:
    """Page after page to the end."""
    found: list[Line] = []
    place: Place | None = None
    while True:
        lines, place = await statement.page(
            session, user_id=owner, asset="BTC", since=since, until=until, place=place, limit=limit
        )
        found += lines
        if place is None:
            return found
        assert len(lines) == limit


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_a_statement_tells_every_movement_with_what_stood_after_it(db: Database, lane: Lane, limit: int) -> None:
    owner = uuid.uuid4()
    await lived(lane, owner)
    await lived(lane, uuid.uuid4())
    async with db.reading() as session:
        assert shown(await read(session, owner, limit)) == SHOWN


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_a_statement_between_two_moments_begins_and_ends_where_they_say(
    db: Database, lane: Lane, limit: int
) -> None:
    owner = uuid.uuid4()
    await lived(lane, owner)
    async with db.reading() as session:
        lines = await read(session, owner, 50)
        for newest in range(len(lines)):
            for oldest in range(newest, len(lines)):
                since, until = lines[oldest].at, lines[newest].at + MICRO
                wanted = [one for one in lines if since <= one.at < until]
                assert await read(session, owner, limit, since, until) == wanted
        assert await read(session, owner, limit, lines[0].at + MICRO) == []
        assert await read(session, owner, limit, None, lines[-1].at) == []


async def test_a_page_stays_as_it_was_while_others_are_posted(db: Database, lane: Lane) -> None:
    owner = uuid.uuid4()
    await lived(lane, owner)
    async with db.reading() as session:
        lines, place = await statement.page(
            session, user_id=owner, asset="BTC", since=None, until=None, place=None, limit=2
        )
    move = Transfer(HOT, customer(owner, "available", "BTC"), 1, "deposit credited")
    assert (await lane.submit(Posting("meanwhile", (move,), "test", owner))).posted
    async with db.reading() as session:
        more, _ = await statement.page(
            session, user_id=owner, asset="BTC", since=None, until=None, place=place, limit=50
        )
    assert shown(lines + more) == SHOWN


async def test_nothing_booked_is_an_empty_statement(db: Database) -> None:
    async with db.reading() as session:
        assert await read(session, uuid.uuid4(), 5) == []


STEPS = st.lists(st.tuples(st.sampled_from(("in", "aside", "back", "paid")), st.integers(1, 9)), max_size=25)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS, st.integers(1, 7))
async def test_amounts_of_any_statement_add_up_to_its_balances(
    db: Database, lane: Lane, steps: list[tuple[str, int]], limit: int
) -> None:
    owner = uuid.uuid4()
    available, held = customer(owner, "available", "BTC"), customer(owner, "held", "BTC")
    ways = {"in": (HOT, available), "aside": (available, held), "back": (held, available), "paid": (held, HOT)}
    posted = 0
    for step, units in steps:
        move = Transfer(*ways[step], units, step)
        posted += (await lane.submit(Posting(uuid.uuid4().hex, (move,), "test", owner))).posted
    async with db.reading() as session:
        lines = await read(session, owner, limit)
    assert len(lines) == posted
    balance = stands = 0
    for line in reversed(lines):
        balance, stands = balance + line.amount, stands + line.held_amount
        assert (line.balance, line.held) == (balance, stands)


# --- by index -------------------------------------------------------------------------------------------------------


TOUCHED = """SELECT coalesce(seq_scan, 0), coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
             WHERE relname = 'ledger_transfers'"""


async def touched(session: AsyncSession, before: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Sequential scans of the transfers since `before`, and rows fetched by an index, inside functions too."""
    row = (await session.execute(text(TOUCHED))).one()
    return int(row[0]) - before[0], int(row[1]) - before[1]


@pytest.fixture
async def filled(superuser_url: str) -> int:
    connection = await asyncpg.connect(superuser_url)
    try:
        return await fill(connection, transfers=SIZE, customers=100)
    finally:
        await connection.close()


async def test_past_balances_and_statements_of_a_long_history_are_read_by_index_alone(
    db: Database, filled: int
) -> None:
    owner = uuid.UUID("00000000-0000-4000-8000-000000000007")
    hot = house("wallet:deposit", "BTC", "bitcoin")
    async with db.reading() as session:
        first, last = (await session.execute(text("SELECT min(posted_at), max(posted_at) FROM ledger_transfers"))).one()
        middle = first + (last - first) / 2
    legs = filled // 4
    async with db.reading() as session:
        before = await touched(session)
        assert abs(await balance_at(session, hot, middle) - 1000 * legs // 2) <= 2000
        scans, rows = await touched(session, before)
        # A search by halves: one row a probe.
        assert (scans, rows <= legs.bit_length() + 2) == (0, True), (scans, rows)
    async with db.reading() as session:
        before = await touched(session)
        lines, place = await statement.page(
            session, user_id=owner, asset="BTC", since=first, until=middle, place=None, limit=20
        )
        assert len(lines) == 20
        assert place is not None
        scans, rows = await touched(session, before)
        assert (scans, rows < 200) == (0, True), (scans, rows)


async def test_the_plan_of_a_statement_page_walks_its_two_unique_indexes_backwards(db: Database, filled: int) -> None:
    async with db.reading() as session:
        rows = await session.execute(text("EXPLAIN " + store.LEGS), {"account": 2, "top": filled, "many": 50})
        plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on ledger_transfers" not in plan, plan
    assert plan.count("Index Scan Backward using uq_ledger_transfers_") == 2, plan
