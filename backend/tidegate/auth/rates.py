"""Taking from a limit: one conditional UPSERT (GCRA) in PostgreSQL, so that every process counts the same."""

import math
from datetime import datetime, timedelta

from sqlalchemy import text

from tidegate.auth.gate import Gate
from tidegate.auth.rules import LIMITS, Limit
from tidegate.config import Settings
from tidegate.database import Database, Rider, Write
from tidegate.refusal import Kind, Refusal

# `spent_until` moves by one interval for each taken; more than one period ahead of now means: none left.
_TAKE = text(
    """
    INSERT INTO rate_counters AS r (key, spent_until)
    VALUES (:key, CAST(:now AS timestamptz) + CAST(:interval AS interval))
    ON CONFLICT (key) DO UPDATE SET spent_until = greatest(r.spent_until, :now) + CAST(:interval AS interval)
    WHERE greatest(r.spent_until, :now) + CAST(:interval AS interval)
          <= CAST(:now AS timestamptz) + CAST(:period AS interval)
    RETURNING spent_until
    """
)
_SPENT = text("SELECT spent_until FROM rate_counters WHERE key = :key")
_BACK = text(
    "UPDATE rate_counters SET spent_until = spent_until - CAST(:interval AS interval) WHERE key = :key AND spent_until > :now"
)


# The same for what is counted only when it is done, in the commit that does it, and for many at once. Those that one key
# asks in a batch are taken together or not at all: then the lane asks for each by itself.
_TAKE_WITH = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb)
            AS rows(i int, key text, now timestamptz, interval interval, period interval)
    ), asked AS (
        SELECT key, max(now) AS now, count(*) * max(interval) AS takes, max(period) AS period FROM r GROUP BY key
    ), done AS (
        INSERT INTO rate_counters AS c (key, spent_until)
        SELECT key, now + takes FROM asked WHERE takes <= period ORDER BY key
        ON CONFLICT (key) DO UPDATE
        SET spent_until = (SELECT greatest(c.spent_until, a.now) + a.takes FROM asked a WHERE a.key = excluded.key)
        WHERE (SELECT greatest(c.spent_until, a.now) + a.takes <= a.now + a.period FROM asked a WHERE a.key = excluded.key)
        RETURNING c.key
    )
    SELECT array_agg(r.i) FROM r JOIN done USING (key)
    """
)


def counter(limit: str, whose: str) -> str:
    """The counter's key."""
    return f"{limit}:{whose}"


def rider(settings: Settings, limit: str, whose: str, *, now: datetime) -> Rider:
    """One of `limit` for `whose`, in the caller's commit: what is refused counts nothing. On a miss raise `none_left`."""
    rule = LIMITS[limit].times(settings.auth.rate_limit_factor)
    values = {"key": counter(limit, whose), "now": now, "interval": _seconds(rule.interval)}
    return Rider("rate", _TAKE_WITH, values=values | {"period": _seconds(rule.period)})


def _seconds(span: timedelta) -> str:
    """PostgreSQL's spelling, exact to the microsecond."""
    return f"{span // timedelta(microseconds=1)} microseconds"


async def none_left(db: Database, settings: Settings, limit: str, whose: str, *, now: datetime) -> Refusal:
    """RATE_LIMITED, with the seconds until one comes back."""
    async with db.reading() as session:
        spent_until = await session.scalar(_SPENT, {"key": counter(limit, whose)})
    return _refusal(LIMITS[limit].times(settings.auth.rate_limit_factor), spent_until, now)


def _refusal(rule: Limit, spent_until: datetime | None, now: datetime) -> Refusal:
    wait = 1.0
    if spent_until is not None:
        wait = (spent_until + rule.interval - rule.period - now).total_seconds()
    words = "Too many tries; wait a little."
    return Refusal(Kind.RATE_LIMITED, words, limit=rule.name, retry_after=max(1, math.ceil(wait)))


async def take(gate: Gate, limit: str, whose: str, *, now: datetime) -> None:
    """One of `limit` for `whose`, committed at once, or Refusal RATE_LIMITED with `retry_after`."""
    rule = LIMITS[limit].times(gate.settings.auth.rate_limit_factor)
    key = counter(limit, whose)
    async with gate.beside.connect() as connection:
        taken = await connection.scalar(
            _TAKE, {"key": key, "now": now, "interval": rule.interval, "period": rule.period}
        )
        if taken is not None:
            return
        spent_until = await connection.scalar(_SPENT, {"key": key})
    raise _refusal(rule, spent_until, now)


async def give_back(gate: Gate, limit: str, whose: str, *, now: datetime) -> None:
    """Undo one `take`: the try was right, and only wrong ones are meant to count."""
    rule = LIMITS[limit].times(gate.settings.auth.rate_limit_factor)
    async with gate.beside.connect() as connection:
        await connection.execute(_BACK, {"key": counter(limit, whose), "interval": rule.interval, "now": now})
