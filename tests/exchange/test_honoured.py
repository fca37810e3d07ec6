"""What is quoted can be honoured: nothing is promised twice, and who has no money cannot use up what others need."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.exchange.conftest import GOOD_ADDRESS, Room
from tests.exchange.test_converting import accepted_withdrawal, refused, units
from tidegate.database import utcnow
from tidegate.exchange import accept, pipeline, positions
from tidegate.ledger.rules import Posting, Transfer, house
from tidegate.money import format_units
from tidegate.refusal import Kind, Refusal

BTC_TO_USDT = {"from_asset": "BTC", "to_asset": "USDT"}


def capped(room: Room, **caps: str) -> Room:
    quotes = room.desk.settings.quotes.model_copy(update=caps)
    return replace(room, desk=replace(room.desk, settings=room.desk.settings.model_copy(update={"quotes": quotes})))


async def exposures(room: Room) -> dict[str, int]:
    rows = await room.rows("SELECT scope, usd_units FROM exposures WHERE scope IN ('house', 'uncovered', 'positions')")
    return {row[0]: int(row[1]) for row in rows}


async def promises(room: Room) -> dict[tuple[str, str], int]:
    return {(row[0], row[1]): int(row[2]) for row in await room.rows("SELECT asset, network, units FROM promises")}


async def own(room: Room, code: str) -> int:
    return int((await room.rows("SELECT ledger_own(:code)", code=code))[0][0])


async def leave(room: Room, code: str, amount: int) -> None:
    """The house keeps so many units of an asset for itself; the rest of its capital goes back to the operator."""
    away = await own(room, code) - amount
    move = Transfer(house("capital", code), house("suspense", code), away, "test")
    assert (await room.desk.lane.submit(Posting(f"test:{uuid.uuid4()}", (move,), "test", uuid.uuid4()))).posted


async def together(*work: Any) -> tuple[list[Any], list[Refusal]]:
    found = await asyncio.gather(*work, return_exceptions=True)
    assert all(isinstance(one, dict | Refusal) for one in found), found
    return [one for one in found if isinstance(one, dict)], [one for one in found if isinstance(one, Refusal)]


async def test_accounts_without_money_leave_the_cap_to_those_who_have(room: Room) -> None:
    room = capped(room, max_exposure_usd="100000", max_uncovered_exposure_usd="30000")
    poor = [await room.user() for _ in range(8)]
    shown, told = await together(*(room.quote(user, **BTC_TO_USDT, amount="0.2") for user in poor))
    assert (len(shown), len(told)) == (2, 6)  # about 12,800 dollars each
    assert {one.kind for one in told} == {Kind.LIMIT_EXCEEDED}
    rich = [await room.user(BTC="0.4") for _ in range(5)]
    shown, told = await together(*(room.quote(user, **BTC_TO_USDT, amount="0.2") for user in rich))
    assert (len(shown), told) == (5, [])
    found = await exposures(room)
    assert found["uncovered"] < 30_000 * 10**6 < 85_000 * 10**6 < found["house"] < 100_000 * 10**6
    assert await pipeline.expire_quotes(room.desk, utcnow() + timedelta(seconds=16)) == 7
    assert set((await exposures(room)).values()) == {0}
    assert set((await promises(room)).values()) == {0}


async def test_what_an_account_can_pay_only_once_counts_as_covered_once(room: Room) -> None:
    user = await room.user(BTC="0.2")
    first, second = [await room.quote(user, **BTC_TO_USDT, amount="0.2") for _ in range(2)]
    rows = await room.rows("SELECT id::text, uncovered_usd_units, reserved_usd_units FROM quotes ORDER BY id")
    by_id = {row[0]: (row[1], row[2]) for row in rows}
    assert by_id[first["id"]][0] == 0
    assert by_id[second["id"]][0] == by_id[second["id"]][1] > 0
    # The uncovered one is as firm: it may be the one that is accepted.
    await room.convert(user, second["id"])
    found = await exposures(room)
    assert found["uncovered"] == 0
    assert found["house"] == by_id[first["id"]][1]


async def test_two_firm_prices_never_promise_the_same_inventory(room: Room) -> None:
    users = [await room.user(BTC="1") for _ in range(6)]
    await leave(room, "USDT", 30_000 * 10**6)
    shown, told = await together(*(room.quote(user, **BTC_TO_USDT, amount="0.15") for user in users))
    assert (len(shown), len(told)) == (3, 3)  # about 9,500 dollars each
    promised = sum(units(one["deliver"]) for one in shown)
    assert await promises(room) == {("USDT", ""): promised}
    assert {one.kind for one in told} == {Kind.LIMIT_EXCEEDED}
    assert {one.fields["limit"] for one in told} == {format_units(30_000 * 10**6 - promised, 6)}
    # Accepted, it is taken: nothing becomes free by it.
    for one in shown:
        owner = (await room.rows("SELECT user_id FROM quotes WHERE id = :id", id=uuid.UUID(one["id"])))[0][0]
        await room.convert(owner, one["id"])
    assert await promises(room) == {("USDT", ""): 0}
    assert await own(room, "USDT") == 30_000 * 10**6 - promised
    late = await refused(Kind.LIMIT_EXCEEDED, room.quote(users[0], **BTC_TO_USDT, amount="0.15"))
    assert late.fields["limit"] == format_units(30_000 * 10**6 - promised, 6)
    # The hedge brings it back.
    while await room.hedge():
        pass
    await room.quote(users[0], **BTC_TO_USDT, amount="0.15")


async def test_quotes_and_conversions_that_race_for_the_inventory_never_take_more_than_there_is(room: Room) -> None:
    users = [await room.user(BTC="1") for _ in range(10)]
    shown = [await room.quote(user, **BTC_TO_USDT, amount="0.05") for user in users[:5]]
    await leave(room, "USDT", 20_000 * 10**6)
    await together(
        *(room.convert(user, one["id"]) for user, one in zip(users, shown, strict=False)),
        *(room.quote(user, **BTC_TO_USDT, amount="0.05") for user in users[5:]),
    )
    left = await own(room, "USDT") - (await promises(room))["USDT", ""]
    assert 0 <= left < 3_300 * 10**6


async def test_expiry_gives_the_inventory_back(room: Room) -> None:
    user = await room.user(BTC="1")
    await leave(room, "USDT", 10_000 * 10**6)
    await room.quote(user, **BTC_TO_USDT, amount="0.15")
    await refused(Kind.LIMIT_EXCEEDED, room.quote(user, **BTC_TO_USDT, amount="0.15"))
    assert await pipeline.expire_quotes(room.desk, utcnow() + timedelta(seconds=16)) == 1
    await room.quote(user, **BTC_TO_USDT, amount="0.15")


async def test_what_can_leave_a_network_is_promised_once(room: Room) -> None:
    user = await room.user(BTC="1", USDT="100")  # what can be paid out there: 100
    asked = {
        "kind": "withdrawal",
        **BTC_TO_USDT,
        "network": "ethereum",
        "side": "exact_out",
        "amount": "40",
        "address": GOOD_ADDRESS,
    }
    shown, told = await together(*(room.quote(user, **asked) for _ in range(4)))
    assert (len(shown), len(told)) == (2, 2)
    assert {(one.kind, one.fields["limit"]) for one in told} == {(Kind.LIMIT_EXCEEDED, "20.000000")}
    assert await promises(room) == {("USDT", ""): 80_000_000, ("USDT", "ethereum"): 80_000_000}
    assert await pipeline.expire_quotes(room.desk, utcnow() + timedelta(minutes=2)) == 2
    assert set((await promises(room)).values()) == {0}


async def test_an_unverified_withdrawal_keeps_its_promise_until_it_ends(room: Room) -> None:
    user, withdrawal_id = await room.user(BTC="1", USDT="1000"), uuid.uuid4()
    offer = await accepted_withdrawal(room, user, withdrawal_id)
    assert await promises(room) == {("USDT", ""): 25_000_000, ("USDT", "ethereum"): 25_000_000}
    assert (await room.desk.lane.write(accept.release_riders(offer))).posted
    assert (await room.desk.lane.write(accept.release_riders(offer))).rider == "reservation"
    assert set((await promises(room)).values()) == {0}


async def test_positions_that_stand_open_count_against_the_cap_of_new_prices(room: Room) -> None:
    room = capped(room, max_exposure_usd="20000", max_uncovered_exposure_usd="20000")
    user = await room.user(BTC="1")
    shown = await room.quote(user, **BTC_TO_USDT, amount="0.2")
    await room.convert(user, shown["id"])
    await positions.watch(room.desk, utcnow())
    assert 12_000 * 10**6 < (await exposures(room))["positions"] < 14_000 * 10**6
    await refused(Kind.LIMIT_EXCEEDED, room.quote(user, **BTC_TO_USDT, amount="0.2"))
    await room.hedge()
    await positions.watch(room.desk, utcnow())
    await room.quote(user, **BTC_TO_USDT, amount="0.2")


async def test_the_house_owns_what_its_own_side_of_the_books_says(room: Room) -> None:
    """Assets less what is owed to customers and what nobody was found for, whatever was converted and hedged."""
    user = await room.user(BTC="1", ETH="2", USDT="900", USDC="50")
    for source, target, amount in (("BTC", "USDT", "0.05"), ("ETH", "BTC", "0.7"), ("USDT", "USDC", "300")):
        await room.convert(user, (await room.quote(user, from_asset=source, to_asset=target, amount=amount))["id"])
    for hedged in (False, True):
        for code in ("BTC", "ETH", "USDT", "USDC"):
            rows = await room.rows(
                "SELECT coalesce(sum(CASE WHEN name IN ('available', 'held', 'suspense') THEN -balance WHEN name = 'venue' "
                "OR name = 'in_transit' OR name LIKE 'wallet:%' THEN balance ELSE 0 END), 0) "
                "FROM ledger_accounts WHERE asset = :code",
                code=code,
            )
            assert await own(room, code) == rows[0][0], (code, hedged)
        await room.hedge()


ATTACKS = (
    ("UPDATE quotes SET execution = '{}'", "receipt of a decision"),
    ("UPDATE quotes SET execution = NULL", "receipt of a decision"),
    ("UPDATE quotes SET execution = '{}', state = 'expired'", "receipt of a decision"),
    ("UPDATE quotes SET promised_units = deliver_units + 1", "reserved_sane"),
    ("UPDATE quotes SET uncovered_usd_units = reserved_usd_units + 1", "reserved_sane"),
    ("UPDATE promises SET units = -1", "units_not_negative"),
    ("UPDATE exposures SET usd_units = -1", "usd_units_not_negative"),
)


async def test_the_database_keeps_receipts_and_reservations(room: Room) -> None:
    await room.quote(await room.user(), **BTC_TO_USDT, amount="0.05")
    for attack, told in ATTACKS:
        with pytest.raises(DBAPIError, match=told):
            async with room.desk.db.transaction() as session:
                await session.execute(text(attack))


async def test_what_nobody_accepted_keeps_no_receipt(room: Room) -> None:
    user = await room.user(BTC="1")
    kept = await room.quote(user, **BTC_TO_USDT, amount="0.05")
    await room.quote(user, **BTC_TO_USDT, amount="0.06")
    rows = await room.rows("SELECT length(execution) FROM quotes")
    assert all(300 < row[0] < 4_000 for row in rows), rows
    await room.convert(user, kept["id"])
    await pipeline.expire_quotes(room.desk, utcnow() + timedelta(seconds=16))
    rows = await room.rows("SELECT state, execution IS NOT NULL FROM quotes ORDER BY state")
    assert [tuple(row) for row in rows] == [("accepted", True), ("expired", False)]
