"""Who watches which market live: each pair is looked at twice a second at most, by however many, and by nobody else."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tidegate.markets.books import Markets
from tidegate.markets.consolidated import Consolidated, consolidate

LOOK_SECONDS = 0.5
AGAIN_SECONDS = 2.0
"""A price that stands still is told again this often: its age is part of it."""
MOST_WATCHERS = 2000
"""In one process."""
MOST_OF_ONE = 12
"""Of one user."""


@dataclass(slots=True)
class _Look:
    at: float = 0.0
    pair: Consolidated | None = None
    task: "asyncio.Task[None] | None" = None


class Ticks:
    """The consolidated pairs that somebody watches. Nothing runs here by itself: a look is a watcher's own call."""

    def __init__(self) -> None:
        self._looks: dict[tuple[str, str], _Look] = {}
        self._seated: Counter[uuid.UUID] = Counter()

    def full(self, user_id: uuid.UUID) -> bool:
        """No more watchers, of this user or at all."""
        return self._seated[user_id] >= MOST_OF_ONE or self._seated.total() >= MOST_WATCHERS

    @contextmanager
    def seated(self, user_id: uuid.UUID) -> Iterator[None]:
        """Counted among the watchers meanwhile."""
        self._seated[user_id] += 1
        try:
            yield
        finally:
            self._seated[user_id] -= 1
            if not self._seated[user_id]:
                del self._seated[user_id]

    async def look(self, markets: Markets, base: str, quote: str) -> Consolidated | None:
        """The pair as it stands, at most half a second old; None when no venue lists it any more."""
        look = self._looks.setdefault((base, quote), _Look())
        if time.monotonic() - look.at >= LOOK_SECONDS:
            if look.task is None or look.task.done():
                look.task = asyncio.ensure_future(_refresh(look, markets, base, quote))
            await asyncio.shield(look.task)
        return look.pair


async def _refresh(look: _Look, markets: Markets, base: str, quote: str) -> None:
    found = consolidate(await markets.sources(base, quote))
    look.pair, look.at = (found[0] if found else None), time.monotonic()


def is_news(told: Consolidated | None, now: Consolidated) -> bool:
    """Whether somebody who was told the one must hear the other: a price moved, a source came or went, or time passed."""
    if told is None or _face(told) != _face(now):
        return True
    if told.as_of is None or now.as_of is None:
        return told.as_of is not now.as_of
    return (now.as_of - told.as_of).total_seconds() >= AGAIN_SECONDS


def _face(pair: Consolidated) -> tuple[Any, ...]:
    """All of it that a reader sees, without the ages."""
    return tuple((one.venue, one.market.symbol, one.bid, one.ask, one.unusable) for one in pair.sources)
