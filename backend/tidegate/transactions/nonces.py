"""What payouts of one account owe each other: signed in the order of their nonces, and none left empty for those behind."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from tidegate.chains.port import NodeUnavailable
from tidegate.compliance import freeze
from tidegate.database import utcnow
from tidegate.transactions import settle, together
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, SubStatus
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.view import intent_of
from tidegate.treasury import bump, cancel, spend, turn
from tidegate.treasury.blocks import POLL
from tidegate.treasury.rules import Stage
from tidegate.treasury.spend import Job, Spender, Step, Told
from tidegate.treasury.turn import Turn
from tidegate.treasury.watch import Watched

log = structlog.get_logger(__name__)


async def in_turn(spender: Spender, job: Job) -> Told | None:
    """None when the signer may be asked for it now, else what it waits for."""
    try:
        found = await turn.turn_of(spender.db, spender.chains[job.network], job.whole)
        if found is Turn.NOW:
            return None
        if found is Turn.LOWER and await turn.lower(spender, job, now=utcnow()):
            log.info("nonce_lowered", set=str(job.whole.set.id), nonce=job.whole.set.nonce)
    except NodeUnavailable as error:
        return Told(Step.NO_NODE, str(error))
    return Told(Step.WAITING)


async def fill(spender: Spender, job: Job, rows: Sequence[Withdrawal]) -> bool:
    """It is signed, not sent, and stopped: its nonce is filled with nothing when others wait behind it for too long.

    Never on a restored database, which does not know what was sent.
    """
    async with spender.db.reading() as session:
        if await freeze.restored(session) is not None:
            return False
    try:
        return await cancel.fill(spender, job, intent_of(rows[0]), now=utcnow())
    except NodeUnavailable:
        return False


def is_filling(job: Job, seen: Watched) -> bool:
    """Whether the nonce is being filled, or was, instead of the payout made."""
    return cancel.is_under_way(job) if seen.winner is None else seen.winner.member.cancels


async def filling(
    office: Office, spender: Spender, job: Job, rows: Sequence[Withdrawal], seen: Watched
) -> timedelta | None:
    """One step towards a block with nothing at this nonce. What stops the payout goes on being said of it."""
    if seen.step is Step.FAILED:
        return await settle.unpaid(office, spender, job, rows, seen)
    if seen.step is Step.DEAD:
        return await settle.give_back(office, spender, job, rows)
    told = await bump.consider(spender, job, seen, together.authorised(rows), now=utcnow())
    return timedelta() if told.step is Step.DONE else POLL


async def unfilled(spender: Spender, job: Job) -> None:
    """The signer would not have it filled: the payout waits for what stops it, as before."""
    await spend.commit(spender.db, [spend.stage_rider(job, Stage.BROADCASTING)])


async def overtaken(office: Office, rows: Sequence[Withdrawal]) -> bool:
    """A block has the payment that was stopped before it was sent: from here on it is watched as any other.

    False when there is no such row.
    """
    some = [row for row in rows if row.state == State.BROADCASTING.value]
    for row in some:
        sub = SubStatus(row.sub_status) if row.sub_status else None
        await office.lane.write(together.riders_to([row], State.CONFIRMING, sub, detail=row.detail))
    return bool(some)
