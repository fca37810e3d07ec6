"""Consolidation and cold storage on a real Bitcoin node, exact in the books at every step."""

from typing import Any

import pytest

from tests.treasury.moving import COLD, COLD_BITCOIN, House
from tidegate.ledger.rules import house as account

SMALL: dict[str, Any] = {"consolidate_coins": 3}


async def small_deposits(house: House, number: int) -> None:
    user = await house.world.user()
    address = await house.world.address(user, "BTC")
    for _ in range(number):
        await house.world.pay("BTC", address, "0.001")
    await house.world.mine("bitcoin", 2)
    await house.world.scan("bitcoin")


async def test_small_coins_become_one_in_a_cheap_hour(house: House) -> None:
    house.open(**SMALL)
    await small_deposits(house, 4)
    await house.look()
    await house.books_are_exact("bitcoin")
    await house.advance()
    await house.books_are_exact("bitcoin")
    await house.world.mine("bitcoin", 1)
    await house.books_are_exact("bitcoin")
    await house.world.mine("bitcoin", 1)
    await house.advance()
    await house.books_are_exact("bitcoin")
    (row,) = await house.rows()
    assert (row["purpose"], row["outcome"]) == ("consolidation", "final")
    (coin,) = await house.bitcoin.unspent()
    cost = await house.booked("cost:network", "BTC")
    assert coin.change and coin.units == 400_000 - cost
    assert await house.booked("wallet:deposit", "BTC", "bitcoin") == 0
    assert await house.booked("wallet:hot", "BTC", "bitcoin") == coin.units
    await house.look()
    assert len(await house.rows()) == 1, "one coin is nothing to put together"


async def test_few_coins_and_dear_hours_are_left_alone(house: House) -> None:
    await small_deposits(house, 4)
    house.open(consolidate_coins=5)
    await house.look()
    house.open(consolidate_coins=3, consolidate_fee_rate=0)
    await house.look()
    assert await house.rows() == []


async def test_coins_under_way_are_not_put_together_twice(house: House) -> None:
    house.open(**SMALL)
    await small_deposits(house, 4)
    await house.look()
    await house.look()
    assert len(await house.rows()) == 1


@pytest.mark.slow
async def test_a_consolidation_whose_coins_were_spent_elsewhere_gives_the_books_back_what_they_had(
    house: House,
) -> None:
    """Its own coins, spent by another signature of the same keys, as after a restored backup."""
    house.open(**SMALL)
    await small_deposits(house, 4)
    before = await house.booked("wallet:deposit", "BTC", "bitcoin")
    await house.look()
    await house.advance()
    (row,) = await house.rows()
    assert row["booked"] == "sent"
    assert await house.booked("wallet:deposit", "BTC", "bitcoin") == 0
    rival = await house.rival(row["set_id"])
    miner = await house.world.bitcoin.faucet("getnewaddress")
    await house.world.bitcoin.rpc.call("generateblock", miner, [rival])
    await house.world.mine("bitcoin", 6)
    await house.advance()
    (row,) = await house.rows()
    assert (row["outcome"], row["booked"]) == ("dropped", "returned")
    assert await house.booked("wallet:deposit", "BTC", "bitcoin") == before


async def test_what_is_above_the_cap_goes_to_the_cold_address(house: House) -> None:
    await house.funded("BTC", "0.5")
    house.open(cold=COLD, hot_cap={"BTC": "0.2"})
    await house.look()
    await house.books_are_exact("bitcoin")
    await house.advance()
    await house.books_are_exact("bitcoin")
    await house.world.mine("bitcoin", 1)
    await house.books_are_exact("bitcoin")
    await house.settle("bitcoin", 2)
    await house.books_are_exact("bitcoin")
    (row,) = await house.rows()
    assert (row["purpose"], row["address"], row["outcome"]) == ("cold", COLD_BITCOIN, "final")
    assert await house.world.balance(account("wallet:cold", "BTC", "bitcoin")) == 30_000_000
    await house.look()
    assert len(await house.rows()) == 1
