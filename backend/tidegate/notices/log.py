"""The account's events, to be read in order by programs that were away."""

import uuid

from tidegate.database import Database, utcnow
from tidegate.notices import rules
from tidegate.notices.feed import Feed
from tidegate.notices.schemas import ChangeOut, EventLogOut, LoggedChangeOut
from tidegate.outbox import log as events
from tidegate.outbox.log import Entry
from tidegate.wire import Waiting


def change(one: Entry) -> ChangeOut:
    """One event as the stream and the log tell it."""
    standing = None if one.standing is None else Waiting.model_validate(one.standing)
    return ChangeOut(kind=one.kind, id=one.object_id, version=one.version, sequence=one.sequence, standing=standing)


async def after(feed: Feed, *, user_id: uuid.UUID, sequence: int, limit: int) -> EventLogOut:
    """Events after `sequence`, oldest first. `reset`: some of them are forgotten, the rest is what is left."""
    now = utcnow()
    async with feed.db.reading() as session:
        last = await events.last(session, user_id=user_id)
        found = [
            one
            for one in await events.after(session, user_id=user_id, sequence=sequence, limit=limit)
            if one.at >= now - rules.KEPT
        ]
    oldest = (found[0].sequence, found[0].at) if found else None
    reset = rules.resume(sequence, last, oldest, now).reset and sequence != 0
    items = [LoggedChangeOut(**change(one).model_dump(), at=one.at) for one in found]
    next_after = items[-1].sequence if items else (last if reset else sequence)
    return EventLogOut(items=items, next_after=next_after, reset=reset)


async def forget(db: Database) -> None:
    """Worker step: drop what nobody is told any more."""
    async with db.transaction() as session:
        await events.forget(session, before=utcnow() - rules.KEPT)
