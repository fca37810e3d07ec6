"""Streams over real sockets: what is followed is the server's book, through everything that can be broken on the way."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.applications import Starlette

from tests.venues.streaming import NAMES, Market, talk_of
from tidegate import websocket
from tidegate.http import MIB
from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.feeds import FEEDS, Movers
from tidegate.venues import follow
from tidegate.venues.follow import Follower, Habits
from tidegate.venues.port import Book, VenueUnavailable
from tidegate.venues.talk import Talk

VENUES = ["binance", "coinbase", "kraken"]
ROOTS = {"binance": "", "coinbase": "", "kraken": "/v2"}
SOON = 10.0


@dataclass
class Exchange:
    """All three streams of one market, on one port."""

    market: Market
    movers: Movers
    faults: Faults
    port: int = 0
    server: uvicorn.Server | None = None
    serving: "asyncio.Task[None] | None" = None

    async def up(self) -> None:
        streams = [one for made in FEEDS.values() for one in made(self.market, self.movers, self.faults)]
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            Starlette(routes=streams),
            ws="websockets-sansio",
            lifespan="off",
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.serving = asyncio.create_task(self.server.serve(sockets=[listener]))
        await until(lambda: self.server is not None and self.server.started)

    async def down(self) -> None:
        assert self.server is not None and self.serving is not None
        self.server.should_exit = True
        await self.serving

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def move(self) -> None:
        self.market.move()
        self.movers.tell()

    def same(self, venue: str, follower: Follower) -> bool:
        """Whether every book is there and is the market's."""
        for name, symbol in NAMES[venue].items():
            found, wanted = follower.book(symbol), self.market.shown(name, symbol)
            if found is None or (found.bids, found.asks) != (wanted.bids, wanted.asks):
                return False
        return True


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Exchange]:
    made = Exchange(Market(random.Random(1)), Movers(), Faults())
    await made.up()
    yield made
    await made.down()


@pytest.fixture
def exchange(shared: Exchange, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    monkeypatch.setattr(follow, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(follow, "LOOK_SECONDS", 0.05)
    shared.faults.on.clear()
    return shared


def follower(exchange: Exchange, venue: str, *, silence: float = 30, lifetime: float = 3600) -> Follower:
    symbols = list(NAMES[venue].values())

    async def begin() -> Talk:
        return talk_of(venue, symbols)

    async def fetch(symbol: str) -> Book:
        return exchange.market.shown(next(name for name, called in NAMES[venue].items() if called == symbol), symbol)

    habits = Habits(silence=silence, lifetime=lifetime, max_bytes=MIB)
    return Follower(exchange.url + ROOTS[venue], begin, name=venue, symbols=symbols, habits=habits, fetch=fetch)


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():
            await asyncio.sleep(0.005)


class running:  # noqa: N801  reads as a verb
    def __init__(self, follower: Follower) -> None:
        self.follower = follower

    async def __aenter__(self) -> Follower:
        self.task = asyncio.create_task(self.follower.run())
        return self.follower

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        assert self.task.cancelled()


async def test_a_followed_book_is_the_venues_own_and_moves_with_it(exchange: Exchange, venue: str) -> None:
    async with running(follower(exchange, venue)) as followed:
        await until(lambda: exchange.same(venue, followed))
        for _ in range(20):
            heard = asyncio.create_task(followed.moved())
            await asyncio.sleep(0)
            exchange.move()
            await asyncio.wait_for(heard, SOON)
            await until(lambda: exchange.same(venue, followed))
    assert followed.book(NAMES[venue]["BTCUSDT"]) is None  # nobody listens any more


@pytest.mark.parametrize("fault", ["gap", "checksum", "cut", "truncated", "packed", "huge"])
async def test_whatever_is_broken_on_the_way_the_book_ends_equal_to_the_servers(
    exchange: Exchange, venue: str, fault: str
) -> None:
    async with running(follower(exchange, venue)) as followed:
        await until(lambda: exchange.same(venue, followed))
        exchange.faults.switch(f"venue_stream_{fault}", True, times=1)
        exchange.move()
        await until(lambda: not exchange.faults.on)
        # A loss shows with the next change of that book.
        for _ in range(3):
            exchange.move()
            exchange.move()
            await until(lambda: exchange.same(venue, followed))


async def test_a_stream_that_falls_silent_is_given_up_and_found_again(exchange: Exchange, venue: str) -> None:
    async with running(follower(exchange, venue, silence=0.2)) as followed:
        symbol = NAMES[venue]["BTCUSDT"]
        await until(lambda: followed.book(symbol) is not None)
        exchange.faults.switch("venue_stream_silent", True)
        exchange.move()
        if venue != "binance":  # whose book comes by another way and is as old as it says
            await until(lambda: followed.book(symbol) is None)
        exchange.faults.switch("venue_stream_silent", False)
        exchange.move()
        exchange.move()
        await until(lambda: exchange.same(venue, followed))


async def test_a_connection_is_replaced_before_its_time_is_over_and_no_moment_lacks_a_book(
    exchange: Exchange, venue: str
) -> None:
    async with running(follower(exchange, venue, lifetime=0.15)) as followed:
        await until(lambda: exchange.same(venue, followed))
        links: set[int] = set()
        async with asyncio.timeout(SOON):
            while len(links) < 4:
                links.add(id(followed._link))
                exchange.move()
                await asyncio.sleep(0.01)
                assert all(followed.book(symbol) is not None for symbol in NAMES[venue].values())
        await until(lambda: exchange.same(venue, followed))


async def test_a_successor_that_tells_less_does_not_take_over(
    exchange: Exchange, venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "WHOLE_SECONDS", 0.3)
    followed = follower(exchange, venue, lifetime=0.2)
    async with running(followed):
        await until(lambda: exchange.same(venue, followed))
        first, begun = followed._link, asyncio.Event()

        async def fewer() -> Talk:
            begun.set()
            talk = talk_of(venue, ["ETHUSDT" if venue != "coinbase" else "ETH-USDT"])
            talk.steps.ladders.setdefault("never told", talk.steps.ladders[next(iter(talk.steps.ladders))])
            return talk

        followed._begin = fewer
        for _ in range(2):
            begun.clear()
            await asyncio.wait_for(begun.wait(), SOON)
        assert followed._link is first and exchange.same(venue, followed)


async def test_a_venue_that_is_away_is_tried_again_until_it_is_back(exchange: Exchange, venue: str) -> None:
    async with running(follower(exchange, venue)) as followed:
        await until(lambda: exchange.same(venue, followed))
        await exchange.down()
        await until(lambda: followed.book(NAMES[venue]["BTCUSDT"]) is None)
        exchange.market.move()
        await exchange.up()
        await until(lambda: exchange.same(venue, followed))


async def test_what_cannot_be_asked_for_delays_a_stream_and_does_not_end_it(exchange: Exchange) -> None:
    followed, away = follower(exchange, "binance"), 3
    begin, fetch = followed._begin, followed._fetch
    assert fetch is not None

    async def hesitant(symbol: str = "") -> Book | Talk:
        nonlocal away
        away -= 1
        if away >= 0:
            raise VenueUnavailable("not now")
        return await (fetch(symbol) if symbol else begin())

    followed._begin = hesitant  # type: ignore[assignment]
    async with running(followed):
        await until(lambda: exchange.same("binance", followed))
        away = 2
        followed._fetch = hesitant  # type: ignore[assignment]
        exchange.faults.switch("venue_stream_cut", True, times=1)
        exchange.move()
        await until(lambda: not exchange.faults.on and away <= 0)
        await until(lambda: exchange.same("binance", followed))


def test_pauses_are_random_below_a_bound_that_doubles_and_ends() -> None:
    for failures in (0, 1, 5, 40):
        bound = min(follow.LONGEST_PAUSE, follow.FIRST_PAUSE * 2**failures)
        drawn = [follow.pause(failures) for _ in range(200)]
        assert 0 <= min(drawn) < bound / 4 and bound * 3 / 4 < max(drawn) <= bound


# --- the door


@pytest.mark.parametrize(
    "url",
    [
        "ws://stream.example",
        "https://stream.example",
        "wss://user:word@stream.example",
        "wss://stream.example/?token=1",
        "wss://",
        "ws://127.0.0.1.example",
        "",
    ],
)
def test_only_encrypted_addresses_and_loopback_are_opened(url: str) -> None:
    with pytest.raises(ValueError):
        websocket.address(url)


def test_an_address_is_taken_without_its_last_slash() -> None:
    assert websocket.address("wss://ws.kraken.com/v2/") == "wss://ws.kraken.com/v2"
    assert websocket.address("ws://127.0.0.1:9000") == "ws://127.0.0.1:9000"


async def test_a_redirect_is_not_followed_and_a_closed_port_is_said_to_be(exchange: Exchange) -> None:
    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 302 Found\r\nlocation: {exchange.url}/v2\r\ncontent-length: 0\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    moved = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for url in (moved, f"{exchange.url}/nowhere", "ws://127.0.0.1:1"):
        with pytest.raises(websocket.Closed):
            async with websocket.opened(url, max_bytes=1000):
                pass
    server.close()
    await server.wait_closed()


async def test_no_compression_is_offered_and_a_message_beyond_the_bound_ends_the_connection(exchange: Exchange) -> None:
    async with websocket.opened(f"{exchange.url}/v2", max_bytes=300) as open_:
        assert open_._connection.protocol.extensions == []
        assert b"status" in await open_.receive()
        await open_.send('{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USDT"],"depth":100}}')
        with pytest.raises(websocket.Closed):
            await heard_out(open_)
        with pytest.raises(websocket.Closed):
            await open_.send("anything")


async def heard_out(open_: websocket.Socket) -> None:
    while True:
        await open_.receive()
