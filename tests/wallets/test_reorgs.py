"""What the chain takes back: the books follow, nobody is credited for what is gone, and a debt is repaid first."""

import uuid
from datetime import timedelta

import pytest

from tests.wallets.world import AMOUNTS, World, credited, paid, units
from tidegate.database import utcnow
from tidegate.ledger.rules import Posting, Transfer, Verdict, customer, house
from tidegate.wallets import audit, deposits, rules


async def reorg_bitcoin(world: World, depth: int) -> None:
    """Take the last blocks away and make more empty ones; their transactions wait again."""
    height = await world.bitcoin.height()
    dead = await world.bitcoin.rpc.call("getblockhash", height - depth + 1)
    await world.bitcoin.rpc.call("invalidateblock", dead)
    # Paid to a fresh address: the very block that was just invalidated would be refused.
    nobody = await world.bitcoin.faucet("getnewaddress")
    for _ in range(depth + 1):
        await world.bitcoin.rpc.call("generateblock", nobody, [])


@pytest.mark.slow
async def test_a_bitcoin_deposit_that_leaves_its_block_is_taken_back_and_credited_again(world: World) -> None:
    user = await credited(world, "BTC")
    await reorg_bitcoin(world, 2)
    await world.scan("bitcoin")
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["sub_status"], deposit["booked"]) == ("reorged", "reorged", None)
    assert await world.available(user, "BTC") == "0.00000000"
    assert await world.balance(house("wallet:deposit", "BTC", "bitcoin")) == 0
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "credited"
    assert await world.available(user, "BTC") == AMOUNTS["BTC"]
    # And once more: each round is booked under its own key.
    await reorg_bitcoin(world, 2)
    await world.scan("bitcoin")
    assert await world.available(user, "BTC") == "0.00000000"
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert await world.available(user, "BTC") == AMOUNTS["BTC"]


async def test_a_bitcoin_deposit_double_spent_in_a_reorg_is_gone_for_good(world: World) -> None:
    user = await world.user()
    address = await world.address(user, "BTC")
    coin = (await world.bitcoin.faucet("listunspent"))[0]
    inputs = [{"txid": coin["txid"], "vout": coin["vout"]}]
    theft = await world.bitcoin.faucet("getnewaddress")
    signed = []
    for target in (address, theft):
        raw = await world.bitcoin.rpc.call(
            "createrawtransaction", inputs, {target: str(coin["amount"] - type(coin["amount"])("0.001"))}
        )
        signed.append((await world.bitcoin.faucet("signrawtransactionwithwallet", raw))["hex"])
    await world.bitcoin.rpc.call("sendrawtransaction", signed[0], 0)
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "credited"
    dead = await world.bitcoin.rpc.call("getblockhash", await world.bitcoin.height() - 1)
    await world.bitcoin.rpc.call("invalidateblock", dead)
    await world.bitcoin.rpc.call("generateblock", theft, [signed[1]])
    await world.mine("bitcoin", 3)
    await world.scan("bitcoin")
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["booked"]) == ("reorged", None)
    assert deposit["confirmations"] < 0
    assert await world.available(user, "BTC") == "0.00000000"
    await world.scan("bitcoin", utcnow() + rules.GIVE_UP_AFTER + timedelta(days=1))
    assert (await world.deposit(user))["final_at"] is not None
    assert await world.balance(house("wallet:deposit", "BTC", "bitcoin")) == 0


async def test_an_unconfirmed_bitcoin_deposit_that_its_sender_replaces_is_said_to_be_replaced(world: World) -> None:
    user = await world.user()
    txid = await world.bitcoin.faucet("sendtoaddress", await world.address(user, "BTC"), "0.5")
    await world.scan("bitcoin")
    raw = await world.bitcoin.rpc.call("getrawtransaction", txid, True)
    inputs = [{"txid": one["txid"], "vout": one["vout"], "sequence": 0} for one in raw["vin"]]
    total = sum(
        [
            (await world.bitcoin.rpc.call("getrawtransaction", one["txid"], True))["vout"][one["vout"]]["value"]
            for one in raw["vin"]
        ]
    )
    back = await world.bitcoin.faucet("getnewaddress")
    other = await world.bitcoin.rpc.call("createrawtransaction", inputs, {back: str(total - type(total)("0.01"))})
    rival = (await world.bitcoin.faucet("signrawtransactionwithwallet", other))["hex"]
    await world.bitcoin.rpc.call("sendrawtransaction", rival, 0)
    await world.mine("bitcoin")
    await world.scan("bitcoin")
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["sub_status"]) == ("reorged", "replaced")
    shown = await deposits.get(world.cashier, user_id=user, deposit_id=deposit["id"])
    assert (shown.waiting_for, shown.expected_by, shown.confirmations) == (None, None, 0)


@pytest.mark.parametrize("code", ["ETH", "USDT"])
async def test_an_evm_deposit_that_leaves_its_block_is_taken_back_and_credited_again(world: World, code: str) -> None:
    user = await world.user()
    address = await world.address(user, code)
    txid = await world.pay(code, address, AMOUNTS[code])
    raw = await world.evm.rpc.call("eth_getRawTransactionByHash", txid)
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert await world.available(user, code) == AMOUNTS[code]
    await world.evm.rpc.call("anvil_reorg", 3, [])
    await world.mine("ethereum")
    await world.scan("ethereum")
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["booked"]) == ("reorged", None)
    assert await world.available(user, code) == await world.available(uuid.uuid4(), code)
    await world.evm.rpc.call("eth_sendRawTransaction", raw)
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert await world.available(user, code) == AMOUNTS[code]
    assert [d["state"] for d in await world.deposits(user) if d["booked"]] == ["credited"]


async def spend(world: World, user: uuid.UUID, code: str, amount: str) -> None:
    """The customer's money leaves the account by whatever way."""
    moved = Transfer(customer(user, "available", code), house("liquidity", code), units(code, amount), "test")
    assert (await world.lane.submit(Posting(f"test:{uuid.uuid4()}", (moved,), "test", user))).posted


async def test_what_was_spent_before_a_reorg_is_owed_and_the_next_deposit_repays_it_first(world: World) -> None:
    user, other = await credited(world, "BTC", "1"), await world.user()
    await spend(world, user, "BTC", "0.7")
    await reorg_bitcoin(world, 2)
    await world.scan("bitcoin")
    assert await world.available(user, "BTC") == "0.00000000"
    assert await world.balance(house("receivable", "BTC")) == units("BTC", "0.7")
    async with world.db.reading() as session:
        assert await audit.owed(session) == {"BTC": units("BTC", "0.7")}
    # Another customer's deposit repays nobody else's debt.
    await world.pay("BTC", await world.address(other, "BTC"), "0.5")
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert await world.available(other, "BTC") == "0.50000000"
    # The reorged payment was mined again with it: 0.7 repays, 0.3 is free.
    assert await world.available(user, "BTC") == "0.30000000"
    assert await world.balance(house("receivable", "BTC")) == 0
    async with world.db.reading() as session:
        assert await audit.owed(session) == {}


async def test_a_head_that_moves_back_above_the_deposit_undoes_nothing(world: World) -> None:
    user = await credited(world, "BTC")
    told = len(await world.events(user))
    dead = await world.bitcoin.rpc.call("getbestblockhash")
    await world.bitcoin.rpc.call("invalidateblock", dead)
    await world.scan("bitcoin")
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["confirmations"], deposit["sub_status"]) == ("credited", 1, None)
    assert await world.available(user, "BTC") == AMOUNTS["BTC"]
    assert len(await world.events(user)) == told + 1
    await world.mine("bitcoin", 2)


async def test_a_deposit_in_suspense_that_leaves_the_chain_leaves_suspense(world: World) -> None:
    user = await paid(world, "BTC", "0.00000999")
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert await world.balance(house("suspense", "BTC")) == 999
    await reorg_bitcoin(world, 2)
    await world.scan("bitcoin")
    assert await world.balance(house("suspense", "BTC")) == 0
    assert (await world.deposit(user))["booked"] is None
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "below_minimum"


async def test_a_balance_that_moves_between_reading_and_undoing_is_read_again(world: World) -> None:
    user = await credited(world, "BTC", "1")
    await reorg_bitcoin(world, 2)
    submit = world.lane.submit

    async def spent_meanwhile(posting: Posting, riders: object = ()) -> Verdict:
        world.lane.submit = submit  # type: ignore[method-assign]
        await spend(world, user, "BTC", "0.4")
        return await submit(posting, riders)  # type: ignore[arg-type]

    world.lane.submit = spent_meanwhile  # type: ignore[method-assign]
    await world.scan("bitcoin")
    assert await world.available(user, "BTC") == "0.00000000"
    assert await world.balance(house("receivable", "BTC")) == units("BTC", "0.4")


async def test_a_payment_that_never_comes_back_is_given_up_after_two_weeks(world: World) -> None:
    user = await paid(world, "USDT")
    await world.mine("ethereum")
    await world.scan("ethereum")
    await world.evm.rpc.call("anvil_reorg", 1, [])
    await world.mine("ethereum")
    await world.scan("ethereum")
    await world.scan("ethereum", utcnow() + timedelta(days=13))
    assert (await world.deposit(user))["final_at"] is None
    await world.scan("ethereum", utcnow() + timedelta(days=15))
    assert (await world.deposit(user))["final_at"] is not None
