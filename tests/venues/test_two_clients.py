"""Our client and stock ccxt take the same steps at each sandbox venue: what they send is compared, word by word."""

import re
import uuid
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.test_venues_ccxt import CLIENT_ID, PAIR, stock
from tests.venues.sandbox import DIALECTS, HOUSE_BTC, SYMBOLS, Sandbox, sandbox
from tidegate.sandbox.venue.dialect import Raw
from tidegate.sandbox.venue.heard import Log
from tidegate.venues.port import Side, Venue, Withdrawal

OWN = frozenset(
    {"timestamp", "signature", "nonce", "newClientOrderId", "client_order_id", "cl_ord_id", "orderId", "txid"}
)
"""What each request has of its own: moments, signatures and ids."""

NAMES: dict[tuple[str, str], dict[str, str]] = {
    ("binance", "balance"): {"omitZeroBalances": "ours: no line for each of hundreds of assets"},
    ("binance", "find"): {"origClientOrderId": "ours: by our own id", "orderId": "ccxt: by the venue's"},
    ("binance", "fills"): {"orderId": "ours: of one order", "limit": "ours: whole pages"},
    ("binance", "withdraw"): {
        "network": "ours: never the venue's choice",
        "withdrawOrderId": "ours: found again by it",
    },
    ("binance", "address"): {"network": "ours: never the venue's choice"},
    ("coinbase", "fills"): {
        "order_ids": "ours: of one order",
        "product_id": "ccxt: of a market",
        "limit": "ours: whole pages",
    },
    ("coinbase", "withdraw"): {"network": "ours: never the venue's choice", "idem": "ours: found again by it"},
    ("kraken", "place"): {
        "deadline": "ours: thrown away when late",
        "oflags": "ours: fees in the quote asset, said aloud",
    },
}
"""Parameters that only one of the two sends, and why."""
VALUES = {
    ("binance", "recvWindow"): "ours is half as long: an order that is late is better refused",
    ("kraken", "asset"): "two names of one asset",
    ("binance", "newOrderRespType"): "ccxt wants the fills at once, we ask for them by themselves",
}
PATHS = {
    ("kraken", "find"): "ccxt asks by the venue's id, ours is not known after a lost answer",
    ("kraken", "fills"): "ccxt reads a market's history, we read one order's trades",
}


async def ours(venue: Sandbox, client: Venue) -> dict[str, list[Any]]:
    """What each step sent."""
    symbol, heard = SYMBOLS[venue.dialect], venue.world.heard
    found: dict[str, list[Any]] = {}
    await client.markets()
    await client.prepare()
    seen = heard.since(0)[-1]["number"]

    def noted(step: str) -> None:
        nonlocal seen
        found[step] = heard.since(seen)
        seen = found[step][-1]["number"]

    book = await client.book(symbol, 50)
    noted("book")
    await client.balances()
    noted("balance")
    client_id = str(uuid.uuid4())
    named = {"client_order_id": client_id, "symbol": symbol, "side": Side.BUY}
    placed = await client.place(**named, quantity=Decimal("0.05"), price=book.asks[5].price)  # type: ignore[arg-type]
    noted("place")
    await client.find(client_order_id=client_id, symbol=symbol)
    noted("find")
    assert placed.order is not None
    await client.fills(venue_order_id=placed.order.venue_order_id, symbol=symbol)
    noted("fills")
    await client.withdraw(Withdrawal(str(uuid.uuid4()), "BTC", "bitcoin", HOUSE_BTC, Decimal("0.25")))
    noted("withdraw")
    await client.deposit_address("BTC", "bitcoin")
    noted("address")
    return found


async def theirs(venue: Sandbox, exchange: Any, price: float) -> dict[str, list[Any]]:
    heard, dialect = venue.world.heard, venue.dialect
    found: dict[str, list[Any]] = {}
    await exchange.load_markets()
    seen = heard.since(0)[-1]["number"]

    def noted(step: str) -> None:
        nonlocal seen
        found[step] = heard.since(seen)
        seen = found[step][-1]["number"]

    await exchange.fetch_order_book(PAIR, 50)
    noted("book")
    await exchange.fetch_balance({"v3": True} if dialect == "coinbase" else {})
    noted("balance")
    named = {CLIENT_ID[dialect]: str(uuid.uuid4()), "timeInForce": "IOC"}
    made = await exchange.create_order(PAIR, "limit", "buy", 0.05, price, named)
    noted("place")
    await exchange.fetch_order(made["id"], PAIR)
    noted("find")
    await exchange.fetch_my_trades(PAIR)
    noted("fills")
    await exchange.withdraw("BTC", 0.25, HOUSE_BTC, None, {"key": "house bitcoin"} if dialect == "kraken" else {})
    noted("withdraw")
    if dialect != "coinbase":  # there ccxt makes a new address for each question
        await exchange.fetch_deposit_address("BTC", {"new": "true"} if dialect == "kraken" else {})
        noted("address")
    return found


def path(one: dict[str, Any]) -> tuple[str, str]:
    """Without the ids that are in it."""
    return one["method"], re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", one["path"])


def sent(one: dict[str, Any]) -> dict[str, str]:
    return dict([*one["query"], *one["body"]])


def same(first: str, second: str) -> bool:
    try:
        return Decimal(first) == Decimal(second)
    except InvalidOperation:
        return first == second


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_both_send_the_same_but_for_what_is_explained(dialect: str, tmp_path: Path) -> None:
    async with sandbox(dialect, tmp_path) as venue:
        client, exchange = venue.client(), stock(venue)
        try:
            price = venue.world.engine.book("BTCUSDT")[1][5][0]
            mine = await ours(venue, client)
            other = await theirs(venue, exchange, price / 10**8)
        finally:
            await client.close()
            await exchange.close()
    assert {one["account"] for one in mine["place"]} == {"house"}
    assert {one["account"] for one in other["place"]} == {"spare"}
    for step, their_requests in other.items():
        a, b = mine[step][-1], their_requests[-1]
        if (dialect, step) in PATHS:
            assert path(a) != path(b), "no longer to be explained"
            continue
        assert path(a) == path(b), (dialect, step)
        a_sent, b_sent = sent(a), sent(b)
        assert a_sent.keys() ^ b_sent.keys() == NAMES.get((dialect, step), {}).keys(), (dialect, step)
        for name in (a_sent.keys() & b_sent.keys()) - OWN:
            alike = same(a_sent[name], b_sent[name])
            assert alike is not ((dialect, name) in VALUES), (dialect, step, name, a_sent[name], b_sent[name])


def test_secrets_are_not_in_the_log() -> None:
    """By name, and whatever their case."""
    log = Log()
    headers = {"x-mbx-apikey": "KEY", "authorization": "Bearer T", "api-sign": "S", "api-key": "KEY", "user-agent": "x"}
    log.take(Raw("POST", "/x", b"a=1&signature=SECRET", b'{"otp": "123456", "b": {"c": [1]}}', headers, "", {}))
    (one,) = log.since(0)
    assert not re.search(r"KEY|SECRET|123456|Bearer", repr(one))
    assert (one["query"][0], one["body"][1]) == (("a", "1"), ("b.c[]", "1"))
