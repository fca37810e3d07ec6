"""Watching a set: every member is asked for, whichever is mined wins, and when none can be any more the chain proves it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate import failpoints
from tidegate.chains.families import keeps_accounts, keeps_coins
from tidegate.chains.port import Chain, Fate, NodeUnavailable, Sighting
from tidegate.database import Rider
from tidegate.treasury import spend, store, underway
from tidegate.treasury.rules import DEAD, AttemptState, Outcome, Spent
from tidegate.treasury.spend import Job, Spender, Step
from tidegate.treasury.store import Whole
from tidegate.treasury.tables import Attempt
from tidegate.wallets.rules import FINAL_FACTOR

_DEAD = {state.value for state in DEAD - {AttemptState.REVERTED}}
"""Not asked for any more. One that reverted is: what it owes may still be open."""
_MINED = (Fate.MINED, Fate.REVERTED)
_STATES = {
    Fate.UNSEEN: AttemptState.BROADCAST,
    Fate.MEMPOOL: AttemptState.SEEN,
    Fate.MINED: AttemptState.MINED,
    Fate.REVERTED: AttemptState.MINED,
    Fate.CONFLICTED: AttemptState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Look:
    """One member as the chain shows it now."""

    member: Attempt
    sighting: Sighting

    @property
    def pays(self) -> bool:
        """It is in a block and does what the set is for."""
        return self.sighting.fate is Fate.MINED and not self.member.cancels


@dataclass(frozen=True, slots=True)
class Watched:
    """Where a set stands after one look at the chain. DONE: its winner is deep enough."""

    step: Step
    looks: Sequence[Look] = ()
    winner: Look | None = None
    detail: str = ""
    moved: bool = False
    reorged: bool = False
    """A member was in a block at the last look and none is now."""
    known: bool = True
    """The node has one of its members."""

    @property
    def paid(self) -> dict[str, int]:
        """What the winner delivered, by address."""
        return self.winner.sighting.paid if self.winner is not None else {}


Save = Callable[[Sequence[Rider]], Awaitable[bool]]


async def look(spender: Spender, job: Job, *, now: datetime, save: Save | None = None) -> Watched:
    """Ask for every member that was sent; send the newest again when the node knows none of them; remember what is seen.

    `save` commits riders, all or none (False): where many sets are looked at, together with what is seen of the others.
    """
    whole, chain = job.whole, spender.chains[job.network]
    asked = [one for one in whole.members if one.txid is not None and one.state not in _DEAD]
    try:
        sights = await asyncio.gather(*(chain.sighting(one.txid or "", whole.set.asset) for one in asked))
    except NodeUnavailable as error:
        return Watched(Step.NO_NODE, detail=str(error))
    looks = [Look(one, sight) for one, sight in zip(asked, sights, strict=True)]
    paying = [one for one in looks if one.member.parent is None]
    winner = next((one for one in paying if one.sighting.fate in _MINED), None)
    sent = spend.Told(Step.DONE)
    if winner is None:
        sent = await _send_again(spender, job.network, paying)
        if sent.step is Step.NO_NODE:
            return Watched(Step.NO_NODE, looks, detail=sent.detail)
    riders = [rider for one in looks if (rider := _moved(one, now)) is not None]
    riders += [spend.held_rider(job)] if riders else []
    reorged = winner is None and any(one.member.block_hash is not None for one in paying)
    # A look that comes late, after another worker has settled, finds nothing to write.
    if riders:
        failpoints.reach("P14.seen:before" if winner is None else "P15.depth:before")
    moved = bool(riders) and await (save(riders) if save is not None else spend.commit(spender.db, riders))
    if riders and not moved:
        return Watched(Step.WAITING, looks, detail="it changed meanwhile")
    if moved:
        failpoints.reach("P14.seen:after" if winner is None else "P15.depth:after")
    if winner is None:
        step, detail = Step.WAITING, sent.detail
        if sent.step is Step.REFUSED:
            dead = await is_dead(spender, whole, looks)
            step = Step.DEAD if dead else Step.REFUSED
        return Watched(step, looks, None, detail, moved, reorged, known=sent.step is Step.DONE)
    step, detail = _depth(chain, winner)
    return Watched(step, looks, winner, detail, moved)


async def _send_again(spender: Spender, network: str, paying: Sequence[Look]) -> spend.Told:
    """The newest first; an older one only where the newer ones can never be valid. DONE when the node has one of them."""
    told = spend.Told(Step.REFUSED, "nothing was sent")
    for one in reversed([one for one in paying if one.member.broadcast_at is not None]):
        if one.member.state == AttemptState.REVERTED.value:
            continue  # it may be refunded already: another try must never pay
        if one.sighting.fate is Fate.MEMPOOL:
            return spend.Told(Step.DONE)
        if one.sighting.fate is Fate.CONFLICTED:
            told = spend.Told(Step.REFUSED, "another transaction spent an input of it")
            continue
        told = await spend.submit(spender, network, one.member)
        if told.step is not Step.REFUSED:
            return told
    return told


def _moved(one: Look, now: datetime) -> Rider | None:
    """The rider that remembers what is seen of a member; None when nothing is new, or it has been booked."""
    member, sight = one.member, one.sighting
    if member.state in (AttemptState.FINAL.value, AttemptState.REVERTED.value):
        return None
    state = _STATES[sight.fate].value
    if member.state == AttemptState.SIGNED.value and sight.fate is Fate.UNSEEN:
        return None  # nothing of it has left this house
    before = (member.state, member.confirmations, member.block_hash)
    if before == (state, sight.confirmations, sight.block_hash):
        return None
    values = {
        "state": state,
        "confirmations": sight.confirmations,
        "block_hash": sight.block_hash,
        "block_height": sight.block_height,
        "fee_units": member.fee_units if sight.fee_units is None else sight.fee_units,
        "broadcast_at": member.broadcast_at or now,
        "mined_at": (member.mined_at or now) if sight.fate in _MINED else member.mined_at,
    }
    return store.member_rider(member.id, member.state, values)


def _depth(chain: Chain, won: Look) -> tuple[Step, str]:
    """DONE or FAILED once no reorg is to be expected that takes it back, WAITING until then."""
    sight = won.sighting
    if not won.pays:
        # A refund cannot be taken back, and until it is final a reorg may turn the same bytes into a payment.
        deep = sight.confirmations >= chain.confirmations * FINAL_FACTOR
        return (Step.FAILED, "the network took the transaction and made no payment") if deep else (Step.WAITING, "")
    return (Step.DONE, "") if sight.confirmations >= chain.confirmations else (Step.WAITING, "")


async def is_dead(spender: Spender, whole: Whole, looks: Sequence[Look]) -> bool:
    """Whether no member of a set that was sent can be mined any more, by the chain's own proof (rule 4).

    Bitcoin: another transaction that spent an input of each is deep enough. EVM: the nonce is used, deep enough, by a
    transaction that is none of ours. A member that nobody sent yet counts as living.
    """
    chain, settings = spender.chains[whole.set.network], spender.networks[whole.set.network]
    paying = [one for one in looks if one.member.parent is None]
    signed = [one for one in whole.members if one.parent is None and one.raw is not None and one.state not in _DEAD]
    if not paying or len(paying) < len(signed):
        return False
    if keeps_coins(chain):
        large = sum(one.units for one in whole.payouts) >= settings.large_units
        depth = settings.dead_confirmations_large if large else settings.dead_confirmations
        return all(one.sighting.fate is Fate.CONFLICTED and one.sighting.confirmations <= -depth for one in paying)
    assert keeps_accounts(chain)
    assert whole.set.nonce is not None
    if any(one.sighting.fate is not Fate.UNSEEN for one in paying):
        return False
    try:
        used = await chain.final_nonce(chain.confirmations * FINAL_FACTOR)
        return used > whole.set.nonce and (await chain.health()).fit
    except NodeUnavailable:
        return False


# --- what a winner books ---------------------------------------------------------------------------------------------


async def spent(spender: Spender, job: Job, won: Look) -> Spent:
    """What this mined member took from our wallets beside its payments: its fee, and coins that customers sent."""
    chain = spender.chains[job.network]
    fee = won.sighting.fee_units
    assert fee is not None
    async with spender.db.reading() as session:
        reserved = await underway.reserved_by(session, job.whole.set.id)
    inputs = {(txid, vout) for txid, vout in won.member.plan.get("inputs", ())}
    deposits = sum(one.units for one in reserved if one.from_deposit and (one.txid, one.vout) in inputs)
    return Spent(job.network, chain.gas_asset, fee, deposits)


def booked_riders(job: Job, won: Look) -> list[Rider]:
    """The winner is booked, final or reverted, and those that it excludes are over. "attempt" misses when it was before."""
    state = AttemptState.FINAL if won.pays else AttemptState.REVERTED
    riders = [spend.held_rider(job), _booked(won, state)]
    for one in job.whole.living:
        signed_child = one.parent == won.member.id and one.state != AttemptState.BUILT.value
        if one.id != won.member.id and not signed_child:
            riders.append(_over(one))
    return riders


def _over(member: Attempt) -> Rider:
    over = AttemptState.DROPPED if member.state == AttemptState.BUILT.value else AttemptState.REPLACED
    return store.member_rider(member.id, member.state, {"state": over.value})


def late_riders(job: Job) -> list[Rider]:
    """Those that were built while another worker booked the winner: nobody needs them any more."""
    late = [_over(one) for one in job.whole.living if one.state == AttemptState.BUILT.value]
    return [spend.held_rider(job), *late] if late else []


def child_riders(job: Job, child: Look) -> list[Rider]:
    """The child that paid for its parent is booked too; other children of it, which it excludes, are over."""
    return [
        spend.held_rider(job),
        _booked(child, AttemptState.FINAL),
        *(_over(one) for one in job.whole.living if one.parent is not None and one.id != child.member.id),
    ]


def _booked(won: Look, state: AttemptState) -> Rider:
    values = {
        "state": state.value,
        "fee_units": won.sighting.fee_units,
        "confirmations": won.sighting.confirmations,
    }
    # Mined is what the look has just remembered of it.
    return store.member_rider(won.member.id, AttemptState.MINED.value, values)


def is_booked(won: Look) -> bool:
    """Whether an earlier life of this step has booked it."""
    return won.member.state in (AttemptState.FINAL.value, AttemptState.REVERTED.value)


def children(job: Job, watched: Watched) -> list[Look]:
    """Living children of the winner."""
    assert watched.winner is not None
    return [one for one in watched.looks if one.member.parent == watched.winner.member.id]


async def close(spender: Spender, job: Job, watched: Watched, *, now: datetime) -> bool:
    """End the set when its payouts are and no member lives; its coins are free. False while something is open."""
    assert watched.winner is not None
    outcome = Outcome.FINAL if watched.winner.pays else Outcome.REVERTED
    async with spender.db.reading() as session:
        whole = await store.whole(session, job.whole.set.id)
    if whole is None or whole.open or whole.living:
        return False
    riders = [store.freed_rider(whole.set.id, now), store.end_rider(job.lease.id, job.lease.fence, outcome, now)]
    return await spend.commit(spender.db, riders)


def settled_rider(job: Job, payout_id: uuid.UUID, now: datetime) -> Rider:
    """This payout is paid, once for ever ("payout")."""
    return store.payout_rider(job.whole.set.id, payout_id, {"ended_at": now, "settled_at": now})


def ended_rider(job: Job, payout_id: uuid.UUID, now: datetime) -> Rider:
    """This payout was not paid by the set and cannot be ("payout")."""
    return store.payout_rider(job.whole.set.id, payout_id, {"ended_at": now})
