"""The PDF receipt: the whole address, each fee, when, the transaction, and what the ledger says; of refunds too."""

import dataclasses
import io
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.auth.people import ORIGIN, Person, build_app, problem
from tests.transactions.test_request import refused
from tests.transactions.world import STRANGER, Someone, World
from tidegate.database import utcnow
from tidegate.ledger.booked import Booked
from tidegate.refusal import Kind
from tidegate.transactions import link_routes
from tidegate.transactions.receipt import Receipt, printed, receipt
from tidegate.transactions.receipt_sheet import MISSING, SANS, WIDE, Sheet, runs
from tidegate.transactions.schemas import WithdrawalOut
from tidegate.wire import AmountOut, FeeOut

AT = datetime(2026, 11, 24, 14, 2, 10, tzinfo=UTC)


def words(raw: bytes) -> str:
    """What a reader can read, without how it is broken into lines."""
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(raw)).pages).split())


async def of(world: World, who: Someone, asked: uuid.UUID) -> str:
    return words(await receipt(world.office, user_id=who.id, withdrawal_id=asked, now=utcnow()))


async def test_a_receipt_of_what_arrived_has_address_costs_transaction_times_and_the_books(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    await world.stock(USDT=100_000_000, ETH=10**18)
    made = await world.request(who, await world.offer(who), reference="invoice 7")
    asked = uuid.UUID(made.body["id"])
    await world.verify(who, asked)
    await world.until(asked, "completed")
    told = await of(world, who, asked)
    bare = told.replace(" ", "")
    assert "25.000000 USDT arrived on" in told
    assert STRANGER in bare
    assert str(await world.one("SELECT txid FROM attempts")) in bare
    assert "Network fee 1.000000 USDT" in told
    assert "Debit 26.000000 USDT" in told
    assert "Your reference invoice 7" in told
    assert told.count("UTC") >= 7
    booked = told.partition("In our books")[2]
    assert "set aside 26.000000 USDT" in booked
    assert "paid out 25.000000 USDT" in booked
    assert "network fee 1.000000 USDT" in booked
    assert str(asked) in told


async def test_a_receipt_of_a_conversion_paid_out_says_its_price_and_each_fee(world: World) -> None:
    who = await world.someone(BTC=1_000_000)
    await world.stock(USDT=100_000_000, ETH=10**18)
    asked = await world.verified(who, paying="BTC", fee=100)
    await world.until(asked, "completed")
    told = await of(world, who, asked)
    assert "Price 1 BTC = 60000" in told
    assert "Network fee 0.00000100 BTC" in told
    assert "Service fee 0.0000" in told
    assert "Spread 0.0000" in told
    assert "converted into 25.000000 USDT" in told


async def test_a_receipt_of_a_refund_says_that_nothing_was_sent_and_what_the_ledger_gave_back(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    asked = await world.asked(who)
    assert "25.000000 USDT are under way. This is no proof of payment yet." in await of(world, who, asked)
    await world.cancel(who, asked)
    told = await of(world, who, asked)
    assert "Not sent. 26.000000 USDT are back in the balance." in told
    assert "given back 26.000000 USDT" in told
    assert "arrived" not in told
    assert "Transaction" not in told


async def test_somebody_elses_receipt_is_not_there(world: World) -> None:
    who, other = await world.someone(USDT=100_000_000), await world.someone()
    asked = await world.asked(who)
    await refused(Kind.NOT_FOUND, receipt(world.office, user_id=other.id, withdrawal_id=asked, now=utcnow()))


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(world.gate, link_routes.router)
    app.state.transactions = world.office
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


async def test_a_receipt_is_a_file_for_those_who_are_signed_in(world: World, http: httpx.AsyncClient) -> None:
    path = f"/api/v1/transactions/withdrawals/{uuid.uuid4()}/receipt.pdf"
    assert problem(await http.get(path)) == (401, "unauthenticated")
    person = await Person(http, "ana@demo.example").register()
    bearer = {"Authorization": f"Bearer {(await person.token()).json()['access_token']}"}
    assert problem(await http.get(path, headers=bearer)) == (404, "not_found")
    owner = uuid.UUID(str(await world.one("SELECT id FROM users WHERE email = 'ana@demo.example'")))
    await world.give(owner, "USDT", 100_000_000)
    someone = await world.someone(USDT=1)
    subject = dataclasses.replace(someone.subject, user_id=owner)
    asked = await world.asked(Someone(subject, ""))
    answer = await http.get(path.replace(path.split("/")[-2], str(asked)), headers=bearer)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="receipt-{asked}.pdf"'
    assert answer.content.startswith(b"%PDF-")


# --- any words ------------------------------------------------------------------------------------------------------

USDT = AmountOut(asset="USDT", amount="25.000000")
PLAIN = WithdrawalOut(
    id=uuid.UUID(int=7),
    reference=None,
    sub_status=None,
    waiting_for=None,
    quote_id=uuid.UUID(int=8),
    network="ethereum",
    address=STRANGER,
    beneficiary_id=None,
    label=None,
    debit=USDT,
    deliver=USDT,
    rate="1",
    fees=[FeeOut(kind="network", amount=USDT)],
    speed="standard",
    conversion_id=None,
    detail=None,
    challenge=None,
    attempts=[],
    events=[],
    created_at=AT,
    completed_at=AT,
    state="completed",
)
LINE = Booked("withdrawal:x:settle", "payout", "USDT", 25_000_000, "held", "wallet:hot", AT)


def printed_with(label: str, reference: str = "r") -> bytes:
    found = PLAIN.model_copy(update={"label": label, "reference": reference})
    return printed(Receipt("Tidegate", "Ethereum", found, (LINE,), AT))


@pytest.mark.parametrize(
    "label",
    ["Zoë Ångström", "Ελένη", "Анна Петрова", "Łódź", "Հայ", "ქართული", "שלום", "سلام", "€ — “x”"],
)
def test_a_label_of_many_scripts_is_readable(label: str) -> None:
    told = words(printed_with(label))
    assert sorted(label.replace(" ", "")) == sorted(
        told.partition("Saved as")[2].partition("Network")[0].replace(" ", "")
    )


@pytest.mark.parametrize("label", ["山田太郎", "ひらがな カタカナ", "한국어 이름", "张三", "ａｂｃ"])
def test_a_label_of_an_eastern_script_uses_the_readers_own_face(label: str) -> None:
    raw = printed_with(label)
    fonts = {name for name, _ in runs(label.replace(" ", ""), SANS)}
    assert fonts <= {"HeiseiMin-W3", "HYSMyeongJo-Medium", "STSong-Light"}
    assert any(name.encode() in raw for name in fonts)


def test_a_sign_that_no_face_has_is_shown_as_missing_and_never_left_out() -> None:
    assert runs("a🌊b", SANS) == [(SANS, "a"), (WIDE, MISSING), (SANS, "b")]


@given(label=st.text(max_size=64), reference=st.text(max_size=64))
@pytest.mark.slow
def test_no_words_break_a_receipt(label: str, reference: str) -> None:
    assert printed_with(label, reference).startswith(b"%PDF-")


def test_markup_in_a_label_is_print_and_opens_no_file() -> None:
    label = "<img src='file:///etc/hostname'/><b>x</b>"
    assert label.replace(" ", "") in words(printed_with(label)).replace(" ", "")


def test_the_same_receipt_is_the_same_bytes() -> None:
    assert printed_with("Anna") == printed_with("Anna")


def test_a_long_receipt_goes_on_overleaf() -> None:
    sheet = Sheet(title="t", author="a")
    for n in range(100):
        sheet.row(f"line {n}", "x")
    raw = sheet.bytes("foot")
    assert len(pypdf.PdfReader(io.BytesIO(raw)).pages) > 1
    assert all(f"line {n}" in words(raw) for n in range(100))
