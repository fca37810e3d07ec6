"""Writing an event, as a rider on the commit that makes the change."""

import uuid
from typing import Literal

from sqlalchemy import text

from tidegate.database import Rider

CHANNEL = "tidegate_events"

EventKind = Literal[
    "withdrawal", "deposit", "conversion", "balance", "transfer", "beneficiary", "address", "account", "notice"
]

# One statement: take the account's next number (locking its counter until commit), write the row, ring the bell.
_CHANGED = text(
    """
    WITH number AS (
        INSERT INTO event_counters AS c (user_id, last) VALUES (:user_id, 1)
        ON CONFLICT (user_id) DO UPDATE SET last = c.last + 1
        RETURNING last
    ), bell AS (
        SELECT pg_notify('tidegate_events', CAST(:user_id AS text)) AS rung
    )
    INSERT INTO events (user_id, sequence, kind, object_id, version, at)
    SELECT :user_id, number.last, :kind, :object_id, :version, clock_timestamp()
    FROM number, bell
    """
)


def changed(user_id: uuid.UUID, kind: EventKind, object_id: uuid.UUID, version: int) -> Rider:
    """The rider that tells this user's streams that `object_id` is now at `version`."""
    statement = _CHANGED.bindparams(user_id=user_id, kind=kind, object_id=object_id, version=version)
    return Rider("event", statement)
