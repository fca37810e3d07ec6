"""Which node may be decided from: wrong, stale, forked, syncing, swapped and rewound ones are told, and never paid from."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.chains.faulty import Answering, Reply, knows, node, refuses, says
from tidegate.chains.bitcoin import BitcoinChain, fitness
from tidegate.chains.evm import EvmChain
from tidegate.chains.evm import fitness as evm_fitness
from tidegate.chains.past import Past
from tidegate.chains.port import NodeUnavailable, Tip
from tidegate.chains.public import BitcoinKeys, EvmKeys
from tidegate.config import NetworkSettings

HEIGHT = 900_000
EXTERNAL, INTERNAL = "wpkh([00000000/84'/0'/0']xpub/0/*)#external", "wpkh([00000000/84h/0h/0h]xpub/1/*)#internal"
TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def hash_of(height: int) -> str:
    return f"{height:064x}"


def by_height(hashes: Callable[[int], str | None], shape: Callable[[int, str], Any], missing: Answering) -> Answering:
    def answer(request: dict[str, Any]) -> Reply:
        asked = request["params"][0]
        height = HEIGHT if asked == "latest" else int(asked, 16) if isinstance(asked, str) else asked
        found = hashes(height)
        return (says(shape(height, found)) if found else missing)(request)

    return answer


class MainNode:
    """A Bitcoin node on the main chain, all well; tests change what it says."""

    def __init__(self) -> None:
        self.info = {"chain": "main", "blocks": HEIGHT, "initialblockdownload": False, "time": int(time.time())}
        self.version = 300_000
        self.deployments: dict[str, Any] = {"taproot": {}, "segwit": {}}
        self.wallet: dict[str, Any] = {"private_keys_enabled": False, "descriptors": True, "scanning": False}
        self.watched = [EXTERNAL, INTERNAL.replace("h", "'")]
        self.hashes: Callable[[int], str | None] = hash_of

    def __call__(self, request: dict[str, Any]) -> Reply:
        watched = [{"desc": text, "active": True, "range": [0, 999]} for text in self.watched]
        return knows(
            getblockchaininfo=says(self.info),
            getnetworkinfo=says({"version": self.version}),
            getdeploymentinfo=says({"deployments": self.deployments}),
            getwalletinfo=says(self.wallet),
            listdescriptors=says({"descriptors": watched}),
            getblockhash=by_height(self.hashes, lambda _, found: found, refuses(-8, "Block height out of range")),
        )(request)


class MainEvm:
    """An Ethereum node, all well."""

    def __init__(self) -> None:
        self.chain_id, self.syncing, self.age, self.height = 1, False, 0.0, HEIGHT
        self.code, self.decimals = "0x60", 6
        self.hashes: Callable[[int], str | None] = lambda height: "0x" + hash_of(height)

    def __call__(self, request: dict[str, Any]) -> Reply:
        def block(height: int, found: str) -> dict[str, Any]:
            number = self.height if request["params"][0] == "latest" else height
            return {"number": hex(number), "hash": found, "timestamp": hex(int(time.time() - self.age))}

        return knows(
            eth_chainId=says(hex(self.chain_id)),
            eth_syncing=says({"currentBlock": "0x1"} if self.syncing else False),
            eth_getBlockByNumber=by_height(self.hashes, block, says(None)),
            eth_getCode=says(self.code),
            eth_call=says(hex(self.decimals)),
        )(request)


def bitcoin(url: str, **told: Any) -> BitcoinChain:
    settings = NetworkSettings.model_validate({"kind": "bitcoin", "rpc_url": url, "chain": "main", **told})
    return BitcoinChain("bitcoin", settings, BitcoinKeys("main", EXTERNAL, INTERNAL), 0)


def evm(url: str, **told: Any) -> EvmChain:
    tokens = {"USDT": {"contract": TOKEN, "decimals": 6}}
    settings = NetworkSettings.model_validate(
        {"kind": "evm", "rpc_url": url, "chain_id": 1, "tokens": tokens, **told},
    )
    return EvmChain("ethereum", settings, EvmKeys("0x" + "1" * 40, ""))


BITCOIN_FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "on chain test": ({"info": {"chain": "test", "blocks": 1, "time": 0}}, {}),
    "version 240000": ({"version": 240_000}, {}),
    "unknown rules": ({"deployments": {"taproot": {}, "blake2b": {}}}, {}),
    "checkpoint": ({}, {"checkpoint": {"height": 800_000, "hash": "ab" * 32}}),
    "at 950000": ({"hashes": lambda h: hash_of(h) if h <= HEIGHT else None}, {"checkpoint": {"height": 950_000, "hash": hash_of(950_000)}}),
    "downloading": ({"info": {"chain": "main", "blocks": HEIGHT, "initialblockdownload": True, "time": int(time.time())}}, {}),
    "too old": ({"info": {"chain": "main", "blocks": HEIGHT, "initialblockdownload": False, "time": int(time.time()) - 7300}}, {}),
    "not watch our": ({"watched": [EXTERNAL]}, {}),
    "not a watch-only": ({"wallet": {"private_keys_enabled": True, "descriptors": True, "scanning": False}}, {}),
    "through the chain (12 %)": ({"wallet": {"private_keys_enabled": False, "descriptors": True, "scanning": {"progress": 0.12}}}, {}),
}  # fmt: skip


@pytest.mark.parametrize("reason", BITCOIN_FAULTS)
async def test_a_bitcoin_node_that_is_not_fit_says_why(reason: str) -> None:
    change, told = BITCOIN_FAULTS[reason]
    main = MainNode()
    async with node(main) as url:
        well, chain = bitcoin(url), bitcoin(url, **told)
        assert (await well.health()).fit
        for name, value in change.items():
            setattr(main, name, value)
        found = await chain.health()
        await well.close()
        await chain.close()
    assert not found.fit and reason in found.reason


EVM_FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "chain id 5": ({"chain_id": 5}, {}),
    "downloading": ({"syncing": True}, {}),
    "too old": ({"age": 601}, {}),
    "no contract": ({"code": "0x"}, {}),
    "says 18 decimals": ({"decimals": 18}, {}),
    "checkpoint": ({}, {"checkpoint": {"height": 800_000, "hash": "0x" + "ab" * 32}}),
}


@pytest.mark.parametrize("reason", EVM_FAULTS)
async def test_an_evm_node_that_is_not_fit_says_why(reason: str) -> None:
    change, told = EVM_FAULTS[reason]
    main = MainEvm()
    async with node(main) as url:
        well, chain = evm(url), evm(url, **told)
        assert (await well.health()).fit
        for name, value in change.items():
            setattr(main, name, value)
        found = await chain.health()
        await well.close()
        await chain.close()
    assert not found.fit and reason in found.reason


async def test_rules_that_a_person_has_read_and_a_checkpoint_that_is_there_are_fit() -> None:
    main = MainNode()
    main.deployments["newfork"] = {}
    checkpoint = {"height": 800_000, "hash": hash_of(800_000)}
    async with node(main) as url:
        chain = bitcoin(url, deployments=["newfork"], checkpoint=checkpoint)
        assert await chain.health() == await chain.health() and (await chain.health()).fit
        await chain.close()


async def test_a_node_that_goes_bad_while_we_run_is_noticed_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    main, other = MainNode(), MainEvm()
    async with node(main) as url, node(other) as evm_url:
        chain, second = bitcoin(url), evm(evm_url)
        assert (await chain.health()).fit and (await second.health()).fit
        # Swapped behind our back: another chain under the same name, as high as the one before.
        main.hashes = lambda height: hash_of(height + 1)
        other.hashes = lambda height: "0x" + hash_of(height + 1)
        for one in (chain, second):
            assert "another chain" in (await one.health()).reason
        main.hashes, other.hashes = hash_of, lambda height: "0x" + hash_of(height)
        assert (await chain.health()).fit and (await second.health()).fit
        # Upgraded to rules nobody has read, a token replaced: the whole of the checks is made again by the clock.
        main.deployments["blake2b"] = {}
        other.decimals = 18
        assert (await chain.health()).fit and (await second.health()).fit
        monkeypatch.setattr(fitness, "CHECK_SECONDS", -1.0)
        monkeypatch.setattr(evm_fitness, "CHECK_SECONDS", -1.0)
        assert "unknown rules" in (await chain.health()).reason
        assert "18 decimals" in (await second.health()).reason
        await chain.close()
        await second.close()


async def test_a_chain_that_is_younger_than_what_we_saw_is_not_fit_and_a_short_step_back_is() -> None:
    main, other = MainNode(), MainEvm()
    async with node(main) as url, node(other) as evm_url:
        chain, second = bitcoin(url), evm(evm_url)
        assert (await chain.health()).fit and (await second.health()).fit
        main.info["blocks"] = other.height = HEIGHT - 6
        assert (await chain.health()).fit and (await second.health()).fit
        main.info["blocks"] = other.height = HEIGHT - 40
        for one in (chain, second):
            found = await one.health()
            assert not found.fit and f"block {HEIGHT} was there before" in found.reason
        await chain.close()
        await second.close()


async def test_a_new_process_holds_the_node_against_what_the_books_have_read() -> None:
    main, other = MainNode(), MainEvm()
    async with node(main) as url, node(other) as evm_url:
        chain, second = bitcoin(url), evm(evm_url)
        await chain.remember(HEIGHT + 100, None)
        await second.remember(0, f'{{"v":1,"blocks":[[{HEIGHT - 3},"0x{"77" * 32}"],[{HEIGHT},"0x{"88" * 32}"]]}}')
        assert "was there before" in (await chain.health()).reason
        assert "another chain" in (await second.health()).reason
        await chain.close()
        await second.close()


async def test_prepare_refuses_what_health_would(monkeypatch: pytest.MonkeyPatch) -> None:
    main = MainNode()
    main.deployments["blake2b"] = {}
    async with node(main) as url:
        chain = bitcoin(url)
        with pytest.raises(NodeUnavailable, match="unknown rules"):
            await chain.prepare()
        await chain.close()


def test_the_block_held_on_to_moves_up_with_the_chain() -> None:
    past = Past(depth=100)
    assert past.seen(50) == 0
    past.anchor = Tip(0, "genesis")
    assert past.seen(150) is None and past.seen(200) == 100
    past.anchor = Tip(100, "hundred")
    assert past.doubts(200, "hundred") == "" and "another block 100" in past.doubts(200, "else")
    assert past.doubts(99, None) != ""
