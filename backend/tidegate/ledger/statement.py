"""A customer's statement of one asset: what moved `available` and `held`, newest first, with both balances after each.

Read by number along the two accounts, never by scanning: a page costs its own lines, however long the history. Numbers
only grow, so a page that was read stays as it was while others are posted.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.ledger import store
from tidegate.ledger.store import Leg, Span


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer. `amount` and `held_amount` are signed; `balance` and `held` stand after it."""

    at: datetime
    key: str
    event: str
    against: str
    amount: int
    balance: int
    held_amount: int
    held: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on: the newest numbers not shown yet, of `available` and of `held`."""

    available: int
    held: int


async def page(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    asset: str,
    since: datetime | None,
    until: datetime | None,
    place: Place | None,
    limit: int,
) -> tuple[list[Line], Place | None]:
    """Up to `limit` lines posted at or after `since` and before `until`, and where the next ones begin, if there are any."""
    spans = await store.spans(session, owner=user_id, asset=asset, since=since, until=until)
    available, held = spans.get("available"), spans.get("held")
    if place is not None:
        available = available and available.upto(place.available)
        held = held and held.upto(place.held)
    # One more than can be shown: the next one says what stood before the last line, and whether there is more.
    ours = await store.legs(session, available, limit + 1) if available else []
    aside = await store.legs(session, held, limit + 1) if held else []
    return merged(ours, aside, available, held, limit)


def merged(
    ours: Sequence[Leg], aside: Sequence[Leg], available: Span | None, held: Span | None, limit: int
) -> tuple[list[Line], Place | None]:
    """Both accounts' legs, newest first, as one list. A transfer between the two is one line."""
    lines: list[Line] = []
    i = j = 0
    while True:
        one = ours[i] if available and i < len(ours) and ours[i].number > available.low else None
        other = aside[j] if held and j < len(aside) and aside[j].number > held.low else None
        if one is None and other is None:
            return lines, None
        if len(lines) == limit:
            return lines, Place(ours[i].number if i < len(ours) else 0, aside[j].number if j < len(aside) else 0)
        balance = ours[i].balance if i < len(ours) else 0
        stands = aside[j].balance if j < len(aside) else 0
        shown, apart = _next(one, other, available, held)
        leg = shown or apart
        assert leg is not None
        lines.append(
            Line(
                at=leg.at,
                key=leg.key,
                event=leg.event,
                against=leg.against,
                amount=shown.change if shown else 0,
                balance=balance,
                held_amount=apart.change if apart else 0,
                held=stands,
            )
        )
        i += shown is not None
        j += apart is not None


def _next(
    one: Leg | None, other: Leg | None, available: Span | None, held: Span | None
) -> tuple[Leg | None, Leg | None]:
    """Which of the two newest comes first; both where they are the two ends of one transfer."""
    if one is None or other is None:
        return one, other
    joins = held is not None and one.counterpart == held.account
    joined = available is not None and other.counterpart == available.account
    if joins and joined:
        return one, other
    # A transfer between the two waits until both have come to it.
    if joins:
        return None, other
    if joined:
        return one, None
    later = (one.at, one.n if one.key == other.key else 0) >= (other.at, other.n if one.key == other.key else 0)
    return (one, None) if later else (None, other)
