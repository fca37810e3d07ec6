"""Deposits as the one history shows them."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.wallets import deposit_store


@dataclass(frozen=True, slots=True)
class Entry:
    """One deposit. `at` is when it was first seen."""

    id: uuid.UUID
    at: datetime
    asset: str
    units: int
    network: str
    address: str
    state: str
    sub_status: str | None
    since: datetime
    txid: str
    index: int
    confirmations: int
    confirmations_required: int
    credited_at: datetime | None


async def page(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
    asset: str | None = None,
    network: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Entry]:
    """The user's deposits, newest first, after `before`; tokens that nobody here knows are left out."""
    rows = await deposit_store.page_of(
        session,
        user_id=user_id,
        before=before,
        limit=limit,
        asset=asset,
        network=network,
        state=state,
        since=since,
        until=until,
        named=True,
    )
    return [
        Entry(
            id=row.id,
            at=row.detected_at,
            asset=row.asset,
            units=row.units,
            network=row.network,
            address=row.address,
            state=row.state,
            sub_status=row.sub_status,
            since=row.since,
            txid=row.txid,
            index=row.index,
            confirmations=max(row.confirmations, 0),
            confirmations_required=row.confirmations_required,
            credited_at=row.credited_at,
        )
        for row in rows
    ]
