"""A payout for which the money is there, in more coins than one transaction can spend."""

import pytest

from tests.transactions.test_refits import mover_of
from tests.transactions.test_sets import payouts, queued, stranger, work
from tests.transactions.world import World
from tidegate.chains.bitcoin.choose import choose_coins
from tidegate.chains.families import Coin, NotEnough
from tidegate.database import utcnow
from tidegate.transactions import store
from tidegate.treasury import liquidity, move_rules


async def look(world: World) -> None:
    async with world.db.reading() as session:
        waits, largest = await store.queued_units(session), await store.largest_short(session)
    await liquidity.look(mover_of(world), waits, utcnow(), largest)


async def test_a_payout_beyond_the_largest_coins_waits_for_liquidity_and_a_person_is_told_to_consolidate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_rules, "MOST_GATHERED", 2)
    world.bitcoin.most_inputs = 2
    (done,) = await payouts(world, [stranger(1)], each=250_000)
    ((outpoint, coin),) = world.bitcoin.coins.items()
    del world.bitcoin.coins[outpoint]
    for units in (100_000, 120_000, 110_000):
        world.bitcoin.receive(coin.address, units, change=False)
    await queued(world)
    await work(world, 2)
    assert await world.standing(done) == ("queued", "awaiting_liquidity")
    detail = await world.one("SELECT detail FROM withdrawals")
    assert "230000 free in as many coins as one transaction takes, 100000 in others" in detail
    await look(world)
    ((kind, units, reason),) = await world.rows("SELECT kind, units::int, reason FROM treasury_proposals")
    assert (kind, units) == ("refill", 250_000 + 2 * 154 - (230_000 - 2 * 2 * 68))
    assert "consolidate" in reason
    # In a cheap hour the house does it by itself, with the coins that help most.
    spent = await world.rows("SELECT i.units::int FROM reserved_inputs i JOIN moves m USING (set_id) ORDER BY 1")
    assert spent == [(110_000,), (120_000,)]
    await world.sql("UPDATE reserved_inputs SET released_at = now()")
    await world.stock(BTC=200_000)
    await work(world, 9, mine=1)
    assert await world.standing(done) == ("completed", None)
    await look(world)
    assert await world.rows("SELECT state FROM treasury_proposals") == [("done",)]


@pytest.mark.slow
async def test_in_a_dear_hour_only_the_person_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(move_rules, "MOST_GATHERED", 2)
    world.bitcoin.most_inputs, world.bitcoin.rate = 2, 50
    await payouts(world, [stranger(1)], each=250_000)
    ((outpoint, coin),) = world.bitcoin.coins.items()
    del world.bitcoin.coins[outpoint]
    for units in (100_000, 120_000, 110_000):
        world.bitcoin.receive(coin.address, units, change=False)
    await queued(world)
    await work(world, 2)
    await look(world)
    assert await world.rows("SELECT kind, state FROM treasury_proposals") == [("refill", "open")]
    assert await world.rows("SELECT 1 FROM moves") == []


def test_what_is_said_to_be_free_is_what_one_transaction_can_spend() -> None:
    coins = [Coin(f"{number:064x}", 0, 10_000 + number, "", 6, change=True) for number in range(130)]
    with pytest.raises(NotEnough) as told:
        choose_coins(coins, deliver_units=1_200_000, output_kinds=["p2wpkh"], fee_rate=1)
    assert told.value.available_units == sum(10_000 + number for number in range(30, 130))
    assert told.value.beyond_units == sum(10_000 + number for number in range(30))


def test_the_reach_of_a_wallet_is_that_of_its_hundred_largest_coins() -> None:
    assert move_rules.reach_of([1_000] * 150 + [50], 100) == 100 * 900
    assert move_rules.out_of_reach(90_000, 90_000) is None
    need = move_rules.out_of_reach(90_001, 90_000)
    assert need is not None
    assert need.units == 1
