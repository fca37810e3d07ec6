"""Orders and withdrawals through every fault of the sandbox venues, drawn by a seed: what a client says of each agrees
with what the venue did, nothing is done twice, and no fill is lost.
"""

import asyncio
import os
import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.sandbox import SYMBOLS, SandboxWorld, sandbox
from tidegate.sandbox.venue.funding import Withdrawal as Taken
from tidegate.sandbox.venue.orders import Order
from tidegate.sandbox.venue.prices import E8, number
from tidegate.venues.port import OrderSeen, Placed, PlaceOutcome, Side, VenueUnavailable, Withdrawal, Withdrawing

SEEDS = int(os.environ.get("TIDEGATE_VENUE_SEEDS", "25"))
PATIENCE, LAG = 0.6, 0.15
"""Seconds for which the client waits, and by which the venue lags."""
ONCE = {
    "venue_timeout_after_accept": 0.0,
    "venue_late_after_accept": 0.02,
    "venue_error_after_accept": 0.0,
    "venue_error_before_accept": 0.0,
    "venue_html_after_accept": 0.0,
    "venue_truncated_after_accept": 0.0,
    "venue_bomb_after_accept": 0.0,
    "venue_partial_fill": 0.0,
    "venue_html": 0.0,
    "venue_down": 0.0,
    "venue_truncated": 0.0,
    "venue_bomb": 0.0,
    "venue_rate_limited": 1.0,
    "venue_banned": 1.0,
}
"""Faults that meet the next request, with their seconds."""
LASTING = {
    "venue_query_lag": LAG,
    "venue_fills_lag": LAG,
    "venue_slow": 0.01,
    "venue_third_asset_fee": 0.0,
    "venue_clock_ahead": 30.0,
    "venue_clock_behind": 30.0,
    "venue_maintenance": 0.0,
    "venue_thin_book": 0.0,
}
"""Those that stay while the request is made."""
AFTERWARDS = frozenset({"venue_query_lag", "venue_fills_lag", "venue_third_asset_fee"})
"""And those that stay until everything is known."""
LOST = frozenset(name for name in ONCE if name.endswith("_after_accept")) - {"venue_late_after_accept"} | {"too late"}
"""After these the venue has acted and the client cannot know."""
FAULTS = ("none", "away", "too late", *ONCE, *LASTING)


@pytest.fixture(params=list(SYMBOLS))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SandboxWorld]:
    async with sandbox(request.param, tmp_path) as venue:
        client: Any = venue.client(timeout=PATIENCE)
        for holder in (client, getattr(client, "_calls", None)):
            for share in ("_weight", "_private", "_public"):
                if hasattr(holder, share):  # a thousand seeds are more calls than any venue allows
                    getattr(holder, share).limit = 10**9
        for learn in (client.prepare, client.markets, client.balances):
            await settled(learn, None)  # the first connection of a busy machine may take longer than the client waits
        yield SandboxWorld(venue, client)
        await client.close()


def calm(world: SandboxWorld) -> None:
    """Forget that it failed or wanted to be left alone: each seed begins as the first."""
    line: Any = world.venue._line  # type: ignore[attr-defined]
    line._failures, line._silent_until, line._broken_until = 0, 0.0, 0.0


async def with_fault(world: SandboxWorld, fault: str, asked: Any) -> Any:
    venue = world.running
    if fault == "away":
        await world.down()
    elif fault == "too late":
        venue.fault("venue_late_after_accept", times=1, seconds=PATIENCE * 2)
    elif fault in ONCE:
        venue.fault(fault, times=1, seconds=ONCE[fault])
    elif fault in LASTING:
        venue.fault(fault, seconds=LASTING[fault])
    venue.world.prices.thin_out(1000 if fault == "venue_thin_book" else 1)
    try:
        return await asked()
    finally:
        if fault == "away":
            await world.up()
        if fault not in AFTERWARDS:
            venue.world.faults.on.clear()
        calm(world)


async def settled(question: Any, there: Any) -> Any:
    """Asked until it is answered, and longer than the venue lags behind."""
    last: Any = None
    for _ in range(12):
        try:
            last = await question()
            if last is not None or there is None:
                return last
        except VenueUnavailable as error:
            last = error
        await asyncio.sleep(LAG / 4)
    if isinstance(last, VenueUnavailable):
        raise last
    return last


@pytest.mark.timeout(3600)
async def test_what_is_said_of_an_order_is_what_became_of_it(world: SandboxWorld) -> None:
    venue, engine = world.running, world.running.world.engine
    for seed in range(SEEDS):
        chance = random.Random(seed)
        # Every fault has its turn; what is drawn is the rest.
        fault, client_order_id, since = FAULTS[seed % len(FAULTS)], str(uuid.uuid4()), datetime.now(UTC)
        engine.balances[world.name].update({"BTC": [5 * E8, 0], "USDT": [300_000 * E8, 0]})
        venue.world.step()
        price = Decimal(number(engine.book("BTCUSDT")[1][chance.randrange(8)][0]))
        quantity = Decimal(chance.randrange(1, 300)).scaleb(-3)

        async def place(of: str = client_order_id, quantity: Decimal = quantity, price: Decimal = price) -> Placed:
            return await world.venue.place(
                client_order_id=of, symbol=world.symbol, side=Side.BUY, quantity=quantity, price=price
            )

        said = await with_fault(world, fault, place)
        there = [one for one in engine.orders.values() if one.client_id == client_order_id]
        assert len(there) <= 1
        assert said.outcome is not PlaceOutcome.REFUSED or not there, (seed, fault, said)
        assert said.outcome is not PlaceOutcome.PLACED or there, (seed, fault, said)
        if fault in LOST:
            assert (said.outcome, len(there)) == (PlaceOutcome.UNKNOWN, 1), (seed, fault, said)
        await known(world, client_order_id, chance.choice([None, since]), there[0] if there else None, (seed, fault))
        venue.world.faults.on.clear()
        calm(world)


async def known(
    world: SandboxWorld, client_order_id: str, since: datetime | None, there: Order | None, which: object
) -> None:
    """Looked for, it is found exactly if it is there, with every fill and every fee."""

    async def find() -> OrderSeen | None:
        return await world.venue.find(client_order_id=client_order_id, symbol=world.symbol, since=since)

    seen = await settled(find, there)
    assert (seen is None) == (there is None), which
    if there is None:
        return
    assert (seen.client_order_id, seen.filled * E8) == (client_order_id, there.executed), which

    async def fills() -> Any:
        found = await world.venue.fills(venue_order_id=seen.venue_order_id, symbol=world.symbol)
        return found if sum(fill.quantity for fill in found) == seen.filled else None

    found = await settled(fills, there)
    assert found is not None, which
    trades = world.running.world.engine.trades_of(world.name, None, there.id)
    assert len({fill.trade_id for fill in found}) == len(found) == len(trades)
    told: dict[str, Decimal] = {}
    booked: dict[str, int] = {}
    for fill in found:
        told[fill.fee_asset] = told.get(fill.fee_asset, Decimal(0)) + fill.fee * E8
    for trade in trades:
        booked[trade.fee_asset] = booked.get(trade.fee_asset, 0) + trade.fee
    assert told == booked, which


@pytest.mark.timeout(3600)
async def test_what_is_said_of_a_withdrawal_is_what_became_of_it(world: SandboxWorld) -> None:
    venue, since = world.running, datetime.now(UTC)
    for seed in range(SEEDS):
        fault = FAULTS[seed % len(FAULTS)]
        venue.world.engine.balances[world.name]["BTC"] = [5 * E8, 0]
        amount = Decimal(seed + 20).scaleb(-4)  # no two alike: Kraken knows them by nothing else
        wanted = Withdrawal(str(uuid.uuid4()), world.asset, world.network, world.address, amount)

        async def withdraw(wanted: Withdrawal = wanted) -> Withdrawing:
            return await world.venue.withdraw(wanted)

        said = await with_fault(world, fault, withdraw)
        there: list[Taken] = [one for one in venue.world.funding.of(world.name) if one.asked == amount * E8]
        assert len(there) <= 1
        assert said.outcome is not PlaceOutcome.REFUSED or not there, (seed, fault, said)
        assert said.outcome is not PlaceOutcome.PLACED or there, (seed, fault, said)
        if fault in LOST:
            assert (said.outcome, len(there)) == (PlaceOutcome.UNKNOWN, 1), (seed, fault, said)

        async def find(wanted: Withdrawal = wanted) -> Any:
            return await world.venue.find_withdrawal(wanted, since=since)

        seen = await settled(find, there or None)
        assert (seen is not None) == bool(there), (seed, fault)
        venue.world.faults.on.clear()
        calm(world)
