"""Sending mails: each a leased row, carried to the SMTP server with no transaction open, and written down after.

SMTP knows no "once": a server may take a mail and its word be lost. Then the same mail goes again, byte for byte and under
the same Message-ID, by which mailboxes and people recognise it. A mail is never lost, and repeated only then.
"""

import contextlib
import random
import ssl
import time
from dataclasses import dataclass

import aiosmtplib
import structlog
from aiosmtplib import SMTP

from tidegate.auth import accounts, links
from tidegate.auth.accounts import Addressee
from tidegate.auth.keyring import Keyring
from tidegate.auth.rules import EMAIL_LINK, Purpose
from tidegate.config import MailSettings, Settings
from tidegate.database import Database, utcnow
from tidegate.failpoints import reach
from tidegate.notices import rules
from tidegate.notices.envelope import Envelope, mailable, sealed, sender_address
from tidegate.notices.letters import Context, write
from tidegate.notices.rules import Carried
from tidegate.outbox import mails
from tidegate.outbox.mails import Entry, MailKind, MailState
from tidegate.queue import Lease

log = structlog.get_logger(__name__)

LEASE_SECONDS = 120
_TURN_SECONDS = 30.0
"""No mail is begun later in a turn: with the longest conversation after that it ends before its lease."""
_MOST = 20
_OPTIONAL = frozenset({MailKind.WITHDRAWAL_COMPLETED, MailKind.WITHDRAWAL_RETURNED})
"""What a user may not want to be told (`notices.withdrawals`). What guards the account is always sent."""


@dataclass(frozen=True, slots=True)
class Post:
    db: Database
    settings: Settings
    keys: Keyring


@dataclass(frozen=True, slots=True)
class Outcome:
    carried: Carried
    reason: str | None


async def send(post: Post) -> int:
    """Worker step: carry what is due, over one connection; how many were due."""
    async with post.db.transaction() as session:
        leases = await mails.claim(session, now=utcnow(), seconds=LEASE_SECONDS, limit=_MOST)
    if not leases:
        return 0
    until = time.monotonic() + _TURN_SECONDS
    async with post.db.reading() as session:
        entries = await mails.leased(session, leases)
        people = {one.user_id: await accounts.addressee(session, one.user_id) for one in entries.values()}
    reach("L.claim:after")
    line = _Line(post.settings.mail)
    try:
        for lease in leases:
            entry = entries.get(lease.id)
            if entry is None:
                continue
            if time.monotonic() > until:
                await _give_back(post, lease)
                continue
            outcome = await _carry(post, line, entry, people[entry.user_id])
            reach("L.send:after")
            await _record(post, lease, entry, outcome)
    finally:
        await line.close()
    return len(leases)


async def _carry(post: Post, line: "_Line", entry: Entry, to: Addressee | None) -> Outcome:
    if to is None or not (to.confirmed or entry.recipient):
        return Outcome(Carried.REFUSED, "the address is not confirmed")
    if entry.kind in _OPTIONAL and to.choices.get("withdrawals") is False:
        return Outcome(Carried.UNWANTED, None)
    where = entry.recipient or to.email
    try:
        raw = composed(post.settings, post.keys, entry, where)
        address = mailable(where)
    except ValueError as error:
        return Outcome(Carried.REFUSED, f"cannot be written to: {error}")
    return await line.carry(address, raw)


def composed(settings: Settings, keys: Keyring, entry: Entry, to: str) -> bytes:
    """The mail of this row: the same bytes whenever it is asked for. Raises ValueError for what is no address."""
    base = settings.api.public_url.rstrip("/")
    context = Context(
        brand=settings.brand.name,
        kind=entry.kind,
        object_id=entry.object_id,
        at=entry.created_at,
        networks={code: network.name or code for code, network in settings.networks.items()},
        page=lambda path: f"{base}/{path}",
        freeze=links.url(base, keys, Purpose.FREEZE, entry.id, entry.created_at + rules.FREEZE_LINK),
        confirm=links.url(base, keys, Purpose.CONFIRM_EMAIL, entry.object_id, entry.created_at + EMAIL_LINK),
        cancel=links.url(base, keys, Purpose.CANCEL, entry.object_id, entry.created_at + rules.CANCEL_LINK),
    )
    envelope = Envelope(sender=settings.mail.sender, to=to, id=entry.id, at=entry.created_at, brand=settings.brand.name)
    return sealed(write(entry.facts, context), envelope)


async def _record(post: Post, lease: Lease, entry: Entry, outcome: Outcome) -> None:
    now = utcnow()
    again = None
    state = _STATES[outcome.carried]
    if outcome.carried in (Carried.AGAIN, Carried.UNKNOWN):
        again = rules.next_mail(entry.tries + 1, now, random.random())  # noqa: S311  spreads load, guards nothing
        state = MailState.WAITING if again is not None else MailState.FAILED
    async with post.db.transaction() as session:
        await mails.record(session, lease, state=state, reason=outcome.reason, tried=True, due_at=again, now=now)
    if outcome.reason is not None:
        log.warning("mail_not_sent", mail=str(entry.id), kind=entry.kind, state=state, reason=outcome.reason)


_STATES = {
    Carried.TAKEN: MailState.SENT,
    Carried.REFUSED: MailState.FAILED,
    Carried.UNWANTED: MailState.UNWANTED,
    Carried.AGAIN: MailState.WAITING,
    Carried.UNKNOWN: MailState.WAITING,
}


async def _give_back(post: Post, lease: Lease) -> None:
    async with post.db.transaction() as session:
        await mails.record(session, lease, state=MailState.WAITING, reason=None, tried=False, due_at=None, now=utcnow())


class _Line:
    """One conversation with the server, opened when it is first needed and anew when it broke."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._smtp: SMTP | None = None
        self._dead: str | None = None
        """Why nobody answers there: nothing else of this turn is tried."""

    async def carry(self, to: str, raw: bytes) -> Outcome:
        if self._dead is not None:
            return Outcome(Carried.AGAIN, self._dead)
        try:
            smtp = await self._open()
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            self._dead = _said(error)
            return Outcome(Carried.AGAIN, self._dead)
        try:
            await smtp.sendmail(sender_address(self._settings.sender), [to], raw)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(error.recipients[0])
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            await self.close()
            return Outcome(Carried.UNKNOWN, _said(error))
        return Outcome(Carried.TAKEN, None)

    async def _open(self) -> SMTP:
        if self._smtp is not None:
            return self._smtp
        told = self._settings
        smtp = SMTP(
            hostname=told.host,
            port=told.port,
            use_tls=told.tls == "tls",
            start_tls=told.tls == "starttls",
            username=told.user or None,
            password=told.read_password() or None,
            timeout=told.timeout_seconds,
        )
        await smtp.connect()
        self._smtp = smtp
        return smtp

    async def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await smtp.quit(timeout=1)
        smtp.close()


def _refused(error: aiosmtplib.SMTPResponseException) -> Outcome:
    """5xx is for good, 4xx for now."""
    carried = Carried.REFUSED if 500 <= error.code <= 599 else Carried.AGAIN
    return Outcome(carried, f"{error.code}: the server refused it")


def _said(error: Exception) -> str:
    """Never the server's own words: they may repeat what was sent."""
    code = f" {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    return type(error).__name__ + code


async def forget(post: Post) -> None:
    """Worker step: drop what was sent long ago, with its links."""
    async with post.db.transaction() as session:
        await mails.forget(session, before=utcnow() - rules.MAIL_KEPT)
