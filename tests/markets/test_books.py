"""The books of a real sandbox venue, consolidated: age, sources, estimates, and what an outage leaves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.running import Running, running_venue
from tidegate.config import Settings
from tidegate.markets import keep
from tidegate.markets.books import Markets
from tidegate.money import BTC, ETH, USDC, USDT, Amount
from tidegate.refusal import Kind, Refusal
from tidegate.venues.binance import Binance
from tidegate.venues.port import Book, VenueUnavailable


@pytest.fixture(scope="module")
async def shared_venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_venue(tmp_path_factory.mktemp("venue")) as running:
        yield running


@pytest.fixture
async def venue(shared_venue: Running) -> AsyncIterator[Running]:
    yield shared_venue
    await shared_venue.all_well()


@pytest.fixture
async def binance(venue: Running) -> AsyncIterator[Binance]:
    client = venue.client(timeout=3)
    yield client
    await client.close()


@pytest.fixture
def plain_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_CONFIG", raising=False)
    return Settings(mode="sandbox")


@pytest.fixture
def markets(binance: Binance, plain_settings: Settings) -> Markets:
    return Markets({"binance": binance}, plain_settings)


async def test_every_pair_of_our_assets_has_a_direct_market_with_age_and_source(markets: Markets) -> None:
    found = {f"{s.market.base}-{s.market.quote}": s for s in await markets.sources()}
    assert set(found) == {"BTC-USDT", "ETH-USDT", "ETH-BTC", "USDC-USDT", "BTC-USDC", "ETH-USDC"}
    for source in found.values():
        assert source.venue == "binance"
        assert source.unusable is None
        assert source.as_of is not None
        assert datetime.now(UTC) - source.as_of < timedelta(seconds=5)


async def test_a_pair_can_be_exchanged_in_either_direction(markets: Markets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "POLL_SECONDS", 60.0)
    sell, buy = await markets.crossing(BTC, USDT), await markets.crossing(USDT, BTC)
    for one in (sell, buy):
        assert one.bridges == ()
        assert one.age_seconds < 5
    (bids,), (asks,) = sell.sides["BTC", "USDT"], buy.sides["USDT", "BTC"]
    assert (bids.selling, asks.selling) == (True, False)
    assert bids.prices[0] < asks.prices[0]
    # Nothing arrived between the two: nothing was made ready twice.
    assert (await markets.crossing(BTC, USDT)).sides["BTC", "USDT"][0] is bids


async def test_where_nobody_trades_a_pair_its_ends_meet_at_what_both_are_traded_against(markets: Markets) -> None:
    await markets.sources()
    for symbol in ("ETHUSDC", "ETHBTC"):
        del markets._tracked["binance", symbol]
    crossing = await markets.crossing(ETH, USDC)
    assert crossing.bridges == (USDT,)
    assert {("ETH", "USDT"), ("USDT", "USDC")} <= set(crossing.sides)
    del markets._tracked["binance", "USDCUSDT"]
    with pytest.raises(Refusal) as told:
        await markets.crossing(ETH, USDC)
    assert told.value.kind is Kind.VENUE_UNAVAILABLE


async def test_mids_invert_and_lie_between_bid_and_ask(markets: Markets) -> None:
    there, back = await markets.mid(BTC, USDT), await markets.mid(USDT, BTC)
    assert there.value * back.value == 1
    (source,) = await markets.book(BTC, USDT)
    assert source.bid is not None
    assert source.ask is not None
    assert source.bid < there.value < source.ask
    assert there.fresh


async def test_an_estimate_never_asks_and_says_when_it_is_from(markets: Markets) -> None:
    amount = Amount.parse(BTC, "0.5")
    assert markets.estimate(amount) is None
    mid = await markets.mid(BTC, USDT)
    found = markets.estimate(amount)
    assert found is not None
    assert found.currency == "USD"
    assert abs(found.amount - Decimal(int(mid.value * 50)) / 100) <= Decimal("0.01")
    assert found.as_of == mid.as_of
    assert markets.usd(Amount.parse(USDT, "12.345678")) == Decimal("12.34")


async def test_one_answer_of_the_venue_serves_all_who_wait(markets: Markets, binance: Binance) -> None:
    await markets.sources()
    asked = 0
    ask = binance.book

    async def counting(symbol: str, depth: int = 100) -> object:
        nonlocal asked
        asked += 1
        return await ask(symbol, depth)

    markets._tracked["binance", "BTCUSDT"].book = None
    binance.book = counting  # type: ignore[method-assign, assignment]
    await asyncio.gather(*(markets.book(BTC, USDT) for _ in range(20)))
    assert asked == 1


@pytest.mark.parametrize("fault", ["venue_down", "venue_html", "venue_rate_limited"])
async def test_with_the_venue_away_quotes_are_refused_and_last_known_prices_serve(
    venue: Running, markets: Markets, fault: str
) -> None:
    await markets.mid(ETH, USDT)
    await venue.fault(fault, seconds=1)
    markets._max_age = 0.0
    with pytest.raises(Refusal) as told:
        await markets.crossing(ETH, USDT)
    assert told.value.kind is Kind.VENUE_UNAVAILABLE
    assert told.value.fields["retry_after"] > 0
    with pytest.raises(Refusal):
        await markets.mid(ETH, USDT)
    known = await markets.mid(ETH, USDT, stale=True)
    assert not known.fresh
    assert markets.usd(Amount.parse(ETH, "1")) is not None


async def test_last_known_prices_are_forgotten_after_fifteen_minutes(markets: Markets) -> None:
    await markets.mid(ETH, USDT)
    remembered = markets._remembered.mids
    for tracked in markets._tracked.values():
        tracked.book = None
    assert markets.usd(Amount.parse(ETH, "1")) is not None
    for key, mid in list(remembered.items()):
        remembered[key] = replace(mid, as_of=mid.as_of - timedelta(seconds=901))
    assert markets.usd(Amount.parse(ETH, "1")) is None


async def test_the_background_keeps_books_young_and_survives_an_outage(venue: Running, markets: Markets) -> None:
    task = asyncio.ensure_future(markets.run())
    try:
        await asyncio.wait_for(until(lambda: markets.up()["binance"]), 10)
        await markets.book(BTC, USDT)
        first = markets._tracked["binance", "BTCUSDT"].book
        await venue.fault("venue_down")
        await venue.fault("venue_down", False)
        await asyncio.wait_for(until(lambda: markets._tracked["binance", "BTCUSDT"].book is not first), 10)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.02)


async def test_a_silent_venue_is_waited_for_once_and_not_for_each_number(
    markets: Markets, binance: Binance, monkeypatch: pytest.MonkeyPatch
) -> None:
    await markets.mid(ETH, USDT)
    silence = asyncio.Event()

    async def silent(symbol: str, depth: int = 100) -> Book:
        await silence.wait()
        raise VenueUnavailable("silent")

    monkeypatch.setattr(keep, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(binance, "book", silent)
    markets._max_age = 0.0
    for tracked in markets._tracked.values():
        tracked.book = None if tracked.book is None else replace(tracked.book, received=tracked.book.received - 2)
    started = asyncio.get_running_loop().time()
    for _ in range(5):
        assert not (await markets.mid(ETH, USDT, stale=True)).fresh
    assert asyncio.get_running_loop().time() - started < 0.8
    silence.set()
    await asyncio.wait([tracked.task for tracked in markets._tracked.values() if tracked.task])
