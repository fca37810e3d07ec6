"""What a reader who comes back gets: the events missed, or the word to read everything anew. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

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
