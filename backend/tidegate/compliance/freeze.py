"""What the house itself stops until a person says why it may go on: a difference that stays, money that left unknown, a
restored database. A freeze stops what a pause stops; unlike one it is kept for ever, and ends by its release alone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance import store
from tidegate.compliance.rules import Cause
from tidegate.compliance.tables import FreezeRow
from tidegate.database import new_id, utcnow
from tidegate.refusal import Kind, Refusal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Freeze:
    """`reason` is for operators and says which term; `found` is what a release is judged by."""

    id: uuid.UUID
    cause: Cause
    asset: str
    place: str
    reason: str
    found: dict[str, Any]
    at: datetime
    looked_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None
    forced: bool | None


def _of(row: FreezeRow) -> Freeze:
    return Freeze(
        row.id,
        Cause(row.kind),
        row.asset,
        row.place,
        row.reason,
        row.found,
        row.at,
        row.looked_at,
        row.released_at,
        row.released_by,
        row.release_reason,
        row.forced,
    )


async def freeze(
    session: AsyncSession, cause: Cause, asset: str, *, place: str, reason: str, found: dict[str, Any]
) -> bool:
    """Freeze it, aloud; False when it is frozen for this very cause and place already."""
    row = {"id": new_id(), "kind": cause.value, "asset": asset, "place": place, "reason": reason, "found": found}
    fresh = await store.insert_freeze(session, row={**row, "at": utcnow()})
    if fresh:
        log.error("frozen", cause=cause.value, asset=asset, place=place, reason=reason)
    return fresh


async def standing(session: AsyncSession) -> Sequence[Freeze]:
    """Every freeze that stands, oldest first."""
    return [_of(row) for row in await store.freezes_standing(session)]


async def restored(session: AsyncSession) -> Freeze | None:
    """The freeze of a restored database, while it stands."""
    return next((one for one in await standing(session) if one.cause is Cause.RESTORED), None)


async def newest(session: AsyncSession, *, limit: int) -> Sequence[Freeze]:
    """The newest freezes, released ones too."""
    return [_of(row) for row in await store.newest_freezes(session, limit=limit)]


async def forced(session: AsyncSession) -> Sequence[Freeze]:
    """Those that were released although something spoke against it, oldest first: what they kept is `found["accepted"]`."""
    return [one for row in await store.forced_freezes(session) if "accepted" in (one := _of(row)).found]


async def note(session: AsyncSession, freeze_id: uuid.UUID, *, found: dict[str, Any], now: datetime) -> None:
    """Remember what a look since has found; one that was released meanwhile stays as it was."""
    await store.note_freeze(session, freeze_id=freeze_id, values={"found": found, "looked_at": now})


async def release(session: AsyncSession, freeze_id: uuid.UUID, *, by: str, reason: str, forced: bool) -> Freeze:
    """End it, for ever recorded by whom and why. Refuses NOT_FOUND when it does not stand (any more)."""
    values = {"released_at": utcnow(), "released_by": by, "release_reason": reason, "forced": forced}
    row = await store.release_freeze(session, freeze_id=freeze_id, values=values)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "No such freeze stands.")
    log.warning("released", cause=row.kind, asset=row.asset, place=row.place, by=by, reason=reason, forced=forced)
    return _of(row)
