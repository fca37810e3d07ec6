"""What the ledger has in transit between our own places, for the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Chain, Fate
from tidegate.database import Database
from tidegate.treasury import fetch, move_store, store, venue_rules, venue_store
from tidegate.treasury.rules import Booked, Direction, Purpose, VenueState
from tidegate.treasury.tables import VenueMoveRow
from tidegate.venues.port import DepositState, Venue, VenueUnavailable


@dataclass(frozen=True, slots=True)
class Moving:
    """A move that is signed and not booked as arrived. `leaves`: it goes to cold storage or an exchange, out of our own
    keys' reach."""

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
            row.to_cold or row.purpose == Purpose.TO_VENUE.value,
            tuple(one.txid for one in sets[row.set_id].members if one.txid is not None),
        )
        for row in rows
    ]


async def booked(session: AsyncSession) -> dict[str, int]:
    """By asset, what must stand in `in_transit`: every move that is booked as sent and as nothing else yet."""
    found: dict[str, int] = {}
    for asset, units in [*await move_store.sent(session), *await venue_store.sent(session)]:
        found[asset] = found.get(asset, 0) + units
    return found


async def beside_venue(db: Database, venue: Venue, name: str) -> dict[str, int]:
    """By asset, what moves changed of the exchange's balance that is not booked, or that our books have and it does not.

    Raises VenueUnavailable, also while nobody knows whether a withdrawal was made.
    """
    async with db.reading() as session:
        moves = [row for row in await venue_store.open_moves(session) if row.venue == name]
    found: dict[str, int] = {}
    for row in moves:
        found[row.asset] = found.get(row.asset, 0) + await _beside(row, venue)
    return found


async def _beside(row: VenueMoveRow, venue: Venue) -> int:
    if row.state in (VenueState.INTENDED.value, VenueState.MOVING.value):
        return 0
    if row.direction == Direction.TO_VENUE.value:
        brought = await venue.find_deposit(row.asset, row.network, row.txid or "", since=row.created_at)
        if brought is None or brought.state is not DepositState.CREDITED:
            return 0
        return fetch.units_of(brought.amount, row.asset) or 0
    seen = await fetch.look(row, venue)
    taken = fetch.units_of(seen.taken, row.asset) if seen is not None else None
    if taken is None:
        raise VenueUnavailable(f"a withdrawal of {row.asset} is of unknown fate")
    return venue_rules.unbooked(row.units, in_transit=row.booked == Booked.SENT.value, taken=taken)


async def at_hot(db: Database, chain: Chain, venues: Mapping[str, Venue]) -> dict[str, int]:
    """By asset, what exchanges have paid to our hot address that is in a block and not booked yet.

    Raises VenueUnavailable where an exchange has to be asked for the transaction, and cannot be.
    """
    async with db.reading() as session:
        moves = [row for row in await venue_store.open_moves(session) if row.network == chain.network]
    found: dict[str, int] = {}
    for row in moves:
        if row.direction != Direction.TO_WALLET.value or row.state == VenueState.INTENDED.value:
            continue
        txid = row.txid or await _told(row, venues)
        sight = await chain.sighting(txid, row.asset) if txid else None
        if sight is not None and sight.fate is Fate.MINED:
            found[row.asset] = found.get(row.asset, 0) + sight.paid.get(chain.hot_address, 0)
    return found


async def _told(row: VenueMoveRow, venues: Mapping[str, Venue]) -> str | None:
    if row.venue not in venues:
        raise VenueUnavailable(f"{row.venue} is not on, and a withdrawal from it may have arrived")
    seen = await fetch.look(row, venues[row.venue])
    return seen.txid if seen is not None else None
