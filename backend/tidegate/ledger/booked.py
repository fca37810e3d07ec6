"""What certain postings did to one customer's accounts, for their receipts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.ledger import store


@dataclass(frozen=True, slots=True)
class Booked:
    """One transfer that touches the customer: out of which account, into which, by name."""

    key: str
    event: str
    asset: str
    units: int
    out_of: str
    into: str
    at: datetime


async def of(session: AsyncSession, *, owner: uuid.UUID, keys: Sequence[str]) -> list[Booked]:
    """The transfers of these postings, in the order they were booked, without those of the house alone."""
    return [Booked(*row) for row in await store.transfers_of(session, owner=owner, keys=keys)]
