"""API.md, auth: register, login, token, refresh, logout, me."""

import asyncio
from datetime import timedelta

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from tests.auth.people import COOKIE, DEVICE, PASSWORD, Person, now, problem
from tidegate.auth import passwords, sessions
from tidegate.auth.accounts import Client
from tidegate.auth.gate import Gate
from tidegate.database import Database
from tidegate.refusal import Kind, Refusal


async def test_registering_answers_201_with_id_and_email(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/auth/register", json={"email": "Ana@Demo.example", "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "email"}
    assert answer.json()["email"] == "Ana@demo.example"


async def test_a_taken_address_is_a_conflict_in_any_spelling(ana: Person) -> None:
    answer = await ana.http.post("/api/v1/auth/register", json={"email": "ANA@demo.example", "password": PASSWORD})
    assert problem(answer) == (409, "conflict")


async def test_of_ten_registrations_at_once_one_makes_the_account(http: httpx.AsyncClient) -> None:
    body = {"email": "eve@demo.example", "password": PASSWORD}
    answers = await asyncio.gather(*(http.post("/api/v1/auth/register", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


@pytest.mark.parametrize(
    "body",
    [
        {"email": "ana@demo.example", "password": "x" * 14},
        {"email": "ana@demo.example", "password": "x" * 129},
        {"email": "ana@demo.example", "password": 123456789012345},
        {"email": "not an address", "password": PASSWORD},
        {"email": "a\u0000na@demo.example", "password": PASSWORD},
        {"email": "ana@demo.example", "password": PASSWORD, "roles": ["administrator"]},
        {"email": "ana@demo.example", "password": PASSWORD, "id": "1"},
        {"email": "ana@demo.example"},
        {},
    ],
)
async def test_a_bad_registration_is_422_and_makes_nobody(http: httpx.AsyncClient, db: Database, body: object) -> None:
    answer = await http.post("/api/v1/auth/register", json=body)
    assert problem(answer) == (422, "invalid_request")
    async with db.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM users")) == 0


@pytest.mark.parametrize(
    "raw", [b'{"email": "\\ud800@demo.example", "password": "' + b"x" * 20 + b'"}', b"{", b"[" * 5000, b"\xff"]
)
@pytest.mark.parametrize("path", ["register", "login"])
async def test_hostile_json_is_a_problem_never_a_failure(http: httpx.AsyncClient, path: str, raw: bytes) -> None:
    answer = await http.post(f"/api/v1/auth/{path}", content=raw, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


async def test_login_answers_the_user_and_sets_the_cookie_with_every_attribute(ana: Person) -> None:
    answer = await ana.login()
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "ana@demo.example"
    by_name = {header.partition("=")[0]: header for header in answer.headers.get_list("set-cookie")}
    attributes = {part.strip().lower() for part in by_name[COOKIE].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "secure"} <= attributes
    assert not any(part.startswith("domain") for part in attributes)
    assert DEVICE in by_name


async def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(ana: Person) -> None:
    wrong = await ana.http.post("/api/v1/auth/login", json={"email": ana.email, "password": "y" * 20})
    unknown = await ana.http.post("/api/v1/auth/login", json={"email": "nobody@demo.example", "password": "y" * 20})
    odd = await ana.http.post("/api/v1/auth/login", json={"email": "\u0000", "password": "y" * 20})
    assert problem(wrong) == (401, "invalid_credentials")
    drop = {"request_id"}
    bodies = [{k: v for k, v in answer.json().items() if k not in drop} for answer in (wrong, unknown, odd)]
    assert bodies[0] == bodies[1] == bodies[2]


async def test_an_unknown_address_costs_as_much_hashing_as_a_wrong_password(
    ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    real = passwords.verify_password

    def counting(password: str, stored: str) -> bool:
        checked.append(stored.rsplit("$", 2)[0])
        return real(password, stored)

    monkeypatch.setattr(passwords, "verify_password", counting)
    for email in (ana.email, "nobody@demo.example", "no address at all"):
        answer = await ana.http.post("/api/v1/auth/login", json={"email": email, "password": "y" * 20})
        assert problem(answer) == (401, "invalid_credentials")
    assert checked == ["$argon2id$v=19$m=1024,t=1,p=1"] * 3


async def test_me_tells_user_roles_factors_holds_language_currency_and_notices(ana: Person) -> None:
    await ana.signed_in()
    me = (await ana.call("GET", "/me")).json()
    assert me["roles"] == ["customer"]
    assert me["factors"] == []
    assert me["holds"] == []
    assert (me["language"], me["currency"]) == ("en", "USD")
    assert me["notices"] == {"deposits": True, "withdrawals": True, "conversions": True, "sign_ins": True}
    assert "transactions.withdraw" in me["permissions"]
    assert "compliance.approve" not in me["permissions"]


async def test_me_changes_what_is_named_and_keeps_the_rest(ana: Person) -> None:
    await ana.signed_in()
    first = await ana.call("PATCH", "/me", json={"name": "Ana", "language": "de", "notices": {"deposits": False}})
    assert first.status_code == 200, first.text
    me = (await ana.call("PATCH", "/me", json={"currency": "EUR"})).json()
    assert (me["name"], me["language"], me["currency"]) == ("Ana", "de", "EUR")
    assert me["notices"] == {"deposits": False, "withdrawals": True, "conversions": True, "sign_ins": True}
    assert (await ana.call("PATCH", "/me", json={"name": None})).json()["name"] is None


@pytest.mark.parametrize(
    "body",
    [{"email": "eve@demo.example"}, {"roles": ["administrator"]}, {"language": "english"}, {"currency": "usd"},
     {"name": "a\u0000"}, {"name": "x" * 101}, {"notices": {"everything": True}}, {"epoch": 9}, {"frozen_at": None}],
)  # fmt: skip
async def test_me_refuses_fields_that_are_not_the_users_to_change(ana: Person, body: object) -> None:
    await ana.signed_in()
    assert problem(await ana.call("PATCH", "/me", json=body)) == (422, "invalid_request")


async def test_token_answers_a_bearer_pair_that_works(ana: Person) -> None:
    answer = await ana.token()
    assert answer.status_code == 200, answer.text
    pair = answer.json()
    assert pair.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 300)
    me = await ana.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert me.status_code == 200


async def test_an_authorization_header_wins_over_the_cookie(ana: Person) -> None:
    await ana.signed_in()
    answer = await ana.call("GET", "/me", headers={"Authorization": "Bearer nonsense"})
    assert problem(answer) == (401, "unauthenticated")
    basic = await ana.call("GET", "/me", headers={"Authorization": "Basic YW5hOmFuYQ=="})
    assert problem(basic) == (401, "unauthenticated")


async def refresh(person: Person, token: str, agent: str = "client/1") -> httpx.Response:
    return await person.http.post(
        "/api/v1/auth/token/refresh", json={"refresh_token": token}, headers={"User-Agent": agent}
    )


async def family(person: Person) -> str:
    form = {"grant_type": "password", "username": person.email, "password": person.password}
    answer = await person.http.post("/api/v1/auth/token", data=form, headers={"User-Agent": "client/1"})
    return str(answer.json()["refresh_token"])


async def test_a_refresh_token_turns_into_the_next_pair(ana: Person) -> None:
    first = await family(ana)
    answer = await refresh(ana, first)
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != first
    again = await refresh(ana, answer.json()["refresh_token"])
    assert again.status_code == 200


async def test_a_lost_answer_is_repeated_to_the_same_device_within_ten_seconds(ana: Person) -> None:
    first = await family(ana)
    one, two = await asyncio.gather(refresh(ana, first), refresh(ana, first))
    assert one.status_code == two.status_code == 200
    assert one.json()["refresh_token"] == two.json()["refresh_token"]


async def test_reuse_from_another_device_kills_the_family_and_its_access_tokens(ana: Person) -> None:
    first = await family(ana)
    pair = (await refresh(ana, first)).json()
    assert problem(await refresh(ana, first, agent="thief/1")) == (401, "unauthenticated")
    assert problem(await refresh(ana, pair["refresh_token"])) == (401, "unauthenticated")
    me = await ana.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert problem(me) == (401, "unauthenticated")


async def test_reuse_after_the_grace_kills_the_family(ana: Person, gate: Gate) -> None:
    first = await family(ana)
    client = Client("127.0.0.1", "client/1", None)
    at = now()
    pair = await sessions.refresh(gate, token=first, client=client, now=at)
    with pytest.raises(Refusal) as refused:
        await sessions.refresh(gate, token=first, client=client, now=at + timedelta(seconds=11))
    assert refused.value.kind is Kind.UNAUTHENTICATED
    assert problem(await refresh(ana, pair.refresh_token)) == (401, "unauthenticated")


async def test_a_refresh_token_rests_at_most_seven_days(ana: Person, gate: Gate) -> None:
    first = await family(ana)
    client = Client("127.0.0.1", "client/1", None)
    with pytest.raises(Refusal):
        await sessions.refresh(gate, token=first, client=client, now=now() + timedelta(days=7, seconds=1))


@pytest.mark.parametrize("token", ["x", "tgr_" + "0" * 64, "\u00e9", "tgr_\u0000"])
async def test_an_unknown_refresh_token_is_401(ana: Person, token: str) -> None:
    assert problem(await refresh(ana, token)) == (401, "unauthenticated")


async def test_no_secret_is_stored_as_it_is(ana: Person, db: Database) -> None:
    await ana.signed_in()
    token = await family(ana)
    async with db.reading() as session:
        for table in ("users", "sessions", "refresh_tokens"):
            dump = str((await session.execute(text(f"SELECT t::text FROM {table} t"))).all())
            assert ana.cookie not in dump
            assert token not in dump
            assert PASSWORD not in dump


async def test_logout_ends_this_session_and_clears_the_cookie(ana: Person) -> None:
    await ana.signed_in()
    answer = await ana.call("POST", "/logout")
    assert answer.status_code == 204
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert problem(await ana.call("GET", "/me")) == (401, "unauthenticated")


async def test_logout_by_bearer_ends_the_refresh_tokens_too(ana: Person) -> None:
    pair = (await ana.token()).json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await ana.http.post("/api/v1/auth/logout", headers=bearer)).status_code == 204
    assert problem(await ana.http.get("/api/v1/auth/me", headers=bearer)) == (401, "unauthenticated")
    assert problem(await refresh(ana, pair["refresh_token"])) == (401, "unauthenticated")


async def test_logout_everywhere_ends_every_cookie_and_token_at_once(ana: Person) -> None:
    await ana.signed_in()
    other = await Person(ana.http, ana.email).signed_in()
    pair = (await ana.token()).json()
    assert (await ana.call("POST", "/logout-everywhere")).status_code == 204
    assert problem(await ana.call("GET", "/me")) == (401, "unauthenticated")
    assert problem(await other.call("GET", "/me")) == (401, "unauthenticated")
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert problem(await ana.http.get("/api/v1/auth/me", headers=bearer)) == (401, "unauthenticated")
    assert problem(await refresh(ana, pair["refresh_token"])) == (401, "unauthenticated")
    assert (await ana.login()).status_code == 200


async def test_a_session_of_an_earlier_epoch_is_over_even_if_its_row_is_not_marked(ana: Person, db: Database) -> None:
    await ana.signed_in()
    bearer = {"Authorization": f"Bearer {(await ana.token()).json()['access_token']}"}
    async with db.transaction() as session:
        await session.execute(text("UPDATE users SET epoch = epoch + 1"))
    assert problem(await ana.call("GET", "/me")) == (401, "unauthenticated")
    assert problem(await ana.http.get("/api/v1/auth/me", headers=bearer)) == (401, "unauthenticated")
    assert (await ana.login()).status_code == 200


async def test_the_list_of_sessions_shows_mine_and_ends_one(ana: Person) -> None:
    await ana.signed_in()
    other = await Person(ana.http, ana.email).signed_in()
    await ana.token()
    items = (await ana.call("GET", "/sessions")).json()["items"]
    assert [item["credential"] for item in items] == ["bearer", "cookie", "cookie"]
    assert [item["current"] for item in items] == [False, False, True]
    ended = await ana.call("DELETE", f"/sessions/{items[1]['id']}")
    assert ended.status_code == 204
    assert problem(await other.call("GET", "/me")) == (401, "unauthenticated")
    assert (await ana.call("GET", "/me")).status_code == 200
    assert problem(await ana.call("DELETE", f"/sessions/{items[1]['id']}")) == (404, "not_found")


async def test_sessions_come_in_pages(ana: Person) -> None:
    for _ in range(3):
        await Person(ana.http, ana.email).signed_in()
    await ana.signed_in()
    first = (await ana.call("GET", "/sessions?limit=3")).json()
    rest = (await ana.call("GET", f"/sessions?limit=3&cursor={first['next_cursor']}")).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (3, 1, None)


async def test_another_users_session_is_not_found(ana: Person) -> None:
    await ana.signed_in()
    eve = await (await Person(ana.http, "eve@demo.example").register()).signed_in()
    mine = (await ana.call("GET", "/sessions")).json()["items"][0]["id"]
    assert problem(await eve.call("DELETE", f"/sessions/{mine}")) == (404, "not_found")
    assert (await ana.call("GET", "/me")).status_code == 200


async def test_signing_in_again_in_one_browser_ends_its_earlier_session(ana: Person) -> None:
    await ana.signed_in()
    earlier = ana.cookie
    await ana.signed_in()
    assert ana.cookie != earlier
    ana.cookie = earlier
    assert problem(await ana.call("GET", "/me")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("column", "age"), [("last_seen_at", "30 minutes 1 second"), ("expires_at", "12 hours 1 second")]
)
async def test_a_session_ends_when_idle_or_old(ana: Person, db: Database, column: str, age: str) -> None:
    await ana.signed_in()
    async with db.transaction() as session:
        await session.execute(text(f"UPDATE sessions SET {column} = {column} - interval '{age}'"))
    assert problem(await ana.call("GET", "/me")) == (401, "unauthenticated")


async def test_a_password_change_ends_other_sessions_and_keeps_this_one(ana: Person) -> None:
    await ana.signed_in()
    other = await Person(ana.http, ana.email).signed_in()
    pair = (await ana.token()).json()
    new = "harbour lights at five"
    answer = await ana.call("POST", "/password", json={"current_password": PASSWORD, "new_password": new})
    assert answer.status_code == 204, answer.text
    earlier = ana.cookie
    ana.keep(answer)
    assert ana.cookie != earlier
    assert (await ana.call("GET", "/me")).status_code == 200
    assert problem(await other.call("GET", "/me")) == (401, "unauthenticated")
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert problem(await ana.http.get("/api/v1/auth/me", headers=bearer)) == (401, "unauthenticated")
    assert problem(await ana.login()) == (401, "invalid_credentials")
    ana.password = new
    assert (await ana.login()).status_code == 200


async def test_a_password_change_needs_the_current_one_and_a_good_new_one(ana: Person) -> None:
    await ana.signed_in()
    wrong = await ana.call("POST", "/password", json={"current_password": "x" * 20, "new_password": "y" * 20})
    assert problem(wrong) == (401, "invalid_credentials")
    short = await ana.call("POST", "/password", json={"current_password": PASSWORD, "new_password": "y" * 14})
    assert problem(short) == (422, "invalid_request")
    assert short.json()["field"] == "new_password"


async def test_a_cookies_earlier_value_is_taken_for_ten_more_seconds_only(ana: Person, db: Database) -> None:
    await ana.signed_in()
    answer = await ana.call("POST", "/password", json={"current_password": PASSWORD, "new_password": "z" * 20})
    assert answer.status_code == 204
    assert (await ana.call("GET", "/me")).status_code == 200
    async with db.transaction() as session:
        await session.execute(text("UPDATE sessions SET rotated_at = rotated_at - interval '11 seconds'"))
    assert problem(await ana.call("GET", "/me")) == (401, "unauthenticated")


async def test_a_sign_in_from_a_new_device_is_told_once(ana: Person, db: Database) -> None:
    await ana.signed_in()
    await ana.signed_in()
    async with db.reading() as session:
        rows = (await session.execute(text("SELECT kind, version FROM events ORDER BY sequence"))).all()
    assert [tuple(row) for row in rows] == [("account", 1), ("account", 2)]


async def test_a_hash_of_older_parameters_is_renewed_at_login(ana: Person, db: Database) -> None:
    async with db.transaction() as session:
        old = passwords.hash_password(PASSWORD, memory_kib=512)
        await session.execute(text("UPDATE users SET password_hash = :old"), {"old": old})
    await ana.signed_in()
    async with db.reading() as session:
        stored = await session.scalar(text("SELECT password_hash FROM users"))
    assert "m=1024,t=1,p=1" in stored
    assert (await ana.login()).status_code == 200


async def test_what_is_long_over_is_forgotten_and_the_rest_stays(ana: Person, gate: Gate, db: Database) -> None:
    await ana.signed_in()
    await family(ana)
    await sessions.forget_old(gate, now=now() + timedelta(days=29))
    async with db.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM sessions")) == 2
    await sessions.forget_old(gate, now=now() + timedelta(days=61))
    async with db.reading() as session:
        for table in ("sessions", "refresh_tokens", "rate_counters"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


async def test_closing_the_database_closes_the_gates_own_connections(
    ana: Person, gate: Gate, db: Database, admin_url: str
) -> None:
    await ana.signed_in()
    name = gate.beside.url.database
    await db.close()
    connection = await asyncpg.connect(admin_url)
    try:
        for _ in range(200):  # a backend leaves pg_stat_activity a moment after its client hung up
            left = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", name)
            if left == 0:
                break
        assert left == 0
    finally:
        await connection.close()
