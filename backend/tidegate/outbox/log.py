"""Reading events back: by account, in order. For streams and logs; nothing here is the truth about anything."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.outbox.tables import Event, EventCounter


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of an account."""

    sequence: int
    kind: str
    object_id: uuid.UUID
    version: int
    at: datetime
    standing: dict[str, Any] | None = None


async def last(session: AsyncSession, *, user_id: uuid.UUID) -> int:
    """The newest committed sequence of an account; 0 when it has none."""
    found = await session.scalar(select(EventCounter.last).where(EventCounter.user_id == user_id))
    return found or 0


async def after(session: AsyncSession, *, user_id: uuid.UUID, sequence: int, limit: int) -> Sequence[Entry]:
    """Events after `sequence`, oldest first. Without gaps, except at the start when old ones were forgotten."""
    rows = await session.scalars(
        select(Event).where(Event.user_id == user_id, Event.sequence > sequence).order_by(Event.sequence).limit(limit)
    )
    return [Entry(row.sequence, row.kind, row.object_id, row.version, row.at, row.standing) for row in rows]


def newer(user_id: ColumnElement[uuid.UUID], sequence: ColumnElement[int]) -> ColumnElement[bool]:
    """In the query of another room, over its own columns: the account has an event after `sequence`."""
    return exists().where(EventCounter.user_id == user_id, EventCounter.last > sequence)


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Drop events older than `before`; the numbers go on."""
    await session.execute(delete(Event).where(Event.at < before))
