"""Bad input is answered with the problem that API.md names, and changes nothing."""

import json
import uuid
from typing import Any

import pytest

from tests.customer import Customer, fresh_key
from tests.stack import Stack

QUOTES = "/exchange/quotes"
WITHDRAWALS = "/transactions/withdrawals"


@pytest.fixture(scope="module")
async def customer(stack: Stack) -> Customer:
    return await stack.customer(BTC="0.01", USDT="100")


@pytest.fixture(scope="module")
async def stranger(stack: Stack) -> Customer:
    return await stack.customer(USDT="100")


async def refused(customer: Customer, path: str, body: Any, *, key: str | None = None) -> tuple[int, str]:
    """Status and code of a refusal, with every promise about its shape checked, and the balances unchanged."""
    before = (await customer.get("/wallets/balances"))["items"]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await customer.call("POST", path, content=content, key=key)
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    found = answer.json()
    assert found["type"] == "/problems/" + found["code"].replace("_", "-")
    assert found["status"] == answer.status_code
    assert found["request_id"] == answer.headers["X-Request-Id"]
    after = (await customer.get("/wallets/balances"))["items"]
    for was, is_ in zip(before, after, strict=True):
        assert (was["available"], was["held"]) == (is_["available"], is_["held"])
    return answer.status_code, found["code"]


def plain(**more: Any) -> dict[str, Any]:
    return {
        "kind": "withdrawal",
        "from_asset": "BTC",
        "to_asset": "BTC",
        "network": "bitcoin",
        "side": "exact_out",
        "amount": "0.001",
        **more,
    }


INVALID = (422, "invalid_amount")


@pytest.mark.parametrize(
    ("amount", "answer"),
    [
        ("0", [INVALID, (422, "below_minimum")]),
        ("-1", [INVALID]),
        ("1e3", [INVALID]),
        ("NaN", [INVALID]),
        ("１", [INVALID]),
        ("0.0000000000000000001", [INVALID, (422, "too_many_decimals")]),
        ("0.001000001", [(422, "too_many_decimals")]),
        (0.001, [INVALID]),
        (1, [INVALID]),
        ("", [INVALID]),
        (" 1", [INVALID]),
        ("1\n", [INVALID]),
        ("01", [INVALID]),
        ("1_000", [INVALID]),
        ("+1", [INVALID]),
        ("1,5", [INVALID]),
        ("Infinity", [INVALID]),
        (None, [INVALID, (422, "invalid_request")]),
    ],
)
@pytest.mark.parametrize("side", ["exact_in", "exact_out"])
async def test_what_is_not_an_amount_is_refused(
    customer: Customer, side: str, amount: Any, answer: list[tuple[int, str]]
) -> None:
    assert await refused(customer, QUOTES, plain(amount=amount, side=side)) in answer


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount": NaN}',
        b'{"amount": 1e400}',
        b'{"amount": "\\ud800"}',
        b"{",
        b"[" * 10_000,
        b"\xff\xfe",
        b'""',
        b"null",
    ],
)
async def test_a_body_that_is_no_request_is_refused_and_never_breaks_anything(customer: Customer, body: bytes) -> None:
    status, _ = await refused(customer, QUOTES, body)
    assert status in (400, 422)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"from_asset": "DOGE", "to_asset": "DOGE"}, "unknown_asset"),
        ({"to_asset": "btc"}, "unknown_asset"),
        ({"network": "litecoin"}, "unknown_network"),
        ({"network": "ethereum"}, "unknown_network"),
    ],
)
async def test_an_asset_or_network_that_is_not_there_is_refused(
    customer: Customer, change: dict[str, str], code: str
) -> None:
    status, found = await refused(customer, QUOTES, plain(**change))
    assert status == 422
    assert found == code or (code, found) == ("unknown_network", "wrong_network")


async def test_a_withdrawal_without_a_network_and_a_conversion_with_one_are_refused(customer: Customer) -> None:
    without = plain()
    del without["network"]
    assert (await refused(customer, QUOTES, without))[0] == 422
    conversion = plain(kind="conversion", to_asset="USDT", amount="25")
    assert (await refused(customer, QUOTES, conversion))[0] == 422


async def test_below_the_minimum_is_refused(customer: Customer) -> None:
    assert await refused(customer, QUOTES, plain(amount="0.00000001")) == (422, "below_minimum")


MAINNET_BTC = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
WRONG_CHECKSUM_BTC = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081"
ETHER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize(
    ("asset", "address", "codes"),
    [
        ("BTC", ETHER, {"wrong_network", "invalid_address"}),
        ("BTC", MAINNET_BTC, {"wrong_network", "invalid_address"}),
        ("BTC", WRONG_CHECKSUM_BTC, {"invalid_address"}),
        ("BTC", "hello", {"invalid_address"}),
        ("USDT", MAINNET_BTC, {"wrong_network", "invalid_address"}),
        ("USDT", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", {"invalid_address"}),
        ("USDT", ETHER[:-1], {"invalid_address"}),
        ("USDT", "0x" + "0" * 40, {"forbidden_address"}),
        ("USDT", "the token contract", {"forbidden_address"}),
        ("ETH", "the token contract", {"forbidden_address"}),
        ("BTC", "our own", {"own_address"}),
        ("USDT", "our own", {"own_address"}),
        ("BTC", "somebody else's here", {"own_address"}),
    ],
)
async def test_an_address_that_must_not_be_paid_is_refused(
    stack: Stack, customer: Customer, stranger: Customer, asset: str, address: str, codes: set[str]
) -> None:
    network = "bitcoin" if asset == "BTC" else "ethereum"
    if address == "the token contract":
        address = stack.ready["usdt_contract"]
    elif address == "our own":
        address = await customer.address(asset, network)
    elif address == "somebody else's here":
        address = await stranger.address(asset, network)
    asked = plain(from_asset=asset, to_asset=asset, network=network, amount={"BTC": "0.001"}.get(asset, "5"))
    # Named when quoting, and named only when accepting: the same answer.
    status, code = await refused(customer, QUOTES, {**asked, "address": address})
    assert status == 422
    assert code in codes
    if asset != "ETH":
        quote = await customer.quote(**asked)
        body = {"quote_id": quote["id"], "address": address}
        status, code = await refused(customer, WITHDRAWALS, body, key=fresh_key())
        assert status == 422
        assert code in codes


async def test_more_than_is_available_is_refused_at_acceptance(stack: Stack, customer: Customer) -> None:
    quote = await customer.quote(**plain(amount="0.05"))
    body = {"quote_id": quote["id"], "address": await stack.new_address("bitcoin")}
    assert await refused(customer, WITHDRAWALS, body, key=fresh_key()) == (409, "insufficient_funds")


async def test_a_used_quote_is_refused(stack: Stack, customer: Customer) -> None:
    quote = await customer.quote(**plain())
    body = {"quote_id": quote["id"], "address": await stack.new_address("bitcoin")}
    first = await customer.post(WITHDRAWALS, body, key=fresh_key())
    assert await refused(customer, WITHDRAWALS, body, key=fresh_key()) == (409, "quote_used")
    await customer.post(f"{WITHDRAWALS}/{first['id']}/cancel")


async def test_a_conversion_quote_pays_nobody(stack: Stack, customer: Customer) -> None:
    quote = await customer.quote(kind="conversion", from_asset="USDT", to_asset="BTC", side="exact_in", amount="20")
    body = {"quote_id": quote["id"], "address": await stack.new_address("bitcoin")}
    assert await refused(customer, WITHDRAWALS, body, key=fresh_key()) == (422, "quote_kind_mismatch")


async def test_ids_of_others_and_of_nobody_are_not_found(stack: Stack, customer: Customer, stranger: Customer) -> None:
    address = await stack.new_address("ethereum")
    asked = plain(from_asset="USDT", to_asset="USDT", network="ethereum", amount="5")
    theirs = await stranger.quote(**asked)
    withdrawal = await stranger.withdraw(await stranger.quote(**asked), address)
    nobody = str(uuid.uuid4())
    mine = await customer.quote(**asked)
    verify = {"method": "totp", "code": await customer.code()}
    for path, body, key in (
        (WITHDRAWALS, {"quote_id": theirs["id"], "address": address}, fresh_key()),
        (WITHDRAWALS, {"quote_id": nobody, "address": address}, fresh_key()),
        (WITHDRAWALS, {"quote_id": mine["id"], "beneficiary_id": nobody}, fresh_key()),
        (f"{WITHDRAWALS}/{withdrawal['id']}/verify", verify, None),
        (f"{WITHDRAWALS}/{withdrawal['id']}/cancel", {}, None),
        (f"{WITHDRAWALS}/{nobody}/cancel", {}, None),
    ):
        assert await refused(customer, path, body, key=key) == (404, "not_found"), (path, body)
    for path in (f"{WITHDRAWALS}/{withdrawal['id']}", f"{QUOTES}/{theirs['id']}", f"{WITHDRAWALS}/{nobody}"):
        answer = await customer.call("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert (await stranger.withdrawal(withdrawal["id"]))["state"] == "pending_verification"
    await stranger.post(f"{WITHDRAWALS}/{withdrawal['id']}/cancel")


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
async def test_a_key_that_is_no_key_is_refused(stack: Stack, customer: Customer, key: str) -> None:
    quote = await customer.quote(**plain())
    body = {"quote_id": quote["id"], "address": await stack.new_address("bitcoin")}
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await customer.http.post(WITHDRAWALS, json=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_wrong_and_a_reused_code_verify_nothing(stack: Stack, customer: Customer) -> None:
    address = await stack.new_address("bitcoin")
    assert customer.authenticator is not None
    first = await customer.withdraw(await customer.quote(**plain()), address)
    second = await customer.withdraw(await customer.quote(**plain()), address)
    path = f"{WITHDRAWALS}/{first['id']}/verify"
    for wrong in (customer.authenticator.wrong(), "12345", "１２３４５６", "1234567"):
        assert await refused(customer, path, {"method": "totp", "code": wrong}) == (422, "invalid_code"), wrong
    code = await customer.code()
    await customer.post(path, {"method": "totp", "code": code})
    answer = await customer.call("POST", f"{WITHDRAWALS}/{second['id']}/verify", {"method": "totp", "code": code})
    assert (answer.status_code, answer.json()["code"]) == (422, "code_already_used")
    assert 1 <= answer.json()["retry_after"] <= 30
    assert (await customer.withdrawal(second["id"]))["state"] == "pending_verification"
    await customer.post(f"{WITHDRAWALS}/{second['id']}/cancel")


async def test_fields_that_nobody_asked_for_are_refused(customer: Customer) -> None:
    assert (await refused(customer, QUOTES, plain(discount="1")))[0] == 422
