"""Customers who want what the load says, over HTTP, and never give up: who got no answer asks again with the same key.

What they were told goes into the model. What an answer leaves open (a second factor that was checked when the process
died) is found out by asking how things stand, as a person would look at the page.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pyotp
from eth_utils.address import to_checksum_address

from tests.crash.draw import Load, Op
from tests.crash.look import events
from tests.crash.model import ENDS, Model, Payment, Price, units
from tests.crash.system import System
from tidegate.auth import factors
from tidegate.auth import store as auth
from tidegate.auth.accounts import create_user
from tidegate.auth.rules import Credential
from tidegate.database import utcnow
from tidegate.http import tls
from tidegate.ledger.rules import Posting, Transfer, customer, house
from tidegate.refusal import Refusal
from tidegate.transactions import intervene

PATIENCE = 900
WAIT_SECONDS = 0.1
NETWORK = {"BTC": "bitcoin", "ETH": "ethereum", "USDT": "ethereum"}
PURSE = {"BTC": 5 * 10**7, "ETH": 10**19, "USDT": 5_000 * 10**6}
STEP = 30


class NoAnswer(AssertionError):
    """The house never answered: that is a dead end too."""


@dataclass(eq=False)
class Person:
    id: uuid.UUID
    email: str
    seed: str
    session: uuid.UUID
    used: int = 0

    async def code(self) -> str:
        """A code that counts and was not given before; waits where all were."""
        while True:
            now = utcnow().timestamp()
            step = max(self.used + 1, int(now) // STEP - 1)
            if step <= int(now) // STEP + 1:
                self.used = step
                return pyotp.HOTP(self.seed).at(step)
            await asyncio.sleep(WAIT_SECONDS)


async def person(made: System, *, roles: tuple[str, ...] = ("customer",), purse: bool = True) -> Person:
    """Somebody new with an authenticator, a session, and money that the books know."""
    now, email, seed = utcnow(), f"{uuid.uuid4().hex}@example.com", pyotp.random_base32()
    own = made.own
    async with own.db.transaction() as session:
        user_id = await create_user(session, email=email, password="a lamp in the fog", roles=roles, memory_kib=1024)
        await factors.enrol(session, user_id=user_id, seed=seed, now=now)
        session_id = await auth.insert_session(
            session,
            user_id=user_id,
            epoch=0,
            credential=Credential.BEARER,
            digest=None,
            user_agent=None,
            now=now,
            expires_at=now + timedelta(days=1),
            second_factor=True,
        )
    if purse:
        moves = tuple(
            Transfer(house("capital", code), customer(user_id, "available", code), amount, "given")
            for code, amount in PURSE.items()
        )
        assert (await own.lane.submit(Posting(f"given:{user_id}", moves, "deposit", user_id))).posted
    return Person(user_id, email, seed, session_id)


@dataclass
class Play:
    """One run's people and what they learn."""

    made: System
    load: Load
    operator: Person
    http: httpx.AsyncClient
    addresses: Callable[[str], Any]
    model: Model = field(default_factory=Model)
    people: list[Person] = field(default_factory=list)
    bumped: set[str] = field(default_factory=set)
    to_bump: set[str] = field(default_factory=set)
    unanswered: int = 0
    answered: int = 0
    hook: int = 0
    """The port where the first customer's webhook goes."""
    hooked: int = 0
    """The last event of that customer before there was a webhook."""

    async def enter(self) -> None:
        """Before anything can die: people, purses, the webhook."""
        self.people = [await person(self.made) for _ in self.load.ops]
        for one in self.people:
            self.model.given |= {(str(one.id), code): amount for code, amount in PURSE.items()}
        self.hooked = (await events(self.made, self.people[0].id))[-1]
        body = {"url": f"http://localhost:{self.hook}/{self.people[0].id}"}
        answer = await self.ask(self.people[0], "POST", "/webhooks", body)
        assert answer.status_code == 201, answer.text

    async def all(self) -> None:
        await asyncio.gather(*(self._one(op, one) for op, one in zip(self.load.ops, self.people, strict=True)))

    async def _one(self, op: Op, who: Person) -> None:
        if op.kind == "transfer":
            await self._transfer(op, who)
            return
        while True:
            quoted = await self.ask(who, "POST", "/exchange/quotes", self._wanted(op))
            assert quoted.status_code == 201, quoted.text
            quote = quoted.json()
            if op.kind == "conversion":
                answer = await self.ask(who, "POST", "/exchange/conversions", {"quote_id": quote["id"]}, twice=op.eager)
            else:
                address = await self.addresses(op.to_asset)
                body = {"quote_id": quote["id"], "address": address}
                answer = await self.ask(who, "POST", "/transactions/withdrawals", body, twice=op.eager)
            if answer.status_code == 201:
                break
            # The house was away for longer than a price holds: nothing happened, and a new one is asked for.
            assert answer.json()["code"] == "quote_expired", answer.text
        price = price_of(quote)
        if op.kind == "conversion":
            self.model.conversions.append((str(who.id), price))
            return
        made = Payment(answer.json()["id"], str(who.id), address, price, told=answer.json()["state"])
        self.model.payments.append(made)
        await self._confirm(op, who, made)

    async def _confirm(self, op: Op, who: Person, made: Payment) -> None:
        path = f"/transactions/withdrawals/{made.id}"
        if not op.abandon and op.cancel != "unverified":
            await self._verify(who, path)
            made.verified = True
        if op.bump:
            self.to_bump.add(made.id)
        if op.reviewed:
            await self._approve(made.id)
        if op.cancel:
            answer = await self.ask(who, "POST", f"{path}/cancel", None, twice=op.eager)
            made.called_back = answer.status_code == 200
            assert answer.status_code == 200 or answer.json()["code"] == "cannot_cancel", answer.text

    async def _verify(self, who: Person, path: str) -> None:
        """Until it counts: a code whose answer was lost is asked about with its key; a spent one is followed by the next."""
        while True:
            body = {"method": "totp", "code": await who.code()}
            answer = await self.ask(who, "POST", f"{path}/verify", body)
            if answer.status_code == 200:
                return
            assert answer.json()["code"] in ("invalid_code", "code_already_used"), answer.text

    async def _transfer(self, op: Op, who: Person) -> None:
        taker = next(one for one in self.people if one is not who)
        body = {"asset": op.to_asset, "amount": op.amount, "to_email": taker.email}
        answer = await self.ask(who, "POST", "/transactions/transfers", body, twice=op.eager)
        assert answer.status_code == 201, answer.text
        if answer.json()["state"] != "completed":
            await self._verify(who, f"/transactions/transfers/{answer.json()['id']}")
        moved = units(op.to_asset, op.amount)
        self.model.transfers.append((str(who.id), str(taker.id), op.to_asset, moved))

    async def _approve(self, subject: str) -> None:
        """A person looks at what waits, and says yes to this one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                page = await self.ask(self.operator, "GET", "/compliance/approvals?state=pending&limit=100", None)
                waiting = [one for one in page.json()["items"] if one["subject_id"] == subject]
                if waiting:
                    break
                await asyncio.sleep(WAIT_SECONDS)
        body = {"verdict": "approve", "digest": waiting[0]["digest"], "reason": "a known customer"}
        answer = await self.ask(self.operator, "POST", f"/compliance/approvals/{waiting[0]['id']}", body)
        assert answer.status_code == 200, answer.text

    async def look(self) -> None:
        """How each withdrawal stands, as its owner sees it."""
        owners = {str(one.id): one for one in self.people}
        for made in self.model.payments:
            if made.told not in ENDS:
                answer = await self.ask(owners[made.who], "GET", f"/transactions/withdrawals/{made.id}", None)
                made.told = answer.json()["state"]

    async def make_dearer(self) -> None:
        """An operator does not wait for the network's own time."""
        for made in self.to_bump - self.bumped:
            row = await self.made.admin.fetchrow(
                "SELECT s.stage, s.asked_rate, s.capped, count(*) AS made, count(a.broadcast_at) AS sent"
                " FROM attempt_sets s JOIN set_payouts p ON p.set_id = s.id JOIN attempts a ON a.set_id = s.id"
                " WHERE p.payout_id = $1 AND s.ended_at IS NULL GROUP BY s.id",
                uuid.UUID(made),
            )
            if row is None:
                continue
            if row["sent"] > 1 or row["capped"] is not None:
                self.bumped.add(made)
            elif row["stage"] == "confirming" and row["made"] == 1 and row["asked_rate"] is None:
                with contextlib.suppress(Refusal):  # it moved on while it was looked at
                    await intervene.bump(self.made.own.office, uuid.UUID(made), rate=0)

    async def holds_blocks(self) -> bool:
        """Whether no block may come yet: a payment that is made dearer has to wait for one."""
        waiting = [uuid.UUID(one) for one in self.to_bump - self.bumped]
        alive = "SELECT count(*) FROM withdrawals WHERE id = ANY($1) AND state <> ALL ($2)"
        return bool(waiting) and bool(await self.made.admin.fetchval(alive, waiting, list(ENDS)))

    def _wanted(self, op: Op) -> dict[str, Any]:
        wanted = {"kind": op.kind, "from_asset": op.from_asset, "to_asset": op.to_asset, "amount": op.amount}
        wanted["side"] = "exact_out"
        return wanted if op.kind == "conversion" else {**wanted, "network": NETWORK[op.to_asset], "speed": "standard"}

    async def ask(
        self, who: Person, method: str, path: str, body: dict[str, Any] | None, *, twice: bool = False
    ) -> httpx.Response:
        """Until there is an answer that says something; `twice`: two of the same at once, which must agree."""
        token = self.made.own.gate.tokens.make(user_id=who.id, session_id=who.session, now=utcnow())
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        if twice:
            first, second = await asyncio.gather(*(self._until(method, path, body, headers) for _ in range(2)))
            if first.status_code < 300 and second.status_code < 300:
                assert _told(first) == _told(second), f"{path}: two answers to one request"
            return first if first.status_code < 300 else second
        return await self._until(method, path, body, headers)

    async def _until(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> httpx.Response:
        clock = asyncio.get_running_loop().time
        deadline, said = clock() + PATIENCE, ""
        while clock() < deadline:
            try:
                answer = await self.http.request(method, f"/api/v1{path}", json=body, headers=headers)
            except httpx.TransportError as error:
                said = repr(error)
            else:
                busy = answer.status_code == 409 and answer.json()["code"] in ("in_progress", "conflict")
                if answer.status_code not in (500, 503) and not busy:
                    self.answered += 1
                    return answer
                said = answer.text
            self.unanswered += 1
            await asyncio.sleep(WAIT_SECONDS)
        raise NoAnswer(f"{method} {path}: no answer in {PATIENCE} s, last {said}")


def _told(answer: httpx.Response) -> Any:
    """What two equal requests must both say: the thing, not how far it has come between the two."""
    return answer.json()["id"]


def price_of(quote: dict[str, Any]) -> Price:
    """The promise, read from the quote's own words."""
    source, target = quote["from_asset"], quote["to_asset"]
    network = sum(units(source, one["amount"]["amount"]) for one in quote["fees"] if one["kind"] == "network")
    debit, deliver = quote["debit"]["amount"], quote["deliver"]["amount"]
    return Price(source, units(source, debit), target, units(target, deliver), network)


async def fresh_address(made: System, code: str) -> str:
    """Nobody's before, so that whatever it holds was this payment."""
    if code == "BTC":
        return str(await made.bitcoin.faucet("getnewaddress", "", "bech32"))
    return str(to_checksum_address("0x" + uuid.uuid4().hex + uuid.uuid4().hex[:8]))


def client(made: System) -> httpx.AsyncClient:
    limits = httpx.Limits(max_keepalive_connections=20)
    return httpx.AsyncClient(verify=tls(), base_url=made.url, timeout=20, trust_env=False, limits=limits)


def read(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw)
    return found
