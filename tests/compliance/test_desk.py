"""Limits, pauses, lists and approvals against a real database, alone and many at once."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.auth.people import ORIGIN, OWN_PAGE, Person, build_app, now, problem
from tests.wallets.world import a_user
from tidegate.auth.accounts import grant_role
from tidegate.auth.gate import open_gate
from tidegate.compliance import approve, limits, lists, pause, routes, screen
from tidegate.compliance.rules import Policy, Screened, Standing
from tidegate.config import Settings
from tidegate.database import Database, ride
from tidegate.ledger.lane import Lane
from tidegate.refusal import Kind, Refusal

DAY = date(2026, 11, 24)
DIGEST = hashlib.sha256(b"intent").hexdigest()


# --- limits --------------------------------------------------------------------------------------------------------


async def test_the_daily_limit_is_never_passed_however_many_spend_at_once(db: Database, lane: Lane) -> None:
    user = await a_user(db)
    verdicts = await asyncio.gather(*(lane.write([limits.spend(user, 300, 1000, DAY)]) for _ in range(12)))
    assert sum(v.posted for v in verdicts) == 3
    assert {v.rider for v in verdicts if not v.posted} == {"limit"}
    async with db.reading() as session:
        assert await limits.spent(session, user, DAY) == 900


async def test_the_first_spending_of_a_day_is_checked_too(db: Database, lane: Lane) -> None:
    user = await a_user(db)
    assert (await lane.write([limits.spend(user, 1001, 1000, DAY)])).rider == "limit"
    assert (await lane.write([limits.spend(user, 1000, 1000, DAY)])).posted


async def test_what_is_given_back_can_be_spent_again_and_each_day_starts_anew(db: Database, lane: Lane) -> None:
    user = await a_user(db)
    assert (await lane.write([limits.spend(user, 1000, 1000, DAY)])).posted
    assert (await lane.write([limits.spend(user, 1, 1000, date(2026, 11, 25))])).posted
    assert (await lane.write([limits.give_back(user, 400, DAY), limits.spend(user, 400, 1000, DAY)])).posted
    assert (await lane.write([limits.spend(user, 1, 1000, DAY)])).rider == "limit"


async def test_all_that_is_given_back_at_once_is_given_back_and_never_more_than_was_spent(
    db: Database, lane: Lane
) -> None:
    user, other = await a_user(db), await a_user(db)
    assert (await lane.write([limits.spend(user, 900, 1000, DAY)])).posted
    back = [(user, 100), (other, 5), (user, 200), (user, 300)]
    verdicts = await asyncio.gather(*(lane.write([limits.give_back(who, cents, DAY)]) for who, cents in back))
    assert all(verdict.posted for verdict in verdicts)
    async with db.reading() as session:
        assert await limits.spent(session, user, DAY) == 300
    assert (await lane.write([limits.give_back(user, 200, DAY), limits.give_back(user, 200, DAY)])).posted
    async with db.reading() as session:
        assert [await limits.spent(session, who, DAY) for who in (user, other)] == [0, 0]


async def test_policy_reads_the_configured_dollars(db: Database, lane: Lane, settings: Settings) -> None:
    user = await a_user(db)
    today = now()
    async with db.reading() as session:
        judged = await limits.judge(session, settings=settings.compliance, user_id=user, usd_cents=1_000_001, now=today)
    assert (judged.policy, judged.limit, judged.left_cents) == (Policy.REFUSE, "per_withdrawal", 1_000_000)


# --- the deny list -------------------------------------------------------------------------------------------------


def with_list(settings: Settings, path: Path | None, *, mode: str = "sandbox") -> Settings:
    compliance = settings.compliance.model_copy(update={"deny_list_file": path})
    return settings.model_copy(update={"compliance": compliance, "mode": mode})


def test_a_list_is_read_again_when_it_changes_and_missing_is_not_empty(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "deny.txt"
    configured = with_list(settings, path)
    assert lists.current(configured) is None
    path.write_text("ethereum 0xaa first\n")
    one = lists.current(configured)
    assert one is not None
    assert lists.current(configured) is one
    path.write_text("ethereum 0xaa first\nethereum 0xbb second\n")
    two = lists.current(configured)
    assert two is not None
    assert len(two.entries) == 2
    path.write_text("half a line and then\nnothing")
    assert lists.current(configured) is None
    path.unlink()
    assert lists.current(configured) is None


def test_only_a_sandbox_may_name_no_list(settings: Settings) -> None:
    assert lists.current(with_list(settings, None)) is not None
    assert lists.current(with_list(settings, None, mode="production")) is None


def test_a_list_that_cannot_be_opened_is_no_list(settings: Settings, tmp_path: Path) -> None:
    assert lists.current(with_list(settings, tmp_path)) is None


async def test_every_screening_leaves_its_evidence_and_the_newest_counts(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    path, subject = tmp_path / "deny.txt", uuid.uuid4()
    path.write_text("# nothing yet\n")
    asked = {"subject_kind": "withdrawal", "subject_id": subject, "network": "ethereum", "address": "0xAA"}
    verdicts = []
    for line in ("", "ethereum 0xaa late\n"):
        path.write_text("# list\n" + line)
        async with db.transaction() as session:
            found = await screen.screen(session, **asked, deny=lists.current(with_list(settings, path)), now=now())  # type: ignore[arg-type]  # typed by name
        verdicts.append(found.verdict)
    assert verdicts == [Screened.PASS, Screened.BLOCK]
    async with db.reading() as session:
        last = await screen.last(session, subject_kind="withdrawal", subject_id=subject)
        rows = (await session.execute(text("SELECT verdict, inputs, list_version FROM screenings ORDER BY id"))).all()
    assert last is not None
    assert last.verdict is Screened.BLOCK
    assert [row[0] for row in rows] == ["pass", "block"]
    assert rows[0][1] == {"network": "ethereum", "address": "0xAA"}
    assert rows[0][2] != rows[1][2]


# --- pauses --------------------------------------------------------------------------------------------------------


async def test_a_pause_of_everything_stops_every_asset(db: Database) -> None:
    await pause.pause(db, asset="*", by="op", reason="incident")
    await pause.pause(db, asset="BTC", by="op", reason="node")
    async with db.reading() as session:
        assert (await pause.paused(session, "ETH") or pytest.fail("not paused")).reason == "incident"
        assert await pause.paused(session, "BTC") is not None
    await pause.resume(db, asset="*", by="op")
    async with db.reading() as session:
        assert await pause.paused(session, "ETH") is None
        assert (await pause.paused(session, "BTC") or pytest.fail("not paused")).reason == "node"


async def test_pausing_twice_keeps_the_first_reason_and_an_unknown_asset_is_refused(db: Database) -> None:
    first = await pause.pause(db, asset="BTC", by="op", reason="first")
    assert await pause.pause(db, asset="BTC", by="other", reason="second") == first
    with pytest.raises(Refusal) as refused:
        await pause.pause(db, asset="XRP", by="op", reason="why")
    assert refused.value.kind is Kind.UNKNOWN_ASSET


# --- approvals -----------------------------------------------------------------------------------------------------


async def ask(
    db: Database, requester: uuid.UUID, *, needed: int = 1, digest: str = DIGEST, subject: uuid.UUID | None = None
) -> uuid.UUID:
    """Put something before the approvers; the request's id."""
    subject = subject or uuid.uuid4()
    rider = approve.ask(
        kind="withdrawal",
        subject_id=subject,
        digest=digest,
        requester=requester,
        summary={"asset": "BTC"},
        needed=needed,
        now=now(),
    )
    async with db.transaction() as session:
        assert await ride(session, [rider]) is None
        found = await session.scalar(
            text("SELECT id FROM approval_requests WHERE subject_id = :s AND digest = :d"), {"s": subject, "d": digest}
        )
    return uuid.UUID(str(found))


@pytest.fixture
async def http(db: Database, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = build_app(open_gate(db, settings), routes.router)
    app.state.database = db
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


class Officer(Person):
    async def ask(self, method: str, path: str, json: Any = None, key: str | None = None) -> httpx.Response:
        headers = OWN_PAGE | {"Cookie": self.jar} | ({"Idempotency-Key": key} if key else {})
        return await self.http.request(method, f"/api/v1/compliance{path}", json=json, headers=headers)

    async def decide(
        self, request: uuid.UUID, verdict: str = "approve", digest: str = DIGEST, key: str | None = None
    ) -> httpx.Response:
        body = {"verdict": verdict, "digest": digest, "reason": "invoice seen"}
        return await self.ask("POST", f"/approvals/{request}", body, key)


async def officer(db: Database, http: httpx.AsyncClient, name: str, *roles: str) -> tuple[Officer, uuid.UUID]:
    person = Officer(http, f"{name}@demo.example")
    await person.register()
    async with db.transaction() as session:
        user = uuid.UUID(
            str(await session.scalar(text("SELECT id FROM users WHERE email_canonical = :e"), {"e": person.email}))
        )
        for role in roles:
            await grant_role(session, user_id=user, role=role)
    await person.signed_in()
    return person, user


async def test_an_approver_grants_what_another_asked_for(db: Database, http: httpx.AsyncClient) -> None:
    requester, subject = await a_user(db), uuid.uuid4()
    request = await ask(db, requester, subject=subject)
    bea, _ = await officer(db, http, "bea", "approver")
    (waiting,) = (await bea.ask("GET", "/approvals?state=pending")).json()["items"]
    assert (waiting["id"], waiting["digest"], waiting["summary"], waiting["decided_at"]) == (
        str(request),
        DIGEST,
        {"asset": "BTC"},
        None,
    )
    decided = await bea.decide(request)
    assert (decided.status_code, decided.json()["state"], decided.json()["approved_by"]) == (200, "approved", 1)
    async with db.reading() as session:
        found = await approve.verdict(session, kind="withdrawal", subject_id=subject, digest=DIGEST)
        other = await approve.verdict(session, kind="withdrawal", subject_id=subject, digest="0" * 64)
    assert (found, other) == (Standing.APPROVED, None)
    assert (await bea.ask("GET", "/approvals?state=pending")).json()["items"] == []


async def test_nobody_approves_their_own_request_not_even_by_sql(db: Database, http: httpx.AsyncClient) -> None:
    bea, bea_id = await officer(db, http, "bea", "approver")
    request = await ask(db, bea_id)
    assert problem(await bea.decide(request)) == (403, "forbidden")
    for requester in (bea_id, await a_user(db)):
        with pytest.raises(IntegrityError):
            async with db.transaction() as session:
                await session.execute(
                    text(
                        "INSERT INTO approvals (id, request_id, requester, approver, verdict, reason, at)"
                        " VALUES (gen_random_uuid(), :request, :requester, :me, 'approve', 'x', now())"
                    ),
                    {"request": request, "requester": requester, "me": bea_id},
                )


async def test_two_needed_means_two_people(db: Database, http: httpx.AsyncClient) -> None:
    request = await ask(db, await a_user(db), needed=2)
    bea, _ = await officer(db, http, "bea", "approver")
    cleo, _ = await officer(db, http, "cleo", "approver")
    assert (await bea.decide(request)).json()["state"] == "pending"
    assert problem(await bea.decide(request)) == (409, "conflict")
    assert (await cleo.decide(request)).json()["state"] == "approved"
    assert problem(await cleo.decide(request, "reject")) == (409, "conflict")


async def test_answers_at_once_are_counted_once_each(db: Database, http: httpx.AsyncClient) -> None:
    request = await ask(db, await a_user(db), needed=2)
    people = [(await officer(db, http, name, "approver"))[0] for name in ("bea", "cleo", "dora")]
    answers = await asyncio.gather(*(one.decide(request) for one in people for _ in range(2)))
    assert sorted(a.status_code for a in answers) == [200, 200, 409, 409, 409, 409]


async def test_one_no_is_enough(db: Database, http: httpx.AsyncClient) -> None:
    request = await ask(db, await a_user(db), needed=3)
    bea, _ = await officer(db, http, "bea", "approver")
    assert (await bea.decide(request, "reject")).json()["state"] == "rejected"


async def test_another_content_than_the_one_looked_at_is_a_conflict(db: Database, http: httpx.AsyncClient) -> None:
    request = await ask(db, await a_user(db))
    bea, _ = await officer(db, http, "bea", "approver")
    assert problem(await bea.decide(request, digest="0" * 64)) == (409, "conflict")
    assert problem(await bea.decide(uuid.uuid4())) == (404, "not_found")


async def test_a_repeated_decision_with_its_key_gets_the_first_answer(db: Database, http: httpx.AsyncClient) -> None:
    request = await ask(db, await a_user(db))
    bea, _ = await officer(db, http, "bea", "approver")
    first, again = [await bea.decide(request, key="one") for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_customers_neither_see_nor_decide(db: Database, http: httpx.AsyncClient) -> None:
    request = await ask(db, await a_user(db))
    ana, _ = await officer(db, http, "ana")
    assert problem(await ana.ask("GET", "/approvals")) == (403, "forbidden")
    assert problem(await ana.decide(request)) == (403, "forbidden")
    assert problem(await ana.ask("PUT", "/pauses/BTC", {"reason": "because"})) == (403, "forbidden")


async def test_asking_twice_for_one_content_is_one_request(db: Database) -> None:
    requester, subject = await a_user(db), uuid.uuid4()
    assert await ask(db, requester, subject=subject) == await ask(db, requester, subject=subject)


async def test_an_operator_pauses_and_resumes_over_http(db: Database, http: httpx.AsyncClient) -> None:
    otto, _ = await officer(db, http, "otto", "administrator")
    made = await otto.ask("PUT", "/pauses/BTC", {"reason": "node trouble"})
    assert (made.status_code, made.json()["by"], made.json()["reason"]) == (200, "otto@demo.example", "node trouble")
    assert [p["asset"] for p in (await otto.ask("GET", "/pauses")).json()["items"]] == ["BTC"]
    assert problem(await otto.ask("PUT", "/pauses/XRP", {"reason": "node trouble"})) == (422, "unknown_asset")
    assert (await otto.ask("DELETE", "/pauses/BTC")).status_code == 204
    assert (await otto.ask("GET", "/pauses")).json()["items"] == []
