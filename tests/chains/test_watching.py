"""The node's wallet watches far enough ahead, and a payment far above the last address handed out does not freeze it."""

import time
import uuid
from collections.abc import AsyncIterator

import pytest

from tests.chains.conftest import House
from tests.chains.waiting import until
from tests.wallets.world import bitcoin_chain
from tidegate.chains.bitcoin import BitcoinChain
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
        assert ends[-1] + 1 >= upto + 200
    assert ends == sorted(ends)
