"""A worker that slept past its lease and wakes where it fell asleep writes nothing, wherever that was (security.md 22).

Of every step of a set: an old holder does what it was about to do, with what it knew, and every row is as it was before.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.transactions.world import World
from tidegate.database import utcnow
from tidegate.queue import Lease
from tidegate.transactions import payouts, settle, store, together
from tidegate.transactions.rules import State, SubStatus
from tidegate.treasury import bump, spend, watch
from tidegate.treasury.rules import Purpose, Stage
from tidegate.treasury.spend import Job, Step, Told

ROWS = (
    "SELECT to_jsonb(t)::text FROM attempt_sets t UNION ALL SELECT to_jsonb(t)::text FROM attempts t UNION ALL"
    " SELECT to_jsonb(t)::text FROM set_payouts t UNION ALL SELECT to_jsonb(t)::text FROM withdrawals t UNION ALL"
    " SELECT to_jsonb(t)::text FROM withdrawal_events t UNION ALL SELECT to_jsonb(t)::text FROM reserved_inputs t"
    " UNION ALL SELECT to_jsonb(t)::text FROM ledger_transfers t ORDER BY 1"
)


async def payout_at(world: World, stage: str, code: str = "USDT") -> uuid.UUID:
    await world.stock(USDT=100_000_000, ETH=10**18, BTC=10**8)
    who = await world.someone()
    await world.give(who.id, code, 10**8)
    payout = await world.verified(who, code)
    await world.until(payout, stage)
    return payout


async def claimed(world: World, stage: Stage) -> Job:
    await world.soon(leases=True)
    (job,) = await spend.claim(world.db, [Purpose.PAYOUT], stage)
    return job


async def overtaken(world: World, stage: Stage) -> Job:
    """The job of one whose lease ran out, and which somebody else has claimed since."""
    old = await claimed(world, stage)
    new = await claimed(world, stage)
    assert new.lease.fence == old.lease.fence + 1
    return old


Act = Callable[[World, Job], Awaitable[Any]]


async def nothing_changes(world: World, job: Job, act: Act) -> None:
    before = await world.rows(ROWS)
    await act(world, job)
    after = await world.rows(ROWS)
    assert after == before


async def signs(world: World, job: Job) -> None:
    await payouts._sign(world.office, world.spender, job, ahead=True)
    assert world.evm.node.submissions == []


async def sends(world: World, job: Job) -> None:
    await payouts._broadcast(world.office, world.spender, job)


async def confirms(world: World, job: Job) -> None:
    rows, _ = await together.look(world.office, job.payouts)
    await payouts._confirm(world.office, world.spender, job, rows, {})


async def says_why(world: World, job: Job) -> None:
    rows, _ = await together.look(world.office, job.payouts)
    await together.wait(world.office, job, rows, Told(Step.NO_NODE, "it is away"))


async def makes_dearer(world: World, job: Job) -> None:
    rows, _ = await together.look(world.office, job.payouts)
    world.evm.price *= 3
    await bump._build(world.spender, job, together.authorised(rows), world.evm.price, utcnow())


async def test_it_has_nothing_signed_and_stores_nothing(world: World) -> None:
    await payout_at(world, "signing")
    job = await overtaken(world, Stage.SIGNING)
    await nothing_changes(world, job, signs)
    assert world.signer.asked == 0


async def test_what_it_had_signed_when_it_fell_asleep_is_not_stored_by_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = await payout_at(world, "signing")
    job = await claimed(world, Stage.SIGNING)
    sign, before = world.signer.sign_evm, []

    async def sleep_after(*of: Any, **more: Any) -> Any:
        answer = await sign(*of, **more)
        await claimed(world, Stage.SIGNING)
        before.extend(await world.rows(ROWS))
        return answer

    monkeypatch.setattr(world.signer, "sign_evm", sleep_after)
    await signs(world, job)
    assert await world.rows(ROWS) == before
    monkeypatch.setattr(world.signer, "sign_evm", sign)
    await world.soon(leases=True)
    await world.until(payout, "completed")
    assert len(world.signer.journal[str(payout)]) == 1


@pytest.mark.parametrize("answer", ["taken", "lost", "refused"])
async def test_what_it_sends_again_it_records_nothing_of(world: World, answer: str) -> None:
    """The same bytes: sending them twice is harmless, and the one who holds the lease says what became of them."""
    payout = await payout_at(world, "broadcasting")
    job = await overtaken(world, Stage.BROADCASTING)
    world.evm.node.answers_lost = answer == "lost"
    world.evm.node.refusal = "never" if answer == "refused" else None
    await nothing_changes(world, job, sends)
    world.evm.node.refusal = None
    await world.soon(leases=True)
    await world.until(payout, "completed")
    assert len(world.signer.journal[str(payout)]) == 1


@pytest.mark.parametrize("blocks", [0, 1, 3])
async def test_what_it_sees_of_a_payout_it_does_not_write_down(world: World, blocks: int) -> None:
    payout = await payout_at(world, "confirming")
    job = await overtaken(world, Stage.CONFIRMING)
    world.evm.mine(blocks)
    await nothing_changes(world, job, confirms)
    await world.soon(leases=True)
    await world.until(payout, "completed")
    await world.exact()


@pytest.mark.parametrize("act", [says_why, makes_dearer])
async def test_it_neither_says_what_a_payout_waits_for_nor_makes_it_dearer(world: World, act: Act) -> None:
    await payout_at(world, "confirming")
    await nothing_changes(world, await overtaken(world, Stage.CONFIRMING), act)


async def test_a_settlement_that_was_begun_before_another_took_over_is_not_posted(world: World) -> None:
    payout = await payout_at(world, "confirming")
    world.evm.mine(3)
    job = await overtaken(world, Stage.CONFIRMING)
    seen = await watch.look(world.spender, await claimed(world, Stage.CONFIRMING), now=utcnow())
    assert seen.step is Step.DONE
    rows, _ = await together.look(world.office, job.payouts)

    async def settles(world: World, job: Job) -> None:
        await settle.settle(world.office, world.spender, job, rows, seen)

    await nothing_changes(world, job, settles)
    await world.soon(leases=True)
    await world.until(payout, "completed")
    await world.exact()


async def test_whoever_lost_a_queued_withdrawal_moves_it_nowhere(world: World) -> None:
    """Before there is a set the withdrawal itself is leased."""
    payout = await payout_at(world, "queued")

    async def claim() -> Lease:
        await world.soon(leases=True)
        async with world.db.transaction() as session:
            (lease,) = await store.claim_queued(session, "ethereum", None, fresh=True, now=utcnow(), limit=1)
        return lease

    await claim()
    rows, _ = await together.look(world.office, [payout])
    await claim()
    before = await world.rows(ROWS)
    await together.say(world.office, rows, SubStatus.AWAITING_LIQUIDITY, None)
    made = await payouts._reserve(world.office, world.spender, "ethereum", rows, {}, ahead=True)
    assert made == [] and await world.rows(ROWS) == before
    assert await world.standing(payout) == (State.QUEUED.value, None)
