"""Closing an account: whoever asks for it has checked that nothing is left in it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import settings_store, store
from tidegate.auth.gate import Gate
from tidegate.auth.step_up import reused
from tidegate.auth.subject import Subject
from tidegate.database import Rider, ride
from tidegate.outbox.events import changed
from tidegate.outbox.mails import MailKind, told
from tidegate.refusal import Kind, Refusal


async def close(gate: Gate, session: AsyncSession, subject: Subject, *, riders: list[Rider], now: datetime) -> None:
    """In the caller's transaction: nobody signs in any more, every session ends, what was booked stays."""
    if await ride(session, riders) is not None:
        raise reused(now)
    if not await settings_store.close(session, user_id=subject.user_id, now=now):
        raise Refusal(Kind.CONFLICT, "This account is closed already.")
    await settings_store.drop_changes(session, user_id=subject.user_id, now=now)
    await store.next_epoch(session, user_id=subject.user_id, keep=None)
    await store.revoke_others(session, user_id=subject.user_id, but=None, now=now)
    user_id = subject.user_id
    version = await store.update_user(session, user_id=user_id, values={})
    letter = told(gate.settings, MailKind.ACCOUNT_CLOSED, user_id=user_id, object_id=user_id, facts={}, now=now)
    await ride(session, [changed(user_id, "account", user_id, version), *letter])
