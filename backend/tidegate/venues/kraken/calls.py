"""Calls to Kraken: nonces in order, exactly the signed bytes, and errors that come with HTTP 200."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tidegate.http import Answer
from tidegate.venues.body import Trouble
from tidegate.venues.kraken import outcome, parse, sign
from tidegate.venues.line import Budget, Clock, Line, held_up, late, understood
from tidegate.venues.port import Reason, VenueUnavailable

T = TypeVar("T")

SECONDS_TO_LIVE = 10
"""After this Kraken itself throws an order away that is still on its way to the engine. Shorter than the settle window."""


class Calls:
    """The calls of one key. Those that are signed go one after the other: their nonces must arrive rising."""

    def __init__(self, line: Line, api_key: str, secret: bytes, share: Budget) -> None:
        self._line = line
        self._api_key, self._secret = api_key, secret
        self._public, self._private = Budget(10, 2), share
        self._clock = Clock(line.name, self._ask_time)
        self._nonce = 0
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Future[Any]] = set()

    async def prepare(self) -> None:
        """Raises VenueUnavailable."""
        self._line.mind()
        await self._clock.set()

    async def open(self, call: str) -> Answer:
        """A public read."""
        answer = await self._line.read("GET", f"/0/public/{call}", budget=self._public, urgent=call == "Time")
        return _checked(answer)

    async def ask(self, call: str, parameters: sign.Parameters, *, weight: float = 1) -> Answer:
        """A private read; once more when another process's nonce came in before ours."""
        for attempt in (1, 2):
            answer = await self.private(call, parameters, weight=weight)
            found = outcome.trouble(answer.status, answer.headers, answer.body)
            if attempt == 2 or found is None or found.reason is not Reason.CLOCK:
                break
        return _checked(answer)

    async def private(self, call: str, parameters: sign.Parameters, *, weight: float) -> Answer:
        """One signed call, whatever its answer. Raises VenueUnavailable."""
        return await self._whole(self._read_in_turn(call, parameters, weight))

    async def act(
        self, call: str, parameters: sign.Parameters, deadline: float | None, *, expires: bool = False
    ) -> Answer | Trouble:
        """A request that must not be repeated. `expires`: give it a time after which Kraken throws it away."""
        held = await held_up(self.prepare, deadline)
        if held is not None:
            return held
        return await self._whole(self._act_in_turn(call, parameters, deadline, expires))

    async def close(self) -> None:
        while self._under_way:
            await asyncio.wait(list(self._under_way))
        await self._line.close()

    async def _act_in_turn(
        self, call: str, parameters: sign.Parameters, deadline: float | None, expires: bool
    ) -> Answer | Trouble:
        async with self._turn:
            held = late(deadline)  # others may have had their turn before
            if held is not None:
                return held
            if expires:
                until = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC) + timedelta(seconds=SECONDS_TO_LIVE)
                parameters = [*parameters, ("deadline", until.strftime("%Y-%m-%dT%H:%M:%SZ"))]
            path, body, headers = self._signed(call, parameters)
            answer = await self._line.send("POST", path, content=body, headers=headers)
        if isinstance(answer, Trouble):
            return answer
        self._heed(answer)
        return outcome.trouble(answer.status, answer.headers, answer.body) or answer

    async def _read_in_turn(self, call: str, parameters: sign.Parameters, weight: float) -> Answer:
        async with self._turn:
            path, body, headers = self._signed(call, parameters)
            answer = await self._line.read(
                "POST", path, content=body, headers=headers, budget=self._private, weight=weight, urgent=True
            )
        self._heed(answer)
        return answer

    async def _whole(self, work: Awaitable[T]) -> T:
        """Let a call end though its caller goes away: the next nonce must not overtake it."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: "asyncio.Future[T]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that went away leaves nobody else to look at it

    def _signed(self, call: str, parameters: sign.Parameters) -> tuple[str, bytes, dict[str, str]]:
        self._nonce = max(self._nonce + 1, time.time_ns() // 1000)
        path, body = f"/0/private/{call}", sign.encode(self._nonce, parameters)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "api-key": self._api_key,
            "api-sign": sign.signature(self._secret, path, self._nonce, body),
        }
        return path, body, headers

    def _heed(self, answer: Answer) -> None:
        """What Kraken says of us comes in the body: that it wants to be left alone, or that our clock is off."""
        found = outcome.trouble(answer.status, answer.headers, answer.body)
        if found is None or answer.status != 200:
            return
        if found.retry_after:
            self._line.hush(found.retry_after)
        if "deadline" in found.detail.lower():
            self._clock.doubt()

    async def _ask_time(self) -> int:
        return understood(parse.server_time, (await self.open("Time")).body)


def _checked(answer: Answer) -> Answer:
    found = outcome.trouble(answer.status, answer.headers, answer.body)
    if found is not None:
        raise VenueUnavailable(found.detail, retry_after=found.retry_after)
    return answer
