"""A signed move is sent, watched, made dearer where payouts wait behind it, and booked when its fate is sure."""

import uuid
from datetime import timedelta
from typing import Any

import structlog

from tidegate import failpoints
from tidegate.chains.evm.build import GWEI, bumped
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import GasPrice
from tidegate.chains.port import Fate, Sighting, Submitted
from tidegate.database import Rider, ride
from tidegate.treasury import move_store, store
from tidegate.treasury.bound import bound_ended, bound_mined
from tidegate.treasury.move_rules import arrived, ether_after_sweep, returned, tank_change, worth_it
from tidegate.treasury.moves import AGAIN, CONFLICT_DEPTH, POLL, Job
from tidegate.treasury.rules import OPEN, AttemptState, Booked, Outcome, Purpose, Stage
from tidegate.treasury.tables import Attempt
from tidegate.wallets import sweepable
from tidegate.wallets.rules import FINAL_FACTOR

log = structlog.get_logger(__name__)


async def broadcast(job: Job) -> timedelta | None:
    """Send the stored bytes. Whatever the answer, the chain is asked from here on."""
    member = job.whole.newest
    if member is None or member.raw is None:
        return AGAIN
    outcome = await job.chain.submit(member.raw)
    failpoints.reach("M.send:after")
    state = AttemptState.BROADCAST if outcome.outcome is Submitted.ACCEPTED else AttemptState.UNKNOWN
    values = {"state": state.value, "broadcast_at": job.now}
    riders = [store.member_rider(member.id, AttemptState.SIGNED.value, values), job.on(Stage.CONFIRMING)]
    return None if await job.write(None, riders) else AGAIN


async def watch(job: Job) -> timedelta | None:
    """Look for whichever transaction of it the chain took; send the bytes again while it shows none."""
    sights = {one.id: await job.chain.sighting(one.txid or "", job.row.asset) for one in job.whole.living}
    if not sights:
        return AGAIN
    mined = next((one for one in job.whole.living if sights[one.id].block_hash is not None), None)
    if mined is not None:
        return await _mined(job, mined, sights[mined.id])
    if all(sight.fate is Fate.CONFLICTED for sight in sights.values()):
        depth = min(-sight.confirmations for sight in sights.values())
        return (
            await _end(job, None, None, "another transaction spent a coin of it") if depth >= CONFLICT_DEPTH else POLL
        )
    newest = job.whole.living[-1]
    if sights[newest.id].fate is Fate.UNSEEN and newest.raw is not None:
        told = await job.chain.submit(newest.raw)
        if told.outcome is Submitted.REFUSED:
            log.error("move_refused", move=str(job.row.set_id), purpose=job.row.purpose, detail=told.detail)
            return AGAIN * 15
    if newest.state == AttemptState.MINED.value:
        # Its block is no longer in the chain: what was seen of it is forgotten.
        await job.write(None, [_shown(newest, AttemptState.BROADCAST, Sighting(Fate.UNSEEN))])
        return POLL
    return None if await _dearer(job, newest) else POLL


async def _dearer(job: Job, newest: Attempt) -> bool:
    """Build a dearer one at the same nonce: what the hot address sent and no block takes keeps its payouts waiting.

    A sweep holds up nobody: it is made dearer only while it is worth so many times its cost as it was decided with. One
    of ether is left alone, since what it moves hangs on its price; so is what moves coins.
    """
    chain, settings = job.chain, job.mover.networks[job.row.network]
    sweep = job.move.purpose is Purpose.SWEEP
    if not isinstance(chain, EvmChain) or job.whole.set.capped is not None:
        return False
    if sweep and job.row.asset == job.move.gas_asset:
        return False
    patience = timedelta(seconds=settings.promised_seconds("economy"))
    if newest.broadcast_at is None or job.now - newest.broadcast_at < patience:
        return False
    was = GasPrice(int(newest.plan["max_fee_per_gas"]), int(newest.plan["max_priority_fee_per_gas"]))
    today, least = (await chain.gas_fees()).of("economy" if sweep else "standard"), bumped(was)
    price = GasPrice(max(today.max_fee, least.max_fee), max(today.tip, least.tip))
    if today.max_fee <= was.max_fee or price.max_fee > settings.max_fee_rate * GWEI:
        return False
    if sweep and not await _still_worth_it(job, chain, int(newest.plan["gas"]) * price.max_fee):
        return False
    plan = {
        **newest.plan,
        "max_fee_per_gas": str(price.max_fee),
        "max_priority_fee_per_gas": str(min(price.tip, price.max_fee)),
    }
    async with job.mover.db.transaction() as session:
        if await ride(session, [job.on(Stage.SIGNING)]) is not None:
            return False
        store.add_member(session, job.whole.set, plan=plan, replaces=newest.id, now=job.now)
    log.info("move_made_dearer", move=str(job.row.set_id), replaces=newest.txid)
    return True


async def _still_worth_it(job: Job, chain: EvmChain, cost: int) -> bool:
    """Whether its address can pay so much for the gas, and the sweep is worth its multiple of it."""
    row = job.row
    _, wei = await chain.held(job.whole.set.hot_address or "", row.asset)
    worth = job.mover.worth(row.network, row.asset, row.units)
    return wei >= cost and worth_it(worth, cost, job.mover.networks[row.network].sweep_min_multiple)


def _shown(member: Attempt, state: AttemptState, sight: Sighting) -> Rider:
    values: dict[str, Any] = {
        "state": state.value,
        "confirmations": sight.confirmations,
        "block_hash": sight.block_hash,
        "block_height": sight.block_height,
    }
    return store.member_rider(member.id, member.state, values)


async def _mined(job: Job, member: Attempt, sight: Sighting) -> timedelta | None:
    deep = job.chain.confirmations * (FINAL_FACTOR if sight.fate is Fate.REVERTED else 1)
    if sight.confirmations < deep or sight.fee_units is None:
        if (member.state, member.block_hash) != (AttemptState.MINED.value, sight.block_hash):
            await job.write(None, [_shown(member, AttemptState.MINED, sight)])
        return POLL
    if sight.fate is Fate.REVERTED:
        return await _end(job, member, sight, "the network took the transaction and moved nothing")
    if job.row.units and sight.paid.get(job.row.address, 0) != job.row.units:
        log.error("move_not_shown", move=str(job.row.set_id), txid=member.txid)
        return AGAIN * 15
    return await _end(job, member, sight, None)


async def _end(job: Job, winner: Attempt | None, sight: Sighting | None, reason: str | None) -> timedelta | None:
    """It arrived (no `reason`), or came to nothing: books, set, move, tank and deposits in one commit."""
    fee = sight.fee_units or 0 if sight is not None else 0
    posting = arrived(job.move, fee) if reason is None else returned(job.move, fee)
    outcome = Outcome.FINAL if reason is None else (Outcome.REVERTED if winner is not None else Outcome.DROPPED)
    booked = Booked.ARRIVED if reason is None else Booked.RETURNED
    riders = []
    for one in job.whole.members:
        if one.state not in {state.value for state in OPEN}:
            continue
        if winner is not None and one.id == winner.id and sight is not None:
            values: dict[str, Any] = {
                "state": (AttemptState.FINAL if reason is None else AttemptState.REVERTED).value,
                "fee_units": fee,
                "confirmations": sight.confirmations,
                "block_hash": sight.block_hash,
                "block_height": sight.block_height,
            }
        else:
            values = {"state": (AttemptState.REPLACED if winner is not None else AttemptState.DROPPED).value}
        riders.append(store.member_rider(one.id, one.state, values))
    riders += [
        store.end_rider(job.lease.id, job.lease.fence, outcome, job.now),
        store.freed_rider(job.lease.id, job.now),
        move_store.move_rider(
            job.row.set_id, Booked.SENT, {"booked": booked.value, "ended_at": job.now, "reason": reason}
        ),
        *await _at_the_address(job, fee, arrived=reason is None),
        *(bound_mined(job.row, winner, job.now) if reason is None else bound_ended(job.row, job.now, reason)),
    ]
    if not await job.write(posting, riders):
        return AGAIN
    log.info("move_ended", move=str(job.row.set_id), purpose=job.row.purpose, asset=job.row.asset, reason=reason)
    return None


async def _at_the_address(job: Job, fee: int, *, arrived: bool) -> list[Rider]:
    """What the end of a sweep or a top-up changes at its deposit address."""
    row = job.row
    if row.address_index is None:
        return []
    deposits = [uuid.UUID(one) for one in row.deposits]
    change = tank_change(job.move, fee, arrived=arrived)
    if arrived and job.move.purpose is Purpose.SWEEP and row.asset == job.move.gas_asset:
        deposited = int(job.whole.members[0].plan["deposited"])
        # The whole of the tank goes along with its customers' ether, or is used up by the fee.
        change = ether_after_sweep(deposited, 0, row.units, fee)
    riders = [move_store.tank_rider(row.network, row.address_index, change)] if change else []
    return riders + (sweepable.swept(deposits, now=job.now) if arrived and job.move.purpose is Purpose.SWEEP else [])
