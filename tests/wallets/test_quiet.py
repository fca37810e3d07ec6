"""Scans that can find nothing are left out, and nothing is found later for it."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from tests.chains.waiting import until
from tests.wallets.test_many import counting
from tests.wallets.world import NETWORK, World, credited, paid
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.port import Health
from tidegate.compliance import pause
from tidegate.database import utcnow
from tidegate.wallets import desk, pipeline, quiet

CODES = ["BTC", "ETH"]


@pytest.fixture(autouse=True)
def _no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is noticed here is noticed by what changed, and not because it was time to look."""
    monkeypatch.setattr(quiet, "BEAT_SECONDS", 3600.0)


async def look(world: World, network: str) -> bool:
    return await pipeline.look(world.db, world.lane, world.chains[network], world.settings, utcnow())


async def stand_still(world: World, network: str) -> None:
    """As the worker does, until it finds nothing more."""
    while await look(world, network):
        pass


async def scans(world: World, network: str) -> int:
    async with world.db.reading() as session:
        found = await session.scalar(text("SELECT version FROM scan_cursors WHERE network = :n"), {"n": network})
    return int(found or 0)


async def was_read(world: World, network: str) -> bool:
    """Look once: whether that was a scan."""
    before = await scans(world, network)
    await look(world, network)
    return await scans(world, network) > before


async def state(world: World, user: uuid.UUID) -> Any:
    return (await world.deposit(user))["state"]


async def becomes(world: World, network: str, user: uuid.UUID, wanted: str) -> None:
    """By looking alone: the node's wallet may hear of a payment a moment after its mempool."""

    async def looked() -> bool:
        await look(world, network)
        return {row["state"] for row in await world.deposits(user)} == {wanted}

    await until(looked, f"{user} to have a deposit that is {wanted}")


@pytest.mark.parametrize("code", CODES)
async def test_nothing_is_asked_twice_of_a_network_that_stands_still(world: World, code: str) -> None:
    network = NETWORK[code]
    await credited(world, code)
    await stand_still(world, network)
    with counting(world, network) as asked:
        assert not await look(world, network)
    assert (asked.calls, asked.statements) == (1, 0)


@pytest.mark.parametrize("code", CODES)
async def test_a_payment_its_block_and_each_one_after_are_seen_by_looking(world: World, code: str) -> None:
    network = NETWORK[code]
    await stand_still(world, network)
    user = await world.user()
    address = await world.address(user, code)
    await stand_still(world, network)
    await world.pay(code, address, "0.5")
    await becomes(world, network, user, "detected")
    await stand_still(world, network)
    await world.mine(network)
    await becomes(world, network, user, "confirming")
    await stand_still(world, network)
    await world.mine(network, world.chains[network].confirmations)
    await becomes(world, network, user, "credited")


async def test_a_payment_that_replaces_another_is_seen_by_looking(world: World) -> None:
    user = await paid(world, "BTC")
    await stand_still(world, "bitcoin")
    deposit = await world.deposit(user)
    bumped = await world.bitcoin.faucet("bumpfee", deposit["txid"])

    async def seen() -> bool:
        await look(world, "bitcoin")
        return [row["txid"] for row in await world.deposits(user)] == [bumped["txid"], deposit["txid"]]

    await until(seen, "the replacement")


async def test_a_block_that_is_taken_back_is_noticed_at_the_next_look(world: World) -> None:
    user = await credited(world, "BTC")
    await stand_still(world, "bitcoin")
    block = (await world.deposit(user))["block_hash"]
    await world.bitcoin.rpc.call("invalidateblock", block)
    try:
        await look(world, "bitcoin")
        assert (await world.deposit(user))["sub_status"] == "reorged"
    finally:
        await world.bitcoin.rpc.call("reconsiderblock", block)


@pytest.mark.parametrize("code", CODES)
async def test_a_rescan_that_an_operator_asked_for_is_done_at_the_next_look(world: World, code: str) -> None:
    network = NETWORK[code]
    await world.mine(network, 5)
    await stand_still(world, network)
    height = (await world.chains[network].tip()).height
    await desk.look_from(world.db, world.chains[network], height=height - 4, now=utcnow())
    assert await was_read(world, network)


async def test_what_an_operator_stopped_is_credited_at_the_next_look_once_it_goes_on(world: World) -> None:
    await pause.pause(world.db, asset="BTC", by="olga", reason="a look")
    user = await paid(world, "BTC")
    await world.mine("bitcoin", 3)
    await stand_still(world, "bitcoin")
    assert await state(world, user) == "screening"
    await pause.resume(world.db, asset="BTC", by="olga")
    await look(world, "bitcoin")
    assert await state(world, user) == "credited"


async def test_addresses_are_watched_ahead_although_nobody_pays(world: World) -> None:
    await stand_still(world, "bitcoin")
    async with world.db.transaction() as session:
        await session.execute(text("UPDATE address_index SET next_index = watched_upto - 10 WHERE family = 'bitcoin'"))
    assert await was_read(world, "bitcoin")


async def test_a_node_that_is_not_fit_is_asked_each_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = world.chains["bitcoin"]
    assert isinstance(chain, BitcoinChain)
    asked = 0

    async def unfit() -> Health:
        nonlocal asked
        asked += 1
        return Health(False, 7, "it is on a fork")

    await stand_still(world, "bitcoin")
    await world.mine("bitcoin")
    monkeypatch.setattr(chain, "health", unfit)
    for _ in range(3):
        await look(world, "bitcoin")
    assert asked == 3


async def test_another_nodes_word_is_waited_for_with_a_scan_each_time(world: World) -> None:
    chain = world.chains["bitcoin"]
    assert isinstance(chain, BitcoinChain)
    chain.compared = True
    await paid(world, "BTC")
    await stand_still(world, "bitcoin")
    assert not await was_read(world, "bitcoin")
    await world.mine("bitcoin")
    await stand_still(world, "bitcoin")
    assert await was_read(world, "bitcoin")


async def test_a_network_is_read_now_and_then_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await stand_still(world, "bitcoin")
    assert not await was_read(world, "bitcoin")
    monkeypatch.setattr(quiet, "BEAT_SECONDS", 0.0)
    assert await was_read(world, "bitcoin")
