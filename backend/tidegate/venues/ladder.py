"""A venue's book that is changed in place, level by level, as its stream tells it. Pure.

A level that is told costs a look-up, and a place in a sorted list where its price is new. What a reader gets is made
when it is read, and once for each change.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal

from tidegate.venues.body import Malformed
from tidegate.venues.port import Book, Level

LEVELS = 200
"""How many levels of a side a reader gets, twice as many as are asked for. What is deeper is kept: it may come up."""
MOST_LEVELS = 100_000
"""More than that on one side is no book of anybody's: memory stays bounded whatever is sent."""

_TOO_MANY = "more levels than a book has"

Change = tuple[Decimal, Decimal]
"""A price and the quantity that now stands at it; zero takes the level away."""


class Rungs:
    """One side."""

    __slots__ = ("_highest", "_levels", "_prices", "_top")

    def __init__(self, *, best_is_highest: bool) -> None:
        self._highest = best_is_highest
        self._prices: list[Decimal] = []  # rising
        self._levels: dict[Decimal, Level] = {}
        self._top: tuple[Level, ...] | None = None

    def __len__(self) -> int:
        return len(self._prices)

    def replace(self, levels: Iterable[Level]) -> None:
        """These levels and no others. Raises Malformed for too many."""
        self._levels = {one.price: one for one in levels}
        if len(self._levels) > MOST_LEVELS:
            raise Malformed(_TOO_MANY)
        self._prices = sorted(self._levels)
        self._top = None

    def change(self, changes: Iterable[Change]) -> None:
        """Raises Malformed for too many levels."""
        for price, quantity in changes:
            if quantity:
                if price not in self._levels:
                    if len(self._prices) >= MOST_LEVELS:
                        raise Malformed(_TOO_MANY)
                    insort(self._prices, price)
                self._levels[price] = Level(price, quantity)
            elif self._levels.pop(price, None) is not None:
                del self._prices[bisect_left(self._prices, price)]
        self._top = None

    def cut(self, depth: int) -> None:
        """Drop the worst beyond `depth`."""
        over = len(self._prices) - depth
        if over > 0:
            where = slice(None, over) if self._highest else slice(depth, None)
            for price in self._prices[where]:
                del self._levels[price]
            del self._prices[where]
            self._top = None

    def best(self) -> Decimal | None:
        return None if not self._prices else self._prices[-1] if self._highest else self._prices[0]

    def first(self, count: int) -> list[Level]:
        """The best, best first."""
        prices = self._prices[: -count - 1 : -1] if self._highest else self._prices[:count]
        return [self._levels[price] for price in prices]

    @property
    def top(self) -> tuple[Level, ...]:
        """What a reader gets: the same object until the side changes."""
        if self._top is None:
            self._top = tuple(self.first(LEVELS))
        return self._top


class Ladder:
    """Both sides."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids, self.asks = Rungs(best_is_highest=True), Rungs(best_is_highest=False)

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        self.bids.replace(bids)
        self.asks.replace(asks)

    def change(self, bids: Iterable[Change], asks: Iterable[Change]) -> None:
        self.bids.change(bids)
        self.asks.change(asks)

    def cut(self, depth: int) -> None:
        self.bids.cut(depth)
        self.asks.cut(depth)

    @property
    def crossed(self) -> bool:
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid >= ask

    def book(self, symbol: str, *, sequence: int, received: float) -> Book:
        """As it stands now. A side that has not changed since it was last read is the same object."""
        return Book(symbol=symbol, bids=self.bids.top, asks=self.asks.top, sequence=sequence, received=received)
