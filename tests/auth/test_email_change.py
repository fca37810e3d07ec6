"""Another e-mail address: asked for with password and code, done by its link, followed by 72 hours in which nothing leaves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from tests.auth.people import ORIGIN, PASSWORD, Person, build_app, now, problem
from tests.notices.mailbox import Mailbox, body, link, mailbox
from tidegate.auth import accounts, email, links
from tidegate.auth.gate import Gate, open_gate
from tidegate.auth.rules import EMAIL_HOLD, EMAIL_LINK, LIMITS, Purpose
from tidegate.config import Settings
from tidegate.database import Database, ride
from tidegate.refusal import Kind, Refusal

NEW = "ana@new.example"
CONFIRM, TAKEN = "Confirm this address for Tidegate", "Somebody asked for your e-mail address"
ASKED, CHANGED = "Another e-mail address was asked for", "Your e-mail address was changed"


@pytest.fixture
async def box(db: Database, settings: Settings, tmp_path: Path) -> AsyncIterator[Mailbox]:
    async with mailbox(db, settings, tmp_path) as found:
        yield found


@pytest.fixture
def gate(db: Database, box: Mailbox) -> Gate:
    return open_gate(db, box.post.settings)


async def letters(box: Mailbox, recipient: str) -> list[str]:
    """The subjects of what came there."""
    return [str(one["Subject"]) for one in await box.carried() if one["To"] == recipient]


async def ask(ana: Person, to: str = NEW, **more: Any) -> httpx.Response:
    body = {"email": to, "current_password": PASSWORD, **more}
    if ana.seed and "totp_code" not in more:
        body["totp_code"] = ana.code()
    return await ana.call("POST", "/email", json=body)


async def link_to(box: Mailbox, recipient: str = NEW) -> str:
    there = [one for one in await box.carried() if (one["To"], one["Subject"]) == (recipient, CONFIRM)]
    return link(there[-1], "confirm-email")


async def confirm(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/api/v1/auth/email/confirm", json={"token": token})


async def me(ana: Person) -> Any:
    return (await ana.call("GET", "/me")).json()


async def test_the_address_changes_with_the_link_and_both_addresses_are_told(ana: Person, box: Mailbox) -> None:
    await ana.signed_in()
    answer = await ask(ana)
    assert answer.status_code == 202, answer.text
    told = await me(ana)
    assert (told["email"], told["email_waiting"]["email"]) == ("ana@demo.example", NEW)
    assert await letters(box, "ana@demo.example") == [ASKED]
    done = await confirm(ana.http, await link_to(box))
    assert done.status_code == 200
    told = await me(ana)
    assert told["email"] == NEW
    assert told["email_waiting"] is None
    assert [hold["reason"] for hold in told["holds"]] == ["email_changed"]
    assert told["holds"][0]["until"] == done.json()["held_until"]
    assert await letters(box, "ana@demo.example") == [ASKED, CHANGED]
    assert await letters(box, NEW) == [CONFIRM, "This is your account's address now"]
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


async def test_a_wrong_password_changes_nothing_and_writes_to_nobody(ana: Person, box: Mailbox) -> None:
    await ana.signed_in()
    answer = await ana.call("POST", "/email", json={"email": NEW, "current_password": "not the password of anybody"})
    assert problem(answer) == (401, "invalid_credentials")
    assert await letters(box, NEW) == []


async def test_a_taken_address_is_answered_like_a_free_one_and_its_reader_is_told(ana: Person, box: Mailbox) -> None:
    await Person(ana.http, NEW).register()
    await ana.signed_in()
    assert (await ask(ana)).status_code == 202
    assert await letters(box, NEW) == [TAKEN], "and no link went there"


async def test_an_address_that_was_taken_meanwhile_is_a_conflict_and_changes_nothing(ana: Person, box: Mailbox) -> None:
    await ana.signed_in()
    await ask(ana)
    await Person(ana.http, NEW).register()
    assert problem(await confirm(ana.http, await link_to(box))) == (409, "conflict")
    told = await me(ana)
    assert (told["email"], told["holds"]) == ("ana@demo.example", [])


async def test_only_who_reads_the_new_address_has_the_link_and_nothing_else_of_the_account(
    ana: Person, db: Database, box: Mailbox
) -> None:
    await ana.signed_in()
    await ask(ana)
    token = await link_to(box)
    for one in box.mails():
        assert (token in body(one)) is (one["To"] == NEW)
        assert ("/freeze#" in body(one)) is (one["To"] == "ana@demo.example")
        assert one["To"] != NEW or ana.email not in body(one)
    async with db.reading() as session:
        rows = await session.execute(
            text("SELECT m::text AS row FROM mails m UNION ALL SELECT c::text FROM email_changes c")
        )
        assert not [row for row in rows if token in row.row], "no table holds it"


async def test_a_mail_goes_where_it_was_written_to_even_when_the_address_changes_before_it_is_sent(
    ana: Person, gate: Gate, db: Database, box: Mailbox
) -> None:
    await ana.signed_in()
    expires_at = datetime.fromisoformat((await ask(ana)).json()["expires_at"])
    async with db.reading() as session:
        change_id = (await session.execute(text("SELECT id FROM email_changes"))).scalar_one()
    token = links.token(gate.keys, Purpose.CONFIRM_EMAIL, change_id, expires_at)
    assert (await confirm(ana.http, token)).status_code == 200, "before anything was sent"
    assert sorted(await letters(box, "ana@demo.example")) == [ASKED, CHANGED]


async def test_the_former_address_stops_the_account_by_the_link_in_its_mail(ana: Person, box: Mailbox) -> None:
    await ana.signed_in()
    await ask(ana)
    await confirm(ana.http, await link_to(box))
    (told,) = [one for one in await box.carried() if one["Subject"] == CHANGED]
    done = await ana.http.post("/api/v1/auth/freeze", json={"token": link(told, "freeze")})
    assert done.status_code == 200
    assert [hold["reason"] for hold in (await me(ana))["holds"]] == ["frozen", "email_changed"]


async def test_a_house_without_a_mail_server_changes_no_address(db: Database, settings: Settings) -> None:
    app = build_app(open_gate(db, settings))
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        ana = await Person(client, "ana@demo.example").register()
        await ana.signed_in()
        assert problem(await ask(ana)) == (409, "conflict")


async def test_wishes_are_counted_so_that_nobody_mails_the_world_through_us(db: Database, box: Mailbox) -> None:
    told = box.post.settings
    strict = told.model_copy(update={"auth": told.auth.model_copy(update={"rate_limit_factor": 1})})
    transport = httpx.ASGITransport(app=build_app(open_gate(db, strict)), client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        ana = await Person(client, "ana@demo.example").register()
        await ana.signed_in()
        for at in range(LIMITS["email_changes"].count):
            assert (await ask(ana, f"ana{at}@new.example")).status_code == 202
        assert problem(await ask(ana)) == (429, "rate_limited")


async def test_a_newer_wish_makes_the_older_link_void_and_a_dropped_one_too(ana: Person, box: Mailbox) -> None:
    await ana.signed_in()
    await ask(ana)
    first = await link_to(box)
    await ask(ana, "ana@third.example")
    assert problem(await confirm(ana.http, first)) == (404, "not_found")
    assert (await ana.call("DELETE", "/email")).status_code == 204
    assert problem(await confirm(ana.http, await link_to(box, "ana@third.example"))) == (404, "not_found")
    assert problem(await ana.call("DELETE", "/email")) == (404, "not_found")


async def test_a_link_works_once_even_when_two_have_it(ana: Person, box: Mailbox) -> None:
    await ana.signed_in()
    await ask(ana)
    token = await link_to(box)
    answers = await asyncio.gather(*(confirm(ana.http, token) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]


@pytest.mark.parametrize("token", ["x" * 71, "A" * 71])
async def test_a_link_of_nobody_is_not_found(ana: Person, token: str) -> None:
    assert problem(await confirm(ana.http, token)) == (404, "not_found")


async def test_a_link_ends_after_a_day(ana: Person, gate: Gate, box: Mailbox) -> None:
    await ana.signed_in()
    await ask(ana)
    token = await link_to(box)
    with pytest.raises(Refusal) as refused:
        await email.confirm(gate, token=token, now=now() + EMAIL_LINK + timedelta(seconds=5))
    assert refused.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(("seconds", "free"), [(-1, False), (1, True)])
async def test_nothing_leaves_until_72_hours_have_passed(
    ana: Person, gate: Gate, db: Database, box: Mailbox, seconds: int, free: bool
) -> None:
    await ana.signed_in()
    await ask(ana)
    _, until = await email.confirm(gate, token=await link_to(box), now=(changed := now()))
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
        "INSERT INTO email_changes (id, user_id, email, email_canonical, asked_at, expires_at) "
        "SELECT gen_random_uuid(), user_id, 'x', 'x', now(), now() + interval '1 day' FROM email_changes",
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
