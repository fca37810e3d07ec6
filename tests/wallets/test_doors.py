"""Balances, addresses and saved destinations over HTTP, as their owners use them. No node is asked: chains are pure here."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.auth.people import now, problem
from tests.wallets.people import OUTSIDE, USDT, Holder, user_id, validated
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.public import EvmKeys
from tidegate.config import TokenSettings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting, Transfer, customer, house
from tidegate.markets.books import Estimate
from tidegate.money import Amount
from tidegate.signer.keys import make_seed
from tidegate.wallets.cashier import Cashier

# --- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/assets"),
        ("GET", "/balances"),
        ("POST", "/addresses"),
        ("GET", "/addresses"),
        ("POST", "/addresses/validate"),
        ("GET", "/deposits"),
        ("POST", "/beneficiaries"),
        ("GET", "/beneficiaries"),
    ],
)
async def test_nobody_gets_anything_without_signing_in(http: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, f"/api/v1/wallets{path}", json={}, headers={"Idempotency-Key": "k"})
    assert problem(answer) == (401, "unauthenticated")


# --- assets and balances -------------------------------------------------------------------------------------------


async def test_every_listed_asset_names_its_networks_and_their_terms(ana: Holder) -> None:
    items = {one["asset"]: one for one in (await ana.ask("GET", "/assets")).json()["items"]}
    assert list(items) == ["BTC", "ETH", "USDT", "USDC"]
    assert (items["ETH"]["decimals"], items["ETH"]["name"]) == (18, "Ether")
    assert items["BTC"]["networks"] == [
        {
            "network": "bitcoin",
            "confirmations_required": 2,
            "deposit_tiers": [],
            "minimum_deposit": "0.00001000",
            "minimum_withdrawal": "0.00010000",
            "deposits": True,
            "withdrawals": True,
            "reason": None,
        }
    ]
    assert items["USDT"]["networks"][0]["minimum_deposit"] == "1.000000"


async def test_balances_list_every_asset_also_those_one_holds_nothing_of(ana: Holder) -> None:
    answer = await ana.ask("GET", "/balances")
    assert answer.json()["next_cursor"] is None
    zero = {"available": "0.00000000", "held": "0.00000000", "incoming": "0.00000000", "total": "0.00000000"}
    assert answer.json()["items"][0] == {"asset": "BTC", "estimate": None} | zero


async def test_available_and_held_make_the_total_and_the_estimate_is_of_the_total(
    db: Database, lane: Lane, app: FastAPI, cashier: Cashier, ana: Holder
) -> None:
    owner, asked = await user_id(db, ana), []

    def priced(amount: Amount) -> Estimate:
        asked.append(amount.text)
        return Estimate("USD", Decimal("12.34"), now())

    app.state.wallets = replace(cashier, estimate=priced)
    moves = (
        Transfer(house("wallet:deposit", "BTC", "bitcoin"), customer(owner, "available", "BTC"), 150_000_000, "test"),
        Transfer(customer(owner, "available", "BTC"), customer(owner, "held", "BTC"), 25_000_000, "test"),
    )
    assert (await lane.submit(Posting("test:1", moves, "test", owner))).posted
    btc = (await ana.ask("GET", "/balances")).json()["items"][0]
    assert (btc["available"], btc["held"], btc["total"]) == ("1.25000000", "0.25000000", "1.50000000")
    assert (btc["estimate"]["currency"], btc["estimate"]["amount"]) == ("USD", "12.34")
    assert asked[0] == "1.50000000"


# --- deposit addresses ---------------------------------------------------------------------------------------------


async def test_each_new_bitcoin_address_is_another_and_belongs_to_one_user(
    ana: Holder, ben: Holder, cashier: Cashier
) -> None:
    wanted = {"asset": "BTC", "network": "bitcoin"}
    answers = [await who.ask("POST", "/addresses", wanted) for who in (ana, ben, ana)]
    assert [a.status_code for a in answers] == [201, 201, 201]
    found = [a.json()["address"] for a in answers]
    assert found == [cashier.chains["bitcoin"].deposit_address(index) for index in range(3)]
    assert answers[0].json()["uri"] == f"bitcoin:{found[0]}"
    mine = (await ana.ask("GET", "/addresses")).json()["items"]
    assert [one["address"] for one in mine] == [found[2], found[0]]


async def test_one_evm_address_is_given_for_each_asset_and_a_fresh_one_when_asked_again(ana: Holder) -> None:
    async def ask(asset: str) -> dict[str, Any]:
        answer = await ana.ask("POST", "/addresses", {"asset": asset, "network": "ethereum"})
        found: dict[str, Any] = answer.json()
        return found

    ether, tether, again = await ask("ETH"), await ask("USDT"), await ask("USDT")
    assert ether["address"] == tether["address"] != again["address"]
    assert len({ether["id"], tether["id"], again["id"]}) == 3
    assert ether["uri"] == f"ethereum:{ether['address']}@31337"
    assert tether["uri"] == f"ethereum:{USDT}@31337/transfer?address={tether['address']}"


async def test_addresses_asked_for_at_once_are_all_different(ana: Holder, ben: Holder) -> None:
    wanted = {"asset": "BTC", "network": "bitcoin"}
    answers = await asyncio.gather(*(who.ask("POST", "/addresses", wanted) for who in (ana, ben) for _ in range(8)))
    assert len({a.json()["address"] for a in answers}) == 16


async def test_a_repeated_key_gives_the_same_address_and_takes_no_other(db: Database, ana: Holder) -> None:
    wanted = {"asset": "BTC", "network": "bitcoin"}
    first, again = [await ana.ask("POST", "/addresses", wanted, key="one") for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await ana.ask("POST", "/addresses", {"asset": "ETH", "network": "ethereum"}, key="one")
    assert problem(other) == (422, "idempotency_key_reused")
    async with db.reading() as session:
        assert await session.scalar(text("SELECT next_index FROM address_index WHERE family = 'bitcoin'")) == 1


async def came(db: Database, address: str, asset: str, *, hours: int = 0) -> None:
    """A deposit as a scan stores it."""
    async with db.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO deposits (id, network, txid, index, asset, units, user_id, address_id, address, state,"
                " explained, epoch, version, confirmations, confirmations_required, deep, detected_at, since)"
                " SELECT gen_random_uuid(), network, gen_random_uuid()::text, 0, :asset, 1, user_id, id, address,"
                " 'detected', false, 0, 1, 0, 2, false, :at, :at FROM deposit_addresses WHERE address = :address"
            ),
            {"address": address, "asset": asset, "at": now() + timedelta(hours=hours)},
        )


async def test_each_address_says_what_came_to_it_and_can_be_looked_for_by_that(db: Database, ana: Holder) -> None:
    ether, tether = [
        (await ana.ask("POST", "/addresses", {"asset": asset, "network": "ethereum"})).json()
        for asset in ("ETH", "USDT")
    ]
    assert ether["address"] == tether["address"]
    for hours in (2, 1):
        await came(db, ether["address"], "ETH", hours=hours)
    (used,) = (await ana.ask("GET", "/addresses", params={"used": True})).json()["items"]
    assert (used["id"], used["deposits"]) == (ether["id"], 2)
    assert used["first_deposit_at"] < used["last_deposit_at"]
    (unused,) = (await ana.ask("GET", "/addresses", params={"used": False})).json()["items"]
    assert (unused["id"], unused["deposits"], unused["first_deposit_at"], unused["last_deposit_at"]) == (
        tether["id"],
        0,
        None,
        None,
    )


def strict(app: FastAPI, cashier: Cashier) -> None:
    """Limits as they are in production."""
    auth = cashier.settings.auth.model_copy(update={"rate_limit_factor": 1})
    app.state.wallets = replace(cashier, settings=cashier.settings.model_copy(update={"auth": auth}))


async def test_no_more_addresses_are_given_than_somebody_uses_even_at_once(
    db: Database, app: FastAPI, cashier: Cashier, ana: Holder
) -> None:
    strict(app, cashier)
    wanted = {"asset": "BTC", "network": "bitcoin"}
    answers = await asyncio.gather(*(ana.ask("POST", "/addresses", wanted) for _ in range(24)))
    assert sorted(a.status_code for a in answers) == [201] * 20 + [403] * 4
    refused = next(a for a in answers if a.status_code == 403)
    assert problem(refused) == (403, "limit_exceeded")
    assert refused.json()["limit"] == "20"
    other = await ana.ask("POST", "/addresses", {"asset": "ETH", "network": "ethereum"})
    assert other.status_code == 201, "each network counts for itself"
    await came(db, next(a for a in answers if a.status_code == 201).json()["address"], "BTC")
    assert (await ana.ask("POST", "/addresses", wanted)).status_code == 201
    assert (await ana.ask("POST", "/addresses", wanted)).status_code == 403


async def test_new_addresses_are_given_no_faster_than_anybody_needs_them(
    db: Database, app: FastAPI, cashier: Cashier, ana: Holder
) -> None:
    strict(app, cashier)
    wanted = {"asset": "BTC", "network": "bitcoin"}
    async with db.transaction() as session:
        await session.execute(
            text("INSERT INTO rate_counters (key, spent_until) VALUES (:key, :until)"),
            {"key": f"addresses:{await user_id(db, ana)}", "until": now() + timedelta(minutes=59, seconds=30)},
        )
    refused = await ana.ask("POST", "/addresses", wanted)
    assert problem(refused) == (429, "rate_limited")
    assert refused.json()["retry_after"] == 61
    async with db.reading() as session:
        assert await session.scalar(text("SELECT next_index FROM address_index WHERE family = 'bitcoin'")) == 0


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"asset": "DOGE", "network": "bitcoin"}, (422, "unknown_asset")),
        ({"asset": "BNB", "network": "ethereum"}, (422, "unknown_asset")),
        ({"asset": "BTC", "network": "litecoin"}, (422, "unknown_network")),
        ({"asset": "BTC", "network": "ethereum"}, (422, "unknown_network")),
        ({"asset": "btc", "network": "bitcoin"}, (422, "unknown_asset")),
        ({"asset": "BTC"}, (422, "invalid_request")),
        ({"asset": "BTC", "network": "bitcoin", "index": 7}, (422, "invalid_request")),
    ],
)
async def test_an_address_for_what_is_not_there_is_refused(
    ben: Holder, body: dict[str, Any], told: tuple[int, str]
) -> None:
    assert problem(await ben.ask("POST", "/addresses", body)) == told


async def test_no_address_is_given_that_no_node_watches(db: Database, ana: Holder) -> None:
    async with db.transaction() as session:
        await session.execute(text("UPDATE address_index SET next_index = 1000 WHERE family = 'bitcoin'"))
    answer = await ana.ask("POST", "/addresses", {"asset": "BTC", "network": "bitcoin"})
    assert problem(answer) == (503, "busy")
    assert answer.headers["Retry-After"] == "2"


async def test_lists_are_read_page_by_page_newest_first(ana: Holder) -> None:
    made = [
        (await ana.ask("POST", "/addresses", {"asset": "BTC", "network": "bitcoin"})).json()["id"] for _ in range(5)
    ]
    found, cursor = [], None
    while True:
        page = (await ana.ask("GET", "/addresses", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made[::-1]
    assert problem(await ana.ask("GET", "/addresses", params={"cursor": "x"})) == (422, "invalid_request")


# --- what people paste ---------------------------------------------------------------------------------------------


async def test_a_bare_address_is_recognised_with_its_networks_and_kind(ana: Holder) -> None:
    bitcoin = await validated(ana, OUTSIDE["bitcoin"], "BTC")
    assert (bitcoin["valid"], bitcoin["networks"], bitcoin["kind"], bitcoin["payment"]) == (
        True,
        ["bitcoin"],
        "p2wpkh",
        None,
    )
    evm = await validated(ana, OUTSIDE["ethereum"], "USDT", "ethereum")
    assert (evm["valid"], evm["networks"], evm["warnings"]) == (True, ["ethereum"], [])


async def test_an_unchecked_spelling_is_taken_with_a_warning_and_shown_checked(ana: Holder) -> None:
    found = await validated(ana, OUTSIDE["ethereum"].lower(), "ETH")
    assert (found["valid"], found["address"]) == (True, OUTSIDE["ethereum"])
    assert found["warnings"] != []


@pytest.mark.parametrize(
    ("text_pasted", "asset", "payment"),
    [
        (
            f"bitcoin:{OUTSIDE['bitcoin']}?amount=0.015&label=Invoice%2017",
            "BTC",
            {"asset": "BTC", "network": "bitcoin", "amount": "0.01500000", "label": "Invoice 17"},
        ),
        (
            f"ethereum:{USDT}@31337/transfer?address={OUTSIDE['ethereum']}&uint256=25000000",
            "USDT",
            {"asset": "USDT", "network": "ethereum", "amount": "25.000000", "label": None},
        ),
        (
            f"ethereum:{OUTSIDE['ethereum']}@31337?value=1.5e18",
            "ETH",
            {"asset": "ETH", "network": "ethereum", "amount": "1.500000000000000000", "label": None},
        ),
        (
            f"ethereum:{OUTSIDE['ethereum']}?value=1",
            "ETH",
            {"asset": "ETH", "network": None, "amount": "0.000000000000000001", "label": None},
        ),
    ],
)
async def test_an_invoice_names_asset_amount_and_address(
    ana: Holder, text_pasted: str, asset: str, payment: Any
) -> None:
    found = await validated(ana, text_pasted, asset)
    assert (found["valid"], found["payment"]) == (True, payment)
    assert found["address"] in OUTSIDE.values()


@pytest.mark.parametrize(
    ("text_pasted", "asset", "reason"),
    [
        (OUTSIDE["ethereum"], "BTC", "wrong_network"),
        (OUTSIDE["bitcoin"], "USDT", "wrong_network"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "BTC", "wrong_network"),
        (OUTSIDE["bitcoin"][:-1] + "q", "BTC", "invalid_address"),
        ("0x52908400098527886E0F7030069857D2E4169eE7", "ETH", "invalid_address"),
        ("0x0000000000000000000000000000000000000000", "ETH", "forbidden_address"),
        (USDT, "USDT", "forbidden_address"),
        ("hello", "BTC", "invalid_address"),
        (f"bitcoin:{OUTSIDE['bitcoin']}?amount=1e3", "BTC", "invalid_address"),
        (f"bitcoin:{OUTSIDE['bitcoin']}?req-coin=7", "BTC", "invalid_address"),
        (f"bitcoin:{OUTSIDE['bitcoin']}?amount=1", "USDT", "other_asset"),
        (f"ethereum:{USDT}@31337/transfer?address={OUTSIDE['ethereum']}&uint256=1", "USDC", "other_asset"),
        (
            f"ethereum:{OUTSIDE['ethereum']}@31337/transfer?address={OUTSIDE['ethereum']}&uint256=1",
            "USDT",
            "other_asset",
        ),
        (f"ethereum:{USDT}@1/transfer?address={OUTSIDE['ethereum']}&uint256=1", "USDT", "wrong_network"),
        ("lightning:LNBC20U1PVJLUEZ", "BTC", "lightning"),
        ("litecoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "BTC", "invalid_address"),
    ],
)
async def test_what_cannot_be_paid_is_said_with_its_reason(
    ben: Holder, text_pasted: str, asset: str, reason: str
) -> None:
    found = await validated(ben, text_pasted, asset)
    assert (found["valid"], found["networks"], found["reason"]) == (False, [], reason)
    assert found["detail"]


async def test_an_unknown_asset_or_network_is_refused_not_judged(ana: Holder) -> None:
    for body, code in (
        ({"asset": "XRP", "address": "x"}, "unknown_asset"),
        ({"asset": "BTC", "network": "tron", "address": "x"}, "unknown_network"),
    ):
        assert problem(await ana.ask("POST", "/addresses/validate", body)) == (422, code)


async def test_our_own_addresses_are_no_destinations(ana: Holder, ben: Holder, cashier: Cashier) -> None:
    theirs = (await ben.ask("POST", "/addresses", {"asset": "ETH", "network": "ethereum"})).json()["address"]
    hot = cashier.chains["ethereum"].hot_address
    for address in (theirs, theirs.lower(), hot):
        assert (await validated(ana, address, "ETH"))["reason"] == "own_address"
        assert problem(await ana.save("ETH", "ethereum", address, key=address)) == (422, "own_address")


# --- two EVM networks ----------------------------------------------------------------------------------------------

BASE_USDC = "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"


@pytest.fixture
def two(app: FastAPI, cashier: Cashier) -> Cashier:
    """A house with a second EVM network, of the same keys."""
    ethereum = cashier.settings.networks["ethereum"]
    tokens = {"USDC": TokenSettings(contract=BASE_USDC, decimals=6)}
    base = ethereum.model_copy(update={"chain_id": 8453, "tokens": tokens})
    driver = cashier.chains["ethereum"]
    assert isinstance(driver, EvmChain)
    chain = EvmChain("base", base, EvmKeys(driver.hot_address, make_seed(1_700_000_000).evm_deposit_xpub()))
    networks = cashier.settings.networks | {"base": base}
    settings = cashier.settings.model_copy(update={"networks": networks})
    app.state.wallets = replace(cashier, settings=settings, chains={**cashier.chains, "base": chain})
    return cast(Cashier, app.state.wallets)


@pytest.mark.parametrize(
    ("pasted", "asset", "networks", "invoice"),
    [
        (f"ethereum:{OUTSIDE['ethereum']}@8453?value=1e18", "ETH", ["base"], ("base", "1.000000000000000000")),
        (f"ethereum:{OUTSIDE['ethereum']}@31337?value=1", "ETH", ["ethereum"], ("ethereum", "0.000000000000000001")),
        (f"ethereum:{OUTSIDE['ethereum']}?value=1e18", "ETH", ["ethereum", "base"], (None, "1.000000000000000000")),
        (
            f"ethereum:{BASE_USDC}@8453/transfer?address={OUTSIDE['ethereum']}&uint256=2.5e6",
            "USDC",
            ["base"],
            ("base", "2.500000"),
        ),
        (OUTSIDE["ethereum"], "USDT", ["ethereum"], None),
    ],
)
async def test_the_chain_id_of_an_invoice_decides_its_network_and_none_is_guessed(
    two: Cashier, ben: Holder, pasted: str, asset: str, networks: list[str], invoice: tuple[str, str] | None
) -> None:
    found = await validated(ben, pasted, asset)
    assert (found["valid"], found["networks"]) == (True, networks)
    payment = found["payment"]
    assert invoice == (payment and (payment["network"], payment["amount"]))


@pytest.mark.parametrize(
    ("pasted", "asset", "reason"),
    [
        (f"ethereum:{BASE_USDC}@31337/transfer?address={OUTSIDE['ethereum']}&uint256=1", "USDC", "other_asset"),
        (f"ethereum:{USDT}@8453/transfer?address={OUTSIDE['ethereum']}&uint256=1", "USDT", "other_asset"),
        (f"ethereum:{OUTSIDE['ethereum']}@1?value=1", "ETH", "wrong_network"),
    ],
)
async def test_a_token_of_another_network_is_not_taken_for_ours(
    two: Cashier, ben: Holder, pasted: str, asset: str, reason: str
) -> None:
    found = await validated(ben, pasted, asset)
    assert (found["valid"], found["reason"]) == (False, reason)


async def test_an_address_that_is_known_from_another_network_alone_is_said(two: Cashier, ana: Holder) -> None:
    await ana.save("ETH", "base", OUTSIDE["ethereum"], key="1")
    assert (await validated(ana, OUTSIDE["ethereum"], "ETH", "ethereum"))["warnings"] == ["used_on_other_network"]
    assert (await validated(ana, OUTSIDE["ethereum"], "ETH", "base"))["warnings"] == []
    await ana.save("ETH", "ethereum", OUTSIDE["ethereum"], key="2")
    assert (await validated(ana, OUTSIDE["ethereum"], "ETH", "ethereum"))["warnings"] == []


async def test_a_deposit_address_of_one_network_is_ours_on_the_other(two: Cashier, ana: Holder, ben: Holder) -> None:
    theirs = (await ben.ask("POST", "/addresses", {"asset": "ETH", "network": "ethereum"})).json()["address"]
    assert (await validated(ana, theirs, "ETH", "base"))["reason"] == "own_address"


async def test_validating_honours_a_key_when_one_is_given(ben: Holder) -> None:
    body = {"asset": "BTC", "address": OUTSIDE["bitcoin"]}
    first, again = [await ben.ask("POST", "/addresses/validate", body, key="v") for _ in range(2)]
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await ben.ask("POST", "/addresses/validate", body | {"asset": "ETH"}, key="v")
    assert problem(other) == (422, "idempotency_key_reused")


ODD = ["", "\0", "a\0b", "\ud800", "\u202e", "'; DROP TABLE deposits; --", "../..", "%00", "x" * 3000, "NaN", "１"]


async def test_no_odd_text_in_any_field_or_filter_breaks_anything(ben: Holder) -> None:
    calls = []
    for odd in ODD:
        for path in ("/addresses", "/deposits", "/beneficiaries"):
            for name in ("asset", "network", "state", "cursor", "limit"):
                value = odd.encode("utf-8", "replace").decode()
                calls.append(ben.ask("GET", path, params={name: value}))
        for field in ("asset", "network", "address", "label"):
            body = {"asset": "BTC", "network": "bitcoin", "address": OUTSIDE["bitcoin"], "label": "Ben"} | {field: odd}
            calls.append(ben.ask("POST", "/beneficiaries", body, key=f"{field}{len(calls)}"))
            calls.append(ben.ask("POST", "/addresses/validate", {k: v for k, v in body.items() if k != "label"}))
            calls.append(ben.ask("POST", "/addresses", {k: body[k] for k in ("asset", "network")}))
    for call in calls:
        answer = await call
        assert answer.status_code < 500, (answer.request.url, answer.request.content, answer.text)
