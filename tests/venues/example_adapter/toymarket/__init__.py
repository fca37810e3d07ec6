"""Toymarket: a venue with a protocol of its own, as the client of another distribution.

`[venues.toy] kind = "toymarket"`, `rest_url`, `api_key`, `secret`, and of its own `[venues.toy.options] window_ms`: how
old a request may be when it arrives.
"""

import hmac
import json
import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from tidegate.http import Answer
from tidegate.venues.adapter import Adapter, Opening
from tidegate.venues.body import Malformed, Trouble, asked_wait, plain, unclear
from tidegate.venues.line import Budget, Clock, Line, chosen, held_up, known, understood
from tidegate.venues.port import (
    Balance,
    Book,
    Candle,
    Condition,
    DepositAddress,
    DepositSeen,
    Fill,
    Interval,
    Market,
    OrderSeen,
    OrderState,
    Placed,
    PlaceOutcome,
    Rights,
    Side,
    Ticker,
    VenueUnavailable,
    Withdrawal,
    WithdrawalSeen,
    Withdrawing,
)

from . import parse


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    window_ms: int = Field(2000, ge=100, le=60_000)


class Toymarket:
    """Implements `tidegate.venues.port.Venue`."""

    def __init__(self, opening: Opening) -> None:
        assert isinstance(opening.options, Options)
        self.name, self.taker_fee = opening.name, opening.taker_fee
        self._opening, self._window = opening, opening.options.window_ms
        self._line = Line(opening.rest_url, name=opening.name)
        self._share = Budget(100, 50)
        self._clock = Clock(opening.name, self._ask_time)

    @property
    def condition(self) -> Condition:
        return self._line.condition

    async def close(self) -> None:
        await self._line.close()

    # --- prices

    async def markets(self) -> list[Market]:
        answer = await self._get("/markets")
        return chosen(understood(parse.markets, answer.body, known), self._opening.pairs)

    async def book(self, symbol: str, depth: int = 100) -> Book:
        answer = await self._get(f"/book?market={quote(symbol)}&depth={depth}")
        return understood(parse.book, answer.body, symbol, time.time())

    async def tickers(self, symbols: Sequence[str]) -> list[Ticker]:
        answers = [(one, await self._get(f"/ticker?market={quote(one)}")) for one in symbols]
        return [understood(parse.ticker, answer.body, one) for one, answer in answers]

    async def candles(self, symbol: str, interval: Interval, *, since: int) -> list[Candle]:
        answer = await self._get(f"/candles?market={quote(symbol)}&seconds={interval}&since={since}")
        return understood(parse.candles, answer.body)

    # --- the account and its orders

    async def balances(self) -> list[Balance]:
        return understood(parse.balances, (await self._get("/account")).body)

    async def rights(self) -> Rights:
        return understood(parse.rights, (await self._get("/account")).body)

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
        order = {"id": client_order_id, "market": symbol, "side": side.value}
        sent = await self._post("/orders", {**order, "quantity": plain(quantity), "price": plain(price)}, deadline)
        if isinstance(sent, Trouble):
            return sent.placed()
        return Placed(PlaceOutcome.PLACED, OrderSeen(client_order_id, sent, OrderState.OPEN, Decimal(0)))

    async def find(self, *, client_order_id: str, symbol: str, since: datetime | None = None) -> OrderSeen | None:
        answer = await self._get(f"/orders?id={client_order_id}", or_none=True)
        return understood(parse.order, answer.body) if answer.status == 200 else None

    async def fills(self, *, venue_order_id: str, symbol: str) -> list[Fill]:
        return understood(parse.fills, (await self._get(f"/trades?order={quote(venue_order_id)}")).body)

    async def cancel(self, *, client_order_id: str, symbol: str) -> None:
        await self._get(f"/orders?id={client_order_id}", method="DELETE", or_none=True)

    # --- money in and out

    async def deposit_address(self, asset: str, network: str) -> DepositAddress:
        answer = await self._get(f"/deposit?asset={asset}&network={network}")
        address = understood(parse.address, answer.body)
        return DepositAddress(asset, network, address)

    async def withdraw(self, wanted: Withdrawal) -> Withdrawing:
        told = {"id": wanted.client_id, "asset": wanted.asset, "network": wanted.network, "address": wanted.address}
        sent = await self._post("/withdrawals", {**told, "amount": plain(wanted.amount)}, None)
        return sent.withdrawing() if isinstance(sent, Trouble) else Withdrawing(PlaceOutcome.PLACED, sent)

    async def find_withdrawal(
        self, wanted: Withdrawal, *, since: datetime, venue_id: str | None = None
    ) -> WithdrawalSeen | None:
        answer = await self._get(f"/withdrawals?id={wanted.client_id}", or_none=True)
        return understood(parse.withdrawal, answer.body) if answer.status == 200 else None

    async def find_deposit(self, asset: str, network: str, txid: str, *, since: datetime) -> DepositSeen | None:
        raise VenueUnavailable("this market does not tell what came in")

    # --- how requests are made

    def _headers(self, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        """The signature covers exactly what is sent."""
        stamp = str(self._clock.now_ms())
        signed = f"{method} {target} {stamp} {self._window} ".encode() + body
        made = hmac.new(self._opening.secret.encode(), signed, sha256).hexdigest()
        return {"x-key": self._opening.api_key, "x-stamp": stamp, "x-window": str(self._window), "x-sign": made}

    async def _get(self, target: str, *, method: str = "GET", or_none: bool = False) -> Answer:
        await self.prepare()
        headers = self._headers(method, target)
        answer = await self._line.read(method, target, headers=headers, budget=self._share, urgent=or_none)
        if answer.status != 200 and not (or_none and answer.status == 404):
            found = parse.trouble(answer.status, asked_wait(answer.status, answer.headers), answer.body)
            raise VenueUnavailable(found.detail, retry_after=found.retry_after)
        return answer

    async def _post(self, target: str, value: Any, deadline: float | None) -> str | Trouble:
        """Once, whatever comes of it: REFUSED when nothing left or the venue plainly says no, else UNKNOWN."""
        held = await held_up(self.prepare, deadline)
        if held is not None:
            return held
        body = json.dumps(value).encode()
        answer = await self._line.send("POST", target, content=body, headers=self._headers("POST", target, body))
        if isinstance(answer, Trouble):
            return answer
        if answer.status != 200:
            return parse.trouble(answer.status, asked_wait(answer.status, answer.headers), answer.body)
        try:
            return parse.number(answer.body)
        except Malformed as error:
            return unclear(str(error))

    async def _ask_time(self) -> int:
        answer = await self._line.read("GET", "/time", urgent=True)
        return understood(parse.time_ms, answer.body)


ADAPTER = Adapter(Toymarket, "https://toymarket.example", Decimal("0.002"), options=Options)
