"""Taking from a limit: one conditional UPSERT (GCRA) in PostgreSQL, so that every process counts the same."""

import math
from datetime import datetime

from sqlalchemy import text

from tidegate.auth.gate import Gate
from tidegate.auth.rules import LIMITS
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


def counter(limit: str, whose: str) -> str:
    """The counter's key."""
    return f"{limit}:{whose}"


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
    wait = 1.0
    if spent_until is not None:
        wait = (spent_until + rule.interval - rule.period - now).total_seconds()
    raise Refusal(Kind.RATE_LIMITED, "Too many tries; wait a little.", limit=limit, retry_after=max(1, math.ceil(wait)))


async def give_back(gate: Gate, limit: str, whose: str, *, now: datetime) -> None:
    """Undo one `take`: the try was right, and only wrong ones are meant to count."""
    rule = LIMITS[limit].times(gate.settings.auth.rate_limit_factor)
    async with gate.beside.connect() as connection:
        await connection.execute(_BACK, {"key": counter(limit, whose), "interval": rule.interval, "now": now})
