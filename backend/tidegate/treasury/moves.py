"""The life of a move: made, signed, sent, watched, booked. Each step is resumable from its own row, as for a payout.

A move is a set of attempts without payouts, and a row that says what it is for. Money is in transit from the commit
that stores the signed bytes until the one that finds it mined for good; a crash in between changes nothing.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Chain
from tidegate.config import NetworkSettings
from tidegate.database import Database, Rider
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting
from tidegate.queue import Lease
from tidegate.signing.client import SignerDoor
from tidegate.treasury import store, venue_store
from tidegate.treasury.fees import Fees
from tidegate.treasury.move_rules import Move
from tidegate.treasury.rules import Booked, Purpose, Stage
from tidegate.treasury.store import Coin, Whole
from tidegate.treasury.tables import MoveRow

log = structlog.get_logger(__name__)

PURPOSES = (Purpose.CONSOLIDATION, Purpose.SWEEP, Purpose.TOP_UP, Purpose.COLD, Purpose.TO_VENUE)
AGAIN = timedelta(seconds=2)
POLL = timedelta(seconds=1)
RETRY_AFTER = timedelta(minutes=10)
"""What came to nothing is not tried again at once: the reason may still be there."""
CONFLICT_DEPTH = 6
"""So deep must lie what spent a coin of ours elsewhere, before our transaction counts as dead (chains.md section 4)."""


@dataclass(frozen=True, slots=True)
class Mover:
    """What moving our own money needs in one process.

    `worth`: (network, asset, units) → about so much of the network's gas asset, None when nobody knows. `cold`: by
    network, the signer's cold address. `at_venues`: by exchange, then "ASSET@network", where the signer may send it there.
    """

    db: Database
    lane: Lane
    chains: Mapping[str, Chain]
    networks: Mapping[str, NetworkSettings]
    fees: Fees
    signer: SignerDoor
    worth: Callable[[str, str, int], int | None]
    cold: Callable[[], Mapping[str, str]]
    at_venues: Callable[[], Mapping[str, Mapping[str, str]]] = dict


@dataclass(frozen=True, slots=True)
class Bound:
    """The exchange that a move is bound for, and the accepted proposal that it comes from."""

    venue: str
    proposal_id: uuid.UUID | None = None


async def add(
    session: AsyncSession,
    *,
    network: str,
    purpose: Purpose,
    asset: str,
    units: int,
    address: str,
    plan: dict[str, Any],
    now: datetime,
    index: int | None = None,
    to_cold: bool = False,
    sender: str | None = None,
    nonce: int | None = None,
    coins: Sequence[Coin] = (),
    deposits: Sequence[uuid.UUID] = (),
    bound: Bound | None = None,
) -> uuid.UUID:
    """A move to be signed, in the caller's commit; IntegrityError there when one like it is under way."""
    added = await store.add_set(
        session,
        network=network,
        asset=asset,
        speed="economy",
        plan=plan,
        now=now,
        purpose=purpose,
        hot_address=sender,
        nonce=nonce,
        coins=coins,
    )
    session.add(
        MoveRow(
            set_id=added.set.id,
            network=network,
            purpose=purpose.value,
            asset=asset,
            units=units,
            address_index=index,
            to_cold=to_cold,
            venue=bound.venue if bound else "",
            address=address,
            deposits=[str(one) for one in deposits],
            booked=Booked.NOTHING.value,
            created_at=now,
        )
    )
    if bound is not None:
        row = venue_store.to_venue(
            added.set.id,
            venue=bound.venue,
            network=network,
            asset=asset,
            units=units,
            address=address,
            proposal_id=bound.proposal_id,
            now=now,
        )
        session.add(row)
    return added.set.id


async def commit(mover: Mover, make: Callable[[AsyncSession], Awaitable[object]]) -> bool:
    """Make it in a commit of its own. False when another worker made one like it, or took a coin or nonce of it."""
    try:
        async with mover.db.transaction() as session:
            await make(session)
    except IntegrityError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Job:
    """One due move under its lease, as it stands."""

    mover: Mover
    lease: Lease
    whole: Whole
    row: MoveRow
    move: Move
    now: datetime

    @property
    def chain(self) -> Chain:
        return self.mover.chains[self.row.network]

    async def write(self, posting: Posting | None, riders: Sequence[Rider]) -> bool:
        """One commit; False when somebody else was faster or the books refuse, which is said aloud."""
        lane = self.mover.lane
        if not any(rider.name == "set" for rider in riders):
            riders = [store.held_rider(self.lease.id, self.lease.fence), *riders]
        verdict = await (lane.submit(posting, riders) if posting else lane.write(riders))
        if not verdict.posted:
            log.warning("move_not_booked", move=str(self.row.set_id), outcome=verdict.outcome, rider=verdict.rider)
        return verdict.posted

    def on(self, stage: Stage, **more: Any) -> Rider:
        values = {"stage": stage.value, "due_at": self.now, "lease_until": None, "waits": None, "detail": None}
        return store.set_rider(self.lease.id, self.lease.fence, values | more)
