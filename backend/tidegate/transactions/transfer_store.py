"""SQL of internal transfers."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from tidegate.database import Rider, inserting, updating
from tidegate.transactions.rules import TransferState
from tidegate.transactions.tables import InternalTransfer, InternalTransferEvent
from tidegate.transactions.transfer_rules import TransferDraft

_COLUMNS = tuple(column.key for column in InternalTransfer.__table__.columns)
_values_of = attrgetter(*_COLUMNS)
_PENDING = TransferState.PENDING_VERIFICATION.value

Place = tuple[datetime, uuid.UUID]


def insert_rider(row: TransferDraft) -> Rider:
    """The new row; misses when the account has used this reference before."""
    values = dict(zip(_COLUMNS, _values_of(row), strict=True))
    return Rider("reference", inserting(InternalTransfer.__table__, key=("id",)), values)


def event_rider(
    transfer_id: uuid.UUID, version: int, *, at: datetime, state: TransferState, by: str, detail: str | None
) -> Rider:
    values = {
        "transfer_id": transfer_id,
        "version": version,
        "at": at,
        "state": state.value,
        "by": by,
        "detail": detail,
    }
    return Rider("transfer_event", inserting(InternalTransferEvent.__table__, key=("transfer_id", "version")), values)


def move_rider(row_id: uuid.UUID, version: int, values: dict[str, Any]) -> Rider:
    """A guarded update: only from the version that was read."""
    write = updating(InternalTransfer.__table__, guards=("id", "version"), columns=tuple(values), counted="version")
    return Rider("transfer", write, {"was_id": row_id, "was_version": version} | values)


async def get(session: AsyncSession, transfer_id: uuid.UUID) -> InternalTransfer | None:
    return await session.get(InternalTransfer, transfer_id)


async def get_own(session: AsyncSession, transfer_id: uuid.UUID, user_id: uuid.UUID) -> InternalTransfer | None:
    """Its sender's at any time, its recipient's once it has come. Ownership is in the SQL: a foreign id is not there."""
    t = InternalTransfer
    found: InternalTransfer | None = await session.scalar(
        select(t).where(t.id == transfer_id, or_(t.user_id == user_id, _came_to(user_id)))
    )
    return found


def _came_to(user_id: uuid.UUID) -> ColumnElement[bool]:
    return and_(InternalTransfer.recipient_id == user_id, InternalTransfer.completed_at.is_not(None))


async def page(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    before: Place | None,
    limit: int,
    asset: str | None = None,
    reference: str | None = None,
) -> list[tuple[datetime, InternalTransfer]]:
    """What this user sent and what came to them, newest first: a sender's begins when it was asked, a recipient's when
    it came. A reference is the sender's own, and finds nothing of others."""
    t = InternalTransfer
    query = select(t) if asset is None else select(t).where(t.asset == asset)
    sent = query.where(t.user_id == user_id)
    if reference is not None:
        sent = sent.where(t.reference == reference)
    lines = [(row.created_at, row) for row in await session.scalars(_newest(sent, t.created_at, before, limit))]
    if reference is None:
        came = _newest(query.where(_came_to(user_id)), t.completed_at, before, limit)
        lines += [(row.completed_at, row) for row in await session.scalars(came) if row.completed_at is not None]
    lines.sort(key=lambda line: (line[0], line[1].id), reverse=True)
    return lines[:limit]


def _newest(
    query: Select[InternalTransfer], at: InstrumentedAttribute[Any], before: Place | None, limit: int
) -> Select[InternalTransfer]:
    if before is not None:
        query = query.where(or_(at < before[0], and_(at == before[0], InternalTransfer.id < before[1])))
    return query.order_by(at.desc(), InternalTransfer.id.desc()).limit(limit)


async def events(session: AsyncSession, transfer_id: uuid.UUID) -> list[InternalTransferEvent]:
    e = InternalTransferEvent
    return list(await session.scalars(select(e).where(e.transfer_id == transfer_id).order_by(e.version)))


async def unverified_past(session: AsyncSession, now: datetime, limit: int = 50) -> list[InternalTransfer]:
    t = InternalTransfer
    rows = await session.scalars(select(t).where(t.state == _PENDING, t.challenge_expires_at < now).limit(limit))
    return list(rows)


async def held(session: AsyncSession) -> dict[tuple[uuid.UUID, str], int]:
    """What transfers hold that wait for their sender, by (user, asset)."""
    t = InternalTransfer
    rows = await session.execute(
        select(t.user_id, t.asset, func.sum(t.units)).where(t.state == _PENDING).group_by(t.user_id, t.asset)
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}


_AT_ONCE = 1000
_MARGIN = timedelta(days=1)
"""Far more than the clocks of our processes and of the database can lie apart."""


async def around(session: AsyncSession, at: datetime) -> AsyncIterator[list[tuple[uuid.UUID, uuid.UUID, str, int]]]:
    """(id, sender, asset, units) of every transfer that may have waited at that moment; which did, the ledger says."""
    t, after = InternalTransfer, uuid.UUID(int=0)
    while True:
        rows = await session.execute(
            select(t.id, t.user_id, t.asset, t.units)
            .where(t.id > after, t.created_at <= at + _MARGIN, or_(t.state == _PENDING, t.since >= at - _MARGIN))
            .order_by(t.id)
            .limit(_AT_ONCE)
        )
        found = [(row[0], row[1], row[2], int(row[3])) for row in rows]
        if found:
            after = found[-1][0]
            yield found
        if len(found) < _AT_ONCE:
            return


async def open_count(session: AsyncSession, *, user_id: uuid.UUID) -> int:
    """How many of the user's own wait for their code."""
    query = select(func.count()).where(InternalTransfer.user_id == user_id, InternalTransfer.state == _PENDING)
    return int(await session.scalar(query) or 0)
