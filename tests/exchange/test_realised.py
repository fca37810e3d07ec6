"""What the orders came to, against what was promised: averages, signs, and what cannot be told."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.exchange.test_receipt import NOW, made
from tidegate.exchange.realised import realised
from tidegate.exchange.schemas import BestExecutionOut, RealisedOut
from tidegate.money import Rate
from tidegate.wire import AmountOut

LATER = datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC)


@dataclass(frozen=True)
class AnOrder:
    """The columns of an order that its result depends on: 0.1 BTC bought."""

    state: str = "filled"
    base_asset: str = "BTC"
    quote_asset: str = "USDT"
    side: str = "buy"
    base_units: int = 10**7
    follows: uuid.UUID | None = None
    updated_at: datetime = NOW + timedelta(seconds=3)


@dataclass(frozen=True)
class AFill:
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal = field(default_factory=Decimal)
    fee_asset: str = "USDT"


def filled(quantity: str, price: str, fee: str = "0", fee_asset: str = "USDT") -> AFill:
    return AFill(Decimal(quantity), Decimal(quantity) * Decimal(price), Decimal(fee), fee_asset)


def result(*fills: AFill, told: BestExecutionOut | None = None, rate: str = "0.0000156") -> RealisedOut:
    orders: Any = [AnOrder()]
    found = realised(told or made(), rate, orders, [(fill, orders[0]) for fill in fills])  # type: ignore[misc]
    assert found is not None
    return found


def test_it_is_told_when_the_last_order_is_done_and_not_before() -> None:
    orders: Any = [AnOrder(), AnOrder(follows=uuid.uuid4(), updated_at=LATER)]
    for state in ("intended", "sent", "open", "unknown"):
        assert realised(made(), "1", [orders[0], replace(orders[1], state=state)], []) is None
    found = realised(made(), "1", orders, [])
    assert found is not None
    assert found.at == LATER
    assert realised(made(), "1", [], []) is None


def test_prices_are_averages_in_the_direction_of_the_conversion() -> None:
    """0.04 BTC at 64,000 and 0.06 at 65,000 cost 6,460 USDT: 0.1 / 6,460 BTC for each."""
    found = result(filled("0.04", "64000", fee="2.56"), filled("0.06", "65000", fee="3.90"))
    assert found.price is not None
    assert found.price == Rate.of(Fraction(1, 64_600)).text
    assert found.price_after_fees == Rate.of(Fraction(10, 646_646)).text
    (leg,) = found.legs
    assert (leg.from_asset, leg.to_asset, leg.price) == ("USDT", "BTC", found.price)
    assert (leg.traded, leg.carried) == (AmountOut.units("BTC", 10**7), AmountOut.units("BTC", 0))


@pytest.mark.parametrize(
    ("price", "against"),
    [("64000", "0"), ("63936", "0.001001"), ("64064", "-0.001"), ("64000.0001", "-0.000001")],
)
def test_above_zero_is_more_than_was_promised_and_never_told_better_than_it_is(price: str, against: str) -> None:
    told = made().model_copy(update={"mid": "0.000015625"})
    found = result(filled("0.1", price), told=told, rate="0.000015625")
    assert (found.against_quoted, found.against_mid) == (against, against)


def test_the_best_single_venue_is_held_against_what_it_would_have_charged_with_its_fee() -> None:
    """`cheap` alone: (640 + 0.09 * 64,100) * 1.001 = 6,415.409 USDT for 0.1 BTC; `deep` alone is cheaper."""
    deep = Decimal("0.1") * 64010 * Decimal("1.002")
    cheap = (Decimal(640) + Decimal("0.09") * 64100) * Decimal("1.001")
    best = Decimal("0.1") / min(deep, cheap)
    found = result(filled("0.1", "64000", fee="6.4"))
    assert found.best_single is not None
    assert abs(Decimal(found.best_single) / best - 1) < Decimal("1e-15")
    assert found.against_best_single is not None
    ours = Decimal("0.1") / Decimal("6406.4")
    assert Decimal(0) <= ours / best - 1 - Decimal(found.against_best_single) < Decimal("0.000001")


def test_a_fee_in_what_was_bought_is_less_of_it() -> None:
    found = result(filled("0.1", "64000", fee="0.0001", fee_asset="BTC"))
    assert found.price_after_fees is not None
    assert abs(Decimal(found.price_after_fees) * 6400 - Decimal("0.0999")) < Decimal("1e-15")


def test_with_a_fee_in_a_third_asset_nothing_is_said_after_fees() -> None:
    found = result(filled("0.1", "64000", fee="0.01", fee_asset="BNB"))
    assert found.price is not None
    assert (found.price_after_fees, found.against_best_single) == (None, None)


def test_what_was_traded_nowhere_is_carried_and_has_no_price() -> None:
    found = result()
    assert (found.price, found.against_quoted, found.against_mid, found.against_best_single) == (None,) * 4
    assert found.legs[0].carried == AmountOut.units("BTC", 10**7)
    some = result(filled("0.04", "64000"))
    assert some.legs[0].carried == AmountOut.units("BTC", 6 * 10**6)
    assert some.price is not None


def test_where_no_venue_could_take_the_whole_size_there_is_no_best_single() -> None:
    told = made()
    leg = told.route[0]
    alone = [one.model_copy(update={"amount": None, "hindered": "too_thin"}) for one in leg.alternatives]
    told = told.model_copy(update={"route": [leg.model_copy(update={"alternatives": alone})]})
    found = result(filled("0.1", "64000"), told=told)
    assert (found.best_single, found.against_best_single) == (None, None)


def test_over_two_markets_prices_follow_each_other() -> None:
    """USDT to BTC at 64,000, then BTC to ETH at 20 for each: 0.0003125 ETH for a USDT."""
    first = made()
    second = first.route[0].model_copy(
        update={"given": AmountOut.units("BTC", 10**7), "got": AmountOut.units("ETH", 2 * 10**18), "alternatives": []}
    )
    told = first.model_copy(update={"route": [first.route[0], second]})
    orders: Any = [AnOrder(), AnOrder(base_asset="ETH", quote_asset="BTC", base_units=2 * 10**18)]
    fills: Any = [(filled("0.1", "64000"), orders[0]), (filled("2", "0.05", fee_asset="BTC"), orders[1])]
    found = realised(told, "0.0003125", orders, fills)
    assert found is not None
    assert (found.price, found.against_quoted) == ("0.0003125", "0")
    assert [leg.price for leg in found.legs] == ["0.000015625", "20"]
    assert realised(told, "0.0003125", orders, fills[:1]).price is None  # type: ignore[union-attr]
