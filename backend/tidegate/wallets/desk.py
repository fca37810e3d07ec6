"""The operator's view of deposits: everybody's, and looking again at the chain for what was missed."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Chain, NodeUnavailable
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import book, deposit_store, deposits, sight, store, watch
from tidegate.wallets.rules import Tags
from tidegate.wallets.schemas import DepositOut

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One deposit, whose it is and who explained it."""

    user_id: uuid.UUID
    shown: DepositOut
    booked: str | None
    explained_by: str | None


async def page(
    session: AsyncSession, settings: Settings, *, states: Sequence[str], network: str | None, limit: int, now: datetime
) -> list[Line]:
    """Everybody's deposits, newest first."""
    rows = await deposit_store.page_of(session, user_id=None, states=states, network=network, before=None, limit=limit)
    return [Line(row.user_id, deposits.shape(settings, row, set(), now), row.booked, row.explained_by) for row in rows]


async def one(session: AsyncSession, settings: Settings, *, deposit_id: uuid.UUID, now: datetime) -> Line:
    """One deposit of anybody's. Refuses NOT_FOUND."""
    row = await deposit_store.one(session, deposit_id=deposit_id)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such deposit.")
    return Line(row.user_id, deposits.shape(settings, row, set(), now), row.booked, row.explained_by)


async def look_at(db: Database, lane: Lane, chain: Chain, settings: Settings, *, txid: str, now: datetime) -> int:
    """Look at one transaction again: how many deposits of it were missed until now. Twice is harmless.

    Refuses NOT_FOUND when the node does not know it or it pays none of our addresses. Raises NodeUnavailable, also for
    a node that is not fit.
    """
    health = await chain.health()
    if not health.fit:
        raise NodeUnavailable(health.reason)
    known, txid = watch.known(db, chain.network), txid.strip().lower()
    async with db.reading() as session:
        row = await store.scan_of(session, network=chain.network)
        await watch.learn(session, chain, known)
    found = await chain.arrivals(row.cursor if row is not None else None, known, [txid])
    seen = [one for one in found.seen if one.txid == txid]
    if not seen:
        raise Refusal(
            Kind.NOT_FOUND,
            "The node does not know it, or it pays none of our addresses. If it is old, give its height.",
        )
    terms = settings.networks[chain.network]
    async with db.transaction() as session:
        scan = await store.lock_scan(session, network=chain.network, now=now)
        before = await deposit_store.known(session, network=chain.network, txids=[txid])
        look = sight.Look(
            found=replace(found, seen=tuple(seen), gone=()),
            rows=[],
            asked=frozenset((txid,)),
            depths={},
            covered=known.covered,
            version=scan.version,
            cursor=scan.cursor,
            health=health,
        )
        await sight.show(session, chain, terms, look, Tags(found.safe, found.finalized), now)
        after = await deposit_store.known(session, network=chain.network, txids=[txid])
        await store.save_scan(session, network=chain.network, values={"version": scan.version + 1})
    await book.settle(db, lane, network=chain.network, settings=settings, now=now)
    log.warning("deposits_looked_at", network=chain.network, txid=txid, found=len(after - before))
    return len(after - before)


async def look_from(db: Database, chain: Chain, *, height: int, now: datetime) -> int:
    """Have every block from `height` on read again by the next scans, whatever became of the cursor.

    Answers the first block that will be: those that were not read yet are not passed over. What is known already stays
    as it is. Refuses CONFLICT for a block that the node does not have yet. Raises NodeUnavailable.
    """
    tip = await chain.tip()
    if height > tip.height:
        raise Refusal(Kind.CONFLICT, f"The node is at block {tip.height}.")
    async with db.reading() as session:
        row = await store.scan_of(session, network=chain.network)
    if row is not None and row.scanned_height is not None:
        # Never forward: the blocks in between would be read by nobody.
        height = min(height, row.scanned_height + 1)
    cursor = await chain.reread(height)
    async with db.transaction() as session:
        scan = await store.lock_scan(session, network=chain.network, now=now)
        if scan.scanned_height is not None and height > scan.scanned_height + 1:
            raise Refusal(Kind.CONFLICT, "Older blocks are being read again already.")
        await deposit_store.forget_flows(session, network=chain.network, above=height - 1)
        values = {"cursor": cursor, "scanned_height": max(height - 1, 0), "version": scan.version + 1}
        await store.save_scan(session, network=chain.network, values=values)
    log.warning("deposits_reread", network=chain.network, height=height)
    return height
