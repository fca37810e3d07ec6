"""What an account's owner is told by mail about the account itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.auth.people import ORIGIN, Person, build_app, problem
from tests.notices.mailbox import Mailbox, link, mailbox
from tidegate.auth.gate import open_gate
from tidegate.config import Settings
from tidegate.database import Database


@pytest.fixture
async def box(db: Database, settings: Settings, tmp_path: Path) -> AsyncIterator[Mailbox]:
    async with mailbox(db, settings, tmp_path) as found:
        yield found


@pytest.fixture
async def http(db: Database, box: Mailbox) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(open_gate(db, box.post.settings))
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


async def subjects(box: Mailbox) -> list[str]:
    return [str(one["Subject"]) for one in await box.carried()]


async def test_each_change_of_how_one_signs_in_is_mailed(http: httpx.AsyncClient, box: Mailbox) -> None:
    ana = await Person(http, "ana@demo.example").register()
    await ana.enrol()
    assert await subjects(box) == ["An authenticator was set up"], "the first sign-in of all is no news"
    changed = {"current_password": ana.password, "new_password": "another lamp in the fog", "totp_code": ana.code()}
    assert (await ana.call("POST", "/password", changed)).status_code == 204
    assert (await subjects(box))[1:] == ["Your password was changed"]
    known = Person(http, ana.email, "another lamp in the fog")
    known.device = ana.device
    assert (await known.login(ana.recovery_codes[0])).status_code == 200
    assert (await subjects(box))[2:] == ["A recovery code was used"], "this browser was seen before"
    stranger = Person(http, ana.email, "another lamp in the fog")
    assert (await stranger.login(ana.recovery_codes[1])).status_code == 200
    assert sorted((await subjects(box))[3:]) == ["A new browser signed in", "A recovery code was used"]


async def test_the_freeze_link_works_over_http_by_post_alone_and_the_account_says_who_lifts_it(
    http: httpx.AsyncClient, box: Mailbox
) -> None:
    ana = await Person(http, "ana@demo.example").register()
    await ana.enrol()
    (mail,) = await box.carried()
    token = {"token": link(mail, "freeze")}
    base = "/api/v1/auth"
    looked = await http.post(f"{base}/freeze/look", json=token)
    assert looked.json() == {"email": "ana@demo.example", "frozen_at": None, "used": False}
    assert (await http.get(f"{base}/freeze", params=token)).status_code == 405
    assert (await ana.call("GET", "/me")).json()["holds"] == []
    assert (await http.post(f"{base}/freeze", json=token)).json()["used"] is True
    (hold,) = (await ana.call("GET", "/me")).json()["holds"]
    assert (hold["reason"], hold["yours"]) == ("frozen", True)
    assert problem(await ana.call("POST", "/unfreeze", {"totp_code": "000000"})) == (422, "invalid_code")
    assert problem(await http.post(f"{base}/unfreeze", json={"totp_code": ana.code()})) == (401, "unauthenticated")
    assert (await ana.call("POST", "/unfreeze", {"totp_code": ana.code()})).json()["holds"] == []
    assert problem(await http.post(f"{base}/freeze", json=token)) == (409, "conflict")
    assert problem(await ana.call("POST", "/unfreeze", {"totp_code": ana.code(1)})) == (409, "conflict")
