"""All SQL of the room: endpoints, their turns, and deliveries. Every write of a turn names its fence."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.queue import Lease, claim_due
from tidegate.webhooks.rules import MOST, DeliveryState
from tidegate.webhooks.tables import Delivery, Endpoint
from tidegate.wire import Cursor

_IDLE = timedelta(days=1)
"""Nothing to do: an event of the account wakes it before that."""

# --- endpoints -------------------------------------------------------------------------------------------------------


async def insert_endpoint(session: AsyncSession, *, row: dict[str, Any]) -> bool:
    """Into the first free place of the account. False when there is none, or a twin was faster."""
    taken = set(await session.scalars(select(Endpoint.slot).where(Endpoint.user_id == row["user_id"])))
    free = next((slot for slot in range(1, MOST + 1) if slot not in taken), None)
    if free is None:
        return False
    statement = (
        insert(Endpoint)
        .values(**row, slot=free)
        .on_conflict_do_nothing(index_elements=["user_id", "slot"])
        .returning(Endpoint.id)
    )
    return await session.scalar(statement) is not None


async def count_endpoints(session: AsyncSession, *, user_id: uuid.UUID) -> int:
    return await session.scalar(select(func.count()).select_from(Endpoint).where(Endpoint.user_id == user_id)) or 0


async def endpoints(session: AsyncSession, *, user_id: uuid.UUID) -> Sequence[Endpoint]:
    """Newest first."""
    order = Endpoint.created_at.desc(), Endpoint.id.desc()
    return (await session.scalars(select(Endpoint).where(Endpoint.user_id == user_id).order_by(*order))).all()


async def endpoint(
    session: AsyncSession, *, user_id: uuid.UUID, endpoint_id: uuid.UUID, locked: bool = False
) -> Endpoint | None:
    query = select(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.user_id == user_id)
    return await session.scalar(query.with_for_update() if locked else query)


async def change_endpoint(session: AsyncSession, *, endpoint_id: uuid.UUID, values: dict[str, Any]) -> Endpoint:
    """In a transaction that holds the row; `version` goes up."""
    found = await session.scalar(
        update(Endpoint)
        .where(Endpoint.id == endpoint_id)
        .values(**values, version=Endpoint.version + 1)
        .returning(Endpoint)
        .execution_options(populate_existing=True)
    )
    assert found is not None
    return found


async def delete_endpoint(session: AsyncSession, *, user_id: uuid.UUID, endpoint_id: uuid.UUID) -> bool:
    """With its secrets and everything that was sent to it."""
    found = await session.scalar(
        delete(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.user_id == user_id).returning(Endpoint.id)
    )
    return found is not None


# --- turns -----------------------------------------------------------------------------------------------------------

Newer = Callable[[ColumnElement[uuid.UUID], ColumnElement[int]], ColumnElement[bool]]


async def wake(session: AsyncSession, *, newer: Newer, now: datetime) -> None:
    """Endpoints whose account has events that they have not: due. Those that fail are left to their pause."""
    # Skipping what a turn or another worker holds: whoever is left out is looked at again in a moment.
    behind = (
        select(Endpoint.id)
        .where(
            Endpoint.enabled,
            Endpoint.due_at > now,
            Endpoint.failures == 0,
            newer(Endpoint.user_id.expression, Endpoint.sequence.expression),
        )
        .with_for_update(skip_locked=True, of=Endpoint)
        .cte("behind")
    )
    await session.execute(
        update(Endpoint)
        .where(Endpoint.id.in_(select(behind.c.id)))
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )


async def claim(session: AsyncSession, *, failing: bool, now: datetime, seconds: int, limit: int) -> list[Lease]:
    """Due endpoints, of those that fail or of those that do not: the first are not to take the others' places."""
    kind = Endpoint.failures > 0 if failing else Endpoint.failures == 0
    return await claim_due(session, Endpoint, where=Endpoint.enabled & kind, now=now, seconds=seconds, limit=limit)


async def held(session: AsyncSession, lease: Lease) -> Endpoint | None:
    """The endpoint, locked; None when the lease is lost, or nothing is to be sent there any more."""
    return await session.scalar(
        select(Endpoint)
        .where(Endpoint.id == lease.id, Endpoint.fence == lease.fence, Endpoint.enabled)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def spread(session: AsyncSession, *, endpoint_id: uuid.UUID, rows: list[dict[str, Any]], sequence: int) -> None:
    """New deliveries, and how far the events were read; each event once, whatever happened before."""
    if rows:
        await session.execute(
            insert(Delivery).values(rows).on_conflict_do_nothing(index_elements=["endpoint_id", "sequence"])
        )
    await session.execute(update(Endpoint).where(Endpoint.id == endpoint_id).values(sequence=sequence))


async def waiting(session: AsyncSession, *, endpoint_id: uuid.UUID) -> tuple[int, datetime | None]:
    """How many wait, and when the first of them is due."""
    row = await session.execute(
        select(func.count(), func.min(Delivery.due_at)).where(
            Delivery.endpoint_id == endpoint_id, Delivery.state == DeliveryState.WAITING
        )
    )
    count, first = row.one()
    return count, first


async def next_due(session: AsyncSession, *, endpoint_id: uuid.UUID, now: datetime) -> Delivery | None:
    return await session.scalar(
        select(Delivery)
        .where(Delivery.endpoint_id == endpoint_id, Delivery.state == DeliveryState.WAITING, Delivery.due_at <= now)
        .order_by(Delivery.due_at, Delivery.sequence)
        .limit(1)
    )


async def record(
    session: AsyncSession,
    *,
    delivery_id: uuid.UUID,
    tries: int,
    state: DeliveryState,
    due_at: datetime | None,
    answer: dict[str, Any],
    now: datetime,
) -> bool:
    """What became of a try. False when its owner began a new round meanwhile."""
    found = await session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.WAITING, Delivery.tries == tries)
        .values(
            state=state,
            tries=tries + 1,
            due_at=due_at,
            answers=Delivery.answers.concat([answer]),
            ended_at=None if state == DeliveryState.WAITING else now,
        )
        .returning(Delivery.id)
    )
    return found is not None


async def tell(session: AsyncSession, *, endpoint_id: uuid.UUID, values: dict[str, Any]) -> None:
    """What a turn learned about its endpoint, in a transaction that holds it."""
    await session.execute(update(Endpoint).where(Endpoint.id == endpoint_id).values(**values))


async def created_at(session: AsyncSession, *, delivery_id: uuid.UUID) -> datetime:
    found = await session.scalar(select(Delivery.created_at).where(Delivery.id == delivery_id))
    assert found is not None
    return found


async def release(session: AsyncSession, lease: Lease, *, now: datetime, pause: Callable[[int], timedelta]) -> None:
    """End a turn: the endpoint is due with its first waiting delivery, but a failing one not before its pause is over."""
    found = await session.scalar(
        select(Endpoint).where(Endpoint.id == lease.id, Endpoint.fence == lease.fence).with_for_update()
    )
    if found is None:
        return
    _, first = await waiting(session, endpoint_id=lease.id)
    earliest = now + pause(found.failures)
    due = max(first, earliest) if first is not None else now + _IDLE if found.failures == 0 else earliest
    await tell(session, endpoint_id=lease.id, values={"lease_until": None, "due_at": due})


# --- deliveries ------------------------------------------------------------------------------------------------------


async def add_delivery(session: AsyncSession, *, row: dict[str, Any], now: datetime) -> Delivery:
    """One more, due at once."""
    found: Delivery | None = await session.scalar(insert(Delivery).values(**row).returning(Delivery))
    assert found is not None
    await tell(session, endpoint_id=found.endpoint_id, values={"due_at": func.least(Endpoint.due_at, now)})
    return found


async def deliveries(
    session: AsyncSession, *, endpoint_id: uuid.UUID, before: Cursor | None, limit: int
) -> Sequence[Delivery]:
    """Newest first."""
    query = select(Delivery).where(Delivery.endpoint_id == endpoint_id)
    if before is not None:
        query = query.where((Delivery.created_at < before[0]) | _same(before))
    order = Delivery.created_at.desc(), Delivery.id.desc()
    return (await session.scalars(query.order_by(*order).limit(limit))).all()


def _same(before: Cursor) -> ColumnElement[bool]:
    return (Delivery.created_at == before[0]) & (Delivery.id < before[1])


async def again(
    session: AsyncSession, *, endpoint_id: uuid.UUID, delivery_id: uuid.UUID, now: datetime
) -> Delivery | None:
    """A new round of a delivery, under its old id. None when there is no such one."""
    found = await session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.endpoint_id == endpoint_id)
        .values(state=DeliveryState.WAITING, tries=0, due_at=now, ended_at=None)
        .returning(Delivery)
    )
    if found is not None:
        await tell(session, endpoint_id=endpoint_id, values={"due_at": func.least(Endpoint.due_at, now)})
    return found


async def forget(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(Delivery).where(Delivery.created_at < before, Delivery.state != DeliveryState.WAITING))
