"""A worker that goes ahead: what it reserves it signs and sends at once, and nothing is lost when it dies on the way."""

import asyncio
import uuid

import pytest

from tests.transactions.test_pipeline import paid_once, ready
from tests.transactions.world import Killed, World
from tidegate import failpoints
from tidegate.compliance import pause
from tidegate.signing.messages import Answer, Denied
from tidegate.transactions import payouts


async def queued(world: World, withdrawal_id: uuid.UUID) -> None:
    await world.until(withdrawal_id, "queued")
    await world.soon()


async def ahead(world: World) -> int:
    return await payouts.prepare_step(world.office, world.spender, ahead=True)


async def test_what_is_reserved_is_signed_and_sent_by_the_same_step(world: World) -> None:
    _, done = await ready(world)
    await queued(world, done)
    assert await ahead(world) == 1
    assert await world.standing(done) == ("confirming", None)
    assert len(world.evm.node.submissions) == 1
    assert await world.rows("SELECT stage, lease_until, fence FROM attempt_sets") == [("confirming", None, 1)]
    await paid_once(world, done)


async def test_a_bitcoin_payout_goes_ahead_as_well(world: World) -> None:
    await world.stock(BTC=100_000_000)
    who = await world.someone(BTC=100_000_000)
    done = await world.verified(who, "BTC")
    await queued(world, done)
    assert await ahead(world) == 1
    assert await world.standing(done) == ("confirming", None)
    await world.until(done, "completed")
    await world.exact()


async def test_every_move_on_the_way_is_told(world: World) -> None:
    _, done = await ready(world)
    await queued(world, done)
    await ahead(world)
    states = [row[0] for row in await world.rows("SELECT state FROM withdrawal_events ORDER BY version")]
    assert states[-4:] == ["queued", "signing", "broadcasting", "confirming"]


@pytest.mark.parametrize("point", ["P12.store:before", "P12.store:after", "P13.send:after"])
async def test_a_worker_killed_on_the_way_leaves_the_set_to_another_one(
    world: World, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, done = await ready(world)
    await queued(world, done)

    def reach(name: str) -> None:
        if name == point:
            raise Killed

    monkeypatch.setattr(failpoints, "reach", reach)
    with pytest.raises(Killed):
        await ahead(world)
    monkeypatch.undo()
    await world.soon()
    assert await payouts.sign_step(world.office, world.spender) == 0, "what was handed on is not free before its time"
    assert await payouts.broadcast_step(world.office, world.spender) == 0
    left = await world.one("SELECT extract(epoch FROM lease_until - now())::float8 FROM attempt_sets")
    assert left <= 10, "and is soon"
    await world.soon(leases=True)
    await paid_once(world, done)


async def test_a_denial_on_the_way_goes_to_a_person_and_signs_nothing(world: World) -> None:
    _, done = await ready(world)
    await queued(world, done)
    world.signer.answer = Denied("above_cap", "a payout is above the largest payout")
    await ahead(world)
    assert await world.standing(done) == ("queued", "needs_operator")
    assert world.evm.node.submissions == []


async def test_what_is_stopped_while_the_signer_takes_its_time_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, done = await ready(world)
    await queued(world, done)
    monkeypatch.setattr(payouts, "_MOMENT", 0.0)

    async def slow(*args: object, **kwargs: object) -> Answer:
        await pause.pause(world.db, asset="USDT", by="an operator", reason="Something is wrong.")
        return await type(world.signer).sign_evm(world.signer, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(world.signer, "sign_evm", slow)
    await ahead(world)
    assert await world.standing(done) == ("broadcasting", "frozen")
    assert world.evm.node.submissions == []


async def test_many_are_left_to_the_next_steps_which_work_beside_this_one(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=900_000_000)
    many = [await world.verified(who) for _ in range(9)]
    for one in many:
        await world.until(one, "queued")
    await world.soon()
    await ahead(world)
    states = {(await world.standing(one))[0] for one in many}
    assert states == {"signing"}
    assert world.signer.asked == 0


async def test_two_workers_that_both_go_ahead_make_one_payment(world: World) -> None:
    _, done = await ready(world)
    await queued(world, done)
    await asyncio.gather(*(ahead(world) for _ in range(3)))
    assert world.signer.asked == 1
    await paid_once(world, done)
