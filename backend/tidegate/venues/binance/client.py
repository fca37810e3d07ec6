"""The talking half of Binance Spot: clock, limits, signatures, and exactly the signed bytes on the wire."""

import asyncio
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import ParamSpec, TypeVar

from tidegate.http import MIB, Answer, NoAnswer, NotSent, Outbound
from tidegate.money import UnknownAsset, asset
from tidegate.venues.binance import parse, sign
from tidegate.venues.port import (
    Balance,
    Book,
    Fill,
    Market,
    OrderSeen,
    Placed,
    PlaceOutcome,
    Reason,
    Side,
    VenueUnavailable,
)

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

RECEIVE_WINDOW_MS = 5000
CLOCK_SECONDS = 600.0  # how long a measured offset is trusted
TRADES_A_PAGE = 1000


class Binance:
    """One account at Binance Spot (or at anything that speaks its REST protocol). Implements `venues.port.Venue`.

    After 418 or 429 nothing is sent until the time the venue named has passed: reads raise VenueUnavailable, orders
    answer REFUSED with RATE_LIMITED.
    """

    def __init__(
        self,
        *,
        rest_url: str,
        api_key: str,
        secret: str,
        taker_fee: Decimal = Decimal("0.001"),
        name: str = "binance",
        timeout: float = 10.0,
    ) -> None:
        self.name = name
        self.taker_fee = taker_fee
        self._secret = secret.encode()
        self._out = Outbound(rest_url, headers={"x-mbx-apikey": api_key} if api_key else {}, timeout=timeout)
        self._offset_ms = 0
        self._measured: float | None = None  # monotonic time of the last measurement
        self._clock_lock = asyncio.Lock()
        self._silent_until = 0.0  # monotonic

    async def markets(self) -> list[Market]:
        # The whole list is several MiB: permission sets are most of it and nothing here reads them.
        query = "permissions=SPOT&showPermissionSets=false"
        answer = await self._read(f"/api/v3/exchangeInfo?{query}", max_bytes=32 * MIB)
        return _parsed(parse.markets, answer.body, _known)

    async def book(self, symbol: str, depth: int = 100) -> Book:
        query = sign.encode([("symbol", symbol), ("limit", str(depth))]).decode()
        answer = await self._read(f"/api/v3/depth?{query}")
        received = time.time()
        return _parsed(parse.book, answer.body, symbol, received)

    async def balances(self) -> list[Balance]:
        answer = await self._signed_read("/api/v3/account", [("omitZeroBalances", "true")])
        return _parsed(parse.balances, answer.body)

    async def prepare(self) -> None:
        self._mind_silence()
        await self._set_clock()

    async def place(
        self,
        *,
        client_order_id: str,
        symbol: str,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        deadline: float | None = None,
    ) -> Placed:
        parameters = [
            ("symbol", symbol),
            ("side", side.value.upper()),
            ("type", "LIMIT"),
            ("timeInForce", "IOC"),
            ("quantity", _plain(quantity)),
            ("price", _plain(price)),
            ("newClientOrderId", client_order_id),
            ("newOrderRespType", "RESULT"),
        ]
        wait = self._silence()
        if wait > 0:
            return Placed(PlaceOutcome.REFUSED, reason=Reason.RATE_LIMITED, detail="told to wait", retry_after=wait)
        try:
            await self._set_clock()
        except VenueUnavailable as error:
            # Nothing of the order has left this process.
            why = Reason.RATE_LIMITED if error.retry_after else Reason.NOT_CONNECTED
            return Placed(PlaceOutcome.REFUSED, reason=why, detail=error.detail, retry_after=error.retry_after)
        if deadline is not None and time.monotonic() > deadline:
            # The clock took too long. From here on the stamp and the venue's own window keep it from arriving late.
            return Placed(PlaceOutcome.REFUSED, reason=Reason.NOT_CONNECTED, detail="held up past its deadline")
        try:
            answer = await self._send("POST", "/api/v3/order", parameters)
        except NotSent as error:
            return Placed(PlaceOutcome.REFUSED, reason=Reason.NOT_CONNECTED, detail=str(error))
        except NoAnswer as error:
            return Placed(PlaceOutcome.UNKNOWN, reason=Reason.NO_ANSWER, detail=str(error))
        placed = parse.placed(answer.status, answer.headers, answer.body, client_order_id)
        if placed.reason is Reason.CLOCK:
            self._measured = None
        return placed

    async def find(self, *, client_order_id: str, symbol: str) -> OrderSeen | None:
        parameters = [("symbol", symbol), ("origClientOrderId", client_order_id)]
        answer = await self._signed("GET", "/api/v3/order", parameters)
        if answer.status != 200:
            failed = parse.failure(answer.status, answer.headers, answer.body)
            if failed.status == 400 and failed.code in (parse.NO_SUCH_ORDER, parse.ARCHIVED):
                return None
            raise _unavailable(failed)
        seen = _parsed(parse.order, answer.body)
        if seen.client_order_id != client_order_id:
            raise VenueUnavailable("the answer names another order")
        return seen

    async def fills(self, *, venue_order_id: str, symbol: str) -> list[Fill]:
        found: dict[str, Fill] = {}
        since: list[tuple[str, str]] = []
        while True:
            parameters = [("symbol", symbol), ("orderId", venue_order_id), ("limit", str(TRADES_A_PAGE)), *since]
            answer = await self._signed_read("/api/v3/myTrades", parameters)
            page = _parsed(parse.fills, answer.body, venue_order_id)
            found.update((fill.trade_id, fill) for fill in page)
            if len(page) < TRADES_A_PAGE:
                return list(found.values())
            since = [("fromId", str(int(page[-1].trade_id) + 1))]

    async def cancel(self, *, client_order_id: str, symbol: str) -> None:
        answer = await self._signed(
            "DELETE", "/api/v3/order", [("symbol", symbol), ("origClientOrderId", client_order_id)]
        )
        if answer.status != 200:
            failed = parse.failure(answer.status, answer.headers, answer.body)
            if failed.code != parse.NOTHING_TO_CANCEL:
                raise _unavailable(failed)

    async def close(self) -> None:
        await self._out.close()

    # How requests are made.

    async def _send(self, method: str, path: str, parameters: list[tuple[str, str]]) -> Answer:
        """One signed request with a fresh timestamp. Raises NotSent, NoAnswer."""
        now_ms = time.time_ns() // 1_000_000 + self._offset_ms
        stamped = [*parameters, ("recvWindow", str(RECEIVE_WINDOW_MS)), ("timestamp", str(now_ms))]
        payload = sign.signed(self._secret, stamped)
        if method == "POST":
            form = {"content-type": "application/x-www-form-urlencoded"}
            answer = await self._out.call(method, path, content=payload, headers=form)
        else:
            answer = await self._out.call(method, f"{path}?{payload.decode()}")
        self._heed(answer)
        return answer

    async def _signed(self, method: str, path: str, parameters: list[tuple[str, str]]) -> Answer:
        """A signed request that may safely be repeated: once more with a new clock when ours was off."""
        for attempt in (1, 2):
            self._mind_silence()
            await self._set_clock()
            try:
                answer = await self._send(method, path, parameters)
            except (NotSent, NoAnswer) as error:
                raise VenueUnavailable(f"no answer: {error}") from error
            if attempt == 2 or answer.status == 200:
                break
            if parse.failure(answer.status, answer.headers, answer.body).code != parse.CLOCK:
                break
            self._measured = None
        return answer

    async def _signed_read(self, path: str, parameters: list[tuple[str, str]]) -> Answer:
        answer = await self._signed("GET", path, parameters)
        if answer.status != 200:
            raise _unavailable(parse.failure(answer.status, answer.headers, answer.body))
        return answer

    async def _read(self, target: str, *, max_bytes: int | None = None) -> Answer:
        self._mind_silence()
        try:
            answer = await self._out.call("GET", target, max_bytes=max_bytes)
        except (NotSent, NoAnswer) as error:
            raise VenueUnavailable(f"no answer: {error}") from error
        self._heed(answer)
        if answer.status != 200:
            raise _unavailable(parse.failure(answer.status, answer.headers, answer.body))
        return answer

    async def _set_clock(self) -> None:
        """Measure the venue's clock against ours where the last measure is old. Raises VenueUnavailable."""
        async with self._clock_lock:
            if self._measured is not None and time.monotonic() - self._measured < CLOCK_SECONDS:
                return
            before = time.time_ns() // 1_000_000
            answer = await self._read("/api/v3/time")
            after = time.time_ns() // 1_000_000
            theirs = _parsed(parse.server_time, answer.body)
            # Off by half the round trip at most; the venue takes stamps from 1 s ahead to the window late.
            self._offset_ms = theirs - (before + after) // 2
            self._measured = time.monotonic()
            if abs(self._offset_ms) > 1000:
                log.warning("clock differs from the venue's", extra={"venue": self.name, "ms": self._offset_ms})

    def _heed(self, answer: Answer) -> None:
        """Remember a wish to be left alone."""
        if answer.status in (418, 429):
            wait = parse.failure(answer.status, answer.headers, answer.body).retry_after or 0.0
            self._silent_until = max(self._silent_until, time.monotonic() + wait)
            log.warning("told to wait", extra={"venue": self.name, "status": answer.status, "seconds": wait})

    def _silence(self) -> float:
        return max(0.0, self._silent_until - time.monotonic())

    def _mind_silence(self) -> None:
        wait = self._silence()
        if wait > 0:
            raise VenueUnavailable("told to wait", retry_after=wait)


def _parsed(read: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    try:
        return read(*args, **named)
    except parse.Malformed as error:
        raise VenueUnavailable(f"not its protocol: {error}") from error


def _known(code: str) -> bool:
    try:
        asset(code)
    except UnknownAsset:
        return False
    return True


def _plain(value: Decimal) -> str:
    """Fixed point, no exponent. Raises ValueError for what is no finite number above zero."""
    if not value.is_finite() or value <= 0:
        raise ValueError(f"not above zero: {value}")
    return format(value, "f")


def _unavailable(failed: parse.Failure) -> VenueUnavailable:
    return VenueUnavailable(parse.describe(failed), retry_after=failed.retry_after)
