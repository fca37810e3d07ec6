"""The talking half of Kraken Spot: what is asked, in which order, and what is learnt from it. How: calls.py."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from tidegate.venues.body import Malformed, Trouble, plain
from tidegate.venues.follow import Follower, Habits
from tidegate.venues.kraken import outcome, parse, sign, stream
from tidegate.venues.kraken.calls import Calls
from tidegate.venues.line import Budget, Line, chosen, known, understood
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

NETWORKS: Final = {"BTC@bitcoin": "Bitcoin", "ETH@ethereum": "Ether (Hex)", "USDT@ethereum": "Tether USD (ERC20)"}
"""Kraken's names for the ways an asset comes in and goes out, by our asset and network; others by configuration."""
TRADES_AT_ONCE = 20
ORDERS_A_PAGE = 50
MOST_PAGES = 100
_COUNTERS: Final = {"starter": (15, 0.33), "intermediate": (20, 0.5), "pro": (20, 1.0)}
"""Kraken tells no count: calls that it takes at once, and how many it forgets each second."""


class Options(BaseModel):
    """`[venues.NAME.options]`"""

    model_config = ConfigDict(extra="forbid")

    tier: Literal["starter", "intermediate", "pro"] = "starter"


class Kraken:
    """One account at Kraken Spot. Implements `venues.port.Venue`.

    Use a key for each process that signs: nonces must arrive rising. Fees are asked for in the quote asset.
    """

    def __init__(
        self,
        *,
        rest_url: str,
        api_key: str,
        secret: str,
        taker_fee: Decimal = Decimal("0.004"),
        name: str = "kraken",
        timeout: float = 10.0,
        networks: Mapping[str, str] = NETWORKS,
        pairs: Sequence[str] = (),
        tier: str = "starter",
        stream_url: str = "",
    ) -> None:
        self.name = name
        self.taker_fee = taker_fee
        self._networks, self._pairs = networks, pairs
        self._stream_url = stream_url
        self._line = Line(rest_url, name=name, timeout=timeout)
        self._calls = Calls(self._line, api_key, sign.secret_of(secret), Budget(*_COUNTERS[tier]))
        self._names: parse.Names | None = None
        self._markets: dict[str, Market] = {}
        self._lines: Mapping[str, stream.Line] = {}

    @property
    def condition(self) -> Condition:
        return self._line.condition

    # Prices.

    async def markets(self) -> list[Market]:
        answer = await self._calls.open("AssetPairs")
        found = understood(parse.markets, answer.body, await self._called(), known)
        self._markets.update((one.symbol, one) for one in found)
        self._lines = understood(stream.lines, answer.body)
        return chosen(found, self._pairs)

    async def book(self, symbol: str, depth: int = 100) -> Book:
        answer = await self._calls.open(f"Depth?pair={quote(symbol)}&count={depth}")
        received = time.time()
        return understood(parse.book, answer.body, symbol, received)

    def follow(self, symbols: Sequence[str]) -> Following | None:
        if not self._stream_url:
            return None

        async def begin() -> Talk:
            if not self._lines.keys() >= set(symbols):
                await self.markets()
            return stream.KrakenTalk({one: self._lines[one] for one in symbols if one in self._lines})

        # Heartbeats come every second.
        return Follower(self._stream_url, begin, name=self.name, symbols=symbols, habits=Habits(silence=5))

    async def tickers(self, symbols: Sequence[str]) -> list[Ticker]:
        # One at a time: of several, the answer's keys need not be the ones that were asked for.
        answers = [(symbol, await self._calls.open(f"Ticker?pair={quote(symbol)}")) for symbol in symbols]
        return [understood(parse.ticker, answer.body, symbol) for symbol, answer in answers]

    async def candles(self, symbol: str, interval: Interval, *, since: int) -> list[Candle]:
        # `since` is exclusive there.
        answer = await self._calls.open(f"OHLC?pair={quote(symbol)}&interval={interval // 60}&since={since - 1}")
        return [one for one in understood(parse.candles, answer.body) if one.start >= since]

    # The account.

    async def balances(self) -> list[Balance]:
        answer = await self._calls.ask("BalanceEx", [])
        return understood(parse.balances, answer.body, await self._called())

    async def rights(self) -> Rights:
        """Kraken tells no rights: what each would allow is asked for without doing it."""
        await self._calls.ask("BalanceEx", [])  # raises where the key is no key at all
        market = next(iter(self._markets.values() or await self.markets()), None)
        trade, fee = None, None
        if market is not None:
            trial = self._order(market.symbol, Side.BUY, market.min_quantity, market.tick)
            trade = await self._may("AddOrder", [*trial, ("validate", "true")])
            volume = await self._calls.private("TradeVolume", [("pair", market.symbol)], weight=1)
            if outcome.trouble(volume.status, volume.headers, volume.body) is None:
                fee = understood(parse.taker_fee, volume.body)
        return Rights(trade, await self._may("WithdrawMethods", []), fee)

    async def _may(self, call: str, parameters: sign.Parameters) -> bool | None:
        """Whether a call is refused for want of permission; None when another answer leaves that open."""
        answer = await self._calls.private(call, parameters, weight=1)
        found = outcome.trouble(answer.status, answer.headers, answer.body)
        if found is None or found.outcome is PlaceOutcome.REFUSED:
            return found is None or found.reason is not Reason.CREDENTIALS
        return None

    # Orders.

    async def prepare(self) -> None:
        await self._calls.prepare()

    def _order(self, symbol: str, side: Side, quantity: Decimal, price: Decimal) -> list[tuple[str, str]]:
        return [
            ("ordertype", "limit"),
            ("type", side.value),
            ("pair", symbol),
            ("volume", plain(quantity)),
            ("price", plain(price)),
            ("timeinforce", "IOC"),
            ("oflags", "fciq"),
        ]

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
        parameters = [*self._order(symbol, side, quantity, price), ("cl_ord_id", client_order_id)]
        answer = await self._calls.act("AddOrder", parameters, deadline, expires=True)
        if isinstance(answer, Trouble):
            return answer.placed()
        try:
            venue_id = parse.acknowledged(answer.body)
        except Malformed as error:
            return Placed(PlaceOutcome.UNKNOWN, reason=Reason.VENUE_ERROR, detail=str(error))
        # Taken in, and not matched yet: what it came to is asked for afterwards.
        return Placed(PlaceOutcome.PLACED, OrderSeen(client_order_id, venue_id, OrderState.OPEN, Decimal(0)))

    async def find(self, *, client_order_id: str, symbol: str, since: datetime | None = None) -> OrderSeen | None:
        # Open before closed: what ends in between is then seen twice, and never not at all.
        found = await self._orders("OpenOrders", "open", client_order_id, [])
        start = [("start", str(int(since.timestamp()) - 60))] if since else []
        for page in range(MOST_PAGES):
            more, size = await self._page("ClosedOrders", "closed", client_order_id, [*start, ("ofs", str(page * 50))])
            found.update((one.venue_order_id, one) for one in more)
            if found or size < ORDERS_A_PAGE:
                break
        else:
            raise VenueUnavailable("too many closed orders to look through")
        if len(found) > 1:
            raise VenueUnavailable("two orders of one client order id")
        return next(iter(found.values()), None)

    async def _orders(
        self, call: str, kind: str, client_order_id: str, more: list[tuple[str, str]]
    ) -> dict[str, OrderSeen]:
        found, _ = await self._page(call, kind, client_order_id, more)
        return {one.venue_order_id: one for one in found}

    async def _page(
        self, call: str, kind: str, client_order_id: str, more: list[tuple[str, str]]
    ) -> tuple[list[OrderSeen], int]:
        answer = await self._calls.ask(call, [("cl_ord_id", client_order_id), *more])
        return understood(parse.orders, answer.body, kind, client_order_id)

    async def fills(self, *, venue_order_id: str, symbol: str) -> list[Fill]:
        answer = await self._calls.ask("QueryOrders", [("txid", venue_order_id), ("trades", "true")])
        ids, in_base = understood(parse.trade_ids, answer.body, venue_order_id)
        market = await self._market(symbol)
        fee_asset = market.base if in_base else market.quote
        found: list[tuple[Decimal, Fill]] = []
        for first in range(0, len(ids), TRADES_AT_ONCE):
            asked = ",".join(ids[first : first + TRADES_AT_ONCE])
            answer = await self._calls.ask("QueryTrades", [("txid", asked)], weight=2)
            found += understood(parse.trades, answer.body, venue_order_id, fee_asset)
        return [fill for _, fill in sorted(found, key=lambda one: (one[0], one[1].trade_id))]

    async def cancel(self, *, client_order_id: str, symbol: str) -> None:
        answer = await self._calls.private("CancelOrder", [("cl_ord_id", client_order_id)], weight=0)
        found = outcome.trouble(answer.status, answer.headers, answer.body)
        if found is not None and not found.detail.startswith("EOrder:Unknown order"):
            raise VenueUnavailable(found.detail, retry_after=found.retry_after)

    # Money in and out.

    def _method(self, asset: str, network: str) -> str | None:
        return self._networks.get(f"{asset}@{network}") or self._networks.get(network)

    async def deposit_address(self, asset: str, network: str) -> DepositAddress:
        method, name = self._method(asset, network), (await self._called()).theirs.get(asset, asset)
        answer = await self._calls.ask("DepositMethods", [("asset", name)])
        if method is None or method not in understood(parse.methods, answer.body):
            raise VenueUnavailable(f"{asset} over {network} is not among its deposit methods")
        asked = [("asset", name), ("method", method)]
        for more in ([], [("new", "true")]):
            answer = await self._calls.ask("DepositAddresses", [*asked, *more])
            found = understood(parse.deposit_address, answer.body, asset, network)
            if found is not None:
                return found
        raise VenueUnavailable("it gives no address that lasts")

    async def withdraw(self, wanted: Withdrawal) -> Withdrawing:
        amount = plain(wanted.amount)
        try:
            name = (await self._called()).theirs.get(wanted.asset, wanted.asset)
            listed = [("asset", name)]
            if method := self._method(wanted.asset, wanted.network):
                listed.append(("method", method))
            answer = await self._calls.ask("WithdrawAddresses", listed)
            key = understood(parse.allowed_key, answer.body, wanted.address, wanted.tag)
        except VenueUnavailable as error:
            return Trouble(PlaceOutcome.REFUSED, Reason.NOT_CONNECTED, error.detail, error.retry_after).withdrawing()
        if key is None or method is None:
            return Trouble(PlaceOutcome.REFUSED, Reason.NOT_ALLOWED, "not in its list of addresses").withdrawing()
        asked = [("asset", name), ("key", key), ("address", wanted.address), ("amount", amount)]
        sent = await self._calls.act("Withdraw", asked, None)
        if isinstance(sent, Trouble):
            return sent.withdrawing()
        try:
            return Withdrawing(PlaceOutcome.PLACED, parse.refid(sent.body))
        except Malformed as error:
            return Withdrawing(PlaceOutcome.UNKNOWN, reason=Reason.VENUE_ERROR, detail=str(error))

    async def find_withdrawal(
        self, wanted: Withdrawal, *, since: datetime, venue_id: str | None = None
    ) -> WithdrawalSeen | None:
        name = (await self._called()).theirs.get(wanted.asset, wanted.asset)
        start = str(int(since.timestamp()) - 60)
        answer = await self._calls.ask("WithdrawStatus", [("asset", name), ("start", start), ("limit", "500")])
        found = understood(parse.withdrawals, answer.body, wanted, venue_id)
        if len(found) > 1:
            raise VenueUnavailable("more than one withdrawal could be this one")
        return found[0] if found else None

    async def find_deposit(self, asset: str, network: str, txid: str, *, since: datetime) -> DepositSeen | None:
        name = (await self._called()).theirs.get(asset, asset)
        start = str(int(since.timestamp()) - 60)
        answer = await self._calls.ask("DepositStatus", [("asset", name), ("start", start), ("limit", "500")])
        return understood(parse.deposit, answer.body, txid)

    async def close(self) -> None:
        await self._calls.close()

    # What this process has learnt.

    async def _called(self) -> parse.Names:
        if self._names is None:
            self._names = understood(parse.names, (await self._calls.open("Assets")).body)
        return self._names

    async def _market(self, symbol: str) -> Market:
        if symbol not in self._markets:
            await self.markets()
        if symbol not in self._markets:
            raise VenueUnavailable(f"{symbol} is no market of two assets that we know")
        return self._markets[symbol]
