"""From the hot wallet to an exchange: a move of the house to our own deposit address there, booked when it is credited.

The address comes from the signer's own settings, and the exchange must name the same one just before. The signer sends
nothing anywhere else, whatever it is asked.
"""

from datetime import datetime, timedelta

import structlog

from tidegate.chains.port import Chain
from tidegate.ledger.rules import Outcome
from tidegate.treasury import fetch, venue_rules
from tidegate.treasury.fetch import Job
from tidegate.treasury.liquidity import away
from tidegate.treasury.moves import Bound, Mover
from tidegate.treasury.rules import Booked, Purpose, VenueState
from tidegate.venues.port import DepositState, Venue

log = structlog.get_logger(__name__)

CREDIT_SLOW = timedelta(hours=2)
"""After our transaction is final there, so long without a credit is a person's business."""


def place_of(mover: Mover, venue: str, asset: str, network: str) -> str:
    """Our deposit address there by the signer's settings; "" where it has none."""
    return mover.at_venues().get(venue, {}).get(f"{asset}@{network}", "")


async def supply(
    mover: Mover, chain: Chain, venue: Venue, asset: str, units: int, bound: Bound, *, now: datetime
) -> bool:
    """Have so much sent there; False when it has to wait. Raises VenueUnavailable and NodeUnavailable."""
    place = place_of(mover, bound.venue, asset, chain.network)
    told = await venue.deposit_address(asset, chain.network)
    if not place or told.tag or told.address.lower() != place.lower():
        log.error("venue_address_differs", venue=bound.venue, asset=asset, theirs=told.address, signers=place)
        return False
    return await away(mover, chain, asset, units, address=place, purpose=Purpose.TO_VENUE, now=now, bound=bound)


async def follow(job: Job, venue: Venue) -> None:
    """Our transaction is final: until the exchange says that it has credited it. Raises VenueUnavailable."""
    row = job.row
    since = row.created_at
    seen = await venue.find_deposit(row.asset, row.network, row.txid or "", since=since)
    waited = job.now - since
    slow = f"sent {waited.total_seconds() / 3600:.0f} h ago and not credited" if waited > CREDIT_SLOW else None
    if seen is None or seen.state is DepositState.PENDING:
        await job.later(fetch.LOOK_AGAIN, slow)
        return
    if seen.state is DepositState.REJECTED:
        await job.later(fetch.PATIENCE, f"{row.venue} does not credit {row.txid}")
        return
    if fetch.units_of(seen.amount, row.asset) != row.units:
        await job.later(fetch.PATIENCE, f"{row.venue} credited {seen.amount} for {row.txid}, not what was sent")
        return
    values = {
        "state": VenueState.ARRIVED.value,
        "booked": Booked.ARRIVED.value,
        "arrived_units": row.units,
        "ended_at": job.now,
        "trouble": None,
    }
    if await job.change(values, venue_rules.at_venue(job.move)) is Outcome.POSTED:
        log.info("venue_move_arrived", move=str(row.id), venue=row.venue, asset=row.asset, txid=row.txid)
