"""The risk spread: more for more size, more motion and older books; never below the base, never above the most."""

import os
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tidegate.config import QuoteSettings
from tidegate.exchange import spread
from tidegate.exchange.spread import Risk, Terms

often = settings(max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "100")), deadline=None)

SHARES = st.fractions(min_value=0, max_value=Fraction(1, 10), max_denominator=10**6)
TERMS = st.builds(
    lambda base, size, motion, more: Terms(base, size, motion, base + more),
    SHARES,
    SHARES,
    st.fractions(0, 4, max_denominator=100),
    SHARES,
)
RISKS = st.builds(
    Risk,
    usd=st.integers(0, 10**13),
    variance=st.integers(0, 10**13),
    open_ms=st.integers(0, 120_000),
    age_ms=st.integers(0, 60_000),
)
USUAL = Terms.read(base="0.0012", per_100k_usd="0.0005", volatility="0.5", most="0.02")


@often
@given(TERMS, RISKS)
def test_the_share_is_the_formula_rounded_up_to_a_millionth(terms: Terms, risk: Risk) -> None:
    found = spread.share(terms, risk)
    assert terms.base <= found <= terms.most
    if found == terms.most:
        return
    assert (found * 10**6).denominator == 1
    fixed = terms.base + terms.per_100k_usd * Fraction(risk.usd, 10**11)
    # The root, squared: what was charged for motion is at least it, and at most a millionth and a hair above.
    exact = terms.volatility**2 * Fraction(risk.variance, 10**18) * Fraction(risk.open_ms + risk.age_ms, 1000)
    assert (found - fixed) ** 2 >= exact
    below = found - fixed - Fraction(1, 10**6) - terms.volatility / 10**12
    assert below < 0 or below**2 < exact or exact == below == 0


@often
@given(TERMS, RISKS, st.sampled_from(["usd", "variance", "open_ms", "age_ms"]), st.integers(1, 10**12))
def test_no_part_of_the_risk_makes_it_cheaper(terms: Terms, risk: Risk, part: str, more: int) -> None:
    greater = replace(risk, **{part: getattr(risk, part) + more})
    assert spread.share(terms, greater) >= spread.share(terms, risk)


@pytest.mark.parametrize(
    ("risk", "share"),
    [
        (Risk(0, 0, 15_000, 0), Fraction(12, 10**4)),
        (Risk(100_000 * 10**6, 0, 15_000, 0), Fraction(17, 10**4)),
        # 0.0001 a second for 16 s: 0.0004, half of which is charged.
        (Risk(0, 10**10, 15_000, 1_000), Fraction(14, 10**4)),
        (Risk(100_000 * 10**6, 10**10, 15_000, 1_000), Fraction(19, 10**4)),
        (Risk(10**15, 0, 15_000, 0), Fraction(2, 100)),
    ],
)
def test_what_the_usual_terms_come_to(risk: Risk, share: Fraction) -> None:
    assert spread.share(USUAL, risk) == share


@pytest.mark.parametrize(
    "wrong", [{"base": "-0.1"}, {"per_100k_usd": "-1"}, {"volatility": "-1"}, {"most": "0.001"}, {"base": "many"}]
)
def test_terms_that_would_pay_for_risk_are_refused(wrong: dict[str, str]) -> None:
    usual = {"base": "0.0012", "per_100k_usd": "0.0005", "volatility": "0.5", "most": "0.02"}
    with pytest.raises(ValueError, match=r"spread|Fraction"):
        Terms.read(**(usual | wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"spread": "-0.001"},
        {"spread": "half"},
        {"service": "1/0"},
        {"spread": "0.03"},  # above max_spread
        {"spread_volatility": "-1"},
        {"hedge_tolerance": "1"},
    ],
)
def test_a_configuration_with_such_shares_does_not_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong)) if wrong != {"spread": "0.03"} else "max_spread"):
        QuoteSettings.model_validate(wrong)
