"""Our adapters keep the contract, each at a small venue that checks every signature by a computation of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from tests.venues.small import kraken as small_kraken
from tests.venues.small.kraken import SmallKraken
from tests.venues.small.server import Answering, Server
from tests.venues.small.world import SmallWorld
from tidegate.venues.contract import VenueContract
from tidegate.venues.kraken import Kraken
from tidegate.venues.port import Rights

TOLD = Rights(trade=True, withdraw=True, taker_fee=Decimal("0.002"))


@asynccontextmanager
async def serving(venue: Answering) -> AsyncIterator[Server]:
    server = Server(venue)
    await server.up()
    try:
        yield server
    finally:
        await server.down()


@asynccontextmanager
async def kraken_world() -> AsyncIterator[SmallWorld]:
    small = SmallKraken()
    async with serving(small) as server:
        keys = {"api_key": small_kraken.KEY, "secret": small_kraken.SECRET}
        client = Kraken(rest_url=server.url, tier="pro", timeout=5, **keys)
        yield SmallWorld(client, "XBTUSDT", server, small.engine, TOLD)
        await client.close()


class TestKraken(VenueContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SmallWorld]:
        async with kraken_world() as world:
            yield world
