"""Small venues for routing, and what every legal split of a size over them would do, told by trying all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from tidegate.exchange.rules import QuoteSide
from tidegate.markets.depth import Depth, depth
from tidegate.money import Asset
from tidegate.venues.port import Level, Market

BASE, QUOTE = Asset("BASE", 0, "base"), Asset("QUOTE", 0, "quote")
"""Of no decimals: a unit is a whole one, and a size of a few units can be tried in every way."""


@dataclass(frozen=True)
class Stall:
    """A venue as its book and its rules say it; `levels` of (price, lots)."""

    name: str
    selling: bool
    lot: int
    least: int
    most: int
    notional: int
    fee: Decimal
    levels: tuple[tuple[int, int], ...]

    @property
    def market(self) -> Market:
        return Market(
            symbol="BASEQUOTE",
            base="BASE",
            quote="QUOTE",
            tick=Decimal(1),
            lot=Decimal(self.lot),
            min_quantity=Decimal(self.least),
            max_quantity=Decimal(self.most),
            min_notional=Decimal(self.notional),
            trading=True,
        )

    @property
    def quoted(self) -> list[Level]:
        return [Level(Decimal(price), Decimal(lots * self.lot)) for price, lots in self.levels]

    @property
    def depth(self) -> Depth:
        return depth(self.name, self.market, self.quoted, selling=self.selling, taker_fee=self.fee)

    @property
    def holds(self) -> int:
        """All that can be ordered there at once."""
        return min(sum(lots for _, lots in self.levels) * self.lot, self.most // self.lot * self.lot)

    def gross(self, quantity: Fraction) -> Fraction:
        """Quote for `quantity`, level by level."""
        left, found = quantity, Fraction(0)
        for price, lots in self.levels:
            here = min(left, Fraction(lots * self.lot))
            found, left = found + here * price, left - here
        assert left == 0
        return found

    def after(self, quantity: Fraction) -> Fraction:
        fee = Fraction(self.fee)
        return self.gross(quantity) * (1 - fee if self.selling else 1 + fee)

    def worst(self, quantity: int) -> int:
        """The price of the level at which `quantity` is reached."""
        left = quantity
        for price, lots in self.levels:
            left -= lots * self.lot
            if left <= 0:
                return price
        raise AssertionError(quantity)

    def takes(self, quantity: int) -> bool:
        """Whether an order of `quantity` is legal there."""
        return (
            quantity % self.lot == 0
            and self.least <= quantity <= self.holds
            and self.gross(Fraction(quantity)) >= self.notional
        )


def stalls(selling: bool, *, equal_lots: bool = False, minimums: bool = True) -> st.SearchStrategy[list[Stall]]:
    """Two or three venues on one side of one pair."""
    lots = st.just(1) if equal_lots else st.sampled_from([1, 2, 3, 5])

    def named(drawn: list[tuple[int, int, int, int, Decimal, list[tuple[int, int]]]]) -> list[Stall]:
        return [
            Stall(
                name=f"venue {rank}",
                selling=selling,
                lot=lot,
                least=least if minimums else 0,
                most=most,
                notional=notional if minimums else 0,
                fee=fee,
                levels=tuple(sorted(levels, key=lambda level: -level[0] if selling else level[0])),
            )
            for rank, (lot, least, most, notional, fee, levels) in enumerate(drawn)
        ]

    one = st.tuples(
        lots,
        st.integers(0, 8),
        st.sampled_from([6, 1000]),
        st.integers(0, 60),
        st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("0.125"), Decimal("0.25")]),
        st.lists(st.tuples(st.integers(1, 20), st.integers(1, 4)), min_size=1, max_size=4),
    )
    return st.lists(one, min_size=2, max_size=3).map(named)


@dataclass(frozen=True)
class Tried:
    """One legal split: base in all, and quote after fees."""

    amounts: tuple[int, ...]
    base: int
    after: Fraction

    def measure(self, *, by_value: bool) -> Fraction:
        return self.after if by_value else Fraction(self.base)

    def outcome(self, *, by_value: bool) -> Fraction:
        return Fraction(self.base) if by_value else self.after


def every_split(venues: Sequence[Stall]) -> Iterator[Tried]:
    """All splits that the venues' rules allow, nothing at all included."""
    choices = [[0] + [q for q in range(one.lot, one.holds + 1, one.lot) if one.takes(q)] for one in venues]
    for amounts in product(*choices):
        after = sum((one.after(Fraction(q)) for one, q in zip(venues, amounts, strict=True)), Fraction(0))
        yield Tried(amounts, sum(amounts), after)


def by_value(side: QuoteSide, selling: bool) -> bool:
    """Whether such a size is one of quote."""
    return (side is QuoteSide.EXACT_OUT) is selling
