"""From the hot wallet to an exchange: only where the signer's settings say, in transit until the exchange has credited it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.treasury.rebalancing import NETWORKS, Exchange, units
from tidegate.database import utcnow
from tidegate.treasury.moves import Bound
from tidegate.treasury.supply import supply

OURS_THERE = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
PAST = timedelta(hours=1)
"""Past what the steps of our own transaction moved the clock on."""
ELSEWHERE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


async def opened(exchange: Exchange, code: str, cap: str = "5000") -> str:
    """The signer knows our address there; the hot wallet has something to give. The address."""
    house, network = exchange.house, NETWORKS[code]
    address = OURS_THERE if network == "ethereum" else str(await house.world.bitcoin.faucet("getnewaddress"))
    await exchange.receives_at(code, address)
    house.open(venues={exchange.name: {f"{code}@{network}": address}}, to_venue={code: cap})
    await house.funded("ETH" if network == "ethereum" else code, "3")
    if code not in ("ETH", "BTC"):
        await house.funded(code, "4000")
    return address


async def sent(exchange: Exchange, code: str, amount: str) -> bool:
    chain = exchange.house.world.chains[NETWORKS[code]]
    mover, bound = exchange.house.mover, Bound(exchange.name)
    return await supply(mover, chain, exchange.client, code, units(code, amount), bound, now=utcnow())


async def the_move(exchange: Exchange) -> dict[str, Any]:
    async with exchange.house.world.db.reading() as session:
        found = await session.execute(text("SELECT * FROM venue_moves"))
        return dict(found.mappings().one())


@pytest.mark.parametrize(
    ("exchange", "code", "amount"),
    [
        ("binance", "USDT", "1000"),
        ("kraken", "BTC", "0.5"),
        pytest.param("coinbase", "USDT", "1000", marks=pytest.mark.slow),
        pytest.param("coinbase", "BTC", "0.5", marks=pytest.mark.slow),
        pytest.param("kraken", "ETH", "0.5", marks=pytest.mark.slow),
    ],
    indirect=["exchange"],
)
async def test_what_is_sent_is_in_transit_until_the_exchange_has_it_and_every_book_is_exact(
    exchange: Exchange, code: str, amount: str
) -> None:
    network, house = NETWORKS[code], exchange.house
    await opened(exchange, code)
    hot, there = await exchange.booked("wallet:hot", code), await exchange.held(code)
    assert await sent(exchange, code, amount)
    assert not await sent(exchange, code, amount)
    await exchange.books_are_exact(network)
    await house.advance()
    assert await exchange.booked("in_transit", code) == units(code, amount)
    await exchange.books_are_exact(network)
    await house.world.mine(network, 1)
    await exchange.books_are_exact(network)
    await house.settle(network)
    row = await the_move(exchange)
    assert (row["state"], row["booked"]) == ("pending", "sent")
    assert await exchange.booked("in_transit", code) == units(code, amount)
    assert await exchange.held(code) == there
    await exchange.books_are_exact(network)
    await exchange.step(after=PAST)
    assert (await the_move(exchange))["state"] == "pending"
    exchange.credit(code, amount, row["txid"])
    await exchange.books_are_exact(network)
    await exchange.step(after=PAST)
    row = await the_move(exchange)
    assert (row["state"], row["booked"]) == ("arrived", "arrived")
    assert await exchange.booked("in_transit", code) == 0
    assert await exchange.held(code) == there + units(code, amount)
    fee = await exchange.booked("cost:network", code) if code != "USDT" else 0
    assert await exchange.booked("wallet:hot", code) == hot - units(code, amount) - fee
    await exchange.books_are_exact(network)


async def test_an_exchange_that_names_another_address_gets_nothing(exchange: Exchange) -> None:
    await opened(exchange, "USDT")
    await exchange.receives_at("USDT", ELSEWHERE)
    assert not await sent(exchange, "USDT", "1000")
    assert exchange.house.door.asked == []
    assert await exchange.house.rows() == []


async def test_the_signer_sends_no_more_than_its_own_bound_and_the_money_is_in_the_hot_wallet(
    exchange: Exchange,
) -> None:
    await opened(exchange, "USDT", cap="999.999999")
    hot = await exchange.booked("wallet:hot", "USDT")
    assert await sent(exchange, "USDT", "1000")
    await exchange.house.advance()
    row = await the_move(exchange)
    assert (row["state"], row["booked"]) == ("failed", "nothing")
    assert "above_cap" in row["reason"]
    assert await exchange.booked("wallet:hot", "USDT") == hot
    assert await exchange.booked("in_transit", "USDT") == 0
    await exchange.books_are_exact("ethereum")


async def test_a_move_whose_row_says_another_address_pays_the_signers_and_is_never_booked_as_arrived(
    exchange: Exchange,
) -> None:
    await opened(exchange, "USDT")
    assert await sent(exchange, "USDT", "1000")
    async with exchange.house.world.db.transaction() as session:
        await session.execute(text("UPDATE moves SET address = :there"), {"there": ELSEWHERE})
    before = await exchange.house.on_chain(ELSEWHERE, "USDT")
    await exchange.house.settle()
    assert await exchange.house.on_chain(ELSEWHERE, "USDT") == before
    assert (await the_move(exchange))["state"] == "moving"


@pytest.mark.slow
async def test_what_the_exchange_credits_otherwise_than_sent_is_for_a_person(exchange: Exchange) -> None:
    await opened(exchange, "USDT")
    assert await sent(exchange, "USDT", "1000")
    await exchange.house.settle()
    exchange.credit("USDT", "990", (await the_move(exchange))["txid"])
    await exchange.step(after=PAST)
    row = await the_move(exchange)
    assert row["state"] == "pending"
    assert "credited 990" in row["trouble"]
