"""Three sandbox venues followed at once: one price over all, whatever happens to one of the streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest

from tests.markets.test_following import SOON, running, settings
from tests.venues.sandbox import Sandbox, sandbox
from tidegate.config import Settings
from tidegate.markets import keep
from tidegate.markets.books import Markets
from tidegate.markets.rules import Told
from tidegate.money import BTC, USDT
from tidegate.sandbox.venue.prices import E8
from tidegate.venues import follow

__all__ = ["settings"]


@pytest.fixture
async def shops(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Sandbox]]:
    async with AsyncExitStack() as stack:
        yield {
            dialect: await stack.enter_async_context(sandbox(dialect, tmp_path_factory.mktemp(dialect)))
            for dialect in ("binance", "coinbase", "kraken")
        }


@pytest.fixture
async def markets(shops: dict[str, Sandbox], settings: Settings) -> AsyncIterator[Markets]:
    clients = {dialect: running.client() for dialect, running in shops.items()}
    yield Markets(clients, settings)
    for client in clients.values():
        await client.close()


def best_bid(shop: Sandbox) -> Decimal:
    return Decimal(shop.world.engine.book("BTCUSDT")[0][0][0]) / E8


@pytest.mark.slow
async def test_all_three_are_followed_and_one_price_is_made_of_them(
    shops: dict[str, Sandbox], markets: Markets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(keep, "POLL_SECONDS", 0.5)

    async def agree() -> None:
        """The streams' word and the venues' own books, after a move and, where it was lost, after another."""
        async with asyncio.timeout(SOON):
            while True:
                for shop in shops.values():
                    shop.world.step()
                for _ in range(30):
                    await asyncio.sleep(0.005)
                    found = {source.venue: source for source in await markets.sources("BTC", "USDT")}
                    streamed = all(source.told is Told.STREAM for source in found.values())
                    if streamed and all(found[name].bid == best_bid(shop) for name, shop in shops.items()):
                        return

    async with running(markets):
        assert len(await markets.sources("BTC", "USDT")) == 3
        await agree()
        crossing = await markets.crossing(BTC, USDT)
        assert {side.venue for side in crossing.sides["BTC", "USDT"]} == set(shops)
        assert (await markets.mid(BTC, USDT)).venues == ("binance", "coinbase", "kraken")
        for fault in ("gap", "checksum", "cut", "truncated"):
            for shop in shops.values():
                shop.fault(f"venue_stream_{fault}", times=1)
            await agree()
        # Without a word from a stream the venue is asked, and quoting goes on.
        for shop in shops.values():
            shop.fault("venue_stream_silent")
        async with asyncio.timeout(SOON):
            while {source.told for source in await markets.sources("BTC", "USDT")} != {Told.POLL}:
                await asyncio.sleep(0.02)
        found = await markets.sources("BTC", "USDT")
        assert {source.unusable for source in found} == {None}
        for shop in shops.values():
            shop.fault("venue_stream_silent", False)
        await agree()
