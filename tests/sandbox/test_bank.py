"""The sandbox's exchanges on real nodes: what they pay arrives on the chain, and what is sent to them is credited once."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tidegate.sandbox.bank import ACCOUNT, BITCOIN_DEPTH, EVM_DEPTH, Bank, Nodes, deposit_address, open_door
from tidegate.sandbox.nodes import TOKENS, BitcoinNode, EvmNode, anvil, bitcoind
from tidegate.sandbox.venue.dialect import Account
from tidegate.sandbox.venue.funding import COMPLETED, FEES, PENDING
from tidegate.sandbox.venue.prices import e8
from tidegate.sandbox.venue.server import Config, build
from tidegate.sandbox.venue.world import World

SOMEBODY = "0x00000000000000000000000000000000000a11ce"
HELD = {"BTC": e8("5"), "ETH": e8("50"), "USDT": e8("10000"), "USDC": e8("10000")}


@pytest.fixture(scope="module")
async def nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[BitcoinNode, EvmNode]]:
    folder = tmp_path_factory.mktemp("nodes")
    async with bitcoind(folder / "bitcoin") as bitcoin, anvil(folder / "evm") as evm:
        yield bitcoin, evm


@pytest.fixture
async def bank(nodes: tuple[BitcoinNode, EvmNode], tmp_path: Path) -> AsyncIterator[Bank]:
    made = Bank(Nodes(nodes[0].url, nodes[1].url, dict(TOKENS), tmp_path / "none-yet.json"))
    yield made
    await made.close()


@pytest.fixture
async def kraken(bank: Bank, tmp_path: Path) -> AsyncIterator[World]:
    house = Account(name=ACCOUNT, api_key="key", secret="c2VjcmV0", balances=dict(HELD))
    app = build(Config({"key": house}), tmp_path / "venue", dialect="kraken", interval=0, payer=bank, durable=False)
    world: World = app.state.world
    open_door("kraken", world)
    yield world
    world.journal.close()


def free(world: World, asset: str) -> int:
    return world.engine.balances[ACCOUNT][asset][0]


async def paid(world: World, number: int) -> str:
    """The transaction of a withdrawal, once the exchange says that it is on its chain."""
    task = asyncio.create_task(world.keep_paying())
    try:
        while world.funding.withdrawals[number].state == PENDING:
            await asyncio.sleep(0.02)
    finally:
        task.cancel()
    assert world.funding.withdrawals[number].state == COMPLETED
    return world.funding.withdrawals[number].txid


async def test_a_withdrawal_of_bitcoin_arrives_on_the_chain_to_the_unit(
    kraken: World, nodes: tuple[BitcoinNode, EvmNode]
) -> None:
    there = await nodes[0].faucet("getnewaddress")
    made = kraken.funding.withdraw(ACCOUNT, "BTC", "bitcoin", there, e8("0.5"), kraken.now())
    txid = await paid(kraken, made.id)
    seen = await nodes[0].faucet("gettransaction", txid, True, True)
    sent = [one for one in seen["decoded"]["vout"] if one["scriptPubKey"].get("address") == there]
    assert [one["value"] for one in sent] == [Decimal("0.5") - Decimal(FEES["BTC"]).scaleb(-8)]


@pytest.mark.parametrize(("asset", "decimals"), [("ETH", 18), ("USDT", 6), ("USDC", 6)])
async def test_a_withdrawal_over_ethereum_arrives_on_the_chain_to_the_unit(
    kraken: World, nodes: tuple[BitcoinNode, EvmNode], asset: str, decimals: int
) -> None:
    evm = nodes[1]

    async def held() -> int:
        if asset == "ETH":
            return int(await evm.rpc.call("eth_getBalance", SOMEBODY, "latest"), 16)
        return int(await evm.token_call(asset, f"0x70a08231{int(SOMEBODY, 16):064x}"), 16)

    before = await held()
    made = kraken.funding.withdraw(ACCOUNT, asset, "ethereum", SOMEBODY, e8("7.5"), kraken.now())
    await paid(kraken, made.id)
    await evm.mine()
    assert await held() - before == made.amount * 10**decimals // 10**8


async def test_bitcoin_sent_to_the_exchange_is_credited_once_and_only_when_it_is_deep(
    kraken: World, bank: Bank, nodes: tuple[BitcoinNode, EvmNode]
) -> None:
    bitcoin = nodes[0]
    txid = await bitcoin.faucet("sendtoaddress", deposit_address("kraken", "bitcoin"), "0.25")
    await bitcoin.mine(BITCOIN_DEPTH - 1)
    await bank.look_at_bitcoin([("kraken", kraken)])
    assert free(kraken, "BTC") == HELD["BTC"]
    await bitcoin.mine()
    await bank.look_at_bitcoin([("kraken", kraken)])
    again = Bank(bank.nodes)
    await again.look_at_bitcoin([("kraken", kraken)])
    await again.close()
    assert free(kraken, "BTC") == HELD["BTC"] + e8("0.25")
    assert [one.txid for one in kraken.funding.deposits.values()] == [txid]


async def test_ether_and_tokens_sent_to_the_exchange_are_credited_once_and_only_when_they_are_deep(
    kraken: World, bank: Bank, nodes: tuple[BitcoinNode, EvmNode]
) -> None:
    evm, place = nodes[1], deposit_address("kraken", "ethereum")
    await bank.look_at_ethereum([("kraken", kraken)])
    owner, rich, *_ = await evm.accounts()
    await evm.rpc.call("eth_sendTransaction", {"from": rich, "to": place, "value": hex(3 * 10**18)})
    token = f"0xa9059cbb{int(place, 16):064x}{125_500_000:064x}"
    await evm.rpc.call("eth_sendTransaction", {"from": owner, "to": TOKENS["USDT"], "data": token, "gas": hex(120_000)})
    await evm.mine(EVM_DEPTH - 1)
    await bank.look_at_ethereum([("kraken", kraken)])
    assert (free(kraken, "ETH"), free(kraken, "USDT")) == (HELD["ETH"], HELD["USDT"])
    await evm.mine()
    for _ in range(2):
        await bank.look_at_ethereum([("kraken", kraken)])
    assert free(kraken, "ETH") == HELD["ETH"] + e8("3")
    assert free(kraken, "USDT") == HELD["USDT"] + e8("125.5")
    assert free(kraken, "USDC") == HELD["USDC"]


async def test_the_exchange_may_pay_our_hot_addresses_once_the_signer_has_told_them(
    kraken: World, bank: Bank, nodes: tuple[BitcoinNode, EvmNode]
) -> None:
    seed = await nodes[0].faucet("listdescriptors")
    (internal, *_) = [one["desc"] for one in seed["descriptors"] if one["desc"].startswith("wpkh(") and one["internal"]]
    told = {"bitcoin": {"bitcoin": {"internal": internal}}, "evm": {"ethereum": {"hot_address": SOMEBODY}}}
    bank.nodes.public_file.write_text(json.dumps(told))
    assert await bank.allow([("kraken", kraken)])
    (first,) = await nodes[0].rpc.call("deriveaddresses", internal, [0, 0])
    assert {(asset, address) for _, asset, address in kraken.allowed(ACCOUNT)} == {
        ("BTC", first),
        ("ETH", SOMEBODY),
        ("USDT", SOMEBODY),
        ("USDC", SOMEBODY),
    }


async def test_what_goes_to_another_exchange_is_not_credited_here(
    kraken: World, bank: Bank, nodes: tuple[BitcoinNode, EvmNode]
) -> None:
    await bank.look_at_ethereum([("kraken", kraken)])
    rich = (await nodes[1].accounts())[1]
    other = deposit_address("binance", "ethereum")
    await nodes[1].rpc.call("eth_sendTransaction", {"from": rich, "to": other, "value": hex(10**18)})
    await nodes[1].mine(EVM_DEPTH)
    await bank.look_at_ethereum([("kraken", kraken)])
    assert kraken.funding.deposits == {}
