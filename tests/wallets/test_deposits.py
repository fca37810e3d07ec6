"""Deposits on real chains: seen at once, credited at depth, never twice, and taken back when the chain takes them back."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.wallets.world import NETWORK, World, bitcoin_chain, evm_chain, units
from tidegate.chains.port import NodeUnavailable
from tidegate.compliance import pause
from tidegate.database import Database, utcnow
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting, Transfer, Verdict, customer, house
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import audit, book, deposits, overview, pipeline, rules

AMOUNTS = {"BTC": "0.12345678", "ETH": "1.234567890123456789", "USDT": "25.000001", "USDC": "3.500000"}


async def paid(world: World, code: str, amount: str | None = None) -> uuid.UUID:
    """A new customer with one payment in the mempool."""
    user = await world.user()
    await world.pay(code, await world.address(user, code), amount or AMOUNTS[code])
    return user


async def credited(world: World, code: str, amount: str | None = None) -> uuid.UUID:
    """A new customer with one credited deposit."""
    user = await paid(world, code, amount)
    await world.mine(NETWORK[code], world.chains[NETWORK[code]].confirmations)
    await world.scan(NETWORK[code])
    assert (await world.deposit(user))["state"] == "credited"
    return user


@pytest.mark.parametrize("code", ["BTC", "ETH"])
async def test_a_payment_is_seen_before_any_block_has_it_and_is_not_credited(world: World, code: str) -> None:
    user = await paid(world, code)
    await world.scan(NETWORK[code])
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["confirmations"], deposit["block_hash"]) == ("detected", 0, None)
    assert await world.available(user, code) == await world.available(uuid.uuid4(), code)
    (shown,) = [b for b in await overview.balances(world.cashier, user_id=user) if b.asset == code]
    assert (shown.incoming, shown.total) == (AMOUNTS[code], await world.available(uuid.uuid4(), code))


@pytest.mark.parametrize("code", ["BTC", "ETH", "USDT", "USDC"])
async def test_a_payment_is_credited_at_exactly_the_required_depth_to_the_unit(world: World, code: str) -> None:
    network = NETWORK[code]
    required = world.chains[network].confirmations
    user = await paid(world, code)
    for depth in range(1, required):
        await world.mine(network)
        await world.scan(network)
        deposit = await world.deposit(user)
        assert (deposit["state"], deposit["confirmations"]) == ("confirming", depth)
        assert await world.available(user, code) == await world.available(uuid.uuid4(), code)
    await world.mine(network)
    await world.scan(network)
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["confirmations"], deposit["booked"]) == ("credited", required, "customer")
    assert await world.available(user, code) == AMOUNTS[code]
    assert await world.balance(house("wallet:deposit", code, network)) == units(code, AMOUNTS[code])


async def test_every_change_a_user_can_see_is_told(world: World) -> None:
    user = await paid(world, "BTC")
    await world.scan("bitcoin")
    for _ in range(2):
        await world.mine("bitcoin")
        await world.scan("bitcoin")
    # Seen, one confirmation, two confirmations, credited.
    assert await world.events(user) == [("deposit", 1), ("deposit", 2), ("deposit", 3), ("deposit", 4)]


@pytest.mark.parametrize("code", ["BTC", "USDT"])
async def test_the_same_scan_twice_changes_nothing(world: World, code: str) -> None:
    user = await credited(world, code)
    before, told = await world.deposit(user), await world.events(user)
    assert await world.scan_once(NETWORK[code]) is False
    assert await world.deposit(user) == before
    assert await world.events(user) == told
    assert await world.available(user, code) == AMOUNTS[code]


@pytest.mark.parametrize("code", ["BTC", "USDT"])
async def test_scans_that_run_at_once_credit_once(world: World, code: str) -> None:
    user = await paid(world, code)
    await world.mine(NETWORK[code], 3)
    await asyncio.gather(*(world.scan_once(NETWORK[code]) for _ in range(4)))
    await world.scan(NETWORK[code])
    assert (await world.deposit(user))["state"] == "credited"
    assert await world.available(user, code) == AMOUNTS[code]


@pytest.mark.parametrize("code", ["BTC", "USDT"])
async def test_a_worker_that_dies_before_booking_credits_once_after_its_restart(
    world: World, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await paid(world, code)
    await world.mine(NETWORK[code], 3)

    async def dies(*_: object, **__: object) -> bool:
        raise ConnectionError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(book, "settle", dies)
        with pytest.raises(ConnectionError):
            await world.scan(NETWORK[code])
    stored = await world.deposit(user)
    assert (stored["booked"], stored["confirmations"]) == (None, 3)
    # Another process: nothing remembered, new connections.
    await world.close()
    pipeline._LEARNED.clear()
    await world.open()
    await world.scan(NETWORK[code])
    await world.scan(NETWORK[code])
    assert await world.available(user, code) == AMOUNTS[code]


@pytest.mark.parametrize("code", ["BTC", "USDT"])
async def test_deposits_made_while_no_worker_ran_are_found_afterwards(world: World, code: str) -> None:
    network = NETWORK[code]
    await world.scan(network)
    user = await paid(world, code)
    await world.mine(network, 30)
    await world.scan(network)
    assert await world.available(user, code) == AMOUNTS[code]


@pytest.mark.parametrize(
    ("code", "tiny"), [("BTC", "0.00000999"), ("ETH", "0.000999999999999999"), ("USDT", "0.999999")]
)
async def test_a_payment_below_the_minimum_goes_to_suspense_and_is_in_no_balance(
    world: World, code: str, tiny: str
) -> None:
    network = NETWORK[code]
    user = await paid(world, code, tiny)
    await world.scan(network)
    (shown,) = [b for b in await overview.balances(world.cashier, user_id=user) if b.asset == code]
    assert shown.incoming == await world.available(uuid.uuid4(), code)
    await world.mine(network, 3)
    await world.scan(network)
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["booked"]) == ("below_minimum", "suspense")
    assert await world.balance(house("suspense", code)) == units(code, tiny)
    assert await world.available(user, code) == await world.available(uuid.uuid4(), code)


async def test_a_payment_of_exactly_the_minimum_is_credited(world: World) -> None:
    user = await credited(world, "USDT", "1")
    assert await world.available(user, "USDT") == "1.000000"


async def test_an_operator_explains_a_deposit_in_suspense_once(world: World) -> None:
    user = await paid(world, "USDT", "0.5")
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    deposit = await world.deposit(user)
    await book.explain(world.db, world.lane, deposit_id=deposit["id"], by="operator")
    assert await world.available(user, "USDT") == "0.500000"
    assert await world.balance(house("suspense", "USDT")) == 0
    with pytest.raises(Refusal) as refused:
        await book.explain(world.db, world.lane, deposit_id=deposit["id"], by="operator")
    assert refused.value.kind is Kind.CONFLICT
    await world.scan("ethereum")
    assert (await world.deposit(user))["state"] == "credited"


async def test_one_transaction_may_pay_two_customers_and_one_customer_twice(world: World) -> None:
    ana, ben = await world.user(), await world.user()
    outputs = [
        {await world.address(ana, "BTC"): "0.1"},
        {await world.address(ana, "BTC"): "0.2"},
        {await world.address(ben, "BTC"): "0.3"},
    ]
    await world.bitcoin.faucet("send", outputs)
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert await world.available(ana, "BTC") == "0.30000000"
    assert await world.available(ben, "BTC") == "0.30000000"
    assert len(await world.deposits(ana)) == 2


async def test_one_evm_address_takes_every_asset_of_its_network(world: World) -> None:
    user = await world.user()
    found = {await world.address(user, code) for code in ("ETH", "USDT", "USDC")}
    (address,) = found
    for code in ("ETH", "USDT", "USDC"):
        await world.pay(code, address, "2")
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert {d["asset"]: d["state"] for d in await world.deposits(user)} == dict.fromkeys(
        ("ETH", "USDT", "USDC"), "credited"
    )


async def test_a_token_payment_of_zero_is_no_deposit(world: World) -> None:
    user = await paid(world, "USDT", "0")
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert await world.deposits(user) == []


async def test_a_transfer_that_failed_on_chain_is_no_deposit(world: World) -> None:
    user = await world.user()
    address = await world.address(user, "USDT")
    poor = (await world.evm.accounts())[9]
    data = f"0xa9059cbb{int(address, 16):064x}{10**30:064x}"
    call = {"from": poor, "to": world.evm.tokens["USDT"], "data": data, "gas": hex(100_000)}
    txid = await world.evm.rpc.call("eth_sendTransaction", call)
    await world.mine("ethereum", 3)
    assert (await world.evm.rpc.call("eth_getTransactionReceipt", txid))["status"] == "0x0"
    await world.scan("ethereum")
    assert await world.deposits(user) == []


# --- reorgs --------------------------------------------------------------------------------------------------------


async def reorg_bitcoin(world: World, depth: int) -> None:
    """Take the last blocks away and make more empty ones; their transactions wait again."""
    height = await world.bitcoin.height()
    dead = await world.bitcoin.rpc.call("getblockhash", height - depth + 1)
    await world.bitcoin.rpc.call("invalidateblock", dead)
    # Paid to a fresh address: the very block that was just invalidated would be refused.
    nobody = await world.bitcoin.faucet("getnewaddress")
    for _ in range(depth + 1):
        await world.bitcoin.rpc.call("generateblock", nobody, [])


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


# --- what else may stand in the way --------------------------------------------------------------------------------


async def test_a_paused_asset_is_not_credited_until_it_is_resumed(world: World) -> None:
    await pause.pause(world.db, asset="USDT", by="operator", reason="issuer trouble")
    user = await paid(world, "USDT")
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    await world.scan("ethereum")
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["sub_status"], deposit["booked"]) == ("screening", "frozen", None)
    shown = await deposits.get(world.cashier, user_id=user, deposit_id=deposit["id"])
    assert shown.waiting_for == "operator"
    (usdt,) = [a for a in await overview.assets(world.cashier) if a.asset == "USDT"]
    assert (usdt.networks[0].deposits, usdt.networks[0].reason) == (False, "Paused: issuer trouble")
    await pause.resume(world.db, asset="USDT", by="operator")
    await world.scan("ethereum")
    assert await world.available(user, "USDT") == AMOUNTS["USDT"]


async def test_a_node_on_another_chain_credits_nothing_and_says_so(world: World) -> None:
    user = await paid(world, "USDT")
    await world.mine("ethereum", 3)
    wrong = world.settings.networks["ethereum"].model_copy(update={"chain_id": 1})
    stranger = evm_chain(wrong, world.seed)
    assert await pipeline.scan(world.db, world.lane, stranger, world.settings, utcnow()) is False
    assert await world.deposits(user) == []
    (eth,) = [a for a in await overview.assets(world.cashier) if a.asset == "ETH"]
    assert "31337" in (eth.networks[0].reason or "")
    await stranger.close()
    await world.scan("ethereum")
    assert await world.available(user, "USDT") == AMOUNTS["USDT"]
    (eth,) = [a for a in await overview.assets(world.cashier) if a.asset == "ETH"]
    assert eth.networks[0].reason is None


async def test_a_node_that_does_not_answer_changes_nothing_but_what_we_say(world: World) -> None:
    user = await paid(world, "BTC")
    gone = world.settings.networks["bitcoin"].model_copy(
        update={"rpc_url": type(world.settings.networks["bitcoin"].rpc_url)("http://127.0.0.1:9")}
    )
    silent = bitcoin_chain(gone, world.seed)
    try:
        assert await pipeline.scan(world.db, world.lane, silent, world.settings, utcnow()) is False
    except NodeUnavailable:
        pass
    await silent.close()
    assert await world.deposits(user) == []
    (btc,) = [a for a in await overview.assets(world.cashier) if a.asset == "BTC"]
    assert btc.networks[0].deposits is True
    assert (btc.networks[0].reason or "").startswith("Slow: ")


async def test_an_address_handed_out_and_paid_while_a_scan_runs_is_not_missed(world: World) -> None:
    chain = world.chains["ethereum"]
    user = await world.user()
    await world.scan("ethereum")
    ask = chain.arrivals

    async def paid_meanwhile(cursor: str | None, watched: object, open_txids: object) -> object:
        chain.arrivals = ask  # type: ignore[method-assign]
        await world.pay("USDT", await world.address(user, "USDT"), "7")
        await world.mine("ethereum", 3)
        return await ask(cursor, watched, open_txids)  # type: ignore[arg-type]

    chain.arrivals = paid_meanwhile  # type: ignore[method-assign, assignment]
    await world.scan("ethereum")
    await world.mine("ethereum")
    await world.scan("ethereum")
    assert await world.available(user, "USDT") == "7.000000"


async def test_more_addresses_than_a_scan_looks_ahead_keep_the_cursor_where_it_was(world: World) -> None:
    chain = world.chains["ethereum"]
    last = await world.user()
    await world.scan("ethereum")
    ask = chain.arrivals

    async def many_meanwhile(cursor: str | None, watched: object, open_txids: object) -> object:
        chain.arrivals = ask  # type: ignore[method-assign]
        user = await world.user()
        for _ in range(rules.LOOKAHEAD + 1):
            await world.address(user, "USDT")
        await world.pay("USDT", await world.address(last, "USDT"), "7")
        await world.mine("ethereum", 3)
        return await ask(cursor, watched, open_txids)  # type: ignore[arg-type]

    chain.arrivals = many_meanwhile  # type: ignore[method-assign, assignment]
    await world.scan_once("ethereum")
    assert await world.deposits(last) == []
    await world.scan("ethereum")
    assert await world.available(last, "USDT") == "7.000000"


async def test_what_is_on_chain_and_not_booked_is_named_for_the_audit(world: World) -> None:
    await paid(world, "BTC", "0.25")
    await world.scan("bitcoin")
    async with world.db.reading() as session:
        assert await audit.terms(session) == {}
    await world.mine("bitcoin")
    await world.scan("bitcoin")
    async with world.db.reading() as session:
        assert await audit.terms(session) == {("bitcoin", "BTC"): units("BTC", "0.25")}
    await world.mine("bitcoin")
    await world.scan("bitcoin")
    async with world.db.reading() as session:
        assert await audit.terms(session) == {}
        on_chain = (await world.chains["bitcoin"].balances([]))["BTC"]
    assert await world.balance(house("wallet:deposit", "BTC", "bitcoin")) == on_chain


async def test_a_deposit_is_watched_until_it_is_final_and_then_no_more(world: World) -> None:
    user = await credited(world, "USDT")
    await world.mine("ethereum", 3 * rules.FINAL_FACTOR)
    await world.scan("ethereum")
    assert (await world.deposit(user))["final_at"] is not None
    async with world.db.reading() as session:
        watched = await session.scalar(text("SELECT count(*) FROM deposits WHERE final_at IS NULL"))
    assert watched == 0


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


async def test_nobody_reads_another_customers_deposit(world: World) -> None:
    user = await paid(world, "BTC")
    await world.scan("bitcoin")
    deposit = await world.deposit(user)
    with pytest.raises(Refusal) as refused:
        await deposits.get(world.cashier, user_id=await world.user(), deposit_id=deposit["id"])
    assert refused.value.kind is Kind.NOT_FOUND


async def test_the_database_itself_refuses_a_second_row_for_one_payment(db: Database, lane: Lane, world: World) -> None:
    user = await paid(world, "BTC")
    await world.scan("bitcoin")
    with pytest.raises(Exception, match="uq_deposits_network_txid_index"):
        async with db.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO deposits SELECT gen_random_uuid(), network, txid, index, asset, units, user_id, address_id,"
                    " address, state, sub_status, booked, explained, epoch, version, confirmations, confirmations_required,"
                    " block_hash, block_height, detected_at, since, credited_at, swept_at, final_at FROM deposits"
                )
            )
    assert await world.deposit(user)
