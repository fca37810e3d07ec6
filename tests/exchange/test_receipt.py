"""The best-execution receipt tells the books, the alternatives and the route as they were, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from tidegate.exchange import receipt, route
from tidegate.exchange.rules import QuoteSide
from tidegate.exchange.schemas import BestExecutionOut
from tidegate.markets.consolidated import Sides, Source
from tidegate.markets.rules import Unusable
from tidegate.money import BTC, USDT
from tidegate.venues.port import Book, Level, Market

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def source(venue: str, asks: list[tuple[str, str]], *, fee: str = "0.001", least: str = "0") -> Source:
    market = Market(
        symbol=f"BTC/USDT@{venue}",
        base="BTC",
        quote="USDT",
        tick=Decimal("0.01"),
        lot=Decimal("0.001"),
        min_quantity=Decimal(least),
        max_quantity=Decimal(100),
        min_notional=Decimal(5),
        trading=True,
    )
    levels = tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in asks)
    book = Book(market.symbol, (Level(Decimal("63990.50"), Decimal("1.0")),), levels, 7, 1000.0)
    return Source(venue, market, Decimal(fee), book, 0.25, None)


CHEAP = source("cheap", [("64000", "0.01"), ("64100", "5")])
DEEP = source("deep", [("64010.00", "3")], fee="0.002")
LARGE = source("large", [("63000", "3")], least="1")
DOWN = replace(DEEP, venue="silent", book=None, age_seconds=None, unusable=Unusable.DOWN)
STALE = replace(DEEP, venue="stale", age_seconds=9.0, unusable=Unusable.STALE)


def made(size: int = 10**7) -> BestExecutionOut:
    sources = [DEEP, DOWN, CHEAP, STALE, LARGE]
    found = route.find(
        Sides(Fraction(0)).toward(sources, [("USDT", "BTC")]),
        give=USDT,
        get=BTC,
        size=size,
        side=QuoteSide.EXACT_OUT,
        bridges=(),
    )
    return receipt.best_execution(found, sources, mid="64000", decided_at=NOW, digests=receipt.Digests())


def test_every_book_that_was_looked_at_is_told_and_why_some_were_left_out() -> None:
    told = {book.venue: book for book in made().books}
    assert list(told) == ["cheap", "deep", "large", "silent", "stale"]
    assert [book.left_out for book in told.values()] == [None, None, None, "down", "stale"]
    assert told["cheap"].ask is not None
    assert told["cheap"].bid is not None
    assert (told["cheap"].ask.price, told["cheap"].ask.quantity, told["cheap"].bid.price) == (
        "64000",
        "0.01",
        "63990.5",
    )
    assert (told["deep"].age_seconds, told["deep"].sequence) == ("0.250", 7)
    assert (told["silent"].digest, told["silent"].as_of) == (None, None)


def test_orders_and_alternatives_are_those_of_the_route() -> None:
    """0.01 BTC at 64,000; the rest at 64,010 with a fee of 0.2 %, which is less than 64,100 with 0.1 %."""
    (leg,) = made().route
    assert [(one.venue, one.side, one.quantity, one.limit_price) for one in leg.orders] == [
        ("cheap", "buy", "0.01", "64000"),
        ("deep", "buy", "0.09", "64010"),
    ]
    best = {one.venue: one for one in leg.alternatives}
    assert list(best) == ["cheap", "deep", "large"]
    assert best["large"].hindered == "below_minimum"
    assert best["cheap"].amount is not None
    assert Decimal(best["cheap"].amount.amount) == (Decimal(640) + Decimal("0.09") * 64100) * Decimal("1.001")
    assert Decimal(leg.given.amount) == sum(Decimal(one.value) + Decimal(one.fee) for one in leg.orders)
    assert leg.given.amount <= min(one.amount.amount for one in leg.alternatives if one.amount)
    assert leg.got.amount == "0.10000000"
    assert leg.carried == "0.00000000"


def test_what_is_below_a_lot_is_told_as_carried() -> None:
    (leg,) = made(10**7 + 12_345).route
    assert leg.carried == "0.00012345"


def test_the_receipt_is_a_file_that_can_be_read_again() -> None:
    told = made()
    assert BestExecutionOut.model_validate_json(told.model_dump_json()) == told
    assert told.realised is None


def test_any_change_of_a_book_changes_its_digest() -> None:
    assert CHEAP.book is not None
    book = CHEAP.book
    level = book.asks[0]
    others = [
        replace(book, sequence=8),
        replace(book, received=1000.5),
        replace(book, asks=(replace(level, quantity=Decimal("0.011")), *book.asks[1:])),
        replace(book, asks=(replace(level, price=Decimal("64000.01")), *book.asks[1:])),
        replace(book, asks=book.bids, bids=book.asks),
        replace(book, asks=book.asks[:1]),
    ]
    digests = {receipt.digest("cheap", one) for one in (book, *others)} | {receipt.digest("other", book)}
    assert len(digests) == len(others) + 2
    # Zeros behind the point are the venue's spelling, not another book.
    same = replace(book, asks=(Level(Decimal("64000.00"), Decimal("0.0100")), *book.asks[1:]))
    assert receipt.digest("cheap", same) == receipt.digest("cheap", book)
