"""What other distributions may offer by entry points, ours among them: found by name, and by one name only."""

from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

T = TypeVar("T")


class NotOffered(LookupError):
    """Nobody offers it, or not plainly one. The text is for a person."""


def offered(group: str) -> dict[str, list[EntryPoint]]:
    """Entry points of a group by name, without loading any."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, []).append(point)
    return found


def load(group: str, name: str, kind: type[T], *, noun: str) -> T:
    """Load what `name` stands for. Refuses (NotOffered) a name that nobody offers, one that two distributions offer, and
    what is no `kind`."""
    known = offered(group)
    offers = known.get(name, [])
    if not offers:
        raise NotOffered(f"there is no {noun} {name!r}; there are {sorted(known)}.")
    if len(offers) > 1:
        # Whichever came first would be given the keys, or see every payout: a person decides, not the import path.
        names = sorted(point.dist.name if point.dist else "?" for point in offers)
        raise NotOffered(f"{name!r} is offered by {' and '.join(names)}.")
    found = offers[0].load()
    if not isinstance(found, kind):
        raise NotOffered(f"the entry point {name!r} is no {kind.__module__}.{kind.__qualname__}.")
    return found
