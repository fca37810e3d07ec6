"""What a commit's answer is worth: acknowledged, or unknown (scale.md section 4).

A commit that waits for its standby can be told to stop waiting, by an operator or a shutdown. PostgreSQL then answers
with success and a warning: the rows are here and everybody sees them, and they may be nowhere else. A failover would
take them back. So it counts as unknown, like a commit whose connection was lost; both are settled by asking the same
again, in a new commit that is acknowledged: the log is one line, and what came before has then arrived too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidegate import clock

SECONDS = 8.0
"""A commit that takes longer is cut off by closing the socket: one that is cancelled would be visible and unreplicated."""
_STOPPED_WAITING = frozenset({"01000", "57P01"})
_DURABLE = frozenset({"on", "remote_apply"})
_WARNINGS = "warnings"

MARK = "SELECT pg_logical_emit_message(true, 'tidegate', '') WHERE current_setting('synchronous_standby_names') <> ''"
"""A write of no table. Without a standby to wait for, what is visible is on disk."""
FIRST = "SELECT clock_timestamp(), current_setting('synchronous_commit')"
"""Asked on every new connection; `first` judges the answer."""


class Unacknowledged(ConnectionError):
    """It may be lost again or not: ask again with the same key."""


class NotDurable(ConnectionError):
    """This connection would tell of commits that are not on disk, or on no standby."""


def stopped_waiting(message: Any) -> bool:
    """Whether this notice of the server says that a commit was not waited for."""
    return message.severity_en == "WARNING" and message.sqlstate in _STOPPED_WAITING


def first(said: datetime, synchronous_commit: str) -> None:
    """Take the database's time. Raises NotDurable: anybody may switch waiting off for himself, and a pooler in between
    may lose that we switched it on."""
    clock.heard(said)
    if synchronous_commit not in _DURABLE:
        raise NotDurable(f"synchronous_commit is {synchronous_commit} here, and must be on")


def listen(driver: Any, info: dict[str, Any]) -> None:
    """Count in `info` the warnings that come on this connection."""

    def noticed(_connection: Any, message: Any) -> None:
        if stopped_waiting(message):
            info[_WARNINGS] = info.get(_WARNINGS, 0) + 1

    driver.add_log_listener(noticed)


def warnings(info: Mapping[str, Any]) -> int:
    """So many came so far."""
    found: int = info.get(_WARNINGS, 0)
    return found
