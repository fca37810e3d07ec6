"""Another e-mail address: asked for with password and second factor, done by the link that went to the new address.

The old address is told both times, and for EMAIL_HOLD after the change nothing new leaves the account, so that who reads
the old one has time to say that it was not them.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from tidegate.auth import factors, links, rates, settings_store, store
from tidegate.auth.accounts import read_email
from tidegate.auth.gate import Gate
from tidegate.auth.rules import EMAIL_HOLD, EMAIL_LINK, Purpose
from tidegate.auth.step_up import check_totp, reused
from tidegate.auth.subject import Subject
from tidegate.database import Rider, new_id, ride
from tidegate.outbox.events import changed
from tidegate.outbox.mails import MailKind, told
from tidegate.refusal import Kind, Refusal


@dataclass(frozen=True, slots=True)
class Asked:
    """An address that waits for its link."""

    email: str
    expires_at: datetime


async def proved(gate: Gate, subject: Subject, *, password: str, code: str | None, now: datetime) -> list[Rider]:
    """The riders that spend the second factor, after the right password: for what must not be done by who found a screen
    unlocked. Refuses INVALID_CREDENTIALS, MFA_REQUIRED, INVALID_CODE, CODE_ALREADY_USED, RATE_LIMITED, BUSY."""
    whose = str(subject.user_id)
    async with gate.db.reading() as session:
        user = await store.user_by_id(session, user_id=subject.user_id)
    await rates.take(gate, "password", whose, now=now)
    if user is None or not await gate.hashing.verify(password, user.password_hash):
        raise Refusal(Kind.INVALID_CREDENTIALS, "The password is not right.", field="current_password")
    riders = []
    if subject.enrolled:
        if code is None:
            raise Refusal(Kind.MFA_REQUIRED, "Add the code of your authenticator.", methods=[factors.METHODS[0]])
        async with gate.db.reading() as session:
            riders.append((await check_totp(session, user_id=subject.user_id, code=code, now=now)).rider)
    await rates.give_back(gate, "password", whose, now=now)
    return riders


async def ask(gate: Gate, subject: Subject, *, email: str, password: str, code: str | None, now: datetime) -> Asked:
    """Send a link to the new address; an earlier one is void. The answer is the same when the address is taken: whoever
    reads it is told instead. Refuses as `proved`, and CONFLICT for the address that the account has, and in a house that
    sends no mail."""
    if not gate.settings.mail.host:
        raise Refusal(Kind.CONFLICT, "No mail is sent from here, so no other address can be confirmed.")
    shown, canonical = read_email(email, sandboxed=gate.settings.sandboxed)
    riders = await proved(gate, subject, password=password, code=code, now=now)
    await rates.take(gate, "email_changes", str(subject.user_id), now=now)
    expires_at = now + EMAIL_LINK
    async with gate.db.transaction() as session:
        user = await store.user_by_id(session, user_id=subject.user_id)
        if user is None or user.email_canonical == canonical:
            raise Refusal(Kind.CONFLICT, "This is your address already.", field="email")
        if await ride(session, riders) is not None:
            raise reused(now)
        change_id = new_id()
        await settings_store.drop_changes(session, user_id=user.id, now=now)
        await settings_store.insert_change(
            session,
            change_id=change_id,
            user_id=user.id,
            email=shown,
            canonical=canonical,
            now=now,
            expires_at=expires_at,
        )
        taken = await store.user_by_canonical(session, canonical=canonical) is not None
        kind = MailKind.EMAIL_TAKEN if taken else MailKind.EMAIL_CONFIRM
        version = await store.update_user(session, user_id=user.id, values={})
        told_of = [
            *_letter(gate, kind, user.id, change_id, shown, now),
            *_letter(gate, MailKind.EMAIL_ASKED, user.id, change_id, user.email, now),
        ]
        await ride(session, [changed(user.id, "account", user.id, version), *told_of])
    return Asked(shown, expires_at)


def _letter(
    gate: Gate, kind: MailKind, user_id: uuid.UUID, of: uuid.UUID, to: str, now: datetime, **facts: str
) -> list[Rider]:
    """To this address and no other: the account's own may be another one when the mail is sent."""
    return told(gate.settings, kind, user_id=user_id, object_id=of, recipient=to, facts=facts, now=now)


async def drop(gate: Gate, subject: Subject, *, now: datetime) -> None:
    """The link that is on its way does nothing any more. NOT_FOUND when there is none."""
    async with gate.db.transaction() as session:
        if not await settings_store.drop_changes(session, user_id=subject.user_id, now=now):
            raise Refusal(Kind.NOT_FOUND, "No other address is waiting.")
        version = await store.update_user(session, user_id=subject.user_id, values={})
        await ride(session, [changed(subject.user_id, "account", subject.user_id, version)])


async def waiting(gate: Gate, *, user_id: uuid.UUID, now: datetime) -> Asked | None:
    """The address that waits for its link."""
    async with gate.db.reading() as session:
        found = await settings_store.open_change(session, user_id=user_id)
    return Asked(found.email, found.expires_at) if found is not None and found.expires_at > now else None


async def confirm(gate: Gate, *, token: str, now: datetime) -> tuple[str, datetime]:
    """Whoever has the link reads the new address: it is the account's from now on. Answers it, and until when nothing
    leaves the account. Refuses NOT_FOUND for a link that is void, and CONFLICT when the address was taken meanwhile."""
    until = now + EMAIL_HOLD
    change_id = links.read(gate.keys, Purpose.CONFIRM_EMAIL, token, now=now)
    try:
        async with gate.db.transaction() as session:
            found = await settings_store.take_change(session, change_id=change_id, now=now)
            user = await store.user_by_id(session, user_id=found.user_id) if found is not None else None
            if found is None or user is None or user.closed_at is not None:
                raise Refusal(Kind.NOT_FOUND, "This link does nothing any more. Ask for a new one in your settings.")
            before = user.email
            values = {
                "email": found.email,
                "email_canonical": found.email_canonical,
                "email_confirmed_at": now,
                "held_since": now,
                "held_until": until,
            }
            version = await store.update_user(session, user_id=found.user_id, values=values)
            told_of = [
                *_letter(gate, MailKind.EMAIL_CHANGED, user.id, found.id, before, now, email=found.email),
                *_letter(gate, MailKind.EMAIL_CONFIRMED, user.id, found.id, found.email, now),
            ]
            await ride(session, [changed(user.id, "account", user.id, version), *told_of])
            return found.email, until
    except IntegrityError:
        raise Refusal(Kind.CONFLICT, "Another account has this address meanwhile.") from None
