"""Reading balances: what a customer has, what an account stands at, now and at a past moment. By index, never by scanning history."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.ledger import store
from tidegate.ledger.rules import AccountRef


@dataclass(frozen=True, slots=True)
class Held:
    """Base units a customer can use, and base units set aside for something of theirs."""

    available: int = 0
    held: int = 0


async def balances_of(session: AsyncSession, user_id: uuid.UUID) -> dict[str, Held]:
    """By asset code; assets never booked are absent."""
    found: dict[str, Held] = {}
    for standing in await store.of_owner(session, user_id):
        before = found.get(standing.ref.asset, Held())
        if standing.ref.name == "available":
            found[standing.ref.asset] = Held(standing.balance, before.held)
        elif standing.ref.name == "held":
            found[standing.ref.asset] = Held(before.available, standing.balance)
    return found


async def holdings(
    connection: "asyncpg.Connection[Any]", owners: Sequence[uuid.UUID]
) -> dict[uuid.UUID, dict[str, int]]:
    """By owner and asset, what is available and held together; for all who are asked about at once."""
    return await store.holdings(connection, owners)


async def balance(session: AsyncSession, ref: AccountRef) -> int:
    """The account's balance in its own direction; 0 when nothing was ever booked on it."""
    return await store.balance(session, ref)


async def balance_at(session: AsyncSession, ref: AccountRef, at: datetime) -> int:
    """What the account stood at with everything posted up to and including that moment.

    About 2 * log2(n) index probes. What is being committed just now may still come with a time a moment ago.
    """
    return await store.balance_at(session, ref, at)


async def trial_balance(session: AsyncSession, at: datetime | None = None) -> list[tuple[str, str, str, str, int]]:
    """(asset, name, place, side, units) over all owners, now or as it was with everything posted up to `at`."""
    return await store.totals(session, at)


async def posted_by(session: AsyncSession, keys: Sequence[str], at: datetime) -> set[str]:
    """Those of these postings' keys that were in the books at that moment."""
    return await store.posted_by(session, keys, at)
