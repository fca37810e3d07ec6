"""The markets, live, for a page that shows them: what changed, as Server-Sent Events."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence

from fastapi.sse import ServerSentEvent

from tidegate.exchange import rates
from tidegate.exchange.desk import Desk
from tidegate.markets.consolidated import Consolidated
from tidegate.markets.ticks import LOOK_SECONDS, is_news
from tidegate.refusal import Kind, Refusal

Pair = tuple[str, str]

LIFE_SECONDS = 300.0
"""Then the stream ends and the browser opens it anew: whoever was signed out meanwhile is refused there."""
RETRY_MILLISECONDS = 2000


async def admit(desk: Desk, *, user_id: uuid.UUID, markets: Sequence[str]) -> tuple[Pair, ...]:
    """The pairs to watch. Refuses UNKNOWN_ASSET, NOT_FOUND, VENUE_UNAVAILABLE, and BUSY when there is no seat left."""
    pairs = tuple(dict.fromkeys([await rates.pair_in(desk, name) for name in markets]))
    if desk.ticks.full(user_id):
        raise Refusal(Kind.BUSY, "Too many open streams; close one or ask again.", retry_after=5)
    return pairs


async def follow(desk: Desk, *, user_id: uuid.UUID, pairs: Sequence[Pair]) -> AsyncIterator[ServerSentEvent]:
    """Each pair at once, then whenever it changed, at most twice a second. Ends after `LIFE_SECONDS`."""
    told: dict[Pair, Consolidated] = {}
    ends = time.monotonic() + LIFE_SECONDS
    with desk.ticks.seated(user_id):
        yield ServerSentEvent(comment="hello", retry=RETRY_MILLISECONDS)
        while (now := time.monotonic()) < ends:
            looks = await asyncio.gather(*(desk.ticks.look(desk.markets, *pair) for pair in pairs))
            for pair, seen in zip(pairs, looks, strict=True):
                if seen is not None and is_news(told.get(pair), seen):
                    told[pair] = seen
                    yield ServerSentEvent(event="market", data=rates.shape(seen))
            await asyncio.sleep(max(0.0, now + LOOK_SECONDS - time.monotonic()))
