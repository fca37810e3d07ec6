"""A worker killed at each failpoint of the house's own moves, on real nodes and a real signer: one transaction, books exact.

TIDEGATE_MOVE_KILLS says how many of the kills; a few in CI, all by `make test-full`.
"""

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.chains.conftest import COLD, House
from tests.chains.spending import RealWorld
from tests.chains.table import Table, table
from tests.chains.waiting import until
from tidegate.database import utcnow
from tidegate.signing.messages import SignedLately
from tidegate.treasury import liquidity
from tidegate.treasury.consolidate import consolidate
from tidegate.treasury.fees import Fees
from tidegate.treasury.moves import Mover
from tidegate.treasury.rules import Purpose
from tidegate.treasury.sweep import sweep
from tidegate.wallets import addresses
from tidegate.wallets import pipeline as wallets

POINTS = ("M.ask:after", "M.store:after", "M.send:after")
WEI_PER_UNIT = 5 * 10**8
"""A token's unit (a millionth) in wei, at 2,000 tokens an ether."""


@pytest.fixture(scope="module")
async def desk(
    house: House, admin_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Table]:
    async with table(house, admin_url, template, tmp_path_factory.mktemp("moves")) as made:
        yield made


def mover(world: RealWorld) -> Mover:
    """Looks for moves as the worker does, with prices, and with few coins that are many."""
    networks = {name: one.model_copy(update={"consolidate_coins": 3}) for name, one in world.settings.networks.items()}
    return Mover(
        db=world.db,
        lane=world.lane,
        chains=world.office.chains,
        networks=networks,
        fees=Fees(world.office.chains, networks),
        signer=world.house.door,
        worth=lambda _, code, units: units if code == "ETH" else units * WEI_PER_UNIT,
        cold=lambda: COLD,
    )


async def scan(world: RealWorld) -> None:
    while await wallets.scan(world.db, world.lane, world.house.evm, world.settings, utcnow()):
        pass


async def nothing_left(world: RealWorld) -> None:
    """What an earlier test left at deposit addresses is swept."""
    for _ in range(10):
        started = await sweep(mover(world), world.house.evm, above_cap=frozenset(), now=utcnow())
        if not started and not await world.one("SELECT count(*) FROM moves WHERE ended_at IS NULL"):
            return
        await world.turn_moves(mover(world))
        await world.block("ethereum", 3)
    raise AssertionError("some move does not end")


async def deposited(world: RealWorld, code: str, units: int) -> None:
    """A customer's deposit that nothing can undo any more."""
    await nothing_left(world)
    await scan(world)
    who = await world.someone()
    async with world.db.transaction() as session:
        terms = world.settings.networks["ethereum"]
        found, _ = await addresses.give(session, chain=world.house.evm, terms=terms, user_id=who.id, asset=code)
    if code == "ETH":
        await world.house.send_ether(found.address, units)
    else:
        await world.house.send_token(code, found.address, units)
    for blocks in (3, 18):  # credited, and then too deep to be undone
        await world.block("ethereum", blocks)
        await scan(world)


async def small_coins(world: RealWorld) -> None:
    await world.coins(4, 200_000)
    assert await consolidate(mover(world), world.house.bitcoin, now=utcnow())


async def cold_bitcoin(world: RealWorld) -> None:
    assert await liquidity.cool(mover(world), world.house.bitcoin, "BTC", 1_000_000, now=utcnow())


async def cold_token(world: RealWorld) -> None:
    assert await liquidity.cool(mover(world), world.house.evm, "USDT", 5_000_000, now=utcnow())


async def ether_sweep(world: RealWorld) -> None:
    await deposited(world, "ETH", 10**18)
    assert await sweep(mover(world), world.house.evm, above_cap=frozenset(), now=utcnow()) == 1


async def top_up(world: RealWorld) -> None:
    """Gas for an address that holds tokens alone."""
    await deposited(world, "USDT", 500 * 10**6)
    assert await sweep(mover(world), world.house.evm, above_cap=frozenset(), now=utcnow()) == 1


async def token_sweep(world: RealWorld) -> None:
    await top_up(world)
    for _ in range(3):
        await world.turn_moves(mover(world))
        await world.block("ethereum", 3)
    assert await sweep(mover(world), world.house.evm, above_cap=frozenset(), now=utcnow()) == 1


Make = Callable[[RealWorld], Awaitable[None]]
MOVES: dict[str, tuple[Make, Purpose, str]] = {
    "consolidation": (small_coins, Purpose.CONSOLIDATION, "bitcoin"),
    "top_up": (top_up, Purpose.TOP_UP, "ethereum"),
    "sweep of ether": (ether_sweep, Purpose.SWEEP, "ethereum"),
    "sweep of a token": (token_sweep, Purpose.SWEEP, "ethereum"),
    "cold bitcoin": (cold_bitcoin, Purpose.COLD, "bitcoin"),
    "cold token": (cold_token, Purpose.COLD, "ethereum"),
}
# One of each point first: the first few are what CI runs.
CASES = [(list(MOVES)[(first + step) % len(MOVES)], POINTS[step % 3]) for first in range(0, 6, 1) for step in range(3)]
KILLS = int(os.environ.get("TIDEGATE_MOVE_KILLS", "1"))


async def under_way(world: RealWorld, set_id: uuid.UUID) -> tuple[str, str | None]:
    ((stage, outcome),) = await world.rows("SELECT stage, outcome FROM attempt_sets WHERE id = :id", id=set_id)
    return stage, outcome


@pytest.mark.parametrize(("kind", "point"), CASES[:KILLS])
@pytest.mark.slow
async def test_a_worker_killed_at_each_point_of_a_move_makes_it_with_one_transaction(
    desk: Table, kind: str, point: str
) -> None:
    world = desk.world
    make, purpose, network = MOVES[kind]
    await make(world)
    ((move,),) = await world.rows("SELECT set_id FROM moves WHERE ended_at IS NULL")
    before = await world.house.door.signed_lately()
    await desk.worker.killed_at(point, world)
    await world.exact()
    await desk.worker.start()

    async def sent() -> bool:
        return (await under_way(world, move))[0] == "confirming"

    async def ended() -> bool:
        return (await under_way(world, move))[0] == "ended"

    await until(sent, f"the {kind} to be sent")
    await world.exact()
    await world.block(network, 4)
    await until(ended, f"the {kind} to end")
    await desk.worker.kill()

    assert await under_way(world, move) == ("ended", "final")
    attempts = await world.rows("SELECT state, txid FROM attempts WHERE set_id = :id", id=move)
    assert [state for state, _ in attempts] == ["final"]
    after = await world.house.door.signed_lately()
    assert isinstance(before, SignedLately) and isinstance(after, SignedLately)
    assert [one.txid for one in after.transactions[len(before.transactions) :]] == [attempts[0][1]]
    assert await world.one("SELECT purpose FROM moves WHERE set_id = :id", id=move) == purpose.value
    await world.exact()
