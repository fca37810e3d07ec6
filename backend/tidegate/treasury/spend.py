"""Paying out, exactly once: have a set's newest member signed, send it. Each step is resumable from the set's own row.

Rule 1: nothing is sent that is not in a committed row. Rule 2: one living set a payout. Rule 3: a timeout is unknown.
Rule 4: new inputs or a new nonce only when every member is provably dead. Rule 5: whichever member is mined counts
(chains.md section 4; choosing is in reserve.py, watching in watch.py, making it dearer in bump.py).
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate import failpoints
from tidegate.chains.port import Chain, NodeUnavailable, Submitted
from tidegate.config import NetworkSettings
from tidegate.database import Database, Rider, as_written, ride, utcnow
from tidegate.queue import Lease
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Answer, Approved, Authorisation, Denied, Failed, Fence, Intent, Rule, SignCancel
from tidegate.treasury import store
from tidegate.treasury.fees import Fees
from tidegate.treasury.rules import AttemptState, Outcome, Purpose, Stage
from tidegate.treasury.store import Whole
from tidegate.treasury.tables import Attempt


class Step(StrEnum):
    """What one look at a set or a payout ended with."""

    DONE = "done"  # this step is behind it
    NO_FUNDS = "no_funds"  # inventory does not cover it
    NO_NODE = "no_node"
    NO_SIGNER = "no_signer"
    DENIED = "denied"  # the signer refuses by a rule and signed nothing: a person must look
    FROZEN = "frozen"  # the signer's freeze flag is set: it goes on when a person lifts it
    UNKNOWN = "unknown"  # sent, and no answer proves anything
    REFUSED = "refused"  # the node says these bytes can never be valid, or the signer knows others: a person must look
    BEHIND = "behind"  # the chain knows more of our transactions than our books do: everything must stop
    FAILED = "failed"  # it is in a block for good and paid nothing: it can never pay
    DEAD = "dead"  # no member can ever be mined, and the chain proves it: it may be paid otherwise
    FULL = "full"  # it waits for its turn among others
    WAITING = "waiting"  # nothing wrong, not there yet


@dataclass(frozen=True, slots=True)
class Told:
    step: Step
    detail: str = ""
    job: "Job | None" = None
    """The set as this step left it, under the same lease, when whoever did it goes on with it."""


@dataclass(frozen=True, slots=True)
class Spender:
    """What paying out needs in one process."""

    db: Database
    chains: Mapping[str, Chain]
    networks: Mapping[str, NetworkSettings]
    fees: Fees
    signer: SignerDoor


# Denials that judge the request alone or the signer's own limits: with these, and with `signed` false, nothing of these
# payouts was signed. Every other one (a second transaction, a second digest, a nonce of another payout, a message that
# it could not read, a rule that we do not know) may mean that the signer's journal knows more than our books do.
UNSIGNED_RULES = frozenset(
    {
        Rule.MALFORMED,
        Rule.DIGEST_MISMATCH,
        Rule.WRONG_OUTPUT,
        Rule.WRONG_AMOUNT,
        Rule.WRONG_NETWORK,
        Rule.WRONG_TOKEN,
        Rule.FOREIGN_INPUT,
        Rule.FEE_TOO_HIGH,
        Rule.ABOVE_CAP,
        Rule.OVER_HOURLY,
        Rule.OVER_DAILY,
    }
)

Authorised = tuple[Intent, Authorisation]

UNASKED = {"unheard": False, "refused": False}
"""In the plan of a new member: the signer has not heard of it yet."""


HANDED = timedelta(seconds=10)
"""How long a set that one step moved on is left to the one who did it; after a crash it waits so long for another."""


class Missed(Exception):
    """A rider missed: something is not what it was."""


# --- the set as a job ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """A set under a lease: what one worker has to do."""

    whole: Whole
    lease: Lease

    @property
    def network(self) -> str:
        return self.whole.set.network

    @property
    def payouts(self) -> list[uuid.UUID]:
        """Those that are neither paid nor given back."""
        return [one.payout_id for one in self.whole.open]

    @property
    def waits(self) -> tuple[str | None, str | None]:
        """What it was last said to wait for, and the detail."""
        return self.whole.set.waits, self.whole.set.detail

    @property
    def sent(self) -> bool:
        """Whether any of its bytes may have left this house."""
        return any(one.broadcast_at is not None for one in self.whole.members)


async def claim(db: Database, purposes: Sequence[Purpose], stage: Stage) -> list[Job]:
    """Lease due sets."""
    async with db.transaction() as session:
        leases = await store.claim(session, purposes, stage, now=utcnow())
        # Our own rows until commit: what is read here is what was leased.
        found = (
            {one.set.id: one for one in await store.wholes(session, [lease.id for lease in leases])} if leases else {}
        )
    return [Job(found[lease.id], lease) for lease in leases]


async def due(session: AsyncSession) -> set[Stage]:
    """The stages at which something is to be done for a payout now."""
    return await store.due_stages(session, Purpose.PAYOUT, now=utcnow())


async def again(db: Database, pauses: Sequence[tuple[Job, timedelta]]) -> None:
    """Give the leases back; look at each again after its pause."""
    if not pauses:
        return
    now = utcnow()
    async with db.transaction() as session:
        for span in sorted({pause for _, pause in pauses}):
            leases = [job.lease for job, pause in pauses if pause == span]
            await store.release_all(session, leases, now + span)


def held_rider(job: Job) -> Rider:
    """Goes with every write of this job that does not change the set itself: who lost the lease writes nothing."""
    return store.held_rider(job.lease.id, job.lease.fence)


def waits_rider(job: Job, waits: str | None, detail: str | None) -> Rider:
    """What the set waits for; the lease is kept."""
    return store.set_rider(job.lease.id, job.lease.fence, {"waits": waits, "detail": detail})


def stage_rider(job: Job, stage: Stage) -> Rider:
    """The set goes on: due at once and free of this lease."""
    return store.set_rider(job.lease.id, job.lease.fence, _at_stage(stage, None))


def _at_stage(stage: Stage, lease_until: datetime | None) -> dict[str, Any]:
    return {"stage": stage.value, "waits": None, "detail": None, "due_at": utcnow(), "lease_until": lease_until}


async def commit(db: Database, riders: Sequence[Rider]) -> bool:
    """All of them in one commit, or none: False."""
    try:
        async with db.transaction() as session:
            if await ride(session, riders) is not None:
                raise Missed
    except Missed:
        return False
    return True


async def look_up(session: AsyncSession, payout_id: uuid.UUID) -> Whole | None:
    """The living set of this payout."""
    found = await store.live_set_of(session, payout_id)
    return None if found is None else await store.whole(session, found.id)


# --- signing ---------------------------------------------------------------------------------------------------------


async def sign(
    spender: Spender, job: Job, payouts: Sequence[Authorised], riders: Sequence[Rider], *, keep: bool = False
) -> Told:
    """Have the set's first member signed; raw bytes and txid are stored, with the caller's riders, before it is sent.

    `keep`: the caller sends it at once, under the same lease; `Told.job` is the set to go on with.
    """
    member = job.whole.newest
    if member is None or member.state != AttemptState.BUILT.value:
        # Signed by an earlier life of this step.
        done = await commit(spender.db, [stage_rider(job, Stage.BROADCASTING), *riders])
        return Told(Step.DONE if done else Step.WAITING)
    if not await _about_to_ask(spender, job, member):
        return Told(Step.WAITING, "it changed meanwhile")
    failpoints.reach("P10.ask:before")
    answer = await ask_signer(spender, job, member, payouts)
    failpoints.reach("P10.ask:after")
    told = await judge_answer(spender, job, member, answer)
    if told.step is not Step.DONE:
        return told
    assert isinstance(answer, Approved)
    failpoints.reach("P12.store:before")
    signed, until = _signed(answer), utcnow() + HANDED if keep else None
    staged = _at_stage(Stage.BROADCASTING, until)
    stored = [
        store.member_rider(member.id, AttemptState.BUILT.value, signed),
        store.set_rider(job.lease.id, job.lease.fence, staged),
        *riders,
    ]
    if not await commit(spender.db, stored):
        return Told(Step.WAITING, "it changed meanwhile")
    failpoints.reach("P12.store:after")
    if until is None:
        return Told(Step.DONE)
    members = tuple(as_written(one, signed) if one.id == member.id else one for one in job.whole.members)
    whole = replace(job.whole, set=as_written(job.whole.set, staged), members=members)
    return Told(Step.DONE, job=Job(whole, Lease(job.lease.id, job.lease.fence, until)))


async def _about_to_ask(spender: Spender, job: Job, member: Attempt) -> bool:
    """In a commit of its own, before the signer hears of it: from here on it may be signed, and nobody may know."""
    return bool(member.plan.get("unheard")) or await _remember(spender, job, member, {"unheard": True})


async def _remember(spender: Spender, job: Job, member: Attempt, more: Mapping[str, bool]) -> bool:
    # Who has lost the lease speaks for no request of the one who took it over.
    plan = {"plan": {**member.plan, **more}}
    return await commit(spender.db, [held_rider(job), store.member_rider(member.id, AttemptState.BUILT.value, plan)])


async def ask_signer(spender: Spender, job: Job, member: Attempt, payouts: Sequence[Authorised]) -> Answer:
    """One request for this member, the same at every call but for the fence: what it replaces is named by its txid."""
    plan, whole, under = member.plan, job.whole, fence_of(job.lease)
    before = next((one.txid or "" for one in whole.members if one.id == member.replaces), "")
    if member.parent is not None:
        parent = next(one for one in whole.members if one.id == member.parent)
        return await spender.signer.sign_child(
            network=whole.set.network, parent=parent.txid or "", psbt=plan["psbt"], under=under
        )
    if whole.set.nonce is None:
        return await spender.signer.sign_bitcoin(payouts, plan["psbt"], replaces=before, under=under)
    gas = {
        "nonce": whole.set.nonce,
        "gas": int(plan["gas"]),
        "max_fee_per_gas": int(plan["max_fee_per_gas"]),
        "max_priority_fee_per_gas": int(plan["max_priority_fee_per_gas"]),
        "chain_id": int(plan["chain_id"]),
    }
    if member.cancels:
        return await spender.signer.sign_move(SignCancel(whole.set.network, before, **gas), under=under)
    ((intent, authorisation),) = payouts
    return await spender.signer.sign_evm(intent, authorisation, **gas, replaces=before, under=under)


def fence_of(lease: Lease) -> Fence:
    """What the signer is told of the lease: it hears no older holder of the same set any more."""
    return Fence(str(lease.id), lease.fence)


async def judge_answer(spender: Spender, job: Job, member: Attempt, answer: Answer) -> Told:
    """DONE when it is signed, else why not; whether it may have been signed unheard is remembered.

    `member` as it was before this request: when an earlier one is unheard, only a no that covers that one too ends it.
    """
    told = _told(answer)
    earlier = bool(member.plan.get("unheard"))
    if isinstance(answer, Denied):
        if not earlier or (told.step in (Step.DENIED, Step.FROZEN) and not answer.signed):
            await _remember(spender, job, member, {"unheard": False, "refused": told.step is Step.REFUSED})
    elif isinstance(answer, Failed) and not earlier:
        await _remember(spender, job, member, {"unheard": answer.written})
    return told


def _told(answer: Answer) -> Told:
    if isinstance(answer, Failed):
        return Told(Step.NO_SIGNER, answer.detail)
    if not isinstance(answer, Denied):
        return Told(Step.DONE)
    if answer.rule == Rule.FROZEN:
        return Told(Step.FROZEN, answer.detail)
    if answer.rule == Rule.OLD_FENCE:
        return Told(Step.WAITING, answer.detail)
    step = Step.DENIED if answer.rule in UNSIGNED_RULES and not answer.signed else Step.REFUSED
    return Told(step, f"{answer.rule}: {answer.detail}")


def signed_rider(member: Attempt, answer: Approved) -> Rider:
    """The bytes are stored: "attempt" misses when they were before."""
    return store.member_rider(member.id, AttemptState.BUILT.value, _signed(answer))


def _signed(answer: Approved) -> dict[str, Any]:
    return {
        "state": AttemptState.SIGNED.value,
        "raw": answer.raw,
        "txid": answer.txid,
        "fee_units": answer.fee_units,
        "signed_at": utcnow(),
    }


def may_take_back(job: Job) -> bool:
    """Whether it is certain that nothing of this set was ever signed (after a denial, or before anybody asked)."""
    return all(
        one.state == AttemptState.DROPPED.value
        or (one.state == AttemptState.BUILT.value and not one.plan.get("unheard"))
        for one in job.whole.members
    )


def is_unknown_to_signer(job: Job) -> bool:
    """Whether, beside that, the signer never hinted that it knows more of these payouts than our books do."""
    return may_take_back(job) and not any(one.plan.get("refused") for one in job.whole.members)


def drop_riders(job: Job, now: datetime) -> list[Rider]:
    """The set is over without a payment: its members are dead, its coins or its nonce are free again."""
    whole = job.whole
    return [
        *(store.member_rider(one.id, one.state, {"state": AttemptState.DROPPED.value}) for one in whole.living),
        *(store.payout_rider(whole.set.id, one.payout_id, {"ended_at": now}) for one in whole.open),
        store.freed_rider(whole.set.id, now),
        store.end_rider(job.lease.id, job.lease.fence, Outcome.DROPPED, now),
    ]


async def take_back(spender: Spender, job: Job, riders: Sequence[Rider], *, now: datetime) -> bool:
    """Drop a set that was never signed, together with the caller's riders.

    False, and nothing changes, when the signer may have signed it in an answer that was lost, or it changed meanwhile.
    """
    return may_take_back(job) and await commit(spender.db, [*drop_riders(job, now), *riders])


# --- sending ---------------------------------------------------------------------------------------------------------


async def broadcast(spender: Spender, job: Job, riders: Callable[[], Sequence[Rider]], *, now: datetime) -> Told:
    """Send the stored bytes of the newest member. Sending them again is always safe."""
    member = job.whole.newest
    if member is None or member.raw is None:
        return Told(Step.WAITING, "nothing is signed")
    failpoints.reach("P13.send:before")
    told = await submit(spender, job.whole.set.network, member)
    if told.step is Step.NO_NODE:
        return told
    failpoints.reach("P13.send:after")
    sent = [held_rider(job), sent_rider(member, told, now)] if told.step is not Step.REFUSED else []
    if told.step is Step.DONE:
        sent[0] = stage_rider(job, Stage.CONFIRMING)
        sent += riders()
    if sent and not await commit(spender.db, sent):
        return Told(Step.WAITING, "it changed meanwhile")
    failpoints.reach("P13.record:after")
    return told


async def submit(spender: Spender, network: str, member: Attempt) -> Told:
    """Hand the bytes to the node; writes nothing."""
    assert member.raw is not None
    try:
        sent = await spender.chains[network].submit(member.raw)
    except NodeUnavailable as error:
        return Told(Step.NO_NODE, str(error))
    step = {Submitted.ACCEPTED: Step.DONE, Submitted.UNKNOWN: Step.UNKNOWN, Submitted.REFUSED: Step.REFUSED}
    return Told(step[sent.outcome], sent.detail)


def sent_rider(member: Attempt, told: Told, now: datetime) -> Rider:
    """The member left this house: taken in, or nobody knows."""
    state = AttemptState.BROADCAST if told.step is Step.DONE else AttemptState.UNKNOWN
    values = {"state": state.value, "broadcast_at": member.broadcast_at or now}
    return store.member_rider(member.id, member.state, values)


Handler = Callable[[Job], Awaitable[timedelta | None]]
