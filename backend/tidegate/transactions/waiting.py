"""What waits, why, and for how long: the alarms, the operator's list, and how well `expected_by` is kept."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from tidegate.database import Database, utcnow
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import EXITS, Exit, Promises, State, SubStatus, Waits
from tidegate.transactions.tables import Withdrawal
from tidegate.treasury import arrivals
from tidegate.treasury.arrivals import Trip
from tidegate.treasury.rules import Way

log = structlog.get_logger(__name__)

LEARNT_FROM = 500
"""The last arrivals of each kind that the next promise is made of."""
LEARNT_SINCE = timedelta(days=30)
KEPT_SINCE = timedelta(days=7)
"""What the share of kept promises is told of."""


def exit_of(state: str, sub_status: str | None) -> Exit:
    """How this wait ends, and its patience."""
    return EXITS[SubStatus(sub_status) if sub_status is not None else State(state)]


async def alarm_step(office: Office) -> int:
    """Say aloud what waits for too long: one line for each reason, again at every look until it is gone."""
    now = utcnow()
    async with office.db.reading() as session:
        found = [one for one in await store.waits(session, now=now) if one.stuck]
        oldest = await store.stuck(session, now=now, limit=1) if found else []
    for one in found:
        log.error(
            "withdrawals_stuck",
            state=one.state,
            sub_status=one.sub_status,
            count=one.stuck,
            oldest_seconds=round((now - one.oldest).total_seconds()),
            way_out=exit_of(one.state, one.sub_status).way,
            oldest=str(oldest[0].id),
        )
    return 0


async def learn_step(office: Office) -> int:
    """Make the next promises of how long the last payouts took."""
    now = utcnow()
    async with office.db.reading() as session:
        rows = await store.arrived(session, since=now - LEARNT_SINCE, most=LEARNT_FROM)
    found: dict[Trip, list[int]] = defaultdict(list)
    for network, asset, speed, reviewed, took in rows:
        found[Trip(Way.REVIEWED if reviewed else Way.STRAIGHT, network, asset, speed)].append(took)
    async with office.db.transaction() as session:
        await arrivals.learn(session, found, now)
    return 0


async def stuck(db: Database, *, limit: int, now: datetime) -> Sequence[Withdrawal]:
    """The operator's list of what waits for too long, the oldest first."""
    async with db.reading() as session:
        return await store.stuck(session, now=now, limit=limit)


async def look(db: Database, *, now: datetime) -> tuple[Sequence[Waits], Sequence[Promises]]:
    """For the meters: what is open by what it waits for, and how many promises of the last days were kept."""
    async with db.reading() as session:
        return await store.waits(session, now=now), await store.promises(session, since=now - KEPT_SINCE, now=now)
