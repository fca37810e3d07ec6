"""SQL of account settings: another address, a closed account. Part of the auth room's store."""

import uuid
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth.tables import EmailChange, User

_OPEN = (EmailChange.confirmed_at.is_(None), EmailChange.dropped_at.is_(None))


async def insert_change(
    session: AsyncSession,
    *,
    change_id: uuid.UUID,
    user_id: uuid.UUID,
    email: str,
    canonical: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    session.add(
        EmailChange(
            id=change_id,
            user_id=user_id,
            email=email,
            email_canonical=canonical,
            asked_at=now,
            expires_at=expires_at,
        )
    )
    await session.flush()


async def drop_changes(session: AsyncSession, *, user_id: uuid.UUID, now: datetime) -> bool:
    """False when none was open."""
    dropped = await session.scalars(
        update(EmailChange)
        .where(EmailChange.user_id == user_id, *_OPEN)
        .values(dropped_at=now)
        .returning(EmailChange.id)
    )
    return bool(dropped.all())


async def open_change(session: AsyncSession, *, user_id: uuid.UUID) -> EmailChange | None:
    found: EmailChange | None = await session.scalar(select(EmailChange).where(EmailChange.user_id == user_id, *_OPEN))
    return found


async def take_change(session: AsyncSession, *, change_id: uuid.UUID, now: datetime) -> EmailChange | None:
    """The open change of this link, done now; of two who have the link one gets it."""
    found: EmailChange | None = await session.scalar(
        update(EmailChange)
        .where(EmailChange.id == change_id, EmailChange.expires_at > now, *_OPEN)
        .values(confirmed_at=now)
        .returning(EmailChange)
    )
    return found


async def close(session: AsyncSession, *, user_id: uuid.UUID, now: datetime) -> bool:
    """False when it was closed already. Locks the account's row until the commit."""
    done = await session.scalar(
        update(User).where(User.id == user_id, User.closed_at.is_(None)).values(closed_at=now).returning(User.id)
    )
    return done is not None
