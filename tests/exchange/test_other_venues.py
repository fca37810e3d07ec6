"""A hedge at each of the three venues, answers lost and garbled: one order, every fill booked once, to the unit."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.exchange.conftest import Room
from tests.venues.small.world import SmallWorld
from tests.venues.test_contract import binance_world, coinbase_world, kraken_world
from tidegate.chains.port import FeeRates
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.exchange import audit
from tidegate.exchange.desk import Desk
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import house, venue
from tidegate.markets.books import Markets
from tidegate.money import asset, format_units
from tidegate.transactions import audit as books
from tidegate.transactions.office import Office
from tidegate.treasury.fees import Fees
from tidegate.venues.port import Venue


@dataclass
class Chain:
    network: str
    gas_asset: str
    rates: FeeRates

    async def fee_rates(self) -> FeeRates:
        return self.rates


@dataclass
class Place:
    """A room whose only venue is a small one."""

    room: Room
    world: SmallWorld

    @property
    def name(self) -> str:
        return self.world.venue.name

    async def converted(self) -> None:
        user = await self.room.user(BTC="5")
        shown = await self.room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
        await self.room.convert(user, shown["id"])

    async def states(self) -> list[str]:
        return [row[0] for row in await self.room.rows("SELECT state FROM orders ORDER BY created_at, id")]

    async def hedged_once(self) -> None:
        assert await self.world.orders() == 1
        assert abs(await self.room.holds(house("liquidity", "BTC"))) < 1000
        for code, held in self.world.engine.balances.items():
            units = int(held.scaleb(asset(code).decimals))
            assert await self.room.holds(venue(self.name, code)) == units, code
        assert (await audit.venue_terms(self.room.desk)).unbooked == {}


@pytest.fixture(params=[binance_world, coinbase_world, kraken_world], ids=["binance", "coinbase", "kraken"])
async def place(request: pytest.FixtureRequest, db: Database, lane: Lane, settings: Settings) -> AsyncIterator[Place]:
    async with request.param() as world:
        venues: dict[str, Venue] = {world.venue.name: world.venue}
        chains: Any = {"bitcoin": Chain("bitcoin", "BTC", FeeRates(1, 2, 5))}
        fees, markets = Fees(chains, settings.networks), Markets(venues, settings)
        desk = Desk(db=db, lane=lane, markets=markets, venues=venues, fees=fees, chains=chains, settings=settings)
        nothing: Any = None
        room = Room(desk, nothing)
        for code, held in world.engine.balances.items():
            await room.give(
                venue(world.venue.name, code),
                code,
                format_units(int(held.scaleb(asset(code).decimals)), asset(code).decimals),
            )
        yield Place(room, world)


@pytest.mark.parametrize("fault", ["none", "lost", "garbled"])
async def test_a_hedge_is_made_once_and_booked_to_the_unit(place: Place, fault: str) -> None:
    await place.converted()
    if fault == "lost":
        await place.world.lose_next_answer()
    elif fault == "garbled":
        await place.world.garble_next_answer()
    await place.room.hedge()
    if fault != "none":
        assert await place.states() == ["unknown"]
    for after in (2, 4):
        await place.room.hedge(after=after)
    assert await place.states() == ["filled"]
    await place.hedged_once()


async def test_an_order_that_the_venue_failed_on_is_made_anew_only_after_the_settle_window(place: Place) -> None:
    await place.converted()
    await place.world.fail_next()
    for after in (0, 2, 29):
        await place.room.hedge(after=after)
        assert await place.states() == ["unknown"]
        assert await place.world.orders() == 0
    for after in (31, 40, 42):
        await place.room.hedge(after=after)
    assert await place.states() == ["cancelled", "filled"]
    await place.hedged_once()


async def test_what_lies_at_a_venue_that_is_switched_off_is_named_as_not_checked(place: Place) -> None:
    await place.converted()
    await place.world.lose_next_answer()
    await place.room.hedge()
    off = replace(place.room.desk, venues={})
    nothing: Any = None
    office = Office(
        db=off.db, lane=off.lane, settings=off.settings, chains={}, fees=off.fees, desk=off, cashier=nothing
    )
    report = await books.run(office, now=utcnow())
    assert f"{place.name}: the books hold something there and the venue is not on" in report.unchecked
    assert (await audit.venue_terms(off)).unbooked == {}
