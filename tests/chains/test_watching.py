"""The node's wallet watches far enough ahead, and a payment far above the last address handed out does not freeze it."""

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from tests.chains.conftest import House
from tests.chains.waiting import until
from tests.wallets.world import bitcoin_chain
from tidegate.chains.bitcoin import BitcoinChain
from tidegate.chains.bitcoin.wallet import NodeWallet
from tidegate.chains.public import BitcoinKeys
from tidegate.chains.rpc import Rpc
from tidegate.config import NetworkSettings
from tidegate.signer.keys import make_seed


@pytest.fixture
async def fresh(house: House) -> AsyncIterator[tuple[BitcoinChain, str]]:
    """A wallet of new keys on the shared node, and its name."""
    name = f"watch-{uuid.uuid4().hex[:12]}"
    told = {"kind": "bitcoin", "rpc_url": house.bitcoin_node.url, "wallet": name, "confirmations": 2}
    chain = bitcoin_chain(NetworkSettings.model_validate(told), make_seed(int(time.time())))
    await chain.prepare()
    yield chain, name
    await chain.close()


async def next_index(house: House, wallet: str) -> int:
    """The first external index that the node calls unused."""
    listed = await house.bitcoin_node.rpc.call("listdescriptors", path=f"/wallet/{wallet}")
    return next(int(one["next"]) for one in listed["descriptors"] if one["active"] and not one["internal"])


async def paid(house: House, chain: BitcoinChain, index: int) -> None:
    address = chain.deposit_address(index)
    await house.send_bitcoin(address, 50_000)
    await house.bitcoin_node.mine()

    async def seen() -> bool:
        return bool((await chain.arrivals(None, [address], ())).seen)

    await until(seen, f"the payment to index {index} to be seen")


@pytest.mark.slow
async def test_left_behind_the_node_marks_every_index_up_to_the_one_that_is_paid(
    house: House, fresh: tuple[BitcoinChain, str]
) -> None:
    chain, wallet = fresh
    assert await next_index(house, wallet) == 0
    await paid(house, chain, 500)
    assert await next_index(house, wallet) == 501


async def test_watching_ahead_moves_the_nodes_own_index_so_that_no_payment_makes_it_write_any(
    house: House, fresh: tuple[BitcoinChain, str]
) -> None:
    chain, wallet = fresh
    await chain.watch(1_000)
    before = await next_index(house, wallet)
    assert before >= 1_000
    for index in (500, 999):
        await paid(house, chain, index)
    assert await next_index(house, wallet) == before


async def test_the_range_only_grows_and_a_margin_stays_watched_beyond_what_is_handed_out(
    house: House, fresh: tuple[BitcoinChain, str]
) -> None:
    chain, wallet = fresh
    ends = []
    for upto in (100, 1_000, 500, 2_000):
        await chain.watch(upto)
        listed = await house.bitcoin_node.rpc.call("listdescriptors", path=f"/wallet/{wallet}")
        ends.append(next(int(one["range"][1]) for one in listed["descriptors"] if not one["internal"]))
        assert ends[-1] + 1 >= upto + 1_000
    assert ends == sorted(ends)


# --- what a wallet asks of its node, and when ------------------------------------------------------------------------

BORN = 1_700_000_000
OUR = BitcoinKeys("regtest", "wpkh(external/0/*)", "wpkh(internal/1/*)")


class Told:
    """A node's wallet as far as its descriptors go. `imports` are (end, timestamp) of the external one."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.imports: list[tuple[int, int | str]] = []
        self.asked = 0

    async def call(self, method: str, *params: Any, **_: object) -> Any:
        self.asked += 1
        match method:
            case "getwalletinfo":
                return {"private_keys_enabled": False, "descriptors": True, "scanning": False}
            case "listdescriptors":
                return {"descriptors": list(self.kept.values())}
            case "importdescriptors":
                for one in params[0]:
                    self.kept[one["desc"]] = {**one, "next": one.get("next_index", 0)}
                external = params[0][0]
                self.imports.append((external["range"][1], external["timestamp"]))
                return [{"success": True}] * 2
        return {}


def wallet_on(node: Told) -> NodeWallet:
    return NodeWallet(cast(Rpc, node), "watch", OUR, BORN)


async def test_handing_addresses_out_never_makes_the_node_look_through_its_past() -> None:
    node = Told()
    wallet = wallet_on(node)
    await wallet.prepare()
    allowed = 0
    for handed_out in (0, *range(1, 8_000, 167), 1_002, 3_006, 7_014):
        if allowed - handed_out < 500:  # as `watch.extend` does
            allowed = handed_out + 1_000
        await wallet.watch(allowed)
    (_, first), *later = node.imports
    assert first == BORN and len(later) > 3
    assert {when for _, when in later} == {"now"}


async def test_a_wallet_that_ends_below_what_was_handed_out_looks_from_the_birth_of_the_seed_once() -> None:
    node = Told()
    wallet = wallet_on(node)
    await wallet.prepare()
    await wallet.watch(8_000)
    await wallet.watch(8_000)
    assert [when for _, when in node.imports] == [BORN, BORN]
    asked = node.asked
    await wallet.watch(8_000)
    assert node.asked == asked


async def test_watching_ahead_leaves_the_nodes_change_where_it_is() -> None:
    node = Told()
    wallet = wallet_on(node)
    await wallet.prepare()
    node.kept[OUR.internal] |= {"next": 4_321, "range": [0, 5_320]}
    await wallet.watch(1_000)
    change = node.kept[OUR.internal]
    assert (change["next"], change["range"]) == (4_321, [0, 5_320])
