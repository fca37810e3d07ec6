"""How a set ends when its end is not done in one go: what is half done is gone on with, and nothing is locked for ever."""

import json
import uuid

import pytest

from tests.transactions.chains import raw_of, txid_of
from tests.transactions.test_safety import ready
from tests.transactions.test_sets import payouts, queued, stranger, work
from tests.transactions.world import STRANGER, Killed, World
from tidegate.chains.port import Fate, Sighting
from tidegate.database import utcnow
from tidegate.queue import Lease
from tidegate.signing.messages import Denied
from tidegate.transactions import intervene, settle
from tidegate.treasury import store, underway, watch
from tidegate.treasury.spend import Job
from tidegate.treasury.store import Whole
from tidegate.treasury.tables import Attempt, AttemptSet
from tidegate.treasury.watch import Look


async def test_a_refund_that_a_crash_or_a_hold_put_off_is_made_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, done = await ready(world)
    world.evm.node.reverting.add(STRANGER)
    await world.until(done, "confirming")

    def killed(*_: object, **__: object) -> None:
        raise Killed

    world.evm.mine(20)
    monkeypatch.setattr(settle, "refund_transfers", killed)
    with pytest.raises(Killed):
        await world.until(done, "failed")
    monkeypatch.undo()
    assert await world.rows("SELECT state FROM attempts") == [("reverted",)]
    await intervene.hold(world.office, done, reason="looking", by="operator", now=utcnow())
    await world.soon(leases=True)
    await world.turn()
    assert await world.standing(done) == ("confirming", "hold")
    await intervene.release(world.office, done, reason="fine", by="operator", now=utcnow())
    await world.until(done, "failed")
    assert await world.available(who.id, "USDT") == (99_000_000, 0)
    assert await world.rows("SELECT outcome FROM attempt_sets") == [("reverted",)]
    await world.exact()


async def test_what_reverted_and_left_the_chain_is_never_sent_again(world: World) -> None:
    _, done = await ready(world)
    world.evm.node.reverting.add(STRANGER)
    await world.until(done, "confirming")
    world.evm.mine(30)
    await intervene.hold(world.office, done, reason="looking", by="operator", now=utcnow())
    await world.turn()
    assert await world.rows("SELECT state FROM attempts") == [("reverted",)]
    sent = len(world.evm.node.submissions)
    block = world.evm.node.block_of(await world.one("SELECT txid FROM attempts"))
    assert block is not None
    world.evm.reorg(world.evm.node.height - block.height + 1)
    await world.turn()
    assert len(world.evm.node.submissions) == sent
    assert (await world.standing(done))[0] == "confirming"


async def test_what_is_final_and_held_takes_no_place_among_those_that_wait_for_a_block(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "confirming")
    await intervene.hold(world.office, done, reason="looking", by="operator", now=utcnow())
    for _ in range(3):
        await world.turn(mine=3)
    assert await world.rows("SELECT state FROM attempts") == [("final",)]
    assert await world.one("SELECT count(*) FROM attempt_sets WHERE ended_at IS NULL") == 1
    async with world.db.reading() as session:
        assert await store.unmined(session, "ethereum", world.evm.hot_address) == 0


async def test_a_stopped_payout_that_nobody_was_asked_to_sign_gives_its_nonce_to_the_next(world: World) -> None:
    _, first = await ready(world)
    await world.until(first, "signing")
    await intervene.hold(world.office, first, reason="looking", by="operator", now=utcnow())
    await world.turn()
    assert await world.standing(first) == ("queued", "hold")
    assert world.signer.asked == 0
    _, second = await ready(world)
    await world.until(second, "completed")
    await intervene.release(world.office, first, reason="fine", by="operator", now=utcnow())
    await world.until(first, "completed")
    assert await world.rows("SELECT nonce, outcome FROM attempt_sets ORDER BY created_at") == [
        (0, "dropped"),
        (0, "final"),
        (1, "final"),
    ]
    await world.exact()


async def test_a_stopped_payout_of_which_the_signer_knows_more_keeps_its_nonce(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "signing")
    world.signer.answer = Denied("second_transaction", "this payout has other bytes", signed=True)
    await world.turn()
    await intervene.hold(world.office, done, reason="looking", by="operator", now=utcnow())
    await world.turn()
    assert await world.standing(done) == ("signing", "hold")


async def test_an_ended_set_promises_no_gas_whatever_its_members_say(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "confirming")

    async def promised() -> int:
        async with world.db.reading() as session:
            return await underway.committed_gas(session, "ethereum")

    assert await promised() == world.evm.gas * world.evm.price
    await world.by_force("UPDATE attempt_sets SET stage = 'ended', ended_at = now(), outcome = 'final'")
    assert await promised() == 0


async def with_child(world: World, state: str) -> tuple[uuid.UUID, bytes]:
    """A sent payment, and a child that spends its change to pay for both; the child's bytes."""
    (done,) = await payouts(world, [stranger(1)])
    await queued(world)
    await work(world, 3)
    assert await world.standing(done) == ("confirming", None)
    (parent,) = world.bitcoin.node.mempool
    units = world.bitcoin.node.known[parent]["change"]
    raw = raw_of({"inputs": [[parent, 1]], "outputs": [], "change": units - 500, "fee": 500, "rate": 5})
    signed = state != "built"
    await world.sql(
        "INSERT INTO attempts (id, set_id, network, state, parent, plan, raw, txid, fee_units, confirmations, created_at)"
        " SELECT :id, set_id, network, CAST(:state AS text), id, CAST(:plan AS jsonb), :raw, :txid, 500, 0, now()"
        " FROM attempts",
        id=uuid.uuid4(),
        state=state,
        plan=json.dumps({"inputs": [[parent, 1]]}),
        raw=raw if signed else None,
        txid=txid_of(raw) if signed else None,
    )
    return done, raw


async def test_a_child_that_nobody_signed_ends_with_the_block_of_its_parent(world: World) -> None:
    done, _ = await with_child(world, "built")
    world.bitcoin.mine(3)
    await work(world, 3)
    assert await world.standing(done) == ("completed", None)
    assert await world.rows("SELECT state FROM attempts ORDER BY created_at") == [("final",), ("dropped",)]
    assert await world.rows("SELECT outcome FROM attempt_sets") == [("final",)]
    await world.exact()


async def test_a_signed_child_that_no_node_has_is_sent_when_its_parent_is_in_a_block(world: World) -> None:
    done, raw = await with_child(world, "signed")
    world.bitcoin.mine(3)
    await work(world, 2)
    assert world.bitcoin.node.mempool == [txid_of(raw)]
    await work(world, 4, mine=1)
    assert await world.standing(done) == ("completed", None)
    assert await world.rows("SELECT state FROM attempts ORDER BY created_at") == [("final",), ("final",)]
    assert await world.rows("SELECT outcome FROM attempt_sets") == [("final",)]
    await world.exact()


def test_a_dearer_child_that_was_only_built_ends_with_the_one_before_it() -> None:
    """It is given up and not replaced: it has no bytes that anything could replace."""
    child, other = Attempt(id=uuid.uuid4(), parent=uuid.uuid4(), state="mined"), Attempt(id=uuid.uuid4(), state="built")
    other.parent = child.parent
    job = Job(Whole(AttemptSet(), (child, other), ()), Lease(uuid.uuid4(), 1, utcnow()))
    states = [
        one.values["state"]
        for one in watch.child_riders(job, Look(child, Sighting(Fate.MINED)))
        if "state" in one.values
    ]
    assert states == ["final", "dropped"]
