"""The crash table of exactly-once payouts (chains.md section 4) on a real bitcoind, signer and worker, row by row.

At the end of each row every recipient holds exactly what was asked, once, and the books are exact to the satoshi.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import text

from tests.chains.conftest import House
from tests.chains.spending import RealWorld
from tests.chains.table import Table, rival, table
from tests.chains.waiting import until
from tidegate import treasurer
from tidegate.chains.bitcoin.build import inputs_of
from tidegate.chains.port import FeeRates, SubmitOutcome, Submitted
from tidegate.compliance import pause
from tidegate.database import utcnow
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Answer, Authorisation, Failed, Fence, Intent, SignedLately
from tidegate.transactions import compare, intervene, payouts
from tidegate.treasury.keep import keep

UNITS = 50_000
DEPTHS = [1, pytest.param(2, marks=pytest.mark.slow), 3, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 5))]
"""To three blocks beyond the confirmations of this network."""


@pytest.fixture(scope="module")
async def desk(
    house: House, admin_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Table]:
    async with table(house, admin_url, template, tmp_path_factory.mktemp("table")) as made:
        # Each test has coins of its own to choose from.
        await made.world.coins(16, 2_000_000)
        await made.world.block("bitcoin", 6)  # what funded the house is out of a reorg's reach
        yield made


@pytest.fixture
def world(desk: Table) -> RealWorld:
    return desk.world


async def paying(world: RealWorld, count: int = 2) -> tuple[list[uuid.UUID], list[str]]:
    to = await world.strangers(count)
    return await world.payouts("BTC", to, UNITS, network_fee_max_units=100_000), to


async def in_mempool(world: RealWorld, txid: str) -> bool:
    return txid in await world.house.bitcoin_node.rpc.call("getrawmempool")


async def journal(world: RealWorld) -> list[str]:
    """The txids that the signer's journal holds, oldest first."""
    told = await world.house.door.signed_lately()
    assert isinstance(told, SignedLately)
    return [one.txid for one in told.transactions]


def rates(world: RealWorld, monkeypatch: pytest.MonkeyPatch, rate: int) -> None:
    async def fee_rates() -> FeeRates:
        return FeeRates(rate, rate, rate)

    monkeypatch.setattr(world.house.bitcoin, "fee_rates", fee_rates)
    world.spender.fees._known.clear()


async def bumped(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> tuple[list[uuid.UUID], list[str]]:
    """Payouts whose first transaction waited too long: a dearer one of ours has taken its place."""
    rates(world, monkeypatch, 2)
    done, to = await paying(world)
    await world.work()
    await world.long_ago()
    rates(world, monkeypatch, 30)
    await world.work(4)
    assert await world.stand(done) == [("confirming", "replaced")]
    return done, to


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_before_the_commit_of_signed_nothing_was_sent_and_the_same_coins_are_signed_for(desk: Table) -> None:
    world = desk.world
    done, to = await paying(world)
    known = await journal(world)
    await desk.worker.killed_at("P10.ask:before", world)
    ((state, txid, _, _),) = await world.attempts(done[0])
    assert (state, txid) == ("built", None)
    assert await journal(world) == known
    await desk.finish(done, "bitcoin")
    assert len(await journal(world)) == len(known) + 1
    await world.once(done, to, UNITS)


@pytest.mark.slow
async def test_the_signer_answered_and_the_row_was_not_committed_it_is_signed_anew_with_the_same_coins(
    desk: Table,
) -> None:
    world = desk.world
    done, to = await paying(world)
    await desk.worker.killed_at("P12.store:before", world)
    ((state, txid, _, _),) = await world.attempts(done[0])
    assert (state, txid) == ("built", None)
    signed = (await journal(world))[-1]
    assert not await in_mempool(world, signed)
    await desk.finish(done, "bitcoin")
    assert [one.txid for one in await world.attempts(done[0])] == [signed] == (await journal(world))[-1:]
    await world.once(done, to, UNITS)


@pytest.mark.slow
async def test_committed_and_not_sent_the_stored_bytes_are_sent(desk: Table) -> None:
    world = desk.world
    done, to = await paying(world)
    await desk.worker.killed_at("P12.store:after", world)
    ((state, txid, raw, _),) = await world.attempts(done[0])
    assert state == "signed" and not await in_mempool(world, txid)
    await desk.finish(done, "bitcoin")
    ((_, again, same, _),) = await world.attempts(done[0])
    assert (again, same) == (txid, raw)
    await world.once(done, to, UNITS)


@pytest.mark.slow
async def test_sent_and_the_answer_lost_the_stored_bytes_are_sent_again(desk: Table) -> None:
    world = desk.world
    done, to = await paying(world)
    await desk.worker.killed_at("P13.send:after", world)
    ((state, txid, _, _),) = await world.attempts(done[0])
    assert state == "signed" and await in_mempool(world, txid)
    await desk.finish(done, "bitcoin")
    assert [one.txid for one in await world.attempts(done[0])] == [txid]
    await world.once(done, to, UNITS)


@pytest.mark.parametrize("depth", DEPTHS)
async def test_seen_and_then_reorged_out_it_is_kept_and_sent_until_it_is_final(world: RealWorld, depth: int) -> None:
    done, to = await paying(world)
    await world.work()
    for _ in range(depth):
        await world.block("bitcoin")
        await world.turn()
    settled = depth >= world.house.bitcoin.confirmations
    assert await world.stand(done) == [("completed" if settled else "confirming", None)]
    node = world.house.bitcoin_node
    height = await node.rpc.call("getblockcount")
    await node.rpc.call("invalidateblock", await node.rpc.call("getblockhash", height - depth + 1))
    for _ in range(depth + 1):  # the longer branch is without it
        await node.rpc.call("generateblock", await node.faucet("getnewaddress"), [])
    await world.turn()
    await keep(world.spender, world.lane)
    assert await world.stand(done) == [("completed", None) if settled else ("confirming", "reorged")]
    ((_, txid, _, _),) = await world.attempts(done[0])
    assert await in_mempool(world, txid)
    await world.exact()
    await world.mined("bitcoin")
    assert [one.txid for one in await world.attempts(done[0])] == [txid]
    await world.once(done, to, UNITS)


async def test_replaced_by_our_own_bump_and_then_the_old_one_confirms_the_old_one_is_the_winner(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, to = await bumped(world, monkeypatch)
    old, new = await world.attempts(done[0])
    node = world.house.bitcoin_node
    await node.rpc.call("generateblock", await node.faucet("getnewaddress"), [old.raw.hex()])
    await world.turn()
    await world.exact()
    await world.mined("bitcoin")
    assert [(one.txid, one.state) for one in await world.attempts(done[0])] == [
        (old.txid, "final"),
        (new.txid, "replaced"),
    ]
    await world.once(done, to, UNITS)


async def txid_of(world: RealWorld, raw: str) -> str:
    return str((await world.house.bitcoin_node.rpc.call("decoderawtransaction", raw))["txid"])


async def test_evicted_from_the_mempool_it_is_sent_again(world: RealWorld) -> None:
    """A rival without a fee takes its place in a block that is then no more: the mempool has neither."""
    done, to = await paying(world)
    await world.work()
    ((_, txid, raw, of),) = await world.attempts(done[0])
    units = await world.one("SELECT units FROM reserved_inputs WHERE set_id = :of ORDER BY id LIMIT 1", of=of)
    outpoint = await world.rows("SELECT txid, vout FROM reserved_inputs WHERE set_id = :of ORDER BY id LIMIT 1", of=of)
    node = world.house.bitcoin_node
    bytes_of_it = await rival(world.house, tuple(outpoint[0]), int(units))
    await node.rpc.call("generateblock", await node.faucet("getnewaddress"), [bytes_of_it])
    await node.rpc.call("invalidateblock", await node.rpc.call("getbestblockhash"))
    assert not await in_mempool(world, txid)
    await world.turn()
    assert await in_mempool(world, txid)
    await world.exact(but=[await txid_of(world, bytes_of_it)])
    await world.mined("bitcoin")
    assert [(one.txid, one.raw) for one in await world.attempts(done[0])] == [(txid, raw)]
    await world.once(done, to, UNITS)


async def test_two_workers_alive_the_one_that_slept_past_its_lease_writes_nothing(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, to = await paying(world)
    door, asleep, awake = world.house.door, asyncio.Event(), asyncio.Event()

    class Slow(SignerDoor):
        def __init__(self) -> None:
            super().__init__(world.house.settings.signer.socket)

        async def sign_bitcoin(
            self,
            payouts: Sequence[tuple[Intent, Authorisation]],
            psbt: str,
            *,
            replaces: str = "",
            under: Fence | None = None,
        ) -> Answer:
            answer = await door.sign_bitcoin(payouts, psbt, replaces=replaces, under=under)
            asleep.set()
            await awake.wait()
            return answer

    first = world.spender
    object.__setattr__(first, "signer", Slow())

    async def works() -> None:
        await payouts.prepare_step(world.office, first)
        await payouts.sign_step(world.office, first)

    sleeping = asyncio.ensure_future(works())
    await asleep.wait()
    await world.soon(leases=True)
    world.furnish(world.settings)  # the second worker
    await world.work(2)
    before = await world.attempts(done[0])
    fence = await world.one("SELECT fence FROM attempt_sets WHERE id = :id", id=before[0].set_id)
    awake.set()
    await sleeping
    assert await world.attempts(done[0]) == before
    assert await world.one("SELECT fence FROM attempt_sets WHERE id = :id", id=before[0].set_id) == fence
    await world.work()
    await world.mined("bitcoin")
    assert len(await world.attempts(done[0])) == 1
    await world.once(done, to, UNITS)


@pytest.mark.slow
async def test_a_database_restored_from_a_backup_pays_nothing_until_a_person_has_compared(
    desk: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    world = desk.world
    older, to_older = await paying(world, 1)
    await desk.copied(desk.name, "backup")
    await desk.finish(older, "bitcoin")
    paid = await journal(world)
    newer = f"{desk.name}_newer"
    await desk.put_back("backup", newer)
    # The older one is in the queue again, and another one comes.
    more, to_more = await paying(world, 1)
    await desk.worker.start()
    await world.until_all([*older, *more], "queued", "needs_operator")
    ((by, reason),) = await world.rows("SELECT by, reason FROM pauses WHERE asset = '*'")
    assert by == "tidegate" and "the books do not know" in reason
    found = await compare.unknown(world.db, world.house.door, ["bitcoin", "ethereum"])
    assert not isinstance(found, Failed)
    assert [(one.txid, one.made_for) for one in found] == [(paid[-1], (str(older[0]),))]
    configured = world.settings.model_copy(update={"signer": world.house.settings.signer})
    assert await treasurer.compare(configured) == 1
    assert paid[-1] in capsys.readouterr().out
    # Going on without having compared does not last.
    await pause.resume(world.db, asset="*", by="somebody in a hurry")

    async def paused_again() -> bool:
        return await world.rows("SELECT 1 FROM pauses WHERE asset = '*'") != []

    await until(paused_again, "the pause to come back")
    await desk.worker.kill()
    assert await journal(world) == paid
    assert await world.received(to_more[0]) == []
    assert (await world.books()).verdict == "differs"
    # The person finds a newer copy, and puts that back.
    await desk.put_back(newer, "compared")
    assert await treasurer.compare(configured) == 0
    await desk.sql("DROP DATABASE compared")
    last, to_last = await paying(world, 1)
    await desk.finish(last, "bitcoin")
    await world.once([*older, *last], [*to_older, *to_last], UNITS)


# --- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_rule_1_nothing_is_sent_that_is_not_in_a_committed_row(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, sent = world.house.bitcoin.submit, list[bytes]()

    async def looked_at(raw: bytes) -> SubmitOutcome:
        # Another connection sees what is committed, and nothing else.
        async with world.superuser_db.reading() as session:
            stored = await session.scalar(text("SELECT count(*) FROM attempts WHERE raw = :raw"), {"raw": raw})
        assert stored == 1
        sent.append(raw)
        return await submit(raw)

    monkeypatch.setattr(world.house.bitcoin, "submit", looked_at)
    done, to = await bumped(world, monkeypatch)
    await world.mined("bitcoin")
    assert set(sent) == {one.raw for one in await world.attempts(done[0])} and len(set(sent)) == 2
    await world.once(done, to, UNITS)


@pytest.mark.slow
async def test_rules_2_and_5_a_payout_has_one_living_set_whose_members_share_a_coin_and_whichever_confirms_settles_it(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, to = await bumped(world, monkeypatch)
    old, new = await world.attempts(done[0])
    assert old.set_id == new.set_id
    assert set(inputs_of(old.raw)) & set(inputs_of(new.raw))
    assert await in_mempool(world, new.txid) and not await in_mempool(world, old.txid)
    await world.mined("bitcoin")
    assert [one.state for one in await world.attempts(done[0])] == ["replaced", "final"]
    await world.once(done, to, UNITS)


@pytest.mark.slow
async def test_rule_3_a_timeout_is_unknown_and_never_failed(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = world.house.bitcoin.submit

    async def lost(raw: bytes) -> SubmitOutcome:
        await submit(raw)
        return SubmitOutcome(Submitted.UNKNOWN, "the node did not answer in time")

    monkeypatch.setattr(world.house.bitcoin, "submit", lost)
    done, to = await paying(world)
    await world.work(4)
    assert await world.stand(done) == [("broadcasting", "broadcast_unknown")]
    monkeypatch.setattr(world.house.bitcoin, "submit", submit)
    await world.work(2)
    await world.mined("bitcoin")
    assert len(await world.attempts(done[0])) == 1
    await world.once(done, to, UNITS)


async def test_rule_4_new_coins_only_when_another_transaction_spent_one_of_each_member_six_blocks_deep(
    world: RealWorld,
) -> None:
    done, to = await paying(world, 1)
    await world.work()
    ((_, txid, _, of),) = await world.attempts(done[0])
    (coin,) = await world.rows("SELECT txid, vout, units FROM reserved_inputs WHERE set_id = :of LIMIT 1", of=of)
    node = world.house.bitcoin_node
    bytes_of_it = await rival(world.house, (coin.txid, coin.vout), int(coin.units))
    await node.rpc.call("generateblock", await node.faucet("getnewaddress"), [bytes_of_it])
    for _ in range(4):
        await world.block("bitcoin")
    await world.work(2)
    assert await world.stand(done) == [("confirming", "needs_operator")], "five blocks prove nothing"
    assert await world.rows("SELECT 1 FROM reserved_inputs WHERE set_id = :of AND released_at IS NULL", of=of)
    await world.block("bitcoin")
    await world.work(2)
    assert await world.stand(done) == [("queued", "needs_operator")]
    assert not await world.rows("SELECT 1 FROM reserved_inputs WHERE set_id = :of AND released_at IS NULL", of=of)
    assert not await in_mempool(world, txid)
    assert len(await world.attempts(done[0])) == 1, "and then not by itself: a person decides"
    await intervene.reject(world.office, done[0], reason="its coins are gone", by="operator", now=utcnow())
    assert await world.stand(done) == [("rejected", None)]
    assert await world.received(to[0]) == []
    await world.exact(but=[await txid_of(world, bytes_of_it)])
