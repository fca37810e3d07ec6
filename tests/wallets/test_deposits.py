"""Deposits on real chains: seen at once, credited at depth, never twice, and taken back when the chain takes them back."""

import asyncio
import uuid

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from tests.wallets.world import AMOUNTS, NETWORK, World, bitcoin_chain, credited, evm_chain, paid, units
from tidegate.chains.port import NodeUnavailable
from tidegate.compliance import pause
from tidegate.database import Database, new_id, utcnow
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import house
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import audit, book, deposits, overview, pipeline, rules, sight, store, watch


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

    async def idles(*_: object, **__: object) -> None: ...

    with monkeypatch.context() as patch:
        patch.setattr(book, "book_new", idles)
        patch.setattr(book, "settle", dies)
        with pytest.raises(ConnectionError):
            await world.scan(NETWORK[code])
    stored = await world.deposit(user)
    assert (stored["booked"], stored["confirmations"]) == (None, 3)
    # Another process: nothing remembered, new connections.
    await world.close()
    watch.forget()
    await world.open()
    await world.scan(NETWORK[code])
    await world.scan(NETWORK[code])
    assert await world.available(user, code) == AMOUNTS[code]


@pytest.mark.parametrize("code", ["BTC", "USDT"])
async def test_a_worker_that_dies_after_booking_and_before_its_cursor_moved_credits_once(
    world: World, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.scan(NETWORK[code])
    user = await paid(world, code)
    await world.mine(NETWORK[code], 3)

    async def dies(*_: object, **__: object) -> bool:
        raise ConnectionError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(sight, "record", dies)
        with pytest.raises(ConnectionError):
            await world.scan(NETWORK[code])
    assert (await world.deposit(user))["state"] == "credited"
    watch.forget()
    await world.scan(NETWORK[code])
    assert (await world.deposit(user))["version"] == 2
    assert await world.available(user, code) == AMOUNTS[code]


async def test_what_a_scan_saw_is_not_booked_with_it_when_another_scan_was_stored_meanwhile(world: World) -> None:
    user = await paid(world, "BTC")
    await world.mine("bitcoin", 3)
    await world.scan("bitcoin")
    late = {**await world.deposit(user), "id": new_id(), "txid": "ab" * 32, "version": 1, "booked": None}
    late |= {"state": "confirming", "credited_at": None}
    async with world.db.reading() as session:
        scan = await store.scan_of(session, network="bitcoin")
    assert scan is not None
    for version, rows in ((scan.version - 1, 1), (scan.version, 2)):
        await book.book_new(
            world.db,
            world.lane,
            network="bitcoin",
            settings=world.settings,
            rows=[late],
            version=version,
            now=utcnow(),
        )
        assert len(await world.deposits(user)) == rows


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
    await world.scan("bitcoin")
    before = await world.deposit(user)
    gone = world.settings.networks["bitcoin"].model_copy(update={"rpc_url": SecretStr("http://127.0.0.1:9")})
    silent = bitcoin_chain(gone, world.seed)
    await world.mine("bitcoin", 2)
    assert await pipeline.scan(world.db, world.lane, silent, world.settings, utcnow()) is False
    await silent.close()
    assert await world.deposit(user) == before
    shown = await deposits.get(world.cashier, user_id=user, deposit_id=before["id"])
    assert (shown.sub_status, shown.waiting_for) == ("awaiting_node", "node")
    (btc,) = [a for a in await overview.assets(world.cashier) if a.asset == "BTC"]
    assert btc.networks[0].deposits is True
    assert (btc.networks[0].reason or "").startswith("Slow: ")
    await world.scan("bitcoin")
    assert await world.available(user, "BTC") == AMOUNTS["BTC"]


async def test_a_node_that_stops_answering_midway_is_remembered_with_its_reason(world: World) -> None:
    chain = world.chains["bitcoin"]
    user = await paid(world, "BTC")

    async def silent(*_: object) -> object:
        raise NodeUnavailable("the line is dead")

    answering, chain.arrivals = chain.arrivals, silent  # type: ignore[method-assign, assignment]
    with pytest.raises(NodeUnavailable):
        await world.scan_once("bitcoin")
    (btc,) = [a for a in await overview.assets(world.cashier) if a.asset == "BTC"]
    assert btc.networks[0].reason == "Slow: the line is dead"
    chain.arrivals = answering  # type: ignore[method-assign]
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "detected"


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
    with pytest.raises(Exception, match="uq_deposits_network_txid_index_address_id"):
        async with db.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO deposits SELECT"
                    " (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).* FROM deposits d"
                )
            )
    assert await world.deposit(user)
