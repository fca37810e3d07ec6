"""The API and the database are killed under load, at moments drawn by TIDEGATE_SEED: nothing acknowledged is lost,
nothing is done twice, and every request is answered by its key.

TIDEGATE_KILLS and TIDEGATE_DATABASE_KILLS say how often.
"""

import gc
import os
import random
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.crash.house import House, house
from tests.crash.load import Customers, agree, committed

KILLS = int(os.environ.get("TIDEGATE_KILLS", "3"))
DATABASE_KILLS = int(os.environ.get("TIDEGATE_DATABASE_KILLS", "1"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
AGREE_EVERY = 20

# Some customers leave in the middle of connecting, and their HTTP client leaves such a socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def _left_sockets() -> Iterator[None]:
    """They are collected here, where the warning is expected, and not in the middle of another test."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
async def struck(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("crash")) as made:
        yield made


@pytest.fixture(scope="module")
async def customers(struck: House) -> Customers:
    return await Customers(struck, random.Random(SEED)).arrive()


@pytest.mark.timeout(2 * 3600)
async def test_every_request_is_done_or_not_done_by_its_key_however_often_the_api_is_killed(
    struck: House, customers: Customers
) -> None:
    unknown = 0
    for kill in range(1, KILLS + 1):
        wave = await customers.wave()
        await wave.under_load(struck.kill_api)
        before = await committed(struck)
        acknowledged = {order.key for order in wave.started if order.done is not None}
        assert acknowledged <= before, f"kill {kill}, seed {SEED}: acknowledged, and gone"
        unknown += sum(not order.settled for order in wave.started)
        await wave.all_settled()
        for order in wave.started:
            # What was there is repeated, what was not there is done now or refused: no third way.
            assert order.replayed == (order.key in before), f"kill {kill}, seed {SEED}: {order.key}"
        customers.over(wave)
        if kill % AGREE_EVERY == 0 or kill == KILLS:
            await agree(struck, customers.orders)
            print(
                f"{kill} kills, {len(customers.orders)} requests, {unknown} without an answer at the kill", flush=True
            )
    assert unknown > 0, "nothing was under way when the API died"


@pytest.mark.timeout(3600)
async def test_nothing_acknowledged_is_lost_when_the_database_itself_is_killed(
    struck: House, customers: Customers
) -> None:
    for _ in range(DATABASE_KILLS):
        wave = await customers.wave()
        await wave.under_load(struck.kill_database)
        acknowledged = {order.key for order in wave.started if order.done is not None}
        assert acknowledged <= await committed(struck), f"seed {SEED}: acknowledged, and gone"
        await wave.all_settled()
        customers.over(wave)
    await agree(struck, customers.orders)
