"""Who may ask for what: policies, origins, roles (security.md abuse cases 13, 14, 35)."""

from datetime import timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from tests.auth.people import COOKIE, ORIGIN, PASSWORD, Person, build_app, now, problem
from tidegate.auth import accounts, rates
from tidegate.auth.gate import Gate
from tidegate.auth.rules import ANONYMOUS, PERMISSIONS, ROLES
from tidegate.auth.subject import Subject, allow, check_policies, tell_security
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.refusal import Kind, Refusal


def test_a_route_without_a_policy_stops_the_start() -> None:
    app = FastAPI()
    inner = APIRouter()

    @inner.get("/naked")
    async def naked() -> None: ...

    outer = APIRouter(prefix="/v1")
    outer.include_router(inner)
    app.include_router(outer)
    with pytest.raises(SystemExit, match="GET /v1/naked: none"):
        check_policies(app)


def test_a_route_with_two_policies_stops_the_start() -> None:
    app = FastAPI()

    @app.get("/both", dependencies=[Depends(allow("public"))])
    async def both(subject: Annotated[Subject, Depends(allow("account.read"))]) -> None: ...

    with pytest.raises(SystemExit, match=r"account\.read, public"):
        check_policies(app)


def test_a_router_may_name_the_policy_of_its_routes() -> None:
    app = FastAPI()
    router = APIRouter(dependencies=[Depends(allow("public"))])

    @router.get("/open")
    async def open_to_all() -> None: ...

    app.include_router(router)
    check_policies(app)


def test_a_policy_that_does_not_exist_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="not a permission"):
        allow("wallets.everything")


async def test_the_seeded_rows_say_what_the_rules_say(db: Database) -> None:
    from sqlalchemy import text

    async with db.reading() as session:
        rows = (await session.execute(text("SELECT role, permission FROM role_permissions"))).all()
    stored: dict[str, set[str]] = {role: set() for role in ROLES}
    for role, permission in rows:
        stored[role].add(permission)
    assert stored == {role: set(held) for role, held in ROLES.items()}
    assert set().union(*stored.values()) == PERMISSIONS - ANONYMOUS


CSRF = [
    ({"X-Tidegate": "1", "Sec-Fetch-Site": "same-origin"}, True),
    ({"X-Tidegate": "1", "Origin": ORIGIN}, True),
    ({"X-Tidegate": "1", "Origin": "http://127.0.0.1:8000"}, True),
    ({"X-Tidegate": "1", "Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}, True),
    ({"X-Tidegate": "1"}, False),
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"X-Tidegate": "true", "Sec-Fetch-Site": "same-origin"}, False),
    ({"X-Tidegate": "1", "Sec-Fetch-Site": "same-site"}, False),
    ({"X-Tidegate": "1", "Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, False),
    ({"X-Tidegate": "1", "Sec-Fetch-Site": "none"}, False),
    ({"X-Tidegate": "1", "Origin": "null"}, False),
    ({"X-Tidegate": "1", "Origin": "http://localhost:8001"}, False),
    ({"X-Tidegate": "1", "Origin": "http://localhost:8000.evil.example"}, False),
    ({"X-Tidegate": "1", "Origin": "https://localhost:8000"}, False),
]


@pytest.mark.parametrize(("headers", "taken"), CSRF)
async def test_a_write_by_cookie_comes_from_our_own_page(ana: Person, headers: dict[str, str], taken: bool) -> None:
    await ana.signed_in()
    sent = {"Cookie": f"{COOKIE}={ana.cookie}"} | headers
    answer = await ana.http.patch("/api/v1/auth/me", json={"name": "Ana"}, headers=sent)
    assert (answer.status_code == 200) is taken
    if not taken:
        assert problem(answer) == (403, "forbidden")


async def test_reading_by_cookie_and_writing_by_bearer_need_no_origin(ana: Person) -> None:
    await ana.signed_in()
    assert (await ana.http.get("/api/v1/auth/me", headers={"Cookie": f"{COOKIE}={ana.cookie}"})).status_code == 200
    bearer = {"Authorization": f"Bearer {(await ana.token()).json()['access_token']}"}
    assert (await ana.http.patch("/api/v1/auth/me", json={"name": "Ana"}, headers=bearer)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": ORIGIN}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "https://evil.example"}, False),
    ],
)
@pytest.mark.parametrize("path", ["login", "register"])
async def test_another_sites_page_cannot_sign_its_visitor_in(
    ana: Person, path: str, headers: dict[str, str], taken: bool
) -> None:
    body = {"email": ana.email if path == "login" else "eve@demo.example", "password": PASSWORD}
    answer = await ana.http.post(f"/api/v1/auth/{path}", json=body, headers=headers)
    assert (answer.status_code in (200, 201)) is taken
    if not taken:
        assert problem(answer) == (403, "forbidden")


async def test_a_form_post_is_not_taken_for_json(ana: Person) -> None:
    raw = b'{"email": "ana@demo.example", "password": "' + PASSWORD.encode() + b'"}'
    answer = await ana.http.post("/api/v1/auth/login", content=raw, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422


async def test_every_signed_in_route_is_401_without_a_credential(app: FastAPI, http: httpx.AsyncClient) -> None:
    document = app.openapi()
    tell_security(app, document)
    asked = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "security" not in operation:
                continue
            answer = await http.request(method, path.replace("{session_id}", "0" * 8 + "-0000-7000-8000-" + "0" * 12))
            assert problem(answer) == (401, "unauthenticated"), path
            asked += 1
    assert asked == 12


async def test_a_role_taken_away_counts_with_the_next_request(ana: Person, db: Database) -> None:
    await ana.signed_in()
    async with db.transaction() as session:
        user = await accounts.user_by_email(session, ana.email)
        assert user is not None
        await accounts.revoke_role(session, user_id=user.id, role="customer")
    assert problem(await ana.call("GET", "/me")) == (403, "forbidden")
    async with db.transaction() as session:
        await accounts.grant_role(session, user_id=user.id, role="auditor")
    me = (await ana.call("GET", "/me")).json()
    assert me["roles"] == ["auditor"]
    assert "audit.books" in me["permissions"]


async def test_a_frozen_account_shows_its_hold(ana: Person, db: Database) -> None:
    await ana.signed_in()
    async with db.transaction() as session:
        user = await accounts.user_by_email(session, "ANA@demo.example")
        assert user is not None
        await accounts.set_frozen(session, user_id=user.id, frozen=True)
    assert (await ana.call("GET", "/me")).json()["holds"][0]["reason"] == "frozen"


async def test_users_are_made_with_roles_and_sign_in(http: httpx.AsyncClient, db: Database) -> None:
    async with db.transaction() as session:
        await accounts.create_user(
            session, email="olga@demo.example", password=PASSWORD, roles=["approver"], name="Olga", memory_kib=1024
        )
    olga = await Person(http, "olga@demo.example").signed_in()
    assert (await olga.call("GET", "/me")).json()["roles"] == ["approver"]
    with pytest.raises(Refusal) as refused:
        async with db.transaction() as session:
            await accounts.create_user(session, email="Olga@demo.example", password=PASSWORD, memory_kib=1024)
    assert refused.value.kind is Kind.CONFLICT


async def test_production_registers_neutrally_and_nobody_signs_in_unconfirmed(
    gate: Gate, db: Database, settings: Settings
) -> None:
    object.__setattr__(gate, "settings", settings.model_copy(update={"mode": "production"}))
    transport = httpx.ASGITransport(app=build_app(gate))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        body = {"email": "ana@demo.example", "password": PASSWORD}
        first = await http.post("/api/v1/auth/register", json=body)
        second = await http.post("/api/v1/auth/register", json=body)
        assert first.status_code == second.status_code == 202
        assert first.content == second.content
        ana = Person(http, "ana@demo.example")
        assert problem(await ana.login()) == (401, "invalid_credentials")
        async with db.transaction() as session:
            user = await accounts.user_by_email(session, ana.email)
            assert user is not None
            await accounts.confirm_email(session, user_id=user.id)
        assert (await ana.login()).status_code == 200


async def test_the_sandbox_policy_asks_for_sandbox_and_loopback(gate: Gate, settings: Settings) -> None:
    door = APIRouter()

    @door.post("/faucet", dependencies=[Depends(allow("sandbox"))])
    async def faucet() -> str:
        return "coins"

    app = build_app(gate, door)

    async def ask(address: str, headers: dict[str, str] | None = None) -> int:
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            return (await http.post("/api/v1/faucet", headers=headers)).status_code

    assert await ask("127.0.0.1") == 200
    assert await ask("::1") == 200
    assert await ask("192.0.2.1") == 404
    assert await ask("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}) == 403
    object.__setattr__(gate, "settings", settings.model_copy(update={"mode": "production"}))
    assert await ask("127.0.0.1") == 404


async def test_a_limit_holds_at_its_edge_and_comes_back(gate: Gate) -> None:
    settings = gate.settings
    strict = settings.auth.model_copy(update={"rate_limit_factor": 1})
    object.__setattr__(gate, "settings", settings.model_copy(update={"auth": strict}))
    at = now()
    for _ in range(10):
        await rates.take(gate, "withdrawals", "x", now=at)
    with pytest.raises(Refusal) as refused:
        await rates.take(gate, "withdrawals", "x", now=at)
    assert refused.value.kind is Kind.RATE_LIMITED
    assert refused.value.fields["retry_after"] == 360
    await rates.take(gate, "withdrawals", "y", now=at)
    with pytest.raises(Refusal):
        await rates.take(gate, "withdrawals", "x", now=at + timedelta(seconds=359))
    await rates.take(gate, "withdrawals", "x", now=at + timedelta(seconds=360))
    await rates.give_back(gate, "withdrawals", "x", now=at)
    await rates.take(gate, "withdrawals", "x", now=at + timedelta(seconds=360))


async def test_strangers_cannot_lock_out_the_owners_known_browser(ana: Person, gate: Gate) -> None:
    await ana.signed_in()
    strict = gate.settings.auth.model_copy(update={"rate_limit_factor": 1})
    object.__setattr__(gate, "settings", gate.settings.model_copy(update={"auth": strict}))
    answers = [
        await ana.http.post("/api/v1/auth/login", json={"email": ana.email, "password": "x" * 20}) for _ in range(21)
    ]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429]
    assert (await ana.login()).status_code == 200
    ana.device = ana.device[:-1] + ("0" if ana.device[-1] != "0" else "1")
    assert problem(await ana.login()) == (429, "rate_limited")
