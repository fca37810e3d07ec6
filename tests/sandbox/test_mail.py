"""The mail catcher: a stock client can send to it, and what it got can be read."""

import asyncio
import email
import email.policy
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tidegate.sandbox.mail import MailCatcher
from tidegate.sandbox.process import free_port


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[MailCatcher]:
    found = MailCatcher(free_port(), tmp_path / "mail")
    await found.open()
    yield found
    await found.close()


def _send(port: int, *bodies: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for body in bodies:
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "us@demo.example", "ines@demo.example", "Grüße"
            message.set_content(body)
            client.send_message(message)


async def test_what_a_stock_client_sends_is_kept_as_it_was(catcher: MailCatcher) -> None:
    bodies = ["Hello\n", "A line that is a point:\n.\n..and one that begins with two\n"]
    await asyncio.to_thread(_send, catcher.port, *bodies)
    kept = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(catcher.folder.glob("*.eml"))
    ]
    assert [message["subject"] for message in kept] == ["Grüße", "Grüße"]
    assert [message.get_content().replace("\r\n", "\n") for message in kept] == bodies


async def test_mails_are_readable_by_the_owner_alone(catcher: MailCatcher) -> None:
    assert catcher.folder.stat().st_mode & 0o077 == 0
