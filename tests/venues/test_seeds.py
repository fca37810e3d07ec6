"""Orders and withdrawals through faults drawn by a seed: what a client says of each agrees with what the venue did."""

import os
import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.small.world import SmallWorld
from tests.venues.test_contract import binance_world, coinbase_world, kraken_world
from tidegate.venues.port import Placed, PlaceOutcome, Side, VenueUnavailable, Withdrawal, Withdrawing

SEEDS = int(os.environ.get("TIDEGATE_VENUE_SEEDS", "20"))
FAULTS = ("none", "none", "lose", "garble", "fail", "down")


@pytest.fixture(params=[binance_world, coinbase_world, kraken_world], ids=["binance", "coinbase", "kraken"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[SmallWorld]:
    async with request.param() as made:
        client: Any = made.venue
        for holder in (client, getattr(client, "_calls", None)):
            for share in ("_weight", "_private", "_public"):
                if hasattr(holder, share):  # a thousand seeds are more calls than any venue allows
                    getattr(holder, share).limit = 10**9
        yield made


async def with_fault(world: SmallWorld, fault: str, asked: Any) -> Any:
    if fault == "down":
        await world.down()
        try:
            return await asked()
        finally:
            await world.up()
            world.venue._line._failures = 0  # type: ignore[attr-defined]
    for name in ("lose", "garble", "fail"):
        setattr(world.server, name, int(name == fault))
    return await asked()


async def found(question: Any) -> Any:
    """Asked until it is answered: the connection that a fault closed may be met once more."""
    for _ in range(5):
        try:
            return await question()
        except VenueUnavailable as error:
            last = error
    raise last


async def test_what_is_said_of_an_order_is_what_became_of_it(world: SmallWorld) -> None:
    for seed in range(SEEDS):
        if seed % 20 == 0:
            world.engine.orders.clear()  # Coinbase is searched page by page, two to a page
        chance = random.Random(seed)
        fault, client_order_id, since = chance.choice(FAULTS), str(uuid.uuid4()), datetime.now(UTC)
        world.engine.balances.update({"BTC": Decimal(5), "USDT": Decimal(300_000)})
        world.engine.asks = [[Decimal("64000.0"), Decimal("0.5")], [Decimal("64010.0"), Decimal("0.5")]]
        quantity = Decimal(chance.randrange(100_000, 120_000_000)).scaleb(-8)
        await found(world.venue.prepare)

        async def place(client_order_id: str = client_order_id, quantity: Decimal = quantity) -> Placed:
            return await world.venue.place(
                client_order_id=client_order_id,
                symbol=world.symbol,
                side=Side.BUY,
                quantity=quantity,
                price=Decimal("64010.0"),
            )

        said = await with_fault(world, fault, place)
        there = [one for one in world.engine.orders if one.client_id == client_order_id]
        assert len(there) <= 1
        assert said.outcome is not PlaceOutcome.REFUSED or not there, (seed, fault, said)
        assert said.outcome is not PlaceOutcome.PLACED or there, (seed, fault, said)
        told = chance.choice([None, since])
        seen = await found(
            lambda one=client_order_id, told=told: world.venue.find(
                client_order_id=one, symbol=world.symbol, since=told
            )
        )
        assert (seen is not None) == bool(there), (seed, fault)
        if seen is not None:
            fills = await found(
                lambda one=seen: world.venue.fills(venue_order_id=one.venue_order_id, symbol=world.symbol)
            )
            assert sum(fill.quantity for fill in fills) == seen.filled == there[0].filled
            assert sum(fill.fee for fill in fills) == sum(trade.fee for trade in there[0].trades)


async def test_what_is_said_of_a_withdrawal_is_what_became_of_it(world: SmallWorld) -> None:
    since = datetime.now(UTC)
    for seed in range(SEEDS):
        if seed % 20 == 0:
            world.engine.payouts.clear()
        chance = random.Random(seed)
        fault, world.engine.balances["BTC"] = chance.choice(FAULTS), Decimal(5)
        amount = Decimal(seed + 1).scaleb(-4)  # no two alike: Kraken knows them by nothing else
        wanted = Withdrawal(str(uuid.uuid4()), world.asset, world.network, world.address, amount)
        await found(world.venue.prepare)

        async def withdraw(wanted: Withdrawal = wanted) -> Withdrawing:
            return await world.venue.withdraw(wanted)

        said = await with_fault(world, fault, withdraw)
        there = [one for one in world.engine.payouts if one.amount == amount]
        assert len(there) <= 1
        assert said.outcome is not PlaceOutcome.REFUSED or not there, (seed, fault, said)
        assert said.outcome is not PlaceOutcome.PLACED or there, (seed, fault, said)
        seen = await found(lambda one=wanted: world.venue.find_withdrawal(one, since=since))
        assert (seen is not None) == bool(there), (seed, fault)
