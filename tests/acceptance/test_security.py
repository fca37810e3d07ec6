"""Security: who you are is asked everywhere, a factor counts once, and nothing of others can be seen or touched."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.customer import Authenticator, Customer, fresh_key, until
from tests.stack import Stack
from tidegate.http import tls

OPEN_TO_ALL = {
    "auth_register",
    "auth_login",
    "auth_token",
    "auth_refresh_token",
    "auth_confirm_email",
    "auth_freeze",
    "auth_look_freeze",
    "config_get",
    "config_get_words",
    "health_live",
    "health_ready",
    "links_cancel",
    "links_look_cancel",
    "links_track",
}
"""Operations that somebody unknown may call, or who holds a link that proves itself; and everything of the sandbox, which is mounted there only."""


@pytest.fixture
async def nobody(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with stack.http() as http:
        yield http


async def operations(http: httpx.AsyncClient) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """operationId → (method, path with ids filled in, operation), without the sandbox's own."""
    document = (await http.get("/openapi.json")).json()
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "/sandbox/" not in path:
                filled = re.sub(r"\{\w+\}", "01990000-0000-7000-8000-000000000000", path.removeprefix("/api/v1"))
                found[operation["operationId"]] = (method.upper(), filled, operation)
    return found


async def test_every_operation_but_the_public_ones_asks_who_you_are(nobody: httpx.AsyncClient) -> None:
    found = await operations(nobody)
    assert set(found) >= OPEN_TO_ALL
    for name, (method, path, operation) in found.items():
        if name in OPEN_TO_ALL:
            continue
        assert operation.get("security"), name
        body: dict[str, str] | None = {} if method in ("POST", "PUT", "PATCH") else None
        answer = await nobody.request(method, path, json=body, headers={"Idempotency-Key": fresh_key()})
        assert answer.status_code == 401, f"{name}: {answer.status_code}"
        assert answer.json()["code"] == "unauthenticated", name


async def test_every_operation_lists_its_problems_and_a_name_of_its_own(nobody: httpx.AsyncClient) -> None:
    found = await operations(nobody)
    for name, (_, _, operation) in found.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name), name
        if name in OPEN_TO_ALL or "requestBody" not in operation:
            continue
        assert {"401", "422"} <= set(operation["responses"]), name


@pytest.mark.parametrize(
    "header",
    [
        "Bearer x",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Basic YTpi",
        "bearer",
        "Bearer " + "a" * 9000,
    ],
)
async def test_what_is_no_token_signs_nobody_in(nobody: httpx.AsyncClient, header: str) -> None:
    answer = await nobody.get("/wallets/balances", headers={"Authorization": header})
    assert answer.status_code in (401, 431)


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    stack: Stack, nobody: httpx.AsyncClient
) -> None:
    customer = await stack.customer(enrolled=False)
    wrong = {"email": customer.email, "password": "not the password of anybody"}
    unknown = {"email": "nobody@example.com", "password": "not the password of anybody"}
    answers = [await nobody.post("/auth/login", json=body) for body in (wrong, unknown)]
    assert [answer.status_code for answer in answers] == [401, 401]
    first, second = ({**answer.json(), "request_id": ""} for answer in answers)
    assert first == second
    assert first["code"] == "invalid_credentials"


@pytest.mark.parametrize("password", ["short", "x" * 14, "x" * 129])
async def test_a_password_that_is_too_short_or_too_long_is_refused(nobody: httpx.AsyncClient, password: str) -> None:
    answer = await nobody.post("/auth/register", json={"email": "new@example.com", "password": password})
    assert answer.status_code == 422


async def test_sign_in_asks_for_the_second_factor_and_takes_a_code_once(
    stack: Stack, nobody: httpx.AsyncClient
) -> None:
    customer = await stack.customer()
    body = {"email": customer.email, "password": customer.password}
    asked = await nobody.post("/auth/login", json=body)
    assert (asked.status_code, asked.json()["code"]) == (401, "mfa_required")
    assert "totp" in asked.json()["methods"]

    assert customer.authenticator is not None
    wrong = await nobody.post("/auth/login", json={**body, "totp_code": customer.authenticator.wrong()})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")

    code = await customer.code()
    right = await nobody.post("/auth/login", json={**body, "totp_code": code})
    assert right.status_code == 200
    cookie = right.headers["set-cookie"]
    assert re.match(r"__Host-sid(-\d+)?=", cookie)
    flags = cookie.lower().split("; ")
    assert {"httponly", "path=/"} <= set(flags)
    assert {"samesite=lax", "samesite=strict"} & set(flags)
    again = await nobody.post("/auth/login", json={**body, "totp_code": code})
    assert again.status_code in (401, 422)
    assert again.json()["code"] in ("invalid_credentials", "code_already_used")


async def test_a_recovery_code_signs_in_once(stack: Stack, nobody: httpx.AsyncClient) -> None:
    customer = await stack.customer()
    assert len(set(customer.recovery_codes)) == 10
    body = {"email": customer.email, "password": customer.password, "totp_code": customer.recovery_codes[0]}
    assert (await nobody.post("/auth/login", json=body)).status_code == 200
    assert (await nobody.post("/auth/login", json=body)).status_code in (401, 422)


async def test_sign_out_everywhere_ends_every_session_and_token(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    other = Customer(stack.http(), customer.email, customer.password)
    await other.sign_in()
    assert (await other.call("GET", "/auth/me")).status_code == 200
    assert (await customer.call("POST", "/auth/logout-everywhere")).status_code < 300
    for someone in (customer, other):
        assert (await someone.call("GET", "/auth/me")).status_code == 401
    await other.close()


async def test_a_changed_password_is_the_only_one_that_counts(stack: Stack, nobody: httpx.AsyncClient) -> None:
    customer = await stack.customer(enrolled=False)
    new = "a new tide comes in at nine"
    body = {"current_password": customer.password, "new_password": new}
    assert (await customer.call("POST", "/auth/password", body)).status_code < 300
    old = await nobody.post("/auth/login", json={"email": customer.email, "password": customer.password})
    assert old.status_code == 401
    assert (await nobody.post("/auth/login", json={"email": customer.email, "password": new})).status_code == 200


async def test_without_a_second_factor_nothing_is_paid_out(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False, USDT="60")
    quote = await customer.quote(
        kind="withdrawal", from_asset="USDT", to_asset="USDT", network="ethereum", side="exact_out", amount="5"
    )
    body = {"quote_id": quote["id"], "address": await stack.new_address("ethereum")}
    answer = await customer.call("POST", "/transactions/withdrawals", body, key=fresh_key())
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert await customer.available("USDT") == 60


async def test_the_cookie_writes_only_from_our_own_page(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    origin = stack.url
    async with httpx.AsyncClient(verify=tls(), base_url=stack.api, trust_env=False) as browser:
        answer = await browser.post("/auth/login", json={"email": customer.email, "password": customer.password})
        name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
        cookie = {"Cookie": f"{name}={value}"}
        path, body = "/wallets/addresses", {"asset": "BTC", "network": "bitcoin"}
        ours = {**cookie, "X-Tidegate": "1", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
        assert (await browser.get("/auth/me", headers=cookie)).status_code == 200
        assert (await browser.post(path, json=body, headers=ours)).status_code == 201
        for wrong in (
            {**cookie, "Origin": origin},
            {**cookie, "X-Tidegate": "1", "Origin": "https://elsewhere.example"},
            {**cookie, "X-Tidegate": "1", "Origin": origin, "Sec-Fetch-Site": "cross-site"},
            {**cookie, "X-Tidegate": "1", "Origin": f"http://localhost:{(urlsplit(origin).port or 80) + 1}"},
        ):
            refused = await browser.post(path, json=body, headers=wrong)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), wrong
        # A header that is present wins, also when it is wrong: the cookie is then ignored.
        both = {**ours, "Authorization": "Bearer nonsense"}
        assert (await browser.get("/auth/me", headers=both)).status_code == 401


async def test_a_customer_may_not_do_what_an_operator_does(stack: Stack) -> None:
    customer = await stack.customer()
    for method, path, body in (
        ("GET", "/compliance/approvals", None),
        ("POST", "/compliance/approvals/01990000-0000-7000-8000-000000000000", {"decision": "approve"}),
        ("PUT", "/compliance/pauses/BTC", {"reason": "because"}),
        ("DELETE", "/compliance/pauses/BTC", None),
    ):
        answer = await customer.call(method, path, body, key=fresh_key())
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


async def test_lists_hold_only_what_is_ones_own(stack: Stack) -> None:
    ana, ben = await stack.customer(USDT="60"), await stack.customer(enrolled=False)
    withdrawal = await ana.withdraw(
        await ana.quote(
            kind="withdrawal", from_asset="USDT", to_asset="USDT", network="ethereum", side="exact_out", amount="5"
        ),
        await stack.new_address("ethereum"),
    )
    for path in ("/transactions", "/transactions/withdrawals", "/wallets/deposits", "/wallets/addresses"):
        assert (await ana.get(path))["items"], path
        assert (await ben.get(path))["items"] == [], path
    await ana.post(f"/transactions/withdrawals/{withdrawal['id']}/cancel")


async def test_an_address_on_the_deny_list_is_not_paid(stack: Stack, nobody: httpx.AsyncClient) -> None:
    scenarios = (await nobody.get("/sandbox/scenarios")).json()["items"]
    listed = next(item for item in scenarios if item["key"] == "screened" and item["network"] == "ethereum")
    customer = await stack.customer(USDT="60")
    quote = await customer.quote(
        kind="withdrawal", from_asset="USDT", to_asset="USDT", network="ethereum", side="exact_out", amount="5"
    )
    withdrawal = await customer.withdraw(quote, listed["address"])
    await customer.verify(withdrawal)

    async def ended() -> dict[str, Any] | None:
        found = await customer.withdrawal(withdrawal["id"])
        return found if found["state"] == "rejected" else None

    await until(ended, "the withdrawal rejected", within=30)
    assert await customer.available("USDT") == 60
    assert await stack.usdt_transfers(listed["address"]) == []


async def test_one_code_given_twice_at_once_verifies_one_withdrawal(stack: Stack) -> None:
    customer = await stack.customer(USDT="60")
    address = await stack.new_address("ethereum")
    asked = {"kind": "withdrawal", "from_asset": "USDT", "to_asset": "USDT", "network": "ethereum", "side": "exact_out"}
    made = [await customer.withdraw(await customer.quote(**asked, amount="5"), address) for _ in range(3)]
    code = await customer.code()
    answers = await asyncio.gather(
        *(
            customer.call("POST", f"/transactions/withdrawals/{one['id']}/verify", {"method": "totp", "code": code})
            for one in made
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 422} == {"code_already_used"}


async def test_the_page_is_under_a_strict_content_policy_and_no_foreign_origin_may_read(
    nobody: httpx.AsyncClient, stack: Stack
) -> None:
    page = await nobody.get(stack.url + "/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    foreign = await nobody.get("/health/live", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_the_seeds_of_second_factors_are_not_readable_in_the_database(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    secret = await customer.enrol()
    assert isinstance(customer.authenticator, Authenticator)
    connection = await stack.database()
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in (tuple(row.values()) for row in tables):
            rows = await connection.fetch(f'SELECT t::text AS row FROM "{table}" t')
            for row in rows:
                assert secret not in row["row"], table
                assert customer.password not in row["row"], table
    finally:
        await connection.close()
