"""The operator's way out for one withdrawal: hold it, let it go on, or end it. Refusals say why."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.money import Amount, asset
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import CANCELLABLE, ENDED, State, SubStatus
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.withdraw import end, move_riders
from tidegate.treasury import bump as bumps
from tidegate.wire import time_text


@dataclass(frozen=True, slots=True)
class Line:
    """One withdrawal in the operator's list."""

    id: uuid.UUID
    state: str
    waits: str
    since: datetime
    deliver: Amount
    address: str


async def withdrawals(session: AsyncSession, *, states: Sequence[str], limit: int) -> list[Line]:
    """Everybody's, newest first, with what each waits for."""
    rows = await store.page(session, user_id=None, before=None, limit=limit, states=states)
    return [
        Line(
            id=row.id,
            state=row.state,
            waits=row.sub_status or ("held" if row.held_by_operator else ""),
            since=row.since,
            deliver=Amount(asset(row.to_asset), row.deliver_units),
            address=row.address,
        )
        for row in rows
    ]


async def life(session: AsyncSession, withdrawal_id: uuid.UUID) -> list[dict[str, Any]]:
    """Every move of one withdrawal, the first one first: who, why, on what grounds, from where to where. Refuses NOT_FOUND."""
    rows = await store.events(session, withdrawal_id)
    if not rows:
        raise Refusal(Kind.NOT_FOUND, "There is no such withdrawal.")
    return [
        {
            "at": time_text(row.at),
            "by": row.by,
            "why": row.detail,
            "inputs": row.inputs,
            "before": [row.state_before, row.sub_status_before],
            "after": [row.state, row.sub_status],
        }
        for row in rows
    ]


async def _load(office: Office, withdrawal_id: uuid.UUID) -> Withdrawal:
    async with office.db.reading() as session:
        row = await store.get(session, withdrawal_id)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such withdrawal.")
    if State(row.state) in ENDED:
        raise Refusal(Kind.CONFLICT, f"It is already {row.state}.")
    return row


async def hold(office: Office, withdrawal_id: uuid.UUID, *, reason: str, by: str, now: datetime) -> None:
    """Stop it where it stands. What was sent goes on being watched, and is settled only after its release."""
    row = await _load(office, withdrawal_id)
    values: dict[str, object] = {
        "held_by_operator": reason,
        "sub_status": SubStatus.HOLD.value,
        "since": now,
        "detail": reason,
    }
    await _apply(office, row, SubStatus.HOLD, values, by=by, now=now, detail=reason)


async def release(office: Office, withdrawal_id: uuid.UUID, *, reason: str, by: str, now: datetime) -> None:
    """Let it go on, at once."""
    row = await _load(office, withdrawal_id)
    values: dict[str, object] = {
        "held_by_operator": None,
        "sub_status": None,
        "since": now,
        "detail": None,
        "due_at": now,
        "lease_until": None,
    }
    await _apply(office, row, None, values, by=by, now=now, detail=reason)


async def reject(office: Office, withdrawal_id: uuid.UUID, *, reason: str, by: str, now: datetime) -> None:
    """End it unsent and give back what is due. Refuses what may be on its way already."""
    row = await _load(office, withdrawal_id)
    if State(row.state) not in CANCELLABLE:
        raise Refusal(Kind.CANNOT_CANCEL, "It may be on its way already; only the chain can end it now.")
    state = State.CANCELLED if row.state == State.PENDING_VERIFICATION.value else State.REJECTED
    if not await end(office, row, state, by=by, now=now, detail=reason):
        raise Refusal(Kind.CONFLICT, "It changed meanwhile. Look again.")


async def _apply(
    office: Office,
    row: Withdrawal,
    sub: SubStatus | None,
    values: dict[str, object],
    *,
    by: str,
    now: datetime,
    detail: str,
) -> None:
    riders = move_riders(row, State(row.state), sub, values, by=by, now=now, detail=detail)
    if not (await office.lane.write(riders)).posted:
        raise Refusal(Kind.CONFLICT, "It changed meanwhile. Look again.")


async def bump(office: Office, withdrawal_id: uuid.UUID, *, rate: int) -> None:
    """Have its transaction made dearer at the worker's next look: at `rate` (sat/vB, gwei), with 0 at today's.

    Refuses what has no transaction that waits for a block. All payouts of the transaction share what was agreed for them
    as the bound; where that is reached, the log says so and the withdrawal says `slower_than_usual`.
    """
    row = await _load(office, withdrawal_id)
    if rate > office.settings.networks[row.network].max_fee_rate:
        raise Refusal(Kind.CONFLICT, "That is above the network's max_fee_rate.")
    await bumps.ask(office.db, row.id, rate)


Action = Callable[..., Awaitable[None]]

ACTIONS: dict[str, Action] = {"hold": hold, "release": release, "reject": reject}
