"""Reorganisations of every depth on both chains, and the ones that are worse than most."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.wallets.contracts import two_minded
from tests.wallets.test_reorgs import reorg_bitcoin, spend
from tests.wallets.world import AMOUNTS, NETWORK, World, credited, paid, units
from tidegate.chains.port import Arrivals, Health, NodeUnavailable
from tidegate.compliance import pause
from tidegate.database import utcnow
from tidegate.ledger.rules import Posting, customer, house, transfers
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import audit, debts, desk, watch

BITCOIN_DEPTHS = [1, 2, 3, 4, 5]  # N is 2
EVM_DEPTHS = [1, 2, 3, 4, 6]  # N is 3


async def exact(world: World, code: str) -> None:
    """What the audit compares: the deposit wallet and what is not booked are what the chain holds for deposits."""
    network = NETWORK[code]
    async with world.db.reading() as session:
        open_terms = (await audit.terms(session)).get((network, code), 0)
        addresses = list(await audit.addresses(session, network=network))
    on_chain = (await world.chains[network].balances(addresses))[code]
    booked = await world.balance(house("wallet:deposit", code, network))
    assert booked + open_terms == on_chain


@pytest.mark.slow
async def test_a_reorganisation_of_any_depth_ends_with_exact_books_on_bitcoin(world: World) -> None:
    """Deposits of every age; each depth takes some of them away, and all are mined again."""
    for depth in BITCOIN_DEPTHS:
        users = []
        for _ in range(depth + 1):
            users.append(await paid(world, "BTC", "0.5"))
            await world.mine("bitcoin")
        await world.scan("bitcoin")
        await exact(world, "BTC")
        await reorg_bitcoin(world, depth)
        await world.scan("bitcoin")
        kept = [await world.deposit(user) for user in users]
        # The oldest was below the fork: nobody touched it.
        assert kept[0]["confirmations"] > 0
        assert all(one["confirmations"] == 0 and one["booked"] is None for one in kept[1:])
        await exact(world, "BTC")
        for one in kept[1:]:
            # A faucet's coin may have been too young for a moment: its payment left the mempool, and is sent again.
            raw = (await world.bitcoin.faucet("gettransaction", one["txid"]))["hex"]
            await world.bitcoin.rpc.call("sendrawtransaction", raw)
        await world.mine("bitcoin", 2)
        await world.scan("bitcoin")
        assert [await world.available(user, "BTC") for user in users] == ["0.50000000"] * len(users)
        await exact(world, "BTC")


@pytest.mark.slow
async def test_a_reorganisation_of_any_depth_ends_with_exact_books_on_an_evm_chain(world: World) -> None:
    for depth in EVM_DEPTHS:
        users, raws = [], []
        for _ in range(depth + 1):
            user = await world.user()
            txid = await world.pay("USDT", await world.address(user, "USDT"), "5")
            raws.append(await world.evm.rpc.call("eth_getRawTransactionByHash", txid))
            users.append(user)
            await world.mine("ethereum")
        await world.scan("ethereum")
        await exact(world, "USDT")
        await world.evm.rpc.call("anvil_reorg", depth, [])
        await world.mine("ethereum")
        await world.scan("ethereum")
        kept = [await world.deposit(user) for user in users]
        assert kept[0]["confirmations"] > 0
        assert all(one["confirmations"] <= 0 and one["booked"] is None for one in kept[1:])
        await exact(world, "USDT")
        for raw in raws[1:]:
            await world.evm.rpc.call("eth_sendRawTransaction", raw)
        await world.mine("ethereum", 3)
        await world.scan("ethereum")
        assert [await world.available(user, "USDT") for user in users] == ["5.000000"] * len(users)
        await exact(world, "USDT")


async def test_a_transaction_that_pays_somebody_else_after_a_reorganisation_is_credited_to_them_alone(
    world: World,
) -> None:
    ana, ben = await world.user(), await world.user()
    to_ana, to_ben = await world.address(ana, "USDT"), await world.address(ben, "USDT")
    height = await world.evm.height()
    payer = await two_minded(world, "USDT", to_ana, to_ben, height + 4, units("USDT", "9"))
    await world.pay("USDT", payer, "9")
    await world.mine("ethereum")
    sender = (await world.evm.accounts())[1]
    call = {"from": sender, "to": payer, "gas": hex(200_000)}
    txid = await world.evm.rpc.call("eth_sendTransaction", call)
    raw = await world.evm.rpc.call("eth_getRawTransactionByHash", txid)
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert await world.available(ana, "USDT") == "9.000000"
    # The same bytes in a later block: the same transaction, another recipient.
    await world.evm.rpc.call("anvil_reorg", 3, [])
    await world.evm.rpc.call("eth_sendRawTransaction", raw)
    await world.mine("ethereum", 3)
    for _ in range(3):
        await world.scan("ethereum")
        assert await world.available(ana, "USDT") == "0.000000"
        assert await world.available(ben, "USDT") == "9.000000"
    lost, found = await world.deposit(ana), await world.deposit(ben)
    assert lost["txid"] == found["txid"] == txid
    assert (lost["state"], lost["booked"]) == ("reorged", None)
    await exact(world, "USDT")


async def test_the_database_itself_books_one_payment_to_one_customer_at_a_time(world: World) -> None:
    user, other = await credited(world, "USDT"), await world.user()
    await world.address(other, "USDT")
    with pytest.raises(Exception, match="uq_deposits_booked"):
        async with world.db.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO deposits SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(),"
                    " 'user_id', a.user_id, 'address_id', a.id))).* FROM deposits d, deposit_addresses a"
                    " WHERE a.user_id = :other"
                ),
                {"other": other},
            )
    assert (await world.deposit(user))["booked"] == "customer"


@pytest.mark.parametrize("code", ["USDT", pytest.param("BTC", marks=pytest.mark.slow)])
async def test_a_payment_that_was_given_up_and_is_mined_after_all_is_credited(world: World, code: str) -> None:
    network = NETWORK[code]
    user = await world.user()
    txid = await world.pay(code, await world.address(user, code), AMOUNTS[code])
    raw = None if code == "BTC" else await world.evm.rpc.call("eth_getRawTransactionByHash", txid)
    await world.mine(network)
    await world.scan(network)
    if code == "BTC":
        await reorg_bitcoin(world, 1)
    else:
        await world.evm.rpc.call("anvil_reorg", 1, [])
        await world.mine(network)
    await world.scan(network)
    # Out of the mempool for good, as far as anybody can tell.
    async with world.db.transaction() as session:
        await session.execute(
            text("UPDATE deposits SET confirmations = -1, final_at = now() WHERE txid = :txid"), {"txid": txid}
        )
    if raw is not None:
        await world.evm.rpc.call("eth_sendRawTransaction", raw)
    await world.mine(network, 3)
    await world.scan(network)
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["final_at"]) == ("credited", None)
    assert await world.available(user, code) == AMOUNTS[code]


async def test_a_deposit_whose_coin_was_spent_is_taken_back_and_the_asset_stands_still(world: World) -> None:
    """Its coin left with a payout, 0.6 of it to the payee; then the chain forgets both."""
    user = await credited(world, "BTC", "1")
    payee = Posting(
        "test:payout",
        transfers(
            (house("wallet:hot", "BTC", "bitcoin"), house("wallet:deposit", "BTC", "bitcoin"), 10**8, "test"),
            (customer(user, "available", "BTC"), house("wallet:hot", "BTC", "bitcoin"), 6 * 10**7, "test"),
        ),
        "test",
        user,
    )
    assert (await world.lane.submit(payee)).posted
    await reorg_bitcoin(world, 2)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["booked"] is None
    assert await world.available(user, "BTC") == "0.00000000"
    # 0.4 was his and is gone, 0.6 he owes; the hot wallet gives what it has, the rest is the payee's again.
    assert await world.balance(house("receivable", "BTC")) == 6 * 10**7
    assert await world.balance(house("wallet:hot", "BTC", "bitcoin")) == 0
    assert await world.balance(house("suspense", "BTC")) == 6 * 10**7
    async with world.db.reading() as session:
        stopped = await pause.paused(session, "BTC")
    assert stopped is not None
    assert stopped.by == "tidegate"
    await world.mine("bitcoin", 2)


async def test_only_the_customer_whose_deposit_was_used_is_held_back_and_only_in_that_asset(world: World) -> None:
    user, other = await credited(world, "BTC", "1"), await credited(world, "BTC", "1")
    await spend(world, user, "BTC", "0.7")
    await reorg_bitcoin(world, 4)
    await world.scan("bitcoin")
    async with world.db.reading() as session:
        assert await debts.owed(session, user_id=user, asset="BTC") == units("BTC", "0.7")
        assert await debts.owed(session, user_id=user, asset="USDT") == 0
        assert await debts.owed(session, user_id=other, asset="BTC") == 0
        assert await pause.paused(session, "BTC") is None
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    async with world.db.reading() as session:
        assert await debts.owed(session, user_id=user, asset="BTC") == 0


# --- nodes that know less than they did ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["USDT", pytest.param("BTC", marks=pytest.mark.slow)])
async def test_a_node_that_is_behind_takes_nothing_back(world: World, code: str) -> None:
    network = NETWORK[code]
    chain = world.chains[network]
    user = await credited(world, code)
    before = await world.deposit(user)

    async def young() -> Health:
        return Health(True, before["block_height"] - 1)

    async def never_heard(blocks: Any) -> dict[str, int]:
        return {}

    chain.health, chain.depths = young, never_heard  # type: ignore[method-assign]
    with pytest.raises(NodeUnavailable):
        await world.scan_once(network)
    assert await world.deposit(user) == before
    assert await world.available(user, code) == AMOUNTS[code]


async def test_an_empty_answer_about_a_block_with_logs_is_not_believed(world: World) -> None:
    user = await world.user()
    address = await world.address(user, "USDT")
    await world.scan("ethereum")
    await world.pay("USDT", address, "3")
    await world.mine("ethereum", 3)
    rpc = world.chains["ethereum"]._rpc  # type: ignore[attr-defined]
    call = rpc.call

    async def forgetful(method: str, *params: Any, **more: Any) -> Any:
        return [] if method == "eth_getLogs" else await call(method, *params, **more)

    rpc.call = forgetful
    with pytest.raises(NodeUnavailable, match="has no logs"):
        await world.scan_once("ethereum")
    rpc.call = call
    await world.scan("ethereum")
    assert await world.available(user, "USDT") == "3.000000"


# --- outages, and what an operator does about them -----------------------------------------------------------------


@pytest.mark.parametrize("code", ["USDT", pytest.param("BTC", marks=pytest.mark.slow)])
async def test_an_outage_of_hundreds_of_blocks_with_two_workers_afterwards_loses_nothing(
    world: World, code: str
) -> None:
    network = NETWORK[code]
    await world.scan(network)
    users = []
    for _ in range(4):
        users.append(await paid(world, code, "2"))
        await world.mine(network, 75)

    async def worker() -> None:
        for _ in range(20):
            await world.scan_once(network)

    await asyncio.gather(worker(), worker())
    await world.scan(network)
    assert {await world.available(user, code) for user in users} == {await world.available(users[0], code)}
    assert (await world.available(users[0], code)).startswith("2.0")
    await exact(world, code)


@pytest.mark.parametrize("code", ["USDT", pytest.param("BTC", marks=pytest.mark.slow)])
async def test_a_missed_payment_is_found_by_its_transaction_and_twice_is_harmless(world: World, code: str) -> None:
    network = NETWORK[code]
    user = await world.user()
    txid = await world.pay(code, await world.address(user, code), AMOUNTS[code])
    chain = world.chains[network]
    ask = chain.arrivals

    async def blind(*asked: Any) -> Arrivals:
        return replace(await ask(*asked), seen=())

    chain.arrivals = blind  # type: ignore[method-assign, assignment]
    await world.mine(network, 8)
    await world.scan(network)
    chain.arrivals = ask  # type: ignore[method-assign]
    await world.scan(network)
    assert await world.deposits(user) == []
    found = [await desk.look_at(world.db, world.lane, chain, world.settings, txid=txid, now=utcnow()) for _ in range(2)]
    assert found == [1, 0]
    assert await world.available(user, code) == AMOUNTS[code]
    with pytest.raises(Refusal) as refused:
        await desk.look_at(world.db, world.lane, chain, world.settings, txid="00" * 32, now=utcnow())
    assert refused.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(("code", "network"), [("BTC", "bitcoin"), ("USDT", "ethereum")])
async def test_a_cursor_that_is_lost_or_of_a_foreign_chain_is_set_back_by_height(
    world: World, code: str, network: str
) -> None:
    height = await (world.bitcoin.height() if network == "bitcoin" else world.evm.height())
    user = await paid(world, code, "4")
    await world.mine(network, 3)
    foreign = '{"v":1,"blocks":[[1,"0xdead"]]}' if network == "ethereum" else "00" * 32
    async with world.db.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO scan_cursors (network, cursor, fit, reason, asked_at, version)"
                " VALUES (:n, :c, true, '', now(), 0) ON CONFLICT (network) DO UPDATE SET cursor = :c, fit = true"
            ),
            {"n": network, "c": foreign},
        )
    if network == "ethereum":
        with pytest.raises(NodeUnavailable, match="another chain"):
            await world.scan_once(network)
    watch.forget()
    for _ in range(2):
        await desk.look_from(world.db, world.chains[network], height=height, now=utcnow())
        await world.scan(network)
    assert (await world.available(user, code)).startswith("4.0")
    assert len(await world.deposits(user)) == 1


async def test_an_outage_longer_than_the_promise_is_told_to_who_waits(world: World) -> None:
    from tidegate.wallets import deposits, overview

    user = await paid(world, "USDT")
    await world.scan("ethereum")
    async with world.db.transaction() as session:
        await session.execute(
            text("UPDATE scan_cursors SET scanned_at = :then"), {"then": utcnow() - timedelta(minutes=5)}
        )
    deposit = await world.deposit(user)
    shown = await deposits.get(world.cashier, user_id=user, deposit_id=deposit["id"])
    assert (shown.sub_status, shown.waiting_for) == ("awaiting_node", "node")
    (eth,) = [a for a in await overview.assets(world.cashier) if a.asset == "ETH"]
    assert (eth.networks[0].reason or "").startswith("Slow: ")
