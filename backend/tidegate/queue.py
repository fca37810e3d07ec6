"""The row is the job: leases with fencing numbers on the rows themselves, and a wake-up by NOTIFY.

A table that is a queue has `due_at`, `lease_until`, `fence`. Claiming raises `fence`; every later write of the claimer
names its fence, so that a worker that slept past its lease loses (chains.md section 4).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Base


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one row until `until`; writes must name `fence`."""

    id: uuid.UUID
    fence: int
    until: datetime


async def claim_due(
    session: AsyncSession,
    table: type[Base],
    *,
    where: ColumnElement[bool],
    now: datetime,
    seconds: int = 30,
    limit: int = 20,
) -> list[Lease]:
    """Lease due rows, oldest first, skipping those another worker holds. In the caller's short transaction."""
    t: Any = table
    # A CTE that locks is evaluated once, whatever the plan: never more rows than asked for.
    free = (
        select(t.id)
        .where(where, t.due_at <= now, or_(t.lease_until.is_(None), t.lease_until < now))
        .order_by(t.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    until = now + timedelta(seconds=seconds)
    rows = await session.execute(
        update(t)
        .where(t.id.in_(select(free.c.id)))
        .values(fence=t.fence + 1, lease_until=until)
        .returning(t.id, t.fence, t.due_at)
        .execution_options(synchronize_session=False)
    )
    return [Lease(row.id, row.fence, until) for row in sorted(rows, key=lambda row: row.due_at)]
