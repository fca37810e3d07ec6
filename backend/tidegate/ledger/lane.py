"""The posting lane: the one way money moves. Submit a posting and its riders, get one verdict, after commit."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from tidegate.database import Database, Rider, ride
from tidegate.ledger import store
from tidegate.ledger.rules import Outcome, Posting, Verdict

# Deadlock, serialization failure: nothing was applied, running again is exact.
_AGAIN = {"40001", "40P01"}
_TRIES = 8


class _Verdict(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


class Lane:
    """One a process. Every submission is one commit: riders first, in order, then the posting.

    A miss of a rider, a poor account or a known key rolls the whole submission back and is told as a verdict.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def submit(self, posting: Posting, riders: Sequence[Rider] = ()) -> Verdict:
        """Post with riders. Refuses by verdict; raises only when the database cannot be reached."""
        return await self._run(posting, riders)

    async def write(self, riders: Sequence[Rider]) -> Verdict:
        """Riders alone, same semantics."""
        return await self._run(None, riders)

    async def _run(self, posting: Posting | None, riders: Sequence[Rider]) -> Verdict:
        for attempt in range(_TRIES):
            try:
                return await self._once(posting, riders)
            except DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state == "55P03":  # waited for a twin that is still running: nothing was applied
                    return Verdict(Outcome.CONFLICT, "busy")
                if state not in _AGAIN or attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(0.005 * 2**attempt)
        raise AssertionError("unreachable")

    async def _once(self, posting: Posting | None, riders: Sequence[Rider]) -> Verdict:
        try:
            async with self._db.transaction() as session:
                missed = await ride(session, riders)
                if missed is not None:
                    raise _Verdict(Verdict(Outcome.CONFLICT, missed.name))
                if posting is not None:
                    outcome = await store.post(session, posting)
                    if outcome is not Outcome.POSTED:
                        raise _Verdict(Verdict(outcome))
        except _Verdict as told:
            return told.verdict
        return Verdict(Outcome.POSTED)
