"""Blocks that keep coming; what a killed node forgets; the recipients with a scripted fate."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tidegate.sandbox.blocks import BitcoinBlocks, BlockMaker, EvmBlocks
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.nodes import BitcoinNode, EvmNode, anvil, bitcoind
from tidegate.sandbox.process import free_port
from tidegate.sandbox.rpc import Rpc, RpcGone
from tidegate.sandbox.scenarios import REORGED_BITCOIN, REORGED_EVM, STUCK_BITCOIN

NEVER = 3600.0


@pytest.fixture(scope="module")
async def bitcoin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BitcoinNode]:
    async with bitcoind(tmp_path_factory.mktemp("bitcoin")) as node:
        yield node


def bitcoin_blocks(node: BitcoinNode, seconds: float = NEVER) -> BitcoinBlocks:
    maker = BitcoinBlocks(node, seconds)
    maker.may_work.set()
    return maker


async def evm_blocks(node: EvmNode, seconds: float = NEVER) -> EvmBlocks:
    maker = EvmBlocks(node, seconds, Gate(free_port(), node.url))
    assert await maker.check_age()
    return maker


async def pay(node: EvmNode, to: str) -> str:
    rich = (await node.accounts())[1]
    return str(await node.rpc.call("eth_sendTransaction", {"from": rich, "to": to, "value": "0x1", "gas": "0x5208"}))


async def kill(node: EvmNode) -> None:
    assert node.process is not None
    os.killpg(node.process.pid, signal.SIGKILL)
    await node.process.wait()


async def at_height(maker: BlockMaker, height: int, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while await maker.node.height() < height:
            await asyncio.sleep(0.02)


async def test_blocks_come_by_themselves_and_stop_while_paused(bitcoin: BitcoinNode) -> None:
    maker = bitcoin_blocks(bitcoin, seconds=0.1)
    running = asyncio.ensure_future(maker.run())
    try:
        await at_height(maker, await bitcoin.height() + 3)
        maker.paused = True
        # A block that was under way when we paused may still come; then nothing for five times the interval.
        await asyncio.sleep(0.3)
        height = await bitcoin.height()
        await asyncio.sleep(0.5)
        assert await bitcoin.height() == height
        assert await maker.mine(2) == height + 2
    finally:
        running.cancel()


async def test_a_reorg_makes_a_payment_unconfirmed_again_and_the_next_block_takes_it(bitcoin: BitcoinNode) -> None:
    maker = bitcoin_blocks(bitcoin)
    txid = await bitcoin.faucet("sendtoaddress", await bitcoin.faucet("getnewaddress"), "1")
    height = await maker.mine(2)
    tip = await bitcoin.rpc.call("getbestblockhash")
    assert await maker.reorg(2) == height + 1
    assert (await bitcoin.faucet("gettransaction", txid))["confirmations"] == 0
    assert (await bitcoin.rpc.call("getblockheader", tip))["confirmations"] == -1
    await maker.mine(1)
    assert (await bitcoin.faucet("gettransaction", txid))["confirmations"] == 1


async def test_an_evm_reorg_takes_a_payment_out_of_the_chain(tmp_path: Path) -> None:
    async with anvil(tmp_path) as node:
        maker = await evm_blocks(node)
        txid = await pay(node, "0x" + "ab" * 20)
        await maker.mine(2)
        assert await node.rpc.call("eth_getTransactionReceipt", txid) is not None
        await maker.reorg(2)
        assert await node.rpc.call("eth_getTransactionReceipt", txid) is None


async def test_a_payment_to_the_reorged_recipient_is_undone_once(bitcoin: BitcoinNode, tmp_path: Path) -> None:
    maker = bitcoin_blocks(bitcoin)
    txid = await bitcoin.faucet("sendtoaddress", REORGED_BITCOIN, "1")
    await maker.mine(1)
    seen = [(await bitcoin.faucet("gettransaction", txid))["confirmations"]]
    for _ in range(4):
        await maker.next()
        seen.append((await bitcoin.faucet("gettransaction", txid))["confirmations"])
    assert seen == [1, 0, 1, 2, 3]
    async with anvil(tmp_path) as node:
        evm = await evm_blocks(node)
        txid = await pay(node, REORGED_EVM)
        raw = await node.rpc.call("eth_getRawTransactionByHash", txid)
        await evm.mine(1)
        await evm.next()
        assert await node.rpc.call("eth_getTransactionReceipt", txid) is None
        assert await node.rpc.call("eth_sendRawTransaction", raw) == txid
        await evm.next()
        await evm.next()
        assert await node.rpc.call("eth_getTransactionReceipt", txid) is not None


async def test_a_payment_with_a_stuck_fee_is_left_out_until_its_time_is_over(
    bitcoin: BitcoinNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = bitcoin_blocks(bitcoin)
    stuck = await bitcoin.faucet("sendtoaddress", STUCK_BITCOIN, "1")
    # From a coin of its own, so that it does not hang on the stuck one's change.
    coin = next(one for one in await bitcoin.faucet("listunspent") if one["amount"] > 5)
    other = await bitcoin.faucet(
        "send", {await bitcoin.faucet("getnewaddress"): "1"}, None, "unset", 5, {"inputs": [coin], "add_inputs": False}
    )
    await maker.mine(3)
    assert (await bitcoin.faucet("gettransaction", stuck))["confirmations"] == 0
    assert (await bitcoin.faucet("gettransaction", other["txid"]))["confirmations"] == 3
    monkeypatch.setattr("tidegate.sandbox.fates.STUCK_SECONDS", 0.0)
    # Also a miner that starts anew knows what the one before it held back.
    await bitcoin_blocks(bitcoin).mine(1)
    assert (await bitcoin.faucet("gettransaction", stuck))["confirmations"] == 1


async def test_a_killed_evm_node_loses_no_block_that_held_anything(tmp_path: Path) -> None:
    async with anvil(tmp_path) as node:
        maker = await evm_blocks(node)
        txid = await pay(node, "0x" + "ab" * 20)
        height = await maker.mine(1)
        await kill(node)
    async with anvil(tmp_path) as node:
        assert await (await evm_blocks(node)).mine(1) == height + 1
        assert (await node.rpc.call("eth_getTransactionReceipt", txid))["status"] == "0x1"


async def test_blocks_made_by_others_are_kept_too(tmp_path: Path) -> None:
    async with anvil(tmp_path) as node:
        maker = await evm_blocks(node)
        running = asyncio.ensure_future(maker.run())
        txid = await pay(node, "0x" + "ab" * 20)
        await node.rpc.call("evm_mine")
        tip = (await node.rpc.call("eth_getBlockByNumber", "latest", False))["hash"]
        async with asyncio.timeout(20):
            while tip not in node.state.read_text():
                await asyncio.sleep(0.02)
        running.cancel()
        await kill(node)
    async with anvil(tmp_path) as node:
        assert (await node.rpc.call("eth_getTransactionReceipt", txid))["status"] == "0x1"


async def test_a_chain_younger_than_the_books_is_not_paid_or_mined_on(tmp_path: Path) -> None:
    old = tmp_path / "old-state.json"
    async with anvil(tmp_path / "evm") as node:
        maker = await evm_blocks(node)
        await maker.mine(1)
        shutil.copy(node.state, old)
        await pay(node, "0x" + "ab" * 20)
        await maker.mine(1)
        await kill(node)
    shutil.copy(old, tmp_path / "evm" / "state.json")
    async with anvil(tmp_path / "evm") as node:
        gate = Gate(free_port(), node.url)
        maker = EvmBlocks(node, NEVER, gate)
        assert not await maker.check_age()
        await gate.open()
        try:
            async with Rpc(f"http://127.0.0.1:{gate.door.port}") as through:
                with pytest.raises(RpcGone, match="younger than the books"):
                    await through.call("eth_blockNumber")
        finally:
            await gate.close()
        with pytest.raises(RpcGone):
            await maker.mine(1)
        known = json.loads((node.folder / "last-block.json").read_text())
        assert await node.height() < known["must_have"]["height"]
