"""A book changed level by level is the book that a plain table of its levels would be."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.venues import ladder as ladders
from tidegate.venues.body import Malformed
from tidegate.venues.ladder import LEVELS, Ladder, Rungs
from tidegate.venues.port import Level

PRICES = st.integers(1, 60).map(lambda cents: Decimal(cents) / 4)
CHANGES = st.lists(st.tuples(PRICES, st.integers(0, 3).map(Decimal)), max_size=80)


@given(CHANGES, st.booleans(), st.integers(1, 12))
def test_a_side_is_what_a_table_of_its_levels_says_best_first(
    changes: list[tuple[Decimal, Decimal]], highest: bool, depth: int
) -> None:
    side, table = Rungs(best_is_highest=highest), dict[Decimal, Decimal]()
    for price, quantity in changes:
        side.change([(price, quantity)])
        table[price] = quantity
        table = {at: there for at, there in table.items() if there}
        wanted = tuple(Level(at, table[at]) for at in sorted(table, reverse=highest))
        assert side.top == wanted
        assert (side.best(), len(side)) == (wanted[0].price if wanted else None, len(wanted))
        assert side.first(3) == list(wanted[:3])
    side.cut(depth)
    assert side.top == wanted[:depth] if changes else side.top == ()


def test_what_is_read_is_made_once_for_each_change() -> None:
    book = Ladder()
    book.replace([Level(Decimal(9), Decimal(1))], [Level(Decimal(10), Decimal(1))])
    first, again = (book.book("X", sequence=1, received=0.0) for _ in range(2))
    assert first.bids is again.bids and first.asks is again.asks
    book.change([(Decimal(8), Decimal(2))], [])
    later = book.book("X", sequence=2, received=1.0)
    assert [one.price for one in later.bids] == [9, 8]
    assert len(first.bids) == 1  # what was read stays as it was
    assert not book.crossed
    book.change([(Decimal(10), Decimal(1))], [])
    assert book.crossed


def test_a_reader_gets_the_best_and_the_rest_is_kept() -> None:
    side = Rungs(best_is_highest=True)
    side.replace(Level(Decimal(price), Decimal(1)) for price in range(1, LEVELS + 11))
    assert len(side.top) == LEVELS and side.top[0].price == LEVELS + 10
    side.change([(Decimal(price), Decimal(0)) for price in range(LEVELS + 1, LEVELS + 11)])
    assert len(side.top) == LEVELS and side.top[-1].price == 1


def test_a_side_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladders, "MOST_LEVELS", 100)
    side = Rungs(best_is_highest=False)
    side.change([(Decimal(price), Decimal(1)) for price in range(1, 101)])
    with pytest.raises(Malformed):
        side.change([(Decimal(101), Decimal(1))])
    with pytest.raises(Malformed):
        side.replace(Level(Decimal(price), Decimal(1)) for price in range(1, 102))
