"""SQL of the house's moves and proposals; what they reserve is in `store`, since payouts share it."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider, adding, new_id, updating
from tidegate.treasury.move_rules import Need
from tidegate.treasury.rules import Booked, ProposalState, Purpose
from tidegate.treasury.tables import Attempt, GasTank, MoveRow, ProposalRow

DISMISSED_FOR = timedelta(hours=24)
FROM_HOT = (Purpose.TOP_UP, Purpose.COLD, Purpose.TO_VENUE)


async def move_of(session: AsyncSession, set_id: uuid.UUID) -> MoveRow | None:
    return await session.get(MoveRow, set_id, populate_existing=True)


def move_rider(set_id: uuid.UUID, was: Booked, values: dict[str, Any]) -> Rider:
    """Change a move of which the ledger says `was`; "move" misses else."""
    write = updating(MoveRow.__table__, guards=("set_id", "booked"), columns=tuple(values))
    return Rider("move", write, {"was_set_id": set_id, "was_booked": was.value} | values)


def tank_rider(network: str, index: int, units: int) -> Rider:
    """Add to what a deposit address has of the house's ether."""
    write = adding(GasTank.__table__, key=("network", "address_index"), column="units")
    return Rider("tank", write, {"network": network, "address_index": index, "units": units})


async def tanks(session: AsyncSession, network: str) -> dict[int, int]:
    rows = await session.execute(select(GasTank.address_index, GasTank.units).where(GasTank.network == network))
    return {row[0]: int(row[1]) for row in rows}


async def busy_addresses(session: AsyncSession, network: str, since: datetime) -> set[int]:
    """Deposit addresses with a move under way, or with one that came to nothing lately."""
    rows = await session.scalars(
        select(MoveRow.address_index).where(
            MoveRow.network == network,
            MoveRow.address_index.is_not(None),
            MoveRow.ended_at.is_(None) | (MoveRow.reason.is_not(None) & (MoveRow.ended_at > since)),
        )
    )
    return {index for index in rows if index is not None}


async def busy(session: AsyncSession, network: str, asset: str, purpose: Purpose, since: datetime) -> bool:
    """Whether such a move from the hot wallet is under way, or came to nothing lately."""
    found = await session.scalar(
        select(func.count())
        .select_from(MoveRow)
        .where(
            MoveRow.network == network,
            MoveRow.asset == asset,
            MoveRow.purpose == purpose.value,
            MoveRow.ended_at.is_(None) | (MoveRow.reason.is_not(None) & (MoveRow.ended_at > since)),
        )
    )
    return bool(found)


async def promised(session: AsyncSession, network: str, asset: str) -> int:
    """What moves take from the hot wallet that the ledger does not know of yet."""
    found = await session.scalar(
        select(func.coalesce(func.sum(MoveRow.units), 0)).where(
            MoveRow.network == network,
            MoveRow.asset == asset,
            MoveRow.purpose.in_([one.value for one in FROM_HOT]),
            MoveRow.booked == Booked.NOTHING.value,
            MoveRow.ended_at.is_(None),
        )
    )
    return int(found or 0)


async def in_transit(session: AsyncSession, network: str) -> list[MoveRow]:
    """Moves that the ledger has in transit on this network."""
    rows = await session.scalars(
        select(MoveRow).where(MoveRow.network == network, MoveRow.booked == Booked.SENT.value, MoveRow.units > 0)
    )
    return list(rows)


async def sent(session: AsyncSession) -> list[tuple[str, int]]:
    """(asset, units) of every move that the ledger has in transit."""
    rows = await session.execute(
        select(MoveRow.asset, MoveRow.units).where(MoveRow.booked == Booked.SENT.value, MoveRow.units > 0)
    )
    return [(row[0], int(row[1])) for row in rows]


async def newest(session: AsyncSession, limit: int) -> list[MoveRow]:
    return list(await session.scalars(select(MoveRow).order_by(MoveRow.created_at.desc()).limit(limit)))


# --- proposals -------------------------------------------------------------------------------------------------------


async def propose(
    session: AsyncSession, *, network: str, asset: str, address: str, need: Need | None, now: datetime, venue: str = ""
) -> None:
    """Make the open proposals of this asset (at this exchange) what is needed now: one at most; what is met is done."""
    rows = await session.scalars(
        select(ProposalRow)
        .where(
            ProposalRow.network == network,
            ProposalRow.asset == asset,
            ProposalRow.venue == venue,
            ProposalRow.state == ProposalState.OPEN.value,
        )
        .with_for_update()
    )
    standing = {row.kind: row for row in rows}
    for kind, row in standing.items():
        if need is None or need.kind.value != kind:
            row.state, row.ended_at, row.changed_at = ProposalState.DONE.value, now, now
        elif (row.units, row.reason, row.address) != (need.units, need.reason, address):
            row.units, row.reason, row.address, row.changed_at = need.units, need.reason, address, now
    if need is None or need.kind.value in standing or await _dismissed(session, network, asset, venue, need, now):
        return
    await session.execute(
        insert(ProposalRow)
        .values(
            id=new_id(),
            kind=need.kind.value,
            venue=venue,
            network=network,
            asset=asset,
            units=need.units,
            address=address,
            reason=need.reason,
            state=ProposalState.OPEN.value,
            created_at=now,
            changed_at=now,
        )
        .on_conflict_do_nothing()
    )


async def _dismissed(session: AsyncSession, network: str, asset: str, venue: str, need: Need, now: datetime) -> bool:
    """Whether a person did not want the last one of today, and no more is needed now."""
    last = await session.scalar(
        select(ProposalRow)
        .where(
            ProposalRow.network == network,
            ProposalRow.asset == asset,
            ProposalRow.venue == venue,
            ProposalRow.kind == need.kind.value,
        )
        .order_by(ProposalRow.created_at.desc())
        .limit(1)
    )
    if last is None or last.state != ProposalState.DISMISSED.value or last.ended_at is None:
        return False
    return need.units <= last.units and now - last.ended_at < DISMISSED_FOR


async def proposal(session: AsyncSession, proposal_id: uuid.UUID) -> ProposalRow | None:
    return await session.get(ProposalRow, proposal_id, with_for_update=True)


async def proposals(
    session: AsyncSession, *, states: Collection[str], before: tuple[datetime, uuid.UUID] | None, limit: int
) -> Sequence[ProposalRow]:
    """Newest first."""
    query = select(ProposalRow).where(ProposalRow.state.in_(states))
    if before is not None:
        query = query.where(
            (ProposalRow.created_at < before[0])
            | ((ProposalRow.created_at == before[0]) & (ProposalRow.id < before[1]))
        )
    return (
        await session.scalars(query.order_by(ProposalRow.created_at.desc(), ProposalRow.id.desc()).limit(limit))
    ).all()


async def is_ours(session: AsyncSession, network: str, txid: str) -> bool:
    """Whether we signed this transaction."""
    found = await session.scalar(
        select(func.count()).select_from(Attempt).where(Attempt.network == network, Attempt.txid == txid)
    )
    return bool(found)
