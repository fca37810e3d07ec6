"""The withdrawal's worker steps: each claims due rows, looks outside with no transaction open, and records in one commit.

The row is the job. Everything a step does is guarded by the row's version and fence, so a worker that slept past its
lease writes nothing; what it did outside is safe to have done (chains.md section 4).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog

from tidegate.auth import accounts
from tidegate.chains.port import NodeUnavailable
from tidegate.compliance import approve as approvals
from tidegate.compliance import limits, lists, pause, screen
from tidegate.compliance import rules as policy
from tidegate.compliance.rules import Screened, Standing
from tidegate.database import Rider, utcnow
from tidegate.ledger.rules import Posting
from tidegate.outbox.events import changed
from tidegate.queue import Lease
from tidegate.refusal import Refusal
from tidegate.signing.messages import Authorisation
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, SubStatus, is_late, plain_fee_transfers, refund_transfers
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.view import intent_of
from tidegate.transactions.withdraw import end, move_riders
from tidegate.treasury import attempts, spend
from tidegate.treasury.rules import Spent, payout_transfers, spent_transfers
from tidegate.treasury.spend import Spender, Step, Told, Watched
from tidegate.wallets import debts, destinations, sent_to

log = structlog.get_logger(__name__)

WORKER = "tidegate"
_TURNED_DOWN = "The network took this payment and did not make it. All but the network fee is yours again."
# How soon to look again when something outside is not ready, and while a transaction gains depth.
_AGAIN = timedelta(seconds=2)
_POLL = timedelta(seconds=1)

_WAITS: dict[Step, SubStatus] = {
    Step.NO_FUNDS: SubStatus.AWAITING_LIQUIDITY,
    Step.NO_NODE: SubStatus.AWAITING_NODE,
    Step.NO_SIGNER: SubStatus.AWAITING_SIGNER,
    Step.DENIED: SubStatus.NEEDS_OPERATOR,
    Step.FROZEN: SubStatus.FROZEN,
    Step.REFUSED: SubStatus.NEEDS_OPERATOR,
    Step.BEHIND: SubStatus.NEEDS_OPERATOR,
    Step.UNKNOWN: SubStatus.BROADCAST_UNKNOWN,
}

Handler = Callable[[Office, Spender, Withdrawal, Lease], Awaitable[timedelta | None]]


async def _run(office: Office, spender: Spender, states: Sequence[State], handle: Handler) -> int:
    """Claim due rows in `states` and handle each; how many were claimed. One row's trouble is its own."""
    async with office.db.transaction() as session:
        leases = await store.claim(session, states, now=utcnow())
    await asyncio.gather(*(_one(office, spender, lease, states, handle) for lease in leases))
    return len(leases)


async def _one(office: Office, spender: Spender, lease: Lease, states: Sequence[State], handle: Handler) -> None:
    async with office.db.reading() as session:
        row = await store.get(session, lease.id)
    if row is None or row.fence != lease.fence or State(row.state) not in states:
        return
    pause_for: timedelta | None = _AGAIN
    try:
        pause_for = await handle(office, spender, row, lease)
    except Refusal as refusal:
        log.warning("withdrawal_step_refused", withdrawal=str(lease.id), state=row.state, why=refusal.kind.value)
    except Exception:
        log.exception("withdrawal_step_failed", withdrawal=str(lease.id), state=row.state)
    async with office.db.transaction() as session:
        await store.release(session, lease.id, lease.fence, utcnow() + (pause_for or timedelta()))


async def _to(
    office: Office,
    row: Withdrawal,
    lease: Lease,
    state: State,
    sub: SubStatus | None = None,
    *,
    detail: str | None = None,
    also: Sequence[Rider] = (),
    values: dict[str, Any] | None = None,
) -> bool:
    """Move to a state or change what it waits for; nothing happens when both are as they were."""
    if state.value == row.state and (sub.value if sub else None) == row.sub_status and not also:
        return True
    riders = riders_to(row, lease, state, sub, detail=detail, values=values)
    return (await office.lane.write([*also, *riders])).posted


def riders_to(
    row: Withdrawal,
    lease: Lease,
    state: State,
    sub: SubStatus | None = None,
    *,
    detail: str | None = None,
    values: dict[str, Any] | None = None,
) -> list[Rider]:
    """Riders of a worker's move. A new state is due at once and free of this lease, so that the bell this very commit
    rings finds it; a new reason to wait keeps the lease until the step has said when to look again."""
    now = utcnow()
    fields = {
        "state": state.value,
        "sub_status": sub.value if sub else None,
        "since": now,
        "detail": detail,
        **(values or {}),
    }
    if state.value != row.state:
        fields |= {"lease_until": None, "due_at": now}
    return move_riders(row, state, sub, fields, by=WORKER, now=now, detail=detail, fence=lease.fence)


async def _wait(office: Office, row: Withdrawal, lease: Lease, told: Told) -> timedelta:
    """It cannot go on: say why, look again soon."""
    sub = _WAITS.get(told.step)
    if sub is not None:
        if row.sub_status != sub.value:
            log.warning("withdrawal_waits", withdrawal=str(row.id), sub_status=sub.value, detail=told.detail)
        await _to(office, row, lease, State(row.state), sub, detail=told.detail[:200] or None)
    return _AGAIN if told.step is not Step.WAITING else timedelta(milliseconds=200)


async def screen_step(office: Office, spender: Spender) -> int:
    """Ask the deny list; queue it, put it before a person, hold it, or refuse it and give the money back."""
    return await _run(office, spender, [State.PENDING_SCREENING], _screen)


async def _screen(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    found, evidence = screen.screened(
        subject_kind="withdrawal",
        subject_id=row.id,
        network=row.network,
        address=row.address,
        deny=lists.current(office.settings),
        now=utcnow(),
    )
    if found.verdict is Screened.BLOCK:
        await office.lane.write([evidence])
        await end(office, row, State.REJECTED, by="screening", now=utcnow(), detail="We may not send to this address.")
        return None
    if found.verdict is Screened.HOLD:
        await _to(office, row, lease, State.PENDING_SCREENING, SubStatus.HOLD, detail=found.reason)
        return timedelta(seconds=10)
    try:
        why_not = await destinations.last_look(
            office.chains[row.network], asset=row.to_asset, address=row.address, units=row.deliver_units
        )
    except NodeUnavailable as error:
        return await _wait(office, row, lease, Told(Step.NO_NODE, str(error)))
    if why_not is not None:
        await office.lane.write([evidence])
        await end(office, row, State.REJECTED, by="screening", now=utcnow(), detail=why_not)
        return None
    if row.review_needed:
        ask = approvals.ask(
            kind="withdrawal",
            subject_id=row.id,
            digest=row.digest,
            requester=row.user_id,
            summary=intent_of(row).to_json(),
            needed=1,
            now=utcnow(),
        )
        await _to(office, row, lease, State.PENDING_APPROVAL, SubStatus.PERSON_REVIEWING, also=[evidence, ask])
        return None
    await _to(office, row, lease, State.QUEUED, also=[evidence])
    return None


async def approve_step(office: Office, spender: Spender) -> int:
    """Read what people said of exactly this digest."""
    return await _run(office, spender, [State.PENDING_APPROVAL], _approve)


async def _approve(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    async with office.db.reading() as session:
        verdict = await approvals.verdict(session, kind="withdrawal", subject_id=row.id, digest=row.digest)
    if verdict is Standing.APPROVED:
        await _to(office, row, lease, State.QUEUED)
        return None
    if verdict is Standing.REJECTED:
        await end(office, row, State.REJECTED, by="person", now=utcnow(), detail="A person decided against it.")
        return None
    return _AGAIN


_FROZEN = "Nothing leaves this account while it is frozen."
_OWED = "The network took a deposit of yours back after it was used. This goes on when the money is here again."


async def _stopped(office: Office, row: Withdrawal, lease: Lease) -> bool:
    """Whether a pause, the freeze of its account, or a deposit that the network took back after it was used, stops this
    payout; then it says so. Nothing was sent so far."""
    async with office.db.reading() as session:
        stopped = await pause.paused(session, row.to_asset)
        frozen = await accounts.is_frozen(session, row.user_id)
        owed = await debts.owed(session, user_id=row.user_id, asset=row.from_asset)
    if stopped is None and not frozen and not owed:
        return False
    sub = SubStatus.NEEDS_OPERATOR if stopped is not None and stopped.by == WORKER else SubStatus.FROZEN
    detail = stopped.reason if stopped is not None else (_FROZEN if frozen else _OWED)
    await _to(office, row, lease, State(row.state), sub, detail=detail)
    return True


async def prepare_step(office: Office, spender: Spender) -> int:
    """Reserve inputs or the nonce; from that commit on it can no longer be cancelled."""
    return await _run(office, spender, [State.QUEUED], _prepare)


async def _prepare(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    if await _stopped(office, row, lease):
        return _AGAIN
    told = await spend.reserve(
        spender, intent_of(row), speed=row.speed, riders=riders_to(row, lease, State.SIGNING), now=utcnow()
    )
    if told.step is Step.BEHIND:
        # Any payout of ours may have been made already, as after a backup: nothing is sent and nothing given back
        # (withdraw.end) until a person has found out.
        await pause.pause(office.db, asset=policy.EVERYTHING, by=WORKER, reason=told.detail[:200])
    return None if told.step is Step.DONE else await _wait(office, row, lease, told)


async def sign_step(office: Office, spender: Spender) -> int:
    """Have it signed, store the bytes."""
    return await _run(office, spender, [State.SIGNING], _sign)


async def _sign(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    assert row.authorisation is not None
    if await _stopped(office, row, lease):
        return _AGAIN
    told = await spend.sign(spender, intent_of(row), Authorisation.from_json(row.authorisation), now=utcnow())
    if told.step is Step.DONE:
        await _to(office, row, lease, State.BROADCASTING)
        return None
    if told.step is Step.DENIED:
        # This no is final and says that nothing was signed: back to where it can be cancelled, and a person decides.
        detail = told.detail[:200]
        back = riders_to(
            row, lease, State.QUEUED, SubStatus.NEEDS_OPERATOR, detail=detail, values={"held_by_operator": detail}
        )
        if await spend.take_back(spender, row.id, back, now=utcnow()):
            log.warning("signer_denied", withdrawal=str(row.id), detail=detail)
            return None
    return await _wait(office, row, lease, told)


async def broadcast_step(office: Office, spender: Spender) -> int:
    """Send the stored bytes until a node has them."""
    return await _run(office, spender, [State.BROADCASTING], _broadcast)


async def _broadcast(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    async with office.db.reading() as session:
        unsent = all(one.sent_at is None for one in (await attempts.by_payout(session, [row.id])).get(row.id, ()))
    if unsent and await _stopped(office, row, lease):
        return _AGAIN
    told = await spend.broadcast(spender, row.id, now=utcnow())
    if told.step is Step.DONE:
        await _to(office, row, lease, State.CONFIRMING)
        return None
    return await _wait(office, row, lease, told)


async def confirm_step(office: Office, spender: Spender) -> int:
    """Watch it gain depth; settle when it is final."""
    return await _run(office, spender, [State.CONFIRMING], _confirm)


async def _confirm(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    seen = await spend.watch(spender, row.id, now=utcnow())
    if seen.step is Step.DONE:
        await _settle(office, row, lease, seen)
        return None
    if seen.step is Step.FAILED:
        await _fail(office, row, lease, seen)
        return None
    if seen.step is Step.WAITING:
        sub = _slow(row, seen)
        if (sub.value if sub else None) != row.sub_status:
            await _to(office, row, lease, State.CONFIRMING, sub)
        elif seen.moved:
            # Depth is told without an event row: the attempt carries it.
            await office.lane.write(
                [
                    store.move_rider(row.id, row.version, {}, fence=lease.fence),
                    changed(row.user_id, "withdrawal", row.id, row.version + 1),
                ]
            )
        return _POLL
    return await _wait(office, row, lease, Told(seen.step, seen.detail))


def _slow(row: Withdrawal, seen: Watched) -> SubStatus | None:
    """Why it takes longer than usual, if it does; taken out of the chain is said until it is in a block again."""
    in_block = seen.sighting is not None and seen.sighting.block_hash is not None
    if seen.reorged or (row.sub_status == SubStatus.REORGED.value and not in_block):
        return SubStatus.REORGED
    return SubStatus.SLOWER_THAN_USUAL if is_late(row.expected_by, utcnow()) else None


async def _settle(office: Office, row: Withdrawal, lease: Lease, seen: Watched) -> None:
    """Final: the hold leaves our books with the coins, fees become income, the chain fee a cost, all in one commit."""
    assert seen.attempt is not None
    assert seen.sighting is not None
    attempt, fee = seen.attempt, seen.sighting.fee_units
    if fee is None:
        return
    now = utcnow()
    async with office.db.reading() as session:
        from_deposits = await attempts.deposit_units(session, attempt.id)
    gas_asset = office.chains[row.network].gas_asset
    terms = store.terms(row)
    moves = (
        *plain_fee_transfers(terms),
        *spent_transfers(Spent(row.network, gas_asset, fee, from_deposits)),
        *payout_transfers(row.user_id, row.network, row.to_asset, row.deliver_units),
    )
    values = {"completed_at": now}
    riders = [
        *attempts.settled(attempt.id, fee_units=fee, confirmations=seen.sighting.confirmations, now=now),
        sent_to.rider(user_id=row.user_id, network=row.network, address=row.address, at=now),
        *riders_to(row, lease, State.COMPLETED, values=values),
    ]
    verdict = await office.lane.submit(Posting(f"withdrawal:{row.id}:settle", moves, "withdrawal", row.id), riders)
    if not verdict.posted:
        log.error("settle_not_posted", withdrawal=str(row.id), outcome=verdict.outcome, rider=verdict.rider)


async def _fail(office: Office, row: Withdrawal, lease: Lease, seen: Watched) -> None:
    """The chain proves that nothing was paid and nothing can be: the refund, and the chain fee as our cost, in one
    commit. The network fee stays: an attempt was mined."""
    assert seen.attempt is not None
    assert seen.sighting is not None
    attempt, fee = seen.attempt, seen.sighting.fee_units
    if fee is None:
        return
    moves = (
        *refund_transfers(store.terms(row), executed=row.conversion_id is not None, mined=True),
        *spent_transfers(Spent(row.network, office.chains[row.network].gas_asset, fee)),
    )
    riders = [
        *attempts.reverted(attempt.id, fee_units=fee, confirmations=seen.sighting.confirmations),
        limits.give_back(row.user_id, row.usd_cents, policy.day_of(row.created_at)),
        *riders_to(row, lease, State.FAILED, detail=_TURNED_DOWN),
    ]
    verdict = await office.lane.submit(Posting(f"withdrawal:{row.id}:refund", moves, "withdrawal", row.id), riders)
    if not verdict.posted:
        log.error("refund_not_posted", withdrawal=str(row.id), outcome=verdict.outcome, rider=verdict.rider)
