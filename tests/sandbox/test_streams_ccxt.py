"""A client that we did not write follows the sandbox venues' streams: stock ccxt.pro, by configuration alone."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest

from tests.venues.sandbox import Sandbox, sandbox
from tidegate.sandbox.venue.prices import E8

SOON = 15.0


def stock(running: Sandbox) -> Any:
    """Close it."""
    who, url, stream = running.accounts[1], running.url, running.stream_url
    options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
    told = {"apiKey": who.api_key, "secret": who.secret, "enableRateLimit": False}
    made = getattr(ccxt.pro, running.dialect)(told | ({"options": options} if running.dialect == "binance" else {}))
    api = made.urls["api"]
    if running.dialect == "binance":
        api.update(public=f"{url}/api/v3", private=f"{url}/api/v3", sapi=f"{url}/sapi/v1")
        api["ws"]["spot"] = f"{stream}/ws"
    elif running.dialect == "kraken":
        api.update(public=url, private=url)
        api["ws"]["publicV2"] = stream
    else:
        api["rest"], api["ws"] = url, stream
    return made


@pytest.fixture(params=["binance", "coinbase", "kraken"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Sandbox, Any]]:
    async with sandbox(request.param, tmp_path) as running:
        exchange = stock(running)
        yield running, exchange
        await exchange.close()


@pytest.mark.slow
async def test_stock_ccxt_follows_a_book_through_its_moves(shop: tuple[Sandbox, Any]) -> None:
    running, exchange = shop
    world = running.world
    async with asyncio.timeout(SOON):
        first = await exchange.watch_order_book("BTC/USDT", 100 if running.dialect != "coinbase" else None)
        for _ in range(3):
            world.step()
            bids, asks = world.engine.book("BTCUSDT")
            wanted = [Decimal(side[0][0]) / E8 for side in (bids, asks)]
            while True:
                book = await exchange.watch_order_book("BTC/USDT", 100 if running.dialect != "coinbase" else None)
                if [Decimal(str(side[0][0])) for side in (book["bids"], book["asks"])] == wanted:
                    break
        assert first["symbol"] == "BTC/USDT"
        shown = [(Decimal(str(price)), Decimal(str(quantity))) for price, quantity, *_ in book["bids"][:50]]
        assert shown == [(Decimal(price) / E8, Decimal(quantity) / E8) for price, quantity in bids[:50]]
