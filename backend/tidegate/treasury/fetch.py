"""From an exchange to the hot wallet: asked for once, looked for until its fate is sure, booked when the coins are here.

The row is committed as asked before the exchange hears of it, under a name that is used once. Whatever happens then is
found out by that name; nothing is ever asked for again, and nothing goes anywhere but to our own hot address.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import structlog

from tidegate.chains.port import Chain, Fate
from tidegate.database import Database, Rider
from tidegate.failpoints import reach
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, Posting
from tidegate.money import asset as asset_of
from tidegate.queue import Lease
from tidegate.treasury import venue_rules, venue_store
from tidegate.treasury.rules import Booked, VenueState
from tidegate.treasury.tables import VenueMoveRow
from tidegate.treasury.venue_rules import VenueMove
from tidegate.venues.port import (
    PlaceOutcome,
    Venue,
    Withdrawal,
    WithdrawalSeen,
    WithdrawalState,
)
from tidegate.wallets.rules import FINAL_FACTOR

log = structlog.get_logger(__name__)

LEASE_SECONDS = 60
LOOK_AGAIN = timedelta(seconds=5)
PATIENCE = timedelta(minutes=10)
"""What a person has to look at is looked at again by itself so often."""
SETTLE = timedelta(minutes=30)
"""A withdrawal that the exchange does not know after so long was never made: its request is long dead by then."""
SLOW = timedelta(hours=6)
"""After so long on its way a person is told."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """What moving money between exchanges and the hot wallet needs in one process. `settle`: how long one is looked for."""

    db: Database
    lane: Lane
    chains: Mapping[str, Chain]
    venues: Mapping[str, Venue]
    settle: timedelta = SETTLE


@dataclass(frozen=True, slots=True)
class Job:
    """One due move under its lease, as it stands. `started`: when it was leased, in monotonic seconds."""

    carrier: Carrier
    lease: Lease
    row: VenueMoveRow
    now: datetime
    started: float

    @property
    def late(self) -> bool:
        """Too much of the lease is over to ask for anything under it."""
        return time.monotonic() - self.started > LEASE_SECONDS / 2

    @property
    def state(self) -> VenueState:
        return VenueState(self.row.state)

    @property
    def move(self) -> VenueMove:
        return move_of(self.row)

    async def change(self, values: dict[str, Any], posting: Posting | None = None) -> Outcome:
        """One commit with the row and its booking; what was refused is said aloud."""
        free = {"lease_until": None, "due_at": self.now + LOOK_AGAIN}
        riders: Sequence[Rider] = [venue_store.change(self.lease, self.state, free | values)]
        lane = self.carrier.lane
        verdict = await (lane.submit(posting, riders) if posting else lane.write(riders))
        if not verdict.posted:
            log.error("venue_move_not_booked", move=str(self.row.id), outcome=verdict.outcome, rider=verdict.rider)
        return verdict.outcome

    async def end(self, state: VenueState, reason: str, posting: Posting | None = None) -> None:
        """It came to nothing."""
        booked = {"booked": Booked.RETURNED.value} if posting else {}
        values = {"state": state.value, "ended_at": self.now, "reason": reason[:500], "trouble": None}
        await self.change(values | booked, posting)
        log.error("venue_move_ended", move=str(self.row.id), venue=self.row.venue, state=state, reason=reason)

    async def later(self, wait: timedelta, trouble: str | None = None) -> None:
        if trouble is not None and trouble != self.row.trouble:
            log.error("venue_move_needs_a_person", move=str(self.row.id), venue=self.row.venue, trouble=trouble)
        async with self.carrier.db.transaction() as session:
            await venue_store.release(session, self.lease, self.now + wait, trouble)


def move_of(row: VenueMoveRow) -> VenueMove:
    return VenueMove(row.id, row.venue, row.network, row.asset, row.units)


def wanted_of(row: VenueMoveRow) -> Withdrawal:
    """What the exchange is asked for, or about."""
    amount = Decimal(row.units).scaleb(-asset_of(row.asset).decimals)
    return Withdrawal(str(row.client_id), row.asset, row.network, row.address, amount)


def units_of(amount: Decimal, code: str) -> int | None:
    """Base units of an exchange's number; None for what is finer than we count."""
    exact = Fraction(amount) * 10 ** asset_of(code).decimals
    return int(exact) if exact.denominator == 1 else None


async def look(row: VenueMoveRow, venue: Venue) -> WithdrawalSeen | None:
    """What the exchange says of it. Raises VenueUnavailable."""
    since = row.asked_at or row.created_at
    return await venue.find_withdrawal(wanted_of(row), since=since.astimezone(UTC), venue_id=row.venue_id)


async def fetch(job: Job, venue: Venue, chain: Chain) -> None:
    """Take one move to the wallet a step further. Raises VenueUnavailable and NodeUnavailable."""
    if job.state is VenueState.INTENDED:
        await _ask(job, venue, chain)
    elif job.state in (VenueState.ASKED, VenueState.UNKNOWN):
        await _find(job, venue)
    else:
        await _follow(job, venue, chain)


async def _ask(job: Job, venue: Venue, chain: Chain) -> None:
    row = job.row
    await venue.prepare()
    if row.address != chain.hot_address:
        # The row is only a row: where money may go is derived from our own public keys, here and now.
        await job.end(VenueState.REFUSED, f"{row.address} is not our hot address")
        return
    if job.late:
        await job.later(LOOK_AGAIN)
        return
    asked = {"state": VenueState.ASKED.value, "asked_at": job.now, "lease_until": job.lease.until}
    if await job.change(asked) is not Outcome.POSTED:
        return
    if job.late:
        # This process slept. Another may be looking for it already: it must not appear behind its back.
        return
    reach("V.ask:before")
    told = await venue.withdraw(wanted_of(row))
    reach("V.ask:after")
    row.state, row.asked_at = VenueState.ASKED.value, job.now
    if told.outcome is PlaceOutcome.PLACED:
        await _left(job, {"venue_id": told.venue_id})
    elif told.outcome is PlaceOutcome.REFUSED:
        await job.end(VenueState.REFUSED, f"{row.venue}: {told.reason}: {told.detail}")
    else:
        log.warning("venue_move_unknown", move=str(row.id), venue=row.venue, reason=told.reason, detail=told.detail)
        await job.change({"state": VenueState.UNKNOWN.value})


async def _find(job: Job, venue: Venue) -> None:
    """It was asked for, and nobody knows what became of it."""
    seen, row = await look(job.row, venue), job.row
    if seen is not None and seen.state is not WithdrawalState.FAILED:
        await _left(job, {"venue_id": seen.venue_id})
    elif seen is not None:
        await job.end(VenueState.FAILED, f"{row.venue} did not pay it")
    elif row.asked_at is not None and job.now - row.asked_at > job.carrier.settle:
        await job.end(VenueState.FAILED, f"{row.venue} knows nothing of it: it was never made")
    else:
        await job.later(LOOK_AGAIN)


async def _left(job: Job, values: dict[str, Any]) -> None:
    pending = {"state": VenueState.PENDING.value, "booked": Booked.SENT.value}
    outcome = await job.change(pending | values, venue_rules.left_venue(job.move))
    reach("V.left:after")
    if outcome is Outcome.INSUFFICIENT:
        await job.later(PATIENCE, "the books have less at the exchange than it let go of")


async def _follow(job: Job, venue: Venue, chain: Chain) -> None:
    """It left the exchange: until its coins lie in the hot wallet, deep enough that nobody looks again."""
    seen, row = await look(job.row, venue), job.row
    if seen is None:
        await job.later(LOOK_AGAIN, _slow(job, f"{row.venue} does not know it any more"))
        return
    if seen.state is WithdrawalState.FAILED:
        await job.end(VenueState.FAILED, f"{row.venue} did not pay it", venue_rules.back_at_venue(job.move))
        return
    if not seen.txid:
        await job.later(LOOK_AGAIN, _slow(job, f"{row.venue} has not sent it yet"))
        return
    if seen.txid != row.txid:
        # Kept for the audit; the exchange may replace its transaction by a dearer one.
        await job.change({"txid": seen.txid, "due_at": job.now})
        return
    fee = units_of(seen.fee, row.asset)
    sight = await chain.sighting(seen.txid, row.asset)
    if sight.fate is not Fate.MINED or sight.confirmations < chain.confirmations * FINAL_FACTOR:
        await job.later(LOOK_AGAIN, _slow(job, f"{seen.txid} is not deep in the chain"))
        return
    arrived = sight.paid.get(chain.hot_address, 0)
    found = venue_rules.came(job.move, arrived=arrived, fee_units=fee) if fee is not None else None
    if found is None:
        said = f"{seen.txid} brought {arrived} of {row.units} units, and the fee is said to be {seen.fee}"
        await job.later(PATIENCE, said)
        return
    values = {
        "state": VenueState.ARRIVED.value,
        "booked": Booked.ARRIVED.value,
        "fee_units": fee,
        "arrived_units": arrived,
        "ended_at": job.now,
        "trouble": None,
    }
    reach("V.arrival:before")
    outcome = await job.change(values, venue_rules.at_wallet(job.move, found, seen.txid))
    reach("V.arrival:after")
    if outcome is Outcome.DUPLICATE:
        await job.later(PATIENCE, f"{seen.txid} was booked before, as money from outside")
    elif outcome is Outcome.POSTED:
        log.info("venue_move_arrived", move=str(row.id), venue=row.venue, asset=row.asset, txid=seen.txid)


def _slow(job: Job, why: str) -> str | None:
    asked = job.row.asked_at or job.row.created_at
    return f"on its way for {(job.now - asked).total_seconds() / 3600:.0f} h: {why}" if job.now - asked > SLOW else None
