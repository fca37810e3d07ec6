"""All SQL of tracking links."""

import uuid
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.transactions.tables import TrackingLink


async def lock(session: AsyncSession, *, withdrawal_id: uuid.UUID) -> None:
    """Of two that make a link for the same withdrawal at once the second waits and finds the first one's."""
    # Not the withdrawal's row: the worker moves that, and must not wait for a page.
    key = func.hashtextextended(f"tracking:{withdrawal_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(key)))


async def live(session: AsyncSession, *, withdrawal_id: uuid.UUID) -> TrackingLink | None:
    """The one that is not revoked; it may have expired."""
    found: TrackingLink | None = await session.scalar(
        select(TrackingLink).where(TrackingLink.withdrawal_id == withdrawal_id, TrackingLink.revoked_at.is_(None))
    )
    return found


async def get(session: AsyncSession, link_id: uuid.UUID) -> TrackingLink | None:
    found: TrackingLink | None = await session.scalar(select(TrackingLink).where(TrackingLink.id == link_id))
    return found


async def revoke(session: AsyncSession, *, withdrawal_id: uuid.UUID, now: datetime) -> None:
    await session.execute(
        update(TrackingLink)
        .where(TrackingLink.withdrawal_id == withdrawal_id, TrackingLink.revoked_at.is_(None))
        .values(revoked_at=now)
    )
