"""What a customer owes since the network took back a deposit that was used already."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.wallets import deposit_store


async def owed(session: AsyncSession, *, user_id: uuid.UUID, asset: str) -> int:
    """Base units; 0 when nothing. The next deposits of this asset repay it first."""
    return await deposit_store.owed(session, user_id=user_id, asset=asset)


async def owing(session: AsyncSession, pairs: Collection[tuple[uuid.UUID, str]]) -> set[tuple[uuid.UUID, str]]:
    """Which of these (user, asset) owe anything."""
    return set(pairs) & set(await deposit_store.debts(session, user_ids={user for user, _ in pairs}))
