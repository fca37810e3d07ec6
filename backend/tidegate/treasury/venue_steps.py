"""The worker takes every due move between an exchange and the hot wallet one step further."""

import time
from datetime import datetime, timedelta

import structlog

from tidegate.chains.port import NodeUnavailable
from tidegate.queue import Lease
from tidegate.treasury import venue_store
from tidegate.treasury.fetch import LEASE_SECONDS, LOOK_AGAIN, PATIENCE, Carrier, Job, fetch
from tidegate.treasury.supply import follow
from tidegate.venues.port import VenueUnavailable

log = structlog.get_logger(__name__)


async def advance(carrier: Carrier, now: datetime) -> int:
    """Take every due move a step further; how many there were."""
    async with carrier.db.transaction() as session:
        leases = await venue_store.claim(session, now=now, seconds=LEASE_SECONDS)
    started = time.monotonic()
    for lease in leases:
        await _one(carrier, lease, now, started)
    return len(leases)


async def _one(carrier: Carrier, lease: Lease, now: datetime, started: float) -> None:
    """One move's trouble is its own: the others go on."""
    async with carrier.db.reading() as session:
        row = await venue_store.of(session, lease.id)
    if row is None:
        return
    job = Job(carrier, lease, row, now, started)
    venue, chain = carrier.venues.get(row.venue), carrier.chains.get(row.network)
    try:
        if venue is None or chain is None:
            await job.later(PATIENCE, f"{row.venue} or {row.network} is not on")
        else:
            await (fetch(job, venue, chain) if row.client_id else follow(job, venue))
    except VenueUnavailable as error:
        log.info("venue_move_waits", move=str(row.id), reason=error.detail[:200])
        await job.later(max(timedelta(seconds=error.retry_after or 0.0), LOOK_AGAIN))
    except NodeUnavailable as error:
        log.info("venue_move_waits", move=str(row.id), reason=str(error)[:200])
        await job.later(LOOK_AGAIN)
    except Exception:  # it is looked at again, and said aloud each time
        log.exception("venue_move_step_failed", move=str(row.id))
        await job.later(PATIENCE)
