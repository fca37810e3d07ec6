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


# The same for what is counted only when it is done, in the commit that does it, and for many at once: of those that one
# key asks in a batch, the first that fit are taken. A counter that moved since it was looked at takes none of them.
_TAKE_WITH = Write(
    """
    WITH r AS (
        SELECT rows.*, row_number() OVER (PARTITION BY key ORDER BY i) AS n
        FROM jsonb_to_recordset($1::jsonb) AS rows(i int, key text, now timestamptz, interval interval, period interval)
    ), asked AS (
        SELECT key, max(now) AS now, max(interval) AS every, max(period) AS period, count(*) AS n FROM r GROUP BY key
    ), before AS (
        SELECT c.key, c.spent_until FROM rate_counters c JOIN asked USING (key) ORDER BY c.key FOR UPDATE OF c
    ), fits AS (
        SELECT a.key, a.now, a.every, a.period, b.key IS NULL AS fresh,
               least(a.n, floor(extract(epoch FROM a.now + a.period - greatest(b.spent_until, a.now))
                                / extract(epoch FROM a.every))) AS n
        FROM asked a LEFT JOIN before b USING (key)
    ), done AS (
        UPDATE rate_counters c SET spent_until = greatest(c.spent_until, f.now) + f.n * f.every
        FROM fits f WHERE c.key = f.key AND f.n > 0 AND greatest(c.spent_until, f.now) + f.n * f.every <= f.now + f.period
        RETURNING c.key
    ), made AS (
        INSERT INTO rate_counters (key, spent_until) SELECT key, now + n * every FROM fits WHERE fresh AND n > 0
        ON CONFLICT DO NOTHING RETURNING key
    )
    SELECT array_agg(r.i) FROM r JOIN fits USING (key)
    WHERE r.n <= fits.n AND r.key IN (SELECT key FROM done UNION ALL SELECT key FROM made)
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
