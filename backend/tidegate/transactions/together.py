"""Withdrawals that move together: who of them is stopped, and the riders that move all of them in one commit."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import accounts
from tidegate.compliance import pause
from tidegate.compliance import rules as policy
from tidegate.database import Rider, as_written, utcnow
from tidegate.outbox.events import changed, shown
from tidegate.signing.messages import Authorisation, Intent
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, SubStatus
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.view import intent_of, told
from tidegate.treasury import spend
from tidegate.treasury.spend import Job, Step, Told
from tidegate.wallets import debts

log = structlog.get_logger(__name__)

WORKER = "tidegate"
AGAIN = timedelta(seconds=2)
"""How soon to look again when something outside is not ready."""
SOON = timedelta(milliseconds=200)

WAITS: dict[Step, SubStatus] = {
    Step.NO_FUNDS: SubStatus.AWAITING_LIQUIDITY,
    Step.NO_NODE: SubStatus.AWAITING_NODE,
    Step.NO_SIGNER: SubStatus.AWAITING_SIGNER,
    Step.DENIED: SubStatus.NEEDS_OPERATOR,
    Step.FROZEN: SubStatus.FROZEN,
    Step.REFUSED: SubStatus.NEEDS_OPERATOR,
    Step.BEHIND: SubStatus.NEEDS_OPERATOR,
    Step.UNKNOWN: SubStatus.BROADCAST_UNKNOWN,
    Step.FULL: SubStatus.AWAITING_BATCH,
}

Why = tuple[SubStatus, str]
_OWED = "The network took a deposit of yours back after it was used. This goes on when the money is here again."


async def look(office: Office, payout_ids: Sequence[uuid.UUID]) -> tuple[list[Withdrawal], dict[uuid.UUID, Why]]:
    """These withdrawals, in the order of their ids, and those of them that are stopped now."""
    async with office.db.reading() as session:
        rows = await store.by_ids(session, payout_ids)
        return rows, await _stopped(session, rows)


def authorised(rows: Iterable[Withdrawal]) -> list[tuple[Intent, Authorisation]]:
    """What the signer is asked for, in the same order at every call: the same request gets the same bytes."""
    found = []
    for row in rows:
        assert row.authorisation is not None
        found.append((intent_of(row), Authorisation.from_json(row.authorisation)))
    return found


async def stopped(office: Office, rows: Sequence[Withdrawal]) -> dict[uuid.UUID, Why]:
    """Those that a pause, the freeze of their account, a deposit that was taken back after it was used, or an operator's
    hold stops, and what is said of it."""
    async with office.db.reading() as session:
        return await _stopped(session, rows)


async def _stopped(session: AsyncSession, rows: Sequence[Withdrawal]) -> dict[uuid.UUID, Why]:
    pauses = {one.asset: one for one in await pause.standing(session)}
    frozen = await accounts.frozen_among(session, [row.user_id for row in rows])
    owing = await debts.owing(session, [(row.user_id, row.from_asset) for row in rows])
    found: dict[uuid.UUID, Why] = {}
    for row in rows:
        stands = pauses.get(row.to_asset) or pauses.get(policy.EVERYTHING)
        if stands is not None:
            ours = stands.by == WORKER
            found[row.id] = SubStatus.NEEDS_OPERATOR if ours else SubStatus.FROZEN, stands.reason
        elif row.user_id in frozen:
            found[row.id] = SubStatus.FROZEN, "Nothing leaves this account while it is frozen."
        elif (row.user_id, row.from_asset) in owing:
            found[row.id] = SubStatus.FROZEN, _OWED
        elif row.held_by_operator is not None:
            found[row.id] = SubStatus.HOLD, row.held_by_operator
    return found


def of_set(job: Job) -> dict[str, Any]:
    """What a move of a set's withdrawals is grounded on: which set, and its transactions until now."""
    return {
        "set": str(job.whole.set.id),
        "txids": [one.txid for one in job.whole.members if one.txid is not None],
    }


def riders_to(
    rows: Sequence[Withdrawal],
    state: State,
    sub: SubStatus | None = None,
    *,
    detail: str | None = None,
    values: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
) -> list[Rider]:
    """Move all of them, each from the version that was read; riders of one kind stand side by side."""
    now = utcnow()
    fields = {"state": state.value, "sub_status": sub, "since": now, "detail": detail, "due_at": now, **(values or {})}
    fields["lease_until"] = None
    return [
        *(store.move_rider(row.id, row.version, fields, fence=row.fence) for row in rows),
        *(
            store.event_rider(
                row,
                row.version + 1,
                at=now,
                state=state,
                sub_status=sub,
                by=WORKER,
                detail=detail,
                inputs=inputs,
            )
            for row in rows
        ),
        *(changed(row.user_id, "withdrawal", row.id, row.version + 1, told(row, **fields)) for row in rows),
    ]


def as_moved(rows: Sequence[Withdrawal], state: State) -> list[Withdrawal]:
    """The rows as `riders_to` left them, without a reason to wait, once they are committed."""
    return [
        as_written(row, {"state": state.value, "sub_status": None, "detail": None, "version": row.version + 1})
        for row in rows
    ]


def touched(rows: Sequence[Withdrawal]) -> list[Rider]:
    """Depth and the like are told without an event row: the attempt carries them."""
    return [
        *(store.move_rider(row.id, row.version, {}, fence=row.fence) for row in rows),
        *(shown(row.user_id, "withdrawal", row.id, row.version + 1, told(row)) for row in rows),
    ]


async def say(
    office: Office,
    rows: Sequence[Withdrawal],
    sub: SubStatus | None,
    detail: str | None,
    *,
    job: Job | None = None,
) -> None:
    """Tell each what it waits for; the same reason is not told twice. An operator's hold goes on being said.

    `job`: whose set they are in, where it is one's.
    """
    held = [spend.held_rider(job)] if job is not None else []
    told = sub.value if sub else None
    for state in {row.state for row in rows}:
        some = [row for row in rows if row.state == state and row.sub_status != told and row.held_by_operator is None]
        if some:
            await office.lane.write([*held, *riders_to(some, State(state), sub, detail=detail)])


async def wait(office: Office, job: Job, rows: Sequence[Withdrawal], told: Told) -> timedelta:
    """The set cannot go on: say why, look again soon."""
    sub = WAITS.get(told.step)
    if sub is None:
        return SOON if told.step is Step.WAITING else AGAIN
    detail = told.detail[:200] or None
    if job.waits[0] != sub.value:
        log.warning("set_waits", set=str(job.whole.set.id), sub_status=sub.value, detail=told.detail)
        await spend.commit(office.db, [spend.waits_rider(job, sub.value, detail)])
    await say(office, rows, sub, detail, job=job)
    return AGAIN
