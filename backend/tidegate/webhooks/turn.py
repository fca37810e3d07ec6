"""One turn of one endpoint, leased: new events become deliveries, and what is due is sent, one after the other.

A message is on disk before it is sent and its outcome after; a worker that dies between the two leaves a lease that
runs out, and the receiver gets the same id again. No transaction is open while anything is sent.
"""

import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import new_id, ride, utcnow
from tidegate.failpoints import reach
from tidegate.outbox import log as events
from tidegate.outbox.events import changed
from tidegate.outbox.log import Entry
from tidegate.outbox.mails import MailKind, told
from tidegate.queue import Lease
from tidegate.webhooks import rules, store
from tidegate.webhooks.courier import Courier, Outcome
from tidegate.webhooks.rules import DeliveryState, Disabled, Message, Verdict
from tidegate.webhooks.tables import Endpoint

TURN_SECONDS = 20.0
"""No message is begun later in a turn. With the longest exchange after that it ends well before its lease."""
LEASE_SECONDS = 90
_EVENTS = 200
_MOST_WAITING = 1000
"""A receiver that is away does not fill the table: more becomes deliveries when these are gone, if it is still kept."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be sent now, as it was read under the lease."""

    delivery_id: uuid.UUID
    url: str
    message: Message
    secrets: tuple[bytes, ...]
    tries: int
    test: bool


async def take(courier: Courier, lease: Lease) -> int:
    """Send what is due there, until something is not taken or the turn is over. Returns how many were sent."""
    until = time.monotonic() + TURN_SECONDS
    sent = 0
    job = await _begin(courier, lease)
    while job is not None:
        reach("P16.webhook:before")
        outcome = await courier.carry(job.url, _headers(job), job.message.body)
        sent += 1
        reach("P16.webhook:after")
        job = await _record(courier, lease, job, outcome, go_on=time.monotonic() < until)
        reach("P16.told:after")
    await _end(courier, lease)
    return sent


def _headers(job: Job) -> dict[str, str]:
    return rules.headers(job.message, secrets=job.secrets, now=utcnow())


async def _begin(courier: Courier, lease: Lease) -> Job | None:
    async with courier.db.transaction() as session:
        endpoint = await store.held(session, lease)
        if endpoint is None:
            return None
        await _spread(session, endpoint)
        return await _next(courier, session, endpoint)


async def _spread(session: AsyncSession, endpoint: Endpoint) -> None:
    count, _ = await store.waiting(session, endpoint_id=endpoint.id)
    if count >= _MOST_WAITING:
        return
    found = await events.after(session, user_id=endpoint.user_id, sequence=endpoint.sequence, limit=_EVENTS)
    if found:
        rows = [_row(endpoint, one) for one in _wanted(endpoint.kinds, found)]
        await store.spread(session, endpoint_id=endpoint.id, rows=rows, sequence=found[-1].sequence)


def _wanted(kinds: Sequence[str], found: Sequence[Entry]) -> list[Entry]:
    return [one for one in found if not kinds or one.kind in kinds]


def _row(endpoint: Endpoint, one: Entry) -> dict[str, Any]:
    now = utcnow()
    body = rules.payload(
        kind=one.kind,
        object_id=one.object_id,
        version=one.version,
        sequence=one.sequence,
        at=one.at,
        standing=one.standing,
    )
    return {
        "id": new_id(),
        "endpoint_id": endpoint.id,
        "sequence": one.sequence,
        "type": f"{one.kind}.changed",
        "body": body,
        "state": DeliveryState.WAITING,
        "tries": 0,
        "due_at": now,
        "answers": [],
        "created_at": now,
        "ended_at": None,
    }


async def _next(courier: Courier, session: AsyncSession, endpoint: Endpoint) -> Job | None:
    now = utcnow()
    found = await store.next_due(session, endpoint_id=endpoint.id, now=now)
    if found is None:
        return None
    sealed = [endpoint.secret]
    if endpoint.secret_before is not None and endpoint.before_until is not None and endpoint.before_until > now:
        sealed.append(endpoint.secret_before)
    return Job(
        delivery_id=found.id,
        url=endpoint.url,
        message=Message(rules.message_id(found.id), found.body),
        secrets=tuple(courier.keys.open_webhook(endpoint.id, one) for one in sealed),
        tries=found.tries,
        test=found.sequence is None,
    )


async def _record(courier: Courier, lease: Lease, job: Job, outcome: Outcome, *, go_on: bool) -> Job | None:
    """Write down what became of it; the next one, if there is one and the receiver takes them."""
    now = utcnow()
    said = rules.verdict(outcome.status)
    async with courier.db.transaction() as session:
        endpoint = await store.held(session, lease)
        if endpoint is None:
            return None
        again = None
        if said is Verdict.AGAIN and not job.test:
            again = rules.next_try(job.tries + 1, now, random.random())  # noqa: S311  spreads load, guards nothing
        state = DeliveryState.DELIVERED if said is Verdict.TAKEN else DeliveryState.FAILED
        recorded = await store.record(
            session,
            delivery_id=job.delivery_id,
            tries=job.tries,
            state=state if again is None else DeliveryState.WAITING,
            due_at=again,
            answer=_answer(outcome, now),
            now=now,
        )
        if said is Verdict.TAKEN:
            await store.tell(session, endpoint_id=endpoint.id, values={"failures": 0, "delivered_at": now})
            return await _next(courier, session, endpoint) if go_on else None
        if recorded and not job.test:
            await _count(courier, session, endpoint, await _over(session, endpoint, job, said, again))
    return None


def _answer(outcome: Outcome, now: datetime) -> dict[str, Any]:
    at = now - timedelta(milliseconds=outcome.milliseconds)
    return {
        "at": at.isoformat(),
        "status": outcome.status,
        "error": outcome.error,
        "milliseconds": outcome.milliseconds,
        "body": outcome.body,
    }


async def _over(
    session: AsyncSession, endpoint: Endpoint, job: Job, said: Verdict, again: datetime | None
) -> Disabled | None:
    """Why nothing more is to be sent there, if so. One message that is never taken, among others that are, is no reason."""
    if said is Verdict.GONE:
        return Disabled.GONE
    if again is not None:
        return None
    begun = await store.created_at(session, delivery_id=job.delivery_id)
    alive = endpoint.delivered_at is not None and endpoint.delivered_at > begun
    return None if alive else Disabled.FAILING


async def _count(courier: Courier, session: AsyncSession, endpoint: Endpoint, over: Disabled | None) -> None:
    await store.tell(session, endpoint_id=endpoint.id, values={"failures": endpoint.failures + 1})
    if over is None:
        return
    values = {"enabled": False, "disabled": over.value}
    row = await store.change_endpoint(session, endpoint_id=endpoint.id, values=values)
    # The owner's page and other endpoints hear of it by this event.
    letter = told(
        courier.settings,
        MailKind.WEBHOOK_DISABLED,
        user_id=row.user_id,
        object_id=new_id(),
        facts={"host": urlsplit(row.url).hostname or "", "disabled": over.value},
        now=utcnow(),
    )
    await ride(session, [changed(row.user_id, "webhook", row.id, row.version), *letter])


async def _end(courier: Courier, lease: Lease) -> None:
    async with courier.db.transaction() as session:
        await store.release(session, lease, now=utcnow(), pause=rules.pause)
