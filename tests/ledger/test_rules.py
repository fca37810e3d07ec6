"""What may be booked at all."""

import uuid

import pytest

from tidegate.ledger.rules import CHART, HOUSE, Side, Transfer, customer, house, transfers, venue

USER = uuid.uuid4()


@pytest.mark.parametrize(
    ("debit", "credit", "units"),
    [
        (customer(USER, "available", "BTC"), customer(USER, "held", "BTC"), 0),
        (customer(USER, "available", "BTC"), customer(USER, "held", "BTC"), -1),
        (customer(USER, "available", "BTC"), customer(USER, "held", "ETH"), 1),
        (customer(USER, "available", "BTC"), customer(USER, "available", "BTC"), 1),
    ],
)
def test_a_transfer_moves_at_least_a_unit_of_one_asset_between_two_accounts(
    debit: object, credit: object, units: int
) -> None:
    with pytest.raises(ValueError):
        Transfer(debit, credit, units, "test")  # type: ignore[arg-type]  # accounts, of every wrong pair


def test_wallets_stand_on_a_network_and_nothing_else_does() -> None:
    assert house("wallet:hot", "BTC", "bitcoin").place == "bitcoin"
    with pytest.raises(ValueError):
        house("wallet:hot", "BTC")
    with pytest.raises(ValueError):
        house("capital", "BTC", "bitcoin")
    assert venue("binance", "BTC").owner == HOUSE


def test_transfers_of_nothing_are_left_out() -> None:
    available, held = customer(USER, "available", "BTC"), customer(USER, "held", "BTC")
    assert transfers((available, held, 0, "none"), (held, available, 2, "some")) == (
        Transfer(held, available, 2, "some"),
    )


def test_what_we_have_and_spend_rises_by_debit_what_we_owe_and_earn_by_credit() -> None:
    debit = {name for name, kind in CHART.items() if kind.side is Side.DEBIT}
    assert debit == {
        "wallet:deposit", "wallet:hot", "wallet:cold", "venue", "in_transit", "receivable", "cost:network", "cost:venue"
    }  # fmt: skip
    assert [name for name, kind in CHART.items() if kind.overdraft] == ["liquidity"]
