"""What mails say and how they are set: whole addresses, every cost, and nobody's words in a header."""

import string
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.notices.mailbox import SENDER, body, parsed
from tidegate.notices.envelope import Envelope, sealed
from tidegate.notices.letters import Act, Context, Letter, groups, one_line, write
from tidegate.outbox.mails import MailKind

AT = datetime(2026, 11, 24, 14, 2, 10, tzinfo=UTC)
ID = uuid.UUID("01a22da8-e434-765a-a13e-23f5f10c5087")
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
MONEY = {"asset": "USDT", "amount": "500.000000"}
FACTS: dict[str, Any] = {
    "network": "ethereum",
    "address": ADDRESS,
    "label": "Anna",
    "reference": "invoice 7",
    "debit": {"asset": "BTC", "amount": "0.01500000"},
    "deliver": MONEY,
    "rate": "60000.0",
    "fees": [
        {"kind": "network", "asset": "BTC", "amount": "0.00001000"},
        {"kind": "service", "asset": "BTC", "amount": "0.00000800"},
        {"kind": "spread", "asset": "BTC", "amount": "0.00001200"},
    ],
    "txid": "0x" + "ab" * 32,
    "state": "cancelled",
    "back": [{"asset": "BTC", "amount": "0.01500000"}],
    "detail": None,
    "asset": "USDT",
    "available_after": "24 hours",
    "browser": "Firefox",
    "email": "ana@new.example",
    "host": "shop.example",
    "disabled": "gone",
}
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
}


def context(kind: MailKind) -> Context:
    return Context(
        brand="Tidegate",
        kind=kind,
        object_id=ID,
        at=AT,
        networks={"ethereum": "Ethereum"},
        page=lambda path: f"https://tide.example/{path}",
        freeze="https://tide.example/freeze#F",
        cancel="https://tide.example/cancel#C",
        confirm="https://tide.example/confirm-email#E",
    )


def mail(letter: Letter, to: str = "ana@demo.example") -> bytes:
    return sealed(letter, Envelope(sender=SENDER, to=to, id=ID, at=AT, brand="Tidegate"))


def test_a_requested_withdrawal_is_told_with_the_whole_address_every_cost_and_both_links() -> None:
    said = body(parsed(mail(write(FACTS, context(MailKind.WITHDRAWAL_REQUESTED)))))
    assert "0x 7099 7970 C518 12dc\n  3A01 0C7d 01b5 0e0d 17dc\n  79C8" in said
    for figure in ("500.000000 USDT", "0.00001000 BTC", "0.00000800 BTC", "0.00001200 BTC", "0.01500000 BTC"):
        assert figure in said
    assert "1 BTC = 60000.0 USDT" in said
    assert "https://tide.example/cancel#C" in said
    assert "https://tide.example/freeze#F" in said
    assert "On Ethereum, to this address (Anna):" in said


@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_has_its_letter_in_text_and_html_without_anything_from_elsewhere(kind: MailKind) -> None:
    facts = FACTS | {"network": "ethereum"}
    message = parsed(mail(write(facts, context(kind))))
    page = body(message, "html")
    assert body(message).strip()
    assert "never asks for your password" in body(message)
    for word in ("<img", "<script", "src=", "@import", "url(", "<link"):
        assert word not in page
    assert set(message.keys()) == HEADERS


def test_the_link_that_stops_everything_is_in_each_letter_about_the_accounts_safety() -> None:
    guarding = {
        MailKind.WITHDRAWAL_REQUESTED,
        MailKind.BENEFICIARY_ADDED,
        MailKind.PASSWORD_CHANGED,
        MailKind.AUTHENTICATOR_ADDED,
        MailKind.RECOVERY_CODE_USED,
        MailKind.NEW_BROWSER,
        MailKind.ACCOUNT_UNFROZEN,
        MailKind.EMAIL_ASKED,
        MailKind.EMAIL_CHANGED,
        MailKind.EMAIL_CONFIRMED,
    }
    found = {
        kind
        for kind in MailKind
        if any(isinstance(one, Act) and "freeze#" in one.url for one in write(FACTS, context(kind)).blocks)
    }
    assert found == guarding


def test_the_same_letter_is_the_same_bytes_and_the_message_id_is_the_rows() -> None:
    one, other = (mail(write(FACTS, context(MailKind.WITHDRAWAL_REQUESTED))) for _ in range(2))
    assert one == other
    assert parsed(one)["Message-ID"] == f"<{ID}@demo.example>"


def test_markup_in_a_label_stays_text() -> None:
    letter = write(FACTS | {"label": "<a href='https://evil.example'>Anna</a>"}, context(MailKind.BENEFICIARY_ADDED))
    page = body(parsed(mail(letter)), "html")
    assert "evil.example'>" not in page
    assert "&lt;a href=" in page


ANY = st.text(max_size=120) | st.sampled_from(
    ["a\r\nBcc: eve@evil.example", "a\nSubject: x", "\u2028Bcc: e", "\u202egnp"]
)


@given(label=ANY, reference=ANY, browser=ANY, host=ANY, detail=ANY, kind=st.sampled_from(MailKind))
def test_nobodys_words_ever_make_a_header(
    label: str, reference: str, browser: str, host: str, detail: str, kind: MailKind
) -> None:
    words = {"label": label, "reference": reference, "browser": browser, "host": host, "detail": detail}
    message = parsed(mail(write(FACTS | words, context(kind))))
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert message["To"] == "ana@demo.example"
    assert not message.defects


@given(to=st.text(alphabet=string.printable + "é\u2028", max_size=40))
def test_a_recipient_is_one_address_or_no_mail_is_made(to: str) -> None:
    letter = write(FACTS, context(MailKind.PASSWORD_CHANGED))
    try:
        message = parsed(mail(letter, to))
    except ValueError:
        return
    assert len(message["To"].addresses) == 1
    assert set(message.keys()) == HEADERS


@given(st.text())
def test_words_on_one_line_have_no_controls_no_breaks_and_an_end(words: str) -> None:
    line = one_line(words)
    assert len(line) <= 60
    assert line.isprintable() or all(sign == "\u200b" or sign.isprintable() for sign in line)
    assert "\n" not in line
    assert "\r" not in line


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=90))
def test_groups_hold_the_whole_address(address: str) -> None:
    assert "".join(groups(address)) == address
    assert all(len(one) <= 4 for one in groups(address))
