"""The exchange room over HTTP: shapes, problems, keys, ownership."""

import re
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.auth.people import ORIGIN, Person, build_app, problem
from tests.exchange.conftest import Room
from tidegate.auth.gate import open_gate
from tidegate.database import Database, utcnow
from tidegate.exchange.routes import router
from tidegate.ledger.rules import customer
from tidegate.treasury import arrivals
from tidegate.treasury.arrivals import Trip
from tidegate.treasury.rules import LEAST_HISTORY, Way

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


class Client:
    """A signed-in customer of the exchange."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self.token = http, token

    async def call(self, method: str, path: str, json: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return await self.http.request(method, f"/api/v1/exchange{path}", json=json, headers=headers)

    async def quote(self, **asked: Any) -> httpx.Response:
        body = {"kind": "conversion", "from_asset": "BTC", "to_asset": "USDT", "side": "exact_in", "amount": "0.01"}
        return await self.call("POST", "/quotes", body | asked)


@pytest.fixture
async def http(room: Room) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(open_gate(room.desk.db, room.desk.settings), router)
    app.state.exchange = room.desk
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


async def sign_in(http: httpx.AsyncClient, room: Room, email: str, **holds: str) -> Client:
    person = await Person(http, email).register()
    for code, amount in holds.items():
        user_id = (await room.rows("SELECT id FROM users WHERE email = :email", email=email))[0][0]
        await room.give(customer(user_id, "available", code), code, amount)
    return Client(http, (await person.token()).json()["access_token"])


@pytest.fixture
async def ana(http: httpx.AsyncClient, room: Room) -> Client:
    return await sign_in(http, room, "ana@demo.example", BTC="1")


async def test_a_quote_has_every_field_of_the_contract_and_can_be_read_again(ana: Client) -> None:
    answer = await ana.quote()
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    expected = (
        "id kind side debit deliver rate fees total_cost route arrives_by limits review warnings speeds refund_rule "
        "expires_at state"
    )
    assert set(expected.split()) <= set(shown)
    assert shown["refund_rule"] == {
        "before_execution": "debit_in_full",
        "after_execution": "deliver_asset",
        "fees_kept": ["spread", "service"],
    }
    assert set(shown["total_cost"]) == {"amount", "share", "estimate"}
    assert TIME.match(shown["expires_at"])
    assert TIME.match(shown["arrives_by"]["latest"])
    again = await ana.call("GET", f"/quotes/{shown['id']}")
    assert again.status_code == 200
    assert again.json() == shown


async def test_a_conversion_is_made_listed_and_read_with_its_receipt(ana: Client, room: Room) -> None:
    shown = (await ana.quote()).json()
    body = {"quote_id": shown["id"], "reference": "march"}
    first = await ana.call("POST", "/conversions", body, key="k1")
    assert first.status_code == 201, first.text
    replayed = await ana.call("POST", "/conversions", body, key="k1")
    assert (replayed.status_code, replayed.headers["Idempotency-Replayed"]) == (201, "true")
    assert replayed.json() == first.json()
    await room.hedge()
    listed = (await ana.call("GET", "/conversions?reference=march")).json()
    assert listed == {"items": [first.json()], "next_cursor": None}
    detail = (await ana.call("GET", f"/conversions/{first.json()['id']}")).json()
    assert detail["receipt"]["hedge"] == "done"
    assert detail["receipt"]["rate"] == shown["rate"]
    assert detail["fills"][0]["venue"] == "binance"
    assert (await ana.call("GET", f"/quotes/{shown['id']}")).json()["state"] == "accepted"


async def test_a_conversion_tells_why_its_price_was_the_best_and_what_it_came_to(ana: Client, room: Room) -> None:
    shown = (await ana.quote()).json()
    made = (await ana.call("POST", "/conversions", {"quote_id": shown["id"]}, key="k")).json()
    waiting = (await ana.call("GET", f"/conversions/{made['id']}")).json()["receipt"]["execution"]
    assert waiting["realised"] is None
    btc_usdt = {book["symbol"]: book for book in waiting["books"]}["BTCUSDT"]
    assert re.fullmatch(r"[0-9a-f]{64}", btc_usdt["digest"])
    assert Decimal(btc_usdt["bid"]["price"]) < Decimal(btc_usdt["ask"]["price"])
    (leg,) = waiting["route"]
    assert [order["venue"] for order in leg["orders"]] == [one["venue"] for one in leg["alternatives"]] == ["binance"]
    await room.hedge()
    detail = (await ana.call("GET", f"/conversions/{made['id']}")).json()
    told = detail["receipt"]["execution"]
    assert told | {"realised": None} == waiting
    realised = told["realised"]
    assert realised["price"] == detail["receipt"]["hedge_price"]
    assert realised["legs"][0]["traded"]["asset"] == "BTC"
    for name in ("against_quoted", "against_mid", "against_best_single"):
        assert re.fullmatch(r"-?0(\.\d{1,6})?", realised[name]), name
    saved = await ana.call("GET", f"/conversions/{made['id']}/receipt")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="conversion-{made["id"]}.json"'
    assert saved.headers["Content-Type"] == "application/json"
    assert saved.json() == detail


async def test_a_conversion_from_before_receipts_were_kept_has_none(ana: Client, superuser_db: Database) -> None:
    shown = (await ana.quote()).json()
    made = (await ana.call("POST", "/conversions", {"quote_id": shown["id"]}, key="k")).json()
    async with superuser_db.transaction() as session:
        await session.execute(text("ALTER TABLE quotes DISABLE TRIGGER USER"))
        await session.execute(text("UPDATE quotes SET execution = NULL"))
    detail = (await ana.call("GET", f"/conversions/{made['id']}")).json()
    assert detail["receipt"]["execution"] is None
    assert (await ana.call("GET", f"/conversions/{made['id']}/receipt")).json() == detail


async def test_a_client_sends_a_quotes_id_and_nothing_that_could_change_it(ana: Client) -> None:
    quote_id = (await ana.quote()).json()["id"]
    for changed in ({"debit": "0.001"}, {"rate": "1"}, {"user_id": "x"}, {"expires_at": "2100-01-01"}):
        answer = await ana.call("POST", "/conversions", {"quote_id": quote_id, **changed}, key="k")
        assert problem(answer) == (422, "invalid_request")
    assert (await ana.call("GET", f"/quotes/{quote_id}")).json()["state"] == "open"


async def test_keys_are_required_kept_and_bound_to_their_body(ana: Client) -> None:
    quote_id = (await ana.quote()).json()["id"]
    body = {"quote_id": quote_id}
    assert problem(await ana.call("POST", "/conversions", body)) == (400, "idempotency_key_missing")
    assert (await ana.call("POST", "/conversions", body, key="k")).status_code == 201
    other = {"quote_id": str(uuid.uuid4())}
    assert problem(await ana.call("POST", "/conversions", other, key="k")) == (422, "idempotency_key_reused")
    assert problem(await ana.call("POST", "/conversions", body, key="k2")) == (409, "quote_used")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"amount": "-1"}, 422, "invalid_amount"),
        ({"amount": "1e3"}, 422, "invalid_amount"),
        ({"amount": "NaN"}, 422, "invalid_amount"),
        ({"amount": "１"}, 422, "invalid_amount"),
        ({"amount": 0.01}, 422, "invalid_amount"),
        ({"amount": None}, 422, "invalid_amount"),
        ({"amount": "0"}, 422, "invalid_amount"),
        ({"amount": "0." + "1" * 19}, 422, "invalid_amount"),
        ({"amount": "0.123456789"}, 422, "too_many_decimals"),
        ({"amount": "9" * 30}, 403, "limit_exceeded"),
        ({"amount": "maximum"}, 422, "invalid_amount"),
        ({"from_asset": "btc"}, 422, "unknown_asset"),
        ({"from_asset": "\x00"}, 422, "unknown_asset"),
        ({"kind": "gift"}, 422, "invalid_request"),
        ({"surprise": 1}, 422, "invalid_request"),
        ({"kind": "withdrawal", "network": "bitcoin\x00"}, 422, "unknown_network"),
    ],
)
async def test_bad_input_is_told_by_its_problem(ana: Client, asked: dict[str, Any], status: int, code: str) -> None:
    assert problem(await ana.quote(**asked)) == (status, code)


async def test_foreign_and_missing_ids_look_the_same(ana: Client, http: httpx.AsyncClient, room: Room) -> None:
    shown = (await ana.quote()).json()
    made = (await ana.call("POST", "/conversions", {"quote_id": shown["id"]}, key="k")).json()
    ben = await sign_in(http, room, "ben@demo.example", BTC="1")
    conversions = [f"/conversions/{one}" for one in (made["id"], uuid.uuid4())]
    for path in (f"/quotes/{shown['id']}", *conversions, *(f"{one}/receipt" for one in conversions)):
        assert problem(await ben.call("GET", path)) == (404, "not_found")
    fresh = (await ana.quote()).json()["id"]
    for quote_id in (fresh, str(uuid.uuid4())):
        assert problem(await ben.call("POST", "/conversions", {"quote_id": quote_id}, key="x")) == (404, "not_found")


async def test_markets_and_rates_say_their_age_and_source(ana: Client) -> None:
    items = (await ana.call("GET", "/markets")).json()["items"]
    assert [item["market"] for item in items][:2] == ["BTC-USDC", "BTC-USDT"]
    assert all(item["sources"][0]["usable"] for item in items)
    there = (await ana.call("GET", "/rates/BTC/USDT")).json()
    back = (await ana.call("GET", "/rates/USDT/BTC")).json()
    assert float(there["bid"]) < float(there["mid"]) < float(there["ask"])
    assert float(back["bid"]) < float(back["mid"]) < float(back["ask"])
    assert abs(float(there["bid"]) * float(back["ask"]) - 1) < 1e-9
    assert problem(await ana.call("GET", "/rates/BTC/XYZ")) == (422, "unknown_asset")
    assert problem(await ana.call("GET", "/conversions?reference=%00")) == (422, "invalid_request")


async def test_with_the_venue_down_a_converting_quote_answers_503_with_retry_after(ana: Client, room: Room) -> None:
    await room.running.fault("venue_down")
    answer = await ana.quote()
    assert problem(answer) == (503, "venue_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_nobody_gets_in_without_signing_in(http: httpx.AsyncClient) -> None:
    stranger = Client(http, "nothing")
    assert problem(await stranger.quote()) == (401, "unauthenticated")
    assert problem(await stranger.call("GET", "/markets")) == (401, "unauthenticated")


async def test_a_quote_says_of_its_arrival_what_our_own_history_says(ana: Client, room: Room) -> None:
    asked = {"kind": "withdrawal", "to_asset": "BTC", "network": "bitcoin", "amount": "0.01"}
    before = (await ana.quote(**asked)).json()
    trip, now = Trip(Way.STRAIGHT, "bitcoin", "BTC", "standard"), utcnow()
    async with room.desk.db.transaction() as session:
        assert await arrivals.learn(session, {trip: [5_000] * LEAST_HISTORY}, now) == 1
    room.desk.arrivals.forget()
    after = (await ana.quote(**asked)).json()

    def seconds(shown: dict[str, Any]) -> float:
        latest, made = (datetime.fromisoformat(one) for one in (shown["arrives_by"]["latest"], shown["created_at"]))
        return (latest - made).total_seconds()

    assert seconds(before) > 30
    assert seconds(after) == 5
    speeds = {one["speed"]: one["arrives_by"] for one in after["speeds"]}
    assert speeds["standard"] == after["arrives_by"]
    assert speeds["economy"]["latest"] > after["arrives_by"]["latest"], "of which there is no history"
