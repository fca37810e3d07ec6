"""Balances, addresses and saved destinations over HTTP, as their owners use them. No node is asked: chains are pure here."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.auth.people import ORIGIN, build_app, now, problem
from tests.wallets.people import Holder
from tests.wallets.world import bitcoin_chain, evm_chain
from tidegate.auth.gate import open_gate
from tidegate.chains.port import Chain
from tidegate.config import Settings
from tidegate.database import Database, ride
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting, Transfer, customer, house
from tidegate.markets.books import Estimate
from tidegate.money import Amount
from tidegate.refusal import Kind, Refusal
from tidegate.signer.keys import make_seed
from tidegate.wallets import destinations, routes, sent_to
from tidegate.wallets.cashier import Cashier

USDT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OUTSIDE = {
    "bitcoin": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "ethereum": "0x52908400098527886E0F7030069857D2E4169EE7",
}


@pytest.fixture
async def cashier(db: Database, settings: Settings) -> AsyncIterator[Cashier]:
    seed = make_seed(int(time.time()))
    networks = settings.networks
    chains: dict[str, Chain] = {
        "bitcoin": bitcoin_chain(networks["bitcoin"], seed),
        "ethereum": evm_chain(networks["ethereum"], seed),
    }
    async with db.transaction() as session:
        for network in chains:
            await session.execute(
                text("INSERT INTO address_index (network, next_index, watched_upto) VALUES (:n, 0, 1000)"),
                {"n": network},
            )
    yield Cashier(db, settings, chains)
    for chain in chains.values():
        await chain.close()


@pytest.fixture
def app(db: Database, settings: Settings, cashier: Cashier) -> FastAPI:
    app = build_app(open_gate(db, settings))
    app.include_router(routes.router, prefix="/api/v1")
    app.state.wallets = cashier
    return app


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def ana(http: httpx.AsyncClient) -> Holder:
    holder = Holder(http, "ana@demo.example")
    await holder.register()
    await holder.enrol()
    return holder


@pytest.fixture
async def ben(http: httpx.AsyncClient) -> Holder:
    holder = Holder(http, "ben@demo.example")
    await holder.register()
    await holder.signed_in()
    return holder


async def user_id(db: Database, holder: Holder) -> Any:
    async with db.reading() as session:
        return await session.scalar(text("SELECT id FROM users WHERE email_canonical = :e"), {"e": holder.email})


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
        assert await session.scalar(text("SELECT next_index FROM address_index WHERE network = 'bitcoin'")) == 1


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
    ana: Holder, body: dict[str, Any], told: tuple[int, str]
) -> None:
    assert problem(await ana.ask("POST", "/addresses", body)) == told


async def test_no_address_is_given_that_no_node_watches(db: Database, ana: Holder) -> None:
    async with db.transaction() as session:
        await session.execute(text("UPDATE address_index SET next_index = 1000 WHERE network = 'bitcoin'"))
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


async def validated(who: Holder, address: str, asset: str, network: str | None = None) -> dict[str, Any]:
    body = {"asset": asset, "address": address} | ({"network": network} if network else {})
    answer = await who.ask("POST", "/addresses/validate", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


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
        ("litecoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "BTC", "invalid_address"),
    ],
)
async def test_what_cannot_be_paid_is_said_with_its_reason(
    ana: Holder, text_pasted: str, asset: str, reason: str
) -> None:
    found = await validated(ana, text_pasted, asset)
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
    hot = cashier.chains["ethereum"].hot_address  # type: ignore[attr-defined]  # the EVM driver's
    for address in (theirs, theirs.lower(), hot):
        assert (await validated(ana, address, "ETH"))["reason"] == "own_address"
        assert problem(await ana.save("ETH", "ethereum", address, key=address)) == (422, "own_address")


CONFUSABLES = [
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u202e",
    "\u0430",
    "\uff10",
    "\u0301",
    "\u00e9",
    " ",
    "\n",
    "\0",
]


@pytest.mark.parametrize("odd", CONFUSABLES)
@pytest.mark.parametrize("network", ["bitcoin", "ethereum"])
async def test_an_address_with_a_character_nobody_sees_is_never_saved(ana: Holder, network: str, odd: str) -> None:
    asset, address = ("BTC", OUTSIDE["bitcoin"]) if network == "bitcoin" else ("ETH", OUTSIDE["ethereum"])
    for at in (0, 7, len(address)):
        answer = await ana.save(asset, network, address[:at] + odd + address[at:], key=f"{network}-{ord(odd)}-{at}")
        assert answer.status_code == 422


@pytest.mark.parametrize("label", ["", " Ben", "Ben\u202e", "B\u200ben", "Be\u0301n", "a\nb", "x" * 65])
async def test_a_label_that_could_deceive_is_refused(ana: Holder, label: str) -> None:
    assert problem(await ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="l", label=label)) == (
        422,
        "invalid_request",
    )


# --- saved destinations --------------------------------------------------------------------------------------------


async def test_a_saved_destination_is_payable_after_its_second_factor_and_not_before(db: Database, ana: Holder) -> None:
    saved = (await ana.save("USDT", "ethereum", OUTSIDE["ethereum"].lower(), key="b")).json()
    assert (saved["state"], saved["waiting_for"], saved["address"]) == (
        "pending_confirmation",
        "you",
        OUTSIDE["ethereum"],
    )
    assert await payable(db, ana, saved["id"]) is Kind.CONFLICT
    confirmed = await ana.confirm(saved["id"])
    assert (confirmed.status_code, confirmed.json()["state"], confirmed.json()["version"]) == (200, "active", 2)
    assert confirmed.json()["available_at"] is None
    assert await payable(db, ana, saved["id"]) is None
    assert problem(await ana.confirm(saved["id"])) == (409, "conflict")


async def payable(
    db: Database, who: Holder, beneficiary_id: str, *, asset: str = "USDT", network: str = "ethereum", later: int = 0
) -> Kind | None:
    """None when it may be paid, else why not."""
    async with db.reading() as session:
        try:
            await destinations.beneficiary(
                session,
                user_id=await user_id(db, who),
                beneficiary_id=beneficiary_id,  # type: ignore[arg-type]  # a UUID's text is taken too
                asset=asset,
                network=network,
                now=now() + timedelta(seconds=later),
            )
        except Refusal as refusal:
            return refusal.kind
    return None


async def test_a_new_address_cools_down_where_that_is_configured(
    db: Database, app: FastAPI, cashier: Cashier, ana: Holder
) -> None:
    cooling = cashier.settings.compliance.model_copy(update={"new_address_cooldown_seconds": 3600})
    app.state.wallets = replace(cashier, settings=cashier.settings.model_copy(update={"compliance": cooling}))
    saved = (await ana.save("USDT", "ethereum", OUTSIDE["ethereum"], key="b")).json()
    confirmed = (await ana.confirm(saved["id"])).json()
    assert (confirmed["state"], confirmed["waiting_for"]) == ("cooling_down", "time")
    assert confirmed["available_at"] == confirmed["expected_by"]
    assert await payable(db, ana, saved["id"], later=3500) is Kind.BENEFICIARY_COOLING_DOWN
    assert await payable(db, ana, saved["id"], later=3700) is None


async def test_a_wrong_code_confirms_nothing_and_a_used_one_says_when_the_next_comes(ana: Holder) -> None:
    first = (await ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="1")).json()["id"]
    second = (await ana.save("ETH", "ethereum", OUTSIDE["ethereum"], key="2")).json()["id"]
    for wrong in ("000000" if ana.code() != "000000" else "111111", "１２３４５６", "abc", ""):
        answer = await ana.ask("POST", f"/beneficiaries/{first}/confirm", {"method": "totp", "code": wrong})
        assert problem(answer)[1] in ("invalid_code", "invalid_request")
    code = ana.code()
    assert (await ana.confirm(first, code)).status_code == 200
    again = await ana.confirm(second, code)
    assert problem(again) == (422, "code_already_used")
    assert 1 <= again.json()["retry_after"] <= 60
    listed = {one["id"]: one["state"] for one in (await ana.ask("GET", "/beneficiaries")).json()["items"]}
    assert listed == {first: "active", second: "pending_confirmation"}


async def test_one_code_confirms_one_address_even_when_used_twice_at_once(ana: Holder) -> None:
    ids = [
        (await ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="1")).json()["id"],
        (await ana.save("ETH", "ethereum", OUTSIDE["ethereum"], key="2")).json()["id"],
    ]
    code = ana.code()
    answers = await asyncio.gather(*(ana.confirm(one, code) for one in ids))
    assert sorted(a.status_code for a in answers) == [200, 422]


async def test_without_a_second_factor_nothing_is_confirmed(ben: Holder) -> None:
    saved = (await ben.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="1")).json()["id"]
    assert problem(await ben.confirm(saved, "123456")) == (403, "second_factor_required")


async def test_a_destination_is_saved_once_and_again_after_it_was_deleted(ana: Holder) -> None:
    first = await ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="1")
    upper = await ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"].upper(), key="2")
    assert problem(upper) == (409, "conflict")
    for _ in range(2):
        assert (await ana.ask("DELETE", f"/beneficiaries/{first.json()['id']}")).status_code == 204
    assert (await ana.ask("GET", "/beneficiaries")).json()["items"] == []
    assert (await ana.ask("GET", f"/beneficiaries/{first.json()['id']}")).json()["state"] == "archived"
    assert problem(await ana.confirm(first.json()["id"])) == (404, "not_found")
    assert (await ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="3")).status_code == 201


async def test_saving_twice_at_once_saves_once(ana: Holder) -> None:
    answers = await asyncio.gather(*(ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key=f"k{n}") for n in range(6)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409, 409]
    twins = await asyncio.gather(*(ana.save("ETH", "ethereum", OUTSIDE["ethereum"], key="same") for _ in range(6)))
    assert {a.status_code for a in twins} == {201}
    assert len({json.dumps(a.json(), sort_keys=True) for a in twins}) == 1


async def test_saving_needs_a_key(ana: Holder) -> None:
    body = {"label": "Ben", "asset": "BTC", "network": "bitcoin", "address": OUTSIDE["bitcoin"]}
    assert problem(await ana.ask("POST", "/beneficiaries", body)) == (400, "idempotency_key_missing")


async def test_another_users_destination_is_not_there(db: Database, ana: Holder, ben: Holder) -> None:
    saved = (await ana.save("USDT", "ethereum", OUTSIDE["ethereum"], key="1")).json()["id"]
    assert problem(await ben.ask("GET", f"/beneficiaries/{saved}")) == (404, "not_found")
    assert problem(await ben.ask("DELETE", f"/beneficiaries/{saved}")) == (404, "not_found")
    assert problem(await ben.confirm(saved, "123456")) == (404, "not_found")
    assert await payable(db, ben, saved) is Kind.NOT_FOUND
    assert (await ben.ask("GET", "/beneficiaries")).json()["items"] == []


async def test_a_saved_destination_is_for_its_asset_and_network_only(db: Database, ana: Holder) -> None:
    saved = (await ana.save("USDT", "ethereum", OUTSIDE["ethereum"], key="1")).json()["id"]
    assert (await ana.confirm(saved)).status_code == 200
    assert await payable(db, ana, saved, asset="BTC", network="bitcoin") is Kind.WRONG_NETWORK
    assert await payable(db, ana, saved, asset="ETH") is Kind.QUOTE_KIND_MISMATCH


async def test_an_address_that_looks_like_a_saved_or_paid_one_is_warned_of(
    db: Database, ana: Holder, ben: Holder
) -> None:
    # Same first and last four after the prefix; all lower case, so that no checksum gives it away.
    saved, twin = "0x5290" + "a" * 32 + "9ee7", "0x5290" + "b" * 32 + "9ee7"
    assert "lookalike_address" not in (await validated(ana, twin, "ETH"))["warnings"]
    assert (await ana.save("ETH", "ethereum", saved, key="1")).status_code == 201
    assert "lookalike_address" in (await validated(ana, twin, "ETH"))["warnings"]
    assert "lookalike_address" in (await ana.save("ETH", "ethereum", twin, key="2")).json()["warnings"]
    assert "lookalike_address" not in (await validated(ben, twin, "ETH"))["warnings"]
    async with db.transaction() as session:
        rider = sent_to.rider(user_id=await user_id(db, ben), network="ethereum", address=saved, at=now())
        assert await ride(session, [rider, rider]) is None
    assert "lookalike_address" in (await validated(ben, twin, "ETH"))["warnings"]
