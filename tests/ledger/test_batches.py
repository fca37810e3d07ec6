"""Submissions that travel together are as exact as one after the other, and a lost answer is asked for by the same key."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tidegate.database import Database, Rider, Write, utcnow
from tidegate.ledger import lane as lanes
from tidegate.ledger import proof, store, wire
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import FEW, Lane
from tidegate.ledger.rules import Outcome, Posting, Transfer, Verdict, customer, house
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal

HOT = house("wallet:hot", "BTC", "bitcoin")


def deposit(user: uuid.UUID, units: int, key: str | None = None) -> Posting:
    moved = Transfer(HOT, customer(user, "available", "BTC"), units, "deposit credited")
    return Posting(key or f"deposit:{uuid.uuid4()}:credit", (moved,), "deposit", user)


def hold(user: uuid.UUID, units: int, key: str | None = None) -> Posting:
    moved = Transfer(customer(user, "available", "BTC"), customer(user, "held", "BTC"), units, "withdrawal accepted")
    return Posting(key or f"withdrawal:{uuid.uuid4()}:hold", (moved,), "withdrawal", user)


async def outcomes(lane: Lane, *postings: Posting) -> list[Outcome]:
    return [verdict.outcome for verdict in await asyncio.gather(*(lane.submit(one) for one in postings))]


async def scalar(db: Database, sql: str, **values: object) -> object:
    async with db.reading() as session:
        return (await session.execute(text(sql), values)).scalar_one()


async def assert_exact(db: Database) -> None:
    async with db.reading() as session:
        assert [found async for _, wrong in proof.prove(session) for found in wrong] == []


async def test_what_is_queued_together_is_one_commit(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    assert set(await outcomes(lane, *(deposit(user, 1) for _ in range(FEW)))) == {Outcome.POSTED}
    assert await scalar(db, "SELECT count(DISTINCT xmin::text) FROM ledger_transfers") == 1
    await assert_exact(db)


async def test_of_a_long_queue_half_goes_at_once_and_all_is_posted(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    assert set(await outcomes(lane, *(deposit(user, 1) for _ in range(100)))) == {Outcome.POSTED}
    sizes = "SELECT array_agg(n ORDER BY n) FROM (SELECT count(*) AS n FROM ledger_transfers GROUP BY xmin::text) s"
    assert await scalar(db, sizes) == [100 - 50 - FEW, FEW, 50]
    await assert_exact(db)


async def test_a_poor_one_does_not_fail_its_neighbours(db: Database, lane: Lane) -> None:
    rich, poor = uuid.uuid4(), uuid.uuid4()
    found = await outcomes(lane, deposit(rich, 10), hold(poor, 1), hold(rich, 4), hold(rich, 7), hold(rich, 6))
    assert found == [Outcome.POSTED, Outcome.INSUFFICIENT, Outcome.POSTED, Outcome.INSUFFICIENT, Outcome.POSTED]
    await assert_exact(db)


async def test_of_two_with_one_key_in_a_batch_the_second_is_a_duplicate(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    assert await outcomes(lane, deposit(user, 5, "one"), deposit(user, 5, "one")) == [Outcome.POSTED, Outcome.DUPLICATE]
    async with db.reading() as session:
        assert await balance(session, HOT) == 5


async def test_a_key_that_was_refused_is_free_for_the_next_in_the_batch(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    found = await outcomes(lane, hold(user, 5, "one"), deposit(user, 5), hold(user, 5, "one"), hold(user, 5, "one"))
    assert found == [Outcome.INSUFFICIENT, Outcome.POSTED, Outcome.POSTED, Outcome.DUPLICATE]


async def test_a_group_that_fails_half_way_leaves_nothing_and_its_neighbours_stand(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    available, held = customer(user, "available", "BTC"), customer(user, "held", "BTC")
    group = Posting(
        "group",
        (Transfer(available, held, 6, "a"), Transfer(held, HOT, 6, "b"), Transfer(available, held, 6, "c")),
        "t",
        user,
    )
    found = await outcomes(lane, deposit(user, 10), group, hold(user, 10))
    assert found == [Outcome.POSTED, Outcome.INSUFFICIENT, Outcome.POSTED]
    await assert_exact(db)


async def test_two_that_want_one_target_are_told_apart_and_the_others_go_through(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    once = Write(
        "WITH r AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, id uuid)), done AS (INSERT INTO lane_receipts"
        " SELECT DISTINCT ON (id) id, now() FROM r ORDER BY id, i ON CONFLICT DO NOTHING RETURNING id)"
        " SELECT array_agg(i) FROM (SELECT DISTINCT ON (id) i FROM r JOIN done USING (id) ORDER BY id, i) x"
    )
    wanted = Rider("target", once, values={"id": uuid.uuid4()})
    bell = changed(user, "withdrawal", user, 1)
    verdicts = await asyncio.gather(
        lane.submit(deposit(user, 1), [wanted, bell]),
        lane.submit(deposit(user, 2), [bell]),
        lane.submit(deposit(user, 4), [wanted, bell]),
        lane.write([wanted]),
    )
    missed = Verdict(Outcome.CONFLICT, "target")
    assert verdicts[1].posted
    assert sorted(v.posted for v in (verdicts[0], verdicts[2], verdicts[3])) == [False, False, True]
    assert all(v.posted or v == missed for v in verdicts)
    told = 1 + verdicts[0].posted + verdicts[2].posted
    assert await scalar(db, "SELECT count(*) FROM events") == told
    assert await scalar(db, "SELECT last FROM event_counters WHERE user_id = :user", user=user) == told
    await assert_exact(db)


async def test_a_poison_request_fails_alone(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    poison = Rider("poison", Write("SELECT ARRAY[1/0] FROM jsonb_array_length($1::jsonb)"), values={"a": 1})
    verdicts = await asyncio.gather(
        *(lane.submit(deposit(user, 1), [poison] if n == 3 else []) for n in range(8)), return_exceptions=True
    )
    assert isinstance(verdicts[3], asyncpg.DivisionByZeroError)
    assert sum(isinstance(verdict, Verdict) and verdict.posted for verdict in verdicts) == 7
    async with db.reading() as session:
        assert await balance(session, HOT) == 7


async def test_an_account_that_is_closed_takes_nothing(lane: Lane, superuser_db: Database) -> None:
    user, other = uuid.uuid4(), uuid.uuid4()
    assert await outcomes(lane, deposit(user, 1), hold(user, 1)) == [Outcome.POSTED] * 2
    closed = "UPDATE ledger_accounts SET closed_at = now() WHERE owner = :user AND name = 'available'"
    async with superuser_db.transaction() as session:
        await session.execute(text(closed), {"user": user})
    assert await outcomes(lane, deposit(user, 1), deposit(other, 1)) == [Outcome.CLOSED, Outcome.POSTED]


async def test_a_caller_that_goes_away_is_posted_all_the_same(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    gone = asyncio.ensure_future(lane.submit(deposit(user, 5, "gone")))
    await asyncio.sleep(0)
    gone.cancel()
    assert await outcomes(lane, deposit(user, 5, "gone")) == [Outcome.DUPLICATE]


async def test_more_than_may_wait_are_told_busy_and_change_nothing(
    db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "WAITING", 3)
    user = uuid.uuid4()
    found = await asyncio.gather(*(lane.submit(deposit(user, 1)) for _ in range(5)), return_exceptions=True)
    assert [one.kind for one in found if isinstance(one, Refusal)] == [Kind.BUSY, Kind.BUSY]
    async with db.reading() as session:
        assert await balance(session, HOT) == 3


async def test_time_never_goes_back_along_an_account(db: Database, lane: Lane, superuser_db: Database) -> None:
    user = uuid.uuid4()
    await outcomes(lane, deposit(user, 1))
    async with superuser_db.transaction() as session:  # as if the clock had been an hour ahead before it was set right
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in ("ledger_accounts SET moved_at = moved_at", "ledger_transfers SET posted_at = posted_at"):
            await session.execute(text(f"UPDATE {statement} + interval '1 hour'"))
    await outcomes(lane, deposit(user, 1))
    backwards = "SELECT count(*) FROM ledger_transfers a JOIN ledger_transfers b ON b.debit_sequence > a.debit_sequence WHERE b.posted_at < a.posted_at"
    assert await scalar(db, backwards) == 0


# --- answers that are lost -----------------------------------------------------------------------------------------


Eventually = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def standing_by(admin_url: str) -> AsyncIterator[tuple[asyncpg.Connection, Eventually]]:
    """A server that waits for a standby that is not there: every commit hangs after it was written here."""
    admin = await asyncpg.connect(admin_url)
    waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'tidegate'"

    async def eventually(sql: str) -> None:
        async with asyncio.timeout(10):
            while not await admin.fetchval(sql.format(waiting=waiting)):
                await asyncio.sleep(0.01)

    await admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await admin.execute("SELECT pg_reload_conf()")
    await eventually("SELECT current_setting('synchronous_standby_names') = 'nobody'")
    try:
        yield admin, eventually
    finally:
        await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await admin.execute("SELECT pg_reload_conf()")
        await admin.close()


async def opened(lane: Lane, user: uuid.UUID) -> None:
    """Accounts (a refused posting opens them too) and the connection are there, so that the next submission is one call."""
    assert await outcomes(lane, deposit(user, 100), hold(user, 101)) == [Outcome.POSTED, Outcome.INSUFFICIENT]


async def released(admin: asyncpg.Connection) -> None:
    await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
    await admin.execute("SELECT pg_reload_conf()")


async def test_a_success_whose_wait_for_the_standby_was_cancelled_is_unknown_and_asked_again(
    admin_url: str, db: Database, lane: Lane
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    async with standing_by(admin_url) as (admin, eventually):
        asked = asyncio.ensure_future(lane.submit(hold(user, 60), [changed(user, "withdrawal", user, 1)]))
        await eventually("SELECT count(*) = 1 {waiting}")
        await admin.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        # Asked again: the second attempt waits for the standby too, with a write of its own.
        await eventually("SELECT count(*) = 1 {waiting} AND query_start > now() - interval '10 s'")
        assert not asked.done()
        await released(admin)
        assert (await asked).posted
    assert await scalar(db, "SELECT count(*) FROM events") == 1
    assert await scalar(db, "SELECT count(*) FROM lane_receipts") == 1
    await assert_exact(db)


async def test_an_answer_that_does_not_come_is_cut_off_and_found_by_the_same_submission(
    admin_url: str, db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    monkeypatch.setattr(wire, "DEADLINE_SECONDS", 0.3)
    async with standing_by(admin_url) as (admin, eventually):
        asked = asyncio.ensure_future(lane.submit(hold(user, 60), [changed(user, "withdrawal", user, 1)]))
        alone = asyncio.ensure_future(lane.write([changed(user, "balance", user, 1)]))
        # The first attempt goes on waiting in the server; the second waits for the first one's rows.
        await eventually(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'tidegate'"
        )
        assert not asked.done()
        await released(admin)
        assert (await asked).posted
        assert (await alone).posted
    assert await scalar(db, "SELECT count(*) FROM events") == 2
    async with db.reading() as session:
        assert await balance(session, customer(user, "held", "BTC")) == 60
    await assert_exact(db)


@pytest.mark.slow
async def test_a_connection_that_dies_under_a_batch_loses_and_doubles_nothing(
    admin_url: str, db: Database, lane: Lane
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    admin = await asyncpg.connect(admin_url)
    killed = 0
    asked = [asyncio.ensure_future(lane.submit(hold(user, 1, f"hold {n}"))) for n in range(100)]
    while not all(one.done() for one in asked):
        killed += await admin.fetchval(
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tidegate' AND query LIKE 'SELECT lane_run%' AND random() < 0.3) x"
        )
        await asyncio.sleep(0.002)
    await admin.close()
    assert {one.result().outcome for one in asked} == {Outcome.POSTED}
    async with db.reading() as session:
        assert await balance(session, customer(user, "held", "BTC")) == 100
    await assert_exact(db)


async def test_halves_of_a_batch_whose_end_is_unknown_are_answered_only_when_the_standby_has_them(
    admin_url: str, db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    monkeypatch.setattr(wire, "LOCK_SECONDS", 1.0)
    monkeypatch.setattr(wire, "DEADLINE_SECONDS", 2.0)
    locked = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'tidegate'"
    async with standing_by(admin_url) as (admin, eventually):
        asked = [asyncio.ensure_future(lane.write([changed(user, "balance", user, n)])) for n in (1, 2)]
        # Cut off, asked again, and that waits for the first attempt's rows until it may wait no longer: then halves do.
        await eventually(f"SELECT count(*) > 0 {locked}")
        whole = await admin.fetchval(f"SELECT max(query_start) {locked}")
        await eventually(f"SELECT count(*) > 0 {locked} AND query_start > '{whole}'")
        # The first attempt is committed and visible, and no standby ever had it.
        await admin.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        await eventually(f"SELECT count(*) > 0 {{waiting}} AND query_start > '{whole}'")
        assert not any(one.done() for one in asked)
        await released(admin)
        assert [(await one).posted for one in asked] == [True, True]
    assert await scalar(db, "SELECT count(*) FROM events") == 2


async def test_a_poison_request_whose_caller_gave_up_meanwhile_fails_alone_too(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    run, gave_up = lane._wire.run, asyncio.Event()

    async def slow(batch: store.Batch) -> Sequence[Verdict]:
        if len(batch.submissions) == 1:
            await gave_up.wait()
        return await run(batch)

    monkeypatch.setattr(lane._wire, "run", slow)
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", 0.5)
    poison = Rider("poison", Write("SELECT ARRAY[1/0] FROM jsonb_array_length($1::jsonb)"), values={"a": 1})
    told = asyncio.ensure_future(lane.write([poison]))
    told.add_done_callback(lambda _: gave_up.set())
    await asyncio.sleep(0)
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", 30.0)
    assert (await lane.submit(deposit(user, 1))).posted
    with pytest.raises(Refusal):
        await told


async def test_after_a_connection_was_lost_no_account_is_known_by_a_number_of_before(
    admin_url: str, db: Database, lane: Lane, superuser_db: Database
) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    await opened(lane, one)
    # The server comes back without what it opened last: from a backup, or as a standby that never had it.
    async with superuser_db.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in ("DELETE FROM ledger_transfers", "DELETE FROM ledger_accounts"):
            await session.execute(text(statement))
        await session.execute(text("ALTER TABLE ledger_accounts ALTER COLUMN id RESTART"))
        await session.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT lane_run%'")
        )
    assert await outcomes(Lane(db), deposit(other, 7)) == [Outcome.POSTED]
    assert await outcomes(lane, deposit(one, 5)) == [Outcome.POSTED]
    async with db.reading() as session:
        assert await balance(session, customer(one, "available", "BTC")) == 5
        assert await balance(session, customer(other, "available", "BTC")) == 7


async def test_a_statement_that_is_not_the_lanes_may_not_write_what_the_ledger_holds(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    forged = Rider(
        "forged",
        Write("WITH x AS (UPDATE ledger_accounts SET balance = 9, sequence = 9 RETURNING 1) SELECT ARRAY[0]"),
        values={"a": 1},
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await lane.write([forged])
    with pytest.raises(DBAPIError):
        async with db.transaction() as session:
            await session.execute(text("DO $$ BEGIN UPDATE ledger_accounts SET balance = 9, sequence = 9; END $$"))


async def test_receipts_are_forgotten_when_nobody_can_ask_for_them(db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    assert (await lane.write([changed(user, "balance", user, 1)])).posted
    await lane.forget(utcnow())
    assert await scalar(db, "SELECT count(*) FROM lane_receipts") == 1
    await lane.forget(utcnow() + 2 * lanes.RECEIPTS_KEPT)
    assert await scalar(db, "SELECT count(*) FROM lane_receipts") == 0
