"""SQL that asks what is under way: promised units and gas, reserved coins, unsettled sets, attempts by payout."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Numeric, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.treasury.rules import OPEN, AttemptState, Purpose, Stage
from tidegate.treasury.store import Whole, wholes
from tidegate.treasury.tables import Attempt, AttemptSet, ReservedInput, SetPayout
from tidegate.wallets import sweepable

_OPEN = [state.value for state in OPEN]


async def committed_units(session: AsyncSession, network: str, asset: str) -> int:
    """What living sets will take from the wallet, deliveries only."""
    found = await session.scalar(
        select(func.coalesce(func.sum(SetPayout.units), 0))
        .join(AttemptSet, AttemptSet.id == SetPayout.set_id)
        .where(AttemptSet.network == network, SetPayout.asset == asset, SetPayout.ended_at.is_(None))
    )
    return int(found or 0)


async def committed_gas(session: AsyncSession, network: str) -> int:
    """What living EVM sets may cost in gas at most, in the gas asset: of each its dearest member."""
    gas, price = Attempt.plan["gas"].astext, Attempt.plan["max_fee_per_gas"].astext
    dearest = (
        select(func.max(gas.cast(Numeric) * price.cast(Numeric)).label("units"))
        .join(AttemptSet, AttemptSet.id == Attempt.set_id)
        .where(
            AttemptSet.network == network,
            AttemptSet.nonce.is_not(None),
            AttemptSet.stage != Stage.ENDED.value,
            AttemptSet.purpose != Purpose.SWEEP.value,  # its deposit address pays for it
            Attempt.state.in_(_OPEN),
        )
        .group_by(Attempt.set_id)
        .subquery()
    )
    return int(await session.scalar(select(func.coalesce(func.sum(dearest.c.units), 0))) or 0)


async def reserved_outpoints(session: AsyncSession, network: str) -> set[tuple[str, int]]:
    """Coins that nothing new may spend: those of living sets, and deposits that are not credited."""
    rows = await session.execute(
        select(ReservedInput.txid, ReservedInput.vout).where(
            ReservedInput.network == network, ReservedInput.released_at.is_(None)
        )
    )
    return {(row[0], row[1]) for row in rows} | await sweepable.uncleared(session, network=network)


async def reserved_by(session: AsyncSession, set_id: uuid.UUID) -> list[ReservedInput]:
    """Every coin that this set reserved."""
    return list(await session.scalars(select(ReservedInput).where(ReservedInput.set_id == set_id)))


async def unsettled(session: AsyncSession, network: str) -> list[Whole]:
    """Sets that may have left our wallet and are not all booked: those with signed bytes that have not ended."""
    signed = exists().where(Attempt.set_id == AttemptSet.id, Attempt.txid.is_not(None))
    ids = await session.scalars(
        select(AttemptSet.id).where(AttemptSet.network == network, AttemptSet.stage != Stage.ENDED.value, signed)
    )
    return await wholes(session, list(ids))


async def attempts_of(session: AsyncSession, payout_ids: Sequence[uuid.UUID]) -> list[tuple[SetPayout, Attempt]]:
    """Every transaction that was made for these payouts, oldest first; children that pay nobody are left out."""
    rows = await session.execute(
        select(SetPayout, Attempt)
        .join(Attempt, Attempt.set_id == SetPayout.set_id)
        .where(SetPayout.payout_id.in_(payout_ids), Attempt.parent.is_(None))
        .order_by(Attempt.created_at, Attempt.id)
    )
    return [(row[0], row[1]) for row in rows]


async def most_payouts(session: AsyncSession) -> tuple[int, int]:
    """(transactions ever signed for payouts, the most times that any one payout was paid)."""
    signed = await session.scalar(
        select(func.count())
        .select_from(Attempt)
        .join(AttemptSet, AttemptSet.id == Attempt.set_id)
        .where(Attempt.txid.is_not(None), AttemptSet.purpose == Purpose.PAYOUT.value)
    )
    finals = (
        select(func.count(func.distinct(Attempt.id)).label("n"))
        .join(SetPayout, SetPayout.set_id == Attempt.set_id)
        .where(Attempt.state == AttemptState.FINAL.value, Attempt.parent.is_(None))
        .group_by(SetPayout.payout_id)
        .subquery()
    )
    most = await session.scalar(select(func.coalesce(func.max(finals.c.n), 0)))
    return int(signed or 0), int(most or 0)


async def shallow(session: AsyncSession, network: str, depth: int, limit: int = 50) -> list[tuple[AttemptSet, Attempt]]:
    """Final transactions that were last seen less deep than this, those that were looked at longest ago first."""
    rows = await session.execute(
        select(AttemptSet, Attempt)
        .join(Attempt, Attempt.set_id == AttemptSet.id)
        .where(
            Attempt.network == network,
            Attempt.state == AttemptState.FINAL.value,
            Attempt.confirmations < depth,
        )
        .order_by(Attempt.confirmations, Attempt.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]
