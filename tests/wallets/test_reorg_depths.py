"""Deposits on real nodes under reorganisations of each depth, to three blocks beyond what credits them; books exact."""

import dataclasses
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from tests.wallets.test_reorgs import reorg_bitcoin
from tests.wallets.world import AMOUNTS, NETWORK, World, paid
from tidegate.transactions import audit


def depths(confirmations: int, *quick: int) -> list[Any]:
    return [
        pytest.param(depth, marks=[] if depth in quick else pytest.mark.slow) for depth in range(1, confirmations + 4)
    ]


async def exact(world: World, network: str) -> None:
    """What the books have of this chain is there, to the unit."""
    office: Any = SimpleNamespace(db=world.db, desk=SimpleNamespace(venues={}))
    for line in await audit._chain_lines(office, world.chains[network]):
        assert line.difference == 0, dataclasses.asdict(line)


async def stands(world: World, user: uuid.UUID, code: str, *, credited: bool) -> None:
    nothing = await world.available(uuid.uuid4(), code)
    assert await world.available(user, code) == (AMOUNTS[code] if credited else nothing)
    await exact(world, NETWORK[code])


@pytest.mark.parametrize("depth", depths(2, 1, 3))
async def test_a_bitcoin_deposit_follows_a_reorg_of_each_depth(world: World, depth: int) -> None:
    await world.mine("bitcoin", 6)
    user = await paid(world, "BTC")
    await world.mine("bitcoin", depth)
    await world.scan("bitcoin")
    await stands(world, user, "BTC", credited=depth >= 2)
    await reorg_bitcoin(world, depth)
    await world.scan("bitcoin")
    await stands(world, user, "BTC", credited=False)
    await world.mine("bitcoin", 2)
    await world.scan("bitcoin")
    await stands(world, user, "BTC", credited=True)
    assert len(await world.deposits(user)) == 1


@pytest.mark.parametrize("code", ["ETH", "USDT"])
@pytest.mark.parametrize("depth", depths(3, 4))
async def test_an_evm_deposit_follows_a_reorg_of_each_depth(world: World, code: str, depth: int) -> None:
    await world.mine("ethereum", 6)
    user = await world.user()
    txid = await world.pay(code, await world.address(user, code), AMOUNTS[code])
    raw = await world.evm.rpc.call("eth_getRawTransactionByHash", txid)
    await world.mine("ethereum", depth)
    await world.scan("ethereum")
    await stands(world, user, code, credited=depth >= 3)
    await world.evm.rpc.call("anvil_reorg", depth, [])
    await world.mine("ethereum")
    await world.scan("ethereum")
    await stands(world, user, code, credited=False)
    await world.evm.rpc.call("eth_sendRawTransaction", raw)
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    await stands(world, user, code, credited=True)
    assert sum(one["booked"] is not None for one in await world.deposits(user)) == 1
