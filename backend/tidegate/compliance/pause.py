"""Stopping an asset, or everything, and going on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance import store
from tidegate.compliance.rules import EVERYTHING
from tidegate.compliance.tables import PauseRow
from tidegate.database import Database, utcnow
from tidegate.money import UnknownAsset
from tidegate.money import asset as asset_of
from tidegate.refusal import Kind, Refusal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pause:
    """`asset` stands still since `paused_at`."""

    asset: str
    paused_at: datetime
    by: str
    reason: str


def _of(row: PauseRow) -> Pause:
    return Pause(row.asset, row.paused_at, row.by, row.reason)


def _check(asset: str) -> None:
    if asset == EVERYTHING:
        return
    try:
        asset_of(asset)
    except UnknownAsset:
        raise Refusal(Kind.UNKNOWN_ASSET, "There is no such asset here.", field="asset") from None


async def pause(db: Database, *, asset: str, by: str, reason: str) -> Pause:
    """Stop payouts and credits of an asset (`*`: of all). A pause that stands is kept as it is."""
    _check(asset)
    async with db.transaction() as session:
        await store.insert_pause(session, row={"asset": asset, "paused_at": utcnow(), "by": by, "reason": reason})
        row = await store.exact_pause(session, asset=asset)
        assert row is not None
        made = _of(row)
    log.warning("paused", asset=asset, by=by, reason=reason)
    return made


async def resume(db: Database, *, asset: str, by: str) -> None:
    """Go on with an asset. A pause of everything is ended only by resuming everything."""
    _check(asset)
    async with db.transaction() as session:
        await store.delete_pause(session, asset=asset)
    log.warning("resumed", asset=asset, by=by)


async def paused(session: AsyncSession, asset: str) -> Pause | None:
    """The pause that stops this asset now, if any."""
    row = await store.pause_of(session, asset=asset)
    return None if row is None else _of(row)


async def standing(session: AsyncSession) -> Sequence[Pause]:
    """Every pause that stands."""
    return [_of(row) for row in await store.pauses(session)]
