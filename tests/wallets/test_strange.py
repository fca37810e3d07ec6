"""Payments that are no ordinary deposit: shown to their owner, kept apart, and credited when a person says so."""

import asyncio
import json
import uuid

import pytest
from sqlalchemy import text

from tests.wallets.contracts import deploy, pay_from_inside, send, shout
from tests.wallets.world import World, paid, units
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.public import EvmKeys
from tidegate.config import DepositTier, NetworkSettings
from tidegate.database import utcnow
from tidegate.ledger.rules import house
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import addresses, audit, book, deposits, desk, ether, history, overview, pipeline, rules


@pytest.fixture
async def twin(world: World) -> EvmChain:
    """A second EVM network of the same keys. Its node shows the same blocks, so what is paid on one is paid on both."""
    terms = world.settings.networks["ethereum"]
    settings = world.settings.model_copy(update={"networks": {**world.settings.networks, "twin": terms}})
    world.settings = settings
    chain = EvmChain("twin", terms, EvmKeys(world.seed.evm_address(), world.seed.evm_deposit_xpub()))
    world.chains["twin"] = chain
    await chain.prepare()
    await pipeline.extend(world.db, chain)
    return chain


async def test_two_networks_of_the_same_keys_never_give_one_address_to_two_customers(
    world: World, twin: EvmChain
) -> None:
    found = set()
    for network in ("ethereum", "twin", "ethereum", "twin"):
        async with world.db.transaction() as session:
            given, _ = await addresses.give(
                session,
                chain=world.chains[network],
                terms=world.settings.networks[network],
                user_id=await world.user(),
                asset="ETH",
            )
        found.add(given.address)
    assert len(found) == 4


async def test_the_database_itself_refuses_one_address_on_two_networks_of_a_family(world: World) -> None:
    await world.address(await world.user(), "ETH")
    with pytest.raises(Exception, match="uq_deposit_addresses_family"):
        async with world.db.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO deposit_addresses (id, user_id, network, index, address, created_at)"
                    " SELECT gen_random_uuid(), user_id, 'twin', index + 1, address, created_at FROM deposit_addresses"
                )
            )


async def test_what_arrives_on_another_network_is_held_and_credited_when_a_person_says_so(
    world: World, twin: EvmChain
) -> None:
    user = await paid(world, "USDT", "40")  # for an address that was given out for ethereum
    await world.mine("ethereum", 3)
    await world.scan("twin")
    deposit = await world.deposit(user)
    assert (deposit["network"], deposit["state"], deposit["reason"]) == ("twin", "held", "other_network")
    assert await world.balance(house("suspense", "USDT")) == units("USDT", "40")
    assert await world.available(user, "USDT") == await world.available(uuid.uuid4(), "USDT")
    shown = await deposits.get(world.cashier, user_id=user, deposit_id=deposit["id"])
    assert (shown.reason, shown.waiting_for) == ("other_network", "person")
    async with world.db.reading() as session:
        assert shown.address in await audit.addresses(session, network="twin")
    await book.explain(world.db, world.lane, deposit_id=deposit["id"], by="an operator")
    assert await world.available(user, "USDT") == "40.000000"
    assert (await world.deposit(user))["explained_by"] == "an operator"


async def test_an_unknown_token_is_shown_with_its_contract_and_is_in_no_book(world: World) -> None:
    user = await world.user()
    address = await world.address(user, "USDT")
    contract = await shout(world, address)
    await send(world, {"to": contract})
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    deposit = await world.deposit(user)
    assert (deposit["asset"], deposit["state"], deposit["booked"]) == ("UNKNOWN", "unknown_asset", None)
    shown = await deposits.get(world.cashier, user_id=user, deposit_id=deposit["id"])
    assert (shown.contract or "").lower() == contract.lower()
    assert (shown.asset, shown.amount) == ("UNKNOWN", str(2**32))
    assert all(b.incoming == b.total for b in await overview.balances(world.cashier, user_id=user))
    async with world.db.reading() as session:
        assert await audit.terms(session) == {}
        assert await history.page(session, user_id=user, before=None, limit=10) == []
    with pytest.raises(Refusal) as refused:
        await book.explain(world.db, world.lane, deposit_id=deposit["id"], by="an operator")
    assert refused.value.kind is Kind.CONFLICT


async def test_a_flood_of_unknown_tokens_fills_no_table(world: World) -> None:
    user = await world.user()
    other = await world.user()
    address = await world.address(user, "USDT")
    contract = await shout(world, address)
    # One transaction that calls it 30 times: PUSH0 x5, PUSH20, GAS, CALL, POP.
    flood = await deploy(world, "5f5f5f5f5f73" + contract[2:].lower() + "5af150" + "00")
    for _ in range(rules.MOST_UNKNOWN + 5):
        sender = (await world.evm.accounts())[1]
        await world.evm.rpc.call("eth_sendTransaction", {"from": sender, "to": flood, "gas": hex(200_000)})
    await world.pay("USDT", await world.address(other, "USDT"), "7")
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert len(await world.deposits(user)) == rules.MOST_UNKNOWN
    assert await world.available(other, "USDT") == "7.000000"


async def test_ether_that_a_contract_sends_is_found_by_the_balance_and_held(world: World) -> None:
    user = await world.user()
    address = await world.address(user, "ETH")
    await world.pay("ETH", address, "2")
    await pay_from_inside(world, address, 3 * 10**18)
    await world.mine("ethereum", 20)
    await world.scan("ethereum")
    assert await world.available(user, "ETH") == "2.000000000000000000"
    chain = world.chains["ethereum"]
    assert await pipeline.compare(world.db, world.lane, chain, world.settings, utcnow()) is True
    found = {d["reason"]: d for d in await world.deposits(user)}
    assert found["unattributed"]["units"] == 3 * 10**18
    assert (found["unattributed"]["state"], found["unattributed"]["booked"]) == ("held", "suspense")
    assert found["unattributed"]["final_at"] is not None
    # Ledger and chain agree, and looking again finds nothing.
    async with world.db.reading() as session:
        assert await audit.terms(session) == {}
    assert await world.balance(house("wallet:deposit", "ETH", "ethereum")) == 5 * 10**18
    assert await pipeline.compare(world.db, world.lane, chain, world.settings, utcnow()) is False
    await world.scan("ethereum")
    assert len(await world.deposits(user)) == 2
    await book.explain(world.db, world.lane, deposit_id=found["unattributed"]["id"], by="an operator")
    assert await world.available(user, "ETH") == "5.000000000000000000"


async def test_gas_of_ours_and_what_an_address_spends_are_no_deposits_and_are_accounted_for(world: World) -> None:
    user = await world.user()
    address = await world.address(user, "ETH")
    hot = world.seed.evm_address()
    for account in (hot, address):
        await world.evm.rpc.call("anvil_impersonateAccount", account)
    await world.evm.rpc.call("anvil_setBalance", hot, hex(10**19))
    await world.pay("ETH", address, "1")
    await world.mine("ethereum")
    await world.evm.rpc.call("eth_sendTransaction", {"from": hot, "to": address, "value": hex(10**17)})
    await world.mine("ethereum")
    await world.evm.rpc.call("eth_sendTransaction", {"from": address, "to": hot, "value": hex(5 * 10**17)})
    await world.mine("ethereum", 20)
    await world.scan("ethereum")
    assert (await world.deposit(user))["units"] == 10**18
    chain = world.chains["ethereum"]
    assert isinstance(chain, EvmChain)
    assert await ether.compare(world.db, chain, world.settings.networks["ethereum"], utcnow()) is False
    async with world.db.reading() as session:
        rows = await session.execute(text("SELECT sign(units)::int, units FROM ether_flows"))
        flows: dict[int, int] = {row[0]: int(row[1]) for row in rows}
    assert flows[1] == 10**17
    assert flows[-1] < -5 * 10**17  # with its gas


async def test_two_that_compare_at_once_find_one_difference(world: World) -> None:
    user = await world.user()
    await pay_from_inside(world, await world.address(user, "ETH"), 10**18)
    await world.mine("ethereum", 20)
    await world.scan("ethereum")
    chain = world.chains["ethereum"]
    assert isinstance(chain, EvmChain)
    terms = world.settings.networks["ethereum"]
    ether._NEXT.clear()
    await asyncio.gather(*(ether.compare(world.db, chain, terms, utcnow()) for _ in range(3)))
    assert len(await world.deposits(user)) == 1


# --- how deep ------------------------------------------------------------------------------------------------------


def with_tiers(world: World, network: str, *tiers: DepositTier) -> None:
    found: NetworkSettings = world.settings.networks[network].model_copy(update={"deposit_tiers": list(tiers)})
    world.settings = world.settings.model_copy(update={"networks": {**world.settings.networks, network: found}})


@pytest.mark.parametrize(("code", "network"), [("BTC", "bitcoin"), ("USDT", "ethereum")])
async def test_a_large_deposit_waits_for_its_tiers_depth_and_a_small_one_does_not(
    world: World, code: str, network: str
) -> None:
    with_tiers(world, network, DepositTier(asset=code, from_amount="2", confirmations=5))
    small, large = await paid(world, code, "1.9"), await paid(world, code, "2")
    await world.mine(network, 4)
    await world.scan(network)
    assert (await world.deposit(small))["state"] == "credited"
    deposit = await world.deposit(large)
    assert (deposit["state"], deposit["confirmations_required"]) == ("confirming", 5)
    await world.mine(network)
    await world.scan(network)
    assert (await world.deposit(large))["state"] == "credited"
    (terms,) = [a.networks[0] for a in await overview.assets(world.cashier) if a.asset == code]
    assert [(t.confirmations_required, t.finality) for t in terms.deposit_tiers] == [(5, None)]


async def test_a_deposit_that_waits_for_finality_is_credited_when_the_node_says_so(world: World) -> None:
    with_tiers(world, "ethereum", DepositTier(asset="USDT", from_amount="2", confirmations=3, finality="finalized"))
    user = await paid(world, "USDT", "2")
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert (await world.deposit(user))["state"] == "confirming"
    await world.mine("ethereum", 10)
    block = await world.evm.rpc.call("eth_getBlockByNumber", "finalized", False)
    assert int(block["number"], 16) >= (await world.deposit(user))["block_height"]
    await world.scan("ethereum")
    assert (await world.deposit(user))["state"] == "credited"


async def test_a_cursor_of_the_chain_names_its_tip(world: World) -> None:
    await world.scan("ethereum")
    async with world.db.reading() as session:
        cursor, scanned = (
            await session.execute(text("SELECT cursor, scanned_height FROM scan_cursors WHERE network = 'ethereum'"))
        ).one()
    assert json.loads(cursor)["blocks"][-1][0] == scanned == await world.evm.height()


async def test_a_token_that_is_listed_later_is_credited_once_an_operator_has_its_blocks_read_again(
    world: World,
) -> None:
    users = [await world.user(), await world.user()]
    listed = world.settings.networks["ethereum"]
    tokens = {code: token for code, token in listed.tokens.items() if code != "USDC"}
    before = EvmChain(
        "ethereum",
        listed.model_copy(update={"tokens": tokens}),
        EvmKeys(world.seed.evm_address(), world.seed.evm_deposit_xpub()),
    )
    after, world.chains["ethereum"] = world.chains["ethereum"], before
    txids = [await world.pay("USDC", await world.address(user, "ETH"), "3.5") for user in users]
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    assert [(await world.deposit(user))["state"] for user in users] == ["unknown_asset"] * 2
    world.chains["ethereum"] = after
    await world.mine("ethereum")
    await world.scan("ethereum")
    assert [(await world.deposit(user))["state"] for user in users] == ["unknown_asset"] * 2
    await desk.look_at(world.db, world.lane, after, world.settings, txid=txids[0], now=utcnow())
    await world.scan("ethereum")
    assert [await world.available(user, "USDC") for user in users] == ["3.500000", "0.000000"]
    height = (await world.deposit(users[1]))["block_height"]
    await desk.look_from(world.db, after, height=height, now=utcnow())
    await world.scan("ethereum")
    assert [await world.available(user, "USDC") for user in users] == ["3.500000"] * 2
    assert [(await world.deposit(user))["contract"] for user in users] == [None, None]
    await before.close()


@pytest.mark.slow
async def test_an_address_of_a_new_network_is_handed_out_once_it_is_written_down_where_its_scans_begin(
    world: World, twin: EvmChain
) -> None:
    async def given() -> str:
        async with world.db.transaction() as session:
            found, _ = await addresses.give(
                session,
                chain=twin,
                terms=world.settings.networks["twin"],
                user_id=await world.user(),
                asset="ETH",
            )
        return found.address

    async with world.db.transaction() as session:
        await session.execute(text("UPDATE scan_cursors SET cursor = NULL WHERE network = 'twin'"))
    with pytest.raises(Refusal) as refused:
        await given()
    assert refused.value.kind is Kind.BUSY
    await pipeline.extend(world.db, twin)
    # The worker is away, for longer than a first scan looks back.
    address = await given()
    await world.pay("ETH", address, "1")
    await world.mine("ethereum", rules.LOOK_BACK + 20)
    while await pipeline.scan(world.db, world.lane, twin, world.settings, utcnow()):
        pass
    async with world.db.reading() as session:
        found = await session.execute(
            text("SELECT state, units FROM deposits WHERE network = 'twin' AND address = :a"), {"a": address}
        )
    assert [(row[0], int(row[1])) for row in found] == [("credited", units("ETH", "1"))]
