"""Answers of Binance as the port's types: recorded ones, and what is refused."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tidegate.venues.binance import parse
from tidegate.venues.body import Malformed
from tidegate.venues.port import OrderState, PlaceOutcome, Reason

ETHBTC = {
    "symbol": "ETHBTC",
    "status": "TRADING",
    "baseAsset": "ETH",
    "quoteAsset": "BTC",
    "isSpotTradingAllowed": True,
    "somethingNew": {"of": ["2027"]},
    "filters": [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.00001000",
            "maxPrice": "922327.00000000",
            "tickSize": "0.00001000",
        },
        {"filterType": "LOT_SIZE", "minQty": "0.00010000", "maxQty": "100000.00000000", "stepSize": "0.00010000"},
        {"filterType": "NOTIONAL", "minNotional": "0.00010000", "applyMinToMarket": True, "maxNotional": "9000000.0"},
        {"filterType": "A_FILTER_OF_TOMORROW"},
    ],
}
ORDER = {
    "symbol": "LTCUSDT",
    "orderId": 3397148653,
    "orderListId": -1,
    "clientOrderId": "0f6f7f6e-4a3a-4f1b-9d7b-0a1b2c3d4e5f",
    "price": "0.00000000",
    "origQty": "0.10000000",
    "executedQty": "0.10000000",
    "cummulativeQuoteQty": "9.08000000",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "SELL",
    "time": 1679571174472,
}
TRADE = {
    "symbol": "LTCUSDT",
    "id": 309520010,
    "orderId": 3784695242,
    "orderListId": -1,
    "price": "69.63000000",
    "qty": "0.20000000",
    "quoteQty": "13.92600000",
    "commission": "0.01392600",
    "commissionAsset": "USDT",
    "time": 1698138992358,
    "isBuyer": False,
    "isMaker": False,
    "isBestMatch": True,
}
CLIENT_ID = str(ORDER["clientOrderId"])


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def everything(_: str) -> bool:
    return True


def test_a_market_carries_its_grid_and_its_minimum() -> None:
    (market,) = parse.markets(body({"symbols": [ETHBTC]}), everything)
    assert (market.symbol, market.base, market.quote, market.trading) == ("ETHBTC", "ETH", "BTC", True)
    assert (market.tick, market.lot, market.min_quantity) == (Decimal("0.00001"), Decimal("0.0001"), Decimal("0.0001"))
    assert (market.max_quantity, market.min_notional) == (Decimal(100000), Decimal("0.0001"))


def test_a_market_rounds_to_its_own_grid_in_the_named_direction() -> None:
    (market,) = parse.markets(body({"symbols": [ETHBTC]}), everything)
    assert market.quantity_down(Decimal("1.00019")) == Decimal("1.0001")
    assert market.quantity_up(Decimal("1.00011")) == Decimal("1.0002")
    assert market.price_down(Decimal("0.048419")) == Decimal("0.04841")
    assert market.price_up(Decimal("0.048411")) == Decimal("0.04842")


def test_the_older_minimum_filter_is_understood() -> None:
    filters = [*ETHBTC["filters"][:2], {"filterType": "MIN_NOTIONAL", "minNotional": "0.5"}]  # type: ignore[index]
    (market,) = parse.markets(body({"symbols": [{**ETHBTC, "filters": filters}]}), everything)
    assert market.min_notional == Decimal("0.5")


def test_pairs_of_unknown_assets_are_left_out_whatever_their_shape() -> None:
    odd = {"baseAsset": "DOGE", "quoteAsset": "USDT"}
    assert parse.markets(body({"symbols": [odd]}), lambda code: code != "DOGE") == []


@pytest.mark.parametrize(
    "change", [{"status": "BREAK"}, {"status": "CANCEL_ONLY"}, {"isSpotTradingAllowed": False}, {"status": "NEW_WORD"}]
)
def test_a_market_that_is_not_open_is_not_trading(change: dict[str, Any]) -> None:
    (market,) = parse.markets(body({"symbols": [{**ETHBTC, **change}]}), everything)
    assert not market.trading


def test_a_book_keeps_the_order_and_the_exact_numbers() -> None:
    answer = (
        b'{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"],["3.9","1"]],"asks":[["4.00000200","12.0"]]}'
    )
    book = parse.book(answer, "X", 1.0)
    assert book.sequence == 1027024
    assert [level.price for level in book.bids] == [Decimal("4.00000000"), Decimal("3.9")]
    assert book.asks[0].quantity == Decimal("12.0")


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([["4", "1"]], [["4", "1"]]),  # crossed
        ([["3", "1"], ["4", "1"]], []),  # worst first
        ([], [["4", "1"], ["3", "1"]]),
        ([["4", "1"], ["4", "1"]], []),
        ([["4", "0"]], []),
        ([["-4", "1"]], []),
        ([["4e0", "1"]], []),
        ([["NaN", "1"]], []),
        ([[4.0, 1]], []),
        ([["4"]], []),
        ([["４", "1"]], []),
        (None, []),
    ],
)
def test_a_book_that_cannot_be_is_refused(bids: Any, asks: Any) -> None:
    with pytest.raises(Malformed):
        parse.book(body({"lastUpdateId": 1, "bids": bids, "asks": asks}), "X", 1.0)


def test_balances_are_read_free_and_locked() -> None:
    answer = {"balances": [{"asset": "BTC", "free": "1.50000000", "locked": "0.25000000", "more": 1}], "canTrade": True}
    (balance,) = parse.balances(body(answer))
    assert (balance.asset, balance.free, balance.locked) == ("BTC", Decimal("1.5"), Decimal("0.25"))


@pytest.mark.parametrize(
    ("status", "executed", "state"),
    [
        ("NEW", "0", OrderState.OPEN),
        ("PENDING_NEW", "0", OrderState.OPEN),
        ("PARTIALLY_FILLED", "0.05", OrderState.OPEN),
        ("PENDING_CANCEL", "0.05", OrderState.OPEN),
        ("FILLED", "0.1", OrderState.FILLED),
        ("CANCELED", "0.05", OrderState.PARTLY_FILLED),
        ("CANCELED", "0.00000000", OrderState.CANCELLED),
        ("EXPIRED", "0.05", OrderState.PARTLY_FILLED),
        ("EXPIRED", "0", OrderState.CANCELLED),
        ("EXPIRED_IN_MATCH", "0", OrderState.CANCELLED),
        ("REJECTED", "0", OrderState.REJECTED),
    ],
)
def test_each_status_has_its_state(status: str, executed: str, state: OrderState) -> None:
    seen = parse.order(body({**ORDER, "status": status, "executedQty": executed}))
    assert (seen.state, seen.filled, seen.venue_order_id) == (state, Decimal(executed), "3397148653")


@pytest.mark.parametrize(
    "change", [{"status": "SOMETHING"}, {"executedQty": "-1"}, {"executedQty": 0.1}, {"orderId": "1"}]
)
def test_an_order_that_cannot_be_read_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse.order(body({**ORDER, **change}))


@pytest.mark.parametrize("field", ["status", "executedQty", "orderId", "clientOrderId"])
def test_a_missing_field_is_refused(field: str) -> None:
    with pytest.raises(Malformed):
        parse.order(body({key: value for key, value in ORDER.items() if key != field}))


def test_trades_come_oldest_first_with_their_fee_as_the_venue_took_it() -> None:
    later = {**TRADE, "id": 309520011, "commission": "0.00001000", "commissionAsset": "BNB"}
    first, second = parse.fills(body([later, TRADE]), "3784695242")
    assert (first.trade_id, first.price, first.quantity) == ("309520010", Decimal("69.63"), Decimal("0.2"))
    assert (first.quote_quantity, first.fee, first.fee_asset) == (Decimal("13.926"), Decimal("0.013926"), "USDT")
    assert second.fee_asset == "BNB"


def test_a_trade_of_another_order_is_refused() -> None:
    with pytest.raises(Malformed):
        parse.fills(body([TRADE]), "1")


REFUSED, UNKNOWN = PlaceOutcome.REFUSED, PlaceOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "code", "message", "outcome", "reason"),
    [
        (400, -2010, "Account has insufficient balance for requested action.", REFUSED, Reason.INSUFFICIENT_FUNDS),
        (400, -2010, "Duplicate order sent.", UNKNOWN, Reason.DUPLICATE),
        (400, -2010, "Market is closed.", REFUSED, Reason.MARKET_CLOSED),
        (400, -2010, "Order would immediately match and take.", REFUSED, Reason.REFUSED),
        (400, -1013, "Filter failure: LOT_SIZE", REFUSED, Reason.INVALID_ORDER),
        (400, -1111, "Parameter 'quantity' has too much precision.", REFUSED, Reason.INVALID_ORDER),
        (400, -1100, "Illegal characters found", REFUSED, Reason.INVALID_ORDER),
        (400, -1121, "Invalid symbol.", REFUSED, Reason.INVALID_ORDER),
        (400, -1021, "Timestamp for this request is outside of the recvWindow.", REFUSED, Reason.CLOCK),
        (400, -1022, "Signature for this request is not valid.", REFUSED, Reason.CREDENTIALS),
        (401, -2014, "API-key format invalid.", REFUSED, Reason.CREDENTIALS),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", REFUSED, Reason.CREDENTIALS),
        (429, -1003, "Too much request weight used", REFUSED, Reason.RATE_LIMITED),
        (429, -1015, "Too many new orders", REFUSED, Reason.RATE_LIMITED),
        (418, -1003, "Way too much request weight used; IP banned", REFUSED, Reason.RATE_LIMITED),
        (400, -1008, "Server is currently overloaded", REFUSED, Reason.RATE_LIMITED),
        (503, -1008, "Server is currently overloaded", UNKNOWN, Reason.VENUE_ERROR),
        (400, -1000, "An unknown error occurred while processing the request.", UNKNOWN, Reason.VENUE_ERROR),
        (400, -1001, "Internal error; unable to process your request.", UNKNOWN, Reason.VENUE_ERROR),
        (400, -1006, "An unexpected response was received", UNKNOWN, Reason.VENUE_ERROR),
        (408, -1007, "Timeout waiting for response from backend server.", UNKNOWN, Reason.VENUE_ERROR),
        (500, -1000, "", UNKNOWN, Reason.VENUE_ERROR),
        (400, -9999, "A code nobody has seen", UNKNOWN, Reason.VENUE_ERROR),
    ],
)
def test_each_error_has_its_outcome(
    status: int, code: int, message: str, outcome: PlaceOutcome, reason: Reason
) -> None:
    placed = parse.placed(status, {}, body({"code": code, "msg": message}), CLIENT_ID)
    assert (placed.outcome, placed.reason, placed.order) == (outcome, reason, None)


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (200, b"<html>", UNKNOWN),
        (200, b"", UNKNOWN),
        (200, b"[" * 100_000, UNKNOWN),
        (200, b'{"orderId": 1}', UNKNOWN),
        (302, b"", UNKNOWN),
        (404, b"<html>no such page</html>", UNKNOWN),
        (502, b"<html>bad gateway</html>", UNKNOWN),
        (503, b"", UNKNOWN),
        (403, b"<html>blocked</html>", REFUSED),
    ],
)
def test_an_answer_that_is_not_the_protocol_is_never_taken_for_a_no(
    status: int, answer: bytes, outcome: PlaceOutcome
) -> None:
    assert parse.placed(status, {}, answer, CLIENT_ID).outcome is outcome


def test_a_placed_order_is_one_of_our_id() -> None:
    assert parse.placed(200, {}, body(ORDER), CLIENT_ID).outcome is PlaceOutcome.PLACED
    assert parse.placed(200, {}, body(ORDER), "another").outcome is UNKNOWN


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"retry-after": "7"}, 7.0),
        (418, {"retry-after": "259200"}, 259200.0),
        (429, {}, 60.0),
        (418, {"retry-after": "soon"}, 120.0),
        (400, {}, None),
    ],
)
def test_the_wish_to_be_left_alone_is_kept(status: int, headers: dict[str, str], expected: float | None) -> None:
    placed = parse.placed(status, headers, body({"code": -1003, "msg": "slow down"}), CLIENT_ID)
    assert placed.retry_after == expected
