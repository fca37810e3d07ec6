"""Saved destinations and the judgement of addresses, over HTTP."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta

from fastapi import FastAPI

from tests.auth.people import now, problem
from tests.wallets.people import OUTSIDE, Holder, user_id, validated
from tidegate.database import Database, ride
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import destinations, sent_to
from tidegate.wallets.cashier import Cashier
from tidegate.wire import time_text

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


async def test_an_address_with_a_character_nobody_sees_is_never_saved(ben: Holder) -> None:
    for network, asset in (("bitcoin", "BTC"), ("ethereum", "ETH")):
        address = OUTSIDE[network]
        for odd in CONFUSABLES:
            for at in (0, 7, len(address)):
                key = f"{network}-{ord(odd)}-{at}"
                answer = await ben.save(asset, network, address[:at] + odd + address[at:], key=key)
                assert answer.status_code == 422, key


async def test_a_label_that_could_deceive_is_refused(ben: Holder) -> None:
    for label in ("", " Ben", "Ben\u202e", "B\u200ben", "Be\u0301n", "a\nb", "a\0b", "\ud800", "x" * 65):
        answer = await ben.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="l", label=label)
        assert problem(answer) == (422, "invalid_request"), label.encode("unicode_escape")


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
    app.state.wallets = cooled(cashier, 3600)
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
        now_paid = now()
        rider = sent_to.rider(user_id=await user_id(db, ben), network="ethereum", address=saved, at=now_paid)
        assert await ride(session, [rider, rider]) is None
    assert "lookalike_address" in (await validated(ben, twin, "ETH"))["warnings"]
    assert (await validated(ben, twin, "ETH"))["lookalike"] == {
        "network": "ethereum",
        "address": saved,
        "source": "paid",
        "label": None,
        "at": time_text(now_paid),
    }
    shown = (await validated(ana, twin, "ETH"))["lookalike"]
    assert (shown["address"].lower(), shown["source"], shown["label"]) == (saved, "saved", "Ben")


async def test_an_address_that_looks_like_ones_own_deposit_address_is_warned_of(ana: Holder) -> None:
    mine = (await ana.ask("POST", "/addresses", {"asset": "ETH", "network": "ethereum"})).json()["address"]
    twin = (mine[:6] + "a" * 32 + mine[-4:]).lower()
    found = await validated(ana, twin, "ETH")
    assert "lookalike_address" in found["warnings"]
    assert (found["lookalike"]["address"], found["lookalike"]["source"]) == (mine, "own")


async def test_ones_own_deposit_address_is_told_from_another_customers(ana: Holder, ben: Holder) -> None:
    mine = (await ana.ask("POST", "/addresses", {"asset": "ETH", "network": "ethereum"})).json()["address"]
    assert "your own deposit address" in (await validated(ana, mine, "ETH"))["detail"]
    assert "internal transfer" in (await validated(ben, mine, "ETH"))["detail"]


async def test_a_saved_destination_can_be_called_something_else_and_leads_nowhere_else(
    ana: Holder, ben: Holder
) -> None:
    saved = (await ana.save("BTC", "bitcoin", OUTSIDE["bitcoin"], key="1")).json()
    path = f"/beneficiaries/{saved['id']}"
    renamed = (await ana.ask("PATCH", path, {"label": "Ben, new wallet"})).json()
    assert renamed == saved | {"label": "Ben, new wallet", "version": 2}
    assert (await ana.ask("GET", path)).json() == renamed
    for body in ({"label": "B\u200ben"}, {"label": "Ben", "address": OUTSIDE["bitcoin"]}, {}):
        assert problem(await ana.ask("PATCH", path, body)) == (422, "invalid_request")
    assert problem(await ben.ask("PATCH", path, {"label": "Mine"})) == (404, "not_found")
    await ana.ask("DELETE", path)
    assert problem(await ana.ask("PATCH", path, {"label": "Again"})) == (404, "not_found")


async def test_a_saved_destination_says_when_it_was_last_paid(db: Database, ana: Holder) -> None:
    saved = (await ana.save("ETH", "ethereum", OUTSIDE["ethereum"], key="1")).json()
    assert saved["last_paid_at"] is None
    rider = sent_to.rider(user_id=await user_id(db, ana), network="ethereum", address=OUTSIDE["ethereum"], at=now())
    async with db.transaction() as session:
        assert await ride(session, [rider]) is None
    for path in ("/beneficiaries", f"/beneficiaries/{saved['id']}"):
        found = (await ana.ask("GET", path)).json()
        assert found.get("items", [found])[0]["last_paid_at"] is not None


async def test_an_address_saved_again_after_its_deletion_starts_from_the_beginning(
    app: FastAPI, cashier: Cashier, ana: Holder
) -> None:
    app.state.wallets = cooled(cashier, 3600)
    first = (await ana.save("USDT", "ethereum", OUTSIDE["ethereum"], key="1")).json()["id"]
    assert (await ana.confirm(first)).json()["state"] == "cooling_down"
    await ana.ask("DELETE", f"/beneficiaries/{first}")
    again = (await ana.save("USDT", "ethereum", OUTSIDE["ethereum"], key="2")).json()
    assert (again["state"], again["available_at"]) == ("pending_confirmation", None)


def cooled(cashier: Cashier, seconds: int) -> Cashier:
    """The same house with a cool-down of new addresses."""
    compliance = cashier.settings.compliance.model_copy(update={"new_address_cooldown_seconds": seconds})
    return replace(cashier, settings=cashier.settings.model_copy(update={"compliance": compliance}))


# --- a bare address under a cool-down ---------------------------------------------------------------------------------


async def bare(db: Database, cashier: Cashier, who: Holder, *, later: int = 0, asset: str = "USDT") -> int | None:
    """Seconds until the bare address may be paid; None when it may be now."""
    at = now() + timedelta(seconds=later)
    owner = await user_id(db, who)
    try:
        async with db.reading() as session:
            await destinations.old_enough(
                session,
                settings=cashier.settings,
                user_id=owner,
                network="ethereum",
                asset=asset,
                address=OUTSIDE["ethereum"],
                now=at,
            )
    except Refusal as refusal:
        available_at = datetime.fromisoformat(str(refusal.fields["available_at"]))
        return round((available_at - at).total_seconds())
    return None


async def test_a_bare_address_waits_as_long_as_a_saved_one_would(
    db: Database, app: FastAPI, cashier: Cashier, ana: Holder
) -> None:
    assert await bare(db, cashier, ana) is None, "without a cool-down nothing waits"
    app.state.wallets = house = cooled(cashier, 3600)
    assert await bare(db, house, ana) == 3600
    saved = (await ana.save("USDT", "ethereum", OUTSIDE["ethereum"], key="1")).json()["id"]
    assert await bare(db, house, ana) == 3600, "saved and not confirmed"
    await ana.confirm(saved)
    assert await bare(db, house, ana) in range(3590, 3601)
    assert await bare(db, house, ana, later=3700) is None
    assert await bare(db, house, ana, later=3700, asset="ETH") == 3600, "confirmed for another asset"
    await ana.ask("DELETE", f"/beneficiaries/{saved}")
    assert await bare(db, house, ana, later=3700) == 3600, "what was deleted vouches for nothing"


async def test_an_address_that_was_paid_a_cool_down_ago_needs_no_entry(
    db: Database, cashier: Cashier, ana: Holder
) -> None:
    house = cooled(cashier, 3600)
    rider = sent_to.rider(user_id=await user_id(db, ana), network="ethereum", address=OUTSIDE["ethereum"], at=now())
    async with db.transaction() as session:
        assert await ride(session, [rider]) is None
    assert await bare(db, house, ana) in range(3590, 3601)
    assert await bare(db, house, ana, later=3700) is None
