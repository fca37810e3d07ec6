"""The price identities over huge ranges, and that rounding never makes money for anybody but the house."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.exchange import rules
from tidegate.exchange.rules import Caps, Charges, Figures, Filters, QuoteSide, Trade
from tidegate.money import BNB, BTC, ETH, USDC, USDT, Asset, Rate, cost_of
from tidegate.refusal import Kind, Refusal

ASSETS = st.sampled_from([BTC, ETH, USDT, USDC])
UNITS = st.integers(min_value=1, max_value=10**48)
FEES = st.integers(min_value=0, max_value=10**24)
SHARES = st.fractions(min_value=0, max_value=Fraction(1, 5), max_denominator=10**6)
CHARGES = st.builds(Charges, spread=SHARES, service=SHARES)
RATES = st.builds(
    lambda digits, scale: Rate.of(Fraction(digits) / 10**scale),
    st.integers(min_value=1, max_value=10**24),
    st.integers(min_value=0, max_value=30),
)


def whole(rate: Rate, source: Asset, target: Asset) -> Fraction:
    """Target units per source unit."""
    return rate.value * Fraction(10) ** (target.decimals - source.decimals)


def shares_were_charged(figures: Figures, charges: Charges, slack: int) -> None:
    assert figures.service >= (figures.converted - slack) * charges.service
    assert figures.spread >= (figures.converted - slack) * charges.spread


@given(debit=UNITS, network=FEES, charges=CHARGES, rate=RATES, source=ASSETS, target=ASSETS)
def test_exact_in_delivers_the_floor_of_what_is_left_after_fees(
    debit: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset
) -> None:
    try:
        figures = rules.exact_in(debit, network, charges, rate, source, target)
    except Refusal:
        return
    assert figures.debit == debit
    assert figures.deliver == rules.floor((debit - figures.fees) * whole(rate, source, target))
    assert figures.deliver > 0
    assert figures.converted > 0
    # What the books call rounding is never negative: the house never owes itself.
    assert figures.converted >= cost_of(figures.deliver, rate, source, target)
    shares_were_charged(figures, charges, slack=2)


@given(deliver=UNITS, network=FEES, charges=CHARGES, rate=RATES, source=ASSETS, target=ASSETS)
def test_exact_out_debits_fees_and_the_ceiling_of_what_it_costs(
    deliver: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset
) -> None:
    figures = rules.exact_out(deliver, network, charges, rate, source, target)
    assert figures.deliver == deliver
    assert figures.debit == figures.fees + rules.ceiling(deliver / whole(rate, source, target))
    shares_were_charged(figures, charges, slack=0)


@given(debit=UNITS, charges=CHARGES, rate=RATES, source=ASSETS, target=ASSETS)
def test_there_and_back_at_one_price_never_makes_a_unit(
    debit: int, charges: Charges, rate: Rate, source: Asset, target: Asset
) -> None:
    back_rate = Rate.of(1 / rate.value)
    try:
        there = rules.exact_in(debit, 0, charges, rate, source, target)
        back = rules.exact_in(there.deliver, 0, charges, back_rate, target, source)
    except Refusal:
        return
    assert back.deliver <= debit


@given(parts=st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=30), rate=RATES, charges=CHARGES)
def test_many_small_conversions_never_get_more_than_one_large(parts: list[int], rate: Rate, charges: Charges) -> None:
    got = 0
    for part in parts:
        try:
            got += rules.exact_in(part, 0, charges, rate, BTC, USDT).deliver
        except Refusal:
            continue
    assert got <= sum(parts) * whole(rate, BTC, USDT)


@given(units=UNITS, network=FEES, side=st.sampled_from(QuoteSide))
def test_the_same_asset_costs_its_fee_and_nothing_else(units: int, network: int, side: QuoteSide) -> None:
    try:
        figures = rules.plain(side, units, network)
    except Refusal:
        assert side is QuoteSide.EXACT_IN
        assert units <= network
        return
    assert figures.debit == figures.deliver + network
    assert figures.rate.text == "1"


def test_a_network_fee_at_a_last_known_price_is_five_percent_dearer() -> None:
    fresh = rules.network_fee_in(10**15, ETH, USDT, Fraction(3000), fresh=True)
    stale = rules.network_fee_in(10**15, ETH, USDT, Fraction(3000), fresh=False)
    assert (fresh, stale) == (3_000_000, 3_150_000)
    assert rules.network_fee_in(10**15, ETH, ETH, Fraction(1), fresh=False) == 10**15


def test_a_network_fee_is_rounded_up_to_a_unit() -> None:
    assert rules.network_fee_in(1, ETH, USDT, Fraction(3000), fresh=True) == 1


@pytest.mark.parametrize(
    ("part", "total", "text"), [(1, 3, "0.333334"), (0, 5, "0"), (5, 5, "1"), (1, 10**40, "0.000001")]
)
def test_a_share_is_shown_rounded_up(part: int, total: int, text: str) -> None:
    assert rules.share_text(part, total) == text


DECIMALS = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10**6), places=8)


@given(
    trades=st.lists(st.tuples(DECIMALS, DECIMALS, DECIMALS, st.sampled_from(["buy", "sell"])), max_size=30),
    fee_asset=st.sampled_from([BTC, USDT, BNB]),
)
def test_the_booked_venue_balance_is_always_the_venues_rounded_down(
    trades: list[tuple[Decimal, Decimal, Decimal, str]], fee_asset: Asset
) -> None:
    residues: dict[str, Fraction] = {}
    booked = {"BTC": 0, "USDT": 0, "BNB": 0}
    exact = {"BTC": Fraction(0), "USDT": Fraction(0), "BNB": Fraction(0)}
    for quantity, quote, fee, side in trades:
        trade = Trade("1", Decimal(1), quantity, quote, fee, fee_asset.code)
        found = rules.fill_booking(trade, side=side, base=BTC, quote=USDT, fee_asset=fee_asset, residues=residues)
        residues |= {dust.asset: dust.residue for dust in found.after}
        sign = 1 if side == "buy" else -1
        for code, units, change in (
            ("BTC", found.base_units, sign * rules.units_of(quantity, BTC)),
            ("USDT", found.quote_units, -sign * rules.units_of(quote, USDT)),
            (fee_asset.code, found.fee_units, -rules.units_of(fee, fee_asset)),
        ):
            booked[code] += units
            exact[code] += change
    assert booked == {code: rules.floor(value) for code, value in exact.items()}
    assert all(0 <= residue < 1 for residue in residues.values())


FILTERS = Filters(
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(5),
)


@given(
    units=st.integers(min_value=1, max_value=10**20),
    price=st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10**6), places=2),
)
def test_an_order_keeps_the_venues_filters_and_never_exceeds_the_position(units: int, price: Decimal) -> None:
    quantity = rules.order_quantity(units, BTC, price, FILTERS)
    if quantity is None:
        return
    assert quantity % FILTERS.lot == 0
    assert FILTERS.min_quantity <= quantity <= FILTERS.max_quantity
    assert quantity * price >= FILTERS.min_notional
    assert rules.units_of(quantity, BTC) <= units


@pytest.mark.parametrize(("side", "price"), [("sell", "99.51"), ("buy", "100.51")])
def test_a_limit_price_is_on_the_tick_and_within_the_tolerance(side: str, price: str) -> None:
    found = rules.limit_price(Decimal("100.007"), side, Fraction(5, 1000), Decimal("0.01"))
    bound = Decimal("100.007") * (Decimal("0.995") if side == "sell" else Decimal("1.005"))
    assert found % Decimal("0.01") == 0
    assert (found >= bound) if side == "sell" else (found <= bound)
    assert abs(found - Decimal(price)) <= Decimal("0.01")


def test_the_worst_price_is_where_the_quantity_is_reached() -> None:
    levels = [(Decimal(10), Decimal(1)), (Decimal(11), Decimal(2)), (Decimal(12), Decimal(3))]
    assert rules.worst_price(levels, Decimal(1)) == 10
    assert rules.worst_price(levels, Decimal("1.5")) == 11
    assert rules.worst_price(levels, Decimal(100)) == 12
    assert rules.worst_price([], Decimal(1)) is None


def test_what_is_left_to_trade_ignores_fractions_of_a_unit() -> None:
    assert rules.remainder(100, Decimal("0.00000040"), BTC) == 60
    assert rules.remainder(100, Decimal("0.000001"), BTC) == 0
    assert rules.remainder(100, Decimal(1), BTC) == 0


def test_more_than_a_cap_has_room_for_is_refused_with_the_lesser_cap_in_dollars() -> None:
    caps = Caps(house=rules.usd_units_of("50000"), user=rules.usd_units_of("1234.5678"), uncovered=0)
    rules.judge_exposure(caps, caps.user)
    with pytest.raises(Refusal) as told:
        rules.judge_exposure(caps, caps.user + 1)
    assert told.value.kind is Kind.LIMIT_EXCEEDED
    assert told.value.fields == {"field": "amount", "limit": "1234.56"}


@given(
    start=st.integers(min_value=10**3, max_value=10**30),
    rates=st.lists(RATES, min_size=1, max_size=12),
    charges=CHARGES,
    assets=st.tuples(ASSETS, ASSETS).filter(lambda pair: pair[0] != pair[1]),
)
def test_many_small_round_trips_never_make_the_customer_richer(
    start: int, rates: list[Rate], charges: Charges, assets: tuple[Asset, Asset]
) -> None:
    """There at a rate and back at no better one, again and again: each rounding is the house's, less than a unit each."""
    source, target = assets
    held = start
    for rate in rates:
        try:
            there = rules.exact_in(held, 0, charges, rate, source, target)
            back = rules.exact_in(there.deliver, 0, charges, Rate.of(1 / rate.value), target, source)
        except Refusal:
            return
        for figures, one, give, get in ((there, rate, source, target), (back, Rate.of(1 / rate.value), target, source)):
            rounding = figures.converted - cost_of(figures.deliver, one, give, get)
            # What is left is worth less than one unit of what is delivered.
            assert 0 <= rounding <= rules.ceiling(1 / whole(one, give, get))
        assert back.deliver <= held
        held = back.deliver
