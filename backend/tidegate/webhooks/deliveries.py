"""What was sent to an endpoint: looked up, sent again, tried out."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import new_id, utcnow
from tidegate.idempotency import Keyed, Stored
from tidegate.once import Done, once
from tidegate.refusal import Kind, Refusal
from tidegate.webhooks import rules, store
from tidegate.webhooks.courier import Courier
from tidegate.webhooks.rules import DeliveryState
from tidegate.webhooks.schemas import AnswerOut, DeliveryOut
from tidegate.webhooks.tables import Delivery, Endpoint
from tidegate.wire import Cursor, Page, next_cursor


async def page(
    courier: Courier, *, user_id: uuid.UUID, endpoint_id: uuid.UUID, before: Cursor | None, limit: int
) -> Page[DeliveryOut]:
    """Newest first, with every try and what was answered. Refuses NOT_FOUND."""
    async with courier.db.reading() as session:
        await _mine(session, user_id, endpoint_id)
        rows = await store.deliveries(session, endpoint_id=endpoint_id, before=before, limit=limit)
    cursor = next_cursor([(row.created_at, row.id) for row in rows], limit)
    return Page(items=[_shape(row) for row in rows], next_cursor=cursor)


async def test(courier: Courier, *, user_id: uuid.UUID, endpoint_id: uuid.UUID, keyed: Keyed) -> Stored:
    """Send a `webhook.test`, once and at once. Refuses NOT_FOUND, and CONFLICT while it is switched off."""
    now = utcnow()

    async def work(session: AsyncSession) -> Done:
        row = await _switched_on(session, user_id, endpoint_id)
        body = rules.payload(kind="webhook", object_id=row.id, version=row.version, sequence=None, at=now, test=True)
        values: dict[str, Any] = {
            "id": new_id(),
            "endpoint_id": row.id,
            "sequence": None,
            "type": "webhook.test",
            "body": body,
            "state": DeliveryState.WAITING,
            "tries": 0,
            "due_at": now,
            "answers": [],
            "created_at": now,
            "ended_at": None,
        }
        made = await store.add_delivery(session, row=values, now=now)
        return Done(_shape(made).model_dump(mode="json"), status=202)

    return await once(courier.db, keyed, user_id=user_id, operation="webhooks_test", work=work)


async def redeliver(
    courier: Courier, *, user_id: uuid.UUID, endpoint_id: uuid.UUID, delivery_id: uuid.UUID, keyed: Keyed
) -> Stored:
    """The same message once more, under the same id, with a new round of tries.

    Refuses NOT_FOUND, and CONFLICT while the endpoint is switched off.
    """
    now = utcnow()

    async def work(session: AsyncSession) -> Done:
        row = await _switched_on(session, user_id, endpoint_id)
        found = await store.again(session, endpoint_id=row.id, delivery_id=delivery_id, now=now)
        if found is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such delivery.")
        return Done(_shape(found).model_dump(mode="json"), status=202)

    return await once(courier.db, keyed, user_id=user_id, operation="webhooks_redeliver", work=work)


async def _mine(session: AsyncSession, user_id: uuid.UUID, endpoint_id: uuid.UUID, *, locked: bool = False) -> Endpoint:
    row = await store.endpoint(session, user_id=user_id, endpoint_id=endpoint_id, locked=locked)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such webhook.")
    return row


async def _switched_on(session: AsyncSession, user_id: uuid.UUID, endpoint_id: uuid.UUID) -> Endpoint:
    row = await _mine(session, user_id, endpoint_id, locked=True)
    if not row.enabled:
        raise Refusal(Kind.CONFLICT, "Switch this webhook on first.")
    return row


def _shape(row: Delivery) -> DeliveryOut:
    waits = row.state == DeliveryState.WAITING
    return DeliveryOut(
        state=row.state,
        waiting_for="time" if waits else None,
        since=row.ended_at or row.created_at,
        expected_by=row.due_at,
        id=row.id,
        message_id=rules.message_id(row.id),
        type=row.type,
        sequence=row.sequence,
        body=row.body,
        tries=row.tries,
        answers=[AnswerOut(**one) for one in row.answers],
        created_at=row.created_at,
    )
