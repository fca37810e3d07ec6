"""Endpoints of an account: made, changed, their secret rotated, removed."""

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate import idempotency
from tidegate.database import new_id, ride, utcnow
from tidegate.idempotency import Keyed, Stored
from tidegate.once import Done, once
from tidegate.outbox import log as events
from tidegate.outbox.events import EventKind, changed
from tidegate.refusal import Kind, Refusal
from tidegate.webhooks import rules, store
from tidegate.webhooks.courier import Courier, Unresolved
from tidegate.webhooks.rules import Disabled
from tidegate.webhooks.schemas import EndpointOut, EndpointsOut
from tidegate.webhooks.tables import Endpoint
from tidegate.webhooks.target import Forbidden
from tidegate.wire import time_text

KINDS = frozenset(get_args(EventKind))


async def create(courier: Courier, *, user_id: uuid.UUID, url: str, kinds: Sequence[str], keyed: Keyed) -> Stored:
    """A new endpoint and its secret, told once. It hears of what happens from now on.

    Refuses INVALID_REQUEST (where it would not be sent, kinds that do not exist) and LIMIT_EXCEEDED.
    """
    operation = "webhooks_create"
    if await idempotency.replay(courier.db, keyed, user_id=user_id, operation=operation) is None:
        await _fit(courier, url, kinds)
    now, endpoint_id, secret = utcnow(), new_id(), secrets.token_bytes(rules.SECRET_BYTES)

    async def work(session: AsyncSession) -> Done:
        row: dict[str, Any] = {
            "id": endpoint_id,
            "user_id": user_id,
            "url": url,
            "kinds": sorted(set(kinds)),
            "enabled": True,
            "disabled": None,
            "secret": courier.keys.seal_webhook(endpoint_id, secret),
            "secret_before": None,
            "before_until": None,
            "sequence": await events.last(session, user_id=user_id),
            "failures": 0,
            "delivered_at": None,
            "created_at": now,
            "version": 1,
            "due_at": now,
            "lease_until": None,
            "fence": 0,
        }
        if not await store.insert_endpoint(session, row=row):
            if await store.count_endpoints(session, user_id=user_id) >= rules.MOST:
                raise Refusal(Kind.LIMIT_EXCEEDED, "Delete an endpoint that you do not need.", limit=str(rules.MOST))
            raise Refusal(Kind.CONFLICT, "Another endpoint was added at the same moment; ask again.")
        body = _shape(Endpoint(**row, slot=1), now).model_dump(mode="json")
        return Done(body | {"secret": None}, [changed(user_id, "webhook", endpoint_id, 1)], status=201)

    stored = await once(courier.db, keyed, user_id=user_id, operation=operation, work=work)
    return await _with_secret(courier, user_id, stored)


async def rotate(courier: Courier, *, user_id: uuid.UUID, endpoint_id: uuid.UUID, keyed: Keyed) -> Stored:
    """A new secret; for OVERLAP the old one signs beside it. Refuses NOT_FOUND."""
    now, secret = utcnow(), secrets.token_bytes(rules.SECRET_BYTES)

    async def work(session: AsyncSession) -> Done:
        row = await _mine(session, user_id, endpoint_id)
        values = {
            "secret": courier.keys.seal_webhook(row.id, secret),
            "secret_before": row.secret,
            "before_until": now + rules.OVERLAP,
        }
        row = await store.change_endpoint(session, endpoint_id=row.id, values=values)
        body = _shape(row, now).model_dump(mode="json") | {"secret": None}
        return Done(body, [changed(user_id, "webhook", row.id, row.version)])

    stored = await once(courier.db, keyed, user_id=user_id, operation="webhooks_rotate", work=work)
    return await _with_secret(courier, user_id, stored)


async def _with_secret(courier: Courier, user_id: uuid.UUID, stored: Stored) -> Stored:
    """The answer with the secret in it: what is stored for repetitions never holds one. Null once it was replaced."""
    body = stored.body
    async with courier.db.reading() as session:
        row = await store.endpoint(session, user_id=user_id, endpoint_id=uuid.UUID(body["id"]))
    # Only a rotation replaces a secret, and it moves `before_until`: where that is the same, the secret is.
    if row is not None and body["secret_before_until"] == (time_text(row.before_until) if row.before_until else None):
        body["secret"] = rules.secret_text(courier.keys.open_webhook(row.id, row.secret))
    return replace(stored, raw=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


async def change(
    courier: Courier,
    *,
    user_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    url: str | None,
    kinds: Sequence[str] | None,
    enabled: bool | None,
) -> EndpointOut:
    """Change what is given. Switched on again it goes on where it stopped, as far as events are kept.

    Refuses NOT_FOUND and what `create` refuses.
    """
    await _fit(courier, url, kinds or ())
    now = utcnow()
    async with courier.db.transaction() as session:
        row = await _mine(session, user_id, endpoint_id)
        values: dict[str, Any] = {}
        if url is not None:
            values["url"] = url
        if kinds is not None:
            values["kinds"] = sorted(set(kinds))
        if enabled is not None and enabled != row.enabled:
            values |= {"enabled": enabled, "disabled": None if enabled else Disabled.OWNER.value}
        if url is not None or values.get("enabled"):
            values |= {"failures": 0, "due_at": now}
        row = await store.change_endpoint(session, endpoint_id=row.id, values=values)
        await ride(session, [changed(user_id, "webhook", row.id, row.version)])
    return _shape(row, now)


async def remove(courier: Courier, *, user_id: uuid.UUID, endpoint_id: uuid.UUID) -> None:
    """With its secrets and its log. Refuses NOT_FOUND."""
    async with courier.db.transaction() as session:
        row = await _mine(session, user_id, endpoint_id)
        await store.delete_endpoint(session, user_id=user_id, endpoint_id=row.id)
        await ride(session, [changed(user_id, "webhook", row.id, row.version + 1)])


async def all_of(courier: Courier, *, user_id: uuid.UUID) -> EndpointsOut:
    now = utcnow()
    async with courier.db.reading() as session:
        rows = await store.endpoints(session, user_id=user_id)
    return EndpointsOut(items=[_shape(row, now) for row in rows])


async def get(courier: Courier, *, user_id: uuid.UUID, endpoint_id: uuid.UUID) -> EndpointOut:
    """Refuses NOT_FOUND."""
    async with courier.db.reading() as session:
        row = await store.endpoint(session, user_id=user_id, endpoint_id=endpoint_id)
    if row is None:
        raise _unknown()
    return _shape(row, utcnow())


async def _mine(session: AsyncSession, user_id: uuid.UUID, endpoint_id: uuid.UUID) -> Endpoint:
    row = await store.endpoint(session, user_id=user_id, endpoint_id=endpoint_id, locked=True)
    if row is None:
        raise _unknown()
    return row


def _unknown() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "There is no such webhook.")


async def _fit(courier: Courier, url: str | None, kinds: Sequence[str]) -> None:
    unknown = sorted(set(kinds) - KINDS)
    if unknown:
        raise Refusal(Kind.INVALID_REQUEST, f"There is no kind {unknown[0]!r}.", field="kinds", allowed=sorted(KINDS))
    if url is not None:
        try:
            await courier.look(url)
        except (Forbidden, Unresolved) as no:
            raise Refusal(Kind.INVALID_REQUEST, str(no), field="url") from None


def _shape(row: Endpoint, now: datetime) -> EndpointOut:
    return EndpointOut(
        id=row.id,
        url=row.url,
        kinds=list(row.kinds),
        enabled=row.enabled,
        disabled=Disabled(row.disabled).value if row.disabled else None,
        failures=row.failures,
        delivered_at=row.delivered_at,
        secret_before_until=row.before_until if row.before_until and row.before_until > now else None,
        created_at=row.created_at,
        version=row.version,
    )
