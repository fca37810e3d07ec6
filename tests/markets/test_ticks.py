"""What somebody who watches a market must hear of, and how many watchers there may be."""

import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from tidegate.markets import ticks
from tidegate.markets.consolidated import Consolidated, Source, consolidate
from tidegate.markets.rules import Unusable
from tidegate.markets.ticks import Ticks, is_news
from tidegate.venues.port import Book, Level, Market

MARKET = Market(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(100),
    min_notional=Decimal(5),
    trading=True,
)


def source(venue: str = "one", *, ask: str = "64001", received: float = 1000.0) -> Source:
    book = Book("BTCUSDT", (Level(Decimal(64000), Decimal(1)),), (Level(Decimal(ask), Decimal(1)),), 7, received)
    return Source(venue, MARKET, Decimal("0.001"), book, 0.25, None)


def pair(*sources: Source) -> Consolidated:
    (found,) = consolidate(sources)
    return found


def test_the_first_look_is_news_and_the_same_again_is_not() -> None:
    told = pair(source(), source("two"))
    assert is_news(None, told)
    assert not is_news(told, told)
    older = pair(replace(source(), age_seconds=0.9), source("two"))
    assert not is_news(told, older)


def test_a_price_that_moves_is_news() -> None:
    assert is_news(pair(source()), pair(source(ask="64001.01")))


def test_a_source_that_comes_goes_or_may_not_be_used_any_more_is_news() -> None:
    both = pair(source(), source("two"))
    assert is_news(pair(source()), both)
    assert is_news(both, pair(source()))
    stale = replace(source("two"), unusable=Unusable.STALE)
    assert is_news(both, pair(source(), stale))
    assert is_news(pair(source(), stale), both)


def test_a_price_that_stands_still_is_told_again_every_two_seconds() -> None:
    told = pair(source(received=1000.0))
    assert not is_news(told, pair(source(received=1001.9)))
    assert is_news(told, pair(source(received=1002.0)))


def test_when_no_source_may_be_used_that_is_told_once() -> None:
    down = pair(replace(source(), unusable=Unusable.STALE))
    assert is_news(pair(source()), down)
    assert not is_news(down, down)


def test_seats_are_counted_by_user_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "MOST_OF_ONE", 1)
    monkeypatch.setattr(ticks, "MOST_WATCHERS", 2)
    watched, ana, ben, cleo = Ticks(), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    with watched.seated(ana):
        assert watched.full(ana)
        assert not watched.full(ben)
        with watched.seated(ben):
            assert watched.full(cleo)
        assert not watched.full(cleo)
    assert not watched.full(ana)
