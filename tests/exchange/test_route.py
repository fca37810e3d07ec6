"""Routing against brute force: every legal split of small sizes is tried, and none is better than what was routed."""

import os
import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange.crowd import BASE, QUOTE, Stall, Tried, by_value, every_split, stalls
from tidegate.exchange import route
from tidegate.exchange.route import Leg, NoMarket
from tidegate.exchange.rules import QuoteSide
from tidegate.exchange.split import Hindered
from tidegate.markets.depth import Depth, depth
from tidegate.markets.rules import TooThin
from tidegate.money import BTC, ETH, USDC, USDT, Asset
from tidegate.venues.port import Level, Market

often = settings(max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "30")), deadline=None)
IN, OUT = QuoteSide.EXACT_IN, QuoteSide.EXACT_OUT
SIDES = st.sampled_from(QuoteSide)
SIZES = st.integers(1, 160)
CROWDS = st.booleans().flatmap(stalls)


def routed(venues: list[Stall], size: int, side: QuoteSide) -> Leg:
    give, get = (BASE, QUOTE) if venues[0].selling else (QUOTE, BASE)
    return route.leg([one.depth for one in venues], give=give, get=get, size=size, side=side)


def amounts(leg: Leg) -> dict[str, int]:
    return {part.venue: int(part.quantity) for part in leg.parts}


def leasts(venues: list[Stall], *, valued: bool) -> dict[str, Fraction]:
    """The smallest order of each venue that takes any, in the measure of the size."""
    found = {}
    for one in venues:
        legal = [q for q in range(one.lot, one.holds + 1, one.lot) if one.takes(q)]
        if legal:
            found[one.name] = one.after(Fraction(legal[0])) if valued else Fraction(legal[0])
    return found


@often
@given(CROWDS, SIZES, SIDES)
def test_no_legal_split_is_better_than_what_was_routed(venues: list[Stall], size: int, side: QuoteSide) -> None:
    """An exact debit gets no more by any split that hands over as much or less, at venues that hold as much; an exact
    delivery costs no less by any that gets as much or more, at venues whose least orders fit into it."""
    valued = by_value(side, venues[0].selling)
    every = [tried for tried in every_split(venues) if any(tried.amounts)]
    smallest = leasts(venues, valued=valued)

    def fits(tried: Tried) -> bool:
        return sum(smallest[one.name] for one, q in zip(venues, tried.amounts, strict=True) if q) <= size

    def holds(tried: Tried) -> bool:
        used = [one for one, q in zip(venues, tried.amounts, strict=True) if q]
        return sum(one.after(Fraction(one.holds)) if valued else one.holds for one in used) >= size

    try:
        leg = routed(venues, size, side)
    except TooThin:
        # Whoever could take all of it would have to be given more than was asked for.
        assert not [one for one in every if one.measure(by_value=valued) >= size and fits(one)]
        return
    outcome = leg.got if side is IN else leg.given
    for tried in every:
        if side is IN and tried.measure(by_value=valued) <= size and (holds(tried) or not leg.orderable):
            assert tried.outcome(by_value=valued) <= outcome, tried
        if side is OUT and tried.measure(by_value=valued) >= size and (fits(tried) or not leg.orderable):
            assert tried.outcome(by_value=valued) >= outcome, tried


@often
@given(CROWDS, SIZES, SIDES)
def test_every_part_is_an_order_its_venue_takes_and_less_than_one_lot_is_left(
    venues: list[Stall], size: int, side: QuoteSide
) -> None:
    valued = by_value(side, venues[0].selling)
    try:
        leg = routed(venues, size, side)
    except TooThin:
        return
    named = {one.name: one for one in venues}
    ordered = {named[name]: quantity for name, quantity in amounts(leg).items()}
    assert all(one.takes(quantity) for one, quantity in ordered.items())
    after = sum((one.after(Fraction(quantity)) for one, quantity in ordered.items()), Fraction(0))
    base = Fraction(sum(ordered.values()))
    # The books walked level by level say what the route says, and the rest is what is missing from the size.
    assert leg.base == base + leg.carried
    assert (leg.after if valued else leg.base) == size
    if leg.orderable:
        assert leg.after - after == leg.carried * Fraction(leg.rest.net, 10**18)
    for part in leg.parts:
        assert part.limit_price == named[part.venue].worst(int(part.quantity))
        assert part.value == named[part.venue].gross(Fraction(part.quantity))
        assert part.fee == named[part.venue].fee * part.value
    coarsest = max(one.lot for one in venues)
    assert leg.carried < coarsest or not leg.orderable
    if not leg.orderable:
        assert not leg.parts
        assert size < min(leasts(venues, valued=valued).values())


@often
@given(st.booleans().flatmap(lambda s: stalls(s, equal_lots=True, minimums=False)), st.integers(1, 30), SIDES)
def test_with_one_lot_for_all_and_no_minimums_the_split_is_the_best_to_the_unit(
    venues: list[Stall], size: int, side: QuoteSide
) -> None:
    if by_value(side, venues[0].selling):
        side = IN if side is OUT else OUT
    try:
        leg = routed(venues, size, side)
    except TooThin:
        assert sum(one.holds for one in venues) < size
        return
    assert leg.carried == 0
    whole = [tried.after for tried in every_split(venues) if tried.base == size]
    assert leg.after == (max(whole) if leg.selling else min(whole))


@often
@given(CROWDS, SIZES, SIDES)
def test_no_venue_alone_is_better_and_each_is_told_with_its_price_or_its_hindrance(
    venues: list[Stall], size: int, side: QuoteSide
) -> None:
    selling = venues[0].selling
    valued = by_value(side, selling)
    try:
        leg = routed(venues, size, side)
    except TooThin:
        return
    named, smallest = {one.name: one for one in venues}, leasts(venues, valued=valued)
    assert [alone.venue for alone in leg.considered] == sorted(smallest)
    for alone in leg.considered:
        one = named[alone.venue]
        assert (alone.amount is None) is (alone.hindered is not None)
        if alone.amount is None:
            held = one.after(Fraction(one.holds)) if valued else Fraction(one.holds)
            too_little = size < smallest[alone.venue]
            assert alone.hindered is (Hindered.BELOW_MINIMUM if too_little and size <= held else Hindered.TOO_THIN)
            continue
        if valued:
            assert one.after(alone.amount) == size
        else:
            assert alone.amount == one.after(Fraction(size))
        assert alone.amount <= leg.got if side is IN else alone.amount >= leg.given


@often
@given(CROWDS, SIZES, SIDES, st.randoms(use_true_random=False))
def test_the_order_in_which_venues_are_told_changes_nothing(
    venues: list[Stall], size: int, side: QuoteSide, chance: random.Random
) -> None:
    other = chance.sample(venues, len(venues))
    try:
        leg = routed(venues, size, side)
    except TooThin:
        with pytest.raises(TooThin):
            routed(other, size, side)
        return
    assert routed(other, size, side) == leg


def stall(name: str, levels: list[tuple[int, int]], *, selling: bool = False, **rules: int) -> Stall:
    return Stall(
        name=name,
        selling=selling,
        lot=rules.get("lot", 1),
        least=rules.get("least", 0),
        most=rules.get("most", 1000),
        notional=rules.get("notional", 0),
        fee=Decimal(rules.get("percent", 0)) / 100,
        levels=tuple(levels),
    )


def test_of_equal_prices_the_venue_that_comes_first_by_name_is_taken() -> None:
    venues = [stall("b", [(10, 5)]), stall("a", [(10, 3)])]
    assert amounts(routed(venues, 4, OUT)) == {"a": 3, "b": 1}


def test_the_fee_decides_as_the_price_does() -> None:
    venues = [stall("cheap", [(100, 5)], percent=2), stall("dear", [(101, 5)])]
    leg = routed(venues, 6, OUT)
    assert amounts(leg) == {"cheap": 1, "dear": 5}
    assert leg.given == 5 * 101 + 102


def test_a_least_order_is_filled_at_its_venue_or_its_venue_is_left_out() -> None:
    """Best prices first would order 3 where 5 is the least: either two more go there, or all goes elsewhere."""
    few = [stall("good", [(10, 3), (11, 9)], least=5), stall("other", [(12, 9)])]
    assert amounts(routed(few, 7, OUT)) == {"good": 7}
    worse = [stall("good", [(10, 3), (90, 9)], least=5), stall("other", [(12, 9)])]
    assert amounts(routed(worse, 7, OUT)) == {"other": 7}
    worth = [stall("good", [(10, 1), (11, 9)], notional=30), stall("other", [(11, 9)])]
    assert amounts(routed(worth, 3, OUT)) == {"good": 3}


def test_what_nobody_takes_is_priced_as_if_it_could_be_ordered_and_carried_whole() -> None:
    leg = routed([stall("a", [(10, 2), (20, 9)], least=5), stall("b", [(15, 9)], least=6)], 4, OUT)
    assert not leg.parts
    assert leg.carried == 4
    assert leg.given == 2 * 10 + 2 * 15
    assert [alone.hindered for alone in leg.considered] == [Hindered.BELOW_MINIMUM] * 2
    with pytest.raises(TooThin):  # it is not little; it is more than the one who takes it has
        routed([stall("a", [(10, 6)], least=5), stall("b", [(15, 50)], least=40)], 20, OUT)


def test_all_that_is_held_can_be_had_and_no_lot_more() -> None:
    venues = [stall("a", [(10, 2)]), stall("b", [(15, 3)])]
    assert routed(venues, 5, OUT).given == 65
    with pytest.raises(TooThin):
        routed(venues, 6, OUT)
    with pytest.raises(TooThin):
        route.leg([], give=QUOTE, get=BASE, size=1, side=OUT)


# --- real assets -----------------------------------------------------------------------------------------------------


def market(base: Asset, quote: Asset) -> Market:
    return Market(
        symbol=f"{base.code}{quote.code}",
        base=base.code,
        quote=quote.code,
        tick=Decimal("0.01"),
        lot=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        max_quantity=Decimal(9000),
        min_notional=Decimal(5) if quote is USDT else Decimal(0),
        trading=True,
    )


def sides(venue: str, base: Asset, quote: Asset, price: str, *, fee: str = "0.001") -> dict[tuple[str, str], Depth]:
    """Both sides of a deep book around `price`."""
    made, mid = {}, Decimal(price)
    for give, get, worse in ((base, quote, Decimal("0.99")), (quote, base, Decimal("1.01"))):
        levels = [Level((mid * worse).quantize(Decimal("0.000001")), Decimal(1000))]
        made[give.code, get.code] = depth(
            venue, market(base, quote), levels, selling=give is base, taker_fee=Decimal(fee)
        )
    return made


def books(*found: dict[tuple[str, str], Depth]) -> route.Books:
    every: dict[tuple[str, str], list[Depth]] = {}
    for one in found:
        for pair, side in one.items():
            every.setdefault(pair, []).append(side)
    return every


BRIDGES = (USDT, USDC, BTC)


@pytest.mark.parametrize("side", QuoteSide)
@pytest.mark.parametrize(("give", "get"), [(BTC, USDT), (USDT, BTC)])
def test_rate_and_venue_cost_add_up_to_what_is_given_and_got(give: Asset, get: Asset, side: QuoteSide) -> None:
    fixed = give if side is IN else get
    found = route.find(
        books(sides("a", BTC, USDT, "64000", fee="0.004")),
        give=give,
        get=get,
        size=10**fixed.decimals // 10,
        side=side,
        bridges=BRIDGES,
    )
    assert found.given * found.rate == found.got * (1 + found.venue_cost)
    assert found.rate == (Fraction(64000 * 99, 100) if give is BTC else Fraction(100, 64000 * 101))
    # In quote the venue takes its share of what is sold, and adds it to what is bought.
    assert found.venue_cost == (Fraction(4, 996) if give is BTC else Fraction(4, 1000))


def test_two_legs_meet_at_the_bridge_that_is_best_and_only_where_nobody_trades_directly() -> None:
    over = books(
        sides("a", ETH, USDT, "2500"),
        sides("b", USDC, USDT, "1"),
        sides("c", ETH, BTC, "0.04"),
        sides("c", BTC, USDC, "64000"),
    )
    found = route.find(over, give=ETH, get=USDC, size=10**18, side=IN, bridges=BRIDGES)
    # Over USDT: 2500 less spreads; over BTC: 0.04 * 64000 = 2560 less spreads.
    assert [(leg.give.code, leg.get.code) for leg in found.legs] == [("ETH", "BTC"), ("BTC", "USDC")]
    assert found.legs[0].got - found.legs[1].given < Fraction(1, 10**8)
    back = route.find(over, give=ETH, get=USDC, size=1000 * 10**6, side=OUT, bridges=BRIDGES)
    assert back.got == 1000
    assert 0 <= back.legs[0].got - back.legs[1].given < Fraction(1, 10**8)
    direct = books(sides("z", ETH, USDC, "2000"), sides("a", ETH, USDT, "2500"), sides("b", USDC, USDT, "1"))
    assert len(route.find(direct, give=ETH, get=USDC, size=10**18, side=IN, bridges=BRIDGES).legs) == 1


def test_no_way_there_and_too_little_on_the_way_are_told_apart() -> None:
    over = books(sides("a", ETH, USDT, "2500"), sides("b", USDC, USDT, "1"))
    with pytest.raises(NoMarket):
        route.find(over, give=ETH, get=BTC, size=10**18, side=IN, bridges=BRIDGES)
    with pytest.raises(TooThin):
        route.find(over, give=ETH, get=USDC, size=10**18 * 5000, side=IN, bridges=BRIDGES)
    with pytest.raises(TooThin):  # less than a unit comes through the first leg
        route.find(over, give=ETH, get=USDC, size=1, side=IN, bridges=BRIDGES)


def test_a_pair_that_is_written_both_ways_is_taken_the_better_way() -> None:
    found = books(sides("a", USDC, USDT, "1"), sides("b", USDT, USDC, "1.02"), sides("c", USDT, USDC, "1.01"))
    leg = route.find(found, give=USDC, get=USDT, size=100 * 10**6, side=IN, bridges=()).legs[0]
    # a pays 0.99 for one; c sells one for 1.0201, which is less than 0.99.
    assert [part.venue for part in leg.parts] == ["a"]
    assert [alone.venue for alone in leg.considered] == ["a", "b", "c"]
    assert leg.got == max(alone.amount for alone in leg.considered if alone.amount)
    back = route.find(found, give=USDT, get=USDC, size=100 * 10**6, side=OUT, bridges=()).legs[0]
    assert [part.venue for part in back.parts] == ["b"]
    assert back.given == min(alone.amount for alone in back.considered if alone.amount)
