"""The way to one venue: what may be sent when, and how failures add up. Every adapter talks through one.

Nothing leaves while the venue wants to be left alone (429, 418, Retry-After, `hush`), while our share of calls is used
up, or while the way is broken; an order is then REFUSED, because surely nothing was sent.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from tidegate.http import Answer, NoAnswer, NotSent, Outbound
from tidegate.money import UnknownAsset, asset
from tidegate.venues.body import Malformed, Trouble, asked_wait
from tidegate.venues.port import Condition, Market, PlaceOutcome, Reason, VenueUnavailable, Way

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

BREAKS_AFTER = 8
"""Calls in a row without a usable answer, after which only one at a time is let through."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
PATIENCE = 1.0
"""Seconds that a call waits for its share before it gives up."""
KEPT_BACK = 0.2
"""The part of the share that only orders and the search for them may use."""


class Budget:
    """A counter that rises by the weight of each call and falls with time, as venues count."""

    def __init__(self, limit: float, per_second: float) -> None:
        self.limit, self.per_second = limit, per_second
        self._used, self._at = 0.0, time.monotonic()

    def take(self, weight: float, *, urgent: bool) -> float:
        """0, and the weight is taken; or the seconds until it can be."""
        self._fall()
        room = self.limit if urgent else self.limit * (1 - KEPT_BACK)
        # What is heavier than the whole share goes out alone.
        over = self._used + min(weight, room) - room
        if over > 0:
            return over / self.per_second
        self._used += weight
        return 0.0

    def told(self, used: float, limit: float | None = None) -> None:
        """The venue's own count, which others may share."""
        self._fall()
        self.limit = limit or self.limit
        self._used = used

    def _fall(self) -> None:
        now = time.monotonic()
        self._used, self._at = max(0.0, self._used - (now - self._at) * self.per_second), now


class Line:
    """`read` asks and raises VenueUnavailable; `send` carries an order or a withdrawal and never raises for the venue."""

    def __init__(
        self, base_url: str, *, name: str, headers: Mapping[str, str] | None = None, timeout: float = 10.0
    ) -> None:
        self.name = name
        self._out = Outbound(base_url, headers=headers, timeout=timeout)
        self._silent_until = 0.0  # monotonic
        self._failures = 0
        self._broken_until = 0.0  # monotonic
        self._probing = False

    @property
    def condition(self) -> Condition:
        wait = self._silent_until - time.monotonic()
        if self._failures >= BREAKS_AFTER:
            left = max(0.0, self._broken_until - time.monotonic(), wait)
            return Condition(Way.BROKEN, left, self._failures, f"{self._failures} calls in a row failed")
        if wait > 0:
            return Condition(Way.WAITING, wait, self._failures, "told to wait")
        return Condition(Way.OPEN, failures=self._failures)

    def hush(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._silent_until = max(self._silent_until, time.monotonic() + seconds)
        log.warning("told to wait", extra={"venue": self.name, "seconds": seconds})

    def mind(self) -> None:
        """Raises VenueUnavailable while nothing may be sent."""
        held = self._held()
        if held is not None:
            raise VenueUnavailable(held.detail, retry_after=held.retry_after)

    def _held(self) -> Trouble | None:
        now = time.monotonic()
        if now < self._silent_until:
            return _kept(Reason.RATE_LIMITED, "told to wait", self._silent_until - now)
        if self._failures >= BREAKS_AFTER and (self._probing or now < self._broken_until):
            return _kept(Reason.NOT_CONNECTED, "the way is broken", max(0.1, self._broken_until - now))
        return None

    async def read(
        self,
        method: str,
        target: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        budget: Budget | None = None,
        weight: float = 1,
        urgent: bool = False,
    ) -> Answer:
        """An answer of any status. Raises VenueUnavailable where there is none, or nothing may be asked."""
        held = await self._share(budget, weight, urgent=urgent)
        if held is not None:
            raise VenueUnavailable(held.detail, retry_after=held.retry_after)
        try:
            return await self._call(method, target, content, headers, max_bytes)
        except (NotSent, NoAnswer) as error:
            raise VenueUnavailable(f"no answer: {error}") from error

    async def send(
        self,
        method: str,
        target: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | Trouble:
        """One request that acts. Sent at most once: REFUSED when nothing left, UNKNOWN when no complete answer came."""
        held = self._held()
        if held is not None:
            return held
        try:
            return await self._call(method, target, content, headers, None)
        except NotSent as error:
            return Trouble(PlaceOutcome.REFUSED, Reason.NOT_CONNECTED, str(error))
        except NoAnswer as error:
            return Trouble(PlaceOutcome.UNKNOWN, Reason.NO_ANSWER, str(error))

    async def _share(self, budget: Budget | None, weight: float, *, urgent: bool) -> Trouble | None:
        """Wait a little for our share of calls. None: go."""
        until = time.monotonic() + PATIENCE
        while True:
            held = self._held()
            if held is not None or budget is None:
                return held
            wait = budget.take(weight, urgent=urgent)
            if wait == 0:
                return None
            if time.monotonic() + wait > until:
                return _kept(Reason.RATE_LIMITED, "our share of calls is used up", wait)
            await asyncio.sleep(wait)

    async def _call(
        self, method: str, target: str, content: bytes | None, headers: Mapping[str, str] | None, max_bytes: int | None
    ) -> Answer:
        probe = self._failures >= BREAKS_AFTER
        self._probing = self._probing or probe
        try:
            answer = await self._out.call(method, target, content=content, headers=headers, max_bytes=max_bytes)
        except (NotSent, NoAnswer):
            self._failed()
            raise
        finally:
            if probe:
                self._probing = False
        wait = asked_wait(answer.status, answer.headers)
        if wait is not None and answer.status in (418, 429, 503):
            self.hush(wait)
        if answer.status >= 500:
            self._failed()
        else:
            self._failures = 0
        return answer

    def _failed(self) -> None:
        self._failures += 1
        beyond = self._failures - BREAKS_AFTER
        if beyond >= 0:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(beyond, 10))
            self._broken_until = time.monotonic() + pause
            log.warning("way broken", extra={"venue": self.name, "failures": self._failures, "seconds": pause})

    async def close(self) -> None:
        await self._out.close()


def _kept(reason: Reason, detail: str, wait: float) -> Trouble:
    return Trouble(PlaceOutcome.REFUSED, reason, detail, wait)


class Clock:
    """The venue's clock against ours, measured anew when the last measure is old or was found wrong."""

    def __init__(self, name: str, ask: Callable[[], Awaitable[int]], *, lasts: float = 600.0) -> None:
        self.name, self._ask, self._lasts = name, ask, lasts
        self.offset_ms = 0
        self._measured: float | None = None  # monotonic
        self._lock = asyncio.Lock()

    def now_ms(self) -> int:
        """The venue's time, as far as it is known."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def doubt(self) -> None:
        """Measure before the next use."""
        self._measured = None

    async def set(self) -> None:
        """Raises VenueUnavailable."""
        async with self._lock:
            if self._measured is not None and time.monotonic() - self._measured < self._lasts:
                return
            before = time.time_ns() // 1_000_000
            theirs = await self._ask()
            after = time.time_ns() // 1_000_000
            # Off by half the round trip at most.
            self.offset_ms = theirs - (before + after) // 2
            self._measured = time.monotonic()
            if abs(self.offset_ms) > 1000:
                log.warning("clock differs from the venue's", extra={"venue": self.name, "ms": self.offset_ms})


def late(deadline: float | None) -> Trouble | None:
    """A refusal once `deadline` (monotonic) is over: whoever looks for the order must not be overtaken by it."""
    if deadline is None or time.monotonic() <= deadline:
        return None
    return Trouble(PlaceOutcome.REFUSED, Reason.NOT_CONNECTED, "held up past its deadline")


async def held_up(prepare: Callable[[], Awaitable[None]], deadline: float | None) -> Trouble | None:
    """Why an order cannot leave, None when it can. Nothing of it has left this process."""
    try:
        await prepare()
    except VenueUnavailable as error:
        why = Reason.RATE_LIMITED if error.retry_after else Reason.NOT_CONNECTED
        return Trouble(PlaceOutcome.REFUSED, why, error.detail, error.retry_after)
    return late(deadline)


def understood(read: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """What `read` makes of an answer; VenueUnavailable in place of Malformed."""
    try:
        return read(*args, **named)
    except Malformed as error:
        raise VenueUnavailable(f"not its protocol: {error}") from error


def known(code: str) -> bool:
    """Whether this house has the asset."""
    try:
        asset(code)
    except UnknownAsset:
        return False
    return True


def chosen(markets: Sequence[Market], pairs: Sequence[str]) -> list[Market]:
    """Those that the settings let us trade: all where they name none."""
    return [one for one in markets if not pairs or f"{one.base}-{one.quote}" in pairs]
