"""How a payout ends: settled by whichever transaction of its set is final, refunded when that one paid nothing, or given
back to the queue when the chain proves that none can be mined any more."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog

from tidegate import failpoints
from tidegate.chains.port import Fate
from tidegate.compliance import limits
from tidegate.compliance import rules as policy
from tidegate.database import utcnow
from tidegate.ledger.rules import Outcome, Posting
from tidegate.transactions import mails, store, together
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, SubStatus, plain_fee_transfers, refund_transfers
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.together import AGAIN, SOON
from tidegate.treasury import spend, watch
from tidegate.treasury.rules import payout_transfers, spent_transfers
from tidegate.treasury.spend import Job, Spender, Step, Told
from tidegate.treasury.watch import Look, Watched
from tidegate.wallets import sent_to

log = structlog.get_logger(__name__)

_GIVEN_UP = "It was stopped, and what waited behind it was let go in its place. It is not paid."
_TURNED_DOWN = "The network took this payment and did not make it. All but the network fee is yours again."


async def settle(
    office: Office, spender: Spender, job: Job, rows: Sequence[Withdrawal], seen: Watched
) -> timedelta | None:
    """Final: the transaction is booked once, then each of its payouts by itself. What an operator holds is left open."""
    assert seen.winner is not None
    if not await _book(office, spender, job, seen.winner):
        return SOON
    going = [row for row in rows if row.held_by_operator is None]
    short = [row for row in going if seen.paid.get(row.address, 0) != row.deliver_units]
    await asyncio.gather(*(_settle_one(office, job, row, seen.winner) for row in going if row not in short))
    if short:
        told = Told(Step.REFUSED, "mined, but the chain does not show the payment")
        return await together.wait(office, job, short, told)
    await _book_children(office, spender, job, seen)
    return None if await watch.close(spender, job, seen, now=utcnow()) else AGAIN


async def _book(office: Office, spender: Spender, job: Job, won: Look) -> bool:
    """Its fee is our cost, coins that customers sent are the hot wallet's: once for each mined transaction."""
    if watch.is_booked(won):
        return True
    moves = spent_transfers(await watch.spent(spender, job, won))
    posting = Posting(f"attempt:{won.member.id}:mined", moves, "attempt", won.member.id)
    failpoints.reach("P15.book:before")
    verdict = await office.lane.submit(posting, watch.booked_riders(job, won))
    failpoints.reach("P15.book:after")
    if not verdict.posted and verdict.outcome is not Outcome.DUPLICATE:
        log.error("mined_not_booked", set=str(job.whole.set.id), outcome=verdict.outcome, rider=verdict.rider)
        return False
    return True


async def _book_children(office: Office, spender: Spender, job: Job, seen: Watched) -> None:
    """A signed child may be mined at any time: the set stays open until one is, so what no node shows is sent again."""
    if late := watch.late_riders(job):
        await spend.commit(spender.db, late)
    for child in watch.children(job, seen):
        if child.sighting.fate is Fate.UNSEEN and child.member.raw is not None:
            told = await spend.submit(spender, job.network, child.member)
            if child.member.broadcast_at is None and told.step in (Step.DONE, Step.UNKNOWN):
                await spend.commit(spender.db, [spend.held_rider(job), spend.sent_rider(child.member, told, utcnow())])
        deep = child.sighting.confirmations >= spender.chains[job.network].confirmations
        if deep and not watch.is_booked(child):
            moves = spent_transfers(await watch.spent(spender, job, child))
            posting = Posting(f"attempt:{child.member.id}:mined", moves, "attempt", child.member.id)
            await office.lane.submit(posting, watch.child_riders(job, child))


def _proof(job: Job, won: Look) -> dict[str, Any]:
    """What the chain showed when it ended: the transaction that won, and how deep it lay."""
    return {**together.of_set(job), "txid": won.member.txid, "confirmations": won.sighting.confirmations}


async def _settle_one(office: Office, job: Job, row: Withdrawal, won: Look) -> None:
    """The hold leaves our books with the coins, fees become income, in one commit."""
    now = utcnow()
    moves = (
        *plain_fee_transfers(store.terms(row)),
        *payout_transfers(row.user_id, row.network, row.to_asset, row.deliver_units),
    )
    riders = [
        spend.held_rider(job),
        watch.settled_rider(job, row.id, now),
        sent_to.rider(user_id=row.user_id, network=row.network, address=row.address, at=now),
        *together.riders_to([row], State.COMPLETED, values={"completed_at": now}, inputs=_proof(job, won)),
        *mails.completed(office.settings, row, won.member.txid or "", now),
    ]
    failpoints.reach("P16.settle:before")
    verdict = await office.lane.submit(Posting(f"withdrawal:{row.id}:settle", moves, "withdrawal", row.id), riders)
    failpoints.reach("P16.settle:after")
    if not verdict.posted:
        log.error("settle_not_posted", withdrawal=str(row.id), outcome=verdict.outcome, rider=verdict.rider)


async def fail(
    office: Office, spender: Spender, job: Job, rows: Sequence[Withdrawal], seen: Watched
) -> timedelta | None:
    """The chain proves that nothing was paid and nothing can be: the chain fee is our cost, the rest is refunded. The
    network fee stays: a transaction was mined."""
    assert seen.winner is not None
    if not await _book(office, spender, job, seen.winner):
        return SOON
    now = utcnow()
    for row in rows:
        if row.held_by_operator is not None:
            continue
        moves = refund_transfers(store.terms(row), executed=row.conversion_id is not None, mined=True)
        riders = [
            spend.held_rider(job),
            watch.ended_rider(job, row.id, now),
            limits.give_back(row.user_id, row.usd_cents, policy.day_of(row.created_at)),
            *together.riders_to([row], State.FAILED, detail=_TURNED_DOWN, inputs=_proof(job, seen.winner)),
            *mails.returned(office.settings, row, State.FAILED, moves, None, now),
        ]
        verdict = await office.lane.submit(Posting(f"withdrawal:{row.id}:refund", moves, "withdrawal", row.id), riders)
        if not verdict.posted:
            log.error("refund_not_posted", withdrawal=str(row.id), outcome=verdict.outcome, rider=verdict.rider)
    return None if await watch.close(spender, job, seen, now=utcnow()) else AGAIN


async def unpaid(
    office: Office, spender: Spender, job: Job, rows: Sequence[Withdrawal], seen: Watched
) -> timedelta | None:
    """Its nonce was filled with nothing, for good: its fee is our cost, and a person decides about the payout (rule 4)."""
    assert seen.winner is not None
    if not await _book(office, spender, job, seen.winner):
        return SOON
    now = utcnow()
    held = {"held_by_operator": _GIVEN_UP}
    riders = [
        spend.held_rider(job),
        *(watch.ended_rider(job, row.id, now) for row in rows),
        *together.riders_to(
            rows, State.QUEUED, SubStatus.NEEDS_OPERATOR, detail=_GIVEN_UP, values=held, inputs=_proof(job, seen.winner)
        ),
    ]
    if not await spend.commit(spender.db, riders):
        return SOON
    # Whoever wants it paid after all has to name all of them to the signer.
    txids = [one.txid for one in job.whole.members if one.txid is not None]
    log.warning("payout_unpaid", payouts=[str(row.id) for row in rows], txids=txids)
    return None if await watch.close(spender, job, seen, now=now) else AGAIN


async def give_back(office: Office, spender: Spender, job: Job, rows: Sequence[Withdrawal]) -> timedelta | None:
    """Every transaction of the set is provably dead: a person looks before anything is paid by another one (rule 4)."""
    detail = "Another transaction took what it was to be paid with, for good."
    held = {"held_by_operator": detail}
    on = together.of_set(job)
    back = together.riders_to(rows, State.QUEUED, SubStatus.NEEDS_OPERATOR, detail=detail, values=held, inputs=on)
    if await spend.commit(spender.db, [*spend.drop_riders(job, utcnow()), *back]):
        log.error("set_is_dead", set=str(job.whole.set.id), payouts=[str(row.id) for row in rows])
        return None
    return SOON
