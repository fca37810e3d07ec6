"""Writing an event, as a rider on the commit that makes the change."""

import uuid
from typing import Any, Literal

from tidegate.database import Rider, Write

CHANNEL = "tidegate_events"
WORK = "tidegate_work"
"""Rung beside it, with the kinds of what changed: workers look for what is due, and not for everything each time."""

EventKind = Literal[
    "withdrawal",
    "deposit",
    "conversion",
    "balance",
    "transfer",
    "beneficiary",
    "address",
    "account",
    "notice",
    "webhook",
]

# Take the accounts' next numbers (locking their counters until commit, in order), write the rows, ring one bell for all:
# a payload may have 8,000 bytes, so a bell names at most 200 accounts.
_TOLD = """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb)
            AS rows(i int, user_id uuid, kind text, object_id uuid, version int, standing jsonb)
    ), asked AS (
        SELECT user_id, count(*) AS n FROM r GROUP BY user_id ORDER BY user_id
    ), number AS (
        INSERT INTO event_counters AS c (user_id, last) SELECT user_id, n FROM asked
        ON CONFLICT (user_id) DO UPDATE SET last = c.last + excluded.last
        RETURNING user_id, last
    ), done AS (
        INSERT INTO events (user_id, sequence, kind, object_id, version, standing, at)
        SELECT r.user_id, number.last - asked.n + row_number() OVER (PARTITION BY r.user_id ORDER BY r.i),
               r.kind, r.object_id, r.version, r.standing, clock_timestamp()
        FROM r JOIN number USING (user_id) JOIN asked USING (user_id)
        RETURNING user_id
    ), bell AS (
        SELECT pg_notify('tidegate_events', string_agg(n.user_id::text, ',')) AS rung
        FROM (SELECT user_id, (row_number() OVER () - 1) / 200 AS part FROM number) n GROUP BY n.part{work}
    )
    SELECT array_agg(r.i) FROM r WHERE (SELECT count(*) FROM bell) > 0
    """
_WORK = """
        UNION ALL
        SELECT pg_notify('tidegate_work', string_agg(DISTINCT r.kind, ',')) FROM r"""
_CHANGED = Write(_TOLD.replace("{work}", _WORK))
_SHOWN = Write(_TOLD.replace("{work}", ""))


def changed(
    user_id: uuid.UUID, kind: EventKind, object_id: uuid.UUID, version: int, standing: dict[str, Any] | None = None
) -> Rider:
    """The rider that tells this user's streams that `object_id` is now at `version`, and where it then stands."""
    return Rider("event", _CHANGED, _values(user_id, kind, object_id, version, standing))


def shown(
    user_id: uuid.UUID, kind: EventKind, object_id: uuid.UUID, version: int, standing: dict[str, Any] | None = None
) -> Rider:
    """`changed`, where it gives no worker anything to do."""
    return Rider("event", _SHOWN, _values(user_id, kind, object_id, version, standing))


def _values(
    user_id: uuid.UUID, kind: EventKind, object_id: uuid.UUID, version: int, standing: dict[str, Any] | None
) -> dict[str, object]:
    return {"user_id": user_id, "kind": kind, "object_id": object_id, "version": version, "standing": standing}
