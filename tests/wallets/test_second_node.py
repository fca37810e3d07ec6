"""A deposit counts when another node has it too, however the depth of its block was learnt."""

from dataclasses import dataclass, field, replace

import pytest
from pydantic import SecretStr

from tests.wallets.world import NETWORK, World, paid
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.bitcoin.fitness import BitcoinWitness
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.evm.fitness import EvmWitness
from tidegate.chains.opinions import Claim, Opinions
from tidegate.chains.port import Arrival, NodeUnavailable
from tidegate.config import NodeSettings


@dataclass
class Late:
    """Another node that agrees on blocks and has so far heard of no payment but these."""

    name: str = "late"
    held: set[str] = field(default_factory=set)

    async def height(self) -> int:
        return 0

    async def hash_at(self, height: int) -> str | None:
        return None

    async def holds(self, claim: Claim) -> bool:
        return claim.txid in self.held

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


def another_node(world: World, network: str) -> BitcoinWitness | EvmWitness:
    """The real node once more, as the one that is asked for its opinion."""
    settings = world.settings.networks[network]
    node = NodeSettings(url=SecretStr(settings.rpc_url.get_secret_value()))
    if network == "bitcoin":
        return BitcoinWitness("other", node, "regtest")
    chain = world.chains[network]
    assert isinstance(chain, EvmChain)
    return EvmWitness("other", node, chain.chain_id, chain._assets, chain.gas_asset)


@pytest.mark.parametrize("code", ["BTC", "ETH", "USDT"])
async def test_another_amount_asset_or_recipient_than_the_other_node_has_is_a_dispute(world: World, code: str) -> None:
    network = NETWORK[code]
    chain = world.chains[network]
    user = await world.user()
    address, another = await world.address(user, code), chain.deposit_address(40)
    txid = await world.pay(code, address, "2")
    await world.mine(network, chain.confirmations)
    found = await chain.arrivals(None, {address}, [txid])
    (true,) = [one for one in found.seen if one.txid == txid]
    witness = another_node(world, network)
    lies: list[Arrival] = [
        replace(true, units=true.units + 1),
        replace(true, address=another),
        replace(true, index=true.index + 1),
    ]
    if network == "ethereum":
        lies.append(replace(true, asset="USDC"))
    try:
        for lie in lies:
            opinions = Opinions([witness], chain.confirmations)
            with pytest.raises(NodeUnavailable, match=f"other does not have {txid} and what it pays us"):
                await opinions.temper(replace(found, seen=(lie,)))
        told = await Opinions([witness], chain.confirmations).temper(replace(found, seen=(true,)))
        assert told.seen == (true,)
    finally:
        await witness.close()
