"""Mails to be: a row in the commit of the change that it tells, and the queue that a worker sends from.

Nothing is sent here. A row says what and to whom; how it reads is made of it anew at every try, byte for byte the same.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.config import Settings
from tidegate.database import Rider, inserting, new_id
from tidegate.outbox.tables import Mail
from tidegate.queue import Lease, claim_due


class MailKind(StrEnum):
    """What a mail tells."""

    WITHDRAWAL_REQUESTED = "withdrawal_requested"  # with the whole address, every cost, and a link that cancels
    WITHDRAWAL_COMPLETED = "withdrawal_completed"
    WITHDRAWAL_RETURNED = "withdrawal_returned"  # not sent; the money is back
    BENEFICIARY_ADDED = "beneficiary_added"
    PASSWORD_CHANGED = "password_changed"
    AUTHENTICATOR_ADDED = "authenticator_added"
    RECOVERY_CODE_USED = "recovery_code_used"
    NEW_BROWSER = "new_browser"  # signed in from a browser that never was
    ACCOUNT_FROZEN = "account_frozen"  # by the link in a mail
    ACCOUNT_UNFROZEN = "account_unfrozen"  # by its owner, with the second factor
    EMAIL_CONFIRM = "email_confirm"  # to the new address: the link that makes it the account's
    EMAIL_TAKEN = "email_taken"  # to who has it already: somebody asked for this address
    EMAIL_ASKED = "email_asked"  # to the present address: another one was asked for
    EMAIL_CHANGED = "email_changed"  # to the former address
    EMAIL_CONFIRMED = "email_confirmed"  # to the new address, once it is the account's
    ACCOUNT_CLOSED = "account_closed"
    WEBHOOK_DISABLED = "webhook_disabled"


class MailState(StrEnum):
    WAITING = "waiting"  # to be sent at `due_at`
    SENT = "sent"  # the server took it
    FAILED = "failed"  # the server refused it for good, or every try was in vain
    UNWANTED = "unwanted"  # its user does not want to be told of this


@dataclass(frozen=True, slots=True)
class Entry:
    """A mail as it was written."""

    id: uuid.UUID
    user_id: uuid.UUID
    kind: MailKind
    object_id: uuid.UUID
    facts: dict[str, Any]
    tries: int
    created_at: datetime
    link_used_at: datetime | None
    recipient: str | None
    """An address of its own; None: the account's."""


def told(
    settings: Settings,
    kind: MailKind,
    *,
    user_id: uuid.UUID,
    object_id: uuid.UUID,
    facts: dict[str, Any],
    now: datetime,
    recipient: str | None = None,
) -> list[Rider]:
    """The rider that writes this mail, once for each kind and object; none where the house has no mail server. It goes to
    the account's address, or to `recipient`."""
    if not settings.mail.host:
        return []
    values = {
        "id": new_id(),
        "user_id": user_id,
        "kind": kind.value,
        "object_id": object_id,
        "recipient": recipient,
        "facts": facts,
        "state": MailState.WAITING.value,
        "reason": None,
        "tries": 0,
        "created_at": now,
        "sent_at": None,
        "link_used_at": None,
        "due_at": now,
        "lease_until": None,
        "fence": 0,
    }
    # Told before is told: the change itself must not fail for it.
    return [Rider("mail", inserting(Mail.__table__, key=("id",), again=True), values)]


async def claim(session: AsyncSession, *, now: datetime, seconds: int, limit: int) -> list[Lease]:
    """Lease mails that are due."""
    waiting = Mail.state == MailState.WAITING
    return await claim_due(session, Mail, where=waiting, now=now, seconds=seconds, limit=limit)


async def leased(session: AsyncSession, leases: Sequence[Lease]) -> dict[uuid.UUID, Entry]:
    """Those of the leases that still hold, by id."""
    rows = await session.scalars(select(Mail).where(Mail.id.in_([one.id for one in leases])))
    fences = {one.id: one.fence for one in leases}
    return {row.id: _entry(row) for row in rows if row.fence == fences[row.id] and row.state == MailState.WAITING}


async def get(session: AsyncSession, mail_id: uuid.UUID) -> Entry | None:
    row = await session.scalar(select(Mail).where(Mail.id == mail_id))
    return _entry(row) if row is not None else None


def _entry(row: Mail) -> Entry:
    return Entry(
        id=row.id,
        user_id=row.user_id,
        kind=MailKind(row.kind),
        object_id=row.object_id,
        facts=row.facts,
        tries=row.tries,
        created_at=row.created_at,
        link_used_at=row.link_used_at,
        recipient=row.recipient,
    )


async def record(
    session: AsyncSession,
    lease: Lease,
    *,
    state: MailState,
    reason: str | None,
    tried: bool,
    due_at: datetime | None,
    now: datetime,
) -> bool:
    """What became of it, and the lease given back; False when somebody else has the lease by now."""
    values: dict[str, Any] = {
        "state": state.value,
        "reason": reason,
        "tries": Mail.tries + int(tried),
        "sent_at": now if state is MailState.SENT else None,
        "lease_until": None,
    }
    if due_at is not None:
        values["due_at"] = due_at
    found = await session.scalar(
        update(Mail)
        .where(Mail.id == lease.id, Mail.fence == lease.fence, Mail.state == MailState.WAITING)
        .values(**values)
        .returning(Mail.id)
    )
    return found is not None


async def use_link(session: AsyncSession, mail_id: uuid.UUID, now: datetime) -> bool:
    """Use up the mail's one-use link, in the commit of what it does; False when it was used before."""
    found = await session.scalar(
        update(Mail).where(Mail.id == mail_id, Mail.link_used_at.is_(None)).values(link_used_at=now).returning(Mail.id)
    )
    return found is not None


async def waiting(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest does."""
    row = await session.execute(select(func.count(), func.min(Mail.created_at)).where(Mail.state == MailState.WAITING))
    count, oldest = row.one()
    return count, oldest


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Drop mails written before this that do not wait any more."""
    await session.execute(delete(Mail).where(Mail.created_at < before, Mail.state != MailState.WAITING))
