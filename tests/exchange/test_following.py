"""What an order left is shared out over all venues anew, once, and is carried openly when nobody takes it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from tests.exchange.conftest import Room
from tests.exchange.test_converting import refused
from tests.exchange.test_hedging import Killed, converted
from tests.venues.running import Running, running_venue
from tidegate.database import utcnow
from tidegate.exchange import following, pipeline, positions
from tidegate.ledger.rules import house
from tidegate.refusal import Kind
from tidegate.venues.port import Side


@pytest.fixture(scope="module")
async def shared_venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One of this file's own: what it sells here nobody else misses."""
    async with running_venue(tmp_path_factory.mktemp("venue")) as running:
        yield running


def forget_book(room: Room, venue: str) -> None:
    room.desk.markets._tracked[venue, "BTCUSDT"].book = None


async def orders(room: Room) -> list[tuple[Any, ...]]:
    found = await room.rows(
        "SELECT venue, state, attempt, part, reason FROM orders ORDER BY attempt, venue, created_at, part"
    )
    return [tuple(row) for row in found]


async def all_hedged(room: Room, *, lots: int = 4) -> None:
    """Every order is done, the position is closed but for lots, and the books are the venues'."""
    for after in (2, 4, 8, 16, 32, 200):
        for tracked in room.desk.markets._tracked.values():
            tracked.book = None  # what a second of waiting does
        while await room.hedge(after=after):
            pass
    assert await room.rows("SELECT 1 FROM orders WHERE state IN ('intended', 'sent', 'open', 'unknown')") == []
    assert abs(await room.holds(house("liquidity", "BTC"))) < lots * 1000
    await room.books_balance()


async def never_more_than_was_left(room: Room) -> None:
    rows = await room.rows(
        "SELECT o.base_units - o.filled * 100000000 - coalesce(sum(n.base_units), 0) FROM orders o "
        "LEFT JOIN orders n ON n.follows = o.id WHERE o.base_asset = 'BTC' GROUP BY o.id"
    )
    assert all(row[0] >= 0 for row in rows), rows


async def test_what_a_thin_venue_left_goes_to_the_other_at_once(wide: Room, other_venue: Running) -> None:
    await converted(wide, "1.0")
    await other_venue.fault("venue_thin_book")
    forget_book(wide, "other")
    await wide.hedge()
    first = [row[:2] for row in await orders(wide) if row[2] == 0]
    assert first == [("binance", "filled"), ("other", "partly_filled")]
    together = await wide.rows("SELECT o.xmin::text = n.xmin::text FROM orders o JOIN orders n ON n.follows = o.id")
    assert {row[0] for row in together} == {True}, "the end of an order and what follows it are one commit"
    following = [row for row in await orders(wide) if row[2] == 1]
    assert "binance" in {row[0] for row in following}
    assert [row[3] for row in sorted(following, key=lambda row: row[3])] == list(range(len(following)))
    await other_venue.fault("venue_thin_book", False)
    await all_hedged(wide)
    await never_more_than_was_left(wide)


async def test_an_order_whose_venue_went_down_before_it_was_sent_is_sent_to_the_other(
    wide: Room, other_venue: Running
) -> None:
    before = (await other_venue.books())["orders"]
    await converted(wide, "1.0")
    await other_venue.fault("venue_down")
    forget_book(wide, "other")
    await wide.hedge()
    assert ("other", "cancelled", 0, 1, "venue_unavailable") in await orders(wide)
    await all_hedged(wide)
    assert (await other_venue.books())["orders"] == before
    assert {row[0] for row in await orders(wide) if row[1] == "filled"} == {"binance"}


async def test_an_order_that_may_stand_is_followed_by_nothing_while_its_venue_is_silent(
    wide: Room, other_venue: Running
) -> None:
    before = (await other_venue.books())["orders"]
    await converted(wide, "1.0")
    await other_venue.fault("venue_timeout_after_accept", times=1, seconds=0.2)
    await wide.hedge()
    await other_venue.fault("venue_down")
    for after in (2, 31, 62, 93):
        await wide.hedge(after=after)
        assert [row[:2] for row in await orders(wide)] == [("binance", "filled"), ("other", "unknown")]
    await other_venue.fault("venue_down", False)
    wide.desk.venues["other"]._line._failures = 0  # type: ignore[attr-defined]
    await wide.hedge(after=200)
    await all_hedged(wide)
    assert (await other_venue.books())["orders"] == before + 1


async def test_a_venue_without_funds_is_passed_over_and_the_hedge_is_done_elsewhere(wide: Room) -> None:
    poor = wide.running.client(1)
    venues = {**wide.desk.venues, "binance": poor}
    room = replace(wide, desk=replace(wide.desk, venues=venues))
    for held in await poor.balances():
        if held.asset == "BTC" and held.free:
            await poor.place(
                client_order_id=str(uuid.uuid4()),
                symbol="BTCUSDT",
                side=Side.SELL,
                quantity=held.free.quantize(Decimal("0.00001")),
                price=Decimal(60_000),
            )
    await wide.running.move("BTCUSDT", "64000")  # what was sold left a hole in its book
    await converted(room, "1.0")
    await room.hedge()
    assert ("binance", "rejected", 0, 0, "insufficient_funds") in await orders(room)
    assert [row[0] for row in await orders(room) if row[2] == 1] == ["other"]
    while await room.hedge():
        pass
    assert [row[1] for row in await orders(room) if row[0] == "other"] == ["filled", "filled"]
    await poor.close()


async def test_tries_are_counted_and_what_is_left_then_is_carried_told_and_alarmed(room: Room) -> None:
    quotes = room.desk.settings.quotes.model_copy(update={"hedge_tries": 2})
    settings = room.desk.settings.model_copy(update={"quotes": quotes})
    reader = room.running.client(2)  # a key that may not trade
    room = replace(room, desk=replace(room.desk, settings=settings, venues={"binance": reader}))
    conversion_id = await converted(room)
    for after in (0, 5, 15, 60):
        await room.hedge(after=after)
    assert [row[1:3] + row[4:] for row in await orders(room)] == [
        ("rejected", 0, "credentials"),
        ("rejected", 1, "credentials"),
        ("rejected", 2, "tries_used_up"),
    ]
    (left,) = await positions.carried(room.desk, limit=5)
    assert (left.order.conversion_id, left.units) == (conversion_id, await room.holds(house("liquidity", "BTC")))
    found = {one.asset: one for one in await positions.positions(room.desk)}
    assert found["BTC"].carried == left.units
    assert found["BTC"].under_way == 0
    assert 3_000_000_000 < (found["BTC"].carried_usd or 0) < 3_500_000_000
    with capture_logs() as calm:
        await positions.watch(room.desk, utcnow())
    tight = settings.model_copy(update={"quotes": quotes.model_copy(update={"max_exposure_usd": "3000"})})
    with capture_logs() as alarmed:
        await positions.watch(replace(room.desk, settings=tight), utcnow())
    assert [entry["event"] for entry in calm] == []
    assert [(entry["event"], entry["log_level"]) for entry in alarmed] == [("carried_above_cap", "error")]
    await reader.close()


async def test_what_is_carried_is_ordered_once_more_when_a_person_says_so(room: Room) -> None:
    quotes = room.desk.settings.quotes.model_copy(update={"hedge_tries": 0})
    settings = room.desk.settings.model_copy(update={"quotes": quotes})
    reader = room.running.client(2)
    poor = replace(room, desk=replace(room.desk, settings=settings, venues={"binance": reader}))
    await converted(poor)
    await poor.hedge()
    await reader.close()
    ((order_id, reason),) = await room.rows("SELECT id, reason FROM orders")
    assert reason == "tries_used_up"
    assert await following.again(room.desk, order_id, utcnow()) == 1
    await refused(Kind.CONFLICT, following.again(room.desk, order_id, utcnow()))
    await refused(Kind.NOT_FOUND, following.again(room.desk, uuid.uuid4(), utcnow()))
    await all_hedged(room)
    assert await positions.carried(room.desk, limit=5) == []
    (done,) = await room.rows("SELECT id FROM orders WHERE state = 'filled'")
    await refused(Kind.BELOW_MINIMUM, following.again(room.desk, done[0], utcnow()))


async def test_what_is_still_under_way_is_open_and_not_carried(room: Room) -> None:
    await converted(room)
    found = {one.asset: one for one in await positions.positions(room.desk)}
    assert found["BTC"].units == found["BTC"].under_way > 0
    assert found["USDT"].units < 0
    # The dollar's side is worth what the order brings, but for the spread of the book.
    assert abs(found["USDT"].carried) < 10_000_000
    await room.hedge()
    found = {one.asset: one for one in await positions.positions(room.desk)}
    assert found["BTC"].carried == found["BTC"].units < 1000


@pytest.mark.parametrize("point", ["O8.rest:before", "O8.rest:after"])
async def test_a_worker_killed_while_it_ends_an_order_leaves_one_set_of_followers(
    room: Room, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    await converted(room, "0.5")
    await room.running.fault("venue_thin_book")
    forget_book(room, "binance")

    def die(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "reach", die)
        with pytest.raises(Killed):
            await room.hedge()
    await room.running.fault("venue_thin_book", False)
    for after in (25, 50, 75):
        await room.hedge(after=after)
    await all_hedged(room)
    await never_more_than_was_left(room)
    sets = await room.rows("SELECT follows, part, count(*) FROM orders WHERE follows IS NOT NULL GROUP BY 1, 2")
    assert sets
    assert {row[2] for row in sets} == {1}


async def test_two_workers_that_end_one_order_write_one_set(room: Room) -> None:
    await converted(room, "0.5")
    await room.running.fault("venue_thin_book")
    forget_book(room, "binance")
    await asyncio.gather(room.hedge(), room.hedge(after=21), room.hedge(after=42))
    await room.running.fault("venue_thin_book", False)
    rows = await room.rows("SELECT follows, count(*) FROM orders WHERE follows IS NOT NULL GROUP BY 1")
    assert [row[1] for row in rows] == [1]
    await all_hedged(room)
    await never_more_than_was_left(room)


COPY = """
    INSERT INTO orders (id, conversion_id, follows, part, attempt, venue, symbol, base_asset, quote_asset, side, base_units,
                        client_order_id, state, filled, due_at, fence, created_at, updated_at, version)
    SELECT gen_random_uuid(), conversion_id, {follows}, {part}, {attempt}, venue, symbol, base_asset, quote_asset, {side},
           {units}, gen_random_uuid()::text, 'intended', 0, now(), 0, now(), now(), 1 FROM orders WHERE attempt = {of}
"""
ENDED = "UPDATE orders SET state = 'cancelled'"
FIRST = {"follows": "id", "part": "0", "attempt": "1", "side": "side", "units": "base_units", "of": "0"}


ATTACKS: tuple[tuple[tuple[str, ...], dict[str, str], str], ...] = (
    ((), {}, "follows what another one left"),  # what it follows has not ended
    ((ENDED,), {"units": "base_units + 1"}, "follows what another one left"),
    ((ENDED,), {"side": "'buy'"}, "follows what another one left"),
    ((ENDED,), {"attempt": "2"}, "follows what another one left"),
    ((ENDED,), {"follows": "NULL"}, "first_follows_none"),
    ((ENDED,), {"follows": "NULL", "attempt": "0"}, "uq_orders_first"),
    ((ENDED,), {"part": "-1"}, "counted_from_zero"),
    ((ENDED, COPY.format(**FIRST)), {}, "uq_orders_follows_part"),
    ((ENDED, COPY.format(**FIRST)), {"part": "1"}, "follows what another one left"),
)


async def test_the_database_keeps_followers_to_one_set_of_what_was_left(room: Room) -> None:
    await converted(room)
    for before, changed, told in ATTACKS:
        with pytest.raises((IntegrityError, asyncpg.PostgresError), match=told):
            await attack(room, [*before, COPY.format(**FIRST | changed)])


async def attack(room: Room, statements: list[str]) -> None:
    async with room.desk.db.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))
