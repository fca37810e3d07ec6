"""All SQL of the compliance room."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance.rules import EVERYTHING, Answer, Standing
from tidegate.compliance.tables import Approval, ApprovalRequest, FreezeRow, LimitCounter, PauseRow, ScreeningRow
from tidegate.database import Rider, Write, adding, inserting, updating


def insert_screening(row: dict[str, Any]) -> Rider:
    return Rider("screening", inserting(ScreeningRow.__table__, key=("id",)), row)


async def last_screening(session: AsyncSession, *, kind: str, subject_id: uuid.UUID) -> ScreeningRow | None:
    return await session.scalar(
        select(ScreeningRow)
        .where(ScreeningRow.subject_kind == kind, ScreeningRow.subject_id == subject_id)
        .order_by(ScreeningRow.id.desc())
        .limit(1)
    )


def insert_request(row: dict[str, Any]) -> Rider:
    """Asking twice for the same content is one request."""
    return Rider("approval_request", inserting(ApprovalRequest.__table__, key=("id",), again=True), row)


async def find_request(
    session: AsyncSession, *, kind: str, subject_id: uuid.UUID, digest: str
) -> ApprovalRequest | None:
    return await session.scalar(
        select(ApprovalRequest).where(
            ApprovalRequest.kind == kind, ApprovalRequest.subject_id == subject_id, ApprovalRequest.digest == digest
        )
    )


async def lock_request(session: AsyncSession, *, request_id: uuid.UUID) -> ApprovalRequest | None:
    return await session.scalar(select(ApprovalRequest).where(ApprovalRequest.id == request_id).with_for_update())


async def page_of_requests(
    session: AsyncSession, *, state: str | None, before: tuple[datetime, uuid.UUID] | None, limit: int
) -> Sequence[ApprovalRequest]:
    query = select(ApprovalRequest).order_by(ApprovalRequest.created_at.desc(), ApprovalRequest.id.desc()).limit(limit)
    if state is not None:
        query = query.where(ApprovalRequest.state == state)
    if before is not None:
        query = query.where(tuple_(ApprovalRequest.created_at, ApprovalRequest.id) < before)
    return (await session.scalars(query)).all()


async def answers(
    session: AsyncSession, *, request_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, dict[uuid.UUID, Answer]]:
    """By request: who answered what."""
    found: dict[uuid.UUID, dict[uuid.UUID, Answer]] = {one: {} for one in request_ids}
    rows = await session.execute(
        select(Approval.request_id, Approval.approver, Approval.verdict).where(Approval.request_id.in_(request_ids))
    )
    for request_id, approver, verdict in rows:
        found[request_id][approver] = Answer(verdict)
    return found


def insert_answer(row: dict[str, Any]) -> Rider:
    return Rider("approval", inserting(Approval.__table__, key=("id",)), row)


def set_standing(*, request_id: uuid.UUID, state: Standing, at: datetime) -> Rider:
    values = {"was_id": request_id, "was_state": Standing.PENDING, "state": state, "decided_at": at}
    write = updating(ApprovalRequest.__table__, guards=("id", "state"), columns=("state", "decided_at"))
    return Rider("approval_state", write, values)


_GIVE_BACK = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, user_id uuid, day date, cents bigint)
    ), given AS (
        SELECT user_id, day, sum(cents) AS cents FROM r GROUP BY user_id, day
    ), done AS (
        UPDATE limit_counters c SET usd_cents = greatest(c.usd_cents - g.cents, 0)
        FROM given g WHERE c.user_id = g.user_id AND c.day = g.day
    )
    SELECT array_agg(i) FROM r
    """
)


def spend(*, user_id: uuid.UUID, day: date, cents: int, cap: int) -> Rider:
    """Raise the day's counter if it then still is within the cap; named "limit"."""
    write = adding(LimitCounter.__table__, key=("user_id", "day"), column="usd_cents", capped=True)
    return Rider("limit", write, {"user_id": user_id, "day": day, "usd_cents": cents, "cap": cap})


def give_back(*, user_id: uuid.UUID, day: date, cents: int) -> Rider:
    """Lower it again, never below nothing; never misses."""
    return Rider("limit_back", _GIVE_BACK, {"user_id": user_id, "day": day, "cents": cents})


async def spent(session: AsyncSession, *, user_id: uuid.UUID, day: date) -> int:
    found = await session.scalar(
        select(LimitCounter.usd_cents).where(LimitCounter.user_id == user_id, LimitCounter.day == day)
    )
    return found or 0


async def pauses(session: AsyncSession) -> Sequence[PauseRow]:
    return (await session.scalars(select(PauseRow).order_by(PauseRow.asset))).all()


async def pause_of(session: AsyncSession, *, asset: str) -> PauseRow | None:
    """The pause that stops this asset: its own, else the one on everything."""
    rows = await session.scalars(
        select(PauseRow).where(PauseRow.asset.in_([asset, EVERYTHING])).order_by(PauseRow.asset.desc())
    )
    return rows.first()


async def exact_pause(session: AsyncSession, *, asset: str) -> PauseRow | None:
    return await session.get(PauseRow, asset)


async def insert_pause(session: AsyncSession, *, row: dict[str, Any]) -> None:
    await session.execute(insert(PauseRow).values(**row).on_conflict_do_nothing(index_elements=["asset"]))


async def delete_pause(session: AsyncSession, *, asset: str) -> None:
    await session.execute(delete(PauseRow).where(PauseRow.asset == asset))


async def insert_freeze(session: AsyncSession, *, row: dict[str, Any]) -> bool:
    """False when one of this cause, asset and place stands."""
    made = await session.execute(insert(FreezeRow).values(**row).on_conflict_do_nothing().returning(FreezeRow.id))
    return made.first() is not None


async def freezes_standing(session: AsyncSession) -> Sequence[FreezeRow]:
    query = select(FreezeRow).where(FreezeRow.released_at.is_(None)).order_by(FreezeRow.at, FreezeRow.id)
    return (await session.scalars(query)).all()


async def forced_freezes(session: AsyncSession) -> Sequence[FreezeRow]:
    return (
        await session.scalars(select(FreezeRow).where(FreezeRow.forced.is_(True)).order_by(FreezeRow.released_at))
    ).all()


async def newest_freezes(session: AsyncSession, *, limit: int) -> Sequence[FreezeRow]:
    return (await session.scalars(select(FreezeRow).order_by(FreezeRow.at.desc(), FreezeRow.id).limit(limit))).all()


async def note_freeze(session: AsyncSession, *, freeze_id: uuid.UUID, values: dict[str, Any]) -> None:
    await session.execute(
        update(FreezeRow).where(FreezeRow.id == freeze_id, FreezeRow.released_at.is_(None)).values(**values)
    )


async def release_freeze(session: AsyncSession, *, freeze_id: uuid.UUID, values: dict[str, Any]) -> FreezeRow | None:
    found: FreezeRow | None = await session.scalar(
        update(FreezeRow)
        .where(FreezeRow.id == freeze_id, FreezeRow.released_at.is_(None))
        .values(**values)
        .returning(FreezeRow)
    )
    return found
