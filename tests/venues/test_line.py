"""The way to a venue: our share of calls, the venue's wishes, the breaker; and what each client adds to it."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from jose import jwt

from tests.venues.small.world import SmallWorld
from tests.venues.test_contract import binance_world, coinbase_world, kraken_world
from tidegate.config import QuoteSettings
from tidegate.http import MIB
from tidegate.venues import line as line_module
from tidegate.venues.line import Budget, Line
from tidegate.venues.port import PlaceOutcome, Reason, Side, VenueUnavailable, Withdrawal


class Frozen:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_share_is_used_up_and_comes_back_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Frozen()
    monkeypatch.setattr(line_module, "time", clock)
    budget = Budget(10, 2)
    assert [budget.take(4, urgent=False) for _ in range(2)] == [0, 0]
    assert budget.take(1, urgent=False) == 0.5  # the last fifth is kept for orders and the search for them
    assert budget.take(2, urgent=True) == 0
    assert budget.take(1, urgent=True) == 0.5
    clock.now += 0.5
    assert budget.take(1, urgent=True) == 0


def test_the_venues_own_count_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "time", Frozen())
    budget = Budget(100, 10)
    budget.told(100)
    assert budget.take(5, urgent=True) == 0.5
    budget.told(0, limit=6)
    assert budget.take(5, urgent=True) == 0
    assert budget.take(100, urgent=True) > 0  # heavier than the whole: alone, when nothing else was used


@pytest.fixture
async def kraken() -> AsyncIterator[SmallWorld]:
    async with kraken_world() as world:
        yield world


@pytest.fixture
async def coinbase() -> AsyncIterator[SmallWorld]:
    async with coinbase_world() as world:
        yield world


@pytest.fixture
async def binance() -> AsyncIterator[SmallWorld]:
    async with binance_world() as world:
        yield world


@pytest.fixture(params=[binance_world, coinbase_world, kraken_world], ids=["binance", "coinbase", "kraken"])
async def each(request: pytest.FixtureRequest) -> AsyncIterator[SmallWorld]:
    async with request.param() as world:
        yield world


async def test_the_weight_that_binance_tells_stops_reading_before_it_earns_a_ban(binance: SmallWorld) -> None:
    small: Any = binance.server.venue
    await binance.venue.markets()
    small.weight = 6000
    await binance.venue.book("BTCUSDT")
    asked = len(binance.server.seen)
    with pytest.raises(VenueUnavailable) as told:
        await binance.venue.book("BTCUSDT")
    assert told.value.retry_after is not None
    assert told.value.retry_after > 1
    assert len(binance.server.seen) == asked


async def test_only_one_call_finds_out_whether_a_broken_way_is_mended(kraken: SmallWorld) -> None:
    line: Line = kraken.venue._line  # type: ignore[attr-defined]
    await kraken.down()
    for _ in range(line_module.BREAKS_AFTER):
        with pytest.raises(VenueUnavailable):
            await line.read("GET", "/0/public/Time")
    await kraken.up()
    line._broken_until = 0.0
    asked = len(kraken.server.seen)
    answers = await asyncio.gather(*(line.read("GET", "/0/public/Time") for _ in range(5)), return_exceptions=True)
    assert [isinstance(one, VenueUnavailable) for one in answers].count(False) == 1
    assert len(kraken.server.seen) == asked + 1


async def test_krakens_nonces_arrive_rising_though_callers_go_away(kraken: SmallWorld) -> None:
    """The small venue refuses a nonce that is not above the last one."""
    calls = [asyncio.ensure_future(kraken.venue.balances()) for _ in range(12)]
    await asyncio.sleep(0)
    for call in calls[::3]:
        call.cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [one for one in answers if isinstance(one, VenueUnavailable)] == []
    nonces = [int(one.form["nonce"]) for one in kraken.server.seen if one.path == "/0/private/BalanceEx"]
    assert nonces == sorted(set(nonces))


async def test_another_process_with_the_same_kraken_key_costs_a_reader_one_more_try(kraken: SmallWorld) -> None:
    small: Any = kraken.server.venue
    await kraken.venue.balances()
    client: Any = kraken.venue
    calls = client._calls
    small.last_nonce = calls._nonce + 1_000_000
    calls._nonce += 999_999
    assert await kraken.venue.balances()


async def test_krakens_wrong_nonce_refuses_an_order_and_nothing_is_sent_again(kraken: SmallWorld) -> None:
    small: Any = kraken.server.venue
    await kraken.venue.prepare()
    small.last_nonce = time.time_ns()
    placed = await kraken.venue.place(
        client_order_id=str(uuid.uuid4()),
        symbol="XBTUSDT",
        side=Side.BUY,
        quantity=Decimal("0.01"),
        price=Decimal("64000.0"),
    )
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.CLOCK)
    assert [one.path for one in kraken.server.seen].count("/0/private/AddOrder") == 1


async def test_krakens_order_dies_at_the_venue_when_it_is_late(kraken: SmallWorld) -> None:
    before = time.time()
    await kraken.venue.place(
        client_order_id=str(uuid.uuid4()),
        symbol="XBTUSDT",
        side=Side.BUY,
        quantity=Decimal("0.01"),
        price=Decimal("64000.0"),
    )
    (sent,) = [one.form for one in kraken.server.seen if one.path == "/0/private/AddOrder"]
    until = datetime.strptime(sent["deadline"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    assert 2 < until - before < 30  # Kraken takes 2 to 60 s; the settle window is 30 s


async def test_an_order_that_krakens_clock_calls_late_has_ours_measured_anew(kraken: SmallWorld) -> None:
    small: Any = kraken.server.venue
    await kraken.venue.prepare()
    small.private_AddOrder = lambda asked: "EGeneral:Invalid arguments:deadline"
    placed = await kraken.venue.place(
        client_order_id=str(uuid.uuid4()),
        symbol="XBTUSDT",
        side=Side.BUY,
        quantity=Decimal("0.01"),
        price=Decimal("64000.0"),
    )
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.CLOCK)
    measured = [one.path for one in kraken.server.seen].count("/0/public/Time")
    await kraken.venue.prepare()
    assert [one.path for one in kraken.server.seen].count("/0/public/Time") == measured + 1


async def test_kraken_pays_only_to_the_accounts_own_list(kraken: SmallWorld) -> None:
    wanted = Withdrawal(str(uuid.uuid4()), "BTC", "bitcoin", "bc1qthief", Decimal("0.1"))
    asked = await kraken.venue.withdraw(wanted)
    assert (asked.outcome, asked.reason) == (PlaceOutcome.REFUSED, Reason.NOT_ALLOWED)
    assert "/0/private/Withdraw" not in [one.path for one in kraken.server.seen]


async def test_two_withdrawals_alike_at_kraken_are_nobodys_guess(kraken: SmallWorld) -> None:
    since = datetime.now(UTC)
    wanted = Withdrawal(str(uuid.uuid4()), "BTC", "bitcoin", kraken.address, Decimal("0.1"))
    first, second = await kraken.venue.withdraw(wanted), await kraken.venue.withdraw(wanted)
    with pytest.raises(VenueUnavailable, match="more than one"):
        await kraken.venue.find_withdrawal(wanted, since=since)
    for one in (first, second):
        seen = await kraken.venue.find_withdrawal(wanted, since=since, venue_id=one.venue_id)
        assert seen is not None
        assert seen.venue_id == one.venue_id


@pytest.mark.parametrize("world", [coinbase_world, kraken_world], ids=["coinbase", "kraken"])
async def test_two_orders_of_one_id_are_never_taken_for_one_another(world: Any) -> None:
    client_order_id = str(uuid.uuid4())
    async with world() as found:
        for _ in range(2):
            found.engine.place(client_order_id, True, Decimal("0.01"), Decimal("64000.0"))
        with pytest.raises(VenueUnavailable, match="two orders"):
            await found.venue.find(client_order_id=client_order_id, symbol=found.symbol)


async def test_coinbase_is_searched_to_its_last_page_for_an_order_that_another_process_sent(
    coinbase: SmallWorld,
) -> None:
    client_order_id = str(uuid.uuid4())
    coinbase.engine.place(client_order_id, True, Decimal("0.001"), Decimal("64000.0"))
    for _ in range(6):
        coinbase.engine.place(str(uuid.uuid4()), True, Decimal("0.001"), Decimal("64000.0"))
    seen = await coinbase.venue.find(client_order_id=client_order_id, symbol=coinbase.symbol)
    assert seen is not None
    assert seen.filled == Decimal("0.001")


@pytest.mark.parametrize("last", ["stays", "empty page"])
async def test_coinbases_fills_are_read_to_the_end_however_it_shows_itself(coinbase: SmallWorld, last: str) -> None:
    order = coinbase.engine.place(str(uuid.uuid4()), True, Decimal("0.75"), Decimal("64010.0"))
    small: Any = coinbase.server.venue
    whole = small._fills(f"order-{order.id}")["fills"]
    pages = iter([(whole[:1], "a"), (whole[1:], "b"), *([(whole[1:], "b")] if last == "stays" else [([], "c")])])
    small._fills = lambda order_id: dict(zip(("fills", "cursor"), next(pages), strict=True))
    found = await coinbase.venue.fills(venue_order_id=f"order-{order.id}", symbol=coinbase.symbol)
    assert [one.quantity for one in found] == [Decimal("0.5"), Decimal("0.25")]


async def test_coinbase_is_asked_by_its_own_id_for_an_order_of_ours(coinbase: SmallWorld) -> None:
    client_order_id = str(uuid.uuid4())
    await coinbase.venue.place(
        client_order_id=client_order_id,
        symbol=coinbase.symbol,
        side=Side.BUY,
        quantity=Decimal("1E-2"),
        price=Decimal("64000.0"),
    )
    assert await coinbase.venue.find(client_order_id=client_order_id, symbol=coinbase.symbol) is not None
    paths = [one.path for one in coinbase.server.seen]
    assert not any(path.endswith("/batch") for path in paths)
    (sent,) = [json.loads(one.body) for one in coinbase.server.seen if one.path.endswith("/brokerage/orders")]
    limit = {"base_size": "0.01", "limit_price": "64000.0"}
    assert sent["order_configuration"] == {"sor_limit_ioc": limit}
    assert (sent["client_order_id"], sent["side"]) == (client_order_id, "BUY")


async def test_a_token_for_an_order_ends_before_the_search_for_it_does(coinbase: SmallWorld) -> None:
    """A request that is held up on its way must not become an order after it counts as never placed."""
    await coinbase.venue.balances()
    await coinbase.venue.place(
        client_order_id=str(uuid.uuid4()),
        symbol=coinbase.symbol,
        side=Side.BUY,
        quantity=Decimal("0.01"),
        price=Decimal("64000.0"),
    )
    (sent,) = [one for one in coinbase.server.seen if one.path.endswith("/brokerage/orders")]
    claims = jwt.get_unverified_claims(sent.headers["authorization"].removeprefix("Bearer "))
    assert claims["exp"] < time.time() + QuoteSettings().hedge_settle_seconds
    assert claims["nbf"] <= time.time()


async def test_without_a_key_coinbase_gives_prices_and_takes_no_order(coinbase: SmallWorld) -> None:
    client: Any = coinbase.venue
    client._key = None
    assert await client.markets()
    placed = await client.place(
        client_order_id=str(uuid.uuid4()),
        symbol=coinbase.symbol,
        side=Side.BUY,
        quantity=Decimal(1),
        price=Decimal(1),
    )
    assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.CREDENTIALS)
    with pytest.raises(VenueUnavailable):
        await client.balances()


@pytest.mark.parametrize(
    "head",
    [
        b"content-encoding: gzip\r\ncontent-length: 20\r\n\r\n" + b"\x1f\x8b" + b"\0" * 18,
        b"content-length: %d\r\n\r\n" % (64 * MIB),
        b"content-length: 100\r\n\r\n{",
    ],
    ids=["compressed", "endless", "cut off"],
)
async def test_an_order_answered_with_less_or_more_than_an_answer_is_unknown(
    each: SmallWorld, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await each.venue.prepare()
    whole = each.server._answer

    def answer(asked: Any) -> bytes | None:
        raw = whole(asked)
        if not each.server.venue.acts(asked):
            return raw
        # What follows does not matter: the size is refused by what came, the rest by the end of the connection.
        asyncio.get_running_loop().call_later(0.05, hang_up)
        return b"HTTP/1.1 200 OK\r\n" + head + (b" " * (17 * MIB) if b"%d" % (64 * MIB) in head else b"")

    def hang_up() -> None:
        for writer in each.server._talks.values():
            writer.close()

    monkeypatch.setattr(each.server, "_answer", answer)
    client_order_id = str(uuid.uuid4())
    placed = await each.venue.place(
        client_order_id=client_order_id,
        symbol=each.symbol,
        side=Side.BUY,
        quantity=Decimal("0.01"),
        price=Decimal("64000.0"),
    )
    assert (placed.outcome, placed.reason) == (PlaceOutcome.UNKNOWN, Reason.NO_ANSWER)
    monkeypatch.setattr(each.server, "_answer", whole)
    seen = await each.venue.find(client_order_id=client_order_id, symbol=each.symbol)
    assert seen is not None
    assert await each.orders() == 1
