"""The posting lane: the one way money moves. Submit a posting and its riders, get one verdict, after commit.

Whatever is queued while a batch is in flight travels in the next one: one round trip, one commit, no timer. A batch is
as exact as its members one after the other: the database function walks them in order, a poor one fails alone, and when
a rider misses, everything is taken back and the others run again without it. Callers never learn which path a
submission took, nor how many connections, lanes or attempts it needed.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

from tidegate.database import Database, Rider, Write, new_id, ride, row_json
from tidegate.ledger import store
from tidegate.ledger.rules import Outcome, Posting, Verdict
from tidegate.ledger.store import Missed
from tidegate.ledger.wire import Ended, Unknown, Wire, ended
from tidegate.refusal import Kind, Refusal

log = structlog.get_logger(__name__)

MOST = 512
"""Submissions of one batch."""
WAITING = 4096
"""Submissions that may wait; one more is told `busy`."""
PATIENCE_SECONDS = 30.0
"""How long a caller waits before it is told `busy`: the key of its request will know what became of it."""
RECEIPTS_KEPT = timedelta(hours=1)
"""Far longer than anybody's patience: who asks again does so within PATIENCE_SECONDS."""
_TRIES = 8


@dataclass(eq=False, slots=True)
class _Submission:
    """One caller's posting and riders. `id` is the same at every attempt, so an attempt that did arrive is known again."""

    posting: Posting | None
    riders: Sequence[Rider]
    answer: "asyncio.Future[Verdict]"
    id: UUID = field(default_factory=new_id)
    rows: list[str] | None = None
    """Each rider's values as JSON; None while some rider is a statement of its own."""


class Lane:
    """One a process. Refuses by verdict; raises Refusal BUSY when the database cannot be reached or too many wait."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._wire = Wire(db)
        self._queue: deque[_Submission] = deque()
        self._runner: asyncio.Task[None] | None = None
        db.closing.append(self.close)

    async def submit(self, posting: Posting, riders: Sequence[Rider] = ()) -> Verdict:
        """Post with riders: all of it in one commit, or nothing. A caller that is cancelled does not undo it."""
        return await self._wait(posting, riders)

    async def write(self, riders: Sequence[Rider]) -> Verdict:
        """Riders alone, same semantics."""
        return await self._wait(None, riders)

    async def forget(self, now: datetime) -> None:
        """Drop the receipts that nobody can ask for any more."""
        async with self._db.transaction() as session:
            await store.forget_receipts(session, before=now - RECEIPTS_KEPT)

    async def close(self) -> None:
        """End what is in flight and let the connection go."""
        if self._runner is not None:
            await asyncio.gather(self._runner, return_exceptions=True)
        await self._wire.close()

    async def _wait(self, posting: Posting | None, riders: Sequence[Rider]) -> Verdict:
        if posting is not None and not store.on_the_chart(posting):
            return Verdict(Outcome.UNKNOWN_ACCOUNT)
        if len(self._queue) >= WAITING:
            raise _busy()
        submission = _Submission(posting, riders, asyncio.get_running_loop().create_future())
        if all(isinstance(rider.statement, Write) for rider in riders):
            submission.rows = [row_json(rider.values or {}) for rider in riders]
            self._queue.append(submission)
            if self._runner is None or self._runner.done():
                self._runner = asyncio.ensure_future(self._run())
            waited = asyncio.shield(submission.answer)
        else:
            waited = asyncio.shield(asyncio.ensure_future(self._alone(submission)))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await waited
        except TimeoutError:
            submission.answer.cancel()
            raise _busy() from None

    # --- together -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Batches until nobody waits."""
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
            try:
                await self._flush(batch)
            except Exception as error:  # whatever it was, everybody is answered
                log.exception("lane_failed", submissions=len(batch))
                for submission in batch:
                    if not submission.answer.done():
                        submission.answer.set_exception(error)

    async def _flush(self, batch: Sequence[_Submission]) -> None:
        """Answer every member, by one commit if nobody misses."""
        again: list[UUID] = []
        tries = 0
        while True:
            # Who gave up waiting is not posted late: it was told to ask again by its key.
            batch = [submission for submission in batch if not submission.answer.done()]
            if not batch:
                return
            tries += 1
            try:
                verdicts = await self._wire.run(_request(batch, again))
            except Missed as missed:
                await self._without(batch, missed)
                return
            except Unknown as unknown:
                # Never read back: asking again for the same submissions waits for the first attempt, if it lives.
                log.warning("lane_unknown", submissions=len(batch), reason=str(unknown))
                again.append(new_id())
                await asyncio.sleep(min(0.05 * 2 ** min(tries, 5), 1.0))
            except Ended as error:
                if error.transient and tries < _TRIES:
                    await asyncio.sleep(0.002 * 2**tries)
                elif error.unreachable:
                    await asyncio.sleep(min(0.05 * 2 ** min(tries, 5), 1.0))
                elif len(batch) > 1:  # one of them is poison: halves find it
                    middle = len(batch) // 2
                    await self._flush(batch[:middle])
                    await self._flush(batch[middle:])
                    return
                elif error.locked:
                    _tell(batch[0], Verdict(Outcome.CONFLICT, "busy"))
                    return
                else:
                    batch[0].answer.set_exception(error.cause)
                    return
            else:
                for submission, verdict in zip(batch, verdicts, strict=True):
                    _tell(submission, verdict)
                return

    async def _without(self, batch: Sequence[_Submission], missed: Missed) -> None:
        """The others again without those that missed, then each of those alone: only then its miss is its own."""
        if len(batch) == 1:
            _tell(batch[0], Verdict(Outcome.CONFLICT, missed.riders[0]))
            return
        await self._flush([s for n, s in enumerate(batch) if n not in missed.riders])
        for n in missed.riders:
            await self._flush([batch[n]])

    # --- alone --------------------------------------------------------------------------------------------------------

    async def _alone(self, submission: _Submission) -> Verdict:
        """A submission with riders that are statements of their own: the same commit, by itself."""
        fences: list[UUID] = []
        for attempt in range(1, 1000):
            try:
                return await self._once(submission, fences)
            except (DBAPIError, asyncpg.PostgresError, OSError, asyncpg.InternalClientError) as error:
                found = ended(error.orig if isinstance(error, DBAPIError) and error.orig else error)
                if isinstance(found, Ended):
                    if found.locked:  # waited for a twin that is still running: nothing was applied
                        return Verdict(Outcome.CONFLICT, "busy")
                    if not (found.unreachable or (found.transient and attempt < _TRIES)):
                        raise
                else:
                    fences.append(new_id())
                if submission.answer.done():
                    raise _busy() from error
                await asyncio.sleep(min(0.005 * 2 ** min(attempt, 8), 1.0))
        raise _busy()

    async def _once(self, submission: _Submission, fences: Sequence[UUID]) -> Verdict:
        """The posting or the receipt goes first: it knows whether an earlier attempt arrived."""
        try:
            async with self._db.transaction() as session:
                connection = await session.connection()
                numbers = await store.open_accounts(connection, self._wire.accounts, [submission.posting])
                outcome = await store.post_alone(connection, submission.id, submission.posting, numbers, fences)
                if outcome is None:
                    return Verdict(Outcome.POSTED)
                if outcome is not Outcome.POSTED:
                    raise _Told(Verdict(outcome))
                missed = await ride(session, submission.riders)
                if missed is not None:
                    raise _Told(Verdict(Outcome.CONFLICT, missed.name))
        except _Told as told:
            return told.verdict
        return Verdict(Outcome.POSTED)


class _Told(Exception):
    """Takes the transaction back and carries the verdict out of it."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def _request(batch: Sequence[_Submission], again: Sequence[UUID]) -> store.Batch:
    """The batch as the database function takes it: riders grouped by their statement, in order of first appearance."""
    kinds: dict[str, list[str]] = {}
    names: dict[str, list[tuple[int, str]]] = {}
    for n, submission in enumerate(batch, 1):
        assert submission.rows is not None
        for rider, row in zip(submission.riders, submission.rows, strict=True):
            assert isinstance(rider.statement, Write)
            rows = kinds.setdefault(rider.statement.sql, [])
            names.setdefault(rider.statement.sql, []).append((n - 1, rider.name))
            rows.append(f'{{"n":{n},"i":{len(rows)},{row[1:]}')
    return store.Batch(
        submissions=[submission.id for submission in batch],
        postings=[submission.posting for submission in batch],
        statements=list(kinds),
        rows=["[" + ",".join(rows) + "]" for rows in kinds.values()],
        names=list(names.values()),
        fences=again,
    )


def _tell(submission: _Submission, verdict: Verdict) -> None:
    if not submission.answer.done():
        submission.answer.set_result(verdict)


def _busy() -> Refusal:
    return Refusal(Kind.BUSY, "Too much at once. Ask again with the same Idempotency-Key.", retry_after=1)
