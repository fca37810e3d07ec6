"""HTTP door of the live stream and the event log."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from tidegate.auth.subject import Subject, allow
from tidegate.notices import log, stream
from tidegate.notices.feed import Feed
from tidegate.notices.schemas import EventLogOut
from tidegate.problems import problems
from tidegate.refusal import Kind

router = APIRouter(prefix="/events", tags=["events"])

SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)


async def the_feed(request: Request) -> Feed:
    """The process's one feed, put there at start by whoever builds the app."""
    feed: Feed = request.app.state.notices
    return feed


At = Annotated[Feed, Depends(the_feed)]
Listener = Annotated[Subject, Depends(allow("events.read"))]


async def a_seat(feed: At, subject: Listener) -> None:
    """A stream that cannot be served is refused here: once it has begun there is no status to refuse with."""
    stream.admit(feed, user_id=subject.user_id)


@router.get(
    "",
    operation_id="events_stream",
    response_class=EventSourceResponse,
    responses=problems(*SIGNED_IN, Kind.BUSY),
    dependencies=[Depends(a_seat)],
)
async def events_stream(
    feed: At,
    subject: Listener,
    last_event_id: Annotated[
        str | None, Header(description="Go on after this sequence; sent by browsers by themselves")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Server-Sent Events: `change` with `{kind, id, version, sequence}`; `reset` when what you missed is gone. A hint."""
    async for event in stream.follow(feed, subject=subject, last_event_id=last_event_id):
        yield event


@router.get("/log", operation_id="events_log", responses=problems(*SIGNED_IN))
async def events_log(
    feed: At,
    subject: Listener,
    after: Annotated[int, Query(ge=0, le=2**62, description="The last sequence you have")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> EventLogOut:
    """The account's events after a sequence, oldest first: seven days of them."""
    return await log.after(feed, user_id=subject.user_id, sequence=after, limit=limit)
