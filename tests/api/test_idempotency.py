"""Idempotency-Key at the door, and the row behind it."""

import asyncio
import uuid
from typing import Any

import pytest
from starlette.requests import Request

from tests.api.conftest import Door, problem
from tidegate import idempotency
from tidegate.database import Database, ride
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger import wire
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome
from tidegate.refusal import Kind, Refusal

WITHDRAWALS = "/api/v1/transactions/withdrawals"
BODY = {"quote_id": str(uuid.UUID(int=1)), "address": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}
CONVERSIONS = "/api/v1/exchange/conversions"
QUOTE = {"quote_id": str(uuid.UUID(int=1))}
USER = uuid.UUID(int=7)


async def test_without_a_key_money_does_not_move(door: Door) -> None:
    assert problem(await door.post(WITHDRAWALS, BODY)) == (400, "idempotency_key_missing")
    assert problem(await door.post(CONVERSIONS, QUOTE)) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "tab\there", "caf\u00e9", "\x7f"])
async def test_a_key_that_is_not_1_to_255_visible_ascii_characters_is_malformed(door: Door, key: str) -> None:
    headers: Any = {"Idempotency-Key": key.encode("latin-1"), "Authorization": f"Bearer {door.token}"}
    answer = await door.http.post(WITHDRAWALS, json=BODY, headers=headers)
    assert problem(answer) == (400, "malformed")
    quotes = await door.http.post("/api/v1/exchange/quotes", json={}, headers=headers)
    assert problem(quotes)[0] == 400


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~", '"quoted"'])
async def test_a_fit_key_gets_as_far_as_the_quote(door: Door, key: str) -> None:
    assert problem(await door.post(CONVERSIONS, QUOTE, key=key)) == (404, "not_found")


async def test_a_refusal_leaves_the_key_free_for_another_body(door: Door) -> None:
    for number in (1, 2):
        body = {"quote_id": str(uuid.UUID(int=number))}
        assert problem(await door.post(CONVERSIONS, body, key="free")) == (404, "not_found")


async def test_bodies_are_compared_as_what_they_say_not_how_it_is_written() -> None:
    texts = (b'{"a": 1, "b": "\\u0041"}', b' {"b":"A","a":1} ', b'{"a": 2, "b": "A"}')
    seen = [await digest_of(text) for text in texts]
    assert seen[0] == seen[1] != seen[2]


async def digest_of(body: bytes, path: str = "/x") -> str:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": [], "server": ("h", 80)}
    return (await idempotency.keyed_optional(Request(scope, receive), None)).digest


async def test_the_same_body_to_another_path_is_another_request() -> None:
    assert await digest_of(b"{}", "/withdrawals/1/verify") != await digest_of(b"{}", "/withdrawals/2/verify")


@pytest.mark.parametrize("body", [b"", b"[" * 10_000, b"\xff", b"{", b'"\\ud800"', b"NaN", b"1" * 5000])
async def test_any_body_has_a_digest(body: bytes) -> None:
    assert await digest_of(body) == await digest_of(body)


# --- the row -------------------------------------------------------------------------------------------------------


def row(keyed: Keyed, body: dict[str, Any]) -> list[Any]:
    return keyed.rider(user_id=USER, operation="test", answer=Stored.of(201, body))


async def find(db: Database, keyed: Keyed, user: uuid.UUID = USER, operation: str = "test") -> Stored | None:
    return await idempotency.replay(db, keyed, user_id=user, operation=operation)


async def test_the_first_answer_is_given_again_to_the_same_user_operation_and_body_only(
    db: Database, lane: Lane
) -> None:
    keyed = Keyed("k", "d")
    assert (await lane.write(row(keyed, {"n": 1}))).posted
    assert await find(db, keyed) == Stored.of(201, {"n": 1}, replayed=True)
    assert await find(db, keyed, user=uuid.uuid4()) is None
    assert await find(db, keyed, operation="other") is None
    with pytest.raises(Refusal) as told:
        await find(db, Keyed("k", "e"))
    assert told.value.kind is Kind.IDEMPOTENCY_KEY_REUSED


async def test_without_a_key_nothing_is_written_or_found(db: Database) -> None:
    assert row(Keyed(None, "d"), {}) == []
    assert await find(db, Keyed(None, "d")) is None


async def test_of_many_at_once_one_writes_and_the_others_are_told_by_name(db: Database, lane: Lane) -> None:
    keyed = Keyed("k", "d")
    verdicts = await asyncio.gather(*(lane.write(row(keyed, {"n": n})) for n in range(10)))
    assert sum(one.posted for one in verdicts) == 1
    assert {one.rider for one in verdicts if not one.posted} == {"idempotency"}


async def test_a_twin_that_takes_too_long_is_in_progress_with_a_time_to_come_back(
    db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert idempotency.WAIT_SECONDS == 10
    assert wire.LOCK_SECONDS < wire.DEADLINE_SECONDS < 10
    monkeypatch.setattr(wire, "LOCK_SECONDS", 0.05)
    keyed = Keyed("k", "d")
    async with db.transaction() as session:
        assert await ride(session, row(keyed, {"n": 1})) is None
        verdict = await lane.write(row(keyed, {"n": 2}))
        assert (verdict.outcome, verdict.rider) == (Outcome.CONFLICT, "busy")
        with pytest.raises(Refusal) as told:
            await idempotency.replay_after_conflict(db, keyed, user_id=USER, operation="test")
    assert told.value.kind is Kind.IN_PROGRESS
    assert told.value.fields["retry_after"] == 1
    assert await find(db, keyed) == Stored.of(201, {"n": 1}, replayed=True)


async def test_an_answer_given_again_says_so(db: Database) -> None:
    assert idempotency.respond(Stored.of(201, {}, replayed=True)).headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in idempotency.respond(Stored.of(201, {}, replayed=False)).headers
