"""Candles of a market, from whichever venue answers, kept for a moment: a crowd that looks costs a venue one call."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from tidegate.markets.books import PATIENCE_SECONDS, POLL_SECONDS, Markets
from tidegate.venues.port import Candle, Interval, Market, Venue, VenueUnavailable, Way

log = structlog.get_logger(__name__)

WINDOW = 300
"""So many of a market are kept, the newest ones: every venue gives as many at once."""
SLOWEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Chart:
    """Oldest first; the last one may still be open. All of one venue: candles of two would not fit each other."""

    venue: str
    symbol: str
    as_of: datetime
    candles: tuple[Candle, ...]


@dataclass(slots=True)
class _Kept:
    """`task` is the one look under way, shared by all who wait for it; None came of it when nobody answered."""

    chart: Chart | None = None
    tried_at: float = 0.0
    task: "asyncio.Task[None] | None" = None


class Charts:
    """The newest candles by pair and interval. Asks nobody unless somebody looks."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, Interval], _Kept] = {}

    async def look(self, markets: Markets, base: str, quote: str, interval: Interval) -> Chart | None:
        """None when no venue that trades the pair answers. Refuses VENUE_UNAVAILABLE while nobody has named a market."""
        trading = await markets.trading(base, quote)
        kept = self._kept.setdefault((base, quote, interval), _Kept())
        if time.time() - kept.tried_at >= pace(interval, answered=kept.chart is not None):
            if kept.task is None or kept.task.done():
                kept.task = asyncio.ensure_future(_fetch(kept, trading, interval))
            # Whoever goes away leaves the look to the others.
            await asyncio.shield(kept.task)
        return kept.chart


def pace(interval: Interval, *, answered: bool) -> float:
    """Seconds for which a look serves: the last candle of a day changes no faster than an eye can see."""
    return min(max(interval / 60, POLL_SECONDS), SLOWEST_SECONDS) if answered else POLL_SECONDS


async def _fetch(kept: _Kept, trading: list[tuple[Venue, Market]], interval: Interval) -> None:
    found = None
    for venue, market in sorted(trading, key=lambda one: _rank(one[0], kept.chart)):
        found = await _ask(venue, market, interval)
        if found is not None:
            break
    kept.chart, kept.tried_at = found, time.time()


def _rank(venue: Venue, chart: Chart | None) -> tuple[bool, bool, str]:
    """Who is called at all, then whoever drew the chart so far, then by name."""
    return venue.condition.way is not Way.OPEN, chart is None or chart.venue != venue.name, venue.name


async def _ask(venue: Venue, market: Market, interval: Interval) -> Chart | None:
    now = time.time()
    since = (int(now) // interval - WINDOW + 1) * interval
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await venue.candles(market.symbol, interval, since=since)
    except (VenueUnavailable, TimeoutError) as error:
        log.info("candles_unavailable", venue=venue.name, symbol=market.symbol, reason=str(error)[:200])
        return None
    return Chart(venue.name, market.symbol, datetime.fromtimestamp(now, UTC), tuple(found[-WINDOW:]))
