"""Customers who ask for withdrawals while the house is hit, what they wrote down, and whether the house agrees.

A customer who got no answer asks again with the same key until there is one: done, or refused for want of money. Which
of both is settled in the end by nothing but the key.
"""

import asyncio
import json
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from tests.crash.house import House
from tests.transactions.world import STRANGER, Someone
from tidegate.database import utcnow
from tidegate.exchange.rules import Offer
from tidegate.http import tls

CLIENTS = 16
DELIVER, FEE = 1_000_000, 1_000
DEBIT = DELIVER + FEE
WEALTH = 10**13
POOR = 5
"""Withdrawals that a wave's poor customer can pay; asked for are many more."""
EACH_WAVE = 64
"""Requests that may be asked for before the house is hit."""
MOST_ASKED = 400
WAIT_SECONDS = 0.05
CENT = 10_000
"""Millionths of a dollar: what each withdrawal counts for."""
PATH = "/api/v1/transactions/withdrawals"


@dataclass(eq=False)
class Order:
    """One request and every answer that came."""

    who: Someone
    quote: Offer
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    asked: int = 0
    lost: int = 0
    """Times that no answer came, or one that says nothing."""
    done: dict[str, Any] | None = None
    """The answer, the same every time."""
    refused: bool = False
    replayed: bool = False
    """Whether the last answer was said to be a repetition."""

    @property
    def settled(self) -> bool:
        return self.refused or self.done is not None

    def heard(self, answer: httpx.Response) -> None:
        if answer.status_code == 201:
            body = json.loads(answer.content)
            assert not self.refused, f"{self.key}: refused, and then done"
            assert self.done in (None, body), f"{self.key}: two answers"
            self.done, self.replayed = body, answer.headers.get("idempotency-replayed") == "true"
        elif answer.status_code == 409 and answer.json()["code"] == "insufficient_funds":
            assert self.done is None, f"{self.key}: done, and then refused"
            self.refused = True
        else:
            # Busy, a twin still running, a broken process: it says nothing about this request.
            assert answer.status_code in (409, 500, 503), answer.text
            assert answer.status_code != 409 or answer.json()["code"] == "in_progress", answer.text
            self.lost += 1


class Wave:
    """Requests asked by all clients at once, until the house is hit and the rest of them are asked again."""

    def __init__(self, house: House, orders: Sequence[Order], dice: random.Random) -> None:
        self.house, self.orders, self.dice = house, orders, dice
        self.tokens = {order.who.id: house.token(order.who) for order in orders}
        self.answers = 0
        self.hit = asyncio.Event()
        self.enough = asyncio.Event()
        self.wanted = dice.randrange(1, EACH_WAVE * 3 // 4)
        self.delay = dice.random() * 0.02
        # Drawn before anything runs: the seed decides what is asked, the machine only when.
        self.twins = {order for order in orders if dice.random() < 0.1}
        self.leavers = {order: dice.random() * 0.03 for order in orders if dice.random() < 0.1}

    @property
    def started(self) -> list[Order]:
        return [order for order in self.orders if order.asked]

    async def under_load(self, strike: Callable[[], Awaitable[None]]) -> None:
        """Everybody asks; in the middle of it, at a moment drawn, the blow falls."""
        waiting = iter(self.orders)
        async with httpx.AsyncClient(verify=tls(), base_url=self.house.api.url, timeout=20, trust_env=False) as http:
            clients = [asyncio.ensure_future(self._client(http, waiting)) for _ in range(CLIENTS)]
            async with asyncio.timeout(60):
                await self.enough.wait()
            await asyncio.sleep(self.delay)
            self.hit.set()
            await strike()
            await asyncio.gather(*clients)

    async def all_settled(self) -> None:
        """Every request that was ever asked, once more and until it is answered."""
        left = iter(self.started)
        async with httpx.AsyncClient(verify=tls(), base_url=self.house.api.url, timeout=60, trust_env=False) as http:

            async def client() -> None:
                for order in left:
                    for _ in range(MOST_ASKED):
                        before = order.lost
                        await self._ask(http, order)
                        if order.lost == before:
                            break
                        await asyncio.sleep(WAIT_SECONDS)
                    assert order.settled, f"{order.key}: still no answer"

            await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def _client(self, http: httpx.AsyncClient, waiting: Iterator[Order]) -> None:
        for order in waiting:
            if self.hit.is_set():
                return
            order.asked += 1
            if order in self.twins:
                await asyncio.gather(self._ask(http, order), self._ask(http, order))
            elif order in self.leavers:
                try:
                    async with asyncio.timeout(self.leavers[order]):
                        await self._ask(http, order)
                except TimeoutError:
                    order.lost += 1
            else:
                await self._ask(http, order)
            self.answers += 1
            if self.answers >= self.wanted:
                self.enough.set()
        self.enough.set()

    async def _ask(self, http: httpx.AsyncClient, order: Order) -> None:
        headers = {"Authorization": f"Bearer {self.tokens[order.who.id]}", "Idempotency-Key": order.key}
        try:
            answer = await http.post(PATH, json={"quote_id": str(order.quote.id), "address": STRANGER}, headers=headers)
        except httpx.TransportError:
            order.lost += 1
        else:
            order.heard(answer)


@dataclass
class Customers:
    """The rich, who stay, and for each wave somebody poor; all their orders."""

    house: House
    dice: random.Random
    rich: list[Someone] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    spare: list[Order] = field(default_factory=list)
    """Prepared, and not asked for yet."""

    async def arrive(self) -> "Customers":
        self.rich = [await self.house.someone(USDT=WEALTH) for _ in range(7)]
        return self

    async def wave(self) -> Wave:
        poor = await self.house.someone(USDT=POOR * DEBIT + 1)
        mine = await self._prepared([poor] * (3 * POOR))
        missing = EACH_WAVE - 3 * POOR - len(self.spare)
        self.spare += await self._prepared([self.dice.choice(self.rich) for _ in range(missing)])
        orders = [*mine, *self.spare]
        self.dice.shuffle(orders)
        return Wave(self.house, orders, self.dice)

    def over(self, wave: Wave) -> None:
        """What was asked is remembered, what was not waits for the next wave; the poor got what they could pay."""
        self.orders += wave.started
        rich = {who.id for who in self.rich}
        self.spare = [order for order in wave.orders if not order.asked and order.who.id in rich]
        poor = [order for order in wave.started if order.who.id not in rich]
        assert sum(order.done is not None for order in poor) == min(POOR, len(poor))
        assert all(order.done is not None for order in wave.started if order.who.id in rich)

    async def _prepared(self, whose: Sequence[Someone]) -> list[Order]:
        """Each with a firm price of its own, good for a day."""
        late = utcnow() + timedelta(days=1)
        offers = await asyncio.gather(
            *(
                self.house.world.offer(
                    who, deliver=DELIVER, fee=FEE, usd_units=CENT, expires_at=late, created_at=utcnow()
                )
                for who in whose
            )
        )
        return [Order(who, offer) for who, offer in zip(whose, offers, strict=True)]


async def committed(house: House) -> set[str]:
    """Keys whose answer is stored: for looking on, customers never do this."""
    return {row["key"] for row in await house.admin.fetch("SELECT key FROM idempotency_keys")}


async def agree(house: House, orders: Sequence[Order]) -> None:
    """What customers wrote down, the stored answers, withdrawals, holds, prices, counters and events: one story."""
    done = {order.key: order for order in orders if order.done is not None}
    ids = {order.done["id"] for order in done.values() if order.done}
    assert len(ids) == len(done), "two requests were given one withdrawal"

    stored = await house.admin.fetch("SELECT user_id, key, operation, status, answer FROM idempotency_keys")
    assert {
        row["key"]: (row["user_id"], row["operation"], row["status"], json.loads(row["answer"])) for row in stored
    } == {key: (order.who.id, "withdrawals_create", 201, order.done) for key, order in done.items()}
    rows = await house.admin.fetch("SELECT id::text, user_id, quote_id, state, debit_units::numeric FROM withdrawals")
    assert {row["id"]: tuple(row)[1:] for row in rows} == {
        order.done["id"]: (order.who.id, order.quote.id, "pending_verification", DEBIT)
        for order in done.values()
        if order.done
    }
    holds = await house.admin.fetch(
        "SELECT t.key, t.units::numeric, d.owner, d.name AS debit, c.owner AS whose, c.name AS credit"
        " FROM ledger_transfers t JOIN ledger_accounts d ON d.id = t.debit_account"
        " JOIN ledger_accounts c ON c.id = t.credit_account WHERE t.key LIKE 'withdrawal:%'"
    )
    assert {row["key"]: tuple(row)[1:] for row in holds} == {
        f"withdrawal:{order.done['id']}:hold": (DEBIT, order.who.id, "available", order.who.id, "held")
        for order in done.values()
        if order.done
    }
    assert len(holds) == len(done)
    prices = await house.admin.fetch("SELECT id, used_by::text FROM quotes WHERE state = 'accepted'")
    assert {row["id"]: row["used_by"] for row in prices} == {
        order.quote.id: order.done["id"] for order in done.values() if order.done
    }
    told = await house.admin.fetch("SELECT withdrawal_id::text, count(*) FROM withdrawal_events GROUP BY 1")
    assert {row[0]: row[1] for row in told} == dict.fromkeys(ids, 1)

    by_user: dict[uuid.UUID, int] = {order.who.id: 0 for order in orders}
    for order in done.values():
        by_user[order.who.id] += 1
    counted = await house.admin.fetch("SELECT user_id, sum(usd_cents) FROM limit_counters GROUP BY 1")
    assert {row[0]: row[1] for row in counted} == {who: n for who, n in by_user.items() if n}
    for who, n in by_user.items():
        rung = await house.admin.fetch(
            "SELECT sequence FROM events WHERE user_id = $1 AND kind = 'withdrawal' ORDER BY 1", who
        )
        numbers = [row[0] for row in rung]
        assert numbers == list(range(numbers[0] if n else 1, (numbers[0] if n else 1) + n))
        assert (await house.world.available(who, "USDT"))[1] == n * DEBIT
    await house.world.exact()
