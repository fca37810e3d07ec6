"""Two nodes of one chain: decisions are read from the first, and the others may only say no."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.chains.conftest import House
from tests.chains.waiting import until
from tidegate.chains import opinions
from tidegate.chains.evm import EvmChain
from tidegate.chains.open import open_chains
from tidegate.chains.opinions import Claim, Opinions
from tidegate.chains.port import Arrival, Arrivals, Fate, NodeUnavailable, Sighting
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.sandbox.nodes import EvmNode, bitcoind
from tidegate.sandbox.process import free_port

DEPTH = 3


@dataclass
class Other:
    """Another node, as a test says it is."""

    name: str = "other"
    tip: int = 100
    branch: str = ""
    held: set[str] = field(default_factory=set)
    away: bool = False

    def _up(self) -> None:
        if self.away:
            raise NodeUnavailable("silent")

    async def height(self) -> int:
        self._up()
        return self.tip

    async def hash_at(self, height: int) -> str | None:
        self._up()
        return f"{self.branch}{height}" if height <= self.tip else None

    async def holds(self, claim: Claim) -> bool:
        self._up()
        return f"{claim.txid}@{claim.block_hash}" in self.held

    async def close(self) -> None: ...


async def own(height: int) -> str | None:
    return str(height)


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opinions, "_FRESH_SECONDS", -1.0)


def paid(txid: str, confirmations: int, height: int = 90) -> Arrival:
    return Arrival("ETH", "0x1", 5, txid, 0, str(height), height, confirmations)


async def test_without_other_nodes_everything_is_agreed() -> None:
    alone = Opinions((), DEPTH)
    found = Arrivals((paid("a", 9),), "cursor")
    assert await alone.doubts(100, own) == "" and await alone.temper(found) == found


async def test_a_node_that_agrees_is_enough_and_one_that_is_a_little_behind_does() -> None:
    assert await Opinions((Other(),), DEPTH).doubts(100, own) == ""
    assert await Opinions((Other(tip=95),), DEPTH).doubts(100, own) == ""
    assert await Opinions((Other(away=True), Other()), DEPTH).doubts(100, own) == ""


async def test_one_that_has_other_blocks_stops_everything_though_another_agrees() -> None:
    reason = await Opinions((Other(), Other("fork", branch="x")), DEPTH).doubts(100, own)
    assert reason == "The node and fork have different blocks at 97."


async def test_when_none_can_be_asked_nothing_is_decided() -> None:
    assert "No other node can be asked: other: silent" in await Opinions((Other(away=True),), DEPTH).doubts(100, own)


async def test_a_first_node_that_stays_far_behind_the_others_is_stale() -> None:
    assert "at block 100, other at 107" in await Opinions((Other(tip=107),), DEPTH).doubts(100, own)


async def test_an_arrival_counts_its_last_confirmation_when_another_node_has_it() -> None:
    other = Other(tip=91)
    two = Opinions((other,), DEPTH)
    young, deep = paid("a", 2), paid("b", 11)
    seen = (await two.temper(Arrivals((young, deep), "c"))).seen
    assert [one.confirmations for one in seen] == [2, DEPTH - 1]
    other.held.add("b@90")
    assert [one.confirmations for one in (await two.temper(Arrivals((young, deep), "c"))).seen] == [2, 11]
    other.away = True  # what was proven once need not be proven again
    assert (await two.temper(Arrivals((deep,), "c"))).seen == (deep,)


async def test_a_payout_is_not_final_before_another_node_has_it() -> None:
    other = Other(tip=91)
    two = Opinions((other,), DEPTH)
    seen = Sighting(Fate.MINED, 11, "90", 90)
    assert (await two.temper_sighting("t", seen)).confirmations == DEPTH - 1
    other.held.add("t@90")
    assert await two.temper_sighting("t", seen) == seen


async def test_what_names_no_block_that_another_node_could_be_asked_about_is_held_back() -> None:
    two = Opinions((Other(held={"a@90", "t@90"}),), DEPTH)
    whole = paid("a", 11)
    for nameless in (replace(whole, block_hash=None), replace(whole, block_height=None)):
        (seen,) = (await two.temper(Arrivals((nameless,), "c"))).seen
        assert seen.confirmations == DEPTH - 1
        assert (await Opinions((), DEPTH).temper(Arrivals((nameless,), "c"))).seen == (nameless,)
    for sighting in (Sighting(Fate.MINED, 11, None, 90), Sighting(Fate.MINED, 11, "90", None)):
        assert (await two.temper_sighting("t", sighting)).confirmations == DEPTH - 1
        assert await Opinions((), DEPTH).temper_sighting("t", sighting) == sighting


async def test_a_transaction_that_another_node_should_have_and_does_not_is_a_dispute_until_it_has_it() -> None:
    other = Other(tip=100)
    two = Opinions((other,), DEPTH)
    with pytest.raises(NodeUnavailable, match="other does not have t in block 90"):
        await two.unproven([Claim("t", "90", 90)])
    assert "does not have t" in await two.doubts(100, own)
    other.held.add("t@90")
    assert await two.doubts(100, own) == ""


async def test_a_dispute_ends_when_a_reorg_takes_its_block() -> None:
    two = Opinions((Other(tip=100),), DEPTH)
    with pytest.raises(NodeUnavailable):
        await two.unproven([Claim("t", "90 of a dead branch", 90)])
    assert await two.doubts(100, own) == ""


# --- on real nodes --------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def evm_with(house: House, **others: str) -> AsyncIterator[EvmChain]:
    tables = dict(house.tables["networks"]["ethereum"])
    tables["others"] = {name: {"url": url} for name, url in others.items()}
    settings = Settings(**{**house.tables, "networks": {"ethereum": tables}})
    chain = open_chains(settings, load_public(house.settings.signer.public_file))["ethereum"]
    assert isinstance(chain, EvmChain)
    try:
        yield chain
    finally:
        await chain.close()


@pytest.mark.slow
async def test_two_evm_nodes_that_part_ways_are_noticed_and_nothing_is_final(house: House, tmp_path: Path) -> None:
    await house.evm_node.keep()
    (tmp_path / "state.json").write_bytes(house.evm_node.state.read_bytes())
    twin = EvmNode(tmp_path, free_port())
    await twin.launch()
    try:
        await twin.ready()
        async with evm_with(house, twin=twin.url) as chain:
            await until(lambda: _fit(chain), "the twin to agree")
            address = chain.deposit_address(77)
            start = await _at_the_tip(chain, address)
            await house.send_ether(address, 5)
            await house.evm_node.mine(chain.confirmations)
            # The twin has not seen these blocks: one confirmation is held back.
            (seen,) = (await chain.arrivals(start, [address], ())).seen
            assert seen.confirmations == chain.confirmations - 1
            await twin.mine(chain.confirmations + 2)
            with pytest.raises(NodeUnavailable, match="twin does not have"):
                await chain.arrivals(start, [address], ())
            assert not (await chain.health()).fit
    finally:
        await twin.stop()


async def _at_the_tip(chain: EvmChain, address: str) -> str:
    """The cursor of a scan that has read everything: one look reads so many blocks at most."""
    cursor, before = (await chain.arrivals(None, [address], ())).cursor, ""
    while cursor != before:
        before, cursor = cursor, (await chain.arrivals(cursor, [address], ())).cursor
    return cursor


async def _fit(chain: EvmChain) -> bool:
    return (await chain.health()).fit


async def test_a_second_url_of_the_same_evm_node_agrees_and_a_silent_one_stops_it(house: House) -> None:
    async with evm_with(house, same=house.evm_node.url) as chain:
        assert (await chain.health()).fit
    async with evm_with(house, gone=f"http://127.0.0.1:{free_port()}") as chain:
        assert "No other node can be asked: gone" in (await chain.health()).reason


@pytest.mark.slow
async def test_bitcoin_deposits_are_credited_when_the_second_node_has_them_and_never_on_a_fork(
    house: House, tmp_path: Path
) -> None:
    def opened(url: str) -> Any:
        network = {**house.tables["networks"]["bitcoin"], "others": {"second": {"url": url}}}
        settings = Settings(**{**house.tables, "networks": {"bitcoin": network}})
        return open_chains(settings, load_public(house.settings.signer.public_file))["bitcoin"]

    chain = opened(house.bitcoin_node.url)
    address = chain.deposit_address(78)
    start = (await chain.arrivals(None, [address], ())).cursor
    txid = await house.send_bitcoin(address, 200_000)
    await house.bitcoin_node.mine(2)
    assert (await chain.health()).fit
    (seen,) = (await chain.arrivals(start, [address], ())).seen
    assert (seen.txid, seen.confirmations) == (txid, 2)
    assert (await chain.sighting(txid, "BTC")).confirmations == 2
    await chain.close()
    async with bitcoind(tmp_path) as stranger:
        chain = opened(stranger.url)
        assert "have different blocks" in (await chain.health()).reason
        await stranger.mine(100)
        with pytest.raises(NodeUnavailable, match="second does not have"):
            await chain.arrivals(start, [address], ())
        await chain.close()
