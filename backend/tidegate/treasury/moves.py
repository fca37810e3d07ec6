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

from tidegate import failpoints
from tidegate.chains.port import Chain, Fate, NodeUnavailable, Sighting, Submitted
from tidegate.config import NetworkSettings
from tidegate.database import Database, Rider
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting
from tidegate.queue import Lease
from tidegate.signing.client import SignerDoor
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
)
from tidegate.treasury import move_store, store, underway
from tidegate.treasury.fees import Fees
from tidegate.treasury.move_rules import Move, arrived, ether_after_sweep, returned, sent, tank_change
from tidegate.treasury.rules import OPEN, AttemptState, Booked, Outcome, Purpose, Stage
from tidegate.treasury.store import Coin, Whole
from tidegate.treasury.tables import Attempt, MoveRow
from tidegate.wallets import sweepable
from tidegate.wallets.rules import FINAL_FACTOR

log = structlog.get_logger(__name__)

PURPOSES = (Purpose.CONSOLIDATION, Purpose.SWEEP, Purpose.TOP_UP, Purpose.COLD)
_AGAIN = timedelta(seconds=2)
_POLL = timedelta(seconds=1)
RETRY_AFTER = timedelta(minutes=10)
"""What came to nothing is not tried again at once: the reason may still be there."""
CONFLICT_DEPTH = 6
"""So deep must lie what spent a coin of ours elsewhere, before our transaction counts as dead (chains.md section 4)."""


@dataclass(frozen=True, slots=True)
class Mover:
    """What moving our own money needs in one process.

    `worth`: (network, asset, units) → about so much of the network's gas asset, None when nobody knows. `cold`: by
    network, the signer's cold address.
    """

    db: Database
    lane: Lane
    chains: Mapping[str, Chain]
    networks: Mapping[str, NetworkSettings]
    fees: Fees
    signer: SignerDoor
    worth: Callable[[str, str, int], int | None]
    cold: Callable[[], Mapping[str, str]]


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
) -> uuid.UUID:
    """A move to be signed, in the caller's commit; IntegrityError there when one like it is under way."""
    made, _ = await store.add_set(
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
            set_id=made.id,
            network=network,
            purpose=purpose.value,
            asset=asset,
            units=units,
            address_index=index,
            to_cold=to_cold,
            address=address,
            deposits=[str(one) for one in deposits],
            booked=Booked.NOTHING.value,
            created_at=now,
        )
    )
    return made.id


async def commit(mover: Mover, make: Callable[[AsyncSession], Awaitable[object]]) -> bool:
    """Make it in a commit of its own. False when another worker made one like it, or took a coin or nonce of it."""
    try:
        async with mover.db.transaction() as session:
            await make(session)
    except IntegrityError:
        return False
    return True


async def advance(mover: Mover, now: datetime) -> int:
    """Take every due move one step further; how many there were."""
    done = 0
    for stage, step in ((Stage.SIGNING, _sign), (Stage.BROADCASTING, _broadcast), (Stage.CONFIRMING, _watch)):
        async with mover.db.transaction() as session:
            leases = await store.claim(session, PURPOSES, stage, now=now)
        for lease in leases:
            await _one(mover, lease, step, now)
        done += len(leases)
    return done


async def _one(mover: Mover, lease: Lease, step: Any, now: datetime) -> None:
    async with mover.db.reading() as session:
        whole, row = await store.whole(session, lease.id), await move_store.move_of(session, lease.id)
        spent = await underway.reserved_by(session, lease.id)
    if whole is None or row is None or row.network not in mover.chains:
        return
    deposit_units = sum(coin.units for coin in spent if coin.from_deposit)
    job = _Job(mover, lease, whole, row, _move(mover, row, deposit_units), now)
    try:
        again = await step(job)
    except NodeUnavailable as error:
        log.info("move_waits", move=str(lease.id), reason=str(error)[:200])
        again = _AGAIN
    if again is not None:
        async with mover.db.transaction() as session:
            await store.release(session, lease.id, lease.fence, now + again)


def _move(mover: Mover, row: MoveRow, deposit_units: int) -> Move:
    return Move(
        id=row.set_id,
        network=row.network,
        purpose=Purpose(row.purpose),
        asset=row.asset,
        units=row.units,
        to_cold=row.to_cold,
        gas_asset=mover.chains[row.network].gas_asset,
        deposit_units=deposit_units,
    )


@dataclass(frozen=True, slots=True)
class _Job:
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
        verdict = await (lane.submit(posting, riders) if posting else lane.write(riders))
        if not verdict.posted:
            log.warning("move_not_booked", move=str(self.row.set_id), outcome=verdict.outcome, rider=verdict.rider)
        return verdict.posted

    def on(self, stage: Stage) -> Rider:
        values = {"stage": stage.value, "due_at": self.now, "lease_until": None, "waits": None, "detail": None}
        return store.set_rider(self.lease.id, self.lease.fence, values)


# --- signing ---------------------------------------------------------------------------------------------------------


def request_of(row: MoveRow, whole: Whole, member: Attempt) -> SignMove:
    """What the signer is asked: it knows by itself where each kind of move goes."""
    plan, move_id = member.plan, str(row.set_id)
    replaces = next((one.txid or "" for one in whole.members if one.id == member.replaces), "")
    if "psbt" in plan:
        if row.purpose == Purpose.CONSOLIDATION.value:
            return SignConsolidation(row.network, move_id, plan["psbt"], replaces)
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
    assert row.address_index is not None
    if row.purpose == Purpose.TOP_UP.value:
        return SignTopUp(row.network, move_id, row.address_index, row.units, **gas, replaces=replaces)
    to = "cold" if row.to_cold else "hot"
    return SignSweep(row.network, move_id, row.address_index, row.asset, row.units, to, **gas, replaces=replaces)


async def _sign(job: _Job) -> timedelta | None:
    member = next((one for one in job.whole.members if one.state == AttemptState.BUILT.value), None)
    if member is None:
        return _AGAIN
    answer = await job.mover.signer.sign_move(request_of(job.row, job.whole, member))
    if isinstance(answer, Failed) or (isinstance(answer, Denied) and answer.rule == Rule.FROZEN):
        return _AGAIN
    if isinstance(answer, Denied):
        return await _denied(job, member, answer)
    assert isinstance(answer, Approved)
    failpoints.reach("move_signed_not_stored")
    values = {
        "state": AttemptState.SIGNED.value,
        "raw": answer.raw,
        "txid": answer.txid,
        "fee_units": answer.fee_units,
        "signed_at": job.now,
    }
    riders = [store.member_rider(member.id, AttemptState.BUILT.value, values), job.on(Stage.BROADCASTING)]
    riders.append(move_store.move_rider(job.row.set_id, Booked.NOTHING, {"booked": Booked.SENT.value}))
    stored = await job.write(sent(job.move), riders)
    failpoints.reach("move_signed_not_sent")
    return None if stored else _AGAIN


async def _denied(job: _Job, member: Attempt, answer: Denied) -> timedelta | None:
    """The signer says no by a rule: nothing of this move was signed unless it says so, and what it took is free again."""
    log.error("move_denied", move=str(job.row.set_id), purpose=job.row.purpose, rule=answer.rule, detail=answer.detail)
    if answer.signed or answer.rule == Rule.UNREADABLE:
        return RETRY_AFTER
    riders = [
        store.member_rider(member.id, AttemptState.BUILT.value, {"state": AttemptState.DROPPED.value}),
        store.end_rider(job.lease.id, job.lease.fence, Outcome.DROPPED, job.now),
        store.freed_rider(job.lease.id, job.now),
        move_store.move_rider(
            job.row.set_id, Booked.NOTHING, {"ended_at": job.now, "reason": f"{answer.rule}: {answer.detail}"[:200]}
        ),
    ]
    return None if await job.write(None, riders) else _AGAIN


# --- sending and watching --------------------------------------------------------------------------------------------


async def _broadcast(job: _Job) -> timedelta | None:
    """Send the stored bytes. Whatever the answer, the chain is asked from here on."""
    member = job.whole.newest
    if member is None or member.raw is None:
        return _AGAIN
    outcome = await job.chain.submit(member.raw)
    state = AttemptState.BROADCAST if outcome.outcome is Submitted.ACCEPTED else AttemptState.UNKNOWN
    values = {"state": state.value, "broadcast_at": job.now}
    riders = [store.member_rider(member.id, AttemptState.SIGNED.value, values), job.on(Stage.CONFIRMING)]
    return None if await job.write(None, riders) else _AGAIN


async def _watch(job: _Job) -> timedelta | None:
    """Look for whichever transaction of it the chain took; send the bytes again while it shows none."""
    sights = {one.id: await job.chain.sighting(one.txid or "", job.row.asset) for one in job.whole.living}
    if not sights:
        return _AGAIN
    mined = next((one for one in job.whole.living if sights[one.id].block_hash is not None), None)
    if mined is not None:
        return await _mined(job, mined, sights[mined.id])
    if all(sight.fate is Fate.CONFLICTED for sight in sights.values()):
        depth = min(-sight.confirmations for sight in sights.values())
        return (
            await _end(job, None, None, "another transaction spent a coin of it") if depth >= CONFLICT_DEPTH else _POLL
        )
    newest = job.whole.living[-1]
    if sights[newest.id].fate is Fate.UNSEEN and newest.raw is not None:
        told = await job.chain.submit(newest.raw)
        if told.outcome is Submitted.REFUSED:
            log.error("move_refused", move=str(job.row.set_id), purpose=job.row.purpose, detail=told.detail)
            return _AGAIN * 15
    if newest.state == AttemptState.MINED.value:
        # Its block is no longer in the chain: what was seen of it is forgotten.
        await job.write(None, [_shown(newest, AttemptState.BROADCAST, Sighting(Fate.UNSEEN))])
    return _POLL


def _shown(member: Attempt, state: AttemptState, sight: Sighting) -> Rider:
    values: dict[str, Any] = {
        "state": state.value,
        "confirmations": sight.confirmations,
        "block_hash": sight.block_hash,
        "block_height": sight.block_height,
    }
    return store.member_rider(member.id, member.state, values)


async def _mined(job: _Job, member: Attempt, sight: Sighting) -> timedelta | None:
    deep = job.chain.confirmations * (FINAL_FACTOR if sight.fate is Fate.REVERTED else 1)
    if sight.confirmations < deep or sight.fee_units is None:
        if (member.state, member.block_hash) != (AttemptState.MINED.value, sight.block_hash):
            await job.write(None, [_shown(member, AttemptState.MINED, sight)])
        return _POLL
    if sight.fate is Fate.REVERTED:
        return await _end(job, member, sight, "the network took the transaction and moved nothing")
    if job.row.units and sight.paid.get(job.row.address, 0) != job.row.units:
        log.error("move_not_shown", move=str(job.row.set_id), txid=member.txid)
        return _AGAIN * 15
    return await _end(job, member, sight, None)


async def _end(job: _Job, winner: Attempt | None, sight: Sighting | None, reason: str | None) -> timedelta | None:
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
    ]
    if not await job.write(posting, riders):
        return _AGAIN
    log.info("move_ended", move=str(job.row.set_id), purpose=job.row.purpose, asset=job.row.asset, reason=reason)
    return None


async def _at_the_address(job: _Job, fee: int, *, arrived: bool) -> list[Rider]:
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
