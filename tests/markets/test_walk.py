"""Walking a book: exact, the same from both ends, and never better than the book."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tidegate.markets import rules
from tidegate.markets.rules import Quoted, TooThin, Unusable, walk_in, walk_out
from tidegate.money import BTC, ETH, USDT, Asset

PRICES = st.decimals(min_value=Decimal("0.00001"), max_value=Decimal(10**6), places=5)
QUANTITIES = st.decimals(min_value=Decimal("0.00001"), max_value=Decimal(10**4), places=5)
LEVELS = st.lists(st.builds(Quoted, price=PRICES, quantity=QUANTITIES), min_size=1, max_size=20)


def naive_sell(levels: list[Quoted], base: Asset, quote: Asset, units: int) -> Fraction:
    """Quote units for `units` of base, level by level in fractions."""
    left, got = Fraction(units), Fraction(0)
    for level in levels:
        here = min(left, Fraction(level.quantity) * 10**base.decimals)
        got += here * Fraction(level.price) * 10**quote.decimals / 10**base.decimals
        left -= here
    assert left == 0
    return got


@given(levels=LEVELS, units=st.integers(min_value=1, max_value=10**24))
@pytest.mark.parametrize(("base", "quote"), [(BTC, USDT), (ETH, BTC), (ETH, USDT)])
def test_selling_gets_exactly_what_the_levels_pay(base: Asset, quote: Asset, levels: list[Quoted], units: int) -> None:
    side = rules.ladder(levels, base=base, quote=quote, selling_base=True)
    if units > sum(Fraction(level.quantity) for level in levels) * 10**base.decimals:
        with pytest.raises(TooThin):
            walk_in(side, units)
        return
    walked = walk_in(side, units)
    assert walked.given == units
    assert walked.got == naive_sell(levels, base, quote, units)
    assert walked.rate == walked.got / units * Fraction(10) ** (base.decimals - quote.decimals)


@given(levels=LEVELS, part=st.integers(min_value=1, max_value=999), selling=st.booleans())
def test_what_a_walk_gets_costs_the_same_from_the_other_end(levels: list[Quoted], part: int, selling: bool) -> None:
    levels = sorted(levels, key=lambda level: level.price, reverse=selling)
    side = rules.ladder(levels, base=BTC, quote=USDT, selling_base=selling)
    all_of_it = sum(Fraction(step.give) for step in side.steps) / side.give_scale
    units = int(all_of_it * part / 1000)
    assume(units > 0)
    there = walk_in(side, units)
    wanted = there.got.numerator // there.got.denominator
    assume(wanted > 0)
    back = walk_out(side, wanted)
    assert back.got == wanted
    assert back.given <= units
    # Best levels first: a larger size is never cheaper on average, and never worse than its worst level.
    assert back.rate >= there.rate >= there.worst


def test_each_side_of_a_book_gives_and_gets_what_its_name_says() -> None:
    levels = [Quoted(Decimal(64000), Decimal(1)), Quoted(Decimal(63990), Decimal(2))]
    sold = walk_in(rules.ladder(levels, base=BTC, quote=USDT, selling_base=True), 2 * 10**8)
    assert (sold.got, sold.worst) == (Fraction(127_990 * 10**6), Fraction(63990))
    assert sold.levels == 2
    bought = walk_out(rules.ladder(levels[:1], base=BTC, quote=USDT, selling_base=False), 10**7)
    assert (bought.given, bought.rate) == (Fraction(6400 * 10**6), Fraction(1, 64000))


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
