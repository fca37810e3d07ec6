"""Limits: how much a user may send out, in US dollars, kept by counters that are raised in the caller's commit."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance import rules, store
from tidegate.compliance.rules import Judged, Limits
from tidegate.config import ComplianceSettings
from tidegate.database import Rider


@cache
def of(settings: ComplianceSettings) -> Limits:
    """The configured limits in cents."""
    return Limits(
        per_withdrawal=rules.usd_cents(Decimal(settings.per_withdrawal_usd)),
        daily=rules.usd_cents(Decimal(settings.daily_usd)),
        review_above=rules.usd_cents(Decimal(settings.review_above_usd)),
    )


def spend(user_id: uuid.UUID, usd_cents: int, cap: int, day: date) -> Rider:
    """Count `usd_cents` against the day, in the caller's commit; misses as "limit" when that passes `cap`."""
    return store.spend(user_id=user_id, day=day, cents=usd_cents, cap=cap)


def give_back(user_id: uuid.UUID, usd_cents: int, day: date) -> Rider:
    """Undo a `spend` of that day: the withdrawal was cancelled or refused."""
    return store.give_back(user_id=user_id, day=day, cents=usd_cents)


async def spent(session: AsyncSession, user_id: uuid.UUID, day: date) -> int:
    """Cents counted against the day so far."""
    return await store.spent(session, user_id=user_id, day=day)


async def judge(
    session: AsyncSession, *, settings: ComplianceSettings, user_id: uuid.UUID, usd_cents: int, now: datetime
) -> Judged:
    """What policy says to a withdrawal of that worth now. Words a refusal early; only `spend` holds under concurrency."""
    return rules.judge(usd_cents, await spent(session, user_id, rules.day_of(now)), of(settings))
