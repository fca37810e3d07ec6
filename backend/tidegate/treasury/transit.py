"""What the ledger has in transit between our own places, for the audit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.treasury import move_store, store


@dataclass(frozen=True, slots=True)
class Moving:
    """A move that is signed and not booked as arrived. `leaves`: it goes to cold storage, out of our own keys' reach."""

    asset: str
    units: int
    leaves: bool
    txids: tuple[str, ...]


async def moving(session: AsyncSession, network: str) -> Sequence[Moving]:
    """All of a network's."""
    rows = await move_store.in_transit(session, network)
    sets = {whole.set.id: whole for whole in await store.wholes(session, [row.set_id for row in rows])}
    return [
        Moving(
            row.asset,
            row.units,
            row.to_cold,
            tuple(one.txid for one in sets[row.set_id].members if one.txid is not None),
        )
        for row in rows
    ]
