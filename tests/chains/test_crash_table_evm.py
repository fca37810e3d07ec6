"""The crash table of exactly-once payouts (chains.md section 4) on a real anvil, signer and worker, row by row.

At the end of each row every recipient holds exactly what was asked, once, and the books are exact to the unit.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from eth_account import Account
from sqlalchemy import text

from tests.chains.conftest import House
from tests.chains.spending import RealWorld
from tests.chains.table import Table, table
from tidegate.chains.evm.build import nonce_of
from tidegate.chains.port import SubmitOutcome, Submitted
from tidegate.database import utcnow
from tidegate.ledger.rules import Posting, Transfer
from tidegate.ledger.rules import house as account
from tidegate.signer.evm import EvmVault
from tidegate.signer.home import open_seed
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Answer, Failed, SignedLately
from tidegate.transactions import compare, intervene, payouts
from tidegate.treasury.keep import keep

UNITS = 5_000_000
DEPTHS = [1, 3, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 4, 5, 6))]
"""To three blocks beyond the confirmations of this network."""
FINAL = 18
"""Blocks: six times the confirmations of this network."""


@pytest.fixture(scope="module")
async def desk(
    house: House, admin_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Table]:
    async with table(house, admin_url, template, tmp_path_factory.mktemp("table")) as made:
        await made.world.block("ethereum", 5)  # what funded the house is out of a reorg's reach
        yield made


@pytest.fixture
def world(desk: Table) -> RealWorld:
    return desk.world


async def paying(world: RealWorld) -> tuple[uuid.UUID, str]:
    to = Account.create().address
    (done,) = await world.payouts("USDT", [to], UNITS, network_fee_max_units=10**17)
    return done, to


async def known_to_node(world: RealWorld, txid: str) -> bool:
    return await world.house.evm_node.rpc.call("eth_getTransactionByHash", txid) is not None


async def journal(world: RealWorld) -> list[str]:
    """The hashes that the signer's journal holds, oldest first."""
    told = await world.house.door.signed_lately()
    assert isinstance(told, SignedLately)
    return [one.txid for one in told.transactions]


async def dearer(world: RealWorld) -> tuple[uuid.UUID, str]:
    """A payout whose transaction was replaced at its nonce by a dearer one of ours."""
    done, to = await paying(world)
    await world.work()
    await intervene.bump(world.office, done, rate=40)
    await world.work(4)
    assert await world.stand([done]) == [("confirming", "replaced")]
    return done, to


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_before_the_commit_of_signed_nothing_was_sent_and_the_same_nonce_is_signed_for(desk: Table) -> None:
    world = desk.world
    done, to = await paying(world)
    known = await journal(world)
    await desk.worker.killed_at("P10.ask:before", world)
    ((state, txid, _, of),) = await world.attempts(done)
    nonce = await world.one("SELECT nonce FROM attempt_sets WHERE id = :of", of=of)
    assert (state, txid, await journal(world)) == ("built", None, known)
    await desk.finish([done], "ethereum")
    ((_, _, raw, _),) = await world.attempts(done)
    assert nonce_of(raw) == nonce
    await world.once([done], [to], UNITS, "USDT")


@pytest.mark.slow
async def test_the_signer_answered_and_the_row_was_not_committed_it_is_signed_anew_with_the_same_nonce(
    desk: Table,
) -> None:
    world = desk.world
    done, to = await paying(world)
    await desk.worker.killed_at("P12.store:before", world)
    ((state, txid, _, _),) = await world.attempts(done)
    assert (state, txid) == ("built", None)
    signed = (await journal(world))[-1]
    assert not await known_to_node(world, signed)
    await desk.finish([done], "ethereum")
    assert [one.txid for one in await world.attempts(done)] == [signed] == (await journal(world))[-1:]
    await world.once([done], [to], UNITS, "USDT")


@pytest.mark.slow
async def test_committed_and_not_sent_the_stored_bytes_are_sent(desk: Table) -> None:
    world = desk.world
    done, to = await paying(world)
    await desk.worker.killed_at("P12.store:after", world)
    ((state, txid, raw, _),) = await world.attempts(done)
    assert state == "signed" and not await known_to_node(world, txid)
    await desk.finish([done], "ethereum")
    ((_, again, same, _),) = await world.attempts(done)
    assert (again, same) == (txid, raw)
    await world.once([done], [to], UNITS, "USDT")


@pytest.mark.slow
@pytest.mark.parametrize("mined", [False, True], ids=["already known", "nonce too low"])
async def test_sent_and_the_answer_lost_the_stored_bytes_are_sent_again(desk: Table, mined: bool) -> None:
    world = desk.world
    done, to = await paying(world)
    await desk.worker.killed_at("P13.send:after", world)
    ((state, txid, _, _),) = await world.attempts(done)
    assert state == "signed" and await known_to_node(world, txid)
    if mined:
        await world.block("ethereum")
    await desk.finish([done], "ethereum")
    assert [one.txid for one in await world.attempts(done)] == [txid]
    await world.once([done], [to], UNITS, "USDT")


@pytest.mark.parametrize("depth", DEPTHS)
async def test_seen_and_then_reorged_out_the_stored_bytes_are_sent_until_it_is_final(
    world: RealWorld, depth: int
) -> None:
    await world.block("ethereum", 6)  # what earlier tests paid is out of its reach
    done, to = await paying(world)
    await world.work()
    for _ in range(depth):
        await world.block("ethereum")
        await world.turn()
    settled = depth >= world.house.evm.confirmations
    assert await world.stand([done]) == [("completed" if settled else "confirming", None)]
    ((_, txid, raw, _),) = await world.attempts(done)
    await world.house.evm_node.rpc.call("anvil_reorg", depth, [])
    assert not await known_to_node(world, txid)
    await world.turn()
    assert await keep(world.spender, world.lane) == int(settled)
    assert await world.stand([done]) == [("completed", None) if settled else ("confirming", "reorged")]
    assert await known_to_node(world, txid)
    await world.mined("ethereum", 5)
    assert await keep(world.spender, world.lane) == 0
    assert [(one.txid, one.raw) for one in await world.attempts(done)] == [(txid, raw)]
    await world.once([done], [to], UNITS, "USDT")


async def test_replaced_by_our_own_bump_and_then_the_old_one_confirms_the_old_one_is_the_winner(
    world: RealWorld,
) -> None:
    done, to = await dearer(world)
    old, new = await world.attempts(done)
    rpc = world.house.evm_node.rpc
    await rpc.call("anvil_dropTransaction", new.txid)
    await rpc.call("eth_sendRawTransaction", "0x" + old.raw.hex())
    await world.block("ethereum")
    await world.turn()
    await world.exact()
    await world.mined("ethereum", 5)
    found = [(one.txid, one.state) for one in await world.attempts(done)]
    assert found == [(old.txid, "final"), (new.txid, "replaced")]
    await world.once([done], [to], UNITS, "USDT")


async def test_evicted_from_the_mempool_it_is_sent_again(world: RealWorld) -> None:
    done, to = await paying(world)
    await world.work()
    ((_, txid, _, _),) = await world.attempts(done)
    await world.house.evm_node.rpc.call("anvil_dropTransaction", txid)
    assert not await known_to_node(world, txid)
    await world.turn()
    assert await known_to_node(world, txid)
    await world.mined("ethereum", 5)
    assert [one.txid for one in await world.attempts(done)] == [txid]
    await world.once([done], [to], UNITS, "USDT")


async def test_two_workers_alive_the_one_that_slept_past_its_lease_writes_nothing(world: RealWorld) -> None:
    done, to = await paying(world)
    door, asleep, awake = world.house.door, asyncio.Event(), asyncio.Event()

    class Slow(SignerDoor):
        def __init__(self) -> None:
            super().__init__(world.house.settings.signer.socket)

        async def sign_evm(self, *payout: Any, **fields: Any) -> Answer:
            answer = await door.sign_evm(*payout, **fields)
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
    before = await world.attempts(done)
    awake.set()
    await sleeping
    assert await world.attempts(done) == before
    await world.mined("ethereum", 6)
    assert len(await world.attempts(done)) == 1
    await world.once([done], [to], UNITS, "USDT")


@pytest.mark.slow
async def test_a_database_restored_from_a_backup_pays_nothing_until_a_person_has_compared(desk: Table) -> None:
    world = desk.world
    older, to_older = await paying(world)
    await desk.copied(desk.name, "backup_evm")
    await desk.finish([older], "ethereum")
    paid, newer = await journal(world), f"{desk.name}_newer"
    await desk.put_back("backup_evm", newer)
    more, to_more = await paying(world)
    await desk.worker.start()
    await world.until_all([older, more], "queued", "needs_operator")
    await desk.worker.kill()
    found = await compare.unknown(world.db, world.house.door, ["bitcoin", "ethereum"])
    assert not isinstance(found, Failed)
    assert [(one.txid, one.made_for) for one in found] == [(paid[-1], (str(older),))]
    assert await journal(world) == paid
    assert await world.received(to_more, "USDT") == []
    assert (await world.books()).verdict == "differs"
    await desk.put_back(newer, "compared_evm")
    await desk.sql("DROP DATABASE compared_evm")
    last, to_last = await paying(world)
    await desk.finish([last], "ethereum")
    await world.once([older, last], [to_older, to_last], UNITS, "USDT")


# --- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_rule_1_nothing_is_sent_that_is_not_in_a_committed_row(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, sent = world.house.evm.submit, list[bytes]()

    async def looked_at(raw: bytes) -> SubmitOutcome:
        # Another connection sees what is committed, and nothing else.
        async with world.superuser_db.reading() as session:
            stored = await session.scalar(text("SELECT count(*) FROM attempts WHERE raw = :raw"), {"raw": raw})
        assert stored == 1
        sent.append(raw)
        return await submit(raw)

    monkeypatch.setattr(world.house.evm, "submit", looked_at)
    done, to = await dearer(world)
    await world.mined("ethereum", 5)
    assert set(sent) == {one.raw for one in await world.attempts(done)} and len(set(sent)) == 2
    await world.once([done], [to], UNITS, "USDT")


async def test_rules_2_and_5_a_payout_has_one_living_set_whose_members_share_the_nonce_and_whichever_confirms_settles_it(
    world: RealWorld,
) -> None:
    done, to = await dearer(world)
    old, new = await world.attempts(done)
    assert old.set_id == new.set_id and nonce_of(old.raw) == nonce_of(new.raw)
    await world.mined("ethereum", 5)
    assert [one.state for one in await world.attempts(done)] == ["replaced", "final"]
    await world.once([done], [to], UNITS, "USDT")


@pytest.mark.slow
async def test_rule_3_a_timeout_is_unknown_and_never_failed(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = world.house.evm.submit

    async def lost(raw: bytes) -> SubmitOutcome:
        await submit(raw)
        return SubmitOutcome(Submitted.UNKNOWN, "the node did not answer in time")

    monkeypatch.setattr(world.house.evm, "submit", lost)
    done, to = await paying(world)
    await world.work(4)
    assert await world.stand([done]) == [("broadcasting", "broadcast_unknown")]
    monkeypatch.setattr(world.house.evm, "submit", submit)
    await world.work(2)
    await world.mined("ethereum", 5)
    assert len(await world.attempts(done)) == 1
    await world.once([done], [to], UNITS, "USDT")


async def test_rule_4_a_new_nonce_only_when_another_hash_used_it_at_or_below_finalized(world: RealWorld) -> None:
    done, to = await paying(world)
    await world.work()
    ((_, txid, raw, of),) = await world.attempts(done)
    rpc, hot = world.house.evm_node.rpc, world.house.evm.hot_address
    rival: dict[str, Any] = {"type": 2, "chainId": 31337, "nonce": nonce_of(raw), "gas": 21_000, "value": 0, "to": hot}
    rival |= {"maxFeePerGas": 50 * 10**9, "maxPriorityFeePerGas": 10**9, "data": b""}
    key = EvmVault(open_seed(world.house.settings))._account
    await rpc.call("anvil_dropTransaction", txid)
    used = await rpc.call("eth_sendRawTransaction", "0x" + key.sign_transaction(rival).raw_transaction.hex())
    await world.block("ethereum", FINAL)
    await world.work(2)
    assert await world.stand([done]) == [("confirming", "needs_operator")], "a reorg may still give the nonce back"
    await world.block("ethereum")
    await world.work(2)
    assert await world.stand([done]) == [("queued", "needs_operator")]
    assert await world.rows("SELECT outcome FROM attempt_sets WHERE id = :of", of=of) == [("dropped",)]
    assert len(await world.attempts(done)) == 1, "and then not by itself: a person decides"
    await intervene.reject(world.office, done, reason="its nonce is gone", by="operator", now=utcnow())
    assert await world.stand([done]) == [("rejected", None)]
    assert await world.received(to, "USDT") == []
    # What the rival cost is the person's to book.
    receipt = await rpc.call("eth_getTransactionReceipt", used)
    gas = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    cost = Transfer(account("cost:network", "ETH"), account("wallet:hot", "ETH", "ethereum"), gas, "chain fee")
    assert (await world.lane.submit(Posting(f"rival:{used}", (cost,), "test", done))).posted
    await world.exact()
    # The next payout has the next nonce.
    more, to_more = await paying(world)
    await world.work()
    await world.mined("ethereum", 5)
    await world.once([more], [to_more], UNITS, "USDT")
