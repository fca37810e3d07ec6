"""Our client against the running sandbox venue: what it sends, and what it makes of every kind of answer."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.running import Running
from tidegate.sandbox.process import free_port
from tidegate.venues import line as line_module
from tidegate.venues.binance import Binance
from tidegate.venues.binance.sign import signature
from tidegate.venues.port import OrderState, Placed, PlaceOutcome, Reason, Side, VenueUnavailable


def fresh() -> str:
    return str(uuid.uuid4())


async def take(client: Binance, side: Side, quantity: str, *, client_order_id: str | None = None) -> Placed:
    """An order deep enough into the book to be filled at once."""
    book = await client.book("BTCUSDT")
    best = book.asks[-1] if side is Side.BUY else book.bids[-1]
    return await client.place(
        client_order_id=client_order_id or fresh(),
        symbol="BTCUSDT",
        side=side,
        quantity=Decimal(quantity),
        price=best.price,
    )


async def held(client: Binance) -> dict[str, Decimal]:
    return {balance.asset: balance.free + balance.locked for balance in await client.balances()}


async def test_markets_name_the_pairs_of_assets_we_know(binance: Binance) -> None:
    markets = {market.symbol: market for market in await binance.markets()}
    assert set(markets) == {"BTCUSDT", "ETHUSDT", "ETHBTC", "USDCUSDT", "BTCUSDC", "ETHUSDC"}
    market = markets["BTCUSDT"]
    assert (market.base, market.quote, market.trading) == ("BTC", "USDT", True)
    assert (market.tick, market.lot, market.min_notional) == (Decimal("0.01"), Decimal("0.00001"), Decimal(5))


async def test_a_book_has_fifty_levels_a_side_around_the_price(binance: Binance) -> None:
    book = await binance.book("BTCUSDT", 50)
    assert len(book.bids) == len(book.asks) == 50
    assert Decimal(40_000) < book.bids[0].price < book.asks[0].price < Decimal(90_000)


async def test_a_buy_moves_exactly_what_its_fills_say(venue: Running, binance: Binance) -> None:
    before = await held(binance)
    placed = await take(binance, Side.BUY, "0.01")
    assert placed.outcome is PlaceOutcome.PLACED
    assert placed.order is not None
    assert placed.order.state is OrderState.FILLED
    fills = await binance.fills(venue_order_id=placed.order.venue_order_id, symbol="BTCUSDT")
    assert sum(fill.quantity for fill in fills) == placed.order.filled == Decimal("0.01")
    assert {fill.fee_asset for fill in fills} == {"BTC"}
    after = await held(binance)
    assert after["BTC"] - before["BTC"] == sum(fill.quantity - fill.fee for fill in fills)
    assert before["USDT"] - after["USDT"] == sum(fill.quote_quantity for fill in fills)


async def test_an_order_without_a_counterpart_is_cancelled_and_moves_nothing(binance: Binance) -> None:
    before = await held(binance)
    book = await binance.book("BTCUSDT")
    placed = await binance.place(
        client_order_id=fresh(), symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("0.01"), price=book.bids[-1].price
    )
    assert placed.order is not None
    assert (placed.order.state, placed.order.filled) == (OrderState.CANCELLED, Decimal(0))
    assert await held(binance) == before


async def test_a_thin_book_fills_a_part_and_says_so(venue: Running, binance: Binance) -> None:
    await venue.fault("venue_thin_book")
    placed = await take(binance, Side.SELL, "1")
    assert placed.order is not None
    assert placed.order.state is OrderState.PARTLY_FILLED
    assert Decimal(0) < placed.order.filled < Decimal(1)
    fills = await binance.fills(venue_order_id=placed.order.venue_order_id, symbol="BTCUSDT")
    assert sum(fill.quantity for fill in fills) == placed.order.filled


@pytest.mark.parametrize(
    ("quantity", "price", "reason"),
    [
        ("100", "64000.00", Reason.INSUFFICIENT_FUNDS),
        ("0.000001", "64000.00", Reason.INVALID_ORDER),  # lot
        ("0.01", "64000.001", Reason.INVALID_ORDER),  # tick
        ("0.00001", "64000.00", Reason.INVALID_ORDER),  # worth
        ("0.01", "1000000.00", Reason.INVALID_ORDER),  # too far from the market
        ("0.0000000001", "64000.00", Reason.INVALID_ORDER),  # precision
    ],
)
async def test_a_plain_no_is_refused_with_its_reason(
    binance: Binance, quantity: str, price: str, reason: Reason
) -> None:
    client_order_id = fresh()
    placed = await binance.place(
        client_order_id=client_order_id,
        symbol="BTCUSDT",
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(price),
    )
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, reason)
    assert await binance.find(client_order_id=client_order_id, symbol="BTCUSDT") is None


@pytest.mark.parametrize("bad", [Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
async def test_an_impossible_number_never_leaves_the_process(binance: Binance, bad: Decimal) -> None:
    with pytest.raises(ValueError):
        await binance.place(
            client_order_id=fresh(), symbol="BTCUSDT", side=Side.BUY, quantity=bad, price=Decimal(64000)
        )


async def test_small_numbers_are_sent_without_an_exponent(binance: Binance) -> None:
    placed = await binance.place(
        client_order_id=fresh(), symbol="ETHBTC", side=Side.SELL, quantity=Decimal("1E-1"), price=Decimal("4E-2")
    )
    assert placed.outcome is PlaceOutcome.PLACED


@pytest.mark.parametrize("fault", ["venue_timeout_after_accept", "venue_error_after_accept"])
async def test_an_order_whose_answer_is_lost_is_unknown_and_found_exactly_once(
    venue: Running, binance: Binance, fault: str
) -> None:
    before, orders = await held(binance), (await venue.books())["orders"]
    client_order_id = fresh()
    await venue.fault(fault, times=1, seconds=0.2)
    placed = await take(binance, Side.BUY, "0.002", client_order_id=client_order_id)
    assert placed.outcome is PlaceOutcome.UNKNOWN
    assert placed.order is None
    seen = await binance.find(client_order_id=client_order_id, symbol="BTCUSDT")
    assert seen is not None
    assert (seen.client_order_id, seen.state, seen.filled) == (client_order_id, OrderState.FILLED, Decimal("0.002"))
    fills = await binance.fills(venue_order_id=seen.venue_order_id, symbol="BTCUSDT")
    assert (await held(binance))["BTC"] - before["BTC"] == sum(fill.quantity - fill.fee for fill in fills)
    assert (await venue.books())["orders"] == orders + 1


async def test_a_read_timeout_of_ours_is_unknown(venue: Running) -> None:
    client = venue.client(timeout=0.5)
    client_order_id = fresh()
    await venue.fault("venue_timeout_after_accept", times=1, seconds=30)
    placed = await take(client, Side.BUY, "0.002", client_order_id=client_order_id)
    assert (placed.outcome, placed.reason) == (PlaceOutcome.UNKNOWN, Reason.NO_ANSWER)
    assert await client.find(client_order_id=client_order_id, symbol="BTCUSDT") is not None
    await client.close()


async def test_an_order_that_was_never_executed_is_unknown_and_found_nowhere(venue: Running, binance: Binance) -> None:
    client_order_id = fresh()
    await venue.fault("venue_error_before_accept", times=1)
    placed = await take(binance, Side.BUY, "0.002", client_order_id=client_order_id)
    assert placed.outcome is PlaceOutcome.UNKNOWN
    assert await binance.find(client_order_id=client_order_id, symbol="BTCUSDT") is None


async def test_a_caller_that_goes_away_does_not_take_its_order_back(venue: Running, binance: Binance) -> None:
    client_order_id = fresh()
    book = await binance.book("BTCUSDT")
    await binance.balances()  # the clock is measured: the next request is the order
    orders = (await venue.books())["orders"]
    placing = asyncio.create_task(
        binance.place(
            client_order_id=client_order_id,
            symbol="BTCUSDT",
            side=Side.BUY,
            quantity=Decimal("0.002"),
            price=book.asks[-1].price,
        )
    )
    await asyncio.sleep(0)  # it runs up to its first wait: the request is a task of its own by then
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    until = time.monotonic() + 10
    while (await venue.books())["orders"] == orders:
        assert time.monotonic() < until
    assert await binance.find(client_order_id=client_order_id, symbol="BTCUSDT") is not None


@pytest.mark.parametrize("fault", ["venue_down", "venue_html"])
async def test_a_venue_that_is_down_cannot_be_read_and_leaves_orders_unknown(
    venue: Running, binance: Binance, fault: str
) -> None:
    await binance.balances()
    await venue.fault(fault)
    reads: list[Callable[[], Awaitable[Any]]] = [
        binance.markets,
        binance.balances,
        lambda: binance.book("BTCUSDT"),
        lambda: binance.find(client_order_id=fresh(), symbol="BTCUSDT"),
        lambda: binance.fills(venue_order_id="1", symbol="BTCUSDT"),
        lambda: binance.cancel(client_order_id=fresh(), symbol="BTCUSDT"),
    ]
    for read in reads:
        with pytest.raises(VenueUnavailable):
            await read()
    placed = await binance.place(
        client_order_id=fresh(), symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("0.01"), price=Decimal(64000)
    )
    assert placed.outcome is PlaceOutcome.UNKNOWN


async def test_a_venue_that_cannot_be_reached_has_surely_not_acted() -> None:
    client = Binance(rest_url=f"http://127.0.0.1:{free_port()}", api_key="k", secret="s")
    with pytest.raises(VenueUnavailable):
        await client.book("BTCUSDT")
    placed = await client.place(
        client_order_id=fresh(), symbol="BTCUSDT", side=Side.BUY, quantity=Decimal(1), price=Decimal(1)
    )
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.NOT_CONNECTED)
    await client.close()


async def test_after_a_429_nothing_is_sent_until_its_time_has_passed(venue: Running, binance: Binance) -> None:
    await binance.balances()
    await venue.fault("venue_rate_limited", times=1, seconds=60)
    with pytest.raises(VenueUnavailable) as first:
        await binance.balances()
    assert first.value.retry_after == 60
    # The venue is well again, and is left alone all the same.
    with pytest.raises(VenueUnavailable) as second:
        await binance.book("BTCUSDT")
    assert second.value.retry_after is not None
    assert 50 < second.value.retry_after <= 60
    placed = await binance.place(
        client_order_id=fresh(), symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("0.01"), price=Decimal(64000)
    )
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.RATE_LIMITED)
    assert placed.retry_after is not None


async def test_a_clock_of_ours_that_is_wrong_is_measured_and_made_good(
    venue: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late:
        """Our clock, an hour slow."""

        monotonic = staticmethod(time.monotonic)
        time = staticmethod(time.time)

        @staticmethod
        def time_ns() -> int:
            return time.time_ns() - 3_600_000_000_000

    monkeypatch.setattr(line_module, "time", Late)
    client = venue.client()
    assert await client.balances()
    assert (await take(client, Side.BUY, "0.002")).outcome is PlaceOutcome.PLACED
    await client.close()


async def test_a_clock_that_jumps_is_measured_anew(venue: Running, binance: Binance) -> None:
    await binance.balances()
    binance._clock.offset_ms += 120_000
    assert await binance.balances()
    binance._clock.offset_ms += 120_000
    placed = await take(binance, Side.BUY, "0.002")
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.CLOCK)
    assert (await take(binance, Side.BUY, "0.002")).outcome is PlaceOutcome.PLACED


@pytest.mark.parametrize(("api_key", "secret"), [(None, "not it"), ("nobodysKey", None), ("", None)])
async def test_wrong_credentials_are_named_as_such(venue: Running, api_key: str | None, secret: str | None) -> None:
    client = venue.client(api_key=api_key, secret=secret)
    placed = await take(client, Side.BUY, "0.01")
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.CREDENTIALS)
    with pytest.raises(VenueUnavailable):
        await client.balances()
    await client.close()


async def test_a_key_that_may_only_read_cannot_trade(venue: Running) -> None:
    client = venue.client(2)
    assert await held(client) == {"USDT": Decimal(1000)}
    placed = await take(client, Side.BUY, "0.01")
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.CREDENTIALS)
    await client.close()


async def test_cancelling_what_is_done_or_unknown_is_no_error(binance: Binance) -> None:
    client_order_id = fresh()
    await take(binance, Side.BUY, "0.002", client_order_id=client_order_id)
    await binance.cancel(client_order_id=client_order_id, symbol="BTCUSDT")
    await binance.cancel(client_order_id=fresh(), symbol="BTCUSDT")


@asynccontextmanager
async def listener(answer: Callable[[bytes], bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that keeps the raw bytes of each request; no HTTP library in between."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        seen.append(head + await reader.readexactly(length))
        writer.write(answer(seen[-1]))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


def ok(value: Any, extra: bytes = b"") -> bytes:
    content = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nconnection: close\r\n%scontent-length: %d\r\n\r\n%s" % (extra, len(content), content)


async def test_exactly_the_signed_bytes_are_on_the_wire() -> None:
    def answer(request: bytes) -> bytes:
        return ok({"serverTime": time.time_ns() // 1_000_000} if b"/time" in request else {"balances": []})

    async with listener(answer) as (url, seen):
        client = Binance(rest_url=url, api_key="key", secret="secret")
        await client.balances()
        await client.place(
            client_order_id=fresh(), symbol="BTCUSDT", side=Side.SELL, quantity=Decimal("0.1"), price=Decimal(5)
        )
        await client.close()
    _, account, order = seen
    query = account.split(b" ", 2)[1].partition(b"?")[2]
    body = order.partition(b"\r\n\r\n")[2]
    for payload in (query, body):
        payload, _, given = payload.rpartition(b"&signature=")
        assert given == signature(b"secret", payload)
    assert order.startswith(b"POST /api/v3/order HTTP/1.1\r\n")
    assert b"timeInForce=IOC" in body
    assert b"x-mbx-apikey: key" in order.lower()
    assert b"accept-encoding: identity" in order.lower()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"nonsense\r\n\r\n",
    ],
)
async def test_an_order_answered_with_less_than_an_answer_is_unknown(broken: bytes) -> None:
    def answer(request: bytes) -> bytes:
        return ok({"serverTime": time.time_ns() // 1_000_000}) if b"/time" in request else broken

    async with listener(answer) as (url, _):
        client = Binance(rest_url=url, api_key="key", secret="secret", timeout=2)
        placed = await client.place(
            client_order_id=fresh(), symbol="BTCUSDT", side=Side.SELL, quantity=Decimal("0.1"), price=Decimal(5)
        )
        await client.close()
    assert placed.outcome is PlaceOutcome.UNKNOWN
