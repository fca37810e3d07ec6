"""A move is put before the signer, which knows by itself where each kind of move goes."""

from datetime import timedelta

import structlog

from tidegate import failpoints
from tidegate.signing.messages import (
    Approved,
    Denied,
    Failed,
    Rule,
    SignColdBitcoin,
    SignColdEvm,
    SignConsolidation,
    SignMove,
    SignSweep,
    SignTopUp,
    SignToVenueBitcoin,
    SignToVenueEvm,
)
from tidegate.treasury import move_store, store
from tidegate.treasury.bound import bound_ended
from tidegate.treasury.move_rules import sent
from tidegate.treasury.moves import AGAIN, RETRY_AFTER, Job
from tidegate.treasury.rules import AttemptState, Booked, Outcome, Purpose, Stage
from tidegate.treasury.spend import fence_of
from tidegate.treasury.store import Whole
from tidegate.treasury.tables import Attempt, MoveRow
from tidegate.treasury.turn import Turn, turn_of

log = structlog.get_logger(__name__)


def request_of(row: MoveRow, whole: Whole, member: Attempt) -> SignMove:
    """What the signer is asked: it knows by itself where each kind of move goes."""
    plan, move_id = member.plan, str(row.set_id)
    replaces = next((one.txid or "" for one in whole.members if one.id == member.replaces), "")
    if "psbt" in plan:
        if row.purpose == Purpose.CONSOLIDATION.value:
            return SignConsolidation(row.network, move_id, plan["psbt"], replaces)
        if row.purpose == Purpose.TO_VENUE.value:
            return SignToVenueBitcoin(row.network, move_id, row.venue, row.units, plan["psbt"], replaces)
        return SignColdBitcoin(row.network, move_id, row.units, plan["psbt"], replaces)
    assert whole.set.nonce is not None
    gas = {
        "nonce": whole.set.nonce,
        "gas": int(plan["gas"]),
        "max_fee_per_gas": int(plan["max_fee_per_gas"]),
        "max_priority_fee_per_gas": int(plan["max_priority_fee_per_gas"]),
        "chain_id": int(plan["chain_id"]),
    }
    if row.purpose == Purpose.COLD.value:
        return SignColdEvm(row.network, move_id, row.asset, row.units, **gas, replaces=replaces)
    if row.purpose == Purpose.TO_VENUE.value:
        return SignToVenueEvm(row.network, move_id, row.venue, row.asset, row.units, **gas, replaces=replaces)
    assert row.address_index is not None
    if row.purpose == Purpose.TOP_UP.value:
        return SignTopUp(row.network, move_id, row.address_index, row.units, **gas, replaces=replaces)
    to = "cold" if row.to_cold else "hot"
    return SignSweep(row.network, move_id, row.address_index, row.asset, row.units, to, **gas, replaces=replaces)


async def sign(job: Job) -> timedelta | None:
    member = next((one for one in job.whole.members if one.state == AttemptState.BUILT.value), None)
    if member is None:
        return AGAIN
    if job.row.booked == Booked.NOTHING.value:
        turn = await turn_of(job.mover.db, job.chain, job.whole)
        if turn is Turn.LATER:
            return AGAIN
        if turn is Turn.LOWER:
            return await _give_up(job, member, "a lower nonce of the account became free")
    answer = await job.mover.signer.sign_move(request_of(job.row, job.whole, member), under=fence_of(job.lease))
    if isinstance(answer, Failed) or (isinstance(answer, Denied) and answer.rule in (Rule.FROZEN, Rule.OLD_FENCE)):
        return AGAIN
    if isinstance(answer, Denied):
        return await _denied(job, member, answer)
    assert isinstance(answer, Approved)
    failpoints.reach("M.ask:after")
    values = {
        "state": AttemptState.SIGNED.value,
        "raw": answer.raw,
        "txid": answer.txid,
        "fee_units": answer.fee_units,
        "signed_at": job.now,
    }
    riders = [store.member_rider(member.id, AttemptState.BUILT.value, values), job.on(Stage.BROADCASTING)]
    first = job.row.booked == Booked.NOTHING.value
    if first:
        riders.append(move_store.move_rider(job.row.set_id, Booked.NOTHING, {"booked": Booked.SENT.value}))
    stored = await job.write(sent(job.move) if first else None, riders)
    failpoints.reach("M.store:after")
    return None if stored else AGAIN


async def _denied(job: Job, member: Attempt, answer: Denied) -> timedelta | None:
    """The signer says no by a rule: nothing of this move was signed unless it says so, and what it took is free again."""
    log.error("move_denied", move=str(job.row.set_id), purpose=job.row.purpose, rule=answer.rule, detail=answer.detail)
    if job.row.booked != Booked.NOTHING.value:
        # Only the dearer one is refused: what was sent before is watched on, and no other one is tried.
        capped = f"the signer refuses it: {answer.rule}"
        dropped = store.member_rider(member.id, AttemptState.BUILT.value, {"state": AttemptState.DROPPED.value})
        return None if await job.write(None, [dropped, job.on(Stage.CONFIRMING, capped=capped)]) else AGAIN
    if answer.signed or answer.rule == Rule.UNREADABLE:
        return RETRY_AFTER
    return await _give_up(job, member, f"{answer.rule}: {answer.detail}"[:200])


async def _give_up(job: Job, member: Attempt, reason: str) -> timedelta | None:
    """Nothing of it was signed: what it took is free again, and a move like it is made later, if it is still needed."""
    riders = [
        store.member_rider(member.id, AttemptState.BUILT.value, {"state": AttemptState.DROPPED.value}),
        store.end_rider(job.lease.id, job.lease.fence, Outcome.DROPPED, job.now),
        store.freed_rider(job.lease.id, job.now),
        move_store.move_rider(job.row.set_id, Booked.NOTHING, {"ended_at": job.now, "reason": reason}),
        *bound_ended(job.row, job.now, reason),
    ]
    return None if await job.write(None, riders) else AGAIN
