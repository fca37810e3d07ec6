"""Routing over five books of a thousand levels: its time beside a merge in Decimals, and what it saves.

    python -m bench.route

Both are given the same books, and both answer the same split: that is compared before anything is timed. Ours are the
books as the product keeps them (`markets.depth.depth`, made once for each book that arrives, timed apart); the merge has
them as the venues' Decimals. Prices are drawn, never fetched.
"""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from heapq import heapify, heappop, heapreplace

from rich.console import Console

from bench.results import Measure, judged, measured, ratio
from bench.windows import Case, Spread, interleave
from tidegate.exchange import route
from tidegate.exchange.rules import QuoteSide
from tidegate.markets.depth import Depth, depth
from tidegate.markets.rules import TooThin
from tidegate.money import BTC, USDT
from tidegate.venues.port import Level, Market

SECTION = "route"
FEES = ("0.001", "0.0012", "0.0008", "0.0011", "0.0009")
LOT = Decimal("0.00001")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    levels: int = 1000
    repetitions: int = 5
    calls: int = 400
    quotes: int = 1000


QUICK = Sizes(levels=100, repetitions=2, calls=20, quotes=40)


@dataclass(frozen=True, slots=True)
class Shop:
    """One venue: its book as it came, and the same side as the product keeps it."""

    fee: Decimal
    levels: tuple[Level, ...]
    side: Depth


MARKET = Market("BTCUSDT", "BTC", "USDT", Decimal("0.01"), LOT, LOT, Decimal(9000), Decimal(5), trading=True)


def shops(seed: int, *, levels: int, selling: bool, thin: bool = False) -> list[Shop]:
    """Five venues, BTC-USDT, ticks of a cent. Their best prices after fees lie within some dollars of each other, as those
    who trade between venues keep them. `thin`: little at the top and more below, as books are; else the same all the way.
    """
    chance = random.Random(seed)
    found = []
    for rank, fee in enumerate(FEES):
        even = Decimal(6_400_000) * (1 + Decimal(fee) if selling else 1 - Decimal(fee))
        cents, rows = int(even) + chance.randint(-300, 300), []
        for index in range(levels):
            cents += chance.randint(1, 30) * (-1 if selling else 1)
            most = 2_000 + 200 * index if thin else 100_000
            rows.append(Level(Decimal(cents) / 100, Decimal(chance.randint(1, most)).scaleb(-5)))
        side = depth(f"venue {rank}", MARKET, rows, selling=selling, taker_fee=Decimal(fee))
        found.append(Shop(Decimal(fee), tuple(rows), side))
    return found


def merged(found: list[Shop], size: Decimal) -> tuple[list[Decimal], Decimal]:
    """The yardstick: a heap of Decimals, best price after fees first. What is bought at each, and what it costs."""
    heap = [(shop.levels[0].price * (1 + shop.fee), rank, 0) for rank, shop in enumerate(found)]
    heapify(heap)
    bought, cost, left = [Decimal(0)] * len(found), Decimal(0), size
    while heap:
        price, rank, index = heap[0]
        shop = found[rank]
        quantity = shop.levels[index].quantity
        if quantity > left:
            bought[rank] += left // LOT * LOT
            return bought, cost + left * price
        bought[rank] += quantity
        cost += price * quantity
        left -= quantity
        if index + 1 < len(shop.levels):
            heapreplace(heap, (shop.levels[index + 1].price * (1 + shop.fee), rank, index + 1))
        else:
            heappop(heap)
    raise TooThin


def _retail(found: list[Shop]) -> int:
    """A hundredth of all that the five hold, in satoshi."""
    return sum(shop.side.held[-1] for shop in found) // 100 // 10**10


def _agree(found: list[Shop], size: int) -> None:
    leg = _routed(found, size)
    bought, cost = merged(found, Decimal(size).scaleb(-8))
    assert {part.venue: part.quantity for part in leg.parts} == {
        shop.side.venue: quantity for shop, quantity in zip(found, bought, strict=True) if quantity
    }
    assert leg.given == Fraction(cost)


def _routed(found: list[Shop], size: int) -> route.Leg:
    return route.leg([shop.side for shop in found], give=USDT, get=BTC, size=size, side=QuoteSide.EXACT_OUT)


def _timed(work: Callable[[], object], calls: int) -> float:
    """The median time of one call, in microseconds."""
    taken = []
    for _ in range(calls):
        begun = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - begun)
    return statistics.median(taken) / 1000


async def routes(sizes: Sizes, console: Console) -> list[Measure]:
    """Time beside the yardstick, the cost of a new book, and a thousand seeded quotes against the best single venue."""
    found = shops(1, levels=sizes.levels, selling=False)
    size = _retail(found)
    _agree(found, size)

    async def ours() -> float:
        return _timed(lambda: _routed(found, size), sizes.calls)

    async def decimals() -> float:
        return _timed(lambda: merged(found, Decimal(size).scaleb(-8)), sizes.calls)

    async def arriving() -> float:
        return _timed(
            lambda: depth("venue", MARKET, found[0].levels, selling=False, taker_fee=found[0].fee),
            max(sizes.calls // 40, 3),
        )

    cases = [Case("ours", ours), Case("decimal", decimals), Case("book", arriving)]
    spreads = await interleave(cases, repetitions=sizes.repetitions)
    console.print({case: spread.text(1) for case, spread in spreads.items()})
    return [*_times(spreads, sizes), *_savings(sizes)]


def _times(spreads: dict[str, Spread], sizes: Sizes) -> list[Measure]:
    what = f"route over 5 books of {sizes.levels:,} levels, 1 % of them taken"
    ours, book = spreads["ours"], spreads["book"]
    return [
        ratio(
            "route_vs_decimal", spreads["decimal"], ours, "at least 2", SECTION, what=f"{what}: a Decimal merge / ours"
        ),
        judged(
            "route_median",
            ours.median,
            "us",
            "at most 50",
            SECTION,
            what=what,
            span=(round(ours.least, 1), round(ours.most, 1)),
        ),
        measured(
            "route_book", book.median, "us", SECTION, what=f"a book of {sizes.levels:,} levels made ready", digits=0
        ),
    ]


def _savings(sizes: Sizes) -> list[Measure]:
    """Random sizes both ways and both sides, on books drawn anew for every ten of them."""
    chance = random.Random(7)
    worse, savings = 0, list[Fraction]()
    for number in range(sizes.quotes):
        if number % 10 == 0:
            selling = chance.random() < 0.5
            sides = [shop.side for shop in shops(number, levels=500, selling=selling, thin=True)]
        side = chance.choice(list(QuoteSide))
        give, get = (BTC, USDT) if selling else (USDT, BTC)
        dollars = int(10 ** chance.uniform(1.5, 6))
        valued = (give if side is QuoteSide.EXACT_IN else get) is USDT
        size = dollars * 10**6 if valued else dollars * 10**8 // 64_000
        leg = route.leg(sides, give=give, get=get, size=size, side=side)
        alone = [one.amount for one in leg.considered if one.amount is not None]
        if not alone:
            continue
        if side is QuoteSide.EXACT_IN:
            worse += leg.got < max(alone)
            savings.append(leg.got / max(alone) - 1)
        else:
            worse += leg.given > min(alone)
            savings.append(1 - leg.given / min(alone))
    mean = sum(savings, Fraction(0)) / len(savings) * 10_000
    what = f"{len(savings):,} seeded quotes of 30 to a million dollars"
    good = Fraction(100 * (len(savings) - worse), len(savings))
    return [
        judged(
            "route_never_worse",
            good.numerator / good.denominator,
            "%",
            "at least 100",
            SECTION,
            what=f"{what}: no worse than the best single venue",
        ),
        measured(
            "route_saving", mean.numerator / mean.denominator, "bp", SECTION, what=f"{what}: mean saving", digits=3
        ),
    ]


if __name__ == "__main__":
    import asyncio

    from bench.results import table

    screen = Console()
    screen.print(table(asyncio.run(routes(Sizes(), screen))))
