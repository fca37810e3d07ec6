"""A client we did not write, stock ccxt, trading on the running sandbox venue."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.venues.running import ACCOUNTS, Running, running_venue

PAIR = "BTC/USDT"


@pytest.fixture(scope="module")
async def venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_venue(tmp_path_factory.mktemp("venue")) as running:
        yield running


def configured(made: Any, venue: Running) -> Any:
    url = venue.url
    made.urls["api"].update(public=f"{url}/api/v3", private=f"{url}/api/v3", sapi=f"{url}/sapi/v1")
    return made


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "apiKey": ACCOUNTS[1]["api_key"],
        "secret": ACCOUNTS[1]["secret"],
        "enableRateLimit": False,
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
        **changes,
    }


@pytest.fixture
def exchange(venue: Running) -> Iterator[Any]:
    made = configured(ccxt.binance(settings()), venue)
    made.session.trust_env = False
    yield made
    made.session.close()


async def call(method: Any, *words: Any, **named: Any) -> Any:
    """The synchronous ccxt, away from the loop."""
    return await asyncio.to_thread(method, *words, **named)


def amounts(balance: dict[str, Any]) -> dict[str, Decimal]:
    return {entry["asset"]: Decimal(entry["free"]) + Decimal(entry["locked"]) for entry in balance["info"]["balances"]}


async def test_markets_and_currencies_load(exchange: Any) -> None:
    markets = await call(exchange.load_markets)
    assert {"BTC/USDT", "ETH/USDT", "ETH/BTC", "USDC/USDT", "BTC/USDC", "ETH/USDC"} == set(markets)
    market = markets[PAIR]
    assert market["spot"]
    assert market["active"]
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert market["limits"]["cost"]["min"] == 5
    assert "USDT" in exchange.currencies


async def test_the_order_book_is_deep_and_sorted(exchange: Any) -> None:
    book = await call(exchange.fetch_order_book, PAIR, 100)
    assert len(book["bids"]) >= 50
    assert len(book["asks"]) >= 50
    assert book["bids"] == sorted(book["bids"], reverse=True)
    assert book["asks"] == sorted(book["asks"])
    assert book["bids"][0][0] < book["asks"][0][0]


async def test_tickers_agree_with_the_book(exchange: Any) -> None:
    book = await call(exchange.fetch_order_book, PAIR)
    ticker = await call(exchange.fetch_ticker, PAIR)
    assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    last = await call(exchange.fetch_last_prices, [PAIR])
    assert book["bids"][0][0] <= last[PAIR]["price"] <= book["asks"][0][0]
    assert (await call(exchange.fetch_status))["status"] == "ok"
    best = await call(exchange.fetch_bids_asks, [PAIR])
    assert best[PAIR]["ask"] == book["asks"][0][0]


async def test_a_limit_ioc_fills_within_the_book_and_pays_its_fee_in_the_received_asset(exchange: Any) -> None:
    before = amounts(await call(exchange.fetch_balance))
    book = await call(exchange.fetch_order_book, PAIR)
    client_id, limit = str(uuid.uuid4()), book["asks"][5][0]
    order = await call(
        exchange.create_order, PAIR, "limit", "buy", 0.05, limit, {"timeInForce": "IOC", "clientOrderId": client_id}
    )
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("closed", 0.05, client_id)
    assert book["asks"][0][0] <= order["average"] <= limit
    queried = await call(exchange.fetch_order, order["id"], PAIR)
    assert (queried["status"], queried["filled"], queried["cost"]) == ("closed", 0.05, order["cost"])
    by_client = await call(exchange.fetch_order, None, PAIR, {"origClientOrderId": client_id})
    assert by_client["id"] == order["id"]
    trades = await call(exchange.fetch_my_trades, PAIR, None, None, {"orderId": order["id"]})
    assert {trade["fee"]["currency"] for trade in trades} == {"BTC"}
    after = amounts(await call(exchange.fetch_balance))
    raw = [trade["info"] for trade in trades]
    assert sum(Decimal(one["qty"]) for one in raw) == Decimal("0.05")
    assert after["BTC"] - before["BTC"] == sum(Decimal(one["qty"]) - Decimal(one["commission"]) for one in raw)
    assert before["USDT"] - after["USDT"] == sum(Decimal(one["quoteQty"]) for one in raw)
    for one in raw:
        assert Decimal(one["commission"]) == (Decimal(one["qty"]) / 1000).quantize(Decimal("1e-8"), "ROUND_DOWN")


async def test_a_limit_ioc_without_a_counterpart_expires(exchange: Any) -> None:
    before = amounts(await call(exchange.fetch_balance))
    book = await call(exchange.fetch_order_book, PAIR)
    price = book["bids"][20][0]
    order = await call(exchange.create_order, PAIR, "limit", "buy", 0.05, price, {"timeInForce": "IOC"})
    assert (order["status"], order["filled"]) == ("expired", 0)
    assert (await call(exchange.fetch_order, order["id"], PAIR))["status"] == "expired"
    assert amounts(await call(exchange.fetch_balance)) == before


async def test_a_resting_order_locks_funds_and_its_cancel_frees_them(exchange: Any) -> None:
    before = (await call(exchange.fetch_balance))["USDT"]
    order = await call(exchange.create_order, PAIR, "limit", "buy", 0.1, 32000)
    assert order["status"] == "open"
    resting = (await call(exchange.fetch_balance))["USDT"]
    assert (resting["used"], resting["total"]) == (before["used"] + 3200, before["total"])
    assert order["id"] in {one["id"] for one in await call(exchange.fetch_open_orders, PAIR)}
    cancelled = await call(exchange.cancel_order, order["id"], PAIR)
    assert cancelled["status"] == "canceled"
    assert (await call(exchange.fetch_order, order["id"], PAIR))["status"] == "canceled"
    assert (await call(exchange.fetch_balance))["USDT"] == before
    with pytest.raises(ccxt.OrderNotFound):
        await call(exchange.cancel_order, order["id"], PAIR)


async def test_a_client_id_is_refused_only_while_its_order_is_open(exchange: Any) -> None:
    named = {"clientOrderId": str(uuid.uuid4())}
    order = await call(exchange.create_order, PAIR, "limit", "buy", 0.1, 32000, named)
    with pytest.raises(ccxt.ExchangeError, match="Duplicate order sent"):
        await call(exchange.create_order, PAIR, "limit", "buy", 0.1, 32000, named)
    await call(exchange.cancel_order, order["id"], PAIR)
    second = await call(exchange.create_order, PAIR, "limit", "buy", 0.1, 32000, named)
    assert second["id"] != order["id"]
    await call(exchange.cancel_order, second["id"], PAIR)


async def test_market_orders_by_quantity_and_by_worth(exchange: Any) -> None:
    sold = await call(exchange.create_order, PAIR, "market", "sell", 0.01)
    assert (sold["status"], sold["filled"]) == ("closed", 0.01)
    bought = await call(exchange.create_market_buy_order_with_cost, PAIR, 1000)
    assert bought["status"] == "closed"
    assert 999 < bought["cost"] <= 1000


async def test_more_than_there_is_is_insufficient_funds(exchange: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await call(exchange.create_order, PAIR, "limit", "buy", 1000, 64000, {"timeInForce": "IOC"})


async def test_an_order_below_the_minimum_is_invalid(exchange: Any) -> None:
    # ccxt says InvalidOrder only of hosts it knows; elsewhere the code alone decides.
    with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest), match="Filter failure: NOTIONAL"):
        await call(exchange.create_order, PAIR, "limit", "buy", 0.00002, 64000, {"timeInForce": "IOC"})


async def test_an_unknown_order_is_not_found(exchange: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        await call(exchange.fetch_order, "999999999", PAIR)


async def test_a_wrong_secret_is_an_authentication_error(exchange: Any) -> None:
    exchange.secret = "not the secret"
    with pytest.raises(ccxt.AuthenticationError):
        await call(exchange.fetch_balance)


async def test_an_unknown_key_is_an_authentication_error(exchange: Any) -> None:
    exchange.apiKey = "nobodysKey"
    with pytest.raises(ccxt.AuthenticationError):
        await call(exchange.fetch_balance)


@pytest.mark.parametrize("off_ms", [-60_000, 5_000])
async def test_a_timestamp_outside_the_window_is_an_invalid_nonce(exchange: Any, off_ms: int) -> None:
    exchange.nonce = lambda: int(time.time() * 1000) + off_ms
    with pytest.raises(ccxt.InvalidNonce):
        await call(exchange.fetch_balance)


async def test_a_rate_limit_and_an_outage_are_told_apart(exchange: Any, venue: Running) -> None:
    await call(exchange.load_markets)
    await venue.fault("venue_rate_limited", times=1)
    with pytest.raises((ccxt.DDoSProtection, ccxt.RateLimitExceeded)):
        await call(exchange.fetch_balance)
    await venue.fault("venue_down", times=1)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await call(exchange.fetch_balance)
    assert await call(exchange.fetch_balance)


async def test_the_asynchronous_ccxt_trades_as_well(venue: Running) -> None:
    exchange = configured(ccxt.async_support.binance(settings()), venue)
    try:
        await exchange.load_markets()
        book = await exchange.fetch_order_book("ETH/USDC")
        order = await exchange.create_order(
            "ETH/USDC", "limit", "sell", 0.5, book["bids"][-1][0], {"timeInForce": "IOC"}
        )
        assert order["status"] == "closed"
        assert {trade["fee"]["currency"] for trade in await exchange.fetch_my_trades("ETH/USDC")} == {"USDC"}
        resting = await exchange.create_order("ETH/USDC", "limit", "sell", 0.5, 5000)
        assert (await exchange.cancel_order(resting["id"], "ETH/USDC"))["status"] == "canceled"
    finally:
        await exchange.close()
