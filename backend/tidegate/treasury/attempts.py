"""Attempts as other rooms see them, and the riders that settle one. The rows themselves stay in this room."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider
from tidegate.treasury import store
from tidegate.treasury.rules import AttemptState
from tidegate.treasury.tables import Attempt


@dataclass(frozen=True, slots=True)
class Seen:
    """One attempt as it stands. `fee_units` is what it may cost until it is mined, then what it did."""

    id: uuid.UUID
    payout_id: uuid.UUID
    network: str
    asset: str
    units: int
    address: str
    state: str
    txid: str | None
    fee_units: int | None
    confirmations: int
    block_height: int | None
    sent_at: datetime | None


def seen(row: Attempt) -> Seen:
    return Seen(
        id=row.id,
        payout_id=row.payout_id,
        network=row.network,
        asset=row.asset,
        units=row.units,
        address=row.address,
        state=row.state,
        txid=row.txid,
        fee_units=row.fee_units,
        confirmations=row.confirmations,
        block_height=row.block_height,
        sent_at=row.broadcast_at,
    )


async def by_payout(session: AsyncSession, payout_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Seen]]:
    """Every attempt of these payouts, oldest first; payouts without one are absent."""
    found: dict[uuid.UUID, list[Seen]] = {}
    for row in await store.attempts_of(session, payout_ids):
        found.setdefault(row.payout_id, []).append(seen(row))
    return found


async def unsettled(session: AsyncSession, network: str) -> list[Seen]:
    """Attempts of a network that may have left our wallet and are not booked as final."""
    return [seen(row) for row in await store.unsettled(session, network)]


async def deposit_units(session: AsyncSession, attempt_id: uuid.UUID) -> int:
    """What the attempt spends of coins that came in at deposit addresses."""
    return await store.deposit_units(session, attempt_id)


def settled(attempt_id: uuid.UUID, *, fee_units: int, confirmations: int, now: datetime) -> list[Rider]:
    """Riders of settlement: the attempt is final ("attempt", misses when it was settled before), its inputs are gone."""
    return [
        store.ended_rider(attempt_id, AttemptState.FINAL, fee_units=fee_units, confirmations=confirmations),
        store.spent_rider(attempt_id, now),
    ]


def reverted(attempt_id: uuid.UUID, *, fee_units: int, confirmations: int) -> list[Rider]:
    """Riders of a failure that the chain proves: the attempt is dead, its nonce stays used ("attempt")."""
    return [store.ended_rider(attempt_id, AttemptState.REVERTED, fee_units=fee_units, confirmations=confirmations)]


async def most_payouts(session: AsyncSession) -> tuple[int, int]:
    """(attempts ever signed, the most final attempts any one payout has)."""
    return await store.most_payouts(session)
