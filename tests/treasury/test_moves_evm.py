"""Sweeps and top-ups on a real EVM chain: worth their cost, once at a time, and exact in the books at every step."""

import asyncio
from datetime import timedelta

import pytest
from eth_utils.crypto import keccak
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.treasury.moving import House
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import WouldRevert
from tidegate.database import utcnow
from tidegate.signing.messages import Answer, Denied, SignMove
from tidegate.treasury import move_sign, moves, sweep
from tidegate.treasury.rules import Purpose


async def blacklist(house: House, address: str) -> None:
    """From now on the token's contract refuses this sender."""
    evm = house.world.evm
    call = {"from": (await evm.accounts())[0], "to": evm.tokens["USDT"], "gas": hex(200_000)}
    data = "0x" + keccak(text="setBlackListed(address,bool)")[:4].hex() + address[2:].lower().rjust(64, "0")
    await evm.rpc.call("eth_sendTransaction", call | {"data": data + f"{1:064x}"})
    await evm.mine(1)


async def test_an_ether_sweep_leaves_nothing_and_the_books_are_exact_at_every_step(house: House) -> None:
    address = await house.deposited("ETH", "1.5")
    await house.books_are_exact()
    await house.look()
    await house.books_are_exact()
    await house.advance()
    await house.books_are_exact()
    assert await house.booked("in_transit", "ETH") > 0
    await house.world.mine("ethereum")
    await house.books_are_exact()
    await house.world.mine("ethereum", 2)
    await house.advance()
    await house.books_are_exact()
    assert await house.on_chain(address) == 0
    (row,) = await house.rows()
    assert (row["purpose"], row["outcome"], row["booked"]) == ("sweep", "final", "arrived")
    cost = await house.booked("cost:network", "ETH")
    assert await house.booked("wallet:hot", "ETH", "ethereum") == 15 * 10**17 - cost
    assert await house.booked("wallet:deposit", "ETH", "ethereum") == 0
    assert await house.booked("in_transit", "ETH") == 0


@pytest.mark.slow
async def test_a_swept_deposit_is_not_swept_again(house: House) -> None:
    await house.deposited("ETH", "1.5")
    await house.look()
    await house.settle()
    await house.look()
    assert len(await house.rows()) == 1


async def test_a_token_needs_ether_first_and_what_is_left_serves_the_next_sweep(house: House) -> None:
    await house.funded("ETH", "2")
    address = await house.deposited("USDT", "500")
    await house.look()
    await house.look()
    (top_up,) = await house.rows()
    assert top_up["purpose"] == "top_up" and top_up["address"] == address
    await house.advance()
    await house.books_are_exact()
    await house.world.mine("ethereum")
    await house.advance()
    await house.look()
    assert len(await house.rows()) == 1, "the top-up is waited for until it is deep"
    await house.books_are_exact()
    await house.world.mine("ethereum", 2)
    await house.advance()
    await house.look()
    _, sweep = await house.rows()
    assert sweep["purpose"] == "sweep" and sweep["units"] == 500 * 10**6
    await house.books_are_exact()
    await house.settle()
    await house.books_are_exact()
    assert await house.on_chain(address, "USDT") == 0
    assert await house.booked("wallet:hot", "USDT", "ethereum") == 500 * 10**6
    left = await house.on_chain(address)
    assert 0 < left == await house.booked("wallet:deposit", "ETH", "ethereum")


async def test_below_the_multiple_of_its_cost_nothing_is_swept(house: House) -> None:
    await house.funded("ETH", "1")
    await house.deposited("ETH", "0.001")
    await house.deposited("USDT", "1")
    house.open(sweep_min_multiple=200)
    await house.look()
    assert await house.rows() == []


@pytest.mark.slow
async def test_one_address_has_one_move_at_a_time(house: House) -> None:
    await house.funded("ETH", "2")
    await house.deposited("USDT", "500")
    await house.look()
    (row,) = await house.rows()
    with pytest.raises(IntegrityError):
        async with house.world.db.transaction() as session:
            await moves.add(
                session,
                network="ethereum",
                purpose=Purpose.SWEEP,
                asset="ETH",
                units=5,
                address="x",
                plan={},
                now=utcnow(),
                index=row["address_index"],
            )


async def test_a_lost_answer_of_the_signer_moves_nothing_twice(house: House) -> None:
    await house.deposited("ETH", "1.5")
    await house.look()
    house.door.silent = 1
    await house.settle()
    await house.settle()
    assert len(house.door.asked) == 2 and house.door.asked[0] == house.door.asked[1]
    (row,) = await house.rows()
    assert row["outcome"] == "final"
    await house.books_are_exact()


@pytest.mark.slow
async def test_a_sweep_that_the_chain_reverts_costs_its_gas_and_is_tried_later(house: House) -> None:
    await house.funded("ETH", "2")
    address = await house.deposited("USDT", "500")
    await house.look()
    await house.settle()
    await house.look()
    await blacklist(house, address)
    await house.settle(blocks=18)
    *_, sweep = await house.rows()
    assert (sweep["outcome"], sweep["booked"]) == ("reverted", "returned")
    assert await house.booked("wallet:deposit", "USDT", "ethereum") == 500 * 10**6
    assert await house.booked("in_transit", "USDT") == 0
    assert await house.on_chain(address) == await house.booked("wallet:deposit", "ETH", "ethereum")
    await house.look()
    assert len(await house.rows()) == 2, "not again at once"


@pytest.mark.slow
async def test_a_top_up_that_a_reorg_takes_back_is_sent_again_and_waited_for(house: House) -> None:
    await house.funded("ETH", "2")
    await house.world.mine("ethereum", 5)
    address = await house.deposited("USDT", "500")
    await house.look()
    await house.advance()
    await house.world.mine("ethereum", 2)
    await house.advance()
    assert await house.on_chain(address) > 0
    await house.world.evm.rpc.call("anvil_reorg", 2, [])
    assert await house.on_chain(address) == 0
    await house.books_are_exact()
    await house.advance()
    await house.look()
    (row,) = await house.rows()
    assert row["ended_at"] is None
    await house.settle()
    (row,) = await house.rows()
    assert row["outcome"] == "final"
    assert await house.on_chain(address) == row["units"]
    await house.books_are_exact()


@pytest.mark.slow
async def test_a_top_up_that_keeps_payouts_waiting_is_made_dearer_and_one_of_both_is_mined(house: House) -> None:
    await house.funded("ETH", "2")
    await house.deposited("USDT", "500")
    await house.look()
    await house.advance()
    evm = house.world.evm
    base = await evm.rpc.call("eth_getBlockByNumber", "latest", False)
    await evm.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(8 * (int(base["baseFeePerGas"], 16) + 10**9)))
    await evm.mine(1)
    await house.advance()
    await house.advance()
    async with house.world.db.reading() as session:
        rows = (await session.execute(text("SELECT state, replaces FROM attempts ORDER BY created_at"))).all()
    assert len(rows) == 2 and rows[1].replaces is not None
    await house.books_are_exact()
    await house.settle()
    (row,) = await house.rows()
    assert row["outcome"] == "final"
    async with house.world.db.reading() as session:
        states = (await session.scalars(text("SELECT state FROM attempts ORDER BY created_at"))).all()
    assert states == ["replaced", "final"]
    await house.books_are_exact()
    await evm.mine(60)  # the price falls by an eighth a block


@pytest.mark.slow
async def test_a_dearer_top_up_that_the_signer_denies_is_not_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.funded("ETH", "2")
    await house.deposited("USDT", "500")
    await house.look()
    await house.advance()
    sign = house.door.sign_move

    async def denies(move: SignMove) -> Answer:
        return Denied("fee_too_high", "above the bound") if getattr(move, "replaces", "") else await sign(move)

    monkeypatch.setattr(house.door, "sign_move", denies)
    evm = house.world.evm
    base = await evm.rpc.call("eth_getBlockByNumber", "latest", False)
    await evm.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(8 * (int(base["baseFeePerGas"], 16) + 10**9)))
    await evm.mine(1)
    for _ in range(3):
        await house.advance()
    async with house.world.db.reading() as session:
        states = (await session.scalars(text("SELECT state FROM attempts ORDER BY created_at"))).all()
        capped = (await session.scalars(text("SELECT capped FROM attempt_sets"))).all()
    assert states[1:] == ["dropped"]
    assert capped == ["the signer refuses it: fee_too_high"]
    await evm.mine(60)  # the price falls by an eighth a block
    await house.settle()
    (row,) = await house.rows()
    assert row["outcome"] == "final"
    await house.books_are_exact()


@pytest.mark.slow
async def test_one_moves_trouble_is_its_own_and_it_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.deposited("ETH", "1.5")
    await house.deposited("ETH", "1.5")
    await house.look()
    sign, broken = move_sign.sign, (await house.rows())[0]["set_id"]

    async def breaks(job: moves.Job) -> timedelta | None:
        if job.row.set_id == broken:
            raise RuntimeError("a fault of ours")
        return await sign(job)

    monkeypatch.setattr(move_sign, "sign", breaks)
    await house.advance()
    assert sorted(row["booked"] for row in await house.rows()) == ["nothing", "sent"]
    monkeypatch.undo()
    await house.settle()
    assert {row["outcome"] for row in await house.rows()} == {"final"}


@pytest.mark.slow
async def test_an_ether_sweep_that_would_revert_is_left_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.deposited("ETH", "1.5")

    async def reverts(*_: object) -> int:
        raise WouldRevert("execution reverted")

    monkeypatch.setattr(EvmChain, "gas_from", reverts)
    assert await sweep.sweep(house.mover, house.evm, above_cap=frozenset(), now=utcnow()) == 0
    assert await house.rows() == []


@pytest.mark.slow
async def test_two_workers_that_look_at_once_start_one_move(house: House) -> None:
    await house.funded("ETH", "2")
    await house.deposited("USDT", "500")
    await asyncio.gather(house.look(), house.look(), house.advance(), house.advance())
    await house.settle()
    async with house.world.db.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM attempts"))).scalar_one() == 1
    await house.books_are_exact()


async def test_money_in_transit_cannot_be_forgotten(house: House) -> None:
    """Even by one who writes to the database as the worker."""
    await house.deposited("ETH", "1.5")
    await house.look()
    await house.advance()
    (row,) = await house.rows()
    assert row["booked"] == "sent"
    for attack in ("UPDATE moves SET ended_at = now()", "UPDATE moves SET booked = 'lost'"):
        with pytest.raises(IntegrityError):
            async with house.world.db.transaction() as session:
                await session.execute(text(attack))
