"""Many deposits at once: what a scan asks of node and database does not grow with them, nor with the addresses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.wallets.world import NETWORK, World, units
from tidegate.ledger.rules import house

MANY = int(os.environ.get("TIDEGATE_DEPOSITS", "30"))
"""Deposits in one block."""


class Asked:
    """What was asked of the database and of the node."""

    def __init__(self) -> None:
        self.statements = 0
        self.calls = 0


@contextmanager
def counting(world: World, network: str) -> Iterator[Asked]:
    asked = Asked()
    engine = world.db.engine.sync_engine
    rpc = world.chains[network]._rpc  # type: ignore[attr-defined]
    post = rpc._post

    def counted(*_: object) -> None:
        asked.statements += 1

    async def posted(*args: Any) -> Any:
        asked.calls += 1
        return await post(*args)

    rpc._post = posted
    event.listen(engine, "before_cursor_execute", counted)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", counted)
        rpc._post = post


async def paid_at_once(world: World, code: str, many: int) -> None:
    """So many customers, one payment to each, all in one block, as deep as it must be."""
    addresses = [await world.address(await world.user(), code) for _ in range(many)]
    if code == "BTC":
        await world.bitcoin.faucet("sendmany", "", dict.fromkeys(addresses, "0.001"))
    else:
        for address in addresses:
            await world.pay(code, address, "5")
    await world.mine(NETWORK[code], 3)


@pytest.mark.parametrize("code", ["USDT", pytest.param("BTC", marks=pytest.mark.slow)])
async def test_a_block_full_of_deposits_takes_no_more_questions_than_one_with_two(world: World, code: str) -> None:
    network = NETWORK[code]
    await world.scan(network)
    asked = []
    for many in (2, MANY):
        await paid_at_once(world, code, many)
        with counting(world, network) as found:
            await world.scan_once(network)
        asked.append(found)
    few, full = asked
    assert full.statements <= few.statements + 5
    assert full.calls <= few.calls + 2 + MANY // 100
    every = units(code, "0.001" if code == "BTC" else "5") * (2 + MANY)
    assert await world.balance(house("wallet:deposit", code, network)) == every
    # And while they are watched to their final depth, with another block: one question a block, one statement a kind.
    await world.mine(network)
    with counting(world, network) as found:
        await world.scan_once(network)
    assert found.statements <= few.statements + 4
    assert found.calls <= few.calls + 4
