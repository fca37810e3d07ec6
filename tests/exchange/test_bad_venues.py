"""Answers of a venue that are wrong, late or strange (security.md 1.1, 8 to 10): no order twice, no fill lost or doubled."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.conftest import Room
from tests.exchange.test_hedging import converted, hedged_once, states
from tidegate.exchange import history
from tidegate.http import Answer
from tidegate.ledger.rules import house, venue
from tidegate.money import asset, parse_units
from tidegate.venues.port import Fill, OrderSeen, OrderState

BODIES: Mapping[str, tuple[int, bytes]] = {
    "a refusal told as success": (
        200,
        b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}',
    ),
    "an empty list of errors": (200, b'{"errors":[]}'),
    "nothing": (200, b""),
    "null": (200, b"null"),
    "a list": (200, b"[]"),
    "half of an answer": (200, b'{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"'),
    "a proxy's page": (200, b"<html><body><h1>It works!</h1></body></html>"),
    "an order of somebody else": (200, b'{"symbol":"BTCUSDT","orderId":1,"clientOrderId":"x","status":"FILLED"}'),
    "a gateway's timeout": (504, b"<html>504</html>"),
}


SMALL = ("a refusal told as success", "half of an answer", "a proxy's page")


@pytest.mark.parametrize("body", [b if b in SMALL else pytest.param(b, marks=pytest.mark.slow) for b in BODIES])
async def test_an_answer_that_does_not_say_what_became_of_it_moves_nothing_on(
    room: Room, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    await converted(room)
    line: Any = room.desk.venues["binance"]
    status, content = BODIES[body]

    async def send(*_: Any, **__: Any) -> Answer:
        return Answer(status, {"content-type": "application/json"}, content)

    with monkeypatch.context() as patched:
        patched.setattr(line._line, "send", send)
        await room.hedge()
    assert await states(room) == ["unknown"]
    for after in (2, 15, 29):
        await room.hedge(after=after)
        assert await states(room) == ["unknown"]
    # It was never there: known at the end of the settle window, and ordered anew under another id.
    for after in (31, 40):
        await room.hedge(after=after)
    assert await states(room) == ["cancelled", "filled"]
    await hedged_once(room)


async def test_a_venue_that_finds_an_order_only_after_a_while_is_not_given_another(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted, the answer lost, and for 28 seconds the venue says that it knows no such order."""
    await converted(room)
    await room.running.fault("venue_timeout_after_accept", times=1, seconds=0.1)
    client: Any = room.desk.venues["binance"]

    async def lagging(**_: Any) -> None:
        return None

    with monkeypatch.context() as patched:
        patched.setattr(client, "find", lagging)
        for after in (0, 5, 14, 28):
            await room.hedge(after=after)
            assert await states(room) == ["unknown"]
    await room.hedge(after=30)
    assert await states(room) == ["filled"]
    await hedged_once(room)


@dataclass
class Told:
    """The venue's account of one order, put in the place of its own."""

    room: Room
    monkeypatch: pytest.MonkeyPatch

    def say(self, state: OrderState, filled: str, *fills: Fill) -> None:
        client: Any = self.room.desk.venues["binance"]

        async def find(*, client_order_id: str, **_: Any) -> OrderSeen:
            return OrderSeen(client_order_id, "77", state, Decimal(filled))

        async def trades(**_: Any) -> list[Fill]:
            return list(fills)

        async def cancel(**_: Any) -> None:
            return None

        for name, answer in (("find", find), ("fills", trades), ("cancel", cancel)):
            self.monkeypatch.setattr(client, name, answer)


@pytest.fixture
async def told(room: Room, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A conversion of 0.05 BTC whose order is `unknown`: the venue kept nothing of it, and tells what the test says."""
    await converted(room)
    await room.running.fault("venue_error_before_accept", times=1)
    await room.hedge()
    assert await states(room) == ["unknown"]
    return Told(room, monkeypatch)


def trade(number: int, quantity: str, *, fee: str = "0", fee_asset: str = "USDT") -> Fill:
    value = Decimal(quantity) * 64_000
    return Fill(f"t{number}", Decimal(64_000), Decimal(quantity), value, Decimal(fee), fee_asset)


async def booked(room: Room) -> list[tuple[str, Decimal]]:
    return [(row[0], row[1]) for row in await room.rows("SELECT trade_id, quantity FROM fills ORDER BY trade_id")]


async def test_fills_that_are_told_in_pieces_and_again_are_booked_once_each(told: Told) -> None:
    room, held = told.room, await told.room.holds(venue("binance", "BTC"))
    one, two, three = trade(1, "0.01"), trade(2, "0.01"), trade(3, "0.02")
    told.say(OrderState.OPEN, "0.02", two)  # the order knows more than the list of trades
    await room.hedge(after=2)
    told.say(OrderState.OPEN, "0.02", two, one)
    await room.hedge(after=4)
    told.say(OrderState.PARTLY_FILLED, "0.04", two, one)  # done, but a trade is not told yet
    await room.hedge(after=6)
    assert await states(room) == ["open"]
    told.say(OrderState.PARTLY_FILLED, "0.04", three, two, one, two)
    await room.hedge(after=8)
    assert (await states(room))[0] == "partly_filled"
    assert await booked(room) == [("t1", Decimal("0.01")), ("t2", Decimal("0.01")), ("t3", Decimal("0.02"))]
    assert held - await room.holds(venue("binance", "BTC")) == 4_000_000
    # Ordered + left = what was to be traded.
    (whole,), (left,) = await room.rows("SELECT base_units FROM orders ORDER BY attempt")
    assert whole - 4_000_000 == left


async def test_more_than_was_ordered_is_booked_as_it_was_traded_and_followed_by_nothing(told: Told) -> None:
    room = told.room
    told.say(OrderState.FILLED, "0.06", trade(1, "0.06"))
    await room.hedge(after=2)
    assert await states(room) == ["filled"]
    position = await room.holds(house("liquidity", "BTC"))
    assert -1_100_000 < position < -900_000  # 0.01 BTC too much is sold: it stands open, and says so
    rows = await room.rows("SELECT id, user_id FROM conversions")
    detail = await history.conversion(room.desk, user_id=rows[0][1], conversion_id=rows[0][0])
    assert (detail.receipt.hedge, detail.receipt.orders[0].filled) == ("done", "0.06")
    execution = detail.receipt.execution
    assert execution is not None
    assert execution.realised is not None
    assert execution.realised.legs[0].carried.amount == "0.00000000"


async def test_a_fill_after_a_cancel_is_booked(told: Told) -> None:
    room = told.room
    told.say(OrderState.OPEN, "0")
    await room.hedge(after=31)  # past the settle window it is cancelled, and read again
    assert await states(room) == ["open"]
    told.say(OrderState.PARTLY_FILLED, "0.03", trade(1, "0.03"))
    await room.hedge(after=33)
    assert (await states(room))[0] == "partly_filled"
    assert await booked(room) == [("t1", Decimal("0.03"))]


async def test_a_fee_in_a_third_asset_is_booked_where_it_was_taken(told: Told) -> None:
    room = told.room
    await room.give(venue("binance", "BNB"), "BNB", "1")
    told.say(OrderState.FILLED, "0.05", trade(1, "0.05", fee="0.004", fee_asset="BNB"))
    await room.hedge(after=2)
    assert await states(room) == ["filled"]
    assert await room.holds(house("cost:venue", "BNB")) == parse_units("0.004", asset("BNB").decimals)
    rows = await room.rows("SELECT id, user_id FROM conversions")
    detail = await history.conversion(room.desk, user_id=rows[0][1], conversion_id=rows[0][0])
    assert detail.fills[0].fee_asset == "BNB"
    execution = detail.receipt.execution
    assert execution is not None
    assert execution.realised is not None
    assert execution.realised.price_after_fees is None
