"""API.md's identities of a quote, re-added from what is published: decimal strings and nothing else.

Whoever has the answer of POST /exchange/quotes can do this sum by hand; so it is done here with fractions of the texts,
for assets of every number of decimals, from one unit to thirty digits, at rates from one over 10**30 to 10**24.
"""

import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidegate.exchange import postings, price, rules
from tidegate.exchange.price import Ask
from tidegate.exchange.route import NoMarket
from tidegate.exchange.rules import Arrival, Charges, Figures, Offer, QuoteKind, QuoteSide, QuoteState
from tidegate.exchange.wanted import Wanted
from tidegate.ledger.rules import CHART, AccountRef, Side, Transfer, customer, house
from tidegate.markets.books import Crossing
from tidegate.markets.depth import depth
from tidegate.markets.rules import TooThin
from tidegate.money import BTC, ETH, ONE, USDC, Amount, Asset, Rate, cost_of, listed_assets
from tidegate.refusal import Refusal
from tidegate.venues.port import Level, Market

often = settings(max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "100")), deadline=None)

ANY_ASSET = st.builds(Asset, st.just("ANY"), st.integers(0, 18), st.just("any"))
OURS = st.sampled_from(listed_assets())
UNITS = st.one_of(st.integers(1, 20), st.integers(1, 10**9), st.integers(1, 10**48 - 1))
FEES = st.one_of(st.integers(0, 20), st.integers(0, 10**24))
SHARES = st.fractions(min_value=0, max_value=Fraction(1, 5), max_denominator=10**6)
CHARGES = st.builds(Charges, spread=SHARES, service=SHARES)
RATES = st.builds(
    lambda digits, scale: Rate.of(Fraction(digits, 10**scale)), st.integers(1, 10**24), st.integers(0, 30)
)

USER = uuid.UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Published:
    """A quote as its reader has it: whole units, as fractions of the decimal strings."""

    debit: Fraction
    deliver: Fraction
    fees: Fraction
    rate: Fraction
    unit_in: Fraction
    unit_out: Fraction

    @classmethod
    def of(cls, figures: Figures, source: Asset, target: Asset) -> "Published":
        def read(asset: Asset, units: int) -> Fraction:
            text = Amount(asset, units).text
            assert len(text.partition(".")[2]) == asset.decimals
            return Fraction(text)

        lines = (figures.network, figures.service, figures.spread)
        assert min(*lines) >= 0
        assert len(figures.rate.text.replace(".", "").strip("0")) <= 18
        return cls(
            read(source, figures.debit),
            read(target, figures.deliver),
            sum((read(source, line) for line in lines), Fraction(0)),
            Fraction(figures.rate.text),
            Fraction(1, 10**source.decimals),
            Fraction(1, 10**target.decimals),
        )


def down(value: Fraction, unit: Fraction) -> Fraction:
    return value // unit * unit


def up(value: Fraction, unit: Fraction) -> Fraction:
    return -(-value // unit) * unit


@often
@given(debit=UNITS, network=FEES, charges=CHARGES, rate=RATES, source=ANY_ASSET, target=ANY_ASSET)
@example(2, 0, rules.NO_CHARGES, ONE, Asset("A", 0, ""), Asset("B", 18, ""))
@example(10**48 - 1, 1, rules.NO_CHARGES, Rate.of(Fraction(1, 10**30)), Asset("A", 18, ""), Asset("B", 0, ""))
def test_exact_in_is_the_floor_of_what_is_left_after_fees_at_the_published_rate(
    debit: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset
) -> None:
    """The first and the last unit of any asset, or a refusal that is due."""
    try:
        figures = rules.exact_in(debit, network, charges, rate, source, target)
    except Refusal:
        # Refused means: even without a fee of rounding, less than two units of the source or no unit would arrive.
        left = (debit - network) / (1 + charges.spread + charges.service) - 2
        worth = left * rate.value * Fraction(10) ** (target.decimals - source.decimals)
        assert left <= 1 or worth < 1
        return
    read = Published.of(figures, source, target)
    assert figures.debit == debit
    assert read.deliver > 0
    assert read.deliver == down((read.debit - read.fees) * read.rate, read.unit_out)


@often
@given(deliver=UNITS, network=FEES, charges=CHARGES, rate=RATES, source=ANY_ASSET, target=ANY_ASSET)
@example(1, 0, rules.NO_CHARGES, Rate.of(Fraction(10**24)), Asset("A", 0, ""), Asset("B", 18, ""))
def test_exact_out_is_fees_and_the_ceiling_of_what_it_costs_at_the_published_rate(
    deliver: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset
) -> None:
    figures = rules.exact_out(deliver, network, charges, rate, source, target)
    read = Published.of(figures, source, target)
    assert figures.deliver == deliver
    assert read.debit == read.fees + up(read.deliver / read.rate, read.unit_in)
    assert read.debit > read.fees


@often
@given(units=UNITS, network=FEES, side=st.sampled_from(QuoteSide), asset=ANY_ASSET)
def test_the_same_asset_is_delivered_one_for_one_and_its_fees_come_on_top(
    units: int, network: int, side: QuoteSide, asset: Asset
) -> None:
    try:
        figures = rules.plain(side, units, network)
    except Refusal:
        assert side is QuoteSide.EXACT_IN and units <= network
        return
    read = Published.of(figures, asset, asset)
    assert figures.rate.text == "1"
    assert read.debit == read.deliver + read.fees
    assert (figures.debit if side is QuoteSide.EXACT_IN else figures.deliver) == units
    assert figures.deliver > 0


@often
@given(deliver=UNITS, network=FEES, charges=CHARGES, rate=RATES, source=ANY_ASSET, target=ANY_ASSET)
def test_asking_for_the_debit_of_an_exact_delivery_gets_no_unit_more_than_its_price_buys(
    deliver: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset
) -> None:
    """There is no cheaper way round: the two sides differ by what two fees are rounded up to, and never make a unit."""
    out = rules.exact_out(deliver, network, charges, rate, source, target)
    into = rules.exact_in(out.debit, network, charges, rate, source, target)
    more = into.converted - out.converted
    assert abs(more) <= 2
    unit = rate.value * Fraction(10) ** (target.decimals - source.decimals)
    assert into.deliver <= deliver + rules.ceiling(unit * max(more + 1, 1))


@often
@given(
    units=st.integers(1, 10**40),
    mid=st.fractions(Fraction(1, 10**12), 10**12),
    fresh=st.booleans(),
    gas=OURS,
    source=OURS,
)
def test_a_network_fee_is_its_worth_rounded_up_to_a_unit(
    units: int, mid: Fraction, fresh: bool, gas: Asset, source: Asset
) -> None:
    found = rules.network_fee_in(units, gas, source, mid, fresh=fresh)
    margin = Fraction(105, 100) if not fresh and gas != source else 1
    exact = Fraction(units, 10**gas.decimals) * mid * margin * 10**source.decimals
    assert 0 <= found - exact < 1


# --- the books that a price comes from -------------------------------------------------------------------------------

PRICES = st.decimals(min_value=Decimal("0.00001"), max_value=Decimal(10**6), places=5)
QUANTITIES = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10**4), places=8)
LEVELS = st.lists(st.builds(Level, price=PRICES, quantity=QUANTITIES), min_size=1, max_size=8)
TAKERS = st.decimals(min_value=Decimal(0), max_value=Decimal("0.02"), places=4)


def crossing(base: Asset, quote: Asset, found: list[tuple[list[Level], Decimal]], *, selling: bool) -> Crossing:
    """Venues of fine lots and small minimums around one pair."""
    market = Market(
        symbol="",
        base=base.code,
        quote=quote.code,
        tick=Decimal("0.00001"),
        lot=Decimal("0.00000001"),
        min_quantity=Decimal("0.000001"),
        max_quantity=Decimal(10**6),
        min_notional=Decimal("0.01"),
        trading=True,
    )
    sides = [
        depth(
            f"venue {rank}",
            market,
            sorted(levels, key=lambda one: one.price, reverse=selling),
            selling=selling,
            taker_fee=fee,
        )
        for rank, (levels, fee) in enumerate(found)
    ]
    ends = (base.code, quote.code) if selling else (quote.code, base.code)
    return Crossing((), {ends: sides}, (), 0)


@often
@given(
    st.lists(st.tuples(LEVELS, TAKERS), min_size=1, max_size=3),
    st.integers(1, 10**24),
    SHARES,
    SHARES,
    st.booleans(),
    st.sampled_from(QuoteSide),
)
def test_no_price_gives_away_more_than_the_books_it_comes_from(
    found: list[tuple[list[Level], Decimal]],
    units: int,
    risk: Fraction,
    service: Fraction,
    selling: bool,
    side: QuoteSide,
) -> None:
    """A quote's rate has eighteen digits and books have fractions: what is cut off is never the house's loss, and what the
    venues take is inside what the user is charged."""
    base, quote = listed_assets()[1], listed_assets()[2]
    source, target = (base, quote) if selling else (quote, base)
    wanted = Wanted(QuoteKind.CONVERSION, side, source, target, units, None, None)
    ask = Ask(wanted, crossing(base, quote, found, selling=selling), risk, service)
    try:
        priced = price.exact_out(ask, 0) if side is QuoteSide.EXACT_OUT else price.exact_in(ask, 0)
    except (TooThin, NoMarket, Refusal):
        return
    figures, route = priced.figures, priced.route
    assert route is not None
    given, got = route.given * 10**source.decimals, route.got * 10**target.decimals
    assert figures.deliver <= got
    assert figures.converted + figures.spread >= given - 2
    # Nor does the house keep more than a share that was rounded up, and some units that were.
    assert got - figures.deliver < 2 + got / 10**6 + got * 3 / given
    # The hedges close exactly the position that the books then hold.
    position = cost_of(figures.deliver, figures.rate, source, target)
    orders = price.hedges(wanted, priced)
    assert sum(order.base_units for order in orders) == (position if selling else figures.deliver)
    assert {order.side for order in orders} == {"sell" if selling else "buy"}
    shown = price.shown_route(priced)
    assert sum(Decimal(part["share"]) for part in shown) == 1


@often
@given(
    st.lists(st.tuples(LEVELS, TAKERS), min_size=1, max_size=2),
    st.lists(st.tuples(LEVELS, TAKERS), min_size=1, max_size=2),
    st.integers(1, 10**24),
    SHARES,
    st.booleans(),
    st.booleans(),
    st.sampled_from(QuoteSide),
)
def test_over_a_bridge_no_price_gives_away_more_than_the_books_of_both_legs(
    one: list[tuple[list[Level], Decimal]],
    other: list[tuple[list[Level], Decimal]],
    units: int,
    risk: Fraction,
    sell_first: bool,
    sell_second: bool,
    side: QuoteSide,
) -> None:
    """ETH for BTC over USDC, whichever way round the two markets are written."""
    source, bridge, target = ETH, USDC, BTC
    first = crossing(source, bridge, one, selling=True) if sell_first else crossing(bridge, source, one, selling=False)
    second = (
        crossing(bridge, target, other, selling=True) if sell_second else crossing(target, bridge, other, selling=False)
    )
    wanted = Wanted(QuoteKind.CONVERSION, side, source, target, units, None, None)
    ask = Ask(wanted, Crossing((), {**first.sides, **second.sides}, (bridge,), 0), risk, Fraction(0))
    try:
        priced = price.exact_out(ask, 0) if side is QuoteSide.EXACT_OUT else price.exact_in(ask, 0)
    except (TooThin, NoMarket, Refusal):
        return
    figures, route = priced.figures, priced.route
    assert route is not None
    into, out = route.legs
    assert figures.deliver <= route.got * 10**target.decimals
    assert figures.converted + figures.spread >= route.given * 10**source.decimals - 2
    # No leg spends what the one before it did not bring.
    assert 0 <= into.got - out.given < Fraction(1, 10**bridge.decimals) + Fraction(1, 10**17)
    orders = price.hedges(wanted, priced)
    position = cost_of(figures.deliver, figures.rate, source, target)
    passed = Fraction(figures.deliver, 10**target.decimals) / out.rate * 10**bridge.decimals
    first_base = sum(order.base_units for order in orders if source.code in (order.base_asset, order.quote_asset))
    second_base = sum(order.base_units for order in orders if target.code in (order.base_asset, order.quote_asset))
    assert first_base == (position if sell_first else rules.ceiling(passed))
    assert second_base == (rules.ceiling(passed) if sell_second else figures.deliver)


# --- what becomes of it in the books -----------------------------------------------------------------------------------


def offered(figures: Figures, source: Asset, target: Asset, side: QuoteSide) -> Offer:
    return Offer(
        id=uuid.UUID(int=2),
        user_id=USER,
        kind=QuoteKind.CONVERSION,
        side=side,
        from_asset=source.code,
        to_asset=target.code,
        network=None,
        speed=None,
        address=None,
        beneficiary_id=None,
        figures=figures,
        network_fee_max_units=0,
        mid=None,
        mid_at=None,
        route=(),
        hedges=(),
        usd_units=None,
        review_needed=False,
        arrives=Arrival(0, 5),
        state=QuoteState.OPEN,
        used_by=None,
        reserved_usd_units=0,
        uncovered_usd_units=0,
        promised_units=0,
        expires_at=NOW,
        created_at=NOW,
    )


def booked(balances: dict[AccountRef, int], group: tuple[Transfer, ...]) -> dict[AccountRef, int]:
    """The balances after a linked group, by hand; no account on the way may fall below zero unless it may."""
    after = dict(balances)
    for move in group:
        for account, side in ((move.debit, Side.DEBIT), (move.credit, Side.CREDIT)):
            kind = CHART[account.name]
            after[account] = after.get(account, 0) + (move.units if kind.side is side else -move.units)
            assert after[account] >= 0 or kind.overdraft
    return after


@often
@given(
    units=UNITS,
    network=FEES,
    charges=CHARGES,
    rate=RATES,
    source=OURS,
    target=OURS,
    side=st.sampled_from(QuoteSide),
    into_held=st.booleans(),
    more=st.integers(0, 10**9),
)
def test_an_executed_quote_is_booked_to_the_unit_and_what_is_left_of_the_debit_is_rounding(
    units: int,
    network: int,
    charges: Charges,
    rate: Rate,
    source: Asset,
    target: Asset,
    side: QuoteSide,
    into_held: bool,
    more: int,
) -> None:
    if source == target:
        return
    work = rules.exact_in if side is QuoteSide.EXACT_IN else rules.exact_out
    try:
        figures = work(units, network, charges, rate, source, target)
    except Refusal:
        return
    read = Published.of(figures, source, target)
    offer = offered(figures, source, target, side)
    available, held = customer(USER, "available", source.code), customer(USER, "held", source.code)
    after = booked({available: figures.debit + more}, postings.hold(offer))
    assert (after[available], after[held]) == (more, figures.debit)
    after = booked(after, postings.executed(offer, into_held=into_held))
    position = up(read.deliver / read.rate, read.unit_in) / read.unit_in
    assert after.pop(available) == more
    assert after.pop(held) == 0
    assert after.pop(customer(USER, "held" if into_held else "available", target.code)) == figures.deliver
    assert after.pop(house("liquidity", target.code)) == -figures.deliver
    assert after.pop(house("liquidity", source.code)) == position
    assert after.pop(house("charged:network", source.code), 0) == figures.network
    assert after.pop(house("charged:service", source.code), 0) == figures.service
    assert after.pop(house("charged:spread", source.code), 0) == figures.spread
    rounding = after.pop(house("rounding", source.code), 0)
    assert rounding == figures.debit - figures.fees - position
    assert rounding >= 0 and (rounding == 0 or side is QuoteSide.EXACT_IN)
    # What is left over is less than the last unit delivered costs.
    assert rounding * read.unit_in < read.unit_out / read.rate
    assert after == {}


@often
@given(balance=UNITS, network=FEES, charges=CHARGES, rate=RATES, source=OURS, target=OURS)
def test_the_maximum_leaves_exactly_nothing(
    balance: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset
) -> None:
    """`max` is exact_in of everything there is."""
    try:
        if source == target:
            figures = rules.plain(QuoteSide.EXACT_IN, balance, network)
        else:
            figures = rules.exact_in(balance, network, charges, rate, source, target)
    except Refusal:
        return
    after = booked(
        {customer(USER, "available", source.code): balance},
        postings.hold(offered(figures, source, target, QuoteSide.EXACT_IN)),
    )
    assert after[customer(USER, "available", source.code)] == 0
