"""One primary, one synchronous standby, no cluster manager (scale.md section 9): what was acknowledged survives the loss
of the primary, what was not is settled by its key, and nobody acts outside on what only the primary has.

Small here; the whole drill with a real API process under load is slow.
"""

import asyncio
import gc
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import alembic_config
from tests.crash.house import Api, House, furnish
from tests.crash.load import Customers, agree, committed
from tests.crash.proxy import Proxy, proxied
from tests.crash.standby import Pair, pair
from tests.transactions.conftest import BITCOIN, ETHEREUM
from tests.transactions.world import World
from tests.wallets.world import bitcoin_chain, evm_chain
from tidegate import commits
from tidegate.commits import Unacknowledged
from tidegate.database import Database, away
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.lane import Lane
from tidegate.once import Done, once
from tidegate.outbox.events import changed
from tidegate.signer.keys import make_seed
from tidegate.transactions import payouts, together
from tidegate.treasury import spend
from tidegate.treasury.rules import Purpose, Stage

SEED = 1


@pytest.fixture
def left_sockets() -> Iterator[None]:
    """Customers who leave in the middle of connecting leave their sockets to the garbage collector (test_kills.py)."""
    yield
    gc.collect()


async def migrated(url: str) -> None:
    await asyncio.to_thread(command.upgrade, alembic_config(url), "head")


@asynccontextmanager
async def world_on(folder: Path, url: str) -> AsyncIterator[tuple[World, Path]]:
    """People, money and prices on this database; chains in memory. Also where an API's configuration lies."""
    seed = make_seed(1_700_000_000)
    settings, config = furnish(folder, url, seed)
    drivers = bitcoin_chain(BITCOIN, seed), evm_chain(ETHEREUM, seed)
    db = Database(settings.database_url(), pool_size=10, application="tidegate-test")
    try:
        yield await World(db, Lane(db), settings, drivers, db).open(), config
    finally:
        await db.close()
        for driver in drivers:
            await driver.close()


@pytest.fixture(scope="module")
async def replicated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with pair(tmp_path_factory.mktemp("pair"), migrated, fsync=False) as made:
        yield made


@pytest.fixture(scope="module")
async def world(replicated: Pair, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world_on(tmp_path_factory.mktemp("world"), replicated.primary.url) as (made, _):
        made.furnish(made.settings.model_copy(update={"mode": "sandbox"}))  # which needs no deny list
        yield made


@pytest.fixture(autouse=True)
def thawed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "replicated" in request.fixturenames:
        request.getfixturevalue("replicated").thaw()


class Effect:
    """Something that is to happen once, by its key, in a transaction of its own: an event of a user of its own."""

    def __init__(self, world: World) -> None:
        self.world, self.user = world, uuid.uuid4()
        self.keyed = Keyed(uuid.uuid4().hex, "body")

    def ask(self) -> "asyncio.Task[Stored]":
        async def work(_: AsyncSession) -> Done:
            return Done({"done": 1}, [changed(self.user, "balance", self.user, 1)])

        return asyncio.create_task(once(self.world.db, self.keyed, user_id=self.user, operation="drill", work=work))

    async def happened(self) -> int:
        """By what is visible on the primary, which says nothing of the standby."""
        found: int = await self.world.one("SELECT count(*) FROM events WHERE user_id = :user", user=self.user)
        return found


async def test_a_commit_whose_wait_was_cancelled_is_unknown_until_the_same_key_is_acknowledged(
    replicated: Pair, world: World
) -> None:
    effect = Effect(world)
    replicated.freeze()
    for attempt in range(2):
        asked = effect.ask()
        await replicated.waiting()
        assert await effect.happened() == attempt, "it is not even visible while it waits"
        await replicated.cancel()
        with pytest.raises(Unacknowledged) as told:
            await asked
        assert away(told.value), "the API says: ask again with the same key"
    asked = effect.ask()
    await replicated.waiting()
    assert not asked.done(), "an answer that is stored here and nowhere else is not repeated"
    replicated.thaw()
    assert (await asked).replayed
    assert await effect.happened() == 1


async def test_a_commit_whose_connection_was_aborted_is_unknown_until_the_same_key_is_acknowledged(
    replicated: Pair, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = Effect(world)
    replicated.freeze()
    asked = effect.ask()
    await replicated.waiting()
    await replicated.abort()
    with pytest.raises(DBAPIError) as told:
        await asked
    assert away(told.value)
    assert await effect.happened() == 1
    # Nobody hurries it: we cut the connection ourselves, and the server goes on waiting.
    monkeypatch.setattr(commits, "SECONDS", 0.2)
    with pytest.raises(DBAPIError) as told:
        await effect.ask()
    assert away(told.value)
    monkeypatch.setattr(commits, "SECONDS", 60.0)
    asked = effect.ask()
    await replicated.waiting()
    replicated.thaw()
    assert (await asked).replayed
    assert await effect.happened() == 1


async def test_a_withdrawal_asked_for_while_the_standby_is_frozen_is_answered_when_it_has_it(
    replicated: Pair, world: World
) -> None:
    who = await world.someone(USDT=100_000_000)
    offer, key = await world.offer(who), uuid.uuid4().hex
    replicated.freeze()
    asked = [asyncio.create_task(world.request(who, offer, key=key)) for _ in range(3)]
    await replicated.waiting()
    await replicated.cancel()
    await replicated.waiting()
    await replicated.abort()
    await replicated.waiting()
    assert not any(one.done() for one in asked)
    replicated.thaw()
    answers = {(await one).raw for one in asked}
    assert len(answers) == 1
    assert await world.one("SELECT count(*) FROM withdrawals WHERE user_id = :user", user=who.id) == 1
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)


async def test_a_worker_asks_neither_signer_nor_node_before_its_own_commit_was_acknowledged(
    replicated: Pair, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.stock(USDT=100_000_000, ETH=10**18)
    payout = await world.verified(await world.someone(USDT=100_000_000))
    await world.until(payout, "signing")
    signer, node, office = world.signer, world.evm.node, world.office

    async def step(work: Any) -> None:
        """It runs while the standby has nothing of it, and whoever waits is told not to."""
        running = asyncio.create_task(work)
        while not running.done():
            await replicated.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(Unacknowledged):
            await running
        assert (signer.asked, node.submissions) == (before, [])
        replicated.thaw()
        await replicated.synchronous()

    before = signer.asked
    await world.soon()
    replicated.freeze()
    await step(payouts.sign_step(office, world.spender, ahead=True))  # the claim
    await world.soon(leases=True)
    (job,) = await spend.claim(world.db, [Purpose.PAYOUT], Stage.SIGNING)
    replicated.freeze()
    await step(payouts._sign(office, world.spender, job, ahead=True))  # the word that the signer is about to be asked
    sign, before = signer.sign_evm, before + 1

    async def sign_and_freeze(*of: Any, **more: Any) -> Any:
        replicated.freeze()
        return await sign(*of, **more)

    monkeypatch.setattr(signer, "sign_evm", sign_and_freeze)
    await step(payouts._sign(office, world.spender, job, ahead=True))  # the bytes
    monkeypatch.setattr(signer, "sign_evm", sign)
    await world.soon(leases=True)
    await world.until(payout, "completed")
    assert len(signer.journal[str(payout)]) == 1
    assert len(set(node.submissions)) == 1
    assert (await together.look(office, [payout]))[0][0].state == "completed"


# --- the whole drill -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def behind_a_proxy(folder: Path) -> AsyncIterator[tuple[Pair, Proxy, House]]:
    """A real API process that reaches its database at an address which moves to the standby."""
    async with pair(folder / "pair", migrated) as made:
        async with proxied(("127.0.0.1", made.primary.cluster.port)) as proxy:
            assert isinstance(proxy.here, tuple)
            url = made.primary.url.replace(f":{made.primary.cluster.port}/", f":{proxy.here[1]}/")
            async with world_on(folder, url) as (world, config):
                api = await Api.open(config, world.settings.api.port)
                try:
                    await api.start()
                    yield made, proxy, House(made.primary, world, api, made.admin)
                finally:
                    await api.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("left_sockets")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_a_frozen_standby_cancelled_waits_aborted_connections_and_a_dead_primary_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o711)
    (tmp_path / "pair").mkdir(mode=0o711)
    async with behind_a_proxy(tmp_path) as (drilled, proxy, house):
        customers = await Customers(house, random.Random(SEED)).arrive()

        async def frozen(seconds: float = 3.0) -> None:
            drilled.freeze()
            await drilled.waiting()
            await asyncio.sleep(seconds)
            drilled.thaw()

        async def told_not_to_wait(tell: Any) -> None:
            drilled.freeze()
            loop = asyncio.get_running_loop()
            until, told = loop.time() + 2.0, 0
            while loop.time() < until:
                told += await tell()
                await asyncio.sleep(0.02)
            assert told > 0
            drilled.thaw()

        async def failed_over() -> None:
            drilled.freeze()
            await drilled.waiting()
            await drilled.cancel()  # on the primary alone, and visible there: this is what a failover takes back
            await drilled.waiting()
            drilled.thaw()
            await drilled.fail_over()
            house.admin = drilled.admin
            proxy.there = "127.0.0.1", drilled.standby.cluster.port

        figures = []
        for strike in (
            frozen,
            lambda: told_not_to_wait(drilled.cancel),
            lambda: told_not_to_wait(drilled.abort),
            failed_over,
        ):
            wave = await customers.wave()
            await wave.under_load(strike)
            acknowledged = {order.key for order in wave.started if order.done is not None}
            lost = acknowledged - await committed(house)
            assert not lost, f"acknowledged, and gone: {lost}"
            unknown = sum(not order.settled for order in wave.started)
            await wave.all_settled()
            customers.over(wave)
            figures.append((len(acknowledged), unknown))
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await drilled.synchronous()
        await agree(house, customers.orders)
        print(
            f"acknowledged and unknown at each blow: {figures}; {len(customers.orders)} requests, each once", flush=True
        )
