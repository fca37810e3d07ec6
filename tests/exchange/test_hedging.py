"""Hedging through every fault of the venue and of ourselves: never two orders for one intent, no fill lost or doubled."""

import asyncio
import time
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.conftest import GOOD_ADDRESS, Room
from tidegate.exchange import audit, booking, history, pipeline
from tidegate.ledger.rules import house
from tidegate.markets.books import Markets
from tidegate.refusal import Kind, Refusal
from tidegate.venues.port import PlaceOutcome, Side


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs, not even the handlers for exceptions."""


async def converted(room: Room, amount: str = "0.05") -> uuid.UUID:
    user = await room.user(BTC="5")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount=amount)
    return uuid.UUID((await room.convert(user, shown["id"]))["id"])


async def states(room: Room) -> list[str]:
    return [row[0] for row in await room.rows("SELECT state FROM orders ORDER BY created_at, id")]


async def hedged_once(room: Room) -> None:
    """Exactly the lots of the position were traded, in one order, and every fill is in the books."""
    assert await room.orders_at_venue() == 1
    assert abs(await room.holds(house("liquidity", "BTC"))) < 1000
    await room.books_balance()


@pytest.mark.parametrize("fault", ["venue_timeout_after_accept", "venue_error_after_accept"])
async def test_an_order_without_an_answer_is_looked_for_and_never_sent_again(room: Room, fault: str) -> None:
    await converted(room)
    await room.running.fault(fault, times=1, seconds=0.2)
    await room.hedge()
    assert await states(room) == ["unknown"]
    terms = await audit.venue_terms(room.desk)
    assert terms.in_flight == 1
    assert terms.unbooked[("binance", "BTC")] < 0 < terms.unbooked[("binance", "USDT")]
    await room.hedge(after=2)
    assert await states(room) == ["filled"]
    await hedged_once(room)
    assert (await audit.venue_terms(room.desk)).unbooked == {}


async def test_an_order_that_never_arrived_is_ordered_anew_only_after_the_settle_window(room: Room) -> None:
    await converted(room)
    await room.running.fault("venue_error_before_accept", times=1)
    await room.hedge()
    assert await states(room) == ["unknown"]
    for after in (2, 10, 29):
        await room.hedge(after=after)
        assert await states(room) == ["unknown"]
    await room.hedge(after=31)
    assert await states(room) == ["cancelled", "intended"]
    await room.hedge(after=40)
    assert await states(room) == ["cancelled", "filled"]
    ids = {row[0] for row in await room.rows("SELECT client_order_id FROM orders")}
    assert len(ids) == 2
    await hedged_once(room)


POINTS = {
    "O3.order:before": "intended",
    "O4.place:before": "sent",
    "O4.place:after": "sent",
    "O6.fills:before": "sent",
    "O6.fill:after": "sent",
    "O7.end:before": "sent",
    "O7.end:after": "filled",
}
"""Where a worker may be killed while it hedges, and what is committed by then (the crash table's O3 to O8)."""


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_killed_while_hedging_leaves_one_order_and_every_fill_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    await converted(room, "1.2" if point == "O6.fill:after" else "0.05")

    def die(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "reach", die)
        patched.setattr(booking, "reach", die)
        with pytest.raises(Killed):
            await room.hedge()
    assert await states(room) == [POINTS[point]]
    if point == "O6.fill:after":
        booked = await room.rows("SELECT count(*) FROM fills")
        assert booked[0][0] == 1
    # Its lease runs out; another worker finds out. What was never sent is known as such after the settle window.
    for after in (25, 50, 75, 100):
        await room.hedge(after=after)
    assert (await states(room))[-1] == "filled"
    await hedged_once(room)


async def test_four_workers_at_once_send_one_order(room: Room) -> None:
    await converted(room)
    assert sorted(await asyncio.gather(*(room.hedge() for _ in range(4)))) == [0, 0, 0, 1]
    await hedged_once(room)


async def test_many_conversions_hedged_at_once_book_every_fill(room: Room) -> None:
    for _ in range(6):
        await converted(room, "0.01234567")
    while await room.hedge():
        pass
    assert await states(room) == ["filled"] * 6
    await room.books_balance()


async def test_while_the_venue_is_down_the_hedge_waits_and_then_goes_on(room: Room) -> None:
    conversion_id = await converted(room)
    desk = replace(room.desk, markets=Markets(room.desk.venues, room.desk.settings))  # a worker that knows no book yet
    worker = replace(room, desk=desk)
    await room.running.fault("venue_down")
    await worker.hedge()
    assert await states(room) == ["intended"]
    user = (await room.rows("SELECT user_id FROM conversions WHERE id = :id", id=conversion_id))[0][0]
    shown = await history.conversion(desk, user_id=user, conversion_id=conversion_id)
    assert (shown.state, shown.receipt.hedge, shown.receipt.orders[0].reason) == (
        "completed",
        "waiting",
        "venue_unavailable",
    )
    await room.running.fault("venue_down", False)
    await asyncio.wait_for(until_filled(worker), 10)
    await hedged_once(room)


async def until_filled(room: Room) -> None:
    """Passes of the worker until the last order is done; the books' retry pace is real time."""
    while (await states(room))[-1] != "filled":
        await room.hedge(after=5)
        await asyncio.sleep(0.05)


async def test_with_the_venue_down_converting_quotes_are_unavailable_and_plain_ones_go_on(room: Room) -> None:
    user = await room.user(BTC="1", USDT="100")
    plain: dict[str, Any] = {
        "kind": "withdrawal",
        "from_asset": "USDT",
        "to_asset": "USDT",
        "network": "ethereum",
        "side": "exact_out",
        "amount": "25",
        "address": GOOD_ADDRESS,
    }
    with_prices = await room.quote(user, **plain)
    settings = room.desk.settings
    # What was known stays; what is young enough to be quoted from shrinks to nothing.
    object.__setattr__(settings, "quotes", settings.quotes.model_copy(update={"max_book_age_seconds": 0.0}))
    room.desk.markets._max_age = 0.0
    await room.running.fault("venue_down")
    with pytest.raises(Refusal) as told:
        await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    assert told.value.kind is Kind.VENUE_UNAVAILABLE
    without = await room.quote(user, **plain)
    assert without["warnings"] == ["network_fee_estimated"]
    fee, dearer = (Decimal(shown["fees"][0]["amount"]["amount"]) for shown in (with_prices, without))
    assert fee * Decimal("1.049") < dearer < fee * Decimal("1.051")


async def test_a_remainder_is_ordered_again_under_a_new_id(room: Room) -> None:
    await converted(room, "0.5")
    await room.running.fault("venue_thin_book")
    room.desk.markets._tracked["binance", "BTCUSDT"].book = None
    await room.hedge()
    assert await states(room) == ["partly_filled", "intended"]
    await room.running.fault("venue_thin_book", False)
    for after in (5, 10):
        room.desk.markets._tracked["binance", "BTCUSDT"].book = None
        await room.hedge(after=after)
    assert (await states(room))[-1] == "filled"
    assert abs(await room.holds(house("liquidity", "BTC"))) < 1000
    await room.books_balance()


async def test_what_is_below_the_venues_minimum_is_carried_openly(room: Room) -> None:
    await converted(room, "0.00002")
    await room.hedge()
    assert await room.rows("SELECT state, reason FROM orders") == [("cancelled", "below_venue_minimum")]
    assert await room.orders_at_venue() == 0
    assert await room.holds(house("liquidity", "BTC")) > 0


async def test_an_order_the_venue_refuses_is_followed_by_a_new_one_later(room: Room) -> None:
    await converted(room)
    reader = room.running.client(2)
    refused = replace(room, desk=replace(room.desk, venues={"binance": reader}))
    try:
        await refused.hedge()
    finally:
        await reader.close()
    assert await states(room) == ["rejected", "intended"]
    await room.hedge(after=2)
    assert await states(room) == ["rejected", "filled"]
    await hedged_once(room)


async def test_a_worker_that_slept_past_its_lease_changes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await converted(room)
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "LEASE_SECONDS", 0)
        await room.hedge()
    # It committed `sent` and then saw that its time was over: nothing left the house.
    assert await states(room) == ["sent"]
    assert await room.orders_at_venue() == 0
    for after in (31, 40):
        await room.hedge(after=after)
    assert await states(room) == ["cancelled", "filled"]
    await hedged_once(room)


async def test_an_order_held_up_by_the_venues_clock_is_not_sent_beside_its_successor(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await converted(room)
    venue: Any = room.desk.venues["binance"]
    asking, go_on = asyncio.Event(), asyncio.Event()
    real = venue._set_clock
    waited: list[int] = []

    async def set_clock() -> None:
        if not waited:
            waited.append(1)
            asking.set()
            await go_on.wait()
        await real()

    monkeypatch.setattr(venue, "_set_clock", set_clock)
    slow = asyncio.ensure_future(room.hedge())
    await asking.wait()
    assert await states(room) == ["intended"]
    await room.hedge(after=31)  # another worker: the first one's lease is over
    go_on.set()
    await slow
    for after in (33, 40, 80):
        await room.hedge(after=after)
    assert await states(room) == ["filled"]
    await hedged_once(room)


async def test_past_its_deadline_no_order_leaves(room: Room) -> None:
    placed = await room.desk.venues["binance"].place(
        client_order_id=str(uuid.uuid4()),
        symbol="BTCUSDT",
        side=Side.SELL,
        quantity=Decimal("0.01"),
        price=Decimal(60_000),
        deadline=time.monotonic() - 1,
    )
    assert placed.outcome is PlaceOutcome.REFUSED
    assert await room.orders_at_venue() == 0
