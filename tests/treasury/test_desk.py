"""The treasurer's desk over HTTP: who may see it, and what it says."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.auth.people import ORIGIN, OWN_PAGE, Person, build_app
from tidegate.auth import accounts
from tidegate.auth.gate import open_gate
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.treasury import move_store, routes
from tidegate.treasury.move_rules import Need
from tidegate.treasury.rules import ProposalKind

API = "/api/v1"
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


class Officer(Person):
    """Somebody with a role and a browser."""

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(API + path, headers=OWN_PAGE | {"Cookie": self.jar})

    async def post(self, path: str, told: dict[str, str] | None = None) -> httpx.Response:
        return await self.http.post(API + path, headers=OWN_PAGE | {"Cookie": self.jar}, json=told)


@pytest.fixture
async def http(db: Database, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(open_gate(db, settings), routes.router)
    app.state.database, app.state.settings = db, settings
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


async def signed_in(http: httpx.AsyncClient, db: Database, email: str, role: str) -> Officer:
    holder = Officer(http, email)
    await holder.register()
    if role != "customer":
        async with db.transaction() as session:
            user = await session.scalar(text("SELECT id FROM users WHERE email_canonical = :e"), {"e": email})
            await accounts.grant_role(session, user_id=user, role=role)
    await holder.enrol()
    return holder


async def propose(db: Database, units: int, kind: ProposalKind = ProposalKind.REFILL, venue: str = "") -> None:
    need = Need(kind, units, "withdrawals are waiting for it") if units else None
    where: dict[str, Any] = {"network": "ethereum", "asset": "USDT", "address": ADDRESS, "venue": venue}
    async with db.transaction() as session:
        await move_store.propose(session, **where, need=need, now=utcnow())


async def test_a_treasurer_accepts_the_amount_that_was_seen_and_no_other(http: httpx.AsyncClient, db: Database) -> None:
    holder = await signed_in(http, db, "tess@demo.example", "treasurer")
    await propose(db, 5_000_000, ProposalKind.TO_WALLET, "kraken")
    await propose(db, 7_000_000)
    shown = (await holder.get("/treasury/proposals")).json()["items"]
    assert {(one["kind"], one["venue"], one["amount"]) for one in shown} == {
        ("to_wallet", "kraken", "5.000000"),
        ("refill", "", "7.000000"),
    }
    ids = {one["kind"]: f"/treasury/proposals/{one['id']}/accept" for one in shown}
    for kind, amount in (("to_wallet", "5.000001"), ("refill", "7.000000")):
        assert (await holder.post(ids[kind], {"amount": amount})).json()["code"] == "conflict"
    for _ in range(2):
        answer = (await holder.post(ids["to_wallet"], {"amount": "5.000000"})).json()
        assert (answer["state"], answer["ended_by"]) == ("accepted", "tess@demo.example")
    assert (await holder.get("/treasury/venue-moves")).json()["items"] == []
    clerk = await signed_in(http, db, "cora@demo.example", "approver")
    assert (await clerk.post(ids["to_wallet"], {"amount": "5.000000"})).status_code == 403


@pytest.mark.parametrize("role", ["treasurer", "administrator"])
async def test_a_treasurer_sees_what_is_needed_and_says_no_once(
    http: httpx.AsyncClient, db: Database, role: str
) -> None:
    holder = await signed_in(http, db, "tess@demo.example", role)
    await propose(db, 5_000_000)
    (one,) = (await holder.get("/treasury/proposals")).json()["items"]
    assert (one["kind"], one["amount"], one["address"], one["state"]) == ("refill", "5.000000", ADDRESS, "open")
    path = f"/treasury/proposals/{one['id']}/dismiss"
    for _ in range(2):
        answer = await holder.post(path)
        assert answer.status_code == 200 and answer.json()["state"] == "dismissed"
        assert answer.json()["ended_by"] == "tess@demo.example"
    assert (await holder.get("/treasury/proposals?state=open")).json()["items"] == []
    wallets = (await holder.get("/treasury/wallets")).json()["items"]
    assert {(one["network"], one["asset"]) for one in wallets} >= {("bitcoin", "BTC"), ("ethereum", "USDT")}
    assert (await holder.get("/treasury/moves")).json()["items"] == []


async def test_what_is_done_cannot_be_dismissed(http: httpx.AsyncClient, db: Database) -> None:
    holder = await signed_in(http, db, "tess@demo.example", "treasurer")
    await propose(db, 5_000_000)
    await propose(db, 0)
    (one,) = (await holder.get("/treasury/proposals?state=done")).json()["items"]
    assert (await holder.post(f"/treasury/proposals/{one['id']}/dismiss")).json()["code"] == "conflict"


@pytest.mark.parametrize("role", ["customer", "support", "approver", "compliance_officer", "auditor"])
async def test_nobody_else_sees_the_treasury(http: httpx.AsyncClient, db: Database, role: str) -> None:
    holder = await signed_in(http, db, "cora@demo.example", role)
    for path in ("proposals", "wallets", "moves", "venue-moves"):
        assert (await holder.get(f"/treasury/{path}")).status_code == 403
