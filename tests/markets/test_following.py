"""Books that venues tell by themselves and books that are asked for, side by side; and prices that stand apart."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tidegate.config import Settings
from tidegate.markets import keep, rules, streams
from tidegate.markets.books import Markets
from tidegate.markets.rules import Told, Unusable
from tidegate.money import BTC, ETH, USDT
from tidegate.refusal import Refusal
from tidegate.venues.port import Book, Level, Market, VenueUnavailable

SOON = 10.0


def market(base: str, quote: str) -> Market:
    lot = Decimal("0.00001")
    return Market(base + quote, base, quote, Decimal("0.01"), lot, lot, Decimal(9000), Decimal(5), trading=True)


def book(symbol: str, middle: str, *, age: float = 0.0, half: str = "1") -> Book:
    at, away = Decimal(middle), Decimal(half)
    bids, asks = (Level(at - away, Decimal(1)),), (Level(at + away, Decimal(1)),)
    return Book(symbol, bids, asks, 1, time.time() - age)


class Telling:
    """What a venue's stream has told so far, by the test's own hand."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)
        self.books: dict[str, Book] = {}
        self.running = self.fails = False
        self.ended = asyncio.Event()

    def book(self, symbol: str) -> Book | None:
        return self.books.get(symbol)

    async def moved(self) -> None:
        await asyncio.Event().wait()

    async def run(self) -> None:
        if self.fails:
            raise RuntimeError("a fault of its own")
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False
            self.ended.set()


class Asked:
    """A venue that is asked for its books. `prices`: the middle by symbol."""

    taker_fee = Decimal("0.001")

    def __init__(self, name: str, prices: dict[str, str], *pairs: Market) -> None:
        self.name, self.prices, self.pairs = name, prices, pairs or (market("BTC", "USDT"),)
        self.asked = 0
        self.away = False

    async def markets(self) -> list[Market]:
        return list(self.pairs)

    async def book(self, symbol: str, depth: int = 100) -> Book:
        self.asked += 1
        if self.away:
            raise VenueUnavailable("away")
        return book(symbol, self.prices[symbol])


class Streamed(Asked):
    """The same with a stream."""

    def __init__(self, name: str, prices: dict[str, str], *pairs: Market) -> None:
        super().__init__(name, prices, *pairs)
        self.tellings: list[Telling] = []
        self.refuses = self.without = self.fails = False

    def follow(self, symbols: Sequence[str]) -> Telling | None:
        if self.refuses:
            raise ValueError("too many")
        if self.without:
            return None
        self.tellings.append(Telling(symbols))
        self.tellings[-1].fails = self.fails
        return self.tellings[-1]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_CONFIG", raising=False)
    monkeypatch.setattr(keep, "POLL_SECONDS", 0.05)
    return Settings(mode="sandbox")


def open_markets(settings: Settings, *venues: Any) -> Markets:
    return Markets({one.name: one for one in venues}, settings)


@asynccontextmanager
async def running(markets: Markets) -> AsyncIterator[None]:
    task = asyncio.create_task(markets.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_book_in_use_is_followed_and_not_asked_for_while_its_stream_speaks(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = Streamed("told", {"BTCUSDT": "64000"})
    markets = open_markets(settings, venue)
    async with running(markets):
        (first,) = await markets.sources()
        assert (first.told, first.bid) == (Told.POLL, Decimal(63_999))
        await until(lambda: bool(venue.tellings) and venue.tellings[0].running)
        monkeypatch.setattr(keep, "POLL_SECONDS", 5.0)
        telling = venue.tellings[0]
        assert telling.symbols == ("BTCUSDT",)
        telling.books["BTCUSDT"] = book("BTCUSDT", "64000")
        await markets.sources()
        assert markets._tracked["told", "BTCUSDT"].told is Told.STREAM
        asked = venue.asked
        for price in range(64_001, 64_040):
            telling.books["BTCUSDT"] = book("BTCUSDT", str(price))
            (source,) = await markets.sources()
            assert (source.told, source.bid, source.unusable) == (Told.STREAM, Decimal(price - 1), None)
            mid = await markets.mid(BTC, USDT)
            assert mid.value == price and mid.fresh and mid.venues == ("told",)
            await asyncio.sleep(0.005)
        assert venue.asked == asked
        (crossing,) = (await markets.crossing(BTC, USDT)).sides["BTC", "USDT"]
        assert crossing.prices[0] == 64_038 * 10**18
    assert not telling.running


async def test_how_many_books_come_by_stream_is_told(settings: Settings) -> None:
    venue, plain = Streamed("told", {"BTCUSDT": "64000"}), Asked("plain", {"BTCUSDT": "64000"})
    markets = open_markets(settings, venue, plain)
    async with running(markets):
        await markets.sources()
        await until(lambda: bool(venue.tellings))
        assert markets.followed() == {"told": (0, 1), "plain": (0, 0)}
        venue.tellings[0].books["BTCUSDT"] = book("BTCUSDT", "64000")
        assert markets.followed() == {"told": (1, 1), "plain": (0, 0)}


async def test_a_stream_that_is_down_leaves_its_books_to_be_asked_for_and_a_later_word_counts_again(
    settings: Settings,
) -> None:
    venue = Streamed("told", {"BTCUSDT": "64000"})
    markets = open_markets(settings, venue)
    async with running(markets):
        await markets.sources()
        await until(lambda: bool(venue.tellings))
        telling = venue.tellings[0]
        telling.books["BTCUSDT"] = book("BTCUSDT", "65000", age=0.04)
        await until(lambda: markets._tracked["told", "BTCUSDT"].told is Told.POLL)
        (source,) = await markets.sources()
        assert source.bid == Decimal(63_999)  # what was told is older than what was answered
        telling.books.clear()  # out of step
        (source,) = await markets.sources()
        assert source.told is Told.POLL
        telling.books["BTCUSDT"] = book("BTCUSDT", "65000", age=-0.01)
        (source,) = await markets.sources()
        assert (source.told, source.bid) == (Told.STREAM, Decimal(64_999))


async def test_out_of_step_and_unreachable_a_book_grows_old_from_its_last_good_message(settings: Settings) -> None:
    venue = Streamed("told", {"BTCUSDT": "64000"})
    markets = open_markets(settings, venue)
    async with running(markets):
        await markets.sources()
        await until(lambda: bool(venue.tellings))
        venue.away = True
        venue.tellings[0].books["BTCUSDT"] = book("BTCUSDT", "64100", age=-0.02)
        (source,) = await markets.sources()
        assert source.told is Told.STREAM
        stamp = source.as_of
        venue.tellings[0].books.clear()
        await asyncio.sleep(0.1)
        (source,) = await markets.sources()
        assert (source.as_of, source.told, source.bid) == (stamp, Told.STREAM, Decimal(64_099))
        assert source.age_seconds is not None and source.age_seconds > 0.05
        markets._max_age = 0.05
        (source,) = await markets.sources()
        assert source.unusable is Unusable.STALE
        with pytest.raises(Refusal):
            await markets.crossing(BTC, USDT)
        known = await markets.mid(BTC, USDT, stale=True)
        assert not known.fresh and known.value == 64_100


async def test_nobody_follows_what_nobody_uses(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    used, unused = (
        Streamed("used", {"BTCUSDT": "64000"}),
        Streamed("unused", {"ETHUSDT": "3100"}, market("ETH", "USDT")),
    )
    markets = open_markets(settings, used, unused)
    async with running(markets):
        await markets.sources("BTC")
        await until(lambda: bool(used.tellings) and used.tellings[0].running)
        assert unused.tellings == []
        monkeypatch.setattr(keep, "FOLLOW_SECONDS", 0.0)
        await until(used.tellings[0].ended.is_set)
        monkeypatch.setattr(keep, "FOLLOW_SECONDS", 60.0)
        await until(lambda: len(used.tellings) == 2)
        used.pairs = (*used.pairs, market("ETH", "USDT"))
        markets._keeper.listed_at.clear()
        await until(lambda: used.tellings[-1].symbols == ("BTCUSDT", "ETHUSDT"))


@pytest.mark.parametrize("how", ["refuses", "without", "fails"])
async def test_a_stream_that_cannot_be_followed_is_no_loss_and_not_tried_at_once_again(
    settings: Settings, how: str
) -> None:
    venue = Streamed("told", {"BTCUSDT": "64000"})
    setattr(venue, how, True)
    markets = open_markets(settings, venue)
    async with running(markets):
        await markets.sources()
        asked = venue.asked
        await until(lambda: venue.asked > asked + 3)
        (source,) = await markets.sources()
        assert (source.told, source.unusable) == (Told.POLL, None)
        assert len(venue.tellings) == (1 if how == "fails" else 0)
        assert streams.AGAIN_SECONDS > 10


async def test_an_adapter_of_before_streams_goes_on_being_asked(settings: Settings) -> None:
    venue = Asked("plain", {"BTCUSDT": "64000"})
    markets = open_markets(settings, venue)
    async with running(markets):
        await until(lambda: markets.up()["plain"])
        (source,) = await markets.sources()
        assert (source.told, source.unusable) == (Told.POLL, None)


# --- who is believed


async def seen(settings: Settings, *prices: str) -> tuple[Markets, dict[str, Unusable | None]]:
    venues = [Asked(f"v{number}", {"BTCUSDT": price}) for number, price in enumerate(prices)]
    markets = open_markets(settings, *venues)
    return markets, {source.venue: source.unusable for source in await markets.sources()}


async def test_one_wrong_venue_of_three_neither_sets_the_middle_nor_is_quoted_from(settings: Settings) -> None:
    markets, found = await seen(settings, "64000", "70400", "64010")
    assert found == {"v0": None, "v1": Unusable.APART, "v2": None}
    assert (await markets.mid(BTC, USDT)).value == 64_005
    crossing = await markets.crossing(BTC, USDT)
    assert [side.venue for side in crossing.sides["BTC", "USDT"]] == ["v0", "v2"]
    assert [source.unusable for source in crossing.sources] == [None, Unusable.APART, None]
    assert markets.up() == {"v0": True, "v1": False, "v2": True}


async def test_a_little_apart_is_the_market_and_the_middle_one_counts(settings: Settings) -> None:
    markets, found = await seen(settings, "64000", "65200", "64010")
    assert set(found.values()) == {None}
    there, back = await markets.mid(BTC, USDT), await markets.mid(USDT, BTC)
    assert there.value == 64_010 and there.venues == ("v0", "v1", "v2")
    assert back.value == Fraction(1, 64_010)


async def test_of_two_that_contradict_each_other_neither_is_believed_and_one_alone_is(settings: Settings) -> None:
    markets, found = await seen(settings, "64000", "67000")
    assert found == {"v0": Unusable.APART, "v1": Unusable.APART}
    with pytest.raises(Refusal):
        await markets.crossing(BTC, USDT)
    _, found = await seen(settings, "64000")
    assert found == {"v0": None}


async def test_a_book_that_is_not_fresh_has_no_say_over_the_others(settings: Settings) -> None:
    markets, _ = await seen(settings, "64000", "64010", "90000", "90010")
    for number in (2, 3):
        tracked = markets._tracked[f"v{number}", "BTCUSDT"]
        assert tracked.book is not None
        tracked.book = replace(tracked.book, received=time.time() - 6)
        tracked.failed_at = time.time() + 60  # and it is not asked again just now
    found = {source.venue: source.unusable for source in await markets.sources()}
    assert found == {"v0": None, "v1": None, "v2": Unusable.STALE, "v3": Unusable.STALE}


async def test_a_market_written_the_other_way_round_is_compared_too(settings: Settings) -> None:
    usual = [Asked(f"v{number}", {"ETHBTC": "0.05"}, market("ETH", "BTC")) for number in range(2)]
    odd = Asked("odd", {"BTCETH": "20.001"}, market("BTC", "ETH"))
    wrong = Asked("wrong", {"BTCETH": "21"}, market("BTC", "ETH"))
    for one in (*usual, odd, wrong):
        one.book = thin(one)  # type: ignore[method-assign]
    markets = open_markets(settings, *usual, odd, wrong)
    found = {source.venue: source.unusable for source in await markets.sources()}
    assert found == {"v0": None, "v1": None, "odd": None, "wrong": Unusable.APART}
    there, back = await markets.mid(ETH, BTC), await markets.mid(BTC, ETH)
    assert there.value * back.value == 1 and there.value == Fraction(1, 20)


def thin(venue: Asked) -> Any:
    async def asked(symbol: str, depth: int = 100) -> Book:
        return book(symbol, venue.prices[symbol], half="0.00001")

    return asked


def test_the_middle_of_prices_and_who_is_far_from_it() -> None:
    one, two, three = Decimal(10), Decimal(11), Decimal(30)
    assert (rules.middle([three, one, two]), rules.middle([two, one]), rules.middle([one])) == (
        two,
        Decimal("10.5"),
        one,
    )
    share = Decimal("0.03")
    assert rules.apart({"a": Decimal(100), "b": Decimal(103), "c": Decimal(100)}, share) == set()
    assert rules.apart({"a": Decimal(100), "b": Decimal("103.01"), "c": Decimal(100)}, share) == {"b"}
    assert rules.apart({"a": Decimal(100), "b": Decimal("96.9"), "c": Decimal(100)}, share) == {"b"}
    assert rules.apart({"a": one}, share) == rules.apart({}, share) == set()
