"""The nodes of a development machine: real ones, with coins, that forget nothing when they are killed."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

import pytest

from tidegate.sandbox.nodes import BitcoinNode, EvmNode, anvil, bitcoind, find_anvil, find_bitcoind
from tidegate.sandbox.process import StartFailed
from tidegate.sandbox.rpc import RpcRefused

SOMEBODY = "0x00000000000000000000000000000000000A11cE"


@pytest.fixture(scope="module")
async def bitcoin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BitcoinNode]:
    async with bitcoind(tmp_path_factory.mktemp("bitcoin")) as node:
        yield node


@pytest.fixture(scope="module")
async def evm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EvmNode]:
    async with anvil(tmp_path_factory.mktemp("evm")) as node:
        yield node


def _word(value: int | str) -> str:
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


async def test_the_bitcoin_faucet_has_mature_coins_and_its_payment_confirms(bitcoin: BitcoinNode) -> None:
    balances = await bitcoin.faucet("getbalances")
    assert balances["mine"]["trusted"] >= 1000
    address = await bitcoin.faucet("getnewaddress")
    txid = await bitcoin.faucet("sendtoaddress", address, "0.12345678")
    assert (await bitcoin.faucet("gettransaction", txid))["confirmations"] == 0
    before = await bitcoin.height()
    assert await bitcoin.mine(2) == before + 2
    assert (await bitcoin.faucet("gettransaction", txid))["confirmations"] == 2


async def test_the_bitcoin_node_has_no_peers_and_shows_no_secret(bitcoin: BitcoinNode) -> None:
    assert await bitcoin.rpc.call("getpeerinfo") == []
    assert bitcoin.process is not None
    command = Path(f"/proc/{bitcoin.process.pid}/cmdline").read_bytes()
    assert bitcoin.password.encode() not in command
    assert bitcoin.password not in (bitcoin.folder / "bitcoin.conf").read_text()


@pytest.mark.slow
async def test_a_killed_bitcoin_node_comes_back_with_every_kept_block_and_payment(tmp_path: Path) -> None:
    async with bitcoind(tmp_path) as node:
        mined = await node.faucet("sendtoaddress", await node.faucet("getnewaddress"), "1")
        height = await node.mine(3)
        tip = await node.rpc.call("getbestblockhash")
        waiting = await node.faucet("sendtoaddress", await node.faucet("getnewaddress"), "2")
        await node.keep()
        assert node.process is not None
        os.killpg(node.process.pid, signal.SIGKILL)
        await node.process.wait()
    async with bitcoind(tmp_path) as node:
        assert await node.height() == height
        assert await node.rpc.call("getbestblockhash") == tip
        assert (await node.faucet("gettransaction", mined))["confirmations"] == 3
        assert waiting in await node.rpc.call("getrawmempool")


async def test_transfer_of_the_usdt_like_token_returns_no_data_and_moves_the_amount(evm: EvmNode) -> None:
    owner = (await evm.accounts())[0]
    data = "0xa9059cbb" + _word(SOMEBODY) + _word(25_000_000)
    call = {"from": owner, "to": evm.tokens["USDT"], "data": data}
    assert await evm.rpc.call("eth_call", call, "latest") == "0x"
    txid = await evm.rpc.call("eth_sendTransaction", call)
    await evm.mine()
    receipt = await evm.rpc.call("eth_getTransactionReceipt", txid)
    assert receipt["status"] == "0x1"
    assert [int(log["data"], 16) for log in receipt["logs"]] == [25_000_000]
    assert int(await evm.token_call("USDT", "0x70a08231" + _word(SOMEBODY)), 16) == 25_000_000


async def test_transfer_of_the_usdc_like_token_returns_true(evm: EvmNode) -> None:
    owner = (await evm.accounts())[0]
    data = "0xa9059cbb" + _word(SOMEBODY) + _word(1)
    answer = await evm.rpc.call("eth_call", {"from": owner, "to": evm.tokens["USDC"], "data": data}, "latest")
    assert int(answer, 16) == 1


@pytest.mark.parametrize("asset", ["USDT", "USDC"])
async def test_the_tokens_have_six_decimals(evm: EvmNode, asset: str) -> None:
    assert int(await evm.token_call(asset, "0x313ce567"), 16) == 6


async def test_an_allowance_of_the_usdt_like_token_must_pass_through_zero(evm: EvmNode) -> None:
    owner = (await evm.accounts())[0]

    def approve(units: int) -> dict[str, str]:
        return {"from": owner, "to": evm.tokens["USDT"], "data": "0x095ea7b3" + _word(SOMEBODY) + _word(units)}

    await evm.rpc.call("eth_sendTransaction", approve(5))
    await evm.mine()
    with pytest.raises(RpcRefused):
        await evm.rpc.call("eth_call", approve(6), "latest")
    await evm.rpc.call("eth_sendTransaction", approve(0))
    await evm.mine()
    assert await evm.rpc.call("eth_call", approve(6), "latest") == "0x"


async def test_anvil_makes_no_block_by_itself(evm: EvmNode) -> None:
    first, second = (await evm.accounts())[1:3]
    before = await evm.height()
    txid = await evm.rpc.call("eth_sendTransaction", {"from": first, "to": second, "value": "0x1"})
    assert await evm.rpc.call("eth_getTransactionReceipt", txid) is None
    assert await evm.height() == before
    await evm.mine()
    assert (await evm.rpc.call("eth_getTransactionReceipt", txid))["status"] == "0x1"


async def test_a_killed_anvil_comes_back_with_every_kept_block(tmp_path: Path) -> None:
    async with anvil(tmp_path) as node:
        first, second = (await node.accounts())[1:3]
        txid = await node.rpc.call("eth_sendTransaction", {"from": first, "to": second, "value": "0x1"})
        height = await node.mine(3)
        tip = await node.rpc.call("eth_getBlockByNumber", "latest", False)
        await node.keep()
        assert node.process is not None
        os.killpg(node.process.pid, signal.SIGKILL)
        await node.process.wait()
    async with anvil(tmp_path) as node:
        assert await node.height() == height
        assert (await node.rpc.call("eth_getBlockByNumber", "latest", False))["hash"] == tip["hash"]
        assert (await node.rpc.call("eth_getTransactionReceipt", txid))["status"] == "0x1"
        assert await node.token_call("USDT", "0x18160ddd") != "0x"


@pytest.mark.slow
def test_the_committed_bytecode_is_what_the_sources_compile_to() -> None:
    sandbox = Path(str(resources.files("tidegate.sandbox")))
    node = shutil.which("node")
    assert node is not None, "Node 20 is needed to compile the contracts"
    assert (sandbox / "npm/node_modules/solc").is_dir(), "run `npm ci` in backend/tidegate/sandbox/npm"
    command = [node, "../contracts/compile.cjs"]
    printed = subprocess.run(command, cwd=sandbox / "npm", capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == json.loads((sandbox / "contracts/compiled.json").read_text())


async def test_a_named_program_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIDEGATE_BITCOIND", str(tmp_path / "nothing"))
    monkeypatch.setenv("TIDEGATE_ANVIL", str(tmp_path / "nothing"))
    with pytest.raises(StartFailed, match="TIDEGATE_BITCOIND names"):
        await find_bitcoind()
    with pytest.raises(StartFailed, match="TIDEGATE_ANVIL names"):
        await find_anvil()


async def test_without_apt_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TIDEGATE_BITCOIND", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartFailed, match="Install Bitcoin Core 28 or newer"):
        await find_bitcoind()
