"""Stopping what would leave one's own account: by the link in a mail at once, and letting go with the second factor.

Whoever reads a user's mail can freeze the account and nothing more; whoever holds session and password alone cannot
unfreeze it. What an operator froze, an operator lifts.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import links, store
from tidegate.auth.gate import Gate
from tidegate.auth.rules import Purpose
from tidegate.auth.step_up import check_totp, reused
from tidegate.auth.subject import Subject
from tidegate.database import Rider, new_id, ride
from tidegate.outbox import mails
from tidegate.outbox.events import changed
from tidegate.outbox.mails import Entry, MailKind, told
from tidegate.refusal import Kind, Refusal


@dataclass(frozen=True, slots=True)
class Freezable:
    """What a freeze link is about."""

    email: str
    frozen_at: datetime | None
    used: bool
    """The link has done its work once and does it no more."""


async def look(gate: Gate, given: str, *, now: datetime) -> Freezable:
    """What would be frozen. Changes nothing. Refuses NOT_FOUND."""
    async with gate.db.reading() as session:
        mail = await _mail_of(gate, session, given, now)
        return await _shown(session, mail)


async def freeze(gate: Gate, given: str, *, now: datetime) -> Freezable:
    """Freeze, once for each link: an old mail stops nothing that its owner has let go since.

    Refuses NOT_FOUND, and CONFLICT for a link that was used and an account that is not frozen any more.
    """
    async with gate.db.transaction() as session:
        mail = await _mail_of(gate, session, given, now)
        if not await mails.use_link(session, mail.id, now):
            if not await store.is_frozen(session, user_id=mail.user_id):
                raise Refusal(Kind.CONFLICT, "This link was used before. The one in a newer mail works.")
            return await _shown(session, mail)
        version = await store.freeze(session, user_id=mail.user_id, by="owner", now=now)
        if version is not None:
            await ride(session, _riders(gate, mail.user_id, MailKind.ACCOUNT_FROZEN, version, now))
    async with gate.db.reading() as session:
        found = await mails.get(session, mail.id)
        assert found is not None
        return await _shown(session, found)


async def lift(gate: Gate, subject: Subject, *, code: str, now: datetime) -> None:
    """Let go what the owner froze. Refuses CONFLICT (not frozen), POLICY_BLOCKED (by an operator), and what the second
    factor refuses."""
    user_id = subject.user_id
    async with gate.db.reading() as session:
        account = await store.account(session, user_id=user_id)
        if account is None or account.frozen_at is None:
            raise Refusal(Kind.CONFLICT, "This account is not frozen.")
        if account.frozen_by != "owner":
            raise Refusal(Kind.POLICY_BLOCKED, "We froze this account. Write to us.")
        use = await check_totp(session, user_id=user_id, code=code, now=now)
    async with gate.db.transaction() as session:
        if await ride(session, [use.rider]) is not None:
            raise reused(now)
        version = await store.lift_own(session, user_id=user_id)
        if version is None:
            raise Refusal(Kind.CONFLICT, "It changed meanwhile; look again.")
        await ride(session, _riders(gate, user_id, MailKind.ACCOUNT_UNFROZEN, version, now))


def _riders(gate: Gate, user_id: uuid.UUID, kind: MailKind, version: int, now: datetime) -> list[Rider]:
    letter = told(gate.settings, kind, user_id=user_id, object_id=new_id(), facts={}, now=now)
    return [changed(user_id, "account", user_id, version), *letter]


async def _mail_of(gate: Gate, session: AsyncSession, given: str, now: datetime) -> Entry:
    mail = await mails.get(session, links.read(gate.keys, Purpose.FREEZE, given, now=now))
    if mail is None:
        raise Refusal(Kind.NOT_FOUND, "This link has expired.")
    return mail


async def _shown(session: AsyncSession, mail: Entry) -> Freezable:
    account = await store.account(session, user_id=mail.user_id)
    if account is None:
        raise Refusal(Kind.NOT_FOUND, "This account is no more.")
    return Freezable(account.email, account.frozen_at, used=mail.link_used_at is not None)
