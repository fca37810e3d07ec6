"""One effect for one Idempotency-Key: the key, the effect and the stored answer in one commit."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate import idempotency
from tidegate.database import Database, Rider, ride
from tidegate.idempotency import Keyed, Stored
from tidegate.refusal import Kind, Refusal


@dataclass(frozen=True, slots=True)
class Done:
    """What a piece of work answers, and the small writes that belong into its commit."""

    body: dict[str, Any]
    riders: Sequence[Rider] = ()
    status: int = 200
    misses: dict[str, Refusal] = field(default_factory=dict)
    """What to say when the rider of that name misses."""


class _Missed(Exception):
    def __init__(self, rider: Rider, done: Done) -> None:
        self.rider = rider
        self.done = done


async def once(
    db: Database, keyed: Keyed, *, user_id: uuid.UUID, operation: str, work: Callable[[AsyncSession], Awaitable[Done]]
) -> Stored:
    """Do `work` once for the key: a repetition gets the first answer, a twin waits for the first one's commit.

    Refuses IDEMPOTENCY_KEY_REUSED, IN_PROGRESS, whatever `work` refuses, and CONFLICT for a rider it did not foresee.
    """
    known = await idempotency.replay(db, keyed, user_id=user_id, operation=operation)
    if known is not None:
        return known
    try:
        async with db.transaction() as session:
            await idempotency.limit_wait(session)
            done = await work(session)
            answer = Stored.of(done.status, done.body)
            riders = [*done.riders, *keyed.rider(user_id=user_id, operation=operation, answer=answer)]
            missed = await ride(session, riders)
            if missed is not None:
                raise _Missed(missed, done)
    except _Missed as told:
        if told.rider.name == "idempotency":
            return await idempotency.replay_after_conflict(db, keyed, user_id=user_id, operation=operation)
        refusal = told.done.misses.get(told.rider.name)
        refusal = refusal or Refusal(Kind.CONFLICT, "It changed meanwhile; read it again.")
        return await _twin_or(refusal, db, keyed, user_id=user_id, operation=operation)
    except Refusal as refusal:
        return await _twin_or(refusal, db, keyed, user_id=user_id, operation=operation)
    except DBAPIError as error:
        if not idempotency.timed_out_waiting(error):
            raise
        raise Refusal(Kind.IN_PROGRESS, "A request before this one is still running.", retry_after=1) from None
    return answer


async def _twin_or(refusal: Refusal, db: Database, keyed: Keyed, *, user_id: uuid.UUID, operation: str) -> Stored:
    """What a twin of this request stood in the way of is not refused: the twin's answer is ours. Else raises `refusal`."""
    known = await idempotency.replay(db, keyed, user_id=user_id, operation=operation)
    if known is None:
        raise refusal
    return known
