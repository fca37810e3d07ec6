"""Another e-mail address: asked for with password and code, done by its link, followed by 72 hours in which nothing leaves."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from tests.auth.people import PASSWORD, Person, now, problem
from tidegate.auth import accounts, email
from tidegate.auth.gate import Gate
from tidegate.auth.rules import EMAIL_HOLD, EMAIL_LINK
from tidegate.database import Database, ride
from tidegate.refusal import Kind, Refusal

NEW = "ana@new.example"


async def letters(db: Database, recipient: str) -> list[Any]:
    async with db.reading() as session:
        rows = await session.execute(
            text("SELECT kind, facts FROM letters WHERE recipient = :to ORDER BY written_at"), {"to": recipient}
        )
        return [(row.kind, row.facts) for row in rows]


async def ask(ana: Person, to: str = NEW, **more: Any) -> httpx.Response:
    body = {"email": to, "current_password": PASSWORD, **more}
    if ana.seed and "totp_code" not in more:
        body["totp_code"] = ana.code()
    return await ana.call("POST", "/email", json=body)


async def link_to(db: Database, recipient: str = NEW) -> str:
    facts = [facts for kind, facts in await letters(db, recipient) if kind == "email_confirm"][-1]
    return str(facts["link"].partition("#")[2])


async def confirm(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/api/v1/auth/email/confirm", json={"token": token})


async def me(ana: Person) -> Any:
    return (await ana.call("GET", "/me")).json()


async def test_the_address_changes_with_the_link_and_both_addresses_are_told(ana: Person, db: Database) -> None:
    await ana.signed_in()
    answer = await ask(ana)
    assert answer.status_code == 202, answer.text
    told = await me(ana)
    assert (told["email"], told["email_waiting"]["email"]) == ("ana@demo.example", NEW)
    assert [kind for kind, _ in await letters(db, "ana@demo.example")] == ["email_asked"]
    done = await confirm(ana.http, await link_to(db))
    assert done.status_code == 200
    told = await me(ana)
    assert told["email"] == NEW
    assert told["email_waiting"] is None
    assert [hold["reason"] for hold in told["holds"]] == ["email_changed"]
    assert told["holds"][0]["until"] == done.json()["held_until"]
    assert [kind for kind, _ in await letters(db, "ana@demo.example")] == ["email_asked", "email_changed"]
    ana.email = NEW
    assert (await ana.login()).status_code == 200


async def test_with_a_second_factor_the_code_is_asked_for_and_spent(ana: Person) -> None:
    await ana.enrol()
    assert problem(await ask(ana, totp_code=None)) == (401, "mfa_required")
    code = ana.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert problem(await ask(ana, totp_code=wrong))[1] == "invalid_code"
    assert (await ask(ana, totp_code=code)).status_code == 202
    assert problem(await ask(ana, "other@new.example", totp_code=code)) == (422, "code_already_used")


async def test_a_wrong_password_changes_nothing_and_writes_to_nobody(ana: Person, db: Database) -> None:
    await ana.signed_in()
    answer = await ana.call("POST", "/email", json={"email": NEW, "current_password": "not the password of anybody"})
    assert problem(answer) == (401, "invalid_credentials")
    assert await letters(db, NEW) == []


async def test_a_taken_address_is_answered_like_a_free_one_and_its_reader_is_told(ana: Person, db: Database) -> None:
    await Person(ana.http, NEW).register()
    await ana.signed_in()
    assert (await ask(ana)).status_code == 202
    assert await letters(db, NEW) == [("email_taken", {})], "and no link went there"


async def test_an_address_that_was_taken_meanwhile_is_a_conflict_and_changes_nothing(ana: Person, db: Database) -> None:
    await ana.signed_in()
    await ask(ana)
    await Person(ana.http, NEW).register()
    assert problem(await confirm(ana.http, await link_to(db))) == (409, "conflict")
    told = await me(ana)
    assert (told["email"], told["holds"]) == ("ana@demo.example", [])


async def test_a_newer_wish_makes_the_older_link_void_and_a_dropped_one_too(ana: Person, db: Database) -> None:
    await ana.signed_in()
    await ask(ana)
    first = await link_to(db)
    await ask(ana, "ana@third.example")
    assert problem(await confirm(ana.http, first)) == (404, "not_found")
    assert (await ana.call("DELETE", "/email")).status_code == 204
    assert problem(await confirm(ana.http, await link_to(db, "ana@third.example"))) == (404, "not_found")
    assert problem(await ana.call("DELETE", "/email")) == (404, "not_found")


async def test_a_link_works_once_even_when_two_have_it(ana: Person, db: Database) -> None:
    await ana.signed_in()
    await ask(ana)
    token = await link_to(db)
    answers = await asyncio.gather(*(confirm(ana.http, token) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]


@pytest.mark.parametrize("token", ["x" * 43, "x" * 20])
async def test_a_link_of_nobody_is_not_found(ana: Person, token: str) -> None:
    assert problem(await confirm(ana.http, token)) == (404, "not_found")


async def test_a_link_ends_after_a_day(ana: Person, gate: Gate, db: Database) -> None:
    await ana.signed_in()
    await ask(ana)
    token = await link_to(db)
    with pytest.raises(Refusal) as refused:
        await email.confirm(gate, token=token, now=now() + EMAIL_LINK + timedelta(seconds=5))
    assert refused.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(("seconds", "free"), [(-1, False), (1, True)])
async def test_nothing_leaves_until_72_hours_have_passed(
    ana: Person, gate: Gate, db: Database, seconds: int, free: bool
) -> None:
    await ana.signed_in()
    await ask(ana)
    _, until = await email.confirm(gate, token=await link_to(db), now=(changed := now()))
    assert until == changed + EMAIL_HOLD
    user_id = (await me(ana))["id"]
    async with db.transaction() as session:
        missed = await ride(session, [accounts.may_spend(user_id, until + timedelta(seconds=seconds))])
        assert (missed is None) is free


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET held_until = now()",
        "UPDATE users SET held_since = now(), held_until = now() - interval '1 hour'",
        "INSERT INTO email_changes (id, user_id, email, email_canonical, token_digest, asked_at, expires_at) "
        "SELECT gen_random_uuid(), user_id, 'x', 'x', 'x', now(), now() + interval '1 day' FROM email_changes",
        "UPDATE email_changes SET confirmed_at = now(), dropped_at = now()",
        "UPDATE email_changes SET confirmed_at = expires_at + interval '1 second'",
    ],
)
async def test_the_database_itself_keeps_one_wish_at_a_time_and_whole_holds(
    ana: Person, superuser_db: Database, statement: str
) -> None:
    await ana.signed_in()
    await ask(ana)
    with pytest.raises(Exception, match=r"check|unique|ck_|uq_") as refused:
        async with superuser_db.transaction() as session:
            await session.execute(text(statement))
    assert isinstance(refused.value.__cause__.__cause__, asyncpg.IntegrityConstraintViolationError)  # type: ignore[union-attr]
