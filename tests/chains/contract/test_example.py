"""The worked example of docs/chains.md: a driver of another distribution, installed and found, keeps the contract."""

import importlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from eth_account import Account

from tests.chains.contract.toy_node import CHAIN_ID, GAS, PRICE, ToyNode
from tests.chains.faulty import node
from tidegate.chains.contract import ChainContract
from tidegate.chains.driver import DriverProblem, find, open_network
from tidegate.chains.families import keeps_accounts
from tidegate.chains.port import AddressProblem, Chain
from tidegate.chains.public import EvmKeys
from tidegate.config import NetworkSettings
from tidegate.signer.keys import make_seed

EXAMPLE = Path(__file__).parents[1] / "example_driver"
SEED = make_seed(int(time.time()))
STRANGER = Account.create()
ALL_WELL = {"kind": "toychain", "family": "evm", "chain_id": CHAIN_ID, "confirmations": 2}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The distribution, as anybody would install it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("example")
    uv = Path(sys.executable).parent / "uv"
    command: list[str | Path] = [uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--offline"]
    subprocess.run([*command, "--python", sys.executable, "--target", folder, EXAMPLE], check=True)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    yield folder
    sys.path.remove(str(folder))


def opened(url: str, **told: Any) -> Chain:
    settings = NetworkSettings.model_validate({**ALL_WELL, "rpc_url": url, **told})
    return open_network("toy", settings, EvmKeys(SEED.evm_address(), SEED.evm_deposit_xpub()), SEED.born)


class ToyWorld:
    units = 10**15
    refused = MappingProxyType({"0x" + "0" * 40: AddressProblem.FORBIDDEN, "nobody": AddressProblem.INVALID})

    def __init__(self, chain: Chain, toy: ToyNode) -> None:
        self.chain, self.toy = chain, toy

    def _signed(self, key: Any, address: str, units: int) -> bytes:
        nonce = self.toy.account(Account.from_key(key).address)["nonce"]
        fields = {"type": 2, "chainId": CHAIN_ID, "nonce": nonce, "to": address, "value": units, "gas": GAS}
        price = {"maxFeePerGas": PRICE, "maxPriorityFeePerGas": 1}
        return bytes(Account.sign_transaction({**fields, **price}, key).raw_transaction)

    async def stranger(self) -> str:
        return str(Account.create().address)

    async def pay(self, address: str, units: int) -> str:
        self.last = self._signed(STRANGER.key, address, units)
        return self.toy.send(self.last)

    async def resend(self, txid: str) -> None:
        self.toy.send(self.last)

    async def sign(self, address: str, units: int) -> bytes:
        return self._signed(SEED.evm_key(), address, units)

    async def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.toy.mine()

    async def reorg(self, depth: int) -> None:
        self.toy.reorg(depth)

    def lose_next_answer(self) -> None:
        self.toy.drop_next = True

    async def down(self) -> None:
        self.toy.away = True

    async def up(self) -> None:
        self.toy.away = False

    async def restart(self) -> None:
        self.toy.waiting.clear()


class TestToychain(ChainContract):
    @pytest.fixture
    async def world(self, installed: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ToyWorld]:
        monkeypatch.setattr("tidegate.chains.rpc.random.uniform", lambda low, high: 0.0)
        toy = ToyNode({SEED.evm_address(): 10**18, str(STRANGER.address): 10**18})
        async with node(toy.answer) as url:
            chain = opened(url)
            await chain.prepare()
            assert keeps_accounts(chain)
            yield ToyWorld(chain, toy)
            await chain.close()


def test_the_drivers_own_settings_are_judged_by_the_driver(installed: Path) -> None:
    for wrong in ({"look_back": 0}, {"look_back": "far"}, {"unknown": 1}):
        with pytest.raises(DriverProblem, match=r"\[networks.toy\]"):
            opened("http://127.0.0.1:1", options=wrong)
    with pytest.raises(DriverProblem, match="options: this driver has none"):
        opened("http://127.0.0.1:1", kind="evm", options={"look_back": 1})


def test_a_driver_that_nobody_offers_is_refused_by_name() -> None:
    with pytest.raises(DriverProblem, match=r"there is no driver 'dogechain'; there are .*'bitcoin', 'evm'"):
        find("dogechain", "toy")


def test_a_driver_of_another_family_than_the_settings_say_is_refused(installed: Path) -> None:
    with pytest.raises(DriverProblem, match="of family 'evm'"):
        opened("http://127.0.0.1:1", family="bitcoin")


def test_a_name_that_two_distributions_offer_is_nobodys(installed: Path, tmp_path: Path) -> None:
    info = tmp_path / "impostor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: impostor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.chains]\nbitcoin = impostor:DRIVER\n")
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    try:
        with pytest.raises(DriverProblem, match="'bitcoin' is offered by impostor and tidegate"):
            find("bitcoin", "bitcoin")
    finally:
        sys.path.remove(str(tmp_path))
