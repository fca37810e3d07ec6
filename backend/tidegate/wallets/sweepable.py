"""What lies at customers' deposit addresses by our own records, for whoever sweeps them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider
from tidegate.wallets import deposit_store


@dataclass(frozen=True, slots=True)
class Unswept:
    """All deposits of one asset at one address that are booked, too deep to be undone, and still there."""

    index: int
    address: str
    asset: str
    units: int
    deposits: tuple[uuid.UUID, ...]


async def unswept(session: AsyncSession, *, network: str) -> list[Unswept]:
    """By address and asset, the longest waiting first."""
    found: dict[tuple[int, str, str], list[tuple[uuid.UUID, int]]] = {}
    for index, address, asset, deposit_id, units in await deposit_store.unswept(session, network=network):
        found.setdefault((index, address, asset), []).append((deposit_id, units))
    return [
        Unswept(*key, sum(units for _, units in held), tuple(deposit_id for deposit_id, _ in held))
        for key, held in found.items()
    ]


def swept(deposits: Sequence[uuid.UUID], *, now: datetime) -> list[Rider]:
    """Riders of the sweep's settlement."""
    return [deposit_store.swept(deposit_id=one, now=now) for one in deposits]
