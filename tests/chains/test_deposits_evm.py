"""Deposits on a real EVM node: blocks read by number and proven by hash, through reorgs and forgeries."""

import json
from typing import Any

import pytest
from eth_account import Account

from tests.chains.conftest import House
from tidegate.chains.evm import EvmChain
from tidegate.chains.evm.build import checksummed
from tidegate.chains.open import open_chains
from tidegate.chains.port import Arrival, Arrivals, NodeUnavailable
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.money import UNKNOWN_TOKEN


class Till:
    """What a cashier keeps: the cursor and the deposits seen so far; gone ones are set to -1."""

    def __init__(self, chain: EvmChain, *watched: str) -> None:
        self.chain = chain
        self.watched = watched
        self.cursor: str | None = None
        self.rows: dict[tuple[str, int], Arrival] = {}
        self.gone: set[str] = set()

    async def poll(self) -> Arrivals:
        found = await self.chain.arrivals(self.cursor, self.watched, sorted({txid for txid, _ in self.rows}))
        self.cursor = found.cursor
        self.rows.update({(arrival.txid, arrival.index): arrival for arrival in found.seen})
        self.gone = set(found.gone)
        return found

    async def catch_up(self) -> None:
        tip = await self.chain.tip()
        await self.poll()
        while json.loads(self.cursor or "{}")["blocks"][-1][0] < tip.height:
            await self.poll()

    @property
    def only(self) -> Arrival:
        (row,) = self.rows.values()
        return row


async def till_at_tip(house: House, *indexes: int) -> Till:
    till = Till(house.evm, *(house.evm.deposit_address(index) for index in indexes))
    await till.catch_up()
    return till


async def test_deposit_addresses_are_the_accounts_of_the_seeds_words(house: House) -> None:
    from tidegate.signer.home import words

    Account.enable_unaudited_hdwallet_features()
    for index in (0, 3, 77):
        expected = Account.from_mnemonic(words(house.settings), account_path=f"m/44'/60'/1'/0/{index}").address
        assert house.evm.deposit_address(index) == expected


async def test_ether_is_seen_on_its_way_and_counted_up(house: House) -> None:
    till = await till_at_tip(house, 10)
    txid = await house.send_ether(till.watched[0], 10**18)
    await till.poll()
    assert till.only.txid == txid and till.only.confirmations == 0 and till.only.units == 10**18
    for expected in (1, 2, 3):
        await house.evm_node.mine(1)
        await till.poll()
        assert till.only.confirmations == expected and till.only.index == -1 and till.only.asset == "ETH"


@pytest.mark.parametrize(("asset", "index"), [("USDT", 11), ("USDC", 12)])
async def test_tokens_are_credited_by_their_log(house: House, asset: str, index: int) -> None:
    till = await till_at_tip(house, index)
    await house.send_token(asset, till.watched[0], 25_000_000)
    await till.poll()
    assert till.only.confirmations == 0 and till.only.units == 25_000_000
    await house.evm_node.mine(1)
    await till.poll()
    assert (till.only.asset, till.only.units, till.only.index) == (asset, 25_000_000, 0)
    assert till.only.confirmations == 1


async def test_zero_amounts_are_no_deposits(house: House) -> None:
    till = await till_at_tip(house, 13)
    await house.send_token("USDT", till.watched[0], 0)
    await house.send_ether(till.watched[0], 0)
    await house.evm_node.mine(2)
    await till.poll()
    assert not till.rows


async def test_a_look_alike_token_is_unknown_whatever_it_calls_itself(house: House) -> None:
    """The same Transfer log from a contract that is not on our list; names and symbols are free to forge."""
    till = await till_at_tip(house, 14)
    owner = (await house.evm_node.accounts())[1]
    recipient = till.watched[0][2:].lower()
    # Emits Transfer(0, recipient, 1 million) on every call: PUSH data, MSTORE, LOG3.
    topic = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    runtime = f"6401000000005f5273{recipient}5f7f{topic}60205fa300"
    code = f"60{len(runtime) // 2:02x}80600b5f395ff3".ljust(22, "0") + runtime
    txid = await house.evm_node.rpc.call("eth_sendTransaction", {"from": owner, "data": "0x" + code})
    await house.evm_node.mine(1)
    contract = (await house.evm_node.rpc.call("eth_getTransactionReceipt", txid))["contractAddress"]
    call = await house.evm_node.rpc.call("eth_sendTransaction", {"from": owner, "to": contract, "gas": hex(100_000)})
    await house.evm_node.mine(1)
    logs = (await house.evm_node.rpc.call("eth_getTransactionReceipt", call))["logs"]
    assert logs and logs[0]["topics"][0] == "0x" + topic, "the forgery must look right to be a test"
    await till.poll()
    assert (till.only.asset, till.only.contract) == (UNKNOWN_TOKEN, checksummed(contract))


async def test_a_reverted_payment_is_no_deposit(house: House) -> None:
    till = await till_at_tip(house, 15)
    poor = (await house.evm_node.accounts())[2]  # holds no USDT
    data = "0xa9059cbb" + till.watched[0][2:].lower().rjust(64, "0") + f"{10**6:064x}"
    fields = {"from": poor, "to": house.evm_node.tokens["USDT"], "data": data, "gas": hex(100_000)}
    txid = await house.evm_node.rpc.call("eth_sendTransaction", fields)
    await house.evm_node.mine(1)
    assert int((await house.evm_node.rpc.call("eth_getTransactionReceipt", txid))["status"], 16) == 0
    await till.poll()
    assert not till.rows
    assert (await house.evm.arrivals(till.cursor, till.watched, [txid])).gone == (txid,)


async def test_a_deposit_reorged_away_is_gone_and_comes_back_as_itself(house: House) -> None:
    till = await till_at_tip(house, 16)
    token = await house.send_token("USDT", till.watched[0], 5_000_000)
    await house.evm_node.mine(1)
    # A log before ours shifts the block-wide log index when it is mined again: ours must not become a second deposit.
    await till.poll()
    assert till.only.confirmations == 1
    dead = till.only.block_hash
    raw = await house.evm_node.rpc.call("eth_getTransactionByHash", token)
    await house.evm_node.rpc.call("anvil_reorg", 1, [])
    await till.poll()
    if await house.evm_node.rpc.call("eth_getTransactionByHash", token) is None:
        assert till.gone == {token}
    await house.send_token("USDT", Account.create().address, 1)
    again = await house.evm_node.rpc.call(
        "eth_sendTransaction",
        {"from": raw["from"], "to": raw["to"], "data": raw["input"], "gas": raw["gas"]},
    )
    await house.evm_node.mine(2)
    await till.poll()
    alive = [row for row in till.rows.values() if row.txid not in till.gone and row.confirmations > 0]
    assert [row.txid for row in alive] == [again]
    assert alive[0].index == 0 and alive[0].block_hash != dead


async def test_the_scan_walks_back_over_a_reorg_and_reads_the_new_branch(house: House) -> None:
    till = await till_at_tip(house, 17)
    await house.evm_node.mine(4)
    await till.catch_up()
    await house.evm_node.rpc.call("anvil_reorg", 3, [])
    await house.send_ether(till.watched[0], 3 * 10**17)
    await house.evm_node.mine(1)
    await till.catch_up()
    assert till.only.units == 3 * 10**17 and till.only.confirmations == 1
    numbers = [number for number, _ in json.loads(till.cursor or "")["blocks"]]
    assert numbers == sorted(set(numbers))


async def test_a_pending_payment_that_is_replaced_is_gone(house: House) -> None:
    till = await till_at_tip(house, 18)
    owner = (await house.evm_node.accounts())[3]
    nonce = await house.evm_node.rpc.call("eth_getTransactionCount", owner, "latest")
    fields = {"from": owner, "nonce": nonce, "gas": hex(21_000), "maxPriorityFeePerGas": hex(10**9)}
    first = await house.evm_node.rpc.call(
        "eth_sendTransaction", {**fields, "to": till.watched[0], "value": hex(10**18), "maxFeePerGas": hex(10 * 10**9)}
    )
    await till.poll()
    assert till.only.txid == first and till.only.confirmations == 0
    rival = {
        **fields,
        "to": owner,
        "value": "0x0",
        "maxFeePerGas": hex(40 * 10**9),
        "maxPriorityFeePerGas": hex(9 * 10**9),
    }
    await house.evm_node.rpc.call("eth_sendTransaction", rival)
    await house.evm_node.mine(1)
    await till.poll()
    assert till.gone == {first}


async def test_a_scan_that_is_far_behind_catches_up_without_a_gap(house: House) -> None:
    till = await till_at_tip(house, 19)
    await house.evm_node.mine(30)
    await house.send_ether(till.watched[0], 10**17)
    await house.evm_node.mine(90)
    await till.catch_up()
    assert till.only.confirmations == 90
    assert len(till.cursor or "") < 4_000


async def test_a_node_of_another_history_is_refused(house: House) -> None:
    till = await till_at_tip(house, 20)
    blocks = json.loads(till.cursor or "")["blocks"]
    forged = json.dumps({"v": 1, "blocks": [[number, "0x" + "11" * 32] for number, _ in blocks]})
    with pytest.raises(NodeUnavailable, match="another chain"):
        await house.evm.arrivals(forged, till.watched, [])


async def test_wrong_chain_wrong_decimals_and_an_empty_contract_are_refused_at_start(house: House) -> None:
    evm = house.tables["networks"]["ethereum"]
    usdt = evm["tokens"]["USDT"]
    wrong: dict[str, dict[str, Any]] = {
        "chain id 31337": {"chain_id": 1},
        "no contract": {"tokens": {"USDT": {**usdt, "contract": "0x" + "12" * 20}}},
        "decimals": {"tokens": {"USDT": {**usdt, "decimals": 18}}},
        "says 6 decimals": {"tokens": {"BTC": {**usdt, "decimals": 8}}},
    }
    public = load_public(house.settings.signer.public_file)
    for words, change in wrong.items():
        settings = Settings(**{**house.tables, "networks": {"ethereum": {**evm, **change}}})
        chain = open_chains(settings, public)["ethereum"]
        assert isinstance(chain, EvmChain)
        with pytest.raises(NodeUnavailable, match=words):
            await chain.prepare()
        await chain.close()


async def test_gas_is_exact_for_accounts_and_a_blocked_payment_is_known_before_it_is_made(house: House) -> None:
    assert await house.evm.gas_for("ETH", Account.create().address, 1) == 21_000
    gas = await house.evm.gas_for("USDT", Account.create().address, 1)
    assert 40_000 < gas <= 80_000
    with pytest.raises(ValueError):
        await house.evm.gas_for("USDT", Account.create().address, 10**18)


async def test_fees_are_ordered_and_hold_base_fee_and_tip(house: House) -> None:
    fees = await house.evm.gas_fees()
    assert fees.economy.max_fee <= fees.standard.max_fee <= fees.fast.max_fee
    assert all(0 < price.tip <= price.max_fee <= 500 * 10**9 for price in (fees.economy, fees.standard, fees.fast))
    assert (await house.evm.fee_rates()).standard == fees.standard.max_fee


async def test_a_healthy_node_is_fit_and_a_dead_one_is_not(house: House) -> None:
    assert (await house.evm.health()).fit
    evm = {**house.tables["networks"]["ethereum"], "rpc_url": "http://127.0.0.1:9"}
    settings = Settings(**{**house.tables, "networks": {"ethereum": evm}})
    dead = open_chains(settings, load_public(house.settings.signer.public_file))["ethereum"]
    assert isinstance(dead, EvmChain)
    assert not (await dead.health()).fit
    with pytest.raises(NodeUnavailable):
        await dead.submit(b"\x02\xc0")
    await dead.close()
