"""Messages and frames: one canonical form, read strictly, and a door that answers whatever the signer does."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tidegate.signing.client import SignerDoor
from tidegate.signing.frames import BadFrame, canonical, parse
from tidegate.signing.messages import (
    Approved,
    AskSigned,
    AskStatus,
    Authorisation,
    Denied,
    Failed,
    Intent,
    Known,
    Malformed,
    Payout,
    SignBitcoin,
    SignCancel,
    SignChild,
    SignColdBitcoin,
    SignColdEvm,
    SignConsolidation,
    SignedLately,
    SignerStatus,
    SignEvm,
    SignSweep,
    SignTopUp,
    SignToVenueBitcoin,
    SignToVenueEvm,
    reply_of,
    request_of,
    wrap,
)

INTENT = Intent(
    payout_id="0193",
    user_id="u1",
    network="bitcoin",
    asset="BTC",
    address="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    deliver_units=100_000,
    debit_asset="BTC",
    debit_units=101_000,
    max_network_fee_units=2_000,
    created_at="2026-11-24T10:00:00Z",
)
YES = Authorisation(INTENT.digest(), "totp", "u1", "2026-11-24T10:00:01Z")
REQUESTS = [
    SignBitcoin((Payout(INTENT, YES),), "cHNidA=="),
    SignBitcoin((Payout(INTENT, YES), Payout(INTENT, YES)), "cHNidA==", "ab"),
    SignEvm(INTENT, YES, 0, 21_000, 10**18, 10**9, 1),
    SignEvm(INTENT, YES, 0, 21_000, 10**18, 10**9, 1, "0xab"),
    SignChild("bitcoin", "ab", "cHNidA=="),
    SignConsolidation("bitcoin", "m1", "cHNidA=="),
    SignColdBitcoin("bitcoin", "m1", 5, "cHNidA==", "ab"),
    SignSweep("ethereum", "m1", 7, "USDT", 5, "hot", 0, 80_000, 10**10, 10**9, 1),
    SignTopUp("ethereum", "m1", 7, 5, 0, 21_000, 10**10, 10**9, 1, "0xab"),
    SignColdEvm("ethereum", "m1", "USDT", 5, 0, 80_000, 10**10, 10**9, 1),
    SignToVenueBitcoin("bitcoin", "m1", "kraken", 5, "cHNidA==", "ab"),
    SignToVenueEvm("ethereum", "m1", "kraken", "USDT", 5, 0, 80_000, 10**10, 10**9, 1),
    SignCancel("ethereum", "0xab", 0, 21_000, 10**10, 10**9, 1),
    AskStatus(),
    AskSigned(),
]
REPLIES = [
    Approved(b"\x00\xff", "ab", 12),
    Denied("frozen", "signing is frozen"),
    Denied("above_cap", "since it was lowered", signed=True),
    Failed("why"),
    SignerStatus(False, ("bitcoin",), 3, "00"),
    SignedLately((Known("ab", ("p1", "p2")), Known("cd", ("ab",)))),
]


def changed(fields: dict[str, Any]) -> Intent:
    return replace(INTENT, **fields)


def test_the_canonical_form_and_its_digest_are_fixed() -> None:
    """Whoever authorised this digest yesterday must find it tomorrow: a change here is a new version."""
    assert INTENT.canonical() == (
        b"tidegate/intent/v1\npayout_id=0193\nuser_id=u1\nnetwork=bitcoin\nasset=BTC\n"
        b"address=bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080\ndeliver_units=100000\ndebit_asset=BTC\n"
        b"debit_units=101000\nmax_network_fee_units=2000\ncreated_at=2026-11-24T10:00:00Z\n"
    )
    assert INTENT.digest() == "71d32edde02bf909db755b961630ed96f7512198bc3a861dc3a896a0fb67e7c0"


@pytest.mark.parametrize("field", [f for f in INTENT.to_json() if isinstance(INTENT.to_json()[f], str)])
def test_no_field_can_forge_another_line(field: str) -> None:
    with pytest.raises(Malformed):
        changed({field: "x\ndeliver_units=1"}).digest()


def test_every_field_changes_the_digest() -> None:
    for name, value in INTENT.to_json().items():
        other = value + 1 if isinstance(value, int) else value + "x"
        assert changed({name: other}).digest() != INTENT.digest()


@pytest.mark.parametrize("message", REQUESTS, ids=lambda m: type(m).__name__)
def test_a_request_comes_through_unchanged(message: Any) -> None:
    assert request_of(parse(canonical(wrap(message)))) == message


@pytest.mark.parametrize("message", REPLIES, ids=lambda m: type(m).__name__)
def test_an_answer_comes_through_unchanged(message: Any) -> None:
    assert reply_of(parse(canonical(wrap(message)))) == message


@pytest.mark.parametrize("value", [True, 1.0, "1", None, -1, 10**60, [1]])
def test_a_field_of_the_wrong_type_is_malformed(value: object) -> None:
    raw = {**INTENT.to_json(), "deliver_units": value}
    with pytest.raises(Malformed):
        Intent.from_json(raw)


@pytest.mark.parametrize("value", [1, None, "a\nb", "a\rb", "x" * 5000, ["a"]])
def test_a_text_that_is_not_a_line_is_malformed(value: object) -> None:
    with pytest.raises(Malformed):
        Intent.from_json({**INTENT.to_json(), "address": value})


def test_missing_and_unknown_fields_are_malformed() -> None:
    raw = INTENT.to_json()
    with pytest.raises(Malformed):
        Intent.from_json({**raw, "extra": 1})
    with pytest.raises(Malformed):
        Intent.from_json({name: value for name, value in raw.items() if name != "address"})
    documents: list[Any] = [
        {},
        [],
        None,
        "x",
        {"version": 1, "kind": "status", "body": {}},
        {"version": 5, "kind": "status", "body": {}},
        {"version": 4, "kind": "x", "body": {}},
        {"version": 4, "kind": ["status"], "body": {}},
    ]
    for document in documents:
        with pytest.raises(Malformed):
            request_of(document)
    one = Payout(INTENT, YES).to_json()
    for body in ({"payouts": [], "psbt": ""}, {"payouts": [one] * 101, "psbt": ""}, {"payouts": [one], "psbt": "é"}):
        with pytest.raises(Malformed):
            SignBitcoin.from_json({**body, "replaces": ""})


def test_half_of_a_surrogate_pair_is_malformed_and_no_surprise_later() -> None:
    with pytest.raises(Malformed):
        Intent.from_json({**INTENT.to_json(), "address": json.loads('"\\ud800"')})


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"a":1.5}', b'{"a":NaN}', b'{"a":1e5}', b'{"a":1,"a":2}', b"\xff", b"[" * 200_000]
)
def test_what_is_not_one_document_is_a_bad_frame(data: bytes) -> None:
    with pytest.raises(BadFrame):
        parse(data)


def test_canonical_json_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": "é"}) == b'{"a":"\\u00e9","b":1}'
    with pytest.raises(ValueError):
        canonical(float("nan"))


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def signer(path: Path, conversation: Conversation) -> AsyncIterator[SignerDoor]:
    talks: set[asyncio.Task[None] | None] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        try:
            await conversation(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_unix_server(talk, str(path))
    try:
        yield SignerDoor(path, timeout=0.5)
    finally:
        server.close()
        await asyncio.gather(*(task for task in talks if task))


def answers(document: object) -> Conversation:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        writer.write(struct.pack(">I", len(data)) + data)
        await writer.drain()

    return talk


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def closes(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(1)


@pytest.mark.parametrize(
    "conversation",
    [
        silent,
        closes,
        answers(b"junk"),
        answers({"version": 1, "kind": "approved", "body": {"raw": "zz", "txid": "", "fee_units": 0}}),
        answers({"version": 9, "kind": "approved", "body": {}}),
        answers(wrap(SignerStatus(False, (), 0, ""))),
    ],
)
async def test_whatever_the_signer_does_the_door_answers_failed(tmp_path: Path, conversation: Conversation) -> None:
    async with signer(tmp_path / "s", conversation) as door:
        answer = await door.sign_bitcoin([(INTENT, YES)], "x")
    assert isinstance(answer, Failed) and answer.written


async def test_no_signer_is_failed_too(tmp_path: Path) -> None:
    door = SignerDoor(tmp_path / "nobody")
    assert isinstance(await door.status(), Failed)
    answer = await door.sign_bitcoin([(INTENT, YES)], "x")
    assert isinstance(answer, Failed) and not answer.written, "nobody can have signed it"
    (tmp_path / "file").touch()
    assert isinstance(await SignerDoor(tmp_path / "file").status(), Failed)


async def test_a_psbt_too_large_for_a_frame_is_failed_before_it_is_sent(tmp_path: Path) -> None:
    async with signer(tmp_path / "s", silent) as door:
        answer = await door.sign_bitcoin([(INTENT, YES)], "x" * (16 * 1024 * 1024))
    assert isinstance(answer, Failed) and "too large" in answer.detail and not answer.written
