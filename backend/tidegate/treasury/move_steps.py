"""The worker takes every due move one step further."""

from datetime import datetime, timedelta
from typing import Any

import structlog

from tidegate.chains.port import NodeUnavailable
from tidegate.queue import Lease
from tidegate.treasury import move_sign, move_store, move_watch, store, underway
from tidegate.treasury.move_rules import Move
from tidegate.treasury.moves import AGAIN, PURPOSES, Job, Mover
from tidegate.treasury.rules import Purpose, Stage
from tidegate.treasury.tables import MoveRow

log = structlog.get_logger(__name__)


async def advance(mover: Mover, now: datetime) -> int:
    """Take every due move one step further; how many there were."""
    done = 0
    for stage, step in (
        (Stage.SIGNING, move_sign.sign),
        (Stage.BROADCASTING, move_watch.broadcast),
        (Stage.CONFIRMING, move_watch.watch),
    ):
        async with mover.db.transaction() as session:
            leases = await store.claim(session, PURPOSES, stage, now=now)
        for lease in leases:
            await _one(mover, lease, step, now)
        done += len(leases)
    return done


async def _one(mover: Mover, lease: Lease, step: Any, now: datetime) -> None:
    """One move's trouble is its own: the others go on."""
    again: timedelta | None = AGAIN
    try:
        again = await _step(mover, lease, step, now)
    except NodeUnavailable as error:
        log.info("move_waits", move=str(lease.id), reason=str(error)[:200])
    except Exception:  # one move's trouble must not stop the others; it is looked at again
        log.exception("move_step_failed", move=str(lease.id), step=step.__name__)
    if again is not None:
        async with mover.db.transaction() as session:
            await store.release(session, lease.id, lease.fence, now + again)


async def _step(mover: Mover, lease: Lease, step: Any, now: datetime) -> timedelta | None:
    async with mover.db.reading() as session:
        whole, row = await store.whole(session, lease.id), await move_store.move_of(session, lease.id)
        spent = await underway.reserved_by(session, lease.id)
    if whole is None or row is None or row.network not in mover.chains:
        return None
    deposit_units = sum(coin.units for coin in spent if coin.from_deposit)
    found: timedelta | None = await step(Job(mover, lease, whole, row, _move(mover, row, deposit_units), now))
    return found


def _move(mover: Mover, row: MoveRow, deposit_units: int) -> Move:
    return Move(
        id=row.set_id,
        network=row.network,
        purpose=Purpose(row.purpose),
        asset=row.asset,
        units=row.units,
        to_cold=row.to_cold,
        gas_asset=mover.chains[row.network].gas_asset,
        deposit_units=deposit_units,
    )
