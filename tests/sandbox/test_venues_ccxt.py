"""A client we did not write, stock ccxt, on the sandbox venue of each exchange: every step, and every refusal."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.venues.sandbox import DIALECTS, HOUSE_BTC, Sandbox, pem, sandbox
from tidegate.sandbox.venue.prices import E8

PAIR = "BTC/USDT"
CLIENT_ID = {"binance": "clientOrderId", "coinbase": "client_order_id", "kraken": "clientOrderId"}
OTHER_SECRET = {"binance": "not the secret", "kraken": "bm90IHRoZSBzZWNyZXQ=", "coinbase": ""}


def stock(running: Sandbox, like: Any = None, **changes: Any) -> Any:
    """ccxt pointed at the venue, by configuration alone; `like` has loaded the markets already. Close it."""
    who, url = running.accounts[1], running.url
    options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
    told = {"apiKey": who.api_key, "secret": who.secret, "enableRateLimit": False, **changes}
    made = getattr(ccxt.async_support, running.dialect)(
        told | ({"options": options} if running.dialect == "binance" else {})
    )
    api = made.urls["api"]
    if running.dialect == "binance":
        api.update(public=f"{url}/api/v3", private=f"{url}/api/v3", sapi=f"{url}/sapi/v1")
    elif running.dialect == "kraken":
        api.update(public=url, private=url)
    else:
        api["rest"] = url
    if like is not None:
        made.set_markets_from_exchange(like)
    return made


@pytest.fixture(scope="module")
async def shops(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, tuple[Sandbox, Any]]]:
    """Each venue with one ccxt whose markets are loaded."""
    async with AsyncExitStack() as stack:
        found = {}
        for dialect in DIALECTS:
            opened = await stack.enter_async_context(sandbox(dialect, tmp_path_factory.mktemp(dialect)))
            exchange = stock(opened)
            stack.push_async_callback(exchange.close)
            await exchange.load_markets()
            found[dialect] = opened, exchange
        yield found


@pytest.fixture(params=DIALECTS)
def shop(request: pytest.FixtureRequest, shops: dict[str, tuple[Sandbox, Any]]) -> tuple[Sandbox, Any]:
    return shops[request.param]


@pytest.fixture
def venue(shop: tuple[Sandbox, Any]) -> Sandbox:
    return shop[0]


@pytest.fixture
def exchange(shop: tuple[Sandbox, Any]) -> Any:
    return shop[1]


def held(venue: Sandbox) -> dict[str, Decimal]:
    cells = venue.world.engine.balances[venue.accounts[1].name].items()
    return {asset: Decimal(free + locked) / E8 for asset, (free, locked) in cells}


async def buy(venue: Sandbox, exchange: Any, amount: float, price: float, client_id: str = "", **more: Any) -> Any:
    named = {CLIENT_ID[venue.dialect]: client_id or str(uuid.uuid4()), **more}
    return await exchange.create_order(PAIR, "limit", "buy", amount, price, named)


async def test_markets_come_with_their_grid_and_minimums(venue: Sandbox, exchange: Any) -> None:
    market, symbol = exchange.markets[PAIR], venue.world.prices.symbols["BTCUSDT"]
    assert {"BTC/USDT", "ETH/USDT", "ETH/BTC", "USDC/USDT", "BTC/USDC", "ETH/USDC"} <= set(exchange.markets)
    assert market["spot"] and market["active"]
    assert Decimal(str(market["precision"]["price"])) * E8 == symbol.tick
    assert Decimal(str(market["precision"]["amount"])) * E8 == symbol.step
    assert Decimal(str(market["limits"]["cost"]["min"])) * E8 == symbol.min_notional
    assert {"BTC", "ETH", "USDT", "USDC"} <= set(exchange.currencies)


async def test_the_book_is_the_venues(venue: Sandbox, exchange: Any) -> None:
    book = await exchange.fetch_order_book(PAIR, 50)
    bids, asks = venue.world.engine.book("BTCUSDT")
    for told, there in ((book["bids"], bids), (book["asks"], asks)):
        assert [Decimal(str(row[0])) * E8 for row in told[:20]] == [price for price, _ in there[:20]]


async def test_a_ticker_and_candles_can_be_read(exchange: Any) -> None:
    book = await exchange.fetch_order_book(PAIR)
    ticker = await exchange.fetch_ticker(PAIR)
    assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    candles = await exchange.fetch_ohlcv(PAIR, "1h", limit=5)
    assert len(candles) >= 5
    assert all(low <= min(first, last) and max(first, last) <= high for _, first, high, low, last, _ in candles)


async def test_a_limit_ioc_is_filled_within_the_book_and_costs_what_its_trades_say(
    venue: Sandbox, exchange: Any
) -> None:
    before, client_id = held(venue), str(uuid.uuid4())
    book = await exchange.fetch_order_book(PAIR)
    limit = book["asks"][5][0]
    made = await buy(venue, exchange, 0.05, limit, client_id, timeInForce="IOC")
    order = await exchange.fetch_order(made["id"], PAIR)
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("closed", 0.05, client_id)
    assert book["asks"][0][0] <= order["average"] <= limit
    trades = [one for one in await exchange.fetch_my_trades(PAIR) if one["order"] == made["id"]]
    after, paid = held(venue), sum(Decimal(str(one["cost"])) for one in trades)
    fees = {code: Decimal(0) for code in after}
    for one in trades:
        fees[one["fee"]["currency"]] += Decimal(str(one["fee"]["cost"]))
    assert sum(Decimal(str(one["amount"])) for one in trades) == Decimal("0.05")
    assert after["BTC"] - before["BTC"] == Decimal("0.05") - fees["BTC"]
    # Costs come out of floats there.
    assert abs(before["USDT"] - after["USDT"] - paid - fees["USDT"]) < Decimal("0.00001")
    assert sum(fees.values()) > 0


async def test_a_limit_ioc_without_a_counterpart_ends_and_moves_nothing(venue: Sandbox, exchange: Any) -> None:
    before, book = held(venue), await exchange.fetch_order_book(PAIR)
    made = await buy(venue, exchange, 0.05, book["bids"][20][0], timeInForce="IOC")
    order = await exchange.fetch_order(made["id"], PAIR)
    assert (order["status"] in ("expired", "canceled"), order["filled"]) == (True, 0)
    assert held(venue) == before


async def test_a_resting_order_locks_funds_and_its_cancel_frees_them(venue: Sandbox, exchange: Any) -> None:
    more = {"v3": True} if venue.dialect == "coinbase" else {}
    before = (await exchange.fetch_balance(more))["USDT"]
    made = await buy(venue, exchange, 0.1, 32000)
    resting = (await exchange.fetch_balance(more))["USDT"]
    assert 3200 <= resting["used"] - before["used"] < 3204
    assert resting["total"] == before["total"]
    assert made["id"] in {one["id"] for one in await exchange.fetch_open_orders(PAIR)}
    await exchange.cancel_order(made["id"], PAIR)
    assert (await exchange.fetch_order(made["id"], PAIR))["status"] == "canceled"
    assert (await exchange.fetch_balance(more))["USDT"] == before


async def test_a_withdrawal_takes_the_money_and_is_followed_to_its_end(venue: Sandbox, exchange: Any) -> None:
    before, funding = held(venue), venue.world.funding
    named = {"key": "house bitcoin"} if venue.dialect == "kraken" else {}
    asked = await exchange.withdraw("BTC", 0.25, HOUSE_BTC, None, named)
    assert asked["id"]
    (one,) = funding.of(venue.accounts[1].name)
    assert before["BTC"] - held(venue)["BTC"] == Decimal(one.amount + one.fee) / E8
    if venue.dialect == "coinbase":
        wallet = next(account for account in await exchange.fetch_accounts() if account["code"] == "BTC")

        async def listed() -> list[Any]:
            found: list[Any] = (await exchange.v2PrivateGetAccountsAccountIdTransactions({"account_id": wallet["id"]}))[
                "data"
            ]
            return [exchange.parse_transaction(one) for one in found]
    else:

        async def listed() -> list[Any]:
            found: list[Any] = await exchange.fetch_withdrawals("BTC")
            return found

    (seen,) = [one for one in await listed() if one["id"] == asked["id"]]
    assert (seen["status"], seen["address"]) == ("pending", HOUSE_BTC) or venue.dialect == "coinbase"
    funding.complete(one.id, "f" * 64, venue.world.now())
    (seen,) = [one for one in await listed() if one["id"] == asked["id"]]
    assert (seen["status"], seen["txid"]) == ("ok", "f" * 64)


async def test_more_than_there_is_is_insufficient_funds(venue: Sandbox, exchange: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await buy(venue, exchange, 1000, 64000, timeInForce="IOC")


async def test_a_client_id_that_is_in_use_makes_no_second_order(venue: Sandbox, exchange: Any) -> None:
    client_id, engine = str(uuid.uuid4()), venue.world.engine
    made = await buy(venue, exchange, 0.1, 32000, client_id)
    count = len(engine.orders)
    if venue.dialect == "coinbase":
        # There the order of that id is returned.
        assert (await buy(venue, exchange, 0.1, 32000, client_id))["id"] == made["id"]
    else:
        with pytest.raises(ccxt.ExchangeError, match=r"Duplicate order sent|cl_ord_id"):
            await buy(venue, exchange, 0.1, 32000, client_id)
    assert len(engine.orders) == count
    await exchange.cancel_order(made["id"], PAIR)


async def test_what_is_not_there_is_not_found(venue: Sandbox, exchange: Any) -> None:
    unknown = {"binance": "999999999", "coinbase": str(uuid.uuid4()), "kraken": "O00000-SANDX-000001"}[venue.dialect]
    kinds = {"binance": ccxt.OrderNotFound, "coinbase": ccxt.ExchangeError, "kraken": ccxt.InvalidOrder}
    with pytest.raises(kinds[venue.dialect], match=r"does not exist|was not found|Unknown order"):
        await exchange.fetch_order(unknown, PAIR)


async def test_a_wrong_secret_is_refused(venue: Sandbox, exchange: Any) -> None:
    stranger = stock(venue, exchange, secret=OTHER_SECRET[venue.dialect] or pem())
    try:
        # `EAPI:Invalid signature` is a plain ExchangeError in ccxt.
        kind = ccxt.ExchangeError if venue.dialect == "kraken" else ccxt.AuthenticationError
        with pytest.raises(kind):
            await stranger.fetch_balance()
    finally:
        await stranger.close()


async def test_a_stale_or_repeated_stamp_is_refused(venue: Sandbox, exchange: Any) -> None:
    late = stock(venue, exchange)
    try:
        if venue.dialect == "kraken":
            used = int(time.time() * 1000) + 1
            late.nonce = lambda: used
            await late.fetch_balance()
            with pytest.raises(ccxt.InvalidNonce):
                await late.fetch_balance()
        elif venue.dialect == "binance":
            late.nonce = lambda: int(time.time() * 1000) - 60_000
            with pytest.raises(ccxt.InvalidNonce):
                await late.fetch_balance()
        else:
            now = int(time.time())
            late.seconds = lambda: now - 200
            with pytest.raises(ccxt.AuthenticationError):
                await late.fetch_balance()
    finally:
        await late.close()


async def test_a_token_counts_once(shops: dict[str, tuple[Sandbox, Any]]) -> None:
    venue, exchange = shops["coinbase"]
    token = exchange.create_auth_token(int(time.time()), "GET", f"{venue.url}/api/v3/brokerage/accounts")
    again = stock(venue, exchange, headers={"Authorization": f"Bearer {token}"})
    try:
        assert await again.v3PrivateGetBrokerageAccounts()
        with pytest.raises(ccxt.AuthenticationError):
            await again.v3PrivateGetBrokerageAccounts()
    finally:
        await again.close()


async def test_one_call_too_many_is_told_apart_from_an_outage(venue: Sandbox, exchange: Any) -> None:
    for fault, kinds in (
        ("venue_rate_limited", (ccxt.DDoSProtection, ccxt.RateLimitExceeded)),
        ("venue_down", (ccxt.ExchangeNotAvailable,)),
    ):
        venue.fault(fault, times=1)
        with pytest.raises(kinds):
            await exchange.fetch_balance()
    assert await exchange.fetch_balance()


async def test_maintenance_stops_orders_in_the_venues_own_words(venue: Sandbox, exchange: Any) -> None:
    venue.fault("venue_maintenance")
    try:
        with pytest.raises(ccxt.BaseError, match=r"Market is closed|ORDER_ENTRY_DISABLED|Unavailable"):
            await buy(venue, exchange, 0.01, 64000, timeInForce="IOC")
    finally:
        venue.fault("venue_maintenance", False)
    assert (await exchange.fetch_order_book(PAIR))["bids"]


async def test_market_orders_by_quantity_and_by_worth(venue: Sandbox, exchange: Any) -> None:
    engine, name = venue.world.engine, venue.accounts[1].name
    await exchange.create_order(PAIR, "market", "sell", 0.01)
    sold = engine.orders_of(name, "BTCUSDT")[-1]
    assert (sold.status, sold.buys, sold.executed) == ("FILLED", False, E8 // 100)
    await exchange.create_market_buy_order_with_cost(PAIR, 1000)
    bought = engine.orders_of(name, "BTCUSDT")[-1]
    assert (bought.status, bought.buys) == ("FILLED", True)
    assert 999 * E8 < bought.quote_executed <= 1000 * E8


async def test_an_order_below_the_minimum_is_refused_in_the_venues_own_words(venue: Sandbox, exchange: Any) -> None:
    small = {"binance": 0.00002, "coinbase": 0.000001, "kraken": 0.00001}[venue.dialect]
    words = r"Filter failure: NOTIONAL|BASE_SIZE_TOO_SMALL|Order minimum not met"
    with pytest.raises(ccxt.ExchangeError, match=words):
        await buy(venue, exchange, small, 64000, timeInForce="IOC")


async def test_an_unknown_key_is_refused(venue: Sandbox, exchange: Any) -> None:
    stranger = stock(venue, exchange, apiKey="organizations/nobody" if venue.dialect == "coinbase" else "nobodysKey")
    try:
        with pytest.raises(ccxt.AuthenticationError):
            await stranger.fetch_balance()
    finally:
        await stranger.close()


async def test_a_key_that_may_only_look_trades_nothing(venue: Sandbox, exchange: Any) -> None:
    who = venue.accounts[2]
    reader = stock(venue, exchange, apiKey=who.api_key, secret=who.secret)
    try:
        assert await reader.fetch_balance()
        # ccxt's kind of error goes by the exchange's host, and this is another one.
        with pytest.raises(ccxt.BaseError, match=r"-2015|Missing required scopes|Permission denied"):
            await buy(venue, reader, 0.01, 64000, timeInForce="IOC")
    finally:
        await reader.close()
