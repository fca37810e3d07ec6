"""A deposit counts when another node has it too, however the depth of its block was learnt."""

from dataclasses import dataclass, field

import pytest

from tests.wallets.world import NETWORK, World, paid
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.opinions import Opinions


@dataclass
class Late:
    """Another node that agrees on blocks and has so far heard of no payment but these."""

    name: str = "late"
    held: set[str] = field(default_factory=set)

    async def height(self) -> int:
        return 0

    async def hash_at(self, height: int) -> str | None:
        return None

    async def holds(self, txid: str, block_hash: str) -> bool:
        return txid in self.held

    async def close(self) -> None: ...


@pytest.mark.parametrize("code", ["BTC", "USDT"])
async def test_a_deposit_that_was_seen_early_is_not_credited_before_the_other_node_has_it(
    world: World, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, late = NETWORK[code], Late()
    chain = world.chains[network]
    assert isinstance(chain, BitcoinChain | EvmChain)
    opinions = Opinions([late], chain.confirmations)
    user = await paid(world, code)
    await world.mine(network)
    await world.scan(network)
    monkeypatch.setattr(chain, "_opinions", opinions)
    monkeypatch.setattr(chain, "compared", True)
    for _ in range(2):
        await world.mine(network, chain.confirmations)
        await world.scan(network)
        shown = await world.deposit(user)
        assert (shown["state"], shown["confirmations"]) == ("confirming", chain.confirmations - 1)
    late.held.add(shown["txid"])
    await world.scan(network)
    assert (await world.deposit(user))["state"] == "credited"
