"""How a set ends when its end is not done in one go: what is half done is gone on with, and nothing is locked for ever."""

import pytest

from tests.transactions.test_safety import ready
from tests.transactions.world import STRANGER, Killed, World
from tidegate.database import utcnow
from tidegate.transactions import intervene, settle


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
