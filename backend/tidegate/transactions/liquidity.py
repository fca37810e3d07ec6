"""The worker step of the house's own moves: what withdrawals wait for is told to the treasury, which does not know them."""

import time

from tidegate.database import utcnow
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.treasury import liquidity, move_steps, rebalance, venue_steps
from tidegate.treasury.moves import Mover
from tidegate.treasury.rebalance import Rebalancer


class Moves:
    """Takes what is under way further at every step, and looks for new moves now and then."""

    def __init__(self, office: Office, mover: Mover) -> None:
        self._office = office
        self._mover = mover
        self._looked = -1e9

    async def step(self) -> int:
        """How many moves were taken further."""
        pause = min((one.move_seconds for one in self._office.settings.networks.values()), default=10.0)
        if time.monotonic() - self._looked >= pause:
            self._looked = time.monotonic()
            async with self._office.db.reading() as session:
                queued, largest = await store.queued_units(session), await store.largest_short(session)
            await liquidity.look(self._mover, queued, utcnow(), largest)
        return await move_steps.advance(self._mover, utcnow())


class Rebalancing:
    """Takes moves between exchanges and the hot wallet further at every step, and looks for new ones now and then."""

    def __init__(self, office: Office, rebalancer: Rebalancer) -> None:
        self._office = office
        self._rebalancer = rebalancer
        self._looked = -1e9

    async def step(self) -> int:
        """How many were taken further."""
        pause = min((one.move_seconds for one in self._office.settings.networks.values()), default=10.0)
        if time.monotonic() - self._looked >= pause:
            self._looked = time.monotonic()
            async with self._office.db.reading() as session:
                queued = await store.queued_units(session)
            await rebalance.look(self._rebalancer, queued, utcnow())
        return await venue_steps.advance(self._rebalancer.carrier, utcnow())
