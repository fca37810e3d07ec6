"""Candles and the live markets over HTTP: what is told, when, to how many, and what costs a venue a call."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from tests.auth.people import Person, build_app, problem
from tests.exchange.conftest import Room
from tests.venues.small import binance as small_binance
from tests.venues.small.binance import SmallBinance
from tests.venues.small.server import Server
from tidegate.auth.gate import open_gate
from tidegate.database import utcnow
from tidegate.exchange import rates, watch
from tidegate.exchange.routes import router
from tidegate.http import tls
from tidegate.markets import ticks
from tidegate.markets.books import Markets
from tidegate.venues.binance import Binance

SOON = 10.0
"""Seconds within which everything here has to happen."""


class Watcher:
    """Somebody signed in, through a real server: a stream is no stream in memory."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self.headers = http, {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/api/v1/exchange{path}", headers=self.headers)

    @asynccontextmanager
    async def watching(self, *markets: str) -> AsyncIterator["Told"]:
        asked = httpx.QueryParams([("market", one) for one in markets])
        path = f"/api/v1/exchange/markets/stream?{asked}"
        async with self.http.stream("GET", path, headers=self.headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Told(answer)


class Told:
    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """The next market that is told. EOFError at the end of the stream."""
        event = ""
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                if name == "data":
                    assert event == "market"
                    found: dict[str, Any] = json.loads(value)
                    return found
        raise EOFError

    async def until(self, market: str, **wanted: Any) -> dict[str, Any]:
        while True:
            found = await self.next()
            if found["market"] == market and all(found[name] == value for name, value in wanted.items()):
                return found


@pytest.fixture
async def ana(room: Room) -> AsyncIterator[Watcher]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = room.desk.settings.api.model_copy(update={"port": port, "public_url": f"http://localhost:{port}"})
    app = build_app(open_gate(room.desk.db, room.desk.settings.model_copy(update={"api": api})), router)
    app.state.exchange = room.desk
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(SOON):
        while not server.started:
            await asyncio.sleep(0.01)
    async with httpx.AsyncClient(verify=tls(), base_url=f"http://127.0.0.1:{port}", timeout=SOON) as http:
        person = await Person(http, "ana@demo.example").register()
        yield Watcher(http, (await person.token()).json()["access_token"])
    server.should_exit = True
    await serving


async def test_each_watched_market_is_told_at_once_and_then_when_it_moves(ana: Watcher, room: Room) -> None:
    await room.running.move("BTCUSDT", "64000")
    listed = {one["market"]: one for one in (await ana.get("/markets")).json()["items"]}
    async with ana.watching("BTC-USDT", "ETH-USDT") as told:
        first = {(one := await told.next())["market"]: one for _ in range(2)}
        assert set(first) == {"BTC-USDT", "ETH-USDT"}
        for name, one in first.items():
            assert set(one) == set(listed[name])
            assert one["sources"][0]["usable"] is True
            assert one["as_of"] is not None
        await room.running.move("BTCUSDT", "66000")
        moved = await told.until("BTC-USDT")
        while moved["mid"] == first["BTC-USDT"]["mid"]:
            moved = await told.until("BTC-USDT")
        assert moved["mid"].startswith(("65", "66"))


async def test_when_the_venue_goes_away_the_stream_says_that_the_price_is_not_to_be_used(
    ana: Watcher, room: Room
) -> None:
    room.desk.markets._max_age = 1.5
    async with ana.watching("BTC-USDT") as told:
        assert (await told.next())["mid"] is not None
        await room.running.fault("venue_down")
        gone = await told.until("BTC-USDT", mid=None)
        assert [(one["usable"], one["reason"]) for one in gone["sources"]] == [(False, "stale")]
        await room.running.fault("venue_down", False)
        back = await told.next()
        assert back["sources"][0]["usable"] is True


async def test_nobody_is_asked_about_a_market_that_nobody_watches(ana: Watcher, room: Room) -> None:
    asked: list[str] = []
    ask = room.desk.venues["binance"].book

    async def counting(symbol: str, depth: int = 100) -> Any:
        asked.append(symbol)
        return await ask(symbol, depth)

    room.desk.venues["binance"].book = counting  # type: ignore[method-assign]
    async with ana.watching("BTC-USDT") as told, ana.watching("BTC-USDT") as other:
        await told.next()
        await other.next()
        # Two seconds go by until a price that stands still is told again.
        await told.next()
        await other.next()
    assert set(asked) == {"BTCUSDT"}
    assert len(asked) <= 4
    async with asyncio.timeout(SOON):
        while room.desk.ticks._seated:
            await asyncio.sleep(0.05)


async def test_a_stream_ends_so_that_whoever_was_signed_out_does_not_come_back(
    ana: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LIFE_SECONDS", 0.3)
    async with ana.watching("BTC-USDT") as told:
        await told.next()
        with pytest.raises(EOFError):
            await told.next()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("market=BTC-XYZ", 422, "unknown_asset"),
        ("market=BTC", 422, "unknown_asset"),
        ("market=USDT-BTC", 404, "not_found"),
        ("market=%00-%00", 422, "unknown_asset"),
        ("", 422, "invalid_request"),
        ("&".join(["market=BTC-USDT"] * 9), 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_watched_is_refused_before_the_stream_begins(
    ana: Watcher, query: str, status: int, code: str
) -> None:
    assert problem(await ana.get(f"/markets/stream?{query}")) == (status, code)


async def test_too_many_streams_of_one_user_are_refused(ana: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "MOST_OF_ONE", 1)
    async with ana.watching("BTC-USDT") as told:
        await told.next()
        assert problem(await ana.get("/markets/stream?market=BTC-USDT")) == (503, "busy")


async def test_candles_of_what_is_not_traded_or_not_told_are_refused(ana: Watcher, room: Room) -> None:
    assert problem(await ana.get("/candles/BTC-XYZ")) == (422, "unknown_asset")
    assert problem(await ana.get("/candles/USDT-BTC")) == (404, "not_found")
    assert problem(await ana.get("/candles/BTC-USDT?interval=2h")) == (422, "invalid_request")
    assert problem(await ana.get("/candles/BTC-USDT?limit=301")) == (422, "invalid_request")
    await room.running.fault("venue_down")
    assert problem(await ana.get("/candles/BTC-USDT")) == (503, "venue_unavailable")


async def test_candles_are_told_newest_first_with_their_source_and_age(room: Room) -> None:
    server = Server(SmallBinance())
    await server.up()
    small = Binance(rest_url=server.url, timeout=5, api_key=small_binance.KEY, secret=small_binance.SECRET)
    desk = replace(room.desk, markets=Markets({"small": small}, room.desk.settings))
    found = await rates.candles(desk, "BTC-USDT", interval="1h", since=None, limit=3)
    assert [(one.open, one.high, one.low, one.close, one.volume) for one in found.items] == [
        ("64000", "64100", "63900", "64050", "1.5")
    ] * 3
    starts = [one.start for one in found.items]
    assert starts == sorted(starts, reverse=True)
    assert [one.symbol for one in found.sources] == ["BTCUSDT"]
    assert utcnow() - found.as_of < timedelta(seconds=SOON)
    since = starts[1]
    cut = await rates.candles(desk, "BTC-USDT", interval="1h", since=since, limit=100)
    assert [one.start for one in cut.items] == starts[:2]
    await small.close()
    await server.down()
