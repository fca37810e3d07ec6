"""How much the hot wallet holds: proposals that appear and go, cold storage, money that the operator sends."""

import uuid

import pytest
from sqlalchemy import text

from tests.treasury.moving import COLD, COLD_ETHEREUM, House
from tidegate.refusal import Refusal
from tidegate.treasury import desk, receive

WAITS = {("ethereum", "USDT"): 700 * 10**6}


async def refills(house: House, state: str | None = "open") -> list[tuple[str, str, str]]:
    page = await desk.proposals(house.world.db, state=state, limit=50, before=None)
    return [(one.kind, one.asset, one.amount) for one in page.items]


async def test_a_refill_is_proposed_while_withdrawals_wait_and_closes_when_the_money_is_there(house: House) -> None:
    await house.funded("USDT", "200")
    house.queued = WAITS
    await house.look()
    await house.look()
    assert await refills(house) == [("refill", "USDT", "500.000000")]
    await house.funded("USDT", "100")
    await house.look()
    assert await refills(house) == [("refill", "USDT", "400.000000")]
    await house.funded("USDT", "400")
    await house.look()
    assert await refills(house) == []
    assert await refills(house, "done") == [("refill", "USDT", "400.000000")]


async def test_below_the_floor_a_refill_is_proposed(house: House) -> None:
    house.open(hot_floor={"ETH": "1"})
    await house.look()
    assert await refills(house) == [("refill", "ETH", "1.000000000000000000")]


async def test_a_dismissed_proposal_comes_back_when_more_is_needed(house: House) -> None:
    house.queued = WAITS
    await house.look()
    (one,) = (await desk.proposals(house.world.db, state="open", limit=5, before=None)).items
    for _ in range(2):
        assert (await desk.dismiss(house.world.db, proposal_id=one.id, by="t@demo.example")).state == "dismissed"
    await house.look()
    assert await refills(house) == []
    house.queued = {("ethereum", "USDT"): 800 * 10**6}
    await house.look()
    assert await refills(house) == [("refill", "USDT", "800.000000")]
    with pytest.raises(Refusal):
        await desk.dismiss(house.world.db, proposal_id=uuid.uuid4(), by="t@demo.example")


async def test_too_much_without_a_cold_address_is_proposed(house: House) -> None:
    await house.funded("USDT", "900")
    house.open(hot_cap={"USDT": "300"})
    await house.look()
    assert await refills(house) == [("surplus", "USDT", "600.000000")]
    assert await house.rows() == []


async def test_what_is_above_the_cap_goes_to_cold_storage_after_the_withdrawals_that_wait(house: House) -> None:
    await house.funded("ETH", "1")
    await house.funded("USDT", "900")
    house.open(cold=COLD, hot_cap={"USDT": "100"})
    house.queued = WAITS
    await house.look()
    await house.books_are_exact()
    await house.advance()
    await house.books_are_exact()
    await house.world.mine("ethereum")
    await house.books_are_exact()
    await house.settle()
    await house.books_are_exact()
    (row,) = await house.rows()
    assert (row["purpose"], row["units"], row["outcome"]) == ("cold", 100 * 10**6, "final")
    assert await house.on_chain(COLD_ETHEREUM, "USDT") == 100 * 10**6
    assert await house.booked("wallet:cold", "USDT", "ethereum") == 100 * 10**6


@pytest.mark.slow
async def test_above_the_cap_sweeps_go_past_the_hot_wallet(house: House) -> None:
    await house.funded("ETH", "1")
    await house.deposited("ETH", "1.5")
    house.open(cold=COLD, hot_cap={"ETH": "1"})
    before = await house.on_chain(COLD_ETHEREUM)
    await house.look()
    await house.settle()
    (row,) = await house.rows()
    assert (row["purpose"], row["to_cold"], row["outcome"]) == ("sweep", True, "final")
    assert await house.on_chain(COLD_ETHEREUM) == before + row["units"]
    assert await house.booked("wallet:cold", "ETH", "ethereum") == row["units"]
    await house.books_are_exact()


async def test_a_signer_without_the_cold_address_moves_nothing_there(house: House) -> None:
    """The database and the worker may say what they like: the address is the signer's own."""
    await house.funded("ETH", "1")
    await house.funded("USDT", "900")
    house.open(hot_cap={"USDT": "100"})
    house.cold |= COLD
    await house.look()
    await house.advance()
    (row,) = await house.rows()
    assert row["outcome"] == "dropped" and row["reason"].startswith("no_cold_address")
    await house.look()
    assert len(await house.rows()) == 1, "not again at once"
    await house.books_are_exact()


async def test_money_that_the_operator_sends_is_booked_once_when_it_is_deep(house: House) -> None:
    txid = await house.world.pay("USDT", house.evm.hot_address, "250")

    async def book(asset: str = "USDT", hash_of: str = txid) -> tuple[int, bool]:
        return await receive.receive(
            house.world.db, house.world.lane, house.evm, txid=hash_of, asset=asset, from_cold=False
        )

    with pytest.raises(Refusal, match="confirmations"):
        await book()
    await house.world.mine("ethereum", 3)
    with pytest.raises(Refusal, match="no ETH"):
        await book("ETH")
    assert await book() == (250 * 10**6, True)
    assert await book() == (250 * 10**6, False)
    assert await house.booked("wallet:hot", "USDT", "ethereum") == 250 * 10**6
    await house.books_are_exact()


async def test_our_own_transactions_are_no_refill(house: House) -> None:
    await house.deposited("ETH", "1.5")
    await house.look()
    await house.settle()
    async with house.world.db.reading() as session:
        txid = (await session.execute(text("SELECT txid FROM attempts"))).scalar_one()
    with pytest.raises(Refusal, match="our own"):
        await receive.receive(house.world.db, house.world.lane, house.evm, txid=txid, asset="ETH", from_cold=False)


@pytest.mark.slow
async def test_a_refill_from_cold_storage_is_taken_from_what_the_books_have_there(house: House) -> None:
    txid = await house.world.pay("BTC", house.bitcoin.hot_address, "0.3")
    await house.world.mine("bitcoin", 2)

    async def book() -> tuple[int, bool]:
        return await receive.receive(
            house.world.db, house.world.lane, house.bitcoin, txid=txid, asset="BTC", from_cold=True, fee_units=500
        )

    with pytest.raises(Refusal, match="books refuse"):
        await book()
    await house.stored_cold("BTC", 40_000_000, "bitcoin")
    assert await book() == (30_000_000, True)
    assert await house.booked("wallet:cold", "BTC", "bitcoin") == 10_000_000 - 500
    await house.books_are_exact("bitcoin")
