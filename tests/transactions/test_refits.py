"""After a reorganisation deeper than final: the books follow what the chain took, at its price, once for each turn."""

import json
import uuid
from dataclasses import replace

import pytest

from tests.transactions.chains import raw_of, txid_of
from tests.transactions.test_safety import ready
from tests.transactions.test_sets import dear, payouts, queued, stand, stuck, tokens, work
from tests.transactions.world import COLD, HOT, STRANGER, World
from tidegate.chains.families import GasPrice
from tidegate.database import utcnow
from tidegate.ledger.rules import house
from tidegate.treasury import keep, move_steps, moves, underway
from tidegate.treasury.from_hot import from_hot, plan_of
from tidegate.treasury.moves import Mover
from tidegate.treasury.rules import Purpose

COST = house("cost:network", "ETH")
GAS = 60_000


async def again(world: World, costs: int) -> None:
    """All blocks go with what is final, and other ones come: in them gas costs this much, and that is their branch."""
    world.evm.costs = costs
    world.evm.reorg(world.evm.node.height)
    del world.evm.node.blocks[1:]
    world.evm.node.branch = costs
    await keep.keep(world.spender, world.lane)
    world.evm.mine(4)
    for _ in range(2):
        await keep.keep(world.spender, world.lane)


def mover_of(world: World) -> Mover:
    spender = world.spender
    return Mover(
        world.db,
        world.lane,
        spender.chains,
        spender.networks,
        spender.fees,
        world.signer,
        worth=lambda *_: None,
        cold=lambda: {"ethereum": COLD},
    )


async def moved(world: World, mover: Mover) -> None:
    for _ in range(6):
        await world.soon()
        await move_steps.advance(mover, utcnow())
        world.evm.mine(2)
    assert await world.rows("SELECT booked FROM moves") == [("arrived",)]


async def sweep(world: World) -> None:
    """The house takes half a token from a deposit address."""
    async with world.db.transaction() as session:
        await moves.add(
            session,
            network="ethereum",
            purpose=Purpose.SWEEP,
            asset="USDT",
            units=500_000,
            address=HOT,
            plan=plan_of(world.evm, GAS, GasPrice(world.evm.price, 1)) | {"deposited": "500000"},
            now=utcnow(),
            index=0,
            sender="a deposit address",
            nonce=0,
        )


@pytest.mark.slow
async def test_a_fee_that_goes_back_and_forth_is_booked_at_each_turn(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "completed")
    costs = world.evm.costs
    for each in (2 * costs, costs, 2 * costs, costs, 3 * costs):
        await again(world, each)
        assert await world.balance(COST) == GAS * each
        await world.exact()
    assert await world.rows("SELECT refits FROM attempts") == [(5,)]


async def test_a_fee_back_in_the_very_block_it_was_in_before_is_booked_too(world: World) -> None:
    """Two branches take turns as the longest: their blocks are the same ones each time."""
    _, done = await ready(world)
    await world.until(done, "completed")
    costs = world.evm.costs
    blocks = []
    for each in (2 * costs, costs, 2 * costs):
        await again(world, each)
        blocks.append(await world.one("SELECT block_hash FROM attempts"))
        assert await world.balance(COST) == GAS * each
    assert blocks[0] == blocks[2] != blocks[1]


async def test_a_move_that_is_mined_again_at_another_price_is_booked_at_that(world: World) -> None:
    await world.stock(USDT=1_000_000, ETH=10**18)
    mover, price = mover_of(world), GasPrice(world.evm.price, 1)
    assert await from_hot(
        mover,
        world.evm,
        purpose=Purpose.COLD,
        asset="USDT",
        units=400_000,
        address=COLD,
        gas=GAS,
        price=price,
        now=utcnow(),
        to_cold=True,
    )
    await moved(world, mover)
    await world.exact()
    costs = world.evm.costs
    for each in (3 * costs, costs, 3 * costs):
        await again(world, each)
        assert await world.balance(COST) == GAS * each
        await world.exact()


async def test_a_sweeps_fee_is_corrected_where_it_was_paid(world: World) -> None:
    """By the deposit address: what it has left of its ether is another sum, in the books and for the next sweep."""
    await world.stock(USDT=1_000_000, ETH=10**18)
    user = (await world.someone(USDT=500_000, ETH=10**17)).id
    mover = mover_of(world)
    await world.sql("INSERT INTO gas_tanks VALUES ('ethereum', 0, 1000000000000000)")
    await sweep(world)
    await moved(world, mover)
    costs, deposits = world.evm.costs, house("wallet:deposit", "ETH", "ethereum")
    hot = await world.balance(house("wallet:hot", "ETH", "ethereum"))
    for each in (5 * costs, costs, 5 * costs):
        await again(world, each)
        assert await world.balance(COST) == GAS * each
        assert await world.balance(deposits) == 10**17 - GAS * each
        assert await world.one("SELECT units FROM gas_tanks") == 10**15 - GAS * each
    assert await world.balance(house("wallet:hot", "ETH", "ethereum")) == hot
    assert user is not None


# --- another one of the set ------------------------------------------------------------------------------------------


async def replaced(world: World) -> tuple[list[uuid.UUID], str, str, bytes]:
    """Two payouts whose dearer transaction is final; the txids of both, and the first one's bytes."""
    done = await stuck(world)
    (old,) = world.bitcoin.node.mempool
    raw = world.bitcoin.node.submissions[0]
    dear(world, 20)
    await work(world, 4)
    (new,) = world.bitcoin.node.mempool
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]
    return done, old, new, raw


async def overtaken(world: World, winner: bytes, loser: str) -> None:
    """The blocks with `loser` never were; others come, and `winner` is in them."""
    node = world.bitcoin.node
    block = node.block_of(loser)
    assert block is not None
    del node.blocks[node.blocks.index(block) :]
    node.branch += 1
    node.paid.clear()
    node.mempool.append(loser)
    world.bitcoin.evict(loser)
    world.bitcoin.rate = world.bitcoin.mined_from = 0
    await world.bitcoin.submit(winner)
    world.bitcoin.mine(4)


async def test_a_sibling_that_is_mined_after_the_first_was_final_takes_its_place(world: World) -> None:
    done, old, new, raw = await replaced(world)
    fees = {one: await world.one("SELECT fee_units FROM attempts WHERE txid = :t", t=one) for one in (old, new)}
    cost = house("cost:network", "BTC")
    assert await world.balance(cost) == fees[new]
    await overtaken(world, raw, new)
    sent = len(world.bitcoin.node.submissions)
    for _ in range(2):
        assert await keep.keep(world.spender, world.lane) == 0
    assert len(world.bitcoin.node.submissions) == sent, "the one that lost is not sent again"
    assert await world.rows("SELECT txid, state FROM attempts ORDER BY created_at") == [
        (old, "final"),
        (new, "replaced"),
    ]
    assert await world.balance(cost) == fees[old]
    assert await stand(world, done) == [("completed", None)]
    assert len(world.bitcoin.node.paid) == 2
    assert await world.rows("SELECT 1 FROM pauses") == []
    await world.exact()
    newest = await world.one("SELECT raw FROM attempts WHERE txid = :t", t=new)
    await overtaken(world, bytes(newest), old)
    await keep.keep(world.spender, world.lane)
    assert await world.balance(cost) == fees[new], "and back"
    await world.exact()


@pytest.mark.slow
async def test_a_sibling_is_believed_when_it_is_as_deep_as_what_is_final(world: World) -> None:
    _, old, new, raw = await replaced(world)
    await overtaken(world, raw, new)
    del world.bitcoin.node.blocks[-3:]
    await keep.keep(world.spender, world.lane)
    assert await world.one("SELECT state FROM attempts WHERE txid = :t", t=old) == "replaced"
    world.bitcoin.mine(1)
    await keep.keep(world.spender, world.lane)
    assert await world.one("SELECT state FROM attempts WHERE txid = :t", t=old) == "final"


@pytest.mark.slow
async def test_a_sibling_that_pays_nobody_stops_the_asset_for_a_person(world: World) -> None:
    (done,) = await tokens(world, 1)
    await work(world, 5)
    assert await world.standing(done) == ("confirming", None)
    await world.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour'")
    first = world.evm.node.submissions[0]
    world.evm.price = 3 * world.evm.price
    world.spender.fees._known.clear()
    await work(world, 4)
    await world.until(done, "completed")
    world.evm.reorg(world.evm.node.height)
    world.evm.node.reverting.add(STRANGER)
    world.evm.price = 0
    await world.evm.submit(first)
    world.evm.mine(4)
    for _ in range(2):
        await keep.keep(world.spender, world.lane)
    assert await world.rows("SELECT asset, by FROM pauses") == [("USDT", "tidegate")]
    assert await world.rows("SELECT state FROM attempts ORDER BY created_at") == [("reverted",), ("replaced",)]
    report = await world.books()
    assert report.verdict == "differs", "nobody was paid, and the books say so"
    assert {(line["asset"], line["difference"]) for line in report.to_json()["lines"] if line["difference"] != "0"}


@pytest.mark.slow
async def test_a_payment_that_fails_in_its_new_block_stops_the_asset_for_a_person(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "completed")
    world.evm.node.reverting.add(STRANGER)
    await again(world, world.evm.costs)
    assert await world.rows("SELECT asset, by FROM pauses") == [("USDT", "tidegate")]
    assert await world.rows("SELECT state, refits FROM attempts") == [("reverted", 1)]


async def test_a_final_child_goes_with_the_parent_that_lost_its_block(world: World) -> None:
    (done,) = await payouts(world, ["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"])
    await queued(world)
    await work(world, 3)
    (parent,) = world.bitcoin.node.mempool
    first = json.loads(world.bitcoin.node.submissions[0])
    sibling = raw_of(first | {"change": first["change"] - 300, "fee": first["fee"] + 300})
    child = raw_of({"inputs": [[parent, 1]], "outputs": [], "change": first["change"] - 500, "fee": 500, "rate": 5})
    rows = [("seen", "id", child, 500, [[parent, 1]]), ("seen", "NULL", sibling, first["fee"] + 300, first["inputs"])]
    for state, of, raw, fee, inputs in rows:
        await world.sql(
            "INSERT INTO attempts (id, set_id, network, state, parent, plan, raw, txid, fee_units, confirmations,"
            f" created_at, broadcast_at) SELECT :id, set_id, network, CAST(:state AS text), {of}, CAST(:plan AS jsonb),"
            " :raw, :txid, :fee, 0, now(), now() FROM attempts ORDER BY created_at LIMIT 1",
            id=uuid.uuid4(),
            state=state,
            plan=json.dumps({"inputs": inputs}),
            raw=raw,
            txid=txid_of(raw),
            fee=fee,
        )
    await world.bitcoin.submit(child)
    world.bitcoin.mine(3)
    await work(world, 4)
    assert await world.standing(done) == ("completed", None)
    await world.exact()
    world.bitcoin.node.mempool.append(txid_of(child))
    world.bitcoin.evict(txid_of(child))
    await overtaken(world, sibling, parent)
    await keep.keep(world.spender, world.lane)
    assert sorted(await world.rows("SELECT fee_units::int, state FROM attempts")) == sorted(
        [(500, "replaced"), (first["fee"] + 300, "final"), (first["fee"], "replaced")]
    )
    await world.exact()


async def test_those_that_were_looked_at_longest_ago_come_first(world: World) -> None:
    done = [(await ready(world))[1] for _ in range(3)]
    for one in done:
        await world.until(one, "completed")
    depth = 1_000
    seen = []
    for _ in range(3):
        async with world.db.reading() as session:
            ((_, member),) = await underway.shallow(session, "ethereum", depth, limit=1)
        seen.append(member.id)
        await world.sql("UPDATE attempts SET looked_at = now() WHERE id = :id", id=member.id)
    assert len(set(seen)) == 3


# --- a sweep that no block takes -------------------------------------------------------------------------------------


async def sent_sweep(world: World, worth: int, held: int) -> Mover:
    """A token's sweep, sent an hour ago at a third of today's price; its address has `held` wei."""
    await world.stock(USDT=1_000_000, ETH=10**18)
    await world.someone(USDT=500_000, ETH=10**17)
    mover = replace(mover_of(world), worth=lambda *_: worth)

    async def has(address: str, asset: str) -> tuple[int, int]:
        return 500_000, held

    world.evm.held = has  # type: ignore[method-assign]
    await sweep(world)
    for _ in range(2):
        await world.soon()
        await move_steps.advance(mover, utcnow())
    await world.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour'")
    world.evm.price = 3 * world.evm.price
    return mover


async def test_a_sweep_is_made_dearer_while_it_is_worth_its_multiple_of_the_cost(world: World) -> None:
    mover = await sent_sweep(world, worth=20 * GAS * 3 * world.evm.price, held=GAS * 3 * world.evm.price)
    await moved(world, mover)
    states = await world.rows("SELECT state FROM attempts ORDER BY created_at")
    assert states == [("replaced",), ("final",)]


@pytest.mark.slow
@pytest.mark.parametrize(("short_worth", "short_held"), [(1, 0), (0, 1)])
async def test_a_sweep_that_is_not_worth_more_or_cannot_pay_it_waits(
    world: World, short_worth: int, short_held: int
) -> None:
    cost = GAS * 3 * world.evm.price
    mover = await sent_sweep(world, worth=20 * cost - short_worth, held=cost - short_held)
    for _ in range(3):
        await world.soon()
        await move_steps.advance(mover, utcnow())
    assert await world.one("SELECT count(*) FROM attempts") == 1
    world.evm.price = world.evm.price // 3
    await moved(world, mover)
