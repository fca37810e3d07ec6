"""Letters: what somebody is to be told by mail, written in the commit that it is about, sent by whoever sends mail."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import new_id
from tidegate.outbox.tables import Letter

LetterKind = Literal["email_confirm", "email_taken", "email_asked", "email_changed", "account_closed"]


async def write(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    recipient: str,
    kind: LetterKind,
    facts: Mapping[str, str],
    now: datetime,
) -> None:
    """One letter, in the caller's transaction. `facts` are what its words need; a link in them is a secret."""
    session.add(Letter(id=new_id(), user_id=user_id, recipient=recipient, kind=kind, facts=dict(facts), written_at=now))
    await session.flush()


async def to(session: AsyncSession, recipient: str, *, limit: int) -> Sequence[Letter]:
    """What was written to an address, newest first. For the sandbox's mailbox."""
    found = await session.scalars(
        select(Letter).where(Letter.recipient == recipient).order_by(Letter.written_at.desc()).limit(limit)
    )
    return found.all()
