"""What each sandbox venue verifies of a request, over its bytes; and the control door of all of them."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jose import jwt

from tests.venues.sandbox import DIALECTS, HOUSE_BTC, Sandbox, account, pem, sandbox
from tidegate.http import Answer, Outbound
from tidegate.sandbox.venue.coinbase.token import Tokens, Untrue
from tidegate.sandbox.venue.dialect import Account, Raw, Wrong
from tidegate.sandbox.venue.kraken import request as kraken

# --- Coinbase's tokens

COINBASE = account("coinbase", "house")
NOW = 1_800_000_000


def asked(token: str, *, method: str = "GET", path: str = "/api/v3/brokerage/accounts", query: bytes = b"") -> Raw:
    headers = {"host": "venue.example:1234", "authorization": f"Bearer {token}"}
    return Raw(method, path, query, b"", headers, "", {})


def token(
    *, secret: str = COINBASE.secret, kid: str = COINBASE.api_key, nonce: str | None = None, **claims: Any
) -> str:
    told = {
        "sub": COINBASE.api_key,
        "iss": "cdp",
        "nbf": NOW,
        "exp": NOW + 120,
        "uri": "GET venue.example:1234/api/v3/brokerage/accounts",
        **claims,
    }
    headers = {"kid": kid, "nonce": secrets.token_hex(8) if nonce is None else nonce}
    return jwt.encode(told, secret, algorithm="ES256", headers=headers)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"uri": "GET http://venue.example:1234/api/v3/brokerage/accounts"},
        {"uri": "GET https://venue.example:1234/api/v3/brokerage/accounts"},
        {"iss": "coinbase-cloud", "aud": ["retail_rest_api_proxy"], "iat": NOW},
        {"nbf": NOW - 119, "exp": NOW + 1},
    ],
)
def test_a_token_that_says_what_it_should_is_taken_whatever_the_query(more: dict[str, Any]) -> None:
    tokens = Tokens({COINBASE.api_key: COINBASE})
    assert tokens.account(asked(token(**more), query=b"limit=250"), NOW) is COINBASE


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"secret": pem()}, "signature"),
        ({"kid": "organizations/other"}, "an unknown key"),
        ({"sub": "organizations/other"}, "sub or iss"),
        ({"iss": "coinbase"}, "sub or iss"),
        ({"nbf": NOW + 1, "exp": NOW + 60}, "not now"),
        ({"nbf": NOW - 120, "exp": NOW}, "not now"),
        ({"exp": NOW + 121}, "nbf or exp"),
        ({"exp": NOW + 0.5}, "nbf or exp"),
        ({"uri": "GET venue.example:1234/api/v3/brokerage/accounts?limit=250"}, "uri"),
        ({"uri": "POST venue.example:1234/api/v3/brokerage/accounts"}, "uri"),
        ({"uri": "GET other.example/api/v3/brokerage/accounts"}, "uri"),
        ({"uri": "GET venue.example:1234/api/v3/brokerage/orders"}, "uri"),
        ({"nonce": ""}, "nonce"),
    ],
)
def test_a_token_that_says_anything_else_is_not(more: dict[str, Any], why: str) -> None:
    with pytest.raises(Untrue, match=why):
        Tokens({COINBASE.api_key: COINBASE}).account(asked(token(**more), query=b"limit=250"), NOW)


def test_a_changed_or_unsigned_token_is_not_taken() -> None:
    tokens, (head, _, signature) = Tokens({COINBASE.api_key: COINBASE}), token().split(".")
    other = token(uri="GET venue.example:1234/api/v3/brokerage/accounts", sub=COINBASE.api_key, exp=NOW + 119).split(
        "."
    )[1]
    none = base64.urlsafe_b64encode(
        json.dumps({"alg": "none", "kid": COINBASE.api_key, "nonce": "1"}).encode()
    ).decode()
    for forged in (f"{head}.{other}.{signature}", f"{none.rstrip('=')}.{other}.", "a.b.c", "", "only"):
        with pytest.raises(Untrue):
            tokens.account(asked(forged), NOW)


# --- Kraken's signatures: the vector is the official one

KRAKEN = Account(
    name="house",
    api_key="key",
    secret="kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==",
    balances={},
)
BODY = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
SIGN = "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="


def private(body: bytes, sign: str, *, key: str = "key", path: str = "/0/private/AddOrder", kind: str = "") -> Raw:
    return Raw("POST", path, b"", body, {"api-key": key, "api-sign": sign, "content-type": kind}, "", {})


def judged(raw: Raw) -> tuple[Account, int]:
    return kraken.authenticate({KRAKEN.api_key: KRAKEN}, raw, kraken.parameters(raw))


def test_krakens_own_vector_is_taken_and_nothing_that_differs_from_it() -> None:
    assert judged(private(BODY, SIGN)) == (KRAKEN, 1616492376594)
    for raw, word in (
        (private(BODY.replace(b"1.25", b"1.26"), SIGN), "EAPI:Invalid signature"),
        (private(BODY, SIGN, path="/0/private/Withdraw"), "EAPI:Invalid signature"),
        (private(BODY, SIGN, key="other"), "EAPI:Invalid key"),
        (private(BODY.replace(b"nonce=1616492376594&", b""), SIGN), "EAPI:Invalid nonce"),
        (private(BODY, ""), "EAPI:Invalid signature"),
    ):
        with pytest.raises(Wrong, match=word):
            judged(raw)


def signed(body: bytes, nonce: str, path: str, secret: str) -> str:
    digest = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(
        hmac.new(base64.b64decode(secret), path.encode() + digest, hashlib.sha512).digest()
    ).decode()


def test_a_json_body_is_signed_the_same_way() -> None:
    body = b'{"nonce": 1616492376594, "pair": "XBTUSDT", "validate": true, "volume": 1.25}'
    sign = signed(body, "1616492376594", "/0/private/AddOrder", KRAKEN.secret)
    raw = private(body, sign, kind="application/json")
    assert judged(raw)[1] == 1616492376594
    assert kraken.parameters(raw) == {"nonce": "1616492376594", "pair": "XBTUSDT", "validate": "true", "volume": "1.25"}


async def balance(venue: Sandbox, nonce: int) -> Any:
    who, path, body = venue.accounts[0], "/0/private/Balance", f"nonce={nonce}".encode()
    headers = {"api-key": who.api_key, "api-sign": signed(body, str(nonce), path, who.secret), "user-agent": "test"}
    answer = await call(venue, "POST", path, body, headers)
    assert answer.status == 200
    return json.loads(answer.body)


async def call(venue: Sandbox, method: str, path: str, body: bytes | None = None, headers: Any = None) -> Answer:
    out = Outbound(venue.url)
    try:
        return await out.call(method, path, content=body, headers=headers or {"content-type": "application/json"})
    finally:
        await out.close()


async def test_a_nonce_must_rise_also_over_a_restart(tmp_path: Path) -> None:
    nonce = time.time_ns()
    async with sandbox("kraken", tmp_path) as venue:
        assert (await balance(venue, nonce))["error"] == []
        for used in (nonce, nonce - 1):
            assert (await balance(venue, used))["error"] == ["EAPI:Invalid nonce"]
    async with sandbox("kraken", tmp_path) as venue:
        assert (await balance(venue, nonce))["error"] == ["EAPI:Invalid nonce"]
        assert (await balance(venue, nonce + 1))["error"] == []


# --- limits, each venue's way


async def test_one_call_too_many_is_said_as_each_venue_says_it(tmp_path: Path) -> None:
    async with sandbox("kraken", tmp_path / "kraken", weight=600) as venue:
        words = [(await balance(venue, time.time_ns()))["error"] for _ in range(4)]
        assert words == [[], [], ["EAPI:Rate limit exceeded"], ["EAPI:Rate limit exceeded"]]
    async with sandbox("coinbase", tmp_path / "coinbase", weight=600) as venue:
        answers = [await call(venue, "GET", "/api/v3/brokerage/market/products") for _ in range(3)]
        # A second may turn in between.
        assert 429 in [answer.status for answer in answers[1:]]
        assert answers[0].headers["x-ratelimit-limit"] == "1"
        assert answers[0].headers["x-ratelimit-remaining"] == "0"


# --- the control door


@pytest.fixture(scope="module", params=DIALECTS)
async def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    async with sandbox(request.param, tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


async def door(venue: Sandbox, name: str, value: Any = None) -> Any:
    method, body = ("GET", None) if value is None else ("POST", json.dumps(value).encode())
    answer = await call(venue, method, f"/_sandbox/{name}", body)
    return (answer.status, json.loads(answer.body))


async def test_withdrawals_deposits_and_addresses_are_the_control_doors(venue: Sandbox) -> None:
    funding, house = venue.world.funding, venue.accounts[0].name
    made = funding.withdraw(house, "BTC", "bitcoin", HOUSE_BTC, 10**8, 1)
    _, told = await door(venue, "withdrawals")
    assert [(one["id"], one["state"], one["asked"]) for one in told["items"]] == [(made.id, "pending", "1.00000000")]
    status, told = await door(venue, "withdrawals", {"id": made.id, "txid": "ab" * 32})
    assert (status, told["items"][0]["state"], told["items"][0]["txid"]) == (200, "completed", "ab" * 32)
    nonsense: tuple[Any, ...] = (
        {"id": made.id, "failed": True},
        {"id": 1, "txid": "x"},
        {"id": made.id},
        [],
        {"txid": "x"},
    )
    for bad in nonsense:
        assert (await door(venue, "withdrawals", bad))[0] == 422
    arrived = {"account": house, "asset": "BTC", "network": "bitcoin", "amount": "0.5", "txid": "cd" * 32}
    before = venue.world.engine.balances[house]["BTC"][0]
    for _ in range(2):
        assert (await door(venue, "deposits", arrived))[0] == 200
    assert venue.world.engine.balances[house]["BTC"][0] == before + 5 * 10**7
    for bad in ({**arrived, "account": "nobody"}, {**arrived, "amount": "-1"}, {**arrived, "network": "ethereum"}):
        assert (await door(venue, "deposits", bad))[0] == 422
    where = {"account": house, "asset": "BTC", "network": "bitcoin", "address": "bcrt1qdeposit0"}
    assert (await door(venue, "addresses", where))[0] == 200
    _, told = await door(venue, "addresses", {"account": house, "asset": "BTC", "address": HOUSE_BTC, "key": "second"})
    assert where in told["deposits"]
    assert {"account": house, "asset": "BTC", "address": HOUSE_BTC, "key": "second"} in told["allowed"]
    assert (await door(venue, "addresses", {**where, "account": "nobody"}))[0] == 422


async def test_what_the_venue_heard_can_be_asked_for(venue: Sandbox) -> None:
    client = venue.client()
    try:
        await client.balances()
    finally:
        await client.close()
    _, told = await door(venue, "requests")
    last = told["items"][-1]
    assert {(one["account"], one["status"]) for one in told["items"] if one["account"]} == {("house", 200)}
    assert (await door(venue, f"requests?since={last['number']}"))[1] == {"items": []}
    assert venue.accounts[0].secret[:40] not in json.dumps(told)
