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
    """All deposits of one asset at one address that are credited, too deep to be undone, and still there."""

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


async def uncleared(session: AsyncSession, *, network: str) -> set[tuple[str, int]]:
    """Coins that no payment may be made with: what came in and is not, or not any more, credited to its customer."""
    return await deposit_store.uncleared(session, network=network)


async def uncleared_units(session: AsyncSession, *, network: str, asset: str) -> int:
    """What `wallet:deposit` holds of such coins by the books."""
    return await deposit_store.in_suspense(session, network=network, asset=asset)


def swept(deposits: Sequence[uuid.UUID], *, now: datetime) -> list[Rider]:
    """Riders of the sweep's settlement."""
    return [deposit_store.swept(deposit_id=one, now=now) for one in deposits]
