"""Deposits on a real regtest node, through everything that makes a payment appear, move and vanish."""

from decimal import Decimal
from typing import Any

import pytest

from tests.chains.conftest import House
from tests.chains.waiting import until
from tidegate.chains.bitcoin import BitcoinChain
from tidegate.chains.open import open_chains
from tidegate.chains.port import Arrival, Arrivals, NodeUnavailable
from tidegate.chains.public import load_public
from tidegate.config import Settings


class Till:
    """What a cashier keeps: the cursor and the deposits seen so far, by (txid, vout)."""

    def __init__(self, chain: BitcoinChain, *watched: str) -> None:
        self.chain = chain
        self.watched = watched
        self.cursor: str | None = None
        self.rows: dict[tuple[str, int], Arrival] = {}

    async def poll(self) -> Arrivals:
        found = await self.chain.arrivals(self.cursor, self.watched, sorted({txid for txid, _ in self.rows}))
        self.cursor = found.cursor
        self.rows.update({(arrival.txid, arrival.index): arrival for arrival in found.seen})
        return found

    async def until(self, confirmations: int, deposits: int = 1) -> None:
        """Poll until that many deposits have these confirmations: the node tells its wallet a moment later."""

        async def reached() -> bool:
            await self.poll()
            return [row.confirmations for row in self.rows.values()] == [confirmations] * deposits

        await until(reached, f"{deposits} deposits with {confirmations} confirmations, not {self.rows}", 10)

    @property
    def only(self) -> Arrival:
        (row,) = self.rows.values()
        return row


async def faucet_coin(house: House) -> dict[str, Any]:
    coins: list[dict[str, Any]] = await house.bitcoin_node.faucet("listunspent", 10)
    return max(coins, key=lambda coin: Decimal(coin["amount"]))


async def signed_by_faucet(house: House, coin: dict[str, Any], address: str, amount: Decimal) -> str:
    """A replaceable payment of `amount`, the rest of the coin going to fees and change."""
    change = await house.bitcoin_node.faucet("getrawchangeaddress")
    rest = Decimal(coin["amount"]) - amount - Decimal("0.0002")
    inputs = [{"txid": coin["txid"], "vout": coin["vout"], "sequence": 0xFFFFFFFD}]
    raw = await house.bitcoin_node.rpc.call(
        "createrawtransaction", inputs, [{address: str(amount)}, {change: str(rest)}]
    )
    signed: str = (await house.bitcoin_node.faucet("signrawtransactionwithwallet", raw))["hex"]
    return signed


async def test_deposit_addresses_equal_those_that_the_node_derives(house: House) -> None:
    keys = load_public(house.settings.signer.public_file).bitcoin["bitcoin"]
    expected = await house.bitcoin_node.rpc.call("deriveaddresses", keys.external, [0, 49])
    assert [house.bitcoin.deposit_address(index) for index in range(50)] == expected
    change = await house.bitcoin_node.rpc.call("deriveaddresses", keys.internal, [0, 0])
    assert house.bitcoin.hot_address == change[0]


async def test_a_deposit_is_seen_at_once_and_counted_up(house: House) -> None:
    address = house.bitcoin.deposit_address(10)
    till = Till(house.bitcoin, address)
    await till.poll()
    txid = await house.send_bitcoin(address, 1_500_000)
    await till.until(0)
    assert till.only.txid == txid and till.only.units == 1_500_000 and till.only.asset == "BTC"
    assert till.only.confirmations == 0 and till.only.block_height is None
    for expected in (1, 2, 3, 4):
        await house.bitcoin_node.mine(1)
        await till.poll()
        assert till.only.confirmations == expected
    tip = await house.bitcoin.tip()
    assert till.only.block_height == tip.height - 3


async def test_two_outputs_of_one_transaction_are_two_deposits(house: House) -> None:
    first, second = house.bitcoin.deposit_address(11), house.bitcoin.deposit_address(12)
    till = Till(house.bitcoin, first, second)
    await house.bitcoin_node.faucet("sendmany", "", {first: "0.001", second: "0.002"})
    await till.until(0, deposits=2)
    assert {(row.address, row.units) for row in till.rows.values()} == {(first, 100_000), (second, 200_000)}
    await house.bitcoin_node.mine(1)


async def test_change_and_hot_wallet_funding_are_no_deposits(house: House) -> None:
    till = Till(house.bitcoin, *(house.bitcoin.deposit_address(index) for index in range(100)))
    await till.poll()
    before = set(till.rows)
    await house.send_bitcoin(house.bitcoin.hot_address, 2_000_000)
    await till.poll()
    await house.bitcoin_node.mine(1)
    await till.poll()
    assert set(till.rows) == before


async def test_a_deposit_that_its_sender_replaced_does_not_vanish_silently(house: House) -> None:
    address = house.bitcoin.deposit_address(13)
    till = Till(house.bitcoin, address)
    await till.poll()
    coin = await faucet_coin(house)
    first = await signed_by_faucet(house, coin, address, Decimal("0.01"))
    txid = await house.bitcoin_node.rpc.call("sendrawtransaction", first)
    await till.until(0)
    elsewhere = await house.bitcoin_node.faucet("getnewaddress")
    dearer = {**coin, "amount": Decimal(coin["amount"]) - Decimal("0.001")}
    rival = await signed_by_faucet(house, dearer, elsewhere, Decimal("0.01"))
    await house.bitcoin_node.rpc.call("sendrawtransaction", rival)
    await house.bitcoin_node.mine(1)
    found = await till.poll()
    assert found.gone == (txid,)
    assert till.only.confirmations < 0


async def test_a_reorg_takes_a_deposit_back_to_the_mempool_and_it_is_mined_again(house: House) -> None:
    address = house.bitcoin.deposit_address(14)
    till = Till(house.bitcoin, address)
    await till.poll()
    await house.send_bitcoin(address, 400_000)
    await house.bitcoin_node.mine(2)
    await till.until(2)
    dead = till.only.block_hash
    await house.bitcoin_node.rpc.call("invalidateblock", dead)
    await till.until(0)
    assert (await till.poll()).gone == ()
    # To another address: the very same block again would be the one that was declared invalid.
    await house.bitcoin_node.rpc.call("generatetoaddress", 3, await house.bitcoin_node.faucet("getnewaddress"))
    await till.until(3)
    assert till.only.block_hash != dead


async def test_a_credited_deposit_double_spent_in_a_reorg_turns_negative(house: House) -> None:
    address = house.bitcoin.deposit_address(15)
    till = Till(house.bitcoin, address)
    await till.poll()
    coin = await faucet_coin(house)
    elsewhere = await house.bitcoin_node.faucet("getnewaddress")
    payment = await signed_by_faucet(house, coin, address, Decimal("0.02"))
    rival = await signed_by_faucet(house, coin, elsewhere, Decimal("0.02"))
    txid = await house.bitcoin_node.rpc.call("sendrawtransaction", payment)
    await house.bitcoin_node.mine(2)
    await till.until(2)
    await house.bitcoin_node.rpc.call("invalidateblock", till.only.block_hash)
    # The branch's first block holds the rival, so the deposit can never come back.
    await house.bitcoin_node.rpc.call("generateblock", elsewhere, [rival])
    await house.bitcoin_node.mine(2)
    found = await till.poll()
    assert txid in found.gone and till.only.confirmations < 0
    assert (await till.poll()).gone == (txid,), "it stays gone for as long as it is asked for"


async def test_a_cursor_that_the_node_does_not_know_starts_over(house: House) -> None:
    address = house.bitcoin.deposit_address(16)
    await house.send_bitcoin(address, 70_000)
    await house.bitcoin_node.mine(6)
    till = Till(house.bitcoin, address)
    till.cursor = "00" * 32
    await till.until(6)
    assert till.only.units == 70_000


async def test_a_deposit_is_found_by_a_node_that_lost_its_wallet(house: House) -> None:
    """A new watch-only wallet looks back to the birth of the seed, far beyond its first range of addresses too."""
    near, far = house.bitcoin.deposit_address(17), house.bitcoin.deposit_address(1_500)
    await house.bitcoin.watch(1_501)
    await house.send_bitcoin(near, 80_000)
    await house.send_bitcoin(far, 90_000)
    await house.bitcoin_node.mine(3)
    tables = {**house.tables, "networks": {**house.tables["networks"]}}
    tables["networks"]["bitcoin"] = {**tables["networks"]["bitcoin"], "wallet": "rebuilt"}
    other = open_chains(Settings(**tables), load_public(house.settings.signer.public_file))["bitcoin"]
    assert isinstance(other, BitcoinChain)
    try:
        await other.prepare()
        await other.watch(1_501)
        till = Till(other, near, far)
        await till.until(3, deposits=2)
        assert {row.units for row in till.rows.values()} == {80_000, 90_000}
    finally:
        await house.bitcoin_node.rpc.call("unloadwallet", "rebuilt", False)
        await other.close()


async def test_a_wallet_that_the_node_unloaded_is_loaded_again(house: House) -> None:
    await house.bitcoin_node.rpc.call("unloadwallet", house.settings.networks["bitcoin"].wallet, True)
    assert (await house.bitcoin.balances([]))["BTC"] > 0
    await house.bitcoin_node.rpc.call("unloadwallet", house.settings.networks["bitcoin"].wallet, True)
    till = Till(house.bitcoin, house.bitcoin.deposit_address(10))
    await till.poll()
    assert till.rows


async def test_watching_does_not_ask_the_node_when_there_is_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.bitcoin.watch(2_000)

    async def silent(*_: object, **__: object) -> None:
        raise AssertionError("asked the node")

    monkeypatch.setattr(house.bitcoin._rpc, "call", silent)
    await house.bitcoin.watch(1_000)
    await house.bitcoin.watch(2_000)


async def test_a_node_on_another_chain_or_with_another_wallet_is_refused(house: House) -> None:
    tables = {**house.tables, "networks": {**house.tables["networks"]}}
    tables["networks"]["bitcoin"] = {**tables["networks"]["bitcoin"], "wallet": "faucet"}
    public = load_public(house.settings.signer.public_file)
    other = open_chains(Settings(**tables), public)["bitcoin"]
    assert isinstance(other, BitcoinChain)
    with pytest.raises(NodeUnavailable, match="watch-only"):
        await other.prepare()
    await other.close()
    tables["networks"]["bitcoin"]["chain"] = "main"
    elsewhere = open_chains(Settings(**tables), public)["bitcoin"]
    assert isinstance(elsewhere, BitcoinChain)
    with pytest.raises(NodeUnavailable, match="chain regtest"):
        await elsewhere.prepare()
    health = await elsewhere.health()
    assert not health.fit and "regtest" in health.reason
    await elsewhere.close()


async def test_fees_are_whole_ordered_and_within_bounds(house: House) -> None:
    rates = await house.bitcoin.fee_rates()
    # A node that has seen payments go estimates, and may find all three alike.
    assert 1 <= rates.economy <= rates.standard <= rates.fast <= 500


async def test_a_healthy_node_is_fit_and_a_dead_one_is_not(house: House) -> None:
    assert (await house.bitcoin.health()).fit
    tables = {**house.tables, "networks": {**house.tables["networks"]}}
    tables["networks"]["bitcoin"] = {**tables["networks"]["bitcoin"], "rpc_url": "http://127.0.0.1:9"}
    dead = open_chains(Settings(**tables), load_public(house.settings.signer.public_file))["bitcoin"]
    assert isinstance(dead, BitcoinChain)
    health = await dead.health()
    assert not health.fit and health.height is None
    with pytest.raises(NodeUnavailable):
        await dead.arrivals(None, [], [])
    with pytest.raises(NodeUnavailable):
        await dead.submit(bytes.fromhex(SOME_TRANSACTION))
    await dead.close()


SOME_TRANSACTION = (
    "0200000001" + "11" * 32 + "00000000" + "00" + "ffffffff" + "01" + "e803000000000000" + "0151" + "00000000"
)
