"""What must never cost money: a restored database, a stop that stops, a late answer, gas that nobody can pay."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from tests.transactions.chains import GAS_PRICE
from tests.transactions.test_request import refused
from tests.transactions.world import STRANGER, Someone, World
from tidegate.auth import accounts
from tidegate.chains.port import Sighting
from tidegate.compliance import pause
from tidegate.refusal import Kind
from tidegate.signing.messages import Approved, Authorisation, Denied, Failed, Fence
from tidegate.transactions import payouts, store
from tidegate.transactions.view import intent_of
from tidegate.treasury.rules import network_fee


async def ready(world: World) -> tuple[Someone, uuid.UUID]:
    """A verified withdrawal of a house that can pay it."""
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=100_000_000)
    return who, await world.verified(who)


async def paid_before_the_backup_was_put_back(world: World, withdrawal_id: uuid.UUID, *, nonce: int) -> None:
    """The signer and the chain know this payout; the database, older than both, does not."""
    async with world.db.reading() as session:
        row: Any = await store.get(session, withdrawal_id)
    answer = await world.signer.sign_evm(
        intent_of(row),
        Authorisation.from_json(row.authorisation),
        nonce=nonce,
        gas=60_000,
        max_fee_per_gas=GAS_PRICE,
        max_priority_fee_per_gas=1,
        chain_id=31337,
        under=Fence(str(uuid.uuid4()), 1),
    )
    assert isinstance(answer, Approved)
    await world.evm.submit(answer.raw)
    world.evm.mine(4)


async def test_what_the_signer_signed_before_a_backup_was_put_back_cannot_be_cancelled(world: World) -> None:
    who, done = await ready(world)
    await world.until(done, "queued")
    await paid_before_the_backup_was_put_back(world, done, nonce=0)
    for _ in range(4):
        await world.turn(mine=1)
    assert await world.standing(done) == ("signing", "needs_operator")
    await refused(Kind.CANNOT_CANCEL, world.cancel(who, done))
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)
    assert world.evm.node.paid == [("USDT", STRANGER, 25_000_000)]


UNPROVEN = [
    Denied("second_transaction", "as the journal has it"),
    Denied("second_digest", "as the journal has it"),
    Denied("nonce_used", "as the journal has it"),
    Denied("unreadable", "a message of another version"),
    Denied("a_rule_of_tomorrow", "as the journal has it"),
    Denied("above_cap", "the cap was lowered since", signed=True),
]


@pytest.mark.parametrize("denied", UNPROVEN, ids=lambda denied: denied.rule)
async def test_a_denial_that_does_not_prove_that_nothing_is_signed_keeps_its_attempt(
    world: World, denied: Denied
) -> None:
    who, done = await ready(world)
    await world.until(done, "signing")
    world.signer.answer = denied
    await world.turn()
    await world.turn()
    assert await world.standing(done) == ("signing", "needs_operator")
    assert await world.rows("SELECT state FROM attempts") == [("built",)]
    await refused(Kind.CANNOT_CANCEL, world.cancel(who, done))


async def test_nothing_verified_can_be_cancelled_while_the_chain_is_ahead_of_the_books(world: World) -> None:
    who, first = await ready(world)
    await world.until(first, "completed")
    again, other = await world.verified(who), await world.verified(who)
    unverified = await world.asked(who, deliver=10_000_000)
    await world.turn()
    await paid_before_the_backup_was_put_back(world, again, nonce=1)
    await world.turn()
    await world.turn()
    assert await world.one("SELECT by FROM pauses WHERE asset = '*'") == "tidegate"
    for one in (again, other):
        assert await world.standing(one) == ("queued", "needs_operator")
        await refused(Kind.CANNOT_CANCEL, world.cancel(who, one))
    await world.cancel(who, unverified)
    assert await world.available(who.id, "USDT") == (22_000_000, 52_000_000)


async def test_a_recipient_that_burns_gas_takes_no_nonce_from_the_others(world: World) -> None:
    """A contract may need 240,000 gas; what was agreed is for 21,000."""
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    plain_gas = world.evm.gas_for

    async def gas_for(asset: str, address: str, units: int) -> int:
        return 288_000 if asset == "ETH" else await plain_gas(asset, address, units)

    world.evm.gas_for = gas_for  # type: ignore[method-assign]
    thief = await world.someone(ETH=10**17)
    bound = network_fee(kind="evm", token=False, rate=GAS_PRICE, gas_asset="ETH", rate_cap=500).max_units
    stuck = await world.verified(thief, "ETH", deliver=10**15, fee=21_000 * GAS_PRICE, network_fee_max_units=bound)
    await world.until(stuck, "queued", "awaiting_liquidity")
    assert await world.rows("SELECT state FROM attempts") == []
    await world.until(await world.verified(await world.someone(USDT=100_000_000)), "completed")
    await world.cancel(thief, stuck)
    assert await world.available(thief.id, "ETH") == (10**17, 0)


async def test_a_hot_wallet_that_cannot_pay_the_gas_takes_no_nonce(world: World) -> None:
    most = 60_000 * GAS_PRICE  # what one payout of a token may cost
    await world.stock(USDT=1_000_000_000, ETH=2 * most - 1)
    first, second = [await world.verified(await world.someone(USDT=100_000_000)) for _ in range(2)]
    for _ in range(4):
        await world.turn()
    stand = sorted([await world.standing(one) for one in (first, second)], key=str)
    assert stand == [("confirming", None), ("queued", "awaiting_liquidity")]
    assert await world.rows("SELECT nonce FROM attempt_sets") == [(0,)]
    await world.stock(ETH=most)
    for one in (first, second):
        await world.until(one, "completed")
    await world.exact()


async def test_a_frozen_account_pays_nothing_that_is_not_sent(world: World) -> None:
    who, done = await ready(world)
    await freeze(world, who, frozen=True)
    await world.until(done, "queued", "frozen")
    await freeze(world, who, frozen=False)
    await world.until(done, "broadcasting")
    await freeze(world, who, frozen=True)
    await world.until(done, "broadcasting", "frozen")
    assert world.evm.node.submissions == []
    await freeze(world, who, frozen=False)
    await world.until(done, "completed")


async def test_a_customer_whose_used_deposit_was_taken_back_pays_nothing_of_that_asset_until_it_is_repaid(
    world: World,
) -> None:
    who, done = await ready(world)
    other = await world.verified(await world.someone(USDT=100_000_000))
    async with world.db.transaction() as session:
        await session.execute(
            text("INSERT INTO receivables (user_id, asset, units) VALUES (:u, 'USDT', 5), (:u, 'BTC', 5)"),
            {"u": who.id},
        )
    await world.until(done, "queued", "frozen")
    assert "took a deposit of yours back" in str(await world.rows("SELECT detail FROM withdrawals WHERE detail <> ''"))
    await world.until(other, "completed")
    async with world.db.transaction() as session:
        # What he owes in another asset stops nothing here.
        await session.execute(text("UPDATE receivables SET units = 0 WHERE asset = 'USDT'"))
    await world.until(done, "completed")


async def freeze(world: World, who: Someone, *, frozen: bool) -> None:
    async with world.db.transaction() as session:
        await accounts.set_frozen(session, user_id=who.id, frozen=frozen)


async def test_a_pause_stops_what_is_reserved_and_not_signed(world: World) -> None:
    _, done = await ready(world)
    world.signer.answer = Failed("down", written=False)
    await world.until(done, "signing", "awaiting_signer")
    await pause.pause(world.db, asset="*", by="operator", reason="intrusion")
    world.signer.answer = None
    asked = world.signer.asked
    await world.until(done, "queued", "frozen")
    await world.turn(mine=1)
    assert (world.signer.asked, world.evm.node.submissions) == (asked, [])
    await pause.resume(world.db, asset="*", by="operator")
    await world.until(done, "completed")


async def test_a_late_look_does_not_unsettle_a_final_attempt(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "confirming")
    world.evm.mine(1)
    real = world.evm.sighting

    async def slow(txid: str, asset: str) -> Sighting:
        """The node answers after this worker's lease has ended; another worker settles meanwhile."""
        early = await real(txid, asset)
        world.evm.sighting = real  # type: ignore[method-assign]
        world.evm.mine(4)
        await world.soon(leases=True)
        await payouts.confirm_step(world.office, world.spender)
        assert (await world.standing(done))[0] == "completed"
        return early

    world.evm.sighting = slow  # type: ignore[method-assign]
    await world.soon()
    await payouts.confirm_step(world.office, world.spender)
    assert await world.rows("SELECT state FROM attempts") == [("final",)]
    await world.exact()


async def test_a_revert_is_refunded_only_when_no_reorg_can_make_a_payment_of_it(world: World) -> None:
    who, done = await ready(world)
    world.evm.node.reverting.add(STRANGER)
    await world.until(done, "confirming")
    world.evm.mine(16)  # with the block it is in: one short of final
    for _ in range(2):
        await world.turn()
    assert (await world.standing(done))[0] == "confirming"
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)
    await world.until(done, "failed")
    assert await world.available(who.id, "USDT") == (99_000_000, 0)
