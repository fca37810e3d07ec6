"""Making a transaction dearer that waits too long: within what was agreed, never beside the one it replaces.

Bitcoin: all coins of the one before, at a higher rate (RBF); or, when that cannot be, a child that spends its change
(CPFP), and from then on only dearer children. EVM: the same nonce, both fees 12.5 % up. Each is built, signed, stored and
sent as any other: a step a round, resumable from the set's rows.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from tidegate import failpoints
from tidegate.chains.bitcoin.build import DUST, INPUT_VSIZE, child_vsize
from tidegate.chains.evm.build import bumped
from tidegate.chains.families import AccountChain, GasPrice, NotEnough, UtxoChain, keeps_accounts, keeps_coins
from tidegate.chains.port import NodeUnavailable
from tidegate.database import Database, ride
from tidegate.refusal import Kind, Refusal
from tidegate.signing.messages import Approved, Denied, Intent, Rule
from tidegate.treasury import reserve, spend, store, underway
from tidegate.treasury.inventory import payable
from tidegate.treasury.rules import GWEI, AttemptState, Patience, Stage, is_stuck
from tidegate.treasury.spend import UNASKED, Authorised, Job, Missed, Spender, Step, Told
from tidegate.treasury.store import Coin
from tidegate.treasury.tables import Attempt
from tidegate.treasury.watch import Watched

log = structlog.get_logger(__name__)


_TAKEN = Told(Step.WAITING, "its change is spent by another payment")


class Bound(Exception):
    """What was agreed, or the configured ceiling, allows no dearer transaction."""


@dataclass(frozen=True, slots=True)
class Dearer:
    """A member to be built. `coins` are those that the set has to reserve beside those it has."""

    plan: dict[str, Any]
    coins: Sequence[Coin] = ()
    replaces: Attempt | None = None
    parent: Attempt | None = None


async def consider(
    spender: Spender, job: Job, watched: Watched, payouts: Sequence[Authorised], *, now: datetime
) -> Told:
    """One step towards a dearer member, if one is under way, wanted by a person, or due. Never raises for an outage."""
    newest = job.whole.newest
    if newest is None or watched.winner is not None:
        return Told(Step.WAITING)
    try:
        if newest.state == AttemptState.BUILT.value:
            return await _sign(spender, job, newest, payouts)
        if newest.state == AttemptState.SIGNED.value:
            return await _send(spender, job, newest, now)
        if len(payouts) < len(job.whole.payouts):
            return Told(Step.WAITING)  # a replacement pays all that the one before pays, or it is none
        rate = await _wanted_rate(spender, job, watched, now)
        return Told(Step.WAITING) if rate is None else await _build(spender, job, payouts, rate, now)
    except (NodeUnavailable, Refusal) as error:
        return Told(Step.NO_NODE, str(error))


async def _wanted_rate(spender: Spender, job: Job, watched: Watched, now: datetime) -> int | None:
    """The rate to build at: what a person asked for, or today's when it is stuck; None when it is left alone."""
    row, settings = job.whole.set, spender.networks[job.network]
    rates = await spender.fees.rates(job.network)
    today = rates.of(row.speed)
    if row.asked_rate is not None:
        # In gwei or sat/vB, as the configuration counts; 0 is today's.
        unit = 1 if row.nonce is None else GWEI
        return row.asked_rate * unit or today
    sent = [one for one in job.whole.living if one.broadcast_at is not None]
    if row.capped is not None or not sent:
        return None
    patience = Patience(
        target_seconds=settings.promised_seconds(row.speed),
        waited_seconds=max((now - one.broadcast_at).total_seconds() for one in sent[-1:] if one.broadcast_at),
        rate=rate_of(sent[-1]),
        today=today,
        cheapest=rates.economy,
        known=watched.known,
    )
    return today if is_stuck(patience) else None


def rate_of(member: Attempt) -> int:
    """What a member pays per unit of weight."""
    return int(member.plan.get("max_fee_per_gas") or member.plan.get("fee_rate") or 0)


# --- building --------------------------------------------------------------------------------------------------------


async def _build(spender: Spender, job: Job, payouts: Sequence[Authorised], rate: int, now: datetime) -> Told:
    chain = spender.chains[job.network]
    intents = [intent for intent, _ in payouts]
    try:
        if keeps_coins(chain):
            if await _hangs_on(spender, chain, job, intents):
                return _TAKEN
            made = await _dearer_bitcoin(spender, chain, job, intents, rate)
        else:
            assert keeps_accounts(chain)
            made = await _dearer_evm(spender, chain, job, intents[0], rate)
        failpoints.reach("P14.build:before")
        async with spender.db.transaction() as session:
            if await ride(session, [store.set_rider(job.lease.id, job.lease.fence, {"asked_rate": None})]) is not None:
                raise Missed
            store.add_member(
                session,
                job.whole.set,
                plan=made.plan,
                coins=made.coins,
                replaces=made.replaces.id if made.replaces else None,
                parent=made.parent.id if made.parent else None,
                now=now,
            )
    except Bound as bound:
        log.error("payout_not_bumped", set=str(job.whole.set.id), reason=str(bound))
        values = {"capped": str(bound)[:200], "asked_rate": None}
        await spend.commit(spender.db, [store.set_rider(job.lease.id, job.lease.fence, values)])
        return Told(Step.WAITING, str(bound))
    except (Missed, IntegrityError):
        # Another set took a coin of it, or this one changed, while it was built.
        return _TAKEN
    failpoints.reach("P14.build:after")
    return Told(Step.DONE)


async def _hangs_on(spender: Spender, chain: UtxoChain, job: Job, intents: Sequence[Intent]) -> bool:
    """Its change pays another set: replacing it would take that one away. That one may be made dearer."""
    changes = {(one.txid, one.vout) for one in _changes(chain, job.whole.living, intents)}
    async with spender.db.reading() as session:
        own = {(one.txid, one.vout) for one in await underway.reserved_by(session, job.whole.set.id)}
        taken = await underway.reserved_outpoints(session, job.network)
    return bool(changes & (taken - own))


async def _dearer_bitcoin(spender: Spender, chain: UtxoChain, job: Job, intents: Sequence[Intent], rate: int) -> Dearer:
    bound = sum(one.max_network_fee_units for one in intents)
    ceiling = spender.networks[job.network].max_fee_rate
    paying = [one for one in job.whole.living if one.parent is None]
    last = paying[-1]
    step = await chain.relay_step()
    if any(one.parent is not None for one in job.whole.living):
        return await _child(chain, job, last, rate, step, bound, ceiling)
    try:
        return await _replacement(spender, chain, job, intents, max(rate, rate_of(last) + step), step, bound, ceiling)
    except NotEnough:
        return await _child(chain, job, last, rate, step, bound, ceiling)


async def _replacement(
    spender: Spender,
    chain: UtxoChain,
    job: Job,
    intents: Sequence[Intent],
    rate: int,
    step: int,
    bound: int,
    ceiling: int,
) -> Dearer:
    """RBF: every coin of the one before, more only where they do not suffice."""
    paying = [one for one in job.whole.living if one.parent is None]
    last = paying[-1]
    pinned = [(txid, vout) for txid, vout in last.plan["inputs"]]
    recipients = [(one.address, one.deliver_units) for one in intents]
    async with spender.db.reading() as session:
        taken = await underway.reserved_outpoints(session, job.network)
    changes = _changes(chain, paying, intents)
    taken |= {(one.txid, one.vout) for one in changes}
    funded = await chain.fund(recipients, rate, taken - set(pinned), pinned)
    assert last.raw is not None
    size = chain.vsize_of(last.raw) + INPUT_VSIZE * (len(funded.inputs) - len(pinned))
    least = int(last.fee_units or 0) + step * size
    if funded.fee_units < least:
        # The rate rose by too little for the node to let it take the other's place.
        rate = -(-rate * least // max(1, funded.fee_units)) + 1
        funded = await chain.fund(recipients, rate, taken - set(pinned), pinned)
    if rate > ceiling or funded.fee_units > bound:
        raise Bound(f"{rate} sat/vB would cost {funded.fee_units} sat: more than was agreed")
    async with spender.db.reading() as session:
        have = {(one.txid, one.vout) for one in await underway.reserved_by(session, job.whole.set.id)}
        coins = await reserve.coins_of(session, job.network, funded.inputs)
    new = [one for one in (*coins, *changes) if (one.txid, one.vout) not in have]
    return Dearer(reserve.plan_of(funded, rate), new, replaces=last)


def _changes(chain: UtxoChain, members: Sequence[Attempt], intents: Sequence[Intent]) -> list[Coin]:
    """The change of these members: reserved by the set itself, nobody else can come to hang on what is replaced."""
    paid = {one.address for one in intents}
    found = []
    for one in members:
        change = chain.change_of(one.raw, paid) if one.raw is not None else None
        if change is not None:
            found.append(Coin(one.txid or "", change[0], change[1], from_deposit=False))
    return found


async def _child(chain: UtxoChain, job: Job, parent: Attempt, rate: int, step: int, bound: int, ceiling: int) -> Dearer:
    """CPFP: the parent's change, back to ourselves, with the fee that both lack."""
    assert parent.raw is not None
    change = chain.change_of(parent.raw, {one.address for one in job.whole.payouts})
    if change is None:
        raise Bound("it leaves no change, and no coin is free to replace it with")
    vout, units = change
    earlier = [one for one in job.whole.living if one.parent is not None]
    have = int(parent.fee_units or 0)
    both = chain.vsize_of(parent.raw) + child_vsize()
    fee = max(rate * both - have, step * child_vsize())
    if earlier:
        fee = max(fee, int(earlier[-1].fee_units or 0) + step * child_vsize())
    rate = (have + fee) // both
    if have + fee > min(bound, ceiling * both) or units - fee < DUST["p2wpkh"]:
        raise Bound(f"parent and child would cost {have + fee} sat: more than was agreed, or than its change is worth")
    psbt = await chain.child((parent.txid or "", vout), units, fee)
    plan = {"psbt": psbt, "fee_rate": rate, "fee_units": str(fee), "inputs": [[parent.txid, vout]]}
    coins = [] if earlier else [Coin(parent.txid or "", vout, units, from_deposit=False)]
    return Dearer(plan, coins, replaces=earlier[-1] if earlier else None, parent=parent)


async def _dearer_evm(spender: Spender, chain: AccountChain, job: Job, intent: Intent, rate: int) -> Dearer:
    last = job.whole.living[-1]
    plan = last.plan
    least = bumped(GasPrice(int(plan["max_fee_per_gas"]), int(plan["max_priority_fee_per_gas"])))
    today = (await chain.gas_fees()).of(job.whole.set.speed)
    tip = max(least.tip, today.tip)
    fee = max(least.max_fee, rate, tip)
    most = min(intent.max_network_fee_units // plan["gas"], spender.networks[job.network].max_fee_rate * GWEI)
    if least.max_fee > most or least.tip > most:
        raise Bound(f"{least.max_fee} wei per gas: more than was agreed")
    fee = min(fee, most)
    async with spender.db.reading() as session:
        free = await payable(session, job.network, chain.gas_asset, bitcoin=False)
        free -= await underway.committed_gas(session, job.network)
    more = plan["gas"] * (fee - int(plan["max_fee_per_gas"]))
    if free < more:
        raise Bound("the hot wallet cannot pay more gas")
    return Dearer(
        {**plan, "max_fee_per_gas": str(fee), "max_priority_fee_per_gas": str(min(tip, fee))} | UNASKED,
        replaces=last,
    )


# --- signing and sending ---------------------------------------------------------------------------------------------


async def _sign(spender: Spender, job: Job, member: Attempt, payouts: Sequence[Authorised]) -> Told:
    failpoints.reach("P14.ask:before")
    answer = await spend.ask_signer(spender, job, member, payouts)
    if isinstance(answer, Denied) and answer.rule not in (Rule.FROZEN, Rule.OLD_FENCE):
        # This very request was never signed, so it can be given up; those before it live on.
        log.error("bump_denied", set=str(job.whole.set.id), rule=answer.rule, detail=answer.detail)
        riders = [
            store.member_rider(member.id, member.state, {"state": AttemptState.DROPPED.value}),
            store.set_rider(job.lease.id, job.lease.fence, {"capped": f"the signer refuses it: {answer.rule}"}),
        ]
        await spend.commit(spender.db, riders)
        return Told(Step.WAITING, answer.detail)
    told = await spend.judge_answer(spender, job, member, answer)
    if told.step is not Step.DONE:
        return told
    assert isinstance(answer, Approved)
    failpoints.reach("P14.ask:after")
    stored = await spend.commit(spender.db, [spend.held_rider(job), spend.signed_rider(member, answer)])
    failpoints.reach("P14.store:after")
    return Told(Step.DONE if stored else Step.WAITING)


async def _send(spender: Spender, job: Job, member: Attempt, now: datetime) -> Told:
    failpoints.reach("P14.send:before")
    told = await spend.submit(spender, job.network, member)
    if told.step is Step.NO_NODE:
        return told
    failpoints.reach("P14.send:after")
    if told.step is Step.REFUSED:
        # It left this house all the same: whether it lives is for the next looks to say.
        told = Told(Step.UNKNOWN, told.detail)
    await spend.commit(spender.db, [spend.held_rider(job), spend.sent_rider(member, told, now)])
    return Told(Step.DONE)


# --- a person's wish -------------------------------------------------------------------------------------------------


async def ask(db: Database, payout_id: uuid.UUID, rate: int) -> None:
    """A person wants the transaction of this payout dearer: at `rate` (sat/vB or gwei), with 0 at today's.

    Refuses CONFLICT when nothing of it is sent, or it is in a block. The bounds are those of every bump.
    """
    async with db.transaction() as session:
        whole = await spend.look_up(session, payout_id)
        if whole is None or whole.set.stage != Stage.CONFIRMING.value:
            raise Refusal(Kind.CONFLICT, "It has no transaction that waits for a block.")
        if any(one.state == AttemptState.MINED.value for one in whole.members):
            raise Refusal(Kind.CONFLICT, "It is in a block already.")
        await store.wish(session, whole.set.id, rate)
