"""Amounts and rates: exact, spelt one way, rounded only where it is said and only against the customer."""

import os
import re
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tidegate.money import (
    BNB,
    BTC,
    ETH,
    USDT,
    Amount,
    Asset,
    InvalidAmount,
    MoneyError,
    Rate,
    TooManyDecimals,
    UnknownAsset,
    asset,
    cost_of,
    format_units,
    listed_assets,
    parse_units,
    worth_of,
)
from tidegate.refusal import Kind, Refusal
from tidegate.wire import AMOUNT_PATTERN, DecimalText, amount_in

often = settings(max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "60")), deadline=None)

assets = st.sampled_from([BTC, ETH, USDT, BNB])
units = st.integers(0, 10**48 - 1)
values = st.fractions(min_value=Fraction(1, 10**24), max_value=10**24)
rates = values.map(Rate.of)


@often
@given(units, st.integers(0, 18))
def test_what_is_written_is_read_back_as_the_same_units(found: int, decimals: int) -> None:
    found %= 10 ** (30 + decimals)
    text = format_units(found, decimals)
    assert parse_units(text, decimals) == found
    assert len(text.partition(".")[2]) == decimals
    assert text.isascii()
    assert not text.startswith("00")


@often
@given(units, st.integers(0, 18))
def test_a_negative_is_written_with_a_sign_and_never_read(found: int, decimals: int) -> None:
    text = format_units(-found - 1, decimals)
    assert text.startswith("-")
    assert text.removeprefix("-") == format_units(found + 1, decimals)
    with pytest.raises(InvalidAmount):
        parse_units(text, decimals)


@often
@given(st.from_regex(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?", fullmatch=True), st.integers(0, 18))
def test_every_spelling_is_read_exactly_or_refused_for_its_decimals(text: str, decimals: int) -> None:
    fraction = text.partition(".")[2]
    if len(fraction) > decimals:
        with pytest.raises(TooManyDecimals):
            parse_units(text, decimals)
    else:
        assert Fraction(parse_units(text, decimals), 10**decimals) == Fraction(text)


@often
@given(st.text(max_size=12))
def test_any_text_is_an_amount_or_is_refused_as_one(text: str) -> None:
    try:
        found = parse_units(text, 8)
    except (InvalidAmount, TooManyDecimals):
        return
    assert Fraction(found, 10**8) == Fraction(text)
    assert set(text) <= set("0123456789.")


REFUSED = [
    "-1", "+1", "1e3", "1E3", "1e-3", "NaN", "nan", "Infinity", "-0", "１", "1１", "١", "²", "1_000", "1,000", "1,5", "01", "00",
    ".5", "1.", ".", "", " 1", "1 ", "1\n", "\n1", "1.0.0", "0x10", "0b1", "1/2", "½", "1\u200b", "\u00001", "1\u0000", "--1",
    "1" + "0" * 30, "1." + "0" * 19, "max", "null", "true", "\ud800", "1\u00a0", "1\u0660", "1d", "1f", "$1", "1 BTC",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_spelt_as_an_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_units(text, 18)
    with pytest.raises(Refusal) as told:
        amount_in("ETH", text)
    assert told.value.kind is Kind.INVALID_AMOUNT
    assert told.value.fields["field"] == "amount"


@pytest.mark.parametrize("text", ["0", "0.0", "0.00000000"])
def test_zero_is_a_number_and_not_an_amount_to_move(text: str) -> None:
    assert parse_units(text, 8) == 0
    with pytest.raises(Refusal) as told:
        amount_in("BTC", text)
    assert told.value.kind is Kind.INVALID_AMOUNT
    assert amount_in("BTC", text, positive=False).units == 0


@pytest.mark.parametrize("decimals", range(19))
def test_the_edges_of_every_number_of_decimals_are_written_and_read(decimals: int) -> None:
    one, most = 10**decimals, 10 ** (30 + decimals) - 1
    for found in {0, 1, one - 1, one, one + 1, most - 1, most}:
        text = format_units(found, decimals)
        assert parse_units(text, decimals) == found
        assert Fraction(text) == Fraction(found, one)
    with pytest.raises(InvalidAmount):
        parse_units(format_units(most + 1, decimals), decimals)
    with pytest.raises(TooManyDecimals if decimals < 18 else InvalidAmount):
        parse_units("0." + "0" * (decimals + 1), decimals)


@often
@given(st.text(alphabet="0123456789.+-eE_, \n\u0661\uff11", max_size=40))
@example("9" * 30 + "." + "9" * 18)
@example("9" * 31)
def test_the_pattern_of_the_contract_is_the_spelling_that_is_read(text: str) -> None:
    contract = re.fullmatch(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?", text, re.ASCII)
    assert AMOUNT_PATTERN == r"^(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?$"
    if contract:
        assert Fraction(parse_units(text, 18), 10**18) == Fraction(text)
        assert TypeAdapter(DecimalText).validate_python(text) == text
    else:
        with pytest.raises(InvalidAmount):
            parse_units(text, 18)
        with pytest.raises(ValidationError):
            TypeAdapter(DecimalText).validate_python(text)


def test_the_edges_of_what_can_be_spelt() -> None:
    assert parse_units("9" * 30, 0) == 10**30 - 1
    assert parse_units("9" * 30 + "." + "9" * 18, 18) == 10**48 - 1
    assert parse_units("0.00000001", 8) == 1
    with pytest.raises(TooManyDecimals):
        parse_units("0.000000010", 8)


@pytest.mark.parametrize(("code", "text"), [("BTC", "0.000000001"), ("USDT", "1.0000001"), ("USDT", "1.0000000")])
def test_more_decimals_than_the_asset_has_are_refused_and_it_is_said_how_many_it_has(code: str, text: str) -> None:
    with pytest.raises(Refusal) as told:
        amount_in(code, text)
    assert told.value.kind is Kind.TOO_MANY_DECIMALS
    assert told.value.fields["limit"] == str(asset(code).decimals)


@pytest.mark.parametrize("code", ["DOGE", "btc", "", "BTC ", "BNB", "\u0000"])
def test_an_asset_that_no_customer_holds_is_unknown_on_the_wire(code: str) -> None:
    with pytest.raises(Refusal) as told:
        amount_in(code, "1")
    assert told.value.kind is Kind.UNKNOWN_ASSET


def test_assets_are_known_by_exactly_their_code() -> None:
    assert asset("BTC") is BTC
    assert BNB not in listed_assets()
    with pytest.raises(UnknownAsset):
        asset("Btc")


def test_amounts_of_two_assets_do_not_add() -> None:
    assert (Amount(BTC, 3) + Amount(BTC, 4) - Amount(BTC, 8)).text == "-0.00000001"
    with pytest.raises(MoneyError):
        Amount(BTC, 1) + Amount(ETH, 1)
    with pytest.raises(MoneyError):
        Amount(BTC, 1) - Amount(ETH, 1)


# --- rates ---------------------------------------------------------------------------------------------------------


def significant(rate: Rate) -> int:
    return len(str(rate.digits).rstrip("0"))


@often
@given(values)
@example(Fraction(10**18 - 1, 10**18))
@example(Fraction(1))
@example(Fraction(10**40))
@example(Fraction(1, 3))
def test_a_rate_is_the_greatest_of_18_digits_that_is_not_above(value: Fraction) -> None:
    rate = Rate.of(value)
    assert significant(rate) <= 18
    assert rate.value <= value
    # The next one up of 18 significant digits is above: nothing better was left out.
    exponent = 0
    while Fraction(10) ** exponent <= rate.value:
        exponent += 1
    while Fraction(10) ** (exponent - 1) > rate.value:
        exponent -= 1
    assert rate.value + Fraction(10) ** (exponent - 18) > value


@often
@given(rates)
def test_a_rate_is_written_without_exponent_and_read_back(rate: Rate) -> None:
    assert Rate.parse(rate.text) == rate
    assert Fraction(rate.text) == rate.value
    assert set(rate.text) <= set("0123456789.")
    assert not rate.text.endswith(".")
    assert "." not in rate.text or not rate.text.endswith("0")


@often
@given(st.from_regex(r"[0-9]{0,20}\.?[0-9]{0,25}", fullmatch=True))
@example("0." + "0" * 198 + "1")
@example("1" + "0" * 199)
def test_a_rate_is_read_exactly_or_refused(text: str) -> None:
    whole, point, fraction = text.partition(".")
    spelt = whole == "0" or (whole != "" and whole[0] != "0")
    if spelt and bool(point) == bool(fraction) and 0 < len((whole + fraction).strip("0")) <= 18:
        assert Rate.parse(text).value == Fraction(text)
    else:
        with pytest.raises(MoneyError):
            Rate.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.0",
        "-1",
        "1e5",
        "+1",
        "１",
        "1_0",
        "1.2.3",
        ".",
        "NaN",
        " 1",
        "²",
        ".5",
        "5.",
        "00.5",
        "01",
        "1\n",
        "1" * 19,
        "1.000000000000000001",
        "0." + "0" * 199 + "1",
        "9" * 5000,
    ],
)
def test_what_is_not_a_rate_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        Rate.parse(text)


@pytest.mark.parametrize("value", [Fraction(0), Fraction(-1)])
def test_there_is_no_rate_of_zero_or_below(value: Fraction) -> None:
    with pytest.raises(MoneyError):
        Rate.of(value)


@often
@given(st.integers(0, 10**30), rates, assets, assets)
def test_worth_is_rounded_down_and_cost_up_by_less_than_a_unit(
    found: int, rate: Rate, source: Asset, target: Asset
) -> None:
    scale = Fraction(10) ** (target.decimals - source.decimals)
    exact = found * rate.value * scale
    assert 0 <= exact - worth_of(found, rate, source, target) < 1
    exact = found / rate.value / scale
    assert 0 <= cost_of(found, rate, source, target) - exact < 1


@often
@given(st.integers(0, 10**30), rates, assets, assets)
def test_there_and_back_never_makes_a_unit(found: int, rate: Rate, source: Asset, target: Asset) -> None:
    got = worth_of(found, rate, source, target)
    assert cost_of(got, rate, source, target) <= found
    need = cost_of(found, rate, source, target)
    assert worth_of(need, rate, source, target) >= found
    if need > 0:
        assert worth_of(need - 1, rate, source, target) < found, "the cost is the least that buys it"


@often
@given(st.integers(1, 10**24), values, assets, assets)
def test_exchanging_there_and_back_at_both_quoted_rates_never_gains(
    found: int, value: Fraction, source: Asset, target: Asset
) -> None:
    there, back = Rate.of(value), Rate.of(1 / value)
    assert worth_of(worth_of(found, there, source, target), back, target, source) <= found
