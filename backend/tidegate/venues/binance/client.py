"""The talking half of Binance Spot: clock, limits, signatures, and exactly the signed bytes on the wire."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tidegate.http import MIB, Answer
from tidegate.venues.binance import parse, sign, stream
from tidegate.venues.body import Trouble, plain
from tidegate.venues.follow import Follower, Habits
from tidegate.venues.line import Budget, Clock, Line, chosen, held_up, known, understood
from tidegate.venues.port import (
    Balance,
    Book,
    Candle,
    Condition,
    DepositAddress,
    DepositSeen,
    Fill,
    Following,
    Interval,
    Market,
    OrderSeen,
    Placed,
    PlaceOutcome,
    Reason,
    Rights,
    Side,
    Ticker,
    VenueUnavailable,
    Withdrawal,
    WithdrawalSeen,
    Withdrawing,
)
from tidegate.venues.talk import Talk

RECEIVE_WINDOW_MS = 5000
TRADES_A_PAGE = 1000
NETWORKS: Final = {"bitcoin": "BTC", "ethereum": "ETH"}
"""Binance's names for the networks that everybody has; others by configuration."""
_INTERVALS: Final = {
    Interval.MINUTE: "1m",
    Interval.FIVE_MINUTES: "5m",
    Interval.QUARTER: "15m",
    Interval.HOUR: "1h",
    Interval.DAY: "1d",
}

Parameters = list[tuple[str, str]]


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
        networks: Mapping[str, str] = NETWORKS,
        pairs: Sequence[str] = (),
        stream_url: str = "",
    ) -> None:
        self.name = name
        self.taker_fee = taker_fee
        self._secret = secret.encode()
        self._networks = networks
        self._pairs = pairs
        self._stream_url = stream_url
        headers = {"x-mbx-apikey": api_key} if api_key else {}
        self._line = Line(rest_url, name=name, headers=headers, timeout=timeout)
        self._weight = Budget(6000, 100)  # a minute's, until exchangeInfo and the answers' headers tell
        self._clock = Clock(name, self._ask_time)

    @property
    def condition(self) -> Condition:
        return self._line.condition

    async def markets(self) -> list[Market]:
        # The whole list is several MiB: permission sets are most of it and nothing here reads them.
        query = "permissions=SPOT&showPermissionSets=false"
        answer = await self._read(f"/api/v3/exchangeInfo?{query}", max_bytes=32 * MIB, weight=20)
        limit = understood(parse.weight_limit, answer.body)
        if limit:
            self._weight.limit, self._weight.per_second = limit, limit / 60
        return chosen(understood(parse.markets, answer.body, known), self._pairs)

    async def book(self, symbol: str, depth: int = 100) -> Book:
        query = sign.encode([("symbol", symbol), ("limit", str(depth))]).decode()
        answer = await self._read(f"/api/v3/depth?{query}", weight=_depth_weight(depth))
        received = time.time()
        return understood(parse.book, answer.body, symbol, received)

    def follow(self, symbols: Sequence[str]) -> Following | None:
        if not self._stream_url:
            return None
        if len(symbols) > stream.MOST_SYMBOLS:
            raise ValueError(f"more than {stream.MOST_SYMBOLS} markets on one stream")

        async def begin() -> Talk:
            return stream.BinanceTalk(symbols)

        async def fetch(symbol: str) -> Book:
            return await self.book(symbol, stream.DEPTH)

        # A quiet market says nothing at all; that the way is open is told by pings.
        habits = Habits(silence=60)
        return Follower(self._stream_url, begin, name=self.name, symbols=symbols, habits=habits, fetch=fetch)

    async def tickers(self, symbols: Sequence[str]) -> list[Ticker]:
        if not symbols:
            return []
        query = sign.encode([("symbols", json.dumps(list(symbols), separators=(",", ":")))]).decode()
        answer = await self._read(f"/api/v3/ticker/24hr?{query}", weight=2 * len(symbols))
        found = understood(parse.tickers, answer.body)
        if not found.keys() >= set(symbols):
            raise VenueUnavailable("the answer leaves a symbol out")
        return [found[symbol] for symbol in symbols]

    async def candles(self, symbol: str, interval: Interval, *, since: int) -> list[Candle]:
        query = sign.encode(
            [
                ("symbol", symbol),
                ("interval", _INTERVALS[interval]),
                ("startTime", str(since * 1000)),
                ("limit", "1000"),
            ]
        ).decode()
        answer = await self._read(f"/api/v3/klines?{query}", weight=2)
        return understood(parse.candles, answer.body)

    async def balances(self) -> list[Balance]:
        answer = await self._signed_read("/api/v3/account", [("omitZeroBalances", "true")], weight=20)
        return understood(parse.balances, answer.body)

    async def rights(self) -> Rights:
        account = await self._signed_read("/api/v3/account", [("omitZeroBalances", "true")], weight=20)
        told = await self._signed("GET", "/sapi/v1/account/apiRestrictions", [])
        if told.status not in (200, 404):  # test networks know no /sapi
            raise _unavailable(told)
        return understood(parse.rights, account.body, told.body if told.status == 200 else None)

    async def prepare(self) -> None:
        self._line.mind()
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
            ("quantity", plain(quantity)),
            ("price", plain(price)),
            ("newClientOrderId", client_order_id),
            ("newOrderRespType", "RESULT"),
        ]
        answer = await self._act("/api/v3/order", parameters, deadline)
        if isinstance(answer, Trouble):
            return answer.placed()
        return parse.placed(answer.status, answer.headers, answer.body, client_order_id)

    async def find(self, *, client_order_id: str, symbol: str, since: datetime | None = None) -> OrderSeen | None:
        parameters = [("symbol", symbol), ("origClientOrderId", client_order_id)]
        answer = await self._signed("GET", "/api/v3/order", parameters, weight=4)
        if answer.status != 200:
            failed = parse.failure(answer.status, answer.headers, answer.body)
            if failed.status == 400 and failed.code in (parse.NO_SUCH_ORDER, parse.ARCHIVED):
                return None
            raise _unavailable(answer)
        seen = understood(parse.order, answer.body)
        if seen.client_order_id != client_order_id:
            raise VenueUnavailable("the answer names another order")
        return seen

    async def fills(self, *, venue_order_id: str, symbol: str) -> list[Fill]:
        found: dict[str, Fill] = {}
        since: Parameters = []
        while True:
            parameters = [("symbol", symbol), ("orderId", venue_order_id), ("limit", str(TRADES_A_PAGE)), *since]
            answer = await self._signed_read("/api/v3/myTrades", parameters, weight=20)
            page = understood(parse.fills, answer.body, venue_order_id)
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
                raise _unavailable(answer)

    async def deposit_address(self, asset: str, network: str) -> DepositAddress:
        parameters = [("coin", asset), ("network", self._network(network))]
        answer = await self._signed_read("/sapi/v1/capital/deposit/address", parameters, weight=10)
        return understood(parse.deposit_address, answer.body, asset, network)

    async def withdraw(self, wanted: Withdrawal) -> Withdrawing:
        network = self._networks.get(wanted.network)
        if network is None:
            return Withdrawing(PlaceOutcome.REFUSED, reason=Reason.INVALID_ORDER, detail="network not configured")
        parameters = [
            ("coin", wanted.asset),
            ("network", network),
            ("address", wanted.address),
            *([("addressTag", wanted.tag)] if wanted.tag else []),
            ("amount", plain(wanted.amount)),
            ("withdrawOrderId", wanted.client_id),
        ]
        answer = await self._act("/sapi/v1/capital/withdraw/apply", parameters, None)
        if isinstance(answer, Trouble):
            return answer.withdrawing()
        return parse.withdrawing(answer.status, answer.headers, answer.body)

    async def find_withdrawal(
        self, wanted: Withdrawal, *, since: datetime, venue_id: str | None = None
    ) -> WithdrawalSeen | None:
        # Asked by our id, the history must be less than seven days long: those in which it was asked for.
        start = since - timedelta(seconds=60)
        parameters = [
            ("coin", wanted.asset),
            ("withdrawOrderId", wanted.client_id),
            ("startTime", str(int(start.timestamp() * 1000))),
            ("endTime", str(int((start + timedelta(days=6)).timestamp() * 1000))),
        ]
        answer = await self._signed_read("/sapi/v1/capital/withdraw/history", parameters, weight=1)
        return understood(parse.withdrawal, answer.body, wanted.client_id)

    async def find_deposit(self, asset: str, network: str, txid: str, *, since: datetime) -> DepositSeen | None:
        start = since - timedelta(seconds=60)
        parameters = [
            ("coin", asset),
            ("startTime", str(int(start.timestamp() * 1000))),
            # The history is at most ninety days long, and a thousand entries.
            ("endTime", str(int((start + timedelta(days=89)).timestamp() * 1000))),
            ("limit", "1000"),
        ]
        answer = await self._signed_read("/sapi/v1/capital/deposit/hisrec", parameters, weight=1)
        return understood(parse.deposit, answer.body, txid)

    async def close(self) -> None:
        await self._line.close()

    # How requests are made.

    def _network(self, network: str) -> str:
        found = self._networks.get(network)
        if found is None:
            raise VenueUnavailable(f"{network} is not configured for this venue")
        return found

    def _payload(self, parameters: Parameters) -> bytes:
        stamped = [*parameters, ("recvWindow", str(RECEIVE_WINDOW_MS)), ("timestamp", str(self._clock.now_ms()))]
        return sign.signed(self._secret, stamped)

    async def _act(self, path: str, parameters: Parameters, deadline: float | None) -> Answer | Trouble:
        """One signed request that must not be repeated."""
        held = await held_up(self.prepare, deadline)
        if held is not None:
            return held
        # From here on the stamp and the venue's own window keep it from arriving late.
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = await self._line.send("POST", path, content=self._payload(parameters), headers=form)
        if not isinstance(answer, Trouble):
            self._count(answer)
        return answer

    async def _signed(self, method: str, path: str, parameters: Parameters, *, weight: float = 1) -> Answer:
        """A signed request that may safely be repeated: once more with a new clock when ours was off."""
        for attempt in (1, 2):
            await self.prepare()
            target = f"{path}?{self._payload(parameters).decode()}"
            answer = await self._line.read(method, target, budget=self._weight, weight=weight, urgent=True)
            self._count(answer)
            if attempt == 2 or answer.status == 200:
                break
            if parse.failure(answer.status, answer.headers, answer.body).code != parse.CLOCK:
                break
        return answer

    async def _signed_read(self, path: str, parameters: Parameters, *, weight: float) -> Answer:
        answer = await self._signed("GET", path, parameters, weight=weight)
        if answer.status != 200:
            raise _unavailable(answer)
        return answer

    async def _read(
        self, target: str, *, max_bytes: int | None = None, weight: float = 1, urgent: bool = False
    ) -> Answer:
        answer = await self._line.read(
            "GET", target, max_bytes=max_bytes, budget=self._weight, weight=weight, urgent=urgent
        )
        self._count(answer)
        if answer.status != 200:
            raise _unavailable(answer)
        return answer

    async def _set_clock(self) -> None:
        await self._clock.set()

    async def _ask_time(self) -> int:
        return understood(parse.server_time, (await self._read("/api/v3/time", urgent=True)).body)

    def _count(self, answer: Answer) -> None:
        """What every answer tells by the way: the weight used, and whether our clock is off."""
        used = answer.headers.get("x-mbx-used-weight-1m", "")
        if used.isascii() and used.isdigit() and len(used) < 10:
            self._weight.told(int(used))
        if answer.status == 400 and parse.failure(400, answer.headers, answer.body).code == parse.CLOCK:
            self._clock.doubt()


def _depth_weight(depth: int) -> int:
    return next((weight for most, weight in ((100, 5), (500, 25), (1000, 50)) if depth <= most), 250)


def _unavailable(answer: Answer) -> VenueUnavailable:
    failed = parse.failure(answer.status, answer.headers, answer.body)
    return VenueUnavailable(parse.describe(failed), retry_after=failed.retry_after)
