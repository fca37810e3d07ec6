"""A side made ready for routing is never better than the venue's own words, whatever their decimals."""

import os
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.markets.depth import PLACES, Depth, decimal, depth, scaled
from tidegate.venues.port import Level, Market

often = settings(max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "30")), deadline=None)

PRICES = st.decimals(min_value=Decimal("0.0000001"), max_value=Decimal(10**6), places=7)
QUANTITIES = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10), places=8)
LEVELS = st.lists(st.builds(Level, price=PRICES, quantity=QUANTITIES), max_size=8)
LOTS = st.sampled_from([Decimal("0.00000001"), Decimal("0.001"), Decimal("0.25"), Decimal(1)])
FEES = st.decimals(min_value=Decimal(0), max_value=Decimal("0.05"), places=4)


def market(**rules: Decimal) -> Market:
    return Market(
        symbol="BASEQUOTE",
        base="BASE",
        quote="QUOTE",
        tick=rules.get("tick", Decimal("0.01")),
        lot=rules.get("lot", Decimal("0.001")),
        min_quantity=rules.get("least", Decimal(0)),
        max_quantity=rules.get("most", Decimal(9000)),
        min_notional=rules.get("notional", Decimal(0)),
        trading=True,
    )


def made(levels: list[Level], *, selling: bool, fee: Decimal = Decimal(0), **rules: Decimal) -> Depth:
    ordered = sorted(levels, key=lambda one: one.price, reverse=selling)
    return depth("venue", market(**rules), ordered, selling=selling, taker_fee=fee)


def walked(levels: list[Level], quantity: Fraction, *, selling: bool) -> Fraction:
    left, found = quantity, Fraction(0)
    for level in sorted(levels, key=lambda one: one.price, reverse=selling):
        here = min(left, Fraction(level.quantity))
        found, left = found + here * Fraction(level.price), left - here
    assert left == 0
    return found


@often
@given(LEVELS, LOTS, FEES, st.booleans(), st.integers(1, 1000))
def test_no_number_of_lots_looks_better_than_the_book(
    levels: list[Level], lot: Decimal, fee: Decimal, selling: bool, part: int
) -> None:
    side = made(levels, selling=selling, fee=fee, lot=lot)
    all_of_it = sum((Fraction(one.quantity) for one in levels), Fraction(0))
    held = Fraction(side.held[-1], 10**PLACES) if side.held else Fraction(0)
    assert 0 <= all_of_it - held < Fraction(lot)  # not a whole lot is lost
    quantity = held * part // 1000 // Fraction(lot) * Fraction(lot)
    if quantity <= 0:
        return
    exact = walked(levels, quantity, selling=selling)
    taken = int(quantity * 10**PLACES)
    gross, after = (Fraction(found, 10 ** (2 * PLACES)) for found in (side.gross_of(taken), side.after_of(taken)))
    share = Fraction(fee)
    if selling:
        assert gross <= exact
        assert after <= exact * (1 - share)
    else:
        assert gross >= exact
        assert after >= exact * (1 + share)
    # An order at the limit price reaches as far as that.
    limit = Fraction(decimal(side.limit(taken)))
    reached = sum(Fraction(one.quantity) for one in levels if (one.price >= limit if selling else one.price <= limit))
    assert reached >= quantity
    assert limit % Fraction("0.01") == 0


@often
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 5)), min_size=1, max_size=6), st.booleans())
def test_a_book_of_whole_lots_is_told_as_it_is(levels: list[tuple[int, int]], selling: bool) -> None:
    quoted = [Level(Decimal(price), Decimal(lots)) for price, lots in levels]
    side = made(quoted, selling=selling, lot=Decimal(1))
    for quantity in range(1, sum(lots for _, lots in levels) + 1):
        exact = walked(quoted, Fraction(quantity), selling=selling)
        assert (
            side.gross_of(quantity * 10**PLACES) == side.after_of(quantity * 10**PLACES) == exact * 10 ** (2 * PLACES)
        )


@often
@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 5)), min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 12),
    st.integers(0, 200),
)
def test_the_least_order_is_the_smallest_that_both_minimums_allow(
    levels: list[tuple[int, int]], selling: bool, least: int, notional: int
) -> None:
    quoted = [Level(Decimal(price), Decimal(lots)) for price, lots in levels]
    side = made(quoted, selling=selling, lot=Decimal(1), least=Decimal(least), notional=Decimal(notional))
    holds = sum(lots for _, lots in levels)
    legal = [
        quantity
        for quantity in range(max(least, 1), holds + 1)
        if walked(quoted, Fraction(quantity), selling=selling) >= notional
    ]
    assert bool(side.held) is bool(legal)
    if legal:
        assert side.least == legal[0] * 10**PLACES


def test_the_greatest_order_bounds_what_is_held() -> None:
    side = made([Level(Decimal(10), Decimal(50))], selling=True, lot=Decimal("0.3"), most=Decimal(7))
    assert decimal(side.held[-1]) == Decimal("6.9")


def test_a_sales_least_value_leaves_room_for_the_slip_of_its_limit() -> None:
    levels, rules = [Level(Decimal(10), Decimal(50))], market(lot=Decimal(1), notional=Decimal(100))
    for selling, least in ((True, 13), (False, 10)):
        side = depth("v", rules, levels, selling=selling, taker_fee=Decimal(0), slippage=Fraction(1, 5))
        assert decimal(side.least) == least


def test_a_fee_of_the_whole_price_leaves_nothing_to_sell_to() -> None:
    assert not made([Level(Decimal(10), Decimal(5))], selling=True, fee=Decimal(1)).held
    assert made([Level(Decimal(10), Decimal(5))], selling=False, fee=Decimal(1)).held


@pytest.mark.parametrize(("text", "down", "up"), [("1.5", 15 * 10**17, 15 * 10**17), ("1E-19", 0, 1), ("0", 0, 0)])
def test_what_is_finer_than_our_scale_is_rounded_the_way_that_was_named(text: str, down: int, up: int) -> None:
    assert (scaled(Decimal(text), up=False), scaled(Decimal(text), up=True)) == (down, up)


@given(st.integers(0, 10**45), st.sampled_from([PLACES, 2 * PLACES]))
def test_a_scaled_integer_is_told_as_the_decimal_it_is(units: int, places: int) -> None:
    assert Fraction(decimal(units, places)) == Fraction(units, 10**places)
