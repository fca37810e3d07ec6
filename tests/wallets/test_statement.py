"""The statement of an asset over HTTP: pages, moments, files. What the ledger says is tested in tests/ledger."""

import csv
import io
import json
import uuid
from typing import Any

import httpx
import pytest

from tests.auth.people import problem
from tests.wallets.people import Holder, user_id
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting, customer, house, transfers
from tidegate.wallets import statement
from tidegate.wallets.statement import of_key

WALLET = house("wallet:deposit", "BTC", "bitcoin")
DEPOSIT, WITHDRAWAL = uuid.uuid4(), uuid.uuid4()


async def booked(db: Database, lane: Lane, holder: Holder) -> None:
    """A deposit of 1 BTC, 0.6 of it held, 0.5 of that paid and 0.1 back."""
    owner = await user_id(db, holder)
    available, held = customer(owner, "available", "BTC"), customer(owner, "held", "BTC")
    for key, moves in (
        (f"deposit:{DEPOSIT}:credit", transfers((WALLET, available, 100_000_000, "deposit credited"))),
        (f"withdrawal:{WITHDRAWAL}:hold", transfers((available, held, 60_000_000, "withdrawal accepted"))),
        (f"withdrawal:{WITHDRAWAL}:settle", transfers((held, WALLET, 50_000_000, "payout final"))),
        (f"withdrawal:{WITHDRAWAL}:refund", transfers((held, available, 10_000_000, "refund"))),
    ):
        assert (await lane.submit(Posting(key, moves, key.partition(":")[0], owner))).posted


async def lines(holder: Holder, query: str = "") -> list[dict[str, Any]]:
    answer = await holder.ask("GET", f"/BTC/statement{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.mark.parametrize("path", ["/BTC/statement", "/BTC/statement/export"])
async def test_nobody_reads_a_statement_without_signing_in(http: httpx.AsyncClient, path: str) -> None:
    assert problem(await http.get(f"/api/v1/wallets{path}")) == (401, "unauthenticated")


async def test_each_line_says_what_it_was_for_and_what_stood_after_it(db: Database, lane: Lane, ana: Holder) -> None:
    await booked(db, lane, ana)
    found = await lines(ana)
    assert [(one["event"], one["kind"], one["id"]) for one in found] == [
        ("refund", "withdrawal", str(WITHDRAWAL)),
        ("payout final", "withdrawal", str(WITHDRAWAL)),
        ("withdrawal accepted", "withdrawal", str(WITHDRAWAL)),
        ("deposit credited", "deposit", str(DEPOSIT)),
    ]
    assert [(one["amount"], one["balance"], one["held_amount"], one["held"]) for one in found] == [
        ("0.10000000", "0.50000000", "-0.10000000", "0.00000000"),
        ("0.00000000", "0.40000000", "-0.50000000", "0.10000000"),
        ("-0.60000000", "0.40000000", "0.60000000", "0.60000000"),
        ("1.00000000", "1.00000000", "0.00000000", "0.00000000"),
    ]


async def test_pages_follow_one_another_to_the_end(db: Database, lane: Lane, ana: Holder) -> None:
    await booked(db, lane, ana)
    whole, found, cursor = await lines(ana), [], ""
    for _ in range(2):
        page = (await ana.ask("GET", f"/BTC/statement?limit=2{cursor}")).json()
        found += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    assert (found, page["next_cursor"]) == (whole, None)


async def test_only_ones_own_are_shown(db: Database, lane: Lane, ana: Holder, ben: Holder) -> None:
    await booked(db, lane, ana)
    assert await lines(ben) == []


async def test_from_is_included_and_to_is_not(db: Database, lane: Lane, ana: Holder) -> None:
    await booked(db, lane, ana)
    # Times on the wire have milliseconds: everything here is between them.
    assert len(await lines(ana, "?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z")) == 4
    assert await lines(ana, "?to=2020-01-01T00:00:00Z") == []
    assert await lines(ana, "?from=2100-01-01T00:00:00%2B02:00") == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/XYZ/statement", "unknown_asset"),
        ("/BNB/statement/export", "unknown_asset"),
        ("/BTC/statement?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid_request"),
        ("/BTC/statement?from=2026-01-02", "invalid_request"),
        ("/BTC/statement?from=0001-01-01T00:00:00%2B05:00", "invalid_request"),
        ("/BTC/statement?to=9999-12-31T23:59:59-05:00", "invalid_request"),
        ("/BTC/statement?cursor=%21%21", "invalid_request"),
        ("/BTC/statement?cursor=MS4yLjM", "invalid_request"),
        ("/BTC/statement?limit=0", "invalid_request"),
        ("/BTC/statement/export?format=xls", "invalid_request"),
    ],
)
async def test_what_makes_no_sense_is_refused(ana: Holder, path: str, code: str) -> None:
    assert problem(await ana.ask("GET", path)) == (422, code)


async def test_the_ends_of_time_are_no_trouble(ana: Holder) -> None:
    assert await lines(ana, "?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z") == []


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 3, 500])
async def test_the_csv_file_has_every_line_of_the_statement(
    db: Database, lane: Lane, ana: Holder, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "AT_ONCE", at_once)
    await booked(db, lane, ana)
    answer = await ana.ask("GET", "/BTC/statement/export?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="statement-BTC.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows == [
        {"time": one.pop("at"), **{name: value or "" for name, value in one.items()}} for one in await lines(ana)
    ]


@pytest.mark.parametrize("at_once", [1, 500])
async def test_the_json_file_is_one_document_with_every_line(
    db: Database, lane: Lane, ana: Holder, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "AT_ONCE", at_once)
    await booked(db, lane, ana)
    answer = await ana.ask("GET", "/BTC/statement/export?format=json&from=2020-01-01T00:00:00Z")
    assert answer.headers["content-disposition"] == 'attachment; filename="statement-BTC.json"'
    document = json.loads(answer.text)
    assert (document["asset"], document["from"], document["to"]) == ("BTC", "2020-01-01T00:00:00.000Z", None)
    assert document["items"] == [{"time": one.pop("at"), **one} for one in await lines(ana)]


async def test_an_empty_statement_is_a_file_too(ana: Holder) -> None:
    assert json.loads((await ana.ask("GET", "/ETH/statement/export?format=json")).text)["items"] == []
    assert (await ana.ask("GET", "/ETH/statement/export?format=csv")).text == ",".join(statement.COLUMNS) + "\r\n"


def test_a_posting_of_nothing_of_the_customers_is_not_named() -> None:
    assert of_key(f"withdrawal:{WITHDRAWAL}:hold") == ("withdrawal", WITHDRAWAL)
    assert of_key(f"conversion:{WITHDRAWAL}") == ("conversion", WITHDRAWAL)
    assert of_key("fund:seed:1") == (None, None)
    assert of_key("deposit:first") == ("deposit", None)
    assert of_key("") == (None, None)
