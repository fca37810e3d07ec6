"""Following an account: what was missed, then what comes, until the session, the reader or the process ends."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence

from fastapi.sse import ServerSentEvent

from tidegate.auth import sessions
from tidegate.auth.gate import gate_of
from tidegate.auth.subject import Subject
from tidegate.database import utcnow
from tidegate.notices import rules
from tidegate.notices.feed import Feed
from tidegate.notices.log import change
from tidegate.notices.rules import Resume
from tidegate.outbox import log as events
from tidegate.outbox.log import Entry
from tidegate.refusal import Kind, Refusal

ALIVE_SECONDS = 15.0
"""A revoked session's stream ends within this."""
BLIND_SECONDS = 2.0
"""How often rows are read while the process does not hear notifications."""
BATCH = 200
RETRY_MILLISECONDS = 2000


def admit(feed: Feed, *, user_id: uuid.UUID) -> None:
    """Refuses BUSY when this process has no room for one more stream of this user, or is about to stop."""
    if feed.closing or feed.full(user_id):
        raise Refusal(Kind.BUSY, "Too many open streams; close one or ask again.", retry_after=5)


async def follow(feed: Feed, *, subject: Subject, last_event_id: str | None) -> AsyncIterator[ServerSentEvent]:
    """The account's changes from where the reader stopped. Ends when the session is over or the process stops."""
    with feed.subscribed(subject.user_id) as bell:
        start = await _start(feed, subject.user_id, rules.read_sequence(last_event_id))
        yield ServerSentEvent(comment="hello", retry=RETRY_MILLISECONDS)
        sequence = start.sequence
        if start.reset:
            yield ServerSentEvent(event="reset", id=str(sequence), data={"sequence": sequence})
        asked_at = time.monotonic()
        while not feed.closing:
            bell.clear()
            found = await _after(feed, subject.user_id, sequence)
            for one in found:
                sequence = one.sequence
                yield ServerSentEvent(event="change", id=str(sequence), data=change(one))
            if len(found) == BATCH:
                continue
            # A change of the account itself may be the end of this session.
            due = time.monotonic() - asked_at >= ALIVE_SECONDS or any(one.kind == "account" for one in found)
            if due:
                if not await _alive(feed, subject):
                    return
                asked_at = time.monotonic()
            await _wait(feed, bell, ALIVE_SECONDS - (time.monotonic() - asked_at))


async def _wait(feed: Feed, bell: asyncio.Event, seconds: float) -> None:
    """Until something happens, at most `seconds`; less while notifications cannot be heard."""
    limit = max(seconds if feed.connected else min(seconds, BLIND_SECONDS), 0.05)
    try:
        async with asyncio.timeout(limit):
            await bell.wait()
    except TimeoutError:
        pass


async def _start(feed: Feed, user_id: uuid.UUID, asked: int | None) -> Resume:
    async with feed.db.reading() as session:
        last = await events.last(session, user_id=user_id)
        oldest = None
        if asked is not None and asked < last:
            first = await events.after(session, user_id=user_id, sequence=asked, limit=1)
            oldest = (first[0].sequence, first[0].at) if first else None
    return rules.resume(asked, last, oldest, utcnow())


async def _after(feed: Feed, user_id: uuid.UUID, sequence: int) -> Sequence[Entry]:
    async with feed.db.reading() as session:
        return await events.after(session, user_id=user_id, sequence=sequence, limit=BATCH)


async def _alive(feed: Feed, subject: Subject) -> bool:
    """Is the session this stream was opened with still one of the user's live ones?"""
    async with feed.db.reading() as session:
        gate = gate_of(session)
    now, before = utcnow(), None
    while True:
        found = await sessions.live(gate, subject, before=before, limit=200, now=now)
        if any(one.id == subject.session_id for one in found):
            return True
        if len(found) < 200:
            return False
        before = (found[-1].created_at, found[-1].id)
