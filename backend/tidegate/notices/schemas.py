"""Wire shapes of the event log."""

import uuid

from pydantic import Field

from tidegate.wire import Out, Time, Waiting


class ChangeOut(Out):
    """Something of yours changed: fetch it. The same data as one `change` on the stream."""

    kind: str = Field(examples=["withdrawal"])
    id: uuid.UUID
    version: int
    sequence: int = Field(description="Gap-free within the account")
    standing: Waiting | None = Field(
        default=None, description="Of a withdrawal: where it stood at this version, word for word as it is told there"
    )


class LoggedChangeOut(ChangeOut):
    at: Time


class EventLogOut(Out):
    """Oldest first, so that a reader can go on from where it stopped. `next_after` is the next call's `after`."""

    items: list[LoggedChangeOut]
    next_cursor: str | None = None
    next_after: int
    reset: bool = Field(description="True when events after `after` were already dropped: read everything anew")
