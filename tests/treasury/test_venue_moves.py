"""From an exchange to the hot wallet: asked for once, booked through in_transit, exact at every step, at all three."""

import uuid

import pytest

from tests.treasury.rebalancing import Exchange, Killed, units
from tidegate.refusal import Refusal
from tidegate.treasury import fetch, receive

FINAL = {"ethereum": 18, "bitcoin": 12}


WAYS = [
    pytest.param("binance", "USDT", "1000"),
    pytest.param("coinbase", "BTC", "0.5"),
    *(
        pytest.param(dialect, code, amount, marks=pytest.mark.slow)
        for dialect, code, amount in (
            ("binance", "BTC", "0.5"),
            ("coinbase", "USDT", "1000"),
            ("kraken", "USDT", "1000"),
            ("kraken", "BTC", "0.5"),
        )
    ),
]


@pytest.mark.parametrize(("exchange", "code", "amount"), WAYS, indirect=["exchange"])
async def test_a_withdrawal_ends_in_the_hot_wallet_and_every_book_is_exact_at_every_step(
    exchange: Exchange, code: str, amount: str
) -> None:
    network = "bitcoin" if code == "BTC" else "ethereum"
    before, asked = await exchange.held(code), units(code, amount)
    move = await exchange.wanted(code, amount)
    await exchange.books_are_exact(network)
    await exchange.step()
    assert (await exchange.row(move))["state"] == "pending"
    assert await exchange.booked("in_transit", code) == asked
    assert await exchange.held(code) == before - asked
    await exchange.books_are_exact(network)
    await exchange.pay_out(network)
    await exchange.books_are_exact(network)
    await exchange.house.world.mine(network, 1)
    await exchange.books_are_exact(network)
    await exchange.step()
    await exchange.step()
    row = await exchange.row(move)
    assert (row["state"], row["booked"]) == ("pending", "sent")
    await exchange.books_are_exact(network)
    await exchange.house.world.mine(network, FINAL[network])
    await exchange.step()
    row = await exchange.row(move)
    assert (row["state"], row["trouble"], row["reason"]) == ("arrived", None, None)
    fee = units(code, "2" if code == "USDT" else "0.0001")
    on_top = exchange.name == "coinbase"
    assert await exchange.booked("in_transit", code) == 0
    assert await exchange.booked("wallet:hot", code) == asked - (0 if on_top else fee)
    assert await exchange.booked("cost:venue", code) == fee
    assert await exchange.held(code) == before - asked - (fee if on_top else 0)
    await exchange.books_are_exact(network)
    # Nobody's money: no customer was credited, and it cannot be booked as capital beside.
    assert await exchange.booked("suspense", code) == 0
    chain = exchange.house.world.chains[network]
    with pytest.raises(Refusal):
        await receive.receive(
            exchange.house.world.db, exchange.house.world.lane, chain, txid=row["txid"], asset=code, from_cold=False
        )


FAULTS = [
    pytest.param("kraken", "venue_timeout_after_accept"),
    *(
        pytest.param(dialect, fault, marks=pytest.mark.slow)
        for dialect in ("binance", "coinbase", "kraken")
        for fault in ("venue_timeout_after_accept", "venue_error_after_accept", "venue_html_after_accept")
        if (dialect, fault) != ("kraken", "venue_timeout_after_accept")
    ),
]


@pytest.mark.parametrize(("exchange", "fault"), FAULTS, indirect=["exchange"])
async def test_an_answer_that_is_lost_is_looked_for_and_nothing_is_asked_twice(exchange: Exchange, fault: str) -> None:
    exchange.running.fault(fault, times=1, seconds=0.0)
    move = await exchange.wanted("USDT", "1000")
    await exchange.step()
    assert (await exchange.row(move))["state"] == "unknown"
    await exchange.books_are_exact("ethereum")
    await exchange.step()
    row = await exchange.row(move)
    assert (row["state"], exchange.withdrawals()) == ("pending", 1)
    assert row["venue_id"]
    await exchange.books_are_exact("ethereum")
    await _to_the_end(exchange, move)
    assert exchange.withdrawals() == 1


async def test_a_withdrawal_that_the_exchange_never_heard_of_ends_after_the_settle_window(exchange: Exchange) -> None:
    exchange.running.fault("venue_error_before_accept", times=1)
    move, before = await exchange.wanted("USDT", "1000"), await exchange.held("USDT")
    await exchange.step()
    await exchange.step()
    await exchange.step()
    assert (await exchange.row(move))["state"] == "unknown"
    await exchange.step()
    row = await exchange.row(move)
    assert (row["state"], row["booked"]) == ("failed", "nothing")
    assert exchange.withdrawals() == 0
    assert await exchange.held("USDT") == before
    await exchange.books_are_exact("ethereum")


POINTS = [
    "V.ask:before",
    "V.ask:after",
    pytest.param("V.left:after", marks=pytest.mark.slow),
    pytest.param("V.arrival:before", marks=pytest.mark.slow),
    "V.arrival:after",
]


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_is_killed_makes_one_withdrawal_or_none_and_books_it_once(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def dies(name: str) -> None:
        if name == point:
            raise Killed(name)

    monkeypatch.setattr(fetch, "reach", dies)
    move = await exchange.wanted("USDT", "1000")
    with pytest.raises(Killed):
        await _to_the_end(exchange, move)
    monkeypatch.undo()
    if point == "V.ask:before":
        # Nothing left, and nobody may ask again: it is over once that is sure.
        for _ in range(4):
            await exchange.step()
        assert ((await exchange.row(move))["state"], exchange.withdrawals()) == ("failed", 0)
        await exchange.books_are_exact("ethereum")
        return
    await exchange.books_are_exact("ethereum")
    await _to_the_end(exchange, move)
    assert exchange.withdrawals() == 1
    assert await exchange.booked("wallet:hot", "USDT") == units("USDT", "998")
    assert await exchange.booked("cost:venue", "USDT") == units("USDT", "2")


@pytest.mark.slow
async def test_what_the_exchange_does_not_pay_is_back_in_its_account(exchange: Exchange) -> None:
    before = await exchange.held("USDT")
    move = await exchange.wanted("USDT", "1000")
    await exchange.step()
    funding = exchange.running.world.funding
    funding.fail(next(iter(funding.withdrawals)), exchange.running.world.now())
    await exchange.books_are_exact("ethereum")
    await exchange.step()
    row = await exchange.row(move)
    assert (row["state"], row["booked"]) == ("failed", "returned")
    assert await exchange.held("USDT") == before
    assert await exchange.booked("in_transit", "USDT") == 0
    await exchange.books_are_exact("ethereum")


async def test_what_the_exchange_refuses_moves_nothing(exchange: Exchange) -> None:
    mine = exchange.client
    exchange.client = exchange.running.client(exchange.running.accounts[2])
    move = await exchange.wanted("USDT", "1000")
    await exchange.step()
    await exchange.client.close()
    exchange.client = mine
    row = await exchange.row(move)
    assert (row["state"], row["booked"]) == ("refused", "nothing")
    assert "credentials" in row["reason"]
    assert exchange.withdrawals() == 0
    await exchange.books_are_exact("ethereum")


async def test_a_row_that_names_another_address_is_never_asked_for(exchange: Exchange) -> None:
    move = await exchange.wanted("USDT", "1000", address="0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
    await exchange.step()
    row = await exchange.row(move)
    assert row["state"] == "refused"
    assert "is not our hot address" in row["reason"]
    assert exchange.withdrawals() == 0


async def test_a_transaction_that_brings_another_amount_is_booked_by_nobody_and_a_person_is_told(
    exchange: Exchange,
) -> None:
    move = await exchange.wanted("USDT", "1000")
    await exchange.step()
    funding, world = exchange.running.world.funding, exchange.house.world
    address = world.chains["ethereum"].hot_address
    txid = await world.pay("USDT", address, "900")
    funding.complete(next(iter(funding.withdrawals)), txid, exchange.running.world.now())
    await world.mine("ethereum", FINAL["ethereum"])
    await exchange.step()
    await exchange.step()
    row = await exchange.row(move)
    assert (row["state"], row["booked"]) == ("pending", "sent")
    assert "brought 900000000 of 1000000000 units" in row["trouble"]
    assert await exchange.booked("wallet:hot", "USDT") == 0


async def _to_the_end(exchange: Exchange, move: uuid.UUID) -> None:
    await exchange.step()
    await exchange.pay_out("ethereum", FINAL["ethereum"])
    await exchange.step()
    await exchange.step()
    assert (await exchange.row(move))["state"] == "arrived"
    await exchange.books_are_exact("ethereum")
