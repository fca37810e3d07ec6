"""What came in is spent when it is its customer's, and not before; what a stranger sends is never our change."""

import pytest

from tests.treasury.moving import House
from tests.wallets.world import credited, paid, units
from tidegate.chains.families import Funded, NotEnough
from tidegate.compliance import pause
from tidegate.signer.bitcoin import BitcoinVault
from tidegate.treasury import inventory, underway
from tidegate.wallets import sweepable

NOBODY = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"


async def pay_out(house: House, amount: str) -> Funded:
    """Coins for a payment, chosen as every payment's are."""
    async with house.world.db.reading() as session:
        taken = await underway.reserved_outpoints(session, "bitcoin")
    return await house.bitcoin.fund([(NOBODY, units("BTC", amount))], 2, taken)


async def payable(house: House) -> int:
    async with house.world.db.reading() as session:
        return await inventory.payable(session, "bitcoin", "BTC", bitcoin=True)


async def test_a_coin_is_spent_once_its_deposit_is_credited_and_not_while_an_operator_holds_it_back(
    house: House,
) -> None:
    world = house.world
    await pause.pause(world.db, asset="BTC", by="olga", reason="a look")
    user = await paid(world, "BTC", "0.5")
    await world.mine("bitcoin", 6)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "screening"
    with pytest.raises(NotEnough):
        await pay_out(house, "0.1")
    await pause.resume(world.db, asset="BTC", by="olga")
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "credited"
    assert sum(coin.units for coin in (await pay_out(house, "0.1")).inputs) == units("BTC", "0.5")


async def test_a_deposit_in_suspense_pays_nobody_and_is_not_counted_as_payable(house: House) -> None:
    world = house.world
    world.settings = world.settings.model_copy(update={"minimum_deposit": {"BTC": "0.001"}})
    await credited(world, "BTC", "0.02")
    small = await paid(world, "BTC", "0.0005")
    await world.mine("bitcoin", 6)
    await world.scan("bitcoin")
    held = await world.deposit(small)
    assert (held["state"], held["booked"]) == ("below_minimum", "suspense")
    assert await payable(house) == units("BTC", "0.02")
    house.open(consolidate_coins=2, small_coin="0.1")
    await house.look()
    assert await house.rows() == [], "one coin that is ours to move is nothing to put together"
    async with world.db.reading() as session:
        assert (held["txid"], held["index"]) in await underway.reserved_outpoints(session, "bitcoin")


async def test_a_token_in_suspense_is_not_swept(house: House) -> None:
    world = house.world
    user = await paid(world, "USDT", "0.5")
    for _ in range(2):
        await world.mine("ethereum", 20)
        await world.scan("ethereum")
    row = await world.deposit(user)
    assert (row["booked"], row["final_at"] is not None) == ("suspense", True)
    async with world.db.reading() as session:
        assert await sweepable.unswept(session, network="ethereum") == []


async def test_what_a_stranger_sends_to_the_hot_address_is_as_deep_as_a_deposit_before_it_is_spent(
    house: House,
) -> None:
    world, chain = house.world, house.bitcoin
    await world.pay("BTC", chain.hot_address, "0.3")
    await world.mine("bitcoin", 1)
    assert chain.confirmations > 1
    with pytest.raises(NotEnough):
        await pay_out(house, "0.1")
    await world.mine("bitcoin", chain.confirmations - 1)
    assert (await pay_out(house, "0.1")).change_units > 0


async def test_change_of_our_own_transaction_is_spent_at_its_first_confirmation(house: House) -> None:
    world, chain = house.world, house.bitcoin
    await world.pay("BTC", chain.hot_address, "0.3")
    await world.mine("bitcoin", chain.confirmations)
    vault = BitcoinVault(world.seed, "regtest")
    made = await chain.gather(await chain.unspent(), 2)
    await chain.submit(vault.sign(*vault.decode(made.psbt), 500).raw)
    await world.mine("bitcoin", 1)
    (coin,) = await chain.unspent()
    assert coin.change and coin.confirmations == 1
    assert (await pay_out(house, "0.1")).change_units > 0


@pytest.mark.slow
async def test_a_miners_reward_is_credited_when_it_may_be_spent_and_pays_nobody_before(house: House) -> None:
    world = house.world
    user = await world.user()
    address = await world.address(user, "BTC")
    await world.bitcoin.rpc.call("generatetoaddress", 1, address)
    await world.scan("bitcoin")
    reward = await world.deposit(user)
    assert (reward["state"], reward["confirmations_required"]) == ("confirming", 101)
    await world.mine("bitcoin", 99)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "confirming"
    with pytest.raises(NotEnough):
        await pay_out(house, "0.0001")
    await world.mine("bitcoin", 1)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "credited"
    assert (await pay_out(house, "0.0001")).inputs[0].txid == reward["txid"]
    await house.books_are_exact("bitcoin")


async def test_a_miners_reward_whose_block_is_taken_back_is_no_deposit(house: House) -> None:
    world = house.world
    user = await world.user()
    (block,) = await world.bitcoin.rpc.call("generatetoaddress", 1, await world.address(user, "BTC"))
    await world.scan("bitcoin")
    await world.bitcoin.rpc.call("invalidateblock", block)
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    assert (await world.deposit(user))["state"] == "reorged"
    assert await world.available(user, "BTC") == "0.00000000"
