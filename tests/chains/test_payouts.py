"""The whole way of a payout on real nodes: choose coins or nonce, sign in the signer's process, send, mine, prove."""

import uuid

import bdkpython as bdk
import pytest
from eth_account import Account

from tests.chains.conftest import House
from tests.chains.waiting import until
from tidegate.chains.bitcoin import Funded, NotEnough
from tidegate.chains.port import Fate, Submitted
from tidegate.signing.messages import Answer, Approved, Authorisation, Denied, Intent


def intent(network: str, asset: str, address: str, units: int, bound: int) -> tuple[Intent, Authorisation]:
    wanted = Intent(
        payout_id=str(uuid.uuid4()),
        user_id=str(uuid.uuid4()),
        network=network,
        asset=asset,
        address=address,
        deliver_units=units,
        debit_asset=asset,
        debit_units=units,
        max_network_fee_units=bound,
        created_at="2026-11-24T10:00:00Z",
    )
    return wanted, Authorisation(wanted.digest(), "totp", wanted.user_id, "2026-11-24T10:00:01Z")


async def recipient(house: House) -> str:
    address: str = await house.bitcoin_node.faucet("getnewaddress")
    return address


def pair(funded: Funded) -> set[tuple[str, int]]:
    return {(coin.txid, coin.vout) for coin in funded.inputs}


async def sign_evm(
    house: House, wanted: Intent, yes: Authorisation, nonce: int, *, dearer: int = 1, replaces: str = ""
) -> Answer:
    price = (await house.evm.gas_fees()).standard
    return await house.door.sign_evm(
        wanted,
        yes,
        nonce=nonce,
        gas=await house.evm.gas_for(wanted.asset, wanted.address, wanted.deliver_units),
        max_fee_per_gas=price.max_fee * dearer,
        max_priority_fee_per_gas=price.tip * dearer,
        chain_id=house.evm.chain_id,
        replaces=replaces,
    )


async def test_a_bitcoin_payout_arrives_to_the_satoshi(house: House) -> None:
    address = await recipient(house)
    wanted, yes = intent("bitcoin", "BTC", address, 1_234_567, 20_000)
    before = (await house.bitcoin.balances([]))["BTC"]
    funded = await house.bitcoin.fund([(address, 1_234_567)], 3, reserved=())
    answer = await house.door.sign_bitcoin([(wanted, yes)], funded.psbt)
    assert isinstance(answer, Approved), answer
    assert answer.fee_units == funded.fee_units
    verdict = (await house.bitcoin_node.rpc.call("testmempoolaccept", [answer.raw.hex()]))[0]
    assert verdict["allowed"], verdict
    assert (await house.bitcoin.sighting(answer.txid, "BTC")).fate is Fate.UNSEEN

    sent = await house.bitcoin.submit(answer.raw)
    assert sent.outcome is Submitted.ACCEPTED
    waiting = await house.bitcoin.sighting(answer.txid, "BTC")
    assert waiting.fate is Fate.MEMPOOL and waiting.confirmations == 0
    assert waiting.paid[address] == 1_234_567 and waiting.fee_units == funded.fee_units
    # Taken off at once, change included: nothing is counted twice while it waits.
    assert (await house.bitcoin.balances([]))["BTC"] == before - 1_234_567 - funded.fee_units

    await house.bitcoin_node.mine(2)
    mined = await house.bitcoin.sighting(answer.txid, "BTC")
    assert mined.fate is Fate.MINED and mined.confirmations == 2
    assert mined.paid[address] == 1_234_567 and mined.fee_units == funded.fee_units
    assert sum(mined.paid.values()) == sum(coin.units for coin in funded.inputs) - funded.fee_units


async def test_sending_the_same_bytes_again_is_accepted_before_and_after_the_block(house: House) -> None:
    address = await recipient(house)
    wanted, yes = intent("bitcoin", "BTC", address, 50_000, 20_000)
    funded = await house.bitcoin.fund([(address, 50_000)], 2, reserved=())
    answer = await house.door.sign_bitcoin([(wanted, yes)], funded.psbt)
    assert isinstance(answer, Approved)
    for _ in range(2):
        assert (await house.bitcoin.submit(answer.raw)).outcome is Submitted.ACCEPTED
    await house.bitcoin_node.mine(1)
    assert (await house.bitcoin.submit(answer.raw)).outcome is Submitted.ACCEPTED


async def test_the_node_is_not_believed_when_it_calls_a_mined_payment_missing(house: House) -> None:
    """Once every output is spent the node says -25 "inputs missing or spent" of a payment that it has in a block."""
    address = await recipient(house)
    wanted, yes = intent("bitcoin", "BTC", address, 300_000, 20_000)
    funded = await house.bitcoin.fund([(address, 300_000)], 2, reserved=())
    answer = await house.door.sign_bitcoin([(wanted, yes)], funded.psbt)
    assert isinstance(answer, Approved)
    await house.bitcoin.submit(answer.raw)
    await house.bitcoin_node.mine(1)
    # Both outputs move on: the recipient's, and our change.
    script = bytes(bdk.Address(address, bdk.Network.REGTEST).script_pubkey().to_bytes())
    outputs = [bytes(output.script_pubkey.to_bytes()) for output in bdk.Transaction(answer.raw).output()]
    vout = outputs.index(script)
    raw = await house.bitcoin_node.rpc.call(
        "createrawtransaction", [{"txid": answer.txid, "vout": vout}], [{await recipient(house): "0.00299"}]
    )
    moved = await house.bitcoin_node.faucet("signrawtransactionwithwallet", raw)
    await house.bitcoin_node.rpc.call("sendrawtransaction", moved["hex"])
    change = [coin.outpoint for coin in await house.bitcoin.unspent() if coin.txid == answer.txid]
    wanted2, yes2 = intent("bitcoin", "BTC", address, 20_000, 20_000)
    onward = await house.bitcoin.fund([(address, 20_000)], 2, reserved=(), pinned=change)
    answer2 = await house.door.sign_bitcoin([(wanted2, yes2)], onward.psbt)
    assert isinstance(answer2, Approved)
    await house.bitcoin.submit(answer2.raw)
    await house.bitcoin_node.mine(1)
    assert (await house.bitcoin.submit(answer.raw)).outcome is Submitted.ACCEPTED


async def test_two_payouts_never_choose_the_same_coin_when_the_first_is_reserved(house: House) -> None:
    address = await recipient(house)
    first = await house.bitcoin.fund([(address, 100_000)], 2, reserved=())
    second = await house.bitcoin.fund([(address, 100_000)], 2, reserved=pair(first))
    assert pair(first).isdisjoint(pair(second))
    everything = {coin.outpoint for coin in await house.bitcoin.unspent()}
    with pytest.raises(NotEnough) as nothing_left:
        await house.bitcoin.fund([(address, 100_000)], 2, reserved=everything)
    assert nothing_left.value.available_units == 0


async def test_a_bump_shares_a_coin_and_replaces_the_first_attempt(house: House) -> None:
    address = await recipient(house)
    wanted, yes = intent("bitcoin", "BTC", address, 60_000, 50_000)
    slow = await house.bitcoin.fund([(address, 60_000)], 2, reserved=())
    first = await house.door.sign_bitcoin([(wanted, yes)], slow.psbt)
    assert isinstance(first, Approved)
    await house.bitcoin.submit(first.raw)
    fresh = await house.bitcoin.fund([(address, 60_000)], 20, reserved=pair(slow))
    denied = await house.door.sign_bitcoin([(wanted, yes)], fresh.psbt)
    assert isinstance(denied, Denied) and denied.rule == "second_transaction"
    fast = await house.bitcoin.fund([(address, 60_000)], 20, reserved=(), pinned=sorted(pair(slow)))
    assert pair(slow) <= pair(fast)
    second = await house.door.sign_bitcoin([(wanted, yes)], fast.psbt, replaces=first.txid)
    assert isinstance(second, Approved), second
    assert (await house.bitcoin.submit(second.raw)).outcome is Submitted.ACCEPTED
    await house.bitcoin_node.mine(1)
    assert (await house.bitcoin.sighting(second.txid, "BTC")).fate is Fate.MINED
    assert (await house.bitcoin.sighting(first.txid, "BTC")).fate is Fate.CONFLICTED
    assert (await house.bitcoin.submit(first.raw)).outcome is Submitted.REFUSED


async def test_a_deposit_coin_is_told_from_the_hot_wallets_own(house: House) -> None:
    deposit = house.bitcoin.deposit_address(90)
    await house.send_bitcoin(deposit, 123_456_789)
    await house.bitcoin_node.mine(1)
    address = await recipient(house)
    coin = next(c for c in await house.bitcoin.unspent() if c.address == deposit)
    funded = await house.bitcoin.fund([(address, 10_000)], 2, reserved=(), pinned=[coin.outpoint])
    assert [(c.address, c.change) for c in funded.inputs] == [(deposit, False)]
    wanted, yes = intent("bitcoin", "BTC", address, 10_000, 20_000)
    answer = await house.door.sign_bitcoin([(wanted, yes)], funded.psbt)
    assert isinstance(answer, Approved)
    await house.bitcoin.submit(answer.raw)
    own = next(c for c in await house.bitcoin.unspent() if c.txid == answer.txid)
    assert own.change and own.confirmations == 0
    again = await house.bitcoin.fund([(address, 11_000)], 2, reserved=(), pinned=[own.outpoint])
    assert again.inputs[0].change
    await house.bitcoin_node.mine(1)


async def test_an_ether_payout_arrives_to_the_wei(house: House) -> None:
    to = Account.create().address
    wanted, yes = intent("ethereum", "ETH", to, 123_456_789_012_345_678, 10**16)
    nonce = await house.evm.next_nonce()
    answer = await sign_evm(house, wanted, yes, nonce)
    assert isinstance(answer, Approved), answer
    assert (await house.evm.sighting(answer.txid, "ETH")).fate is Fate.UNSEEN
    before = (await house.evm.balances([house.evm.hot_address]))["ETH"]
    assert (await house.evm.submit(answer.raw)).outcome is Submitted.ACCEPTED
    assert (await house.evm.submit(answer.raw)).outcome is Submitted.ACCEPTED
    assert (await house.evm.sighting(answer.txid, "ETH")).fate is Fate.MEMPOOL
    await house.evm_node.mine(3)
    mined = await house.evm.sighting(answer.txid, "ETH")
    assert mined.fate is Fate.MINED and mined.confirmations == 3
    assert mined.paid == {to: 123_456_789_012_345_678}
    assert (await house.evm.submit(answer.raw)).outcome is Submitted.ACCEPTED
    after = (await house.evm.balances([house.evm.hot_address]))["ETH"]
    assert before - after == 123_456_789_012_345_678 + (mined.fee_units or 0)
    assert (await house.evm.balances([to]))["ETH"] == 123_456_789_012_345_678


async def test_a_token_whose_transfer_returns_nothing_is_paid_and_proven_by_its_log(house: House) -> None:
    to = Account.create().address
    wanted, yes = intent("ethereum", "USDT", to, 25_000_000, 10**16)
    answer = await sign_evm(house, wanted, yes, await house.evm.next_nonce())
    assert isinstance(answer, Approved), answer
    assert (await house.evm.submit(answer.raw)).outcome is Submitted.ACCEPTED
    await house.evm_node.mine(1)
    mined = await house.evm.sighting(answer.txid, "USDT")
    assert mined.fate is Fate.MINED and mined.paid == {to: 25_000_000}
    assert (await house.evm.balances([to]))["USDT"] == 25_000_000
    assert 0 < (mined.fee_units or 0) <= answer.fee_units


async def test_a_reverted_payout_is_no_payment(house: House) -> None:
    """More than the hot account holds: mined with status 0, the fee is gone and nothing was paid."""
    to = Account.create().address
    wanted, yes = intent("ethereum", "USDT", to, 99_000 * 10**6, 10**16)
    answer = await house.door.sign_evm(
        wanted,
        yes,
        nonce=await house.evm.next_nonce(),
        gas=80_000,
        max_fee_per_gas=10**10,
        max_priority_fee_per_gas=10**9,
        chain_id=31337,
    )
    assert isinstance(answer, Approved)
    await house.evm.submit(answer.raw)
    await house.evm_node.mine(1)
    mined = await house.evm.sighting(answer.txid, "USDT")
    assert mined.fate is Fate.REVERTED and mined.paid == {} and (mined.fee_units or 0) > 0


async def test_a_replaced_nonce_is_refused_by_facts_and_not_by_words(house: House) -> None:
    to = Account.create().address
    wanted, yes = intent("ethereum", "ETH", to, 10**15, 10**17)
    nonce = await house.evm.next_nonce()
    cheap = await sign_evm(house, wanted, yes, nonce)
    assert isinstance(cheap, Approved)
    dear = await sign_evm(house, wanted, yes, nonce, dearer=2, replaces=cheap.txid)
    assert isinstance(dear, Approved)
    await house.evm.submit(cheap.raw)
    assert (await house.evm.submit(dear.raw)).outcome is Submitted.ACCEPTED
    await house.evm_node.mine(1)
    assert (await house.evm.sighting(dear.txid, "ETH")).fate is Fate.MINED
    assert (await house.evm.submit(cheap.raw)).outcome is Submitted.REFUSED
    assert (await house.evm.balances([to]))["ETH"] == 10**15


async def test_a_transaction_reorged_away_is_sent_again_with_the_same_bytes(house: House) -> None:
    to = Account.create().address
    wanted, yes = intent("ethereum", "ETH", to, 10**15, 10**17)
    answer = await sign_evm(house, wanted, yes, await house.evm.next_nonce())
    assert isinstance(answer, Approved)
    await house.evm.submit(answer.raw)
    await house.evm_node.mine(2)
    assert (await house.evm.sighting(answer.txid, "ETH")).fate is Fate.MINED
    await house.evm_node.rpc.call("anvil_reorg", 2, [])
    assert (await house.evm.sighting(answer.txid, "ETH")).fate in (Fate.UNSEEN, Fate.MEMPOOL)
    assert (await house.evm.submit(answer.raw)).outcome is Submitted.ACCEPTED

    async def mined() -> bool:
        await house.evm_node.mine(1)
        return (await house.evm.sighting(answer.txid, "ETH")).fate is Fate.MINED

    await until(mined, "the same bytes to be mined again")
    assert (await house.evm.balances([to]))["ETH"] == 10**15
