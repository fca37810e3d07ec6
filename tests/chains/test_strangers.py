"""What left our wallets and is in no book, on real nodes; and what a real signer tells of what it signed."""

from tests.chains.conftest import House
from tests.chains.test_payouts import intent, pair, recipient, sign_evm
from tests.wallets.world import a_user
from tidegate.chains.port import Submitted
from tidegate.database import Database
from tidegate.signing.messages import Approved, Denied, SignedBytes
from tidegate.treasury import strangers


async def test_coins_spent_with_the_wallets_own_key_and_past_the_books_are_found(house: House, db: Database) -> None:
    assert await strangers.look(db, house.bitcoin) == [], "these books have nobody: nothing is judged"
    await a_user(db)
    assert await strangers.look(db, house.bitcoin) == []
    wanted, yes = intent("bitcoin", "BTC", await recipient(house), 100_000, 50_000)
    funded = await house.bitcoin.fund([(wanted.address, wanted.deliver_units)], 2, set())
    answer = await house.door.sign_bitcoin([(wanted, yes)], funded.psbt)
    assert isinstance(answer, Approved)
    assert (await house.bitcoin.submit(answer.raw)).outcome is Submitted.ACCEPTED
    for _ in range(2):  # waiting for a block, and in one
        (orphan,) = await strangers.look(db, house.bitcoin)
        assert (orphan.network, orphan.name) == ("bitcoin", answer.txid)
        await house.bitcoin_node.mine(1)
    coins = await house.bitcoin.coins_in(answer.raw)
    assert {(one.txid, one.vout) for one in coins} == pair(funded)
    assert sorted((one.units, one.address) for one in coins) == sorted((c.units, c.address) for c in funded.inputs)


async def test_a_real_signer_gives_the_bytes_that_it_signed_with_who_authorised_them_and_no_others(
    house: House,
) -> None:
    wanted, yes = intent("ethereum", "USDT", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", 1_000_000, 10**17)
    nonce = await house.evm.next_nonce()
    answer = await sign_evm(house, wanted, yes, nonce)
    assert isinstance(answer, Approved)
    told = await house.door.signed_bytes(answer.txid)
    assert isinstance(told, SignedBytes)
    assert (told.raw, told.txid, told.fee_units) == (answer.raw, answer.txid, answer.fee_units)
    assert [(one.intent, one.authorisation) for one in told.payouts] == [(wanted, yes)]
    terms = house.evm.terms_in(told.raw)
    assert (terms.chain_id, terms.nonce, terms.to) == (31337, nonce, house.evm.contract_of("USDT"))
    assert terms.gas * terms.price.max_fee == answer.fee_units
    assert isinstance(await house.door.signed_bytes("0x" + "0" * 64), Denied)
