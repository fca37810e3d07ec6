"""What time it is: the database's, which all processes share, carried on by this machine's steady clock.

An expiry, a hold, a lease is a time that one process writes and another one reads. By each machine's own clock, one that
is wrong would release early or use a code twice; so none is asked. Until the database has answered once, and for a
process without one, it is the machine's.
"""

import time
from datetime import UTC, datetime, timedelta

import structlog

log = structlog.get_logger(__name__)

WRONG_SECONDS = 2.0
"""A machine's clock that is further off is said to be wrong: its log and its TLS go by it."""
_SAME_SECONDS = 0.05
"""Answers that differ by less differ by how long they were under way."""

_known: tuple[datetime, float] | None = None
"""What the database said, and the steady clock when it had been heard."""


def now() -> datetime:
    if _known is None:
        return _machine()
    said, heard = _known
    return said + timedelta(seconds=_steady() - heard)


def heard(said: datetime) -> None:
    """The database has just told its time. It was a moment earlier there, so that we never run ahead of it."""
    global _known
    at = _steady()
    if _known is not None:
        ahead = (now() - said).total_seconds()
        if 0 <= ahead < _SAME_SECONDS:
            return  # the answer before was quicker
    _known = said, at
    off = (_machine() - said).total_seconds()
    if abs(off) > WRONG_SECONDS:
        log.warning("clock_is_wrong", seconds=round(off, 1))


def forget() -> None:
    """The machine's own clock again."""
    global _known
    _known = None


def _machine() -> datetime:
    return datetime.now(UTC)


def _steady() -> float:
    """Goes on while the machine sleeps, and nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
