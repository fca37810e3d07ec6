"""What a reader who comes back gets: the events missed, or the word to read everything anew. When mails are tried again.
Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

KEPT = timedelta(days=7)
"""How long a reader may stay away and still be told what was missed."""

_SEQUENCE = re.compile(r"(0|[1-9][0-9]{0,18})\Z", re.ASCII)


def read_sequence(text: str | None) -> int | None:
    """The sequence a Last-Event-ID names; None for none, and for what is not one of ours."""
    if text is None or not _SEQUENCE.match(text):
        return None
    found = int(text)
    return found if found < 2**63 else None


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on after `sequence`; `reset`: what came before it is not told any more."""

    sequence: int
    reset: bool


def resume(asked: int | None, last: int, oldest: tuple[int, datetime] | None, now: datetime) -> Resume:
    """Where to go on. `oldest` is the first stored event after `asked`, `last` the account's newest sequence."""
    if asked is None:
        return Resume(last, reset=False)
    if asked == last:
        return Resume(last, reset=False)
    if asked > last:  # a number of another account or of a database that is no more
        return Resume(last, reset=True)
    if oldest is None or oldest[0] != asked + 1 or oldest[1] < now - KEPT:
        return Resume(last, reset=True)
    return Resume(asked, reset=False)


# --- mails ---------------------------------------------------------------------------------------------------------

MAIL_KEPT = timedelta(days=30)
"""How long a mail that was sent is remembered."""
CANCEL_LINK = timedelta(days=3)
FREEZE_LINK = timedelta(days=7)
"""How long the links in a mail work, from when it was written."""

_AFTER = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=12),
)
MAIL_TRIES = len(_AFTER) + 1
"""The first one at once, the last one about 28 hours later."""
_JITTER = 0.1


class Carried(StrEnum):
    """What came of a try."""

    TAKEN = "taken"  # the server has it
    REFUSED = "refused"  # for good
    UNWANTED = "unwanted"  # its user does not want it
    AGAIN = "again"  # refused for now, or nobody answered: certainly not taken
    UNKNOWN = "unknown"  # the conversation broke: it may have been taken


def next_mail(tries: int, now: datetime, chance: float) -> datetime | None:
    """When to try again after `tries` in vain; None after the last. `chance` from 0 to 1 spreads them by a tenth."""
    if tries >= MAIL_TRIES:
        return None
    return now + _AFTER[max(tries, 1) - 1] * (1 + _JITTER * (2 * chance - 1))
