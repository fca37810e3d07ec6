"""The talking half of Coinbase Advanced Trade: a token for each request, pages to the end, orders found by listing."""

import json
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from tidegate.http import MIB, Answer
from tidegate.venues.body import Trouble, asked_wait, decode, plain
from tidegate.venues.coinbase import parse, sign, stream, transfers
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
    OrderState,
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

TRADE: Final = "/api/v3/brokerage"
NETWORKS: Final = {"bitcoin": "bitcoin", "ethereum": "ethereum"}
"""Coinbase's names for the networks that everybody has; others by configuration."""
A_PAGE: Final = 250
CANDLES_AT_ONCE: Final = 300
REMEMBERED: Final = 10_000
LATE_SECONDS: Final = 20
"""The token of an order or a withdrawal lasts so long: what arrives later is thrown away. Shorter than the settle window."""
_GRANULARITIES: Final = {
    Interval.MINUTE: "ONE_MINUTE",
    Interval.FIVE_MINUTES: "FIVE_MINUTE",
    Interval.QUARTER: "FIFTEEN_MINUTE",
    Interval.HOUR: "ONE_HOUR",
    Interval.DAY: "ONE_DAY",
}


class Coinbase:
    """One account at Coinbase Advanced Trade. Implements `venues.port.Venue`.

    Coinbase cannot look a client order id up: orders that this process sent are asked for by the id it was told,
    others by walking the list of the market's orders.
    """

    def __init__(
        self,
        *,
        rest_url: str,
        api_key: str,
        secret: str,
        taker_fee: Decimal = Decimal("0.012"),
        name: str = "coinbase",
        timeout: float = 10.0,
        networks: Mapping[str, str] = NETWORKS,
        pairs: Sequence[str] = (),
        stream_url: str = "",
    ) -> None:
        self.name = name
        self.taker_fee = taker_fee
        self._key_name, self._key = api_key, sign.key_of(secret) if secret else None
        self._host = urlsplit(rest_url).netloc
        self._networks, self._pairs = networks, pairs
        self._stream_url = stream_url
        self._line = Line(rest_url, name=name, timeout=timeout)
        self._public, self._private = Budget(10, 10), Budget(30, 30)
        self._clock = Clock(name, self._ask_time)
        self._sent: OrderedDict[str, str] = OrderedDict()  # client order id to the venue's

    @property
    def condition(self) -> Condition:
        return self._line.condition

    # Prices.

    async def markets(self) -> list[Market]:
        answer = await self._open("market/products", [("product_type", "SPOT")], max_bytes=32 * MIB)
        return chosen(understood(parse.markets, answer.body, known), self._pairs)

    async def book(self, symbol: str, depth: int = 100) -> Book:
        answer = await self._open("market/product_book", [("product_id", symbol), ("limit", str(depth))])
        received = time.time()
        return understood(parse.book, answer.body, symbol, received)

    def follow(self, symbols: Sequence[str]) -> Following | None:
        if not self._stream_url:
            return None

        async def begin() -> Talk:
            return stream.CoinbaseTalk(symbols)

        # Heartbeats come every second; a whole book, to its last level, is some MiB.
        habits = Habits(silence=5, max_bytes=32 * MIB)
        return Follower(self._stream_url, begin, name=self.name, symbols=symbols, habits=habits)

    async def tickers(self, symbols: Sequence[str]) -> list[Ticker]:
        asked = [
            (one, await self._open(f"market/products/{quote(one, safe='')}/ticker", [("limit", "1")]))
            for one in symbols
        ]
        return [understood(parse.ticker, answer.body, symbol) for symbol, answer in asked]

    async def candles(self, symbol: str, interval: Interval, *, since: int) -> list[Candle]:
        until = since + interval * CANDLES_AT_ONCE
        asked = [("start", str(since)), ("end", str(until)), ("granularity", _GRANULARITIES[interval])]
        answer = await self._open(f"market/products/{quote(symbol, safe='')}/candles", asked)
        return [one for one in understood(parse.candles, answer.body) if one.start >= since]

    # The account.

    async def balances(self) -> list[Balance]:
        found: dict[str, Balance] = {}
        async for page in self._pages(f"{TRADE}/accounts", []):
            for one in understood(parse.balances, page):
                had = found.get(one.asset, Balance(one.asset, Decimal(0), Decimal(0)))
                found[one.asset] = Balance(one.asset, had.free + one.free, had.locked + one.locked)
        return [one for one in found.values() if one.free or one.locked]

    async def rights(self) -> Rights:
        permissions = await self._ask(f"{TRADE}/key_permissions")
        summary = await self._ask(f"{TRADE}/transaction_summary")
        return understood(parse.rights, permissions.body, summary.body)

    # Orders.

    async def prepare(self) -> None:
        self._line.mind()
        await self._clock.set()

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
        order = {
            "client_order_id": client_order_id,
            "product_id": symbol,
            "side": side.value.upper(),
            "order_configuration": {"sor_limit_ioc": {"base_size": plain(quantity), "limit_price": plain(price)}},
        }
        answer = await self._act(f"{TRADE}/orders", order, deadline)
        if isinstance(answer, Trouble):
            return answer.placed()
        placed = parse.placed(answer.status, asked_wait(answer.status, answer.headers), answer.body, client_order_id)
        if placed.order is not None:
            self._remember(client_order_id, placed.order.venue_order_id)
        return placed

    def _remember(self, client_order_id: str, venue_order_id: str) -> None:
        self._sent[client_order_id] = venue_order_id
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    async def find(self, *, client_order_id: str, symbol: str, since: datetime | None = None) -> OrderSeen | None:
        venue_id = self._sent.get(client_order_id)
        if venue_id is not None:
            answer = await self._ask(f"{TRADE}/orders/historical/{quote(venue_id, safe='')}")
            seen = understood(parse.one_order, answer.body)
            if seen.client_order_id != client_order_id:
                raise VenueUnavailable("the answer names another order")
            return seen
        asked = [("product_ids", symbol)]
        if since is not None:
            asked.append(("start_date", _moment(since - timedelta(seconds=60))))
        found: dict[str, OrderSeen] = {}
        async for page in self._pages(f"{TRADE}/orders/historical/batch", asked):
            found.update((one.venue_order_id, one) for one in understood(parse.orders, page, client_order_id))
        if len(found) > 1:
            raise VenueUnavailable("two orders of one client order id")
        for one in found.values():
            self._remember(client_order_id, one.venue_order_id)
            return one
        return None

    async def fills(self, *, venue_order_id: str, symbol: str) -> list[Fill]:
        found: dict[str, tuple[str, Fill]] = {}
        asset = symbol.rpartition("-")[2]  # product ids are BASE-QUOTE
        async for page in self._pages(f"{TRADE}/orders/historical/fills", [("order_ids", venue_order_id)]):
            for when, fill in understood(parse.fills, page, venue_order_id, asset):
                found[fill.trade_id] = when, fill
        return [fill for _, fill in sorted(found.values(), key=lambda one: (one[0], one[1].trade_id))]

    async def cancel(self, *, client_order_id: str, symbol: str) -> None:
        seen = await self.find(client_order_id=client_order_id, symbol=symbol)
        if seen is None or seen.state is not OrderState.OPEN:
            return
        body = json.dumps({"order_ids": [seen.venue_order_id]}).encode()
        answer = await self._ask(f"{TRADE}/orders/batch_cancel", method="POST", content=body)
        if refused := understood(parse.cancel_refused, answer.body):
            raise VenueUnavailable(f"not cancelled: {refused}")

    # Money in and out.

    async def deposit_address(self, asset: str, network: str) -> DepositAddress:
        theirs = self._networks.get(network)
        if theirs is None:
            raise VenueUnavailable(f"{network} is not configured for this venue")
        path = f"/v2/accounts/{await self._wallet(asset)}/addresses"
        async for page in self._v2_pages(path):
            found = understood(transfers.address, page, asset, network, theirs)
            if found is not None:
                return found
        made = await self._ask(path, method="POST", content=json.dumps({"network": theirs}).encode())
        found = understood(transfers.address, [understood(transfers.datum, made.body)], asset, network, theirs)
        if found is None:
            raise VenueUnavailable(f"it gives no address for {asset} over {network}")
        return found

    async def withdraw(self, wanted: Withdrawal) -> Withdrawing:
        amount, theirs = plain(wanted.amount), self._networks.get(wanted.network)
        if theirs is None:
            return Trouble(PlaceOutcome.REFUSED, Reason.INVALID_ORDER, "network not configured").withdrawing()
        try:
            wallet = await self._wallet(wanted.asset)
        except VenueUnavailable as error:
            return Trouble(PlaceOutcome.REFUSED, Reason.NOT_CONNECTED, error.detail, error.retry_after).withdrawing()
        asked = {
            "type": "send",
            "to": wanted.address,
            "amount": amount,
            "currency": wanted.asset,
            "network": theirs,
            "idem": wanted.client_id,
            **({"destination_tag": wanted.tag} if wanted.tag else {}),
        }
        answer = await self._act(f"/v2/accounts/{wallet}/transactions", asked, None)
        if isinstance(answer, Trouble):
            return answer.withdrawing()
        waits = asked_wait(answer.status, answer.headers)
        return transfers.withdrawing(answer.status, waits, answer.body, wanted.client_id)

    async def find_withdrawal(
        self, wanted: Withdrawal, *, since: datetime, venue_id: str | None = None
    ) -> WithdrawalSeen | None:
        path, first = f"/v2/accounts/{await self._wallet(wanted.asset)}/transactions", since - timedelta(seconds=60)
        if venue_id is not None:
            answer = await self._ask(f"{path}/{quote(venue_id, safe='')}")
            return understood(transfers.withdrawal, understood(transfers.datum, answer.body))
        found: dict[str, WithdrawalSeen] = {}
        async for page in self._v2_pages(path):
            found.update((one.venue_id, one) for one in understood(transfers.withdrawals, page, wanted))
            if found or all(str(entry.get("created_at", "~")) < _moment(first) for entry in page):
                break  # newest first
        if len(found) > 1:
            raise VenueUnavailable("two withdrawals of one id")
        return next(iter(found.values()), None)

    async def find_deposit(self, asset: str, network: str, txid: str, *, since: datetime) -> DepositSeen | None:
        path, first = f"/v2/accounts/{await self._wallet(asset)}/transactions", since - timedelta(seconds=60)
        async for page in self._v2_pages(path):
            found = understood(transfers.deposits, page, txid)
            if found or all(str(entry.get("created_at", "~")) < _moment(first) for entry in page):
                return DepositSeen.of(found)
        return None

    async def _wallet(self, asset: str) -> str:
        entries: list[dict[str, Any]] = []
        async for page in self._v2_pages("/v2/accounts"):
            entries += page
        found = understood(transfers.wallet, entries, asset)
        if found is None:
            raise VenueUnavailable(f"it has no wallet of {asset}")
        return quote(found, safe="")

    async def close(self) -> None:
        await self._line.close()

    # How requests are made.

    async def _open(
        self, call: str, asked: list[tuple[str, str]] | None = None, *, max_bytes: int | None = None
    ) -> Answer:
        """A public read, past the venue's own memory of a second."""
        target = f"{TRADE}/{call}" + (f"?{urlencode(asked)}" if asked else "")
        fresh = {"cache-control": "no-cache"}
        answer = await self._line.read(
            "GET", target, headers=fresh, max_bytes=max_bytes, budget=self._public, urgent=call == "time"
        )
        return _checked(answer)

    async def _ask(self, target: str, *, method: str = "GET", content: bytes | None = None) -> Answer:
        """A signed request that may safely be repeated: once more with a new clock when the token was not taken."""
        for attempt in (1, 2):
            await self.prepare()
            headers = self._headers(method, target, content)
            answer = await self._line.read(
                method, target, content=content, headers=headers, budget=self._private, urgent=True
            )
            self._count(answer)
            if attempt == 2 or answer.status != 401:
                break
        return _checked(answer)

    async def _act(self, path: str, value: Any, deadline: float | None) -> Answer | Trouble:
        """One signed request that must not be repeated."""
        if self._key is None:
            return Trouble(PlaceOutcome.REFUSED, Reason.CREDENTIALS, "no credentials are configured")
        held = await held_up(self.prepare, deadline)
        if held is not None:
            return held
        body = json.dumps(value, separators=(",", ":")).encode()
        answer = await self._line.send(
            "POST", path, content=body, headers=self._headers("POST", path, body, LATE_SECONDS)
        )
        if not isinstance(answer, Trouble):
            self._count(answer)
        return answer

    def _headers(self, method: str, target: str, content: bytes | None, seconds: int = sign.SECONDS) -> dict[str, str]:
        if self._key is None:
            raise VenueUnavailable("no credentials are configured")
        # A little in the past: a token from the venue's future is none, and its clock is known to half a round trip.
        now, nonce = self._clock.now_ms() // 1000 - 2, secrets.token_hex(16)
        token = sign.token(self._key, self._key_name, method, self._host, target, now=now, nonce=nonce, seconds=seconds)
        return {
            "authorization": f"Bearer {token}",
            **({"content-type": "application/json"} if content is not None else {}),
        }

    async def _pages(self, path: str, asked: list[tuple[str, str]]) -> AsyncIterator[Any]:
        seen: set[str] = set()
        more: list[tuple[str, str]] = []
        while True:
            answer = await self._ask(f"{path}?{urlencode([*asked, ('limit', str(A_PAGE)), *more])}")
            page = understood(decode, answer.body)
            yield page
            cursor = understood(_cursor, page, seen)
            if cursor is None:
                return
            more = [("cursor", cursor)]

    async def _v2_pages(self, path: str) -> AsyncIterator[list[dict[str, Any]]]:
        seen: set[str] = set()
        target: str | None = f"{path}?limit=100"
        while target is not None:
            answer = await self._ask(target)
            yield understood(transfers.data, answer.body)
            target = understood(transfers.next_page, answer.body, seen)

    async def _ask_time(self) -> int:
        return understood(parse.server_time, (await self._open("time")).body)

    def _count(self, answer: Answer) -> None:
        """What every answer tells by the way: how many calls are left, and whether our token was taken."""
        left, limit = (answer.headers.get(f"x-ratelimit-{word}", "") for word in ("remaining", "limit"))
        if left.isascii() and left.isdigit() and limit.isascii() and limit.isdigit() and 0 < len(limit) < 7:
            self._private.told(max(0, int(limit) - int(left)), int(limit) or None)
        if answer.status == 401:
            self._clock.doubt()


def _cursor(page: Any, seen: set[str]) -> str | None:
    """Fills have a cursor and no `has_next`: they end with the first empty page, or where the cursor stays.

    That is safe for them alone: fills that are missing are seen, because they do not add up to what was filled.
    """
    if isinstance(page, dict) and "has_next" not in page and "fills" in page:
        cursor = page.get("cursor")
        goes_on = isinstance(cursor, str) and cursor != "" and cursor not in seen
        page = {**page, "has_next": goes_on and bool(page["fills"])}
    return parse.following(page, seen)


def _checked(answer: Answer) -> Answer:
    if answer.status not in (200, 201):
        found = parse.trouble(answer.status, asked_wait(answer.status, answer.headers), answer.body)
        raise VenueUnavailable(found.detail, retry_after=found.retry_after)
    return answer


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
