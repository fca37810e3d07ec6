"""Kraken's traps (venues.md section 4), one by one, on bodies as it sends them."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.corpus import (
    CASES,
    CLIENT_ID,
    KRAKEN_ORDER,
    KRAKEN_PAIR,
    KRAKEN_WITHDRAWAL,
    NAMES,
    dump,
    envelope,
    everything,
    wanted,
)
from tidegate.venues.body import Malformed
from tidegate.venues.kraken import outcome, parse
from tidegate.venues.port import OrderState, PlaceOutcome, Reason, WithdrawalState


def case(name: str) -> Any:
    return CASES[name].read(dump(CASES[name].value))


def test_names_are_learnt_and_never_stripped_by_a_rule() -> None:
    told = {"XXBT": "XBT", "XXDG": "XDG", "ZUSD": "USD", "XTZ": "XTZ", "ZRX": "ZRX", "XXBT.F": "XBT.F"}
    names = parse.names(dump(envelope({key: {"altname": name} for key, name in told.items()})))
    found = [names.of(one) for one in ("XXBT", "XBT", "XXDG", "ZUSD", "XTZ", "ZRX", "XXBT.F", "NEW")]
    assert found == ["BTC", "BTC", "DOGE", "USD", "XTZ", "ZRX", "XBT.F", "NEW"]
    assert (names.theirs["BTC"], names.theirs["DOGE"]) == ("XBT", "XDG")


def test_a_market_has_tick_lot_and_minimums_also_in_older_answers() -> None:
    (market,) = case("kraken pairs")
    assert (market.symbol, market.base, market.quote, market.trading) == ("XBTUSDT", "BTC", "USDT", True)
    assert (market.tick, market.lot) == (Decimal("0.1"), Decimal("0.00000001"))
    assert (market.min_quantity, market.min_notional) == (Decimal("0.00005"), Decimal("0.5"))
    older = {key: value for key, value in KRAKEN_PAIR.items() if key not in ("tick_size", "costmin", "status")}
    (again,) = parse.markets(dump(envelope({"XBTUSDT": older})), NAMES, everything)
    assert again == replace(market, min_notional=Decimal(0))
    (halted,) = parse.markets(dump(envelope({"XBTUSDT": {**KRAKEN_PAIR, "status": "cancel_only"}})), NAMES, everything)
    assert not halted.trading


def test_the_only_key_counts_whatever_it_is_called() -> None:
    value = envelope({"XXBTZEUR": CASES["kraken depth"].value["result"]["XBTUSDT"]})
    assert parse.book(dump(value), "XBTEUR", 1.0).symbol == "XBTEUR"
    value["result"]["ANOTHER"] = value["result"]["XXBTZEUR"]
    with pytest.raises(Malformed):
        parse.book(dump(value), "XBTEUR", 1.0)


def test_balances_come_as_text_or_as_bare_numbers() -> None:
    bitcoin, dollars = case("kraken balances")
    assert (bitcoin.asset, bitcoin.free, bitcoin.locked) == ("BTC", Decimal(1), Decimal("0.5"))
    assert (dollars.asset, dollars.free) == ("USDT", Decimal("25435.21"))
    credit = {"XXBT": {"balance": "1", "hold_trade": "0.25", "credit": "2", "credit_used": "0.5"}}
    (lent,) = parse.balances(dump(envelope(credit)), NAMES)
    assert lent.free == Decimal("2.25")


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("pending", "0", OrderState.OPEN),
        ("open", "0.04", OrderState.OPEN),
        ("closed", "0.10000000", OrderState.FILLED),
        ("canceled", "0.04", OrderState.PARTLY_FILLED),  # what is left of an immediate-or-cancel order
        ("expired", "0.04", OrderState.PARTLY_FILLED),
        ("canceled", "0", OrderState.CANCELLED),
        ("canceled", "0.10000000", OrderState.FILLED),
    ],
)
def test_an_order_that_is_done_is_judged_by_what_was_filled(status: str, filled: str, state: OrderState) -> None:
    seen = parse.order("O1", {**KRAKEN_ORDER, "status": status, "vol_exec": filled})
    assert (seen.client_order_id, seen.state, seen.filled) == (CLIENT_ID, state, Decimal(filled))


def test_a_status_of_tomorrow_is_refused() -> None:
    with pytest.raises(Malformed):
        parse.order("O1", {**KRAKEN_ORDER, "status": "paused"})


def test_a_trade_carries_its_own_price_cost_and_fee() -> None:
    ((_, fill),) = case("kraken trades")
    assert (fill.trade_id, fill.price, fill.quantity) == ("TWA6QJ-ZO4EM-6QIHQJ", Decimal("71.05741"), Decimal("0.1"))
    assert (fill.quote_quantity, fill.fee, fill.fee_asset) == (Decimal("7.105741"), Decimal("0.018475"), "USDT")


def test_a_trade_of_another_order_is_refused() -> None:
    with pytest.raises(Malformed):
        parse.trades(dump(CASES["kraken trades"].value), "OTHER", "USDT")


@pytest.mark.parametrize(("oflags", "in_base"), [("fciq", False), ("fcib", True), ("post,fcib", True), ("", False)])
def test_the_fee_is_in_the_quote_asset_unless_the_order_says_base(oflags: str, in_base: bool) -> None:
    body = dump(envelope({"O1": {**KRAKEN_ORDER, "oflags": oflags}}))
    assert parse.trade_ids(body, "O1") == (["TWA6QJ-ZO4EM-6QIHQJ"], in_base)


@pytest.mark.parametrize(
    ("status", "more", "state"),
    [
        ("Initial", {}, WithdrawalState.PENDING),
        ("Settled", {}, WithdrawalState.PENDING),  # on chain, and not final there
        ("Success", {}, WithdrawalState.COMPLETED),
        ("Failure", {}, WithdrawalState.FAILED),
        ("Pending", {"status-prop": "canceled"}, WithdrawalState.FAILED),
        ("Pending", {"status-prop": "onhold"}, WithdrawalState.PENDING),
    ],
)
def test_a_withdrawal_is_found_by_address_and_amount(status: str, more: Any, state: WithdrawalState) -> None:
    body = dump(envelope([{**KRAKEN_WITHDRAWAL, "status": status, **more}]))
    (seen,) = parse.withdrawals(body, wanted("0.72485"), None)
    assert (seen.state, seen.amount, seen.fee) == (state, Decimal("0.72485"), Decimal("0.0002"))
    assert parse.withdrawals(body, wanted("0.72486"), None) == []
    assert parse.withdrawals(body, wanted("0.72486"), "FTQcuak-V6Za8qrPnhsTx47yYLz8Tg") == [seen]


def test_only_a_verified_address_of_the_own_list_has_a_key() -> None:
    def listed(**more: Any) -> bytes:
        return dump(envelope([{"address": "bc1q", "key": "house", "verified": True, **more}]))

    assert parse.allowed_key(listed(), "bc1q", "") == "house"
    assert parse.allowed_key(listed(), "bc1Q", "") is None
    assert parse.allowed_key(listed(verified=False), "bc1q", "") is None
    assert parse.allowed_key(listed(memo="7"), "bc1q", "") is None
    assert parse.allowed_key(listed(memo="7"), "bc1q", "7") == "house"


# --- errors, all of them with HTTP 200


@pytest.mark.parametrize(
    ("error", "made", "reason"),
    [
        ("EOrder:Insufficient funds", PlaceOutcome.REFUSED, Reason.INSUFFICIENT_FUNDS),
        ("EOrder:Order minimum not met", PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ("EOrder:Cost minimum not met", PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ("EOrder:Tick size check failed", PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ("EOrder:Rate limit exceeded", PlaceOutcome.REFUSED, Reason.RATE_LIMITED),
        ("EAPI:Invalid key", PlaceOutcome.REFUSED, Reason.CREDENTIALS),
        ("EAPI:Invalid signature", PlaceOutcome.REFUSED, Reason.CREDENTIALS),
        ("EAPI:Invalid nonce", PlaceOutcome.REFUSED, Reason.CLOCK),
        ("EGeneral:Permission denied", PlaceOutcome.REFUSED, Reason.CREDENTIALS),
        ("EGeneral:Temporary lockout", PlaceOutcome.REFUSED, Reason.RATE_LIMITED),
        ("EGeneral:Invalid arguments:volume", PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ("EQuery:Unknown asset pair", PlaceOutcome.REFUSED, Reason.INVALID_ORDER),
        ("EFunding:Unknown withdraw key", PlaceOutcome.REFUSED, Reason.NOT_ALLOWED),
        ("EGeneral:Invalid arguments:cl_ord_id", PlaceOutcome.UNKNOWN, Reason.DUPLICATE),
        ("EGeneral:Internal error", PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
        ("EService:Unavailable", PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
        ("EService:Busy", PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
        ("EService:Market in cancel_only mode", PlaceOutcome.UNKNOWN, Reason.MARKET_CLOSED),
        ("EService: Throttled: 1762820224", PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),  # the space is theirs
        ("EOrder:Something of tomorrow", PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR),
    ],
)
def test_each_error_has_its_outcome(error: str, made: PlaceOutcome, reason: Reason) -> None:
    told = outcome.trouble(200, {}, dump({"error": [error]}))
    assert told is not None
    assert (told.outcome, told.reason) == (made, reason)


def test_one_error_that_proves_nothing_outweighs_a_plain_no() -> None:
    told = outcome.trouble(200, {}, dump({"error": ["EOrder:Insufficient funds", "EService:Busy"]}))
    assert told is not None
    assert told.outcome is PlaceOutcome.UNKNOWN


def test_a_warning_is_no_failure() -> None:
    assert outcome.trouble(200, {}, dump({"error": ["WGeneral:Danger"], "result": {}})) is None
    assert parse.acknowledged(dump({"error": ["WOrder:Slow"], "result": {"txid": ["O1"]}})) == "O1"


def test_a_validated_order_has_no_id_and_is_none() -> None:
    with pytest.raises(Malformed):
        parse.acknowledged(json.dumps(envelope({"descr": {"order": "buy"}})).encode())


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ("EGeneral:Temporary lockout", 900),
        ("EAPI:Rate limit exceeded", 5),
        ("EService: Throttled: 1", 5),
        ("EOrder:Insufficient funds", None),
    ],
)
def test_what_asks_to_be_left_alone_says_for_how_long(error: str, seconds: float | None) -> None:
    assert outcome.one(error).retry_after == seconds
