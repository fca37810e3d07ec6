"""The worker's steps of paying: bundle what is queued, have each set signed, send it, watch it, settle what is final.

A set is the job row: one signer's answer, one look at the node and one commit move all its withdrawals.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from tidegate import failpoints
from tidegate.compliance import pause
from tidegate.compliance import rules as policy
from tidegate.database import Rider, utcnow
from tidegate.queue import Lease
from tidegate.refusal import Refusal
from tidegate.signing.messages import Intent
from tidegate.transactions import nonces, settle, store, together
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, SubStatus, is_late
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.together import AGAIN, SOON, WORKER
from tidegate.transactions.view import intent_of
from tidegate.treasury import blocks, bump, spend, watch
from tidegate.treasury import reserve as choose
from tidegate.treasury.rules import Purpose, Stage
from tidegate.treasury.spend import Handler, Job, Spender, Step, Told
from tidegate.treasury.watch import Watched

log = structlog.get_logger(__name__)

_FEW = 8
_MOMENT = 1.0
"""Seconds between the look at what stops a payout and its sending: a pause that comes later came too late."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Withdrawals as this step's own commit left them, none of them stopped when they were looked at (monotonic)."""

    rows: Sequence[Withdrawal]
    at: float

    def of(self, job: Job) -> list[Withdrawal] | None:
        """Those of a set, in the order of their ids; None when the look was too long ago."""
        if time.monotonic() - self.at >= _MOMENT:
            return None
        wanted = set(job.payouts)
        return sorted((row for row in self.rows if row.id in wanted), key=lambda row: row.id)


_STEPS = {
    State.PENDING_SCREENING: "screen",
    State.PENDING_APPROVAL: "approve",
    State.QUEUED: "reserve",
    Stage.SIGNING: "sign",
    Stage.BROADCASTING: "broadcast",
    Stage.CONFIRMING: "confirm",
}


async def due(office: Office) -> set[str]:
    """The worker's steps that have something to do for withdrawals now: one look for all of them."""
    states = [one for one in _STEPS if isinstance(one, State)]
    async with office.db.reading() as session:
        found = {*await store.due_states(session, states, now=utcnow()), *await spend.due(session)}
    return {_STEPS[one] for one in found}


# --- choosing --------------------------------------------------------------------------------------------------------


async def prepare_step(office: Office, spender: Spender, *, ahead: bool = False) -> int:
    """Reserve coins or nonces; from that commit on a withdrawal can no longer be cancelled.

    `ahead`: where only a few are reserved they are signed and sent at once, without the way over the next steps.
    """
    found = await asyncio.gather(*(_prepare(office, spender, network, ahead) for network in spender.chains))
    return sum(found)


async def _prepare(office: Office, spender: Spender, network: str, ahead: bool) -> int:
    if not choose.batches(spender.chains[network]):
        return await _claimed(office, spender, network, None, limit=20, fresh=True, ahead=ahead)
    done = 0
    waits, most = spender.networks[network].batch_seconds, spender.networks[network].batch_most
    async with office.db.reading() as session:
        queues = await store.queues(session, network, now=utcnow())
    for queue in queues:
        seconds = timedelta(seconds=waits.of(queue.speed))
        ready = queue.fresh >= most or (queue.oldest is not None and utcnow() - queue.oldest >= seconds)
        if ready or queue.others:
            # A whole batch, and some more for those that cannot be in it.
            done += await _claimed(
                office, spender, network, queue.speed, limit=most + max(1, most // 5), fresh=ready, ahead=ahead
            )
        else:
            await _say_batch(office, network, queue.speed)
    return done


async def _say_batch(office: Office, network: str, speed: str) -> None:
    """Those that wait for others to share a transaction with are told so, once."""
    async with office.db.reading() as session:
        rows = await store.unsaid(session, network, speed)
    if rows:
        detail = "It shares a transaction with others that are asked for meanwhile: that is cheaper for everybody."
        await office.lane.write(together.riders_to(rows, State.QUEUED, SubStatus.AWAITING_BATCH, detail=detail))


async def _claimed(
    office: Office, spender: Spender, network: str, speed: str | None, *, limit: int, fresh: bool, ahead: bool
) -> int:
    async with office.db.transaction() as session:
        leases = await store.claim_queued(session, network, speed, fresh=fresh, now=utcnow(), limit=limit)
        # Our own rows until commit: what is read here is what was leased.
        rows = await store.by_ids(session, [lease.id for lease in leases]) if leases else []
        if leases:
            failpoints.reach("P8.claim:before")
    if not leases:
        return 0
    failpoints.reach("P8.claim:after")
    at = time.monotonic()
    stopped = await together.stopped(office, rows)
    pauses = {row.id: AGAIN for row in rows}
    try:
        for why in set(stopped.values()):
            await together.say(office, [row for row in rows if stopped.get(row.id) == why], *why)
        free = sorted((row for row in rows if row.id not in stopped), key=lambda row: (row.verified_at, row.id))
        # Those of one speed are asked about together.
        groups = [[row for row in free if row.speed == one] for one in sorted({row.speed for row in free})]
        # Each has ended when this has: a lease is not given back while somebody still works under it.
        made = await asyncio.gather(
            *(_try_to_reserve(office, spender, network, group, pauses, ahead) for group in groups)
        )
    finally:
        await _give_back(office, leases, pauses)
    looked = Looked(together.as_moved(free, State.SIGNING), at)
    await _handled(spender, made, lambda job: _sign(office, spender, job, ahead=True, looked=looked))
    return len(leases)


async def _try_to_reserve(
    office: Office,
    spender: Spender,
    network: str,
    rows: Sequence[Withdrawal],
    pauses: dict[uuid.UUID, timedelta],
    ahead: bool,
) -> list[Job]:
    """One group's trouble is its own; it is looked at again after its pause. Answers with the sets to go on with."""
    try:
        return await _reserve(office, spender, network, rows, pauses, ahead)
    except Refusal as refusal:
        log.warning("reserve_refused", network=network, why=refusal.kind.value)
    except Exception:  # whatever it was must not keep the other payouts waiting
        log.exception("reserve_failed", network=network)
    return []


async def _give_back(office: Office, leases: Sequence[Lease], pauses: dict[uuid.UUID, timedelta]) -> None:
    """Those that are still queued are looked at again after their pause; the rest were freed by the move itself."""
    now = utcnow()
    async with office.db.transaction() as session:
        for span in set(pauses.values()):
            some = [lease for lease in leases if pauses.get(lease.id) == span]
            await store.release_all(session, some, [State.QUEUED], now + span)


async def _reserve(
    office: Office,
    spender: Spender,
    network: str,
    rows: Sequence[Withdrawal],
    pauses: dict[uuid.UUID, timedelta],
    ahead: bool,
) -> list[Job]:
    """One set for as many of these as it can hold, or one for each; the others are told why not."""
    by_id = {str(row.id): row for row in rows}

    def riders(intents: Sequence[Intent]) -> list[Rider]:
        return together.riders_to([by_id[one.payout_id] for one in intents], State.SIGNING)

    wanted = [intent_of(row) for row in rows]
    # A few go on at once; for many, the next are chosen while the signer works on these.
    lease = spend.HANDED if ahead and len(rows) <= _FEW else None
    found = await choose.reserve(
        spender, network, wanted, speed=rows[0].speed, riders=riders, now=utcnow(), lease=lease
    )
    if found.taken:
        failpoints.reach("P9.reserve:after")
    for one in found.taken:
        pauses.pop(by_id[one.payout_id].id, None)
    for told in set(found.left.values()):
        left = [by_id[payout] for payout, why in found.left.items() if why == told]
        sub = together.WAITS.get(told.step)
        if sub is None or (told.step is Step.FULL and found.taken and choose.batches(spender.chains[network])):
            pauses.update({row.id: SOON for row in left})
            continue
        log.warning("payouts_wait", network=network, payouts=len(left), sub_status=sub.value, detail=told.detail)
        await together.say(office, left, sub, told.detail[:200] or None)
        if told.step is Step.BEHIND:
            # Any payout of ours may have been made already, as after a backup: nothing is sent and nothing given back
            # (withdraw.end) until a person has found out.
            await pause.pause(office.db, asset=policy.EVERYTHING, by=WORKER, reason=told.detail[:200])
    return found.jobs


# --- sets ------------------------------------------------------------------------------------------------------------


async def _each(spender: Spender, stage: Stage, handle: Handler) -> int:
    """Claim due sets at this stage and handle each; how many were claimed."""
    jobs = await spend.claim(spender.db, [Purpose.PAYOUT], stage)
    rows: dict[object, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: job.whole.set.nonce or 0):
        of = job.whole.set
        in_order = stage is Stage.SIGNING and of.nonce is not None
        rows.setdefault((of.network, of.hot_address) if in_order else of.id, []).append(job)
    await _handled(spender, list(rows.values()), handle)
    return len(jobs)


async def _handled(spender: Spender, rows: Sequence[Sequence[Job]], handle: Handler) -> None:
    """Rows at the same time, each in its order; those that did not go on are given back together."""

    async def in_order(jobs: Sequence[Job]) -> list[tuple[Job, timedelta | None]]:
        return [(job, await _one(job, handle)) for job in jobs]

    found = await asyncio.gather(*(in_order(row) for row in rows))
    await spend.again(spender.db, [(job, pause) for row in found for job, pause in row if pause is not None])


async def _one(job: Job, handle: Handler) -> timedelta | None:
    """How long to wait before the next look; None when it went on. One set's trouble is its own."""
    try:
        return await handle(job)
    except Refusal as refusal:
        log.warning("set_step_refused", set=str(job.whole.set.id), why=refusal.kind.value)
    except Exception:  # one set's trouble must not stop the others; it is looked at again
        log.exception("set_step_failed", set=str(job.whole.set.id), stage=job.whole.set.stage)
    return AGAIN


async def sign_step(office: Office, spender: Spender, *, ahead: bool = False) -> int:
    """Have each set signed, store the bytes; those of one account in the order of their nonces. `ahead`: send them too."""
    return await _each(spender, Stage.SIGNING, lambda job: _sign(office, spender, job, ahead=ahead))


async def _sign(
    office: Office, spender: Spender, job: Job, *, ahead: bool, looked: Looked | None = None
) -> timedelta | None:
    at, known = (looked.at, looked.of(job)) if looked is not None else (time.monotonic(), None)
    rows, stopped = (known, {}) if known is not None else await together.look(office, job.payouts)
    if stopped and spend.may_take_back(job):
        return await _part(office, spender, job, rows, stopped)
    if not stopped and (told := await nonces.in_turn(spender, job)) is not None:
        return await together.wait(office, job, rows, told)
    # What may be signed already is asked for again all the same: its bytes belong in our books. Sending is for later.
    riders = _with_why(job, [row for row in rows if row.state == State.SIGNING.value], stopped, State.BROADCASTING)
    told = await spend.sign(spender, job, together.authorised(rows), riders, keep=ahead and not stopped)
    if told.step is Step.DONE:
        if told.job is None:
            return None
        # Nobody was stopped a moment ago: what the commit left is known, and it is sent at once.
        quick = time.monotonic() - at < _MOMENT and all(row.state == State.SIGNING.value for row in rows)
        moved = together.as_moved(rows, State.BROADCASTING) if quick else None
        return await _broadcast(office, spender, told.job, moved)
    if told.step in (Step.DENIED, Step.REFUSED) and len(rows) > 1:
        # Somebody among them is to blame, and the signer need not say who: halves find it.
        wanted = [intent_of(row) for row in rows]
        middle = len(wanted) // 2
        if await choose.split(spender, job, [wanted[:middle], wanted[middle:]], now=utcnow()):
            log.warning("batch_denied", set=str(job.whole.set.id), payouts=len(rows), detail=told.detail)
            return None
    if told.step is Step.DENIED:
        # This no is final and says that nothing was signed: back to where it can be cancelled, and a person decides.
        detail = told.detail[:200]
        held = {"held_by_operator": detail}
        on = together.of_set(job)
        back = together.riders_to(rows, State.QUEUED, SubStatus.NEEDS_OPERATOR, detail=detail, values=held, inputs=on)
        if await spend.take_back(spender, job, back, now=utcnow()):
            log.warning("signer_denied", payouts=[str(row.id) for row in rows], detail=detail)
            return None
    return await together.wait(office, job, rows, told)


def _with_why(
    job: Job, rows: Sequence[Withdrawal], stopped: dict[uuid.UUID, together.Why], state: State
) -> list[Rider]:
    """Move them, those that are stopped with what stops them."""
    on = together.of_set(job)
    riders = together.riders_to([row for row in rows if row.id not in stopped], state, inputs=on)
    for why in set(stopped.values()):
        some = [row for row in rows if stopped.get(row.id) == why]
        riders += together.riders_to(some, state, why[0], detail=why[1], inputs=on)
    return riders


async def _part(
    office: Office, spender: Spender, job: Job, rows: Sequence[Withdrawal], stopped: dict[uuid.UUID, together.Why]
) -> timedelta | None:
    """Some may not be paid now: the others go on without them, where nothing was signed yet."""
    going = [row for row in rows if row.id not in stopped]
    if going:
        waiting = [[intent_of(row)] for row in rows if row.id in stopped]
        if await choose.split(spender, job, [[intent_of(row) for row in going], *waiting], now=utcnow()):
            return None
    elif job.whole.set.nonce is not None and spend.is_unknown_to_signer(job):
        # Its nonce would keep every later payment of the account waiting: the next one gets it.
        back = _with_why(job, rows, stopped, State.QUEUED)
        if await spend.take_back(spender, job, back, now=utcnow()):
            return None
    for why in set(stopped.values()):
        await together.say(office, [row for row in rows if stopped.get(row.id) == why], *why, job=job)
    detail = "Another payment of the same transaction is stopped."
    await together.say(office, going, SubStatus.FROZEN, detail, job=job)
    return AGAIN


async def broadcast_step(office: Office, spender: Spender) -> int:
    """Send the stored bytes until a node has them."""
    return await _each(spender, Stage.BROADCASTING, lambda job: _broadcast(office, spender, job))


async def _broadcast(
    office: Office, spender: Spender, job: Job, known: Sequence[Withdrawal] | None = None
) -> timedelta | None:
    rows, stopped = (known, {}) if known is not None else await together.look(office, job.payouts)
    if stopped and not job.sent:
        why = next(iter(stopped.values()))
        await together.say(office, rows, *why, job=job)
        return None if await nonces.fill(spender, job, rows) else AGAIN
    moving = [row for row in rows if row.state == State.BROADCASTING.value]
    on = together.of_set(job)
    told = await spend.broadcast(
        spender, job, lambda: together.riders_to(moving, State.CONFIRMING, inputs=on), now=utcnow()
    )
    if told.step is Step.DONE:
        return None
    if told.step is Step.REFUSED:
        seen = await watch.look(spender, job, now=utcnow())
        if seen.step is Step.DEAD:
            return await settle.give_back(office, spender, job, rows)
        if seen.winner is not None:
            riders = together.riders_to(moving, State.CONFIRMING, inputs=on)
            await spend.commit(spender.db, [spend.stage_rider(job, Stage.CONFIRMING), *riders])
            return None
    return await together.wait(office, job, rows, told)


async def confirm_step(office: Office, spender: Spender) -> int:
    """Watch each set gain depth, make it dearer when it waits too long, settle when it is final."""
    await blocks.wake(spender, now=utcnow())
    jobs = await spend.claim(spender.db, [Purpose.PAYOUT], Stage.CONFIRMING)
    if jobs:
        rows, stopped = await together.look(office, [one for job in jobs for one in job.payouts])
        await _handled(spender, [[job] for job in jobs], lambda job: _confirm(office, spender, job, rows, stopped))
    return len(jobs)


async def _confirm(
    office: Office,
    spender: Spender,
    job: Job,
    read: Sequence[Withdrawal],
    stops: Mapping[uuid.UUID, together.Why],
) -> timedelta | None:
    """`read` and `stops`: of this set's withdrawals and of others, as a moment ago; what was moved since misses."""
    of = set(job.payouts)
    rows, stopped = [row for row in read if row.id in of], of & stops.keys()

    async def save(riders: Sequence[Rider]) -> bool:
        return (await office.lane.write(riders)).posted

    seen = await watch.look(spender, job, now=utcnow(), save=save)
    if nonces.is_filling(job, seen):
        return await nonces.filling(office, spender, job, rows, seen)
    if seen.winner is None and not job.sent:
        await nonces.unfilled(spender, job)
        return None
    if seen.winner is not None and await nonces.overtaken(office, rows):
        return timedelta()
    if seen.step is Step.DONE:
        return await settle.settle(office, spender, job, rows, seen)
    if seen.step is Step.FAILED:
        return await settle.fail(office, spender, job, rows, seen)
    if seen.step is Step.DEAD:
        return await settle.give_back(office, spender, job, rows)
    if seen.step is not Step.WAITING:
        return await together.wait(office, job, rows, Told(seen.step, seen.detail))
    await _tell(office, job, rows, seen)
    told = Told(Step.WAITING)
    if not stopped:
        told = await bump.consider(spender, job, seen, together.authorised(rows), now=utcnow())
    if told.step is Step.DONE:
        return timedelta()
    return blocks.pause_of(spender.chains[job.network], known=seen.known)


async def _tell(office: Office, job: Job, rows: Sequence[Withdrawal], seen: Watched) -> None:
    """What each waits for, if that is not plain; depth is told without an event."""
    quiet = []
    changes: dict[SubStatus | None, list[Withdrawal]] = {}
    for row in rows:
        sub = _slow(row, job, seen)
        if row.held_by_operator is not None:
            continue
        if (sub.value if sub else None) != row.sub_status:
            changes.setdefault(sub, []).append(row)
        elif seen.moved:
            quiet.append(row)
    for sub, some in changes.items():
        await office.lane.write([spend.held_rider(job), *together.riders_to(some, State.CONFIRMING, sub)])
    if quiet:
        await office.lane.write([spend.held_rider(job), *together.touched(quiet)])


def _slow(row: Withdrawal, job: Job, seen: Watched) -> SubStatus | None:
    """Why it takes longer than usual, if it does; what a reorg took out is said until it is in a block again."""
    if seen.winner is None:
        if seen.reorged or row.sub_status == SubStatus.REORGED.value:
            return SubStatus.REORGED
        if job.whole.set.capped is not None:
            return SubStatus.SLOWER_THAN_USUAL
        if sum(one.broadcast_at is not None and one.parent is None for one in job.whole.members) > 1:
            return SubStatus.REPLACED
    return SubStatus.SLOWER_THAN_USUAL if is_late(row.expected_by, utcnow()) else None
