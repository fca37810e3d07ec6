"""Stopping an asset, or everything, and going on. What the house froze by itself (freeze.py) stands still as well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance import freeze, store
from tidegate.compliance.freeze import Freeze
from tidegate.compliance.rules import EVERYTHING, Cause
from tidegate.compliance.tables import PauseRow
from tidegate.database import Database, utcnow
from tidegate.money import UnknownAsset
from tidegate.money import asset as asset_of
from tidegate.refusal import Kind, Refusal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pause:
    """`asset` stands still since `paused_at`; `reason` is what customers are told. `cause` when the house froze it: then
    no `resume` ends it."""

    asset: str
    paused_at: datetime
    by: str
    reason: str
    cause: Cause | None = None


FROZE = "reconciliation"
_WORDS = {
    Cause.DIFFERENCE: "{what} stand still while we compare our books with what we hold. Nothing is lost by waiting.",
    Cause.ORPHAN: "{what} stand still while we look into a payment that we did not expect.",
    Cause.RESTORED: "{what} stand still while we compare a restored database with what has happened since.",
}


def _of(row: PauseRow) -> Pause:
    return Pause(row.asset, row.paused_at, row.by, row.reason)


def _frozen(one: Freeze) -> Pause:
    what = "Payments" if one.asset == EVERYTHING else f"Payments of {one.asset}"
    return Pause(one.asset, one.at, FROZE, _WORDS[one.cause].format(what=what), one.cause)


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
    """Go on with an asset. A pause of everything is ended only by resuming everything.

    Refuses CONFLICT, and the pause stays, while the house itself has frozen it: that is released, with a reason.
    """
    _check(asset)
    async with db.transaction() as session:
        if any(one.asset == asset for one in await freeze.standing(session)):
            raise Refusal(Kind.CONFLICT, "It is frozen: `tidegate freezes` says why, `tidegate release` ends it.")
        await store.delete_pause(session, asset=asset)
    log.warning("resumed", asset=asset, by=by)


async def paused(session: AsyncSession, asset: str) -> Pause | None:
    """The pause that stops this asset now, if any."""
    row = await store.pause_of(session, asset=asset)
    if row is not None:
        return _of(row)
    frozen = [one for one in await freeze.standing(session) if one.asset in (asset, EVERYTHING)]
    return _frozen(frozen[0]) if frozen else None


async def standing(session: AsyncSession) -> Sequence[Pause]:
    """Every pause that stands, those that the house itself made last."""
    made = [_of(row) for row in await store.pauses(session)]
    return [*made, *(_frozen(one) for one in await freeze.standing(session))]
