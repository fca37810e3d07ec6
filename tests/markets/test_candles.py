"""Candles by our own clients from two small venues: kept for a moment, and from the other one when the first is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.venues.small import binance as small_binance
from tests.venues.small import coinbase as small_coinbase
from tests.venues.small.binance import SmallBinance
from tests.venues.small.coinbase import SmallCoinbase
from tests.venues.small.server import Server
from tidegate.config import Settings
from tidegate.markets import candles
from tidegate.markets.books import Markets
from tidegate.markets.candles import WINDOW, Chart, Charts, pace
from tidegate.refusal import Kind, Refusal
from tidegate.venues.binance import Binance
from tidegate.venues.coinbase import Coinbase
from tidegate.venues.port import Interval


@dataclass
class World:
    charts: Charts
    markets: Markets
    servers: dict[str, Server]

    def asked(self, venue: str) -> int:
        return sum("klines" in one.path or one.path.endswith("/candles") for one in self.servers[venue].seen)

    async def look(self) -> Chart | None:
        return await self.charts.look(self.markets, "BTC", "USDT", Interval.HOUR)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_CONFIG", raising=False)
    servers = {"binance": Server(SmallBinance()), "coinbase": Server(SmallCoinbase())}
    for server in servers.values():
        await server.up()
    binance = Binance(
        rest_url=servers["binance"].url, timeout=5, api_key=small_binance.KEY, secret=small_binance.SECRET
    )
    coinbase = Coinbase(
        rest_url=servers["coinbase"].url, timeout=5, api_key=small_coinbase.KEY, secret=small_coinbase.SECRET
    )
    yield World(Charts(), Markets({"binance": binance, "coinbase": coinbase}, Settings(mode="sandbox")), servers)
    await binance.close()
    await coinbase.close()
    for server in servers.values():
        await server.down()


async def test_the_newest_candles_come_oldest_first_with_who_told_them(world: World) -> None:
    chart = await world.look()
    assert chart is not None
    assert (chart.venue, chart.symbol) == ("binance", "BTCUSDT")
    starts = [one.start for one in chart.candles]
    assert starts == sorted(starts)
    assert len(starts) == WINDOW
    assert 0 <= chart.as_of.timestamp() - starts[-1] < Interval.HOUR


async def test_a_crowd_costs_a_venue_one_call(world: World) -> None:
    charts = await asyncio.gather(*(world.look() for _ in range(50)))
    assert all(one is charts[0] for one in charts)
    assert (world.asked("binance"), world.asked("coinbase")) == (1, 0)


async def test_whoever_goes_away_leaves_the_look_to_the_others(world: World) -> None:
    first, second = asyncio.ensure_future(world.look()), asyncio.ensure_future(world.look())
    while not world.asked("binance"):
        await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
    assert world.asked("binance") == 1


async def test_when_a_venue_is_away_another_one_draws_the_chart_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candles, "pace", lambda interval, *, answered: 0.0)
    assert await world.look() is not None
    await world.servers["binance"].down()
    chart = await world.look()
    assert chart is not None
    assert chart.venue == "coinbase"
    # Back again, it is not asked: a chart of two venues by turns would jump.
    await world.servers["binance"].up()
    before = world.asked("binance")
    again = await world.look()
    assert again is not None
    assert again.venue == "coinbase"
    assert world.asked("binance") == before


async def test_with_every_venue_away_there_is_no_chart_rather_than_an_old_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candles, "pace", lambda interval, *, answered: 0.0)
    assert await world.look() is not None
    for server in world.servers.values():
        await server.down()
    assert await world.look() is None


async def test_before_any_venue_has_named_its_markets_nothing_is_known(world: World) -> None:
    for server in world.servers.values():
        await server.down()
    with pytest.raises(Refusal) as refused:
        await world.look()
    assert refused.value.kind is Kind.VENUE_UNAVAILABLE


def test_a_look_serves_a_sixtieth_of_the_interval_and_a_failed_one_a_second() -> None:
    assert [pace(one, answered=True) for one in Interval] == [1, 5, 15, 60, 60]
    assert {pace(one, answered=False) for one in Interval} == {1}
