"""The operator's way out: hold, release, reject; and what the operator's list shows."""

import uuid

import pytest

from tests.transactions.test_request import refused
from tests.transactions.world import World
from tidegate.database import utcnow
from tidegate.refusal import Kind
from tidegate.transactions import history, intervene


async def act(world: World, action: str, withdrawal_id: uuid.UUID) -> None:
    await intervene.ACTIONS[action](world.office, withdrawal_id, reason="a look", by="olga", now=utcnow())


async def ready(world: World) -> uuid.UUID:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    return await world.verified(await world.someone(USDT=26_000_000))


async def test_held_it_stands_still_where_it_is_until_it_is_released(world: World) -> None:
    done = await ready(world)
    for state in ("pending_screening", "queued", "signing", "broadcasting", "confirming"):
        await world.until(done, state)
        await act(world, "hold", done)
        for _ in range(4):
            await world.turn(mine=1)
        # A nonce that nobody was asked to sign for is given to the next one.
        stands, last = ("queued", "tidegate") if state == "signing" else (state, "olga")
        assert await world.standing(done) == (stands, "hold")
        ((by, detail),) = await world.rows("SELECT by, detail FROM withdrawal_events ORDER BY version DESC LIMIT 1")
        assert (by, detail) == (last, "a look")
        await act(world, "release", done)
        assert await world.standing(done) == (stands, None)
    await world.until(done, "completed")
    assert len(world.evm.node.paid) == 1
    await world.exact()


async def test_held_before_it_was_confirmed_it_says_so_after_the_code_too(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=26_000_000)
    asked = await world.asked(who)
    await act(world, "hold", asked)
    await world.verify(who, asked)
    assert await world.standing(asked) == ("pending_screening", "hold")
    shown = await history.withdrawal(world.office, user_id=who.id, withdrawal_id=asked)
    assert shown.waiting_for == "operator"
    assert shown.events[-1].sub_status == "hold"
    await act(world, "release", asked)
    await world.until(asked, "completed")


@pytest.mark.parametrize(("state", "ends"), [("pending_verification", "cancelled"), ("queued", "rejected")])
async def test_rejected_it_ends_and_the_money_is_back(world: World, state: str, ends: str) -> None:
    who = await world.someone(USDT=26_000_000)
    done = await (world.asked(who) if state == "pending_verification" else world.verified(who))
    while (await world.standing(done))[0] != state:
        await world.turn()
    await act(world, "reject", done)
    assert await world.standing(done) == (ends, None)
    assert await world.available(who.id, "USDT") == (26_000_000, 0)
    await world.exact()


async def test_what_may_be_on_its_way_cannot_be_rejected(world: World) -> None:
    done = await ready(world)
    for state in ("signing", "broadcasting", "confirming"):
        await world.until(done, state)
        await refused(Kind.CANNOT_CANCEL, act(world, "reject", done))
    await world.until(done, "completed")


async def test_there_is_nothing_to_do_about_what_has_ended_or_never_was(world: World) -> None:
    who = await world.someone(USDT=26_000_000)
    done = await world.asked(who)
    await world.cancel(who, done)
    for action in intervene.ACTIONS:
        await refused(Kind.CONFLICT, act(world, action, done))
        await refused(Kind.NOT_FOUND, act(world, action, uuid.uuid4()))


async def test_the_operators_list_shows_everybodys_newest_first_with_what_each_waits_for(world: World) -> None:
    first, second = [await world.asked(await world.someone(USDT=26_000_000)) for _ in range(2)]
    await act(world, "hold", first)
    async with world.db.reading() as session:
        lines = await intervene.withdrawals(session, states=[], limit=10)
        none = await intervene.withdrawals(session, states=["completed"], limit=10)
    assert [(line.id, line.waits) for line in lines] == [(second, ""), (first, "hold")]
    assert str(lines[0].deliver) == "25.000000 USDT"
    assert none == []
