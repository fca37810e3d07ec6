"""One book of a pair: every number with its venue and its age, and what may not be quoted from named and left out."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from tidegate.markets import rules
from tidegate.markets.consolidated import Sides, Source, consolidate
from tidegate.markets.rules import Unusable
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
SELLING = ("BTC", "USDT")


def source(venue: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]], *, age: float = 1.0) -> Source:
    def side(levels: list[tuple[int, int]]) -> tuple[Level, ...]:
        return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in levels)

    book = Book("BTCUSDT", side(bids), side(asks), 1, 1000.0 - age)
    best = [levels[0].price if levels else None for levels in (book.bids, book.asks)]
    return Source(venue, MARKET, Decimal("0.001"), book, age, rules.check(best[0], best[1], age, 5.0))


def test_the_best_of_each_side_is_told_with_its_venue_and_its_age() -> None:
    (pair,) = consolidate(
        [source("b", [(99, 1), (97, 1)], [(104, 1)], age=2.0), source("a", [(98, 5)], [(103, 2), (104, 1)], age=0.5)]
    )
    assert pair.bid is not None
    assert pair.ask is not None
    assert (pair.bid.price, pair.bid.venue, pair.bid.age_seconds) == (Decimal(99), "b", 2.0)
    assert (pair.ask.price, pair.ask.venue, pair.ask.as_of) == (Decimal(103), "a", datetime.fromtimestamp(999.5, UTC))
    assert pair.mid == 101
    assert pair.as_of == datetime.fromtimestamp(998, UTC)
    merged = [(one.price, one.venue) for one in pair.levels(selling=False, limit=10)]
    assert merged == [(Decimal(103), "a"), (Decimal(104), "a"), (Decimal(104), "b")]
    assert [one.price for one in pair.levels(selling=True, limit=2)] == [99, 98]


def test_a_book_that_may_not_be_quoted_from_is_left_out_with_its_reason() -> None:
    good = source("good", [(98, 1)], [(102, 1)])
    (pair,) = consolidate(
        [
            source("stale", [(100, 1)], [(101, 1)], age=5.1),
            source("crossed", [(103, 1)], [(101, 1)]),
            source("empty", [(100, 1)], []),
            replace(good, venue="down", book=None, age_seconds=None, unusable=Unusable.DOWN),
            good,
        ]
    )
    assert [one.venue for one in pair.used] == ["good"]
    assert {one.venue: one.unusable for one in pair.left_out} == {
        name: name for name in ("stale", "crossed", "empty", "down")
    }
    assert pair.mid == 100
    assert len(pair.sources) == 5
    assert Sides(Fraction(0)).toward(pair.left_out, [SELLING]) == {}


def test_with_nothing_usable_there_is_no_price() -> None:
    (pair,) = consolidate([source("empty", [], [])])
    assert (pair.bid, pair.ask, pair.mid, pair.as_of) == (None, None, None, None)


def test_a_side_is_made_ready_once_for_each_book() -> None:
    sides, one = Sides(Fraction(0)), source("a", [(98, 1)], [(102, 1)])
    first = sides.toward([one], [SELLING])
    assert sides.toward([replace(one, age_seconds=3.0)], [SELLING])["BTC", "USDT"][0] is first["BTC", "USDT"][0]
    newer = sides.toward([source("a", [(97, 1)], [(102, 1)])], [SELLING])["BTC", "USDT"][0]
    assert newer.prices == (97 * 10**18,)
    coarser = replace(one, market=replace(MARKET, lot=Decimal("0.7")))
    assert sides.toward([coarser], [SELLING])["BTC", "USDT"][0].lot == 7 * 10**17


@pytest.mark.parametrize(
    ("bid", "ask", "age", "reason"),
    [
        (Decimal(1), Decimal(2), 4.9, None),
        (Decimal(1), Decimal(2), 5.1, Unusable.STALE),
        (Decimal(2), Decimal(2), 0.0, Unusable.CROSSED),
        (Decimal(3), Decimal(2), 0.0, Unusable.CROSSED),
        (None, Decimal(2), 0.0, Unusable.EMPTY),
        (Decimal(1), None, 0.0, Unusable.EMPTY),
    ],
)
def test_stale_crossed_and_empty_books_are_not_quoted_from(
    bid: Decimal | None, ask: Decimal | None, age: float, reason: Unusable | None
) -> None:
    assert rules.check(bid, ask, age, 5.0) is reason
