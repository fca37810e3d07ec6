"""The best-execution receipt: every book that was looked at, every alternative, and the route that was taken. Pure.

It is made from the very objects the price was made from, so it cannot tell another story than they do.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from tidegate.exchange import rules, shapes
from tidegate.exchange.route import Leg, Route
from tidegate.exchange.schemas import (
    AlternativeOut,
    BestExecutionOut,
    BookSeenOut,
    PlannedOut,
    RoutedOut,
    TopOut,
)
from tidegate.exchange.split import Alone
from tidegate.markets.consolidated import Source
from tidegate.money import Asset, Rate
from tidegate.venues.port import Book, Level
from tidegate.wire import AmountOut


class Digests:
    """Digests of the books as they are now: each book is read through once, however many prices are made from it."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Book, str]] = {}

    def of(self, venue: str, book: Book) -> str:
        known = self._made.get((venue, book.symbol))
        if known is None or known[0] is not book:
            known = self._made[venue, book.symbol] = book, digest(venue, book)
        return known[1]


def best_execution(
    route: Route, sources: Sequence[Source], *, mid: str | None, decided_at: datetime, digests: Digests
) -> BestExecutionOut:
    """The receipt at decision time; `realised` is filled when the orders are done."""
    first, last = route.legs[0], route.legs[-1]
    return BestExecutionOut(
        decided_at=decided_at,
        from_asset=first.give.code,
        to_asset=last.get.code,
        side=first.side.value,
        rate=Rate.of(route.rate).text,
        mid=mid,
        venue_cost=rules.share_text(route.venue_cost.numerator, route.venue_cost.denominator),
        books=[_seen(source, digests) for source in sorted(sources, key=lambda one: (one.venue, one.market.symbol))],
        route=[_routed(leg) for leg in route.legs],
    )


def digest(venue: str, book: Book) -> str:
    """SHA-256 of a whole book as text: who, what, when, then a line a level, bids before asks, best first."""
    told = hashlib.sha256()
    for line in _lines(venue, book):
        told.update(line.encode() + b"\n")
    return told.hexdigest()


def _lines(venue: str, book: Book) -> Iterator[str]:
    yield f"{venue} {book.symbol} {book.sequence} {book.received:.6f}"
    for word, levels in (("bid", book.bids), ("ask", book.asks)):
        for level in levels:
            yield f"{word} {shapes.plain(level.price)} {shapes.plain(level.quantity)}"


def _seen(source: Source, digests: Digests) -> BookSeenOut:
    book = source.book
    return BookSeenOut(
        venue=source.venue,
        market=f"{source.market.base}-{source.market.quote}",
        symbol=source.market.symbol,
        digest=digests.of(source.venue, book) if book else None,
        sequence=book.sequence if book else None,
        as_of=source.as_of,
        age_seconds=None if source.age_seconds is None else f"{source.age_seconds:.3f}",
        bid=_top(book.bids) if book else None,
        ask=_top(book.asks) if book else None,
        left_out=source.unusable.value if source.unusable else None,
    )


def _top(levels: tuple[Level, ...]) -> TopOut | None:
    return TopOut(price=shapes.plain(levels[0].price), quantity=shapes.plain(levels[0].quantity)) if levels else None


def _routed(leg: Leg) -> RoutedOut:
    base = leg.give if leg.selling else leg.get
    return RoutedOut(
        given=_amount(leg.give, leg.given, up=True),
        got=_amount(leg.get, leg.got, up=False),
        rate=Rate.of(leg.rate).text,
        orders=[
            PlannedOut(
                venue=part.venue,
                symbol=part.symbol,
                side="sell" if leg.selling else "buy",
                quantity=shapes.plain(part.quantity),
                limit_price=shapes.plain(part.limit_price),
                value=shapes.plain(part.value),
                fee=shapes.plain(part.fee),
            )
            for part in leg.parts
        ],
        carried=_amount(base, leg.carried, up=True).amount,
        alternatives=[_alternative(leg, one) for one in leg.considered],
    )


def _alternative(leg: Leg, one: Alone) -> AlternativeOut:
    exact_in = leg.side is rules.QuoteSide.EXACT_IN
    other = leg.get if exact_in else leg.give
    return AlternativeOut(
        venue=one.venue,
        symbol=one.symbol,
        amount=None if one.amount is None else _amount(other, one.amount, up=not exact_in),
        hindered=one.hindered.value if one.hindered else None,
    )


def _amount(asset: Asset, whole: Fraction, *, up: bool) -> AmountOut:
    units = whole * 10**asset.decimals
    return AmountOut.units(asset.code, rules.ceiling(units) if up else rules.floor(units))
