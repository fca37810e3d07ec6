"""The withdrawal's worker steps up to the queue: each claims due rows, asks whom it has to, and records in one commit.

The row is the job. Everything a step does is guarded by the row's version and fence, so a worker that slept past its
lease writes nothing. From the queue on the job is the set that pays it (payouts.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog

from tidegate import failpoints
from tidegate.chains.port import NodeUnavailable
from tidegate.compliance import approve as approvals
from tidegate.compliance import lists, screen
from tidegate.compliance.rules import Screened, Standing
from tidegate.database import Rider, utcnow
from tidegate.queue import Lease
from tidegate.refusal import Refusal
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, SubStatus
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.view import intent_of
from tidegate.transactions.withdraw import end, move_riders
from tidegate.treasury.spend import Spender
from tidegate.wallets import destinations

log = structlog.get_logger(__name__)

WORKER = "tidegate"
_LISTED = "We may not send to this address."
# How soon to look again when something outside is not ready, and while a transaction gains depth.
_AGAIN = timedelta(seconds=2)
_LATER = timedelta(seconds=10)

Handler = Callable[[Office, Spender, Withdrawal, Lease], Awaitable[timedelta | None]]


async def _run(office: Office, spender: Spender, states: Sequence[State], handle: Handler) -> int:
    """Claim due rows in `states` and handle each; how many were claimed. One row's trouble is its own."""
    async with office.db.transaction() as session:
        leases = await store.claim(session, states, now=utcnow())
        # Our own rows until commit: what is read here is what was leased.
        rows = await store.by_ids(session, [lease.id for lease in leases]) if leases else []
    if not leases:
        return 0
    by_id = {lease.id: lease for lease in leases}
    pauses = await asyncio.gather(*(_one(office, spender, row, by_id[row.id], handle) for row in rows))
    again: dict[timedelta, list[Lease]] = {}
    for row, pause_for in zip(rows, pauses, strict=True):
        if pause_for is not None:
            again.setdefault(pause_for, []).append(by_id[row.id])
    if again:
        async with office.db.transaction() as session:
            for pause_for, some in again.items():
                await store.release_all(session, some, states, utcnow() + pause_for)
    return len(leases)


async def _one(office: Office, spender: Spender, row: Withdrawal, lease: Lease, handle: Handler) -> timedelta | None:
    """How long to wait before the next look; None when it moved, which freed it."""
    try:
        return await handle(office, spender, row, lease)
    except Refusal as refusal:
        log.warning("withdrawal_step_refused", withdrawal=str(lease.id), state=row.state, why=refusal.kind.value)
    except Exception:  # one row's trouble must not stop the others; it is looked at again
        log.exception("withdrawal_step_failed", withdrawal=str(lease.id), state=row.state)
    return _AGAIN


async def _to(
    office: Office,
    row: Withdrawal,
    lease: Lease,
    state: State,
    sub: SubStatus | None = None,
    *,
    detail: str | None = None,
    inputs: dict[str, Any] | None = None,
    also: Sequence[Rider] = (),
    pause_for: timedelta = timedelta(),
) -> timedelta | None:
    """Move to a state or change what it waits for; nothing happens when both are as they were.

    None when it moved, which freed it; else how long to wait before the next look.
    """
    if state.value == row.state and (sub.value if sub else None) == row.sub_status and not also:
        return pause_for
    riders = riders_to(row, lease, state, sub, detail=detail, inputs=inputs)
    posted = (await office.lane.write([*also, *riders])).posted
    return None if posted and state.value != row.state else pause_for


def riders_to(
    row: Withdrawal,
    lease: Lease,
    state: State,
    sub: SubStatus | None = None,
    *,
    detail: str | None = None,
    inputs: dict[str, Any] | None = None,
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
    return move_riders(row, state, sub, fields, by=WORKER, now=now, detail=detail, inputs=inputs, fence=lease.fence)


async def screen_step(office: Office, spender: Spender) -> int:
    """Ask the deny list; queue it, put it before a person, hold it, or refuse it and give the money back."""
    return await _run(office, spender, [State.PENDING_SCREENING], _screen)


async def _screen(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    deny = lists.current(office.settings)
    found, evidence = screen.screened(
        subject_kind="withdrawal",
        subject_id=row.id,
        network=row.network,
        address=row.address,
        deny=deny,
        now=utcnow(),
    )
    grounds = {"verdict": found.verdict.value, "list": deny.version if deny is not None else None}
    if found.verdict is Screened.BLOCK:
        await office.lane.write([evidence])
        await end(office, row, State.REJECTED, by="screening", now=utcnow(), detail=_LISTED, inputs=grounds)
        return timedelta()
    if found.verdict is Screened.HOLD:
        stays, why = State.PENDING_SCREENING, found.reason
        return await _to(office, row, lease, stays, SubStatus.HOLD, detail=why, inputs=grounds, pause_for=_LATER)
    failpoints.reach("P6.screen:before")
    try:
        why_not = await destinations.last_look(
            office.chains[row.network], asset=row.to_asset, address=row.address, units=row.deliver_units
        )
    except NodeUnavailable as error:
        log.warning("withdrawal_waits", withdrawal=str(row.id), reason=str(error))
        waits, why = SubStatus.AWAITING_NODE, str(error)[:200]
        return await _to(office, row, lease, State.PENDING_SCREENING, waits, detail=why, pause_for=_AGAIN)
    failpoints.reach("P6.screen:after")
    if why_not is not None:
        await office.lane.write([evidence])
        await end(office, row, State.REJECTED, by="screening", now=utcnow(), detail=why_not, inputs=grounds)
        return timedelta()
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
        to, sub = State.PENDING_APPROVAL, SubStatus.PERSON_REVIEWING
        moved = await _to(office, row, lease, to, sub, inputs=grounds, also=[evidence, ask])
    else:
        moved = await _to(office, row, lease, State.QUEUED, inputs=grounds, also=[evidence])
    failpoints.reach("P6.verdict:after")
    return moved


async def approve_step(office: Office, spender: Spender) -> int:
    """Read what people said of exactly this digest."""
    return await _run(office, spender, [State.PENDING_APPROVAL], _approve)


async def _approve(office: Office, spender: Spender, row: Withdrawal, lease: Lease) -> timedelta | None:
    async with office.db.reading() as session:
        verdict = await approvals.verdict(session, kind="withdrawal", subject_id=row.id, digest=row.digest)
    grounds = {"digest": row.digest, "verdict": verdict.value if verdict is not None else None}
    if verdict is Standing.APPROVED:
        failpoints.reach("P7.approved:before")
        moved = await _to(office, row, lease, State.QUEUED, inputs=grounds)
        failpoints.reach("P7.approved:after")
        return moved
    if verdict is Standing.REJECTED:
        why = "A person decided against it."
        await end(office, row, State.REJECTED, by="person", now=utcnow(), detail=why, inputs=grounds)
        return timedelta()
    return _AGAIN
