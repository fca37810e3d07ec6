"""SQL of the moves between exchanges and the hot wallet."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider, new_id, updating
from tidegate.queue import Lease, claim_due
from tidegate.treasury.rules import Booked, Direction, ProposalState, VenueState
from tidegate.treasury.tables import ProposalRow, VenueMoveRow

_OVER = [VenueState.REFUSED.value, VenueState.FAILED.value]


def to_wallet(
    *,
    venue: str,
    network: str,
    asset: str,
    units: int,
    address: str,
    proposal_id: uuid.UUID | None,
    now: datetime,
) -> VenueMoveRow:
    """A withdrawal there, written down before anybody is asked. IntegrityError in its commit when one is under way."""
    return _row(new_id(), venue, network, asset, units, address, proposal_id, now, Direction.TO_WALLET, uuid.uuid4())


def to_venue(
    set_id: uuid.UUID,
    *,
    venue: str,
    network: str,
    asset: str,
    units: int,
    address: str,
    proposal_id: uuid.UUID | None,
    now: datetime,
) -> VenueMoveRow:
    """A deposit there, paid by that set. IntegrityError in its commit when one is under way."""
    return _row(set_id, venue, network, asset, units, address, proposal_id, now, Direction.TO_VENUE, None)


def _row(
    id_: uuid.UUID,
    venue: str,
    network: str,
    asset: str,
    units: int,
    address: str,
    proposal_id: uuid.UUID | None,
    now: datetime,
    direction: Direction,
    client_id: uuid.UUID | None,
) -> VenueMoveRow:
    first = VenueState.INTENDED if direction is Direction.TO_WALLET else VenueState.MOVING
    return VenueMoveRow(
        id=id_,
        venue=venue,
        network=network,
        asset=asset,
        direction=direction.value,
        units=units,
        address=address,
        client_id=client_id,
        state=first.value,
        booked=Booked.NOTHING.value,
        proposal_id=proposal_id,
        created_at=now,
        due_at=now,
        fence=0,
    )


async def claim(session: AsyncSession, *, now: datetime, seconds: int, limit: int = 20) -> list[Lease]:
    """Lease due moves; those whose transaction is still ours to bring into the chain are the treasury's other steps'."""
    where = VenueMoveRow.ended_at.is_(None) & (VenueMoveRow.state != VenueState.MOVING.value)
    return await claim_due(session, VenueMoveRow, where=where, now=now, seconds=seconds, limit=limit)


async def of(session: AsyncSession, move_id: uuid.UUID) -> VenueMoveRow | None:
    return await session.get(VenueMoveRow, move_id, populate_existing=True)


def change(lease: Lease, was: VenueState, values: dict[str, Any]) -> Rider:
    """Change a leased move that stands like that; "venue_move" misses else."""
    write = updating(VenueMoveRow.__table__, guards=("id", "fence", "state"), columns=tuple(values))
    return Rider("venue_move", write, {"was_id": lease.id, "was_fence": lease.fence, "was_state": was.value} | values)


def mined(move_id: uuid.UUID, values: dict[str, Any]) -> Rider:
    """What became of our own transaction that pays an exchange; "venue_move" misses when that was said before."""
    write = updating(VenueMoveRow.__table__, guards=("id", "state"), columns=tuple(values))
    return Rider("venue_move", write, {"was_id": move_id, "was_state": VenueState.MOVING.value} | values)


async def release(session: AsyncSession, lease: Lease, due_at: datetime, trouble: str | None = None) -> None:
    """Give it back and say when to look again, and why a person should look at it (kept when nothing is said)."""
    values: dict[str, Any] = {"lease_until": None, "due_at": due_at}
    if trouble is not None:
        values["trouble"] = trouble[:500]
    held = (VenueMoveRow.id == lease.id) & (VenueMoveRow.fence == lease.fence) & VenueMoveRow.ended_at.is_(None)
    await session.execute(update(VenueMoveRow).where(held).values(**values))


async def open_moves(session: AsyncSession) -> Sequence[VenueMoveRow]:
    """All that are not over."""
    return list(await session.scalars(select(VenueMoveRow).where(VenueMoveRow.ended_at.is_(None))))


async def sent(session: AsyncSession) -> list[tuple[str, int]]:
    """(asset, units) of what our books have in transit."""
    rows = await session.execute(
        select(VenueMoveRow.asset, VenueMoveRow.units).where(VenueMoveRow.booked == Booked.SENT.value)
    )
    return [(row[0], int(row[1])) for row in rows]


async def newest(session: AsyncSession, limit: int) -> Sequence[VenueMoveRow]:
    query = select(VenueMoveRow).order_by(VenueMoveRow.created_at.desc(), VenueMoveRow.id.desc()).limit(limit)
    return list(await session.scalars(query))


async def today(session: AsyncSession, venue: str, asset: str, since: datetime) -> int:
    """What was moved since then, both ways, or is under way; what came to nothing is not counted."""
    found = await session.scalar(
        select(func.coalesce(func.sum(VenueMoveRow.units), 0)).where(
            VenueMoveRow.venue == venue,
            VenueMoveRow.asset == asset,
            VenueMoveRow.created_at > since,
            VenueMoveRow.state.not_in(_OVER),
        )
    )
    return int(found or 0)


async def failed_since(session: AsyncSession, venue: str, asset: str, since: datetime) -> bool:
    """Whether the last move of this asset there came to nothing since then."""
    last = await session.scalar(
        select(VenueMoveRow)
        .where(VenueMoveRow.venue == venue, VenueMoveRow.asset == asset, VenueMoveRow.ended_at.is_not(None))
        .order_by(VenueMoveRow.ended_at.desc())
        .limit(1)
    )
    return last is not None and last.state in _OVER and last.ended_at is not None and last.ended_at > since


async def paid_by(session: AsyncSession, network: str, txid: str) -> VenueMoveRow | None:
    """The withdrawal that an exchange says this transaction pays."""
    found: VenueMoveRow | None = await session.scalar(
        select(VenueMoveRow).where(
            VenueMoveRow.network == network,
            VenueMoveRow.txid == txid,
            VenueMoveRow.direction == Direction.TO_WALLET.value,
        )
    )
    return found


async def busy(session: AsyncSession, venue: str, asset: str) -> bool:
    """Whether a move of this asset there is under way, or accepted and about to be made."""
    under_way = select(VenueMoveRow.id).where(
        VenueMoveRow.venue == venue, VenueMoveRow.asset == asset, VenueMoveRow.ended_at.is_(None)
    )
    if await session.scalar(under_way.limit(1)) is not None:
        return True
    return any(row.venue == venue and row.asset == asset for row in await accepted(session))


async def coming(session: AsyncSession, network: str, asset: str) -> int:
    """What is on its way to the hot wallet from exchanges."""
    found = await session.scalar(
        select(func.coalesce(func.sum(VenueMoveRow.units), 0)).where(
            VenueMoveRow.network == network,
            VenueMoveRow.asset == asset,
            VenueMoveRow.direction == Direction.TO_WALLET.value,
            VenueMoveRow.ended_at.is_(None),
        )
    )
    return int(found or 0)


async def lapse(session: AsyncSession, proposal_id: uuid.UUID, why: str) -> None:
    """An accepted proposal is not done any more. Whoever accepted it stays named."""
    await session.execute(
        update(ProposalRow)
        .where(ProposalRow.id == proposal_id, ProposalRow.state == ProposalState.ACCEPTED.value)
        .values(state=ProposalState.DISMISSED.value, reason=f"{why}; it was asked for because: " + ProposalRow.reason)
    )


async def accepted(session: AsyncSession) -> Sequence[ProposalRow]:
    """Proposals that a person accepted and of which no move was made."""
    made = select(VenueMoveRow.proposal_id).where(VenueMoveRow.proposal_id == ProposalRow.id).exists()
    query = select(ProposalRow).where(ProposalRow.state == ProposalState.ACCEPTED.value, ~made)
    return list(await session.scalars(query.order_by(ProposalRow.ended_at)))
