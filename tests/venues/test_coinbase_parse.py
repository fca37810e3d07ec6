"""Coinbase's traps (venues.md section 4), one by one, on bodies as it sends them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.corpus import (
    CASES,
    CLIENT_ID,
    COINBASE_FILL,
    COINBASE_ORDER,
    COINBASE_PRODUCT,
    COINBASE_SEND,
    dump,
    everything,
    wanted,
)
from tidegate.venues.body import Malformed
from tidegate.venues.coinbase import parse, transfers
from tidegate.venues.port import OrderState, PlaceOutcome, Reason, WithdrawalState

SUCCESS = {
    "success": True,
    "failure_reason": "UNKNOWN_FAILURE_REASON",
    "order_id": "o1",
    "success_response": {"order_id": "o1", "product_id": "BTC-USD", "side": "BUY", "client_order_id": CLIENT_ID},
    "order_configuration": {"sor_limit_ioc": {"base_size": "10", "limit_price": "0.05"}},
}


def failed(**told: str) -> bytes:
    response = {"error": "UNKNOWN_FAILURE_REASON", "message": "", "error_details": "", **told}
    return dump(
        {
            "success": False,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": "",
            "error_response": response,
        }
    )


def test_a_product_has_tick_lot_and_minimums() -> None:
    (market,) = CASES["coinbase products"].read(dump(CASES["coinbase products"].value))
    assert (market.symbol, market.base, market.quote, market.trading) == ("BTC-USD", "BTC", "USD", True)
    assert (market.tick, market.lot) == (Decimal("0.01"), Decimal("0.00000001"))
    assert (market.max_quantity, market.min_notional) == (Decimal(3400), Decimal(1))


@pytest.mark.parametrize(
    "stop", ["trading_disabled", "is_disabled", "cancel_only", "post_only", "auction_mode", "view_only"]
)
def test_a_product_that_takes_no_orders_of_ours_is_not_trading(stop: str) -> None:
    (market,) = parse.markets(dump({"products": [{**COINBASE_PRODUCT, stop: True}]}), everything)
    assert not market.trading


def test_success_is_all_that_counts_and_an_accepted_order_has_no_fills() -> None:
    placed = parse.placed(200, None, dump(SUCCESS), CLIENT_ID)
    assert placed.outcome is PlaceOutcome.PLACED
    assert placed.order is not None
    assert (placed.order.venue_order_id, placed.order.state) == ("o1", OrderState.OPEN)
    newer = {key: value for key, value in SUCCESS.items() if key not in ("order_id", "failure_reason")}
    assert parse.placed(200, None, dump(newer), CLIENT_ID) == placed


def test_an_answer_that_names_another_order_is_unknown() -> None:
    assert parse.placed(200, None, dump(SUCCESS), "another").outcome is PlaceOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("told", "made", "reason"),
    [
        ({"error": "INSUFFICIENT_FUND"}, PlaceOutcome.REFUSED, Reason.INSUFFICIENT_FUNDS),
        ({"preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND"}, PlaceOutcome.REFUSED, Reason.INSUFFICIENT_FUNDS),
        ({"error": "UNSUPPORTED_ORDER_CONFIGURATION"}, PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ({"new_order_failure_reason": "INVALID_LIMIT_PRICE"}, PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ({"preview_failure_reason": "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"}, PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ({"error": "ORDER_ENTRY_DISABLED"}, PlaceOutcome.REFUSED, Reason.MARKET_CLOSED),
        ({}, PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
        ({"error": "OF_TOMORROW"}, PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
    ],
)
def test_a_failure_with_http_200_has_its_outcome(told: Any, made: PlaceOutcome, reason: Reason) -> None:
    placed = parse.placed(200, None, failed(**told), CLIENT_ID)
    assert (placed.outcome, placed.reason) == (made, reason)


@pytest.mark.parametrize(
    ("status", "value", "made", "reason"),
    [
        (400, {"error": "INVALID_ARGUMENT", "message": "x"}, PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        (401, "Unauthorized", PlaceOutcome.REFUSED, Reason.CREDENTIALS),
        (403, {"error": "PERMISSION_DENIED", "message": "x"}, PlaceOutcome.REFUSED, Reason.CREDENTIALS),
        (403, {"error": "unknown", "message": "Missing required scopes"}, PlaceOutcome.REFUSED, Reason.CREDENTIALS),
        (403, "<html>", PlaceOutcome.REFUSED, Reason.RATE_LIMITED),
        (429, {}, PlaceOutcome.REFUSED, Reason.RATE_LIMITED),
        (404, {"error": "NOT_FOUND"}, PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
        (500, {"error": "INVALID_ARGUMENT"}, PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
        (402, {"errors": [{"id": "two_factor_required"}]}, PlaceOutcome.REFUSED, Reason.NOT_ALLOWED),
        (401, {"errors": [{"id": "authentication_error"}]}, PlaceOutcome.REFUSED, Reason.CREDENTIALS),
    ],
)
def test_each_error_has_its_outcome(status: int, value: Any, made: PlaceOutcome, reason: Reason) -> None:
    told = parse.trouble(status, None, dump(value))
    assert (told.outcome, told.reason) == (made, reason)


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("PENDING", "0", OrderState.OPEN),
        ("CANCEL_QUEUED", "0", OrderState.OPEN),
        ("FILLED", "10", OrderState.FILLED),
        ("CANCELLED", "4", OrderState.PARTLY_FILLED),
        ("CANCELLED", "0", OrderState.CANCELLED),
        ("EXPIRED", "4", OrderState.PARTLY_FILLED),
        ("FAILED", "0", OrderState.REJECTED),
    ],
)
def test_an_order_has_its_state(status: str, filled: str, state: OrderState) -> None:
    seen = parse.order({**COINBASE_ORDER, "status": status, "filled_size": filled})
    assert (seen.client_order_id, seen.state, seen.filled) == (CLIENT_ID, state, Decimal(filled))


def test_a_status_that_says_nothing_is_refused() -> None:
    with pytest.raises(Malformed):
        parse.order({**COINBASE_ORDER, "status": "UNKNOWN_ORDER_STATUS"})


def test_a_fill_told_in_the_quote_asset_is_the_same_fill() -> None:
    ((_, plain),) = parse.fills({"fills": [COINBASE_FILL]}, "o1", "USDT")
    assert (plain.quantity, plain.quote_quantity, plain.fee_asset) == (Decimal(10), Decimal("3.92"), "USDT")
    told = {**COINBASE_FILL, "size": "3.92", "size_in_quote": True}
    assert parse.fills({"fills": [told]}, "o1", "USDT")[0][1] == plain


@pytest.mark.parametrize("change", [{"order_id": "o2"}, {"trade_type": "REVERSAL"}, {"trade_type": "CORRECTION"}])
def test_a_fill_that_is_not_plainly_ours_is_refused(change: Any) -> None:
    with pytest.raises(Malformed):
        parse.fills({"fills": [{**COINBASE_FILL, **change}]}, "o1", "USDT")


def test_candles_come_out_oldest_first() -> None:
    first, second = CASES["coinbase candles"].read(dump(CASES["coinbase candles"].value))
    assert (first.start, second.start) == (1639508400, 1639512000)
    assert (first.open, first.high, first.low, first.close) == (Decimal(2), Decimal(4), Decimal(1), Decimal(3))


def test_pages_that_go_round_are_refused() -> None:
    seen: set[str] = set()
    assert parse.following({"has_next": True, "cursor": "a"}, seen) == "a"
    with pytest.raises(Malformed):
        parse.following({"has_next": True, "cursor": "a"}, seen)
    assert parse.following({"has_next": False, "cursor": "b"}, seen) is None


@pytest.mark.parametrize("uri", ["https://evil.example/v2/accounts", "//evil.example", "/v2/users", 7])
def test_a_next_page_elsewhere_is_never_followed(uri: Any) -> None:
    with pytest.raises(Malformed):
        transfers.next_page(dump({"pagination": {"next_uri": uri}, "data": []}), set())


def test_the_primary_wallet_is_taken_where_there_are_several() -> None:
    entries: list[dict[str, Any]] = [
        {"id": "a", "currency": "BTC"},
        {"id": "b", "currency": {"code": "BTC"}, "primary": True},
    ]
    assert transfers.wallet(entries, "BTC") == "b"
    assert transfers.wallet(entries, "ETH") is None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", WithdrawalState.PENDING),
        ("completed", WithdrawalState.COMPLETED),
        ("failed", WithdrawalState.FAILED),
        ("canceled", WithdrawalState.FAILED),
    ],
)
def test_a_send_is_found_by_its_idem_and_its_amount_is_turned_round(status: str, state: WithdrawalState) -> None:
    (seen,) = transfers.withdrawals([{**COINBASE_SEND, "status": status}, {"idem": "other"}], wanted("0.5"))
    assert (seen.state, seen.amount, seen.fee, seen.txid) == (state, Decimal("0.5"), Decimal("0.0001"), "ab" * 32)


def test_cancelling_what_is_done_is_no_error_and_another_refusal_is() -> None:
    def result(**told: Any) -> bytes:
        return dump({"results": [{"success": False, "order_id": "o", **told}]})

    assert parse.cancel_refused(result(failure_reason="UNKNOWN_CANCEL_ORDER")) == ""
    assert parse.cancel_refused(result(failure_reason="COMMANDER_REJECTED_CANCEL_ORDER")).startswith("COMMANDER")
