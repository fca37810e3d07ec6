"""One venue for the whole run of this folder; each test leaves no fault behind."""

from collections.abc import AsyncIterator

import pytest

from tests.venues.running import Running, running_venue
from tidegate.venues.binance import Binance


@pytest.fixture(scope="session")
async def shared_venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_venue(tmp_path_factory.mktemp("venue")) as running:
        yield running


@pytest.fixture
async def venue(shared_venue: Running) -> AsyncIterator[Running]:
    yield shared_venue
    await shared_venue.all_well()


@pytest.fixture
async def binance(venue: Running) -> AsyncIterator[Binance]:
    client = venue.client()
    yield client
    await client.close()
