"""Screening a destination: ask the list, keep the evidence."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance import rules, store
from tidegate.compliance.rules import DenyList, Screening
from tidegate.database import Rider, new_id, ride


def screened(
    *, subject_kind: str, subject_id: uuid.UUID, network: str, address: str, deny: DenyList | None, now: datetime
) -> tuple[Screening, Rider]:
    """The verdict, and the evidence row for the commit that acts on it. `deny` comes from `lists.current(settings)`."""
    found = rules.screen(network, address, deny, now)
    row = {
        "id": new_id(),
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "verdict": found.verdict,
        "reason": found.reason,
        "inputs": {"network": network, "address": address},
        "list_version": deny.version if deny is not None else None,
        "at": now,
    }
    return found, store.insert_screening(row)


async def screen(
    session: AsyncSession,
    *,
    subject_kind: str,
    subject_id: uuid.UUID,
    network: str,
    address: str,
    deny: DenyList | None,
    now: datetime,
) -> Screening:
    """Screen and write the evidence in the caller's transaction."""
    found, rider = screened(
        subject_kind=subject_kind, subject_id=subject_id, network=network, address=address, deny=deny, now=now
    )
    assert await ride(session, [rider]) is None
    return found


async def last(session: AsyncSession, *, subject_kind: str, subject_id: uuid.UUID) -> Screening | None:
    """The newest verdict on a subject."""
    row = await store.last_screening(session, kind=subject_kind, subject_id=subject_id)
    return None if row is None else Screening(rules.Screened(row.verdict), row.reason)
