"""What is written down of chains that say odd things: in memory, so that they can be made to say them."""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from sqlalchemy import text

from tests.wallets.world import World, begun, bitcoin_chain, units
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.evm.scan import Scan
from tidegate.chains.families import NotEnough
from tidegate.chains.port import Arrival, Arrivals, Flow, Health, NodeUnavailable, Tip
from tidegate.chains.public import EvmKeys
from tidegate.chains.rpc import Rpc
from tidegate.config import DepositTier, NetworkSettings, Settings
from tidegate.database import Database, utcnow
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import house
from tidegate.sandbox.nodes import BitcoinNode, EvmNode
from tidegate.signer.keys import make_seed
from tidegate.wallets import desk, pipeline, progress

SEED = make_seed(int(time.time()))


def hash_of(height: int, branch: int = 0) -> str:
    return f"0x{branch:032x}{height:032x}"


class Told(EvmChain):
    """A chain that shows what a test says. `ether` is what each address holds at the settled block."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__("ethereum", settings, EvmKeys(SEED.evm_address(), SEED.evm_deposit_xpub()))
        self.height = 100
        self.fit = True
        self.shown: list[Arrival] = []
        self.gone: tuple[str, ...] = ()
        self.flows: tuple[Flow, ...] = ()
        self.finalized = 0
        self.ether = 0
        self.reread_from: list[int] = []
        self.reminded: list[int] = []

    async def health(self) -> Health:
        return Health(self.fit, self.height, "" if self.fit else "it is on a fork")

    async def tip(self) -> Tip:
        return Tip(self.height, hash_of(self.height))

    async def depths(self, blocks: Sequence[tuple[int, str]]) -> dict[str, int]:
        return {block_hash: self.height - height + 1 for height, block_hash in blocks}

    async def arrivals(self, cursor: str | None, watched: object, open_txids: Sequence[str]) -> Arrivals:
        cursor = f"at {self.height}"
        return Arrivals(
            tuple(self.shown), cursor, self.gone, upto=self.height, finalized=self.finalized, flows=self.flows
        )

    async def reread(self, height: int) -> str:
        self.reread_from.append(height)
        return f"from {height}"

    async def settled_height(self) -> int | None:
        return self.height - 10

    async def ether_of(self, addresses: Sequence[str], height: int) -> tuple[str, dict[str, int]]:
        return hash_of(height), dict.fromkeys(addresses, self.ether)

    async def remember(self, height: int, cursor: str | None) -> None:
        self.reminded.append(height)

    def pays(self, address: str, amount: str, height: int | None, *, nonce: int = 1, branch: int = 0) -> Arrival:
        """Ether, in the block of that height or in the mempool."""
        depth = self.height - height + 1 if height is not None else 0
        block_hash = hash_of(height, branch) if height is not None else None
        return Arrival("ETH", address, units("ETH", amount), f"0x{nonce:064x}", -1, block_hash, height, depth)


@pytest.fixture
async def world(db: Database, lane: Lane, settings: Settings) -> AsyncIterator[World]:
    found = World(db, lane, settings, cast(BitcoinNode, None), cast(EvmNode, None), SEED)
    bitcoin = bitcoin_chain(settings.networks["bitcoin"], SEED)
    found.chains = {"bitcoin": bitcoin, "ethereum": Told(settings.networks["ethereum"])}
    async with db.transaction() as session:
        for family in ("bitcoin", "evm"):
            await session.execute(
                text("INSERT INTO address_index (family, next_index, watched_upto) VALUES (:f, 0, 1000)"),
                {"f": family},
            )
    await begun(db, "ethereum", "at 0")
    yield found
    await found.close()


@pytest.fixture
def chain(world: World) -> Told:
    found = world.chains["ethereum"]
    assert isinstance(found, Told)
    return found


async def scan_row(world: World) -> dict[str, Any]:
    async with world.db.reading() as session:
        rows = await session.execute(text("SELECT * FROM scan_cursors WHERE network = 'ethereum'"))
        return dict(rows.mappings().one())


# --- addresses -----------------------------------------------------------------------------------------------------


async def test_a_node_is_told_what_to_watch_though_the_books_say_that_one_was_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    async def watch(upto_index: int) -> None:
        told.append(upto_index)

    monkeypatch.setattr(world.chains["bitcoin"], "watch", watch)
    assert await pipeline.extend(world.db, world.chains["bitcoin"]) is False
    assert told == [1_000]


# --- what a scan stores --------------------------------------------------------------------------------------------


async def test_ether_that_the_balance_showed_first_is_not_booked_again_by_its_payment(
    world: World, chain: Told
) -> None:
    user = await world.user()
    address = await world.address(user, "ETH")
    chain.ether = units("ETH", "3")
    await world.scan("ethereum")
    assert await pipeline.compare(world.db, world.lane, chain, world.settings, utcnow()) is True
    late = chain.pays(address, "2", 95, nonce=2)
    chain.shown = [chain.pays(address, "3", 50), late]
    await world.scan("ethereum")
    found = {one["reason"]: one for one in await world.deposits(user)}
    assert set(found) == {"unattributed", None} and len(await world.deposits(user)) == 2
    assert found[None]["txid"] == late.txid
    assert await world.balance(house("wallet:deposit", "ETH", "ethereum")) == units("ETH", "5")


async def test_a_payment_that_comes_out_larger_in_another_block_waits_as_long_as_the_larger_one_must(
    world: World, chain: Told
) -> None:
    tier = DepositTier(asset="ETH", from_amount="2", confirmations=9, finality="finalized")
    terms = world.settings.networks["ethereum"].model_copy(update={"deposit_tiers": [tier]})
    world.settings = world.settings.model_copy(update={"networks": {**world.settings.networks, "ethereum": terms}})
    user = await world.user()
    address = await world.address(user, "ETH")
    chain.shown = [chain.pays(address, "1", 100)]
    await world.scan("ethereum")
    assert (await world.deposit(user))["confirmations_required"] == chain.confirmations
    chain.height = 104
    chain.shown = [chain.pays(address, "5", 100, branch=1)]
    await world.scan("ethereum")
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["units"]) == ("confirming", units("ETH", "5"))
    assert (deposit["confirmations_required"], deposit["finality"]) == (9, "finalized")
    chain.height, chain.finalized = 110, 110
    chain.shown = [chain.pays(address, "5", 100, branch=1)]
    await world.scan("ethereum")
    assert await world.available(user, "ETH") == "5.000000000000000000"


async def test_what_was_given_up_is_watched_again_when_a_block_has_it_and_not_while_it_waits(
    world: World, chain: Told
) -> None:
    user = await world.user()
    address = await world.address(user, "ETH")
    waiting, later = chain.pays(address, "1", None), utcnow() + timedelta(days=20)
    chain.shown = [waiting]
    await world.scan("ethereum")
    chain.shown, chain.gone = [], (waiting.txid,)
    await world.scan("ethereum")
    await world.scan("ethereum", later)
    assert (await world.deposit(user))["final_at"] is not None
    chain.shown, chain.gone = [waiting], ()
    assert not any([await world.scan_once("ethereum", later) for _ in range(3)])
    assert (await world.deposit(user))["final_at"] is not None
    chain.shown = [chain.pays(address, "1", 100)]
    await world.scan("ethereum", later)
    deposit = await world.deposit(user)
    assert (deposit["state"], deposit["final_at"]) == ("confirming", None)


# --- looking again -------------------------------------------------------------------------------------------------


async def test_reading_again_never_passes_over_a_block_and_forgets_what_will_be_read_again(
    world: World, chain: Told
) -> None:
    address = await world.address(await world.user(), "ETH")
    chain.flows = tuple(Flow(f"0x{height:064x}", address, 5, height) for height in (40, 60))
    await world.scan("ethereum")
    chain.height = 120
    assert await desk.look_from(world.db, chain, height=115, now=utcnow()) == 101
    row = await scan_row(world)
    assert (chain.reread_from, row["cursor"], row["scanned_height"]) == ([101], "from 101", 100)
    await desk.look_from(world.db, chain, height=50, now=utcnow())
    assert (await scan_row(world))["scanned_height"] == 49
    async with world.db.reading() as session:
        kept = await session.scalars(text("SELECT block_height FROM ether_flows"))
        assert list(kept) == [40]
    await desk.look_from(world.db, chain, height=90, now=utcnow())
    assert (await scan_row(world))["cursor"] == "from 50"


async def test_a_node_that_is_not_fit_is_not_asked_about_one_transaction_either(world: World, chain: Told) -> None:
    user = await world.user()
    chain.shown, chain.fit = [chain.pays(await world.address(user, "ETH"), "1", 50)], False

    async def look() -> int:
        txid = chain.shown[0].txid
        return await desk.look_at(world.db, world.lane, chain, world.settings, txid=txid, now=utcnow())

    with pytest.raises(NodeUnavailable, match="on a fork"):
        await look()
    assert await world.deposits(user) == []
    chain.fit = True
    assert await look() == 1


async def test_a_node_is_held_against_what_was_read_though_the_last_one_asked_was_not_fit(
    world: World, chain: Told
) -> None:
    await world.scan("ethereum")
    chain.fit, chain.height = False, 7
    await world.scan("ethereum")
    await progress.remind(world.db, chain)
    assert chain.reminded == [100]


# --- nodes that are late -------------------------------------------------------------------------------------------


class Late:
    """One address with several nodes behind it; the one that answers a batch is at `number`."""

    def __init__(self, number: int) -> None:
        self.number = number

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]], **_: object) -> list[Any]:
        return [self._answer(method, params) for method, params in calls]

    def _answer(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_blockNumber":
            return hex(self.number)
        if method == "eth_getBlockByNumber" and int(params[0], 16) <= self.number:
            return {"hash": hash_of(int(params[0], 16))}
        return None


async def test_a_late_node_says_nothing_about_how_deep_blocks_are(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = EvmChain("ethereum", settings.networks["ethereum"], EvmKeys(SEED.evm_address(), SEED.evm_deposit_xpub()))
    asked = [(90, hash_of(90)), (95, hash_of(95, branch=1))]
    monkeypatch.setattr(chain, "_rpc", Late(100))
    assert await chain.depths(asked) == {asked[0][1]: 11, asked[1][1]: -1}
    monkeypatch.setattr(chain, "_rpc", Late(94))
    with pytest.raises(NodeUnavailable, match="is at block 94"):
        await chain.depths(asked)


async def test_a_transaction_that_a_late_node_has_not_heard_of_is_not_gone() -> None:
    tip, txids = Tip(100, hash_of(100)), [f"0x{n:064x}" for n in range(120)]
    on_time = Scan(cast(Rpc, Late(100)), (), {}, "ETH", ())
    assert await on_time._open(txids, tip) == tuple(txids)
    late = Scan(cast(Rpc, Late(99)), (), {}, "ETH", ())
    with pytest.raises(NodeUnavailable, match="is at block 99"):
        await late._open(txids, tip)


# --- coins ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_deposits_coin_is_spent_no_earlier_than_the_deepest_tier_allows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier = DepositTier(asset="BTC", from_amount="1", confirmations=6)
    terms = world.settings.networks["bitcoin"].model_copy(update={"deposit_tiers": [tier]})
    chain = bitcoin_chain(terms, SEED)
    assert isinstance(chain, BitcoinChain)
    coin = {"txid": "11" * 32, "vout": 0, "amount": 2, "address": chain.deposit_address(0), "confirmations": 5}
    made: list[object] = []

    async def call(method: str, *params: Any, **_: object) -> Any:
        if method == "listunspent":
            return [{**coin, "safe": True, "solvable": True}]
        made.append(params)
        return {"psbt": "", "fee": Decimal("0.00001")}

    monkeypatch.setattr(chain._wallet, "call", call)
    with pytest.raises(NotEnough):
        await chain.fund([(chain.deposit_address(1), units("BTC", "1"))], 2, ())
    assert made == []
    coin["confirmations"] = 6
    assert (await chain.fund([(chain.deposit_address(1), units("BTC", "1"))], 2, ())).fee_units == 1_000
    await chain.close()
