"""How long payouts take here: learnt from those that arrived, and what is promised to the next ones."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Database
from tidegate.treasury.rules import Way, promise_ms
from tidegate.treasury.tables import ArrivalTime

FRESH_SECONDS = 10.0
FORGOTTEN = timedelta(days=30)
"""What has not arrived for so long says nothing of the next one."""


@dataclass(frozen=True, slots=True)
class Trip:
    """What is compared with each other."""

    way: Way
    network: str
    asset: str
    speed: str


@dataclass(frozen=True, slots=True)
class Usual:
    """What is known of such trips: its median, and what is promised."""

    samples: int
    usual: timedelta
    promised: timedelta


class Arrivals:
    """What was learnt, read anew at most every ten seconds."""

    def __init__(self) -> None:
        self._read_at = -math.inf
        self._known: dict[Trip, Usual] = {}

    def forget(self) -> None:
        """Read anew at the next question."""
        self._read_at = -math.inf

    async def usual(self, db: Database, trip: Trip) -> Usual | None:
        """None while there is too little history: then the documented prior counts (`rules.shortest_wait`)."""
        if time.monotonic() - self._read_at >= FRESH_SECONDS:
            async with db.reading() as session:
                self._known = await known(session)
            self._read_at = time.monotonic()
        return self._known.get(trip)


async def known(session: AsyncSession) -> dict[Trip, Usual]:
    """Everything that was learnt."""
    rows = await session.scalars(select(ArrivalTime))
    return {
        Trip(Way(row.way), row.network, row.asset, row.speed): Usual(
            row.samples, timedelta(milliseconds=row.usual_ms), timedelta(milliseconds=row.promised_ms)
        )
        for row in rows
    }


async def learn(session: AsyncSession, found: Mapping[Trip, Sequence[int]], now: datetime) -> int:
    """Keep what the milliseconds of each say, where there are enough of them; how many that were."""
    rows = []
    for trip, durations in found.items():
        promised = promise_ms(durations)
        if promised is not None:
            usual = round(statistics.median_low(durations))
            rows.append(
                {
                    "way": trip.way.value,
                    "network": trip.network,
                    "asset": trip.asset,
                    "speed": trip.speed,
                    "samples": len(durations),
                    "usual_ms": usual,
                    "promised_ms": promised,
                    "measured_at": now,
                }
            )
    if rows:
        write = insert(ArrivalTime)
        names = ("samples", "usual_ms", "promised_ms", "measured_at")
        again = {name: write.excluded[name] for name in names}
        keys = ["way", "network", "asset", "speed"]
        await session.execute(write.on_conflict_do_update(index_elements=keys, set_=again), rows)
    await session.execute(delete(ArrivalTime).where(ArrivalTime.measured_at < now - FORGOTTEN))
    return len(rows)
