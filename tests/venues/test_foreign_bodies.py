"""Bodies of all three venues: new fields are ignored, missing ones refused, and no body whatever breaks a reader."""

import copy
import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.venues.corpus import CASES, CLIENT_ID, dump
from tidegate.venues.binance import parse as binance
from tidegate.venues.body import Malformed
from tidegate.venues.coinbase import parse as coinbase
from tidegate.venues.coinbase import transfers
from tidegate.venues.kraken import outcome
from tidegate.venues.port import PlaceOutcome

MUTATIONS = int(os.environ.get("TIDEGATE_BODIES", "60"))
"""For each kind of body."""
STRANGE: tuple[Any, ...] = (None, True, -1, 1.5, "", "NaN", "1e5", "-1", "١", "x" * 200, [], {}, [[]], [None], 10**400)
PAGES = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"<html>maintenance</html>",
    b'{"error":[]}',
    b'{"result":{}}',
    b'{"success":true}',
    b'{"success":"yes","success_response":{"order_id":"1","client_order_id":"' + CLIENT_ID.encode() + b'"}}',
    b"[" * 100_000,
    b"\xff\xfe",
)


def tables(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from tables(part)


@pytest.mark.parametrize("name", CASES)
def test_fields_of_tomorrow_are_ignored(name: str) -> None:
    case = CASES[name]
    grown = copy.deepcopy(case.value)
    for table in tables(grown):
        # Not into a table of pairs, assets or trades: there it would be one more of them.
        if "last" not in table and any(isinstance(part, str | int) for part in table.values()):
            table["of_tomorrow"] = {"x": [1.5, None]}
    assert case.read(dump(grown)) == case.read(dump(case.value))


@pytest.mark.parametrize(("name", "field"), [(name, one) for name, case in CASES.items() for one in case.needs])
def test_a_field_that_is_missing_or_misshapen_is_refused(name: str, field: str) -> None:
    case = CASES[name]
    for misshapen in (False, True):
        value = copy.deepcopy(case.value)
        holder = next(table for table in tables(value) if field in table)
        del holder[field]
        if misshapen:
            holder[field] = [1]
        with pytest.raises(Malformed):
            case.read(dump(value))


@pytest.mark.parametrize("name", CASES)
def test_whatever_comes_is_read_or_refused_and_never_breaks_a_reader(name: str) -> None:
    case, chance = CASES[name], random.Random(name)
    for page in PAGES:
        try:
            assert case.read(page) in ([], None, {})
        except Malformed:
            pass
    for _ in range(MUTATIONS):
        value = copy.deepcopy(case.value)
        holders = [part for part in parts(value) if part]
        holder = chance.choice(holders)
        key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[key] = chance.choice(STRANGE)
        body = dump(value)
        if chance.random() < 0.1:
            body = body[: chance.randrange(len(body))]
        try:
            case.read(body)
        except Malformed:
            pass


def parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from parts(part)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 404, 500, 502, 503, 520])
def test_an_answer_that_says_nothing_leaves_an_order_unknown(status: int, page: bytes) -> None:
    """Trap 9 of security.md: 200 with an error body, truncated or foreign: never placed, never refused."""
    assert binance.placed(status, {}, page, CLIENT_ID).outcome is PlaceOutcome.UNKNOWN
    assert coinbase.placed(status, None, page, CLIENT_ID).outcome is PlaceOutcome.UNKNOWN
    assert binance.withdrawing(status, {}, page).outcome is PlaceOutcome.UNKNOWN
    assert transfers.withdrawing(status, None, page, CLIENT_ID).outcome is PlaceOutcome.UNKNOWN
    told = outcome.trouble(status, {}, page)
    assert told is not None
    assert told.outcome is PlaceOutcome.UNKNOWN


def test_numbers_keep_every_digit_that_the_venue_wrote() -> None:
    case = CASES["kraken depth"]
    value = copy.deepcopy(case.value)
    value["result"]["XBTUSDT"]["asks"][0][1] = "0.123456789012345678"
    assert str(case.read(dump(value)).asks[0].quantity) == "0.123456789012345678"
    assert json.loads(dump(value))["result"]["XBTUSDT"]["asks"][0][0] == "105944.30000"
