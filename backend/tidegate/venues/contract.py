"""What every venue adapter must pass, ours and those of other distributions (docs/venues.md).

Subclass `VenueContract` in a test module and give it a fixture `world`; pytest with pytest-asyncio runs the rest. The
world is an adapter's client with its own account at a venue that the test runs, and the hands of whoever runs it.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from tidegate.venues.port import (
    Book,
    DepositState,
    Fill,
    Following,
    Interval,
    Market,
    OrderSeen,
    OrderState,
    Placed,
    PlaceOutcome,
    Reason,
    Rights,
    Side,
    Streaming,
    Venue,
    VenueUnavailable,
    Way,
    Withdrawal,
    WithdrawalState,
)

_MOST_LOOKS = 50
_PATIENCE = 30.0


class World(Protocol):
    """One client and its venue. The account holds enough for a dozen trades of twice the best level, and no more than
    a million of anything. Its market moves only by our own orders.
    """

    venue: Venue
    symbol: str
    rights: Rights
    asset: str
    network: str
    address: str
    """To where `asset` may be withdrawn over `network`."""

    async def held(self) -> Mapping[str, Decimal]:
        """What the account has, free and locked, by our codes."""
        ...

    async def orders(self) -> int:
        """How many orders the venue ever took in from the account."""
        ...

    async def withdrawals(self) -> int: ...

    async def pay_out(self) -> None:
        """Withdrawals under way are carried out."""
        ...

    async def lose_next_answer(self) -> None:
        """The venue acts on the next order or withdrawal, and its answer never comes back."""
        ...

    async def garble_next_answer(self) -> None:
        """The same, and what comes back is a page of HTML."""
        ...

    async def fail_next(self) -> None:
        """The next order or withdrawal is answered with HTTP 500 and not acted upon."""
        ...

    async def limit_rate(self, seconds: int) -> None:
        """The next call is answered with the venue's word for "too many"; later ones are served."""
        ...

    async def down(self) -> None:
        """The venue cannot be reached until `up`."""
        ...

    async def up(self) -> None: ...


class VenueContract:
    """Each method is one promise of venues.port, kept at a venue that answers."""

    # --- what a market looks like

    async def test_a_market_has_a_grid_and_minimums(self, world: World) -> None:
        markets = {one.symbol: one for one in await world.venue.markets()}
        assert world.symbol in markets
        for one in markets.values():
            assert one.tick > 0 and one.lot > 0 and one.min_notional >= 0
            assert one.lot <= one.min_quantity <= one.max_quantity

    async def test_a_book_is_ordered_and_not_crossed(self, world: World) -> None:
        before = time.time()
        book = await world.venue.book(world.symbol, 50)
        bids, asks = [one.price for one in book.bids], [one.price for one in book.asks]
        assert bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[0] < asks[0]
        assert before <= book.received <= time.time() and len(bids) <= 50

    async def test_a_ticker_agrees_with_the_book(self, world: World) -> None:
        book = await world.venue.book(world.symbol)
        (ticker,) = await world.venue.tickers([world.symbol])
        assert (ticker.symbol, ticker.bid, ticker.ask) == (world.symbol, book.bids[0].price, book.asks[0].price)
        assert await world.venue.tickers([]) == []

    async def test_candles_are_in_order_and_hold_together(self, world: World) -> None:
        since = int(time.time()) // 3600 * 3600 - 7200
        found = await world.venue.candles(world.symbol, Interval.HOUR, since=since)
        starts = [one.start for one in found]
        assert starts and starts == sorted(set(starts)) and starts[0] >= since
        for one in found:
            assert one.start % Interval.HOUR == 0 and one.volume >= 0
            assert one.low <= min(one.open, one.close) and max(one.open, one.close) <= one.high

    # --- the account

    async def test_balances_are_exact_and_in_our_codes(self, world: World) -> None:
        assert await held(world) == {asset: sum_ for asset, sum_ in (await world.held()).items() if sum_}

    async def test_the_rights_of_the_key_are_told(self, world: World) -> None:
        assert await world.venue.rights() == world.rights

    # --- orders

    async def test_a_buy_moves_exactly_what_its_fills_say(self, world: World) -> None:
        market, before = await market_of(world), await world.held()
        book = await world.venue.book(world.symbol)
        two_levels = market.quantity_down(book.asks[0].quantity + book.asks[1].quantity / 2)
        seen, fills = await settled(world, await order(world, Side.BUY, two_levels, book.asks[1].price))
        assert seen.state is OrderState.FILLED and seen.filled == two_levels
        assert len(fills) > 1 and sum(fill.quantity for fill in fills) == two_levels
        assert await world.held() == moved(before, market, Side.BUY, fills)
        assert await world.venue.fills(venue_order_id=seen.venue_order_id, symbol=world.symbol) == fills

    async def test_a_sale_moves_exactly_what_its_fills_say(self, world: World) -> None:
        market, before = await market_of(world), await world.held()
        book = await world.venue.book(world.symbol)
        seen, fills = await settled(world, await order(world, Side.SELL, few(market, book), book.bids[0].price))
        assert seen.state is OrderState.FILLED
        assert all(fill.price >= book.bids[0].price and fill.fee >= 0 for fill in fills)
        assert await world.held() == moved(before, market, Side.SELL, fills)

    async def test_an_order_without_a_counterpart_moves_nothing_and_does_not_rest(self, world: World) -> None:
        market, before = await market_of(world), await world.held()
        book = await world.venue.book(world.symbol)
        seen, fills = await settled(world, await order(world, Side.BUY, few(market, book), book.bids[0].price))
        assert (seen.state, seen.filled) == (OrderState.CANCELLED, Decimal(0)) and not fills
        assert await world.held() == before and await held(world) == before

    async def test_what_the_book_cannot_fill_is_left_over_and_said_so(self, world: World) -> None:
        book = await world.venue.book(world.symbol)
        there = book.asks[0].quantity
        seen, fills = await settled(world, await order(world, Side.BUY, there * 2, book.asks[0].price))
        assert (seen.state, seen.filled) == (OrderState.PARTLY_FILLED, there)
        assert sum(fill.quantity for fill in fills) == there

    async def test_what_is_not_there_cannot_be_spent(self, world: World) -> None:
        market = await market_of(world)
        book = await world.venue.book(world.symbol)
        quantity = market.quantity_up(Decimal(5_000_000) / book.asks[0].price)
        placed = await order(world, Side.BUY, quantity, book.asks[0].price)
        assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.INSUFFICIENT_FUNDS)
        assert await world.orders() == 0

    async def test_what_is_off_the_grid_is_refused(self, world: World) -> None:
        market = await market_of(world)
        placed = await order(world, Side.BUY, market.min_quantity * 3, market.tick * Decimal("100000.5"))
        assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.INVALID_ORDER)
        assert await world.orders() == 0

    async def test_an_impossible_number_never_leaves(self, world: World) -> None:
        for bad in (Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")):
            for quantity, price in ((bad, Decimal(1)), (Decimal(1), bad)):
                try:
                    placed = await order(world, Side.BUY, quantity, price)
                except ValueError:
                    continue
                raise AssertionError(placed)

    async def test_past_its_deadline_nothing_leaves(self, world: World) -> None:
        placed = await order(world, Side.SELL, Decimal(1), Decimal(60_000), deadline=time.monotonic() - 1)
        assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.NOT_CONNECTED)
        assert await world.orders() == 0

    async def test_many_questions_at_once_are_answered(self, world: World) -> None:
        market, book = await market_of(world), await world.venue.book(world.symbol)
        orders = [order(world, Side.SELL, few(market, book), book.bids[0].price) for _ in range(3)]
        answers = await asyncio.gather(*orders, *(world.venue.balances() for _ in range(3)))
        assert [one.outcome for one in answers if isinstance(one, Placed)] == [PlaceOutcome.PLACED] * 3
        assert await world.orders() == 3

    # --- what is not known

    async def test_an_order_whose_answer_is_lost_is_unknown_and_found_exactly_once(self, world: World) -> None:
        for lose in (world.lose_next_answer, world.garble_next_answer):
            made, client_order_id, since = await world.orders(), str(uuid.uuid4()), datetime.now(UTC)
            market, book = await market_of(world), await world.venue.book(world.symbol)
            await world.venue.prepare()
            await lose()
            quantity = few(market, book)
            placed = await order(world, Side.BUY, quantity, book.asks[-1].price, client_order_id=client_order_id)
            assert placed.outcome is PlaceOutcome.UNKNOWN and placed.order is None
            for told in (None, since):
                seen = await world.venue.find(client_order_id=client_order_id, symbol=world.symbol, since=told)
                assert seen is not None and seen.client_order_id == client_order_id
                assert (seen.state, seen.filled) == (OrderState.FILLED, quantity)
            assert await world.orders() == made + 1

    async def test_a_failure_of_the_venue_is_unknown_though_it_did_not_act(self, world: World) -> None:
        market, book = await market_of(world), await world.venue.book(world.symbol)
        client_order_id = str(uuid.uuid4())
        await world.venue.prepare()
        await world.fail_next()
        price = book.asks[0].price
        placed = await order(world, Side.BUY, few(market, book), price, client_order_id=client_order_id)
        assert placed.outcome is PlaceOutcome.UNKNOWN
        assert await world.venue.find(client_order_id=client_order_id, symbol=world.symbol) is None
        assert await world.orders() == 0

    async def test_cancelling_what_is_done_or_unknown_is_no_error(self, world: World) -> None:
        market, book = await market_of(world), await world.venue.book(world.symbol)
        client_order_id, quantity = str(uuid.uuid4()), few(market, book)
        await order(world, Side.BUY, quantity, book.asks[-1].price, client_order_id=client_order_id)
        for one in (client_order_id, str(uuid.uuid4())):
            await world.venue.cancel(client_order_id=one, symbol=world.symbol)
        seen = await world.venue.find(client_order_id=client_order_id, symbol=world.symbol)
        assert seen is not None and seen.filled == quantity

    async def test_a_venue_that_is_away_is_said_to_be_and_nothing_was_sent(self, world: World) -> None:
        market = await market_of(world)
        await world.venue.prepare()
        await world.down()
        try:
            placed = await order(world, Side.SELL, market.min_quantity * 3, market.tick * 10_000)
            assert placed.outcome is PlaceOutcome.REFUSED and placed.reason is not None
            for question in questions(world):
                await unavailable(question)
        finally:
            await world.up()
        assert await world.orders() == 0

    async def test_a_way_that_is_broken_shows_and_mends_by_itself(self, world: World) -> None:
        await world.venue.book(world.symbol)
        assert way(world) is Way.OPEN
        await world.down()
        try:
            for _ in range(_MOST_LOOKS):
                await unavailable(world.venue.book(world.symbol))
                if way(world) is Way.BROKEN:
                    break
            assert way(world) is Way.BROKEN and world.venue.condition.failures > 0
        finally:
            await world.up()
        until = time.monotonic() + 15
        while way(world) is not Way.OPEN and time.monotonic() < until:
            try:
                await world.venue.book(world.symbol)
            except VenueUnavailable as error:
                await asyncio.sleep(error.retry_after or 0)
        assert way(world) is Way.OPEN

    async def test_a_venue_that_wants_to_be_left_alone_is(self, world: World) -> None:
        market = await market_of(world)
        await world.venue.prepare()
        await world.limit_rate(60)
        await unavailable(world.venue.balances())
        condition = world.venue.condition
        assert condition.way is Way.WAITING and 0 < condition.seconds <= 60
        placed = await order(world, Side.SELL, market.min_quantity * 3, market.tick * 10_000)
        assert (placed.outcome, placed.reason) == (PlaceOutcome.REFUSED, Reason.RATE_LIMITED)
        assert placed.retry_after is not None and 0 < placed.retry_after <= 60
        await unavailable(world.venue.book(world.symbol))
        assert await world.orders() == 0

    # --- money in and out

    async def test_a_deposit_address_stays_the_same(self, world: World) -> None:
        first = await world.venue.deposit_address(world.asset, world.network)
        assert (first.asset, first.network) == (world.asset, world.network) and first.address
        assert await world.venue.deposit_address(world.asset, world.network) == first
        await unavailable(world.venue.deposit_address(world.asset, "nowhere"))

    async def test_a_withdrawal_is_followed_to_its_end(self, world: World) -> None:
        wanted, since = await withdrawal(world), datetime.now(UTC) - timedelta(seconds=5)
        asked = await world.venue.withdraw(wanted)
        assert asked.outcome is PlaceOutcome.PLACED and asked.venue_id
        for known in (None, asked.venue_id):
            seen = await world.venue.find_withdrawal(wanted, since=since, venue_id=known)
            assert seen is not None and seen.venue_id == asked.venue_id
            assert seen.state is WithdrawalState.PENDING
        await world.pay_out()
        seen = await world.venue.find_withdrawal(wanted, since=since, venue_id=asked.venue_id)
        assert seen is not None and seen.state is WithdrawalState.COMPLETED and seen.txid
        assert seen.amount == wanted.amount and seen.fee >= 0

    async def test_a_withdrawal_whose_answer_is_lost_is_unknown_and_found_exactly_once(self, world: World) -> None:
        wanted, since = await withdrawal(world), datetime.now(UTC) - timedelta(seconds=5)
        assert await world.venue.find_withdrawal(wanted, since=since) is None
        await world.lose_next_answer()
        asked = await world.venue.withdraw(wanted)
        assert asked.outcome is PlaceOutcome.UNKNOWN and asked.venue_id is None
        seen = await world.venue.find_withdrawal(wanted, since=since)
        assert seen is not None and seen.amount == wanted.amount
        assert await world.withdrawals() == 1

    async def test_a_withdrawal_of_what_is_not_there_takes_nothing(self, world: World) -> None:
        wanted = await withdrawal(world, amount=Decimal(5_000_000))
        asked = await world.venue.withdraw(wanted)
        assert asked.outcome is not PlaceOutcome.PLACED
        assert await world.withdrawals() == 0

    async def test_a_withdrawal_over_an_unknown_network_is_refused_here(self, world: World) -> None:
        asked = await world.venue.withdraw(await withdrawal(world, network="nowhere"))
        assert asked.outcome is PlaceOutcome.REFUSED
        assert await world.withdrawals() == 0


class Receiving(World, Protocol):
    """A world that can say that something arrived at the account."""

    async def receive(self, amount: Decimal, txid: str) -> None:
        """The venue has credited this payment of `asset` over `network`."""
        ...


class DepositContract:
    """The same for an adapter whose venue tells what came in: subclass both. One that does not raises VenueUnavailable."""

    async def test_a_deposit_is_found_by_its_transaction_and_is_exact(self, world: Receiving) -> None:
        since, txid = datetime.now(UTC) - timedelta(seconds=5), "ab" * 32
        assert await world.venue.find_deposit(world.asset, world.network, txid, since=since) is None
        await world.receive(Decimal("0.12345678"), txid)
        await world.receive(Decimal("0.5"), "cd" * 32)
        seen = await world.venue.find_deposit(world.asset, world.network, txid, since=since)
        assert seen is not None
        assert (seen.amount, seen.state) == (Decimal("0.12345678"), DepositState.CREDITED)


class StreamContract:
    """The same for an adapter that is `Streaming`: subclass both. The world's client must have been given its stream."""

    async def test_a_followed_book_is_the_one_that_is_asked_for_and_moves_with_it(self, world: World) -> None:
        async with followed(world) as following:
            market, first = await market_of(world), await told(following, world)
            await agrees(world, following)
            for buys in (True, False):
                side = first.asks if buys else first.bids
                taken = market.quantity_down(side[0].quantity / 2)
                await settled(world, await order(world, Side.BUY if buys else Side.SELL, taken, side[0].price))
                later = await until(following, world, differs(first))
                assert later.received >= first.received
                await agrees(world, following)
                first = later

    async def test_a_book_is_shown_only_while_the_stream_stands_and_comes_back_by_itself(self, world: World) -> None:
        async with followed(world) as following:
            first = await told(following, world)
            await world.down()
            try:
                async with asyncio.timeout(_PATIENCE):
                    while (book := following.book(world.symbol)) is not None:
                        assert book.received <= time.time() and book.bids == first.bids
                        await a_moment(following)
            finally:
                await world.up()
            again = await told(following, world)
            assert again.received > first.received
            await agrees(world, following)
        assert following.book(world.symbol) is None

    async def test_what_was_not_asked_for_is_not_followed(self, world: World) -> None:
        async with followed(world) as following:
            await told(following, world)
            assert following.symbols == (world.symbol,) and following.book("nothing") is None


# What the promises are made of.


@asynccontextmanager
async def followed(world: World) -> AsyncIterator[Following]:
    assert isinstance(world.venue, Streaming)
    following = world.venue.follow((world.symbol,))
    assert following is not None, "the client has no stream"
    assert following.book(world.symbol) is None
    task = asyncio.create_task(following.run())
    try:
        yield following
    finally:
        task.cancel()
        await asyncio.wait([task])


async def told(following: Following, world: World) -> Book:
    return await until(following, world, lambda book: True)


async def until(following: Following, world: World, holds: Callable[[Book], bool]) -> Book:
    """The followed book once it is there and `holds`."""
    async with asyncio.timeout(_PATIENCE):
        while (book := following.book(world.symbol)) is None or not holds(book):
            await a_moment(following)
    assert book.bids[0].price < book.asks[0].price and book.received <= time.time()
    return book


def differs(first: Book) -> Callable[[Book], bool]:
    return lambda book: (book.bids, book.asks) != (first.bids, first.asks)


async def a_moment(following: Following) -> None:
    """Until something is told, or a little while."""
    with suppress(TimeoutError):
        await asyncio.wait_for(following.moved(), 0.1)


async def agrees(world: World, following: Following) -> None:
    """With what is asked for, in what both show."""
    asked = await world.venue.book(world.symbol, 50)

    def same(book: Book) -> bool:
        deep = min(len(asked.bids), len(asked.asks), len(book.bids), len(book.asks))
        return deep > 0 and (book.bids[:deep], book.asks[:deep]) == (asked.bids[:deep], asked.asks[:deep])

    await until(following, world, same)


def questions(world: World) -> list[Awaitable[Any]]:
    """One of each kind that asks."""
    venue, one = world.venue, str(uuid.uuid4())
    return [
        venue.markets(),
        venue.book(world.symbol),
        venue.balances(),
        venue.find(client_order_id=one, symbol=world.symbol),
        venue.fills(venue_order_id="1", symbol=world.symbol),
    ]


async def unavailable(question: Awaitable[Any]) -> None:
    try:
        answer = await question
    except VenueUnavailable:
        return
    raise AssertionError(f"an answer: {answer}")


def way(world: World) -> Way:
    return world.venue.condition.way


async def market_of(world: World) -> Market:
    return next(one for one in await world.venue.markets() if one.symbol == world.symbol)


def few(market: Market, book: Book) -> Decimal:
    """Three times the least that may be ordered, also by what it is worth."""
    return market.quantity_up(max(market.min_quantity, market.min_notional / book.bids[0].price)) * 3


async def order(world: World, side: Side, quantity: Decimal, price: Decimal, **more: Any) -> Placed:
    asked = {"client_order_id": str(uuid.uuid4()), **more}
    return await world.venue.place(symbol=world.symbol, side=side, quantity=quantity, price=price, **asked)


async def settled(world: World, placed: Placed) -> tuple[OrderSeen, list[Fill]]:
    """The order when it is done, with all its fills."""
    assert placed.outcome is PlaceOutcome.PLACED and placed.order is not None, placed
    client_order_id = placed.order.client_order_id
    for _ in range(_MOST_LOOKS):
        seen = await world.venue.find(client_order_id=client_order_id, symbol=world.symbol)
        if seen is not None and seen.state is not OrderState.OPEN:
            return seen, await world.venue.fills(venue_order_id=seen.venue_order_id, symbol=world.symbol)
        await asyncio.sleep(0.1)
    raise AssertionError("an immediate-or-cancel order that does not end")


def moved(before: Mapping[str, Decimal], market: Market, side: Side, fills: list[Fill]) -> dict[str, Decimal]:
    """The balances after those fills."""
    sign, after = (1 if side is Side.BUY else -1), dict(before)
    for fill in fills:
        after[market.base] += sign * fill.quantity
        after[market.quote] -= sign * fill.quote_quantity
        after[fill.fee_asset] -= fill.fee
    return after


async def held(world: World) -> dict[str, Decimal]:
    return {one.asset: one.free + one.locked for one in await world.venue.balances()}


async def withdrawal(world: World, *, amount: Decimal | None = None, network: str | None = None) -> Withdrawal:
    has = (await world.held())[world.asset]
    return Withdrawal(
        client_id=str(uuid.uuid4()),
        asset=world.asset,
        network=network or world.network,
        address=world.address,
        amount=amount or (has / 4).quantize(Decimal("0.0001")),
    )
