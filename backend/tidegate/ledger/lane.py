"""The posting lane: the one way money moves. Submit a posting and its riders, get one verdict, after commit.

Whatever is queued while a batch is in flight travels in the next one: one round trip, one commit, no timer. A batch is
as exact as its members one after the other: the database function walks them in order, a poor one fails alone, and when
a rider misses, everything is taken back and the others run again without it. Callers never learn how many connections,
lanes or attempts a submission needed.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from tidegate.database import Database, Rider, new_id, row_json
from tidegate.ledger import store
from tidegate.ledger.rules import Outcome, Posting, Verdict
from tidegate.ledger.store import Missed
from tidegate.ledger.wire import Ended, Unknown, Wire
from tidegate.refusal import Kind, Refusal

log = structlog.get_logger(__name__)

MOST = 512
"""Submissions of one batch."""
FEW = 32
"""A queue up to here goes whole: what a batch costs for itself is shared by enough."""
WAITING = 4096
"""Submissions that may wait; one more is told `busy`."""
PATIENCE_SECONDS = 30.0
"""How long a caller waits before it is told `busy`: the key of its request will know what became of it."""
RECEIPTS_KEPT = timedelta(hours=1)
"""Far longer than anybody's patience: who asks again does so within PATIENCE_SECONDS."""
_TRIES = 4
"""Of what may pass when it is tried again. Everybody waits meanwhile: a race is over by then, poison never is."""


@dataclass(eq=False, slots=True)
class _Submission:
    """One caller's posting and riders. `id` is the same at every attempt, so an attempt that did arrive is known again."""

    posting: Posting | None
    riders: Sequence[Rider]
    rows: Sequence[str]
    """Each rider's values as JSON."""
    answer: "asyncio.Future[Verdict]"
    id: UUID = field(default_factory=new_id)


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
        rows = [row_json(rider.values) for rider in riders]
        loop = asyncio.get_running_loop()
        submission = _Submission(posting, riders, rows, loop.create_future())
        self._queue.append(submission)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.ensure_future(self._run())
        patience = loop.call_later(PATIENCE_SECONDS, _give_up, submission)
        try:
            return await asyncio.shield(submission.answer)
        finally:
            patience.cancel()

    async def _run(self) -> None:
        """Batches until nobody waits."""
        while self._queue:
            # Not all of a long queue: while the database works for one half, this process works for the other.
            many = min(MOST, max(FEW, -(-len(self._queue) // 2)))
            batch = [self._queue.popleft() for _ in range(min(many, len(self._queue)))]
            try:
                await self._flush(batch)
            except Exception as error:  # whatever it was, everybody is answered
                log.exception("lane_failed", submissions=len(batch))
                for submission in batch:
                    _fail(submission, error)

    async def _flush(self, batch: Sequence[_Submission], doubted: Sequence[UUID] = ()) -> None:
        """Answer every member, by one commit if nobody misses. `doubted`: the end of an attempt before is unknown."""
        # A half needs a write that is its own: the other half's may have been for nothing.
        again: list[UUID] = [*doubted, new_id()] if doubted else []
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
                    await self._flush(batch[:middle], again)
                    await self._flush(batch[middle:], again)
                    return
                elif error.locked:
                    _tell(batch[0], Verdict(Outcome.CONFLICT, "busy"))
                    return
                else:
                    _fail(batch[0], error.cause)
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


def _request(batch: Sequence[_Submission], again: Sequence[UUID]) -> store.Batch:
    """The batch as the database function takes it: each statement once for all, unless somebody's order forbids."""
    shapes = [tuple(rider.write.sql for rider in submission.riders) for submission in batch]
    statements = in_order(shapes)
    rows: list[list[str]] = [[] for _ in statements]
    names: list[list[tuple[int, str]]] = [[] for _ in statements]
    for n, (submission, shape) in enumerate(zip(batch, shapes, strict=True)):
        step = 0
        for rider, row, sql in zip(submission.riders, submission.rows, shape, strict=True):
            step = statements.index(sql, step)
            rows[step].append(f'{{"n":{n + 1},"i":{len(rows[step])},{row[1:]}')
            names[step].append((n, rider.name))
    return store.Batch(
        submissions=[submission.id for submission in batch],
        postings=[submission.posting for submission in batch],
        statements=statements,
        rows=["[" + ",".join(step) + "]" for step in rows],
        names=names,
        fences=again,
    )


def in_order(shapes: Sequence[tuple[str, ...]]) -> list[str]:
    """One row of statements that holds each shape's own in that shape's order.

    What a rider needs of one before it (a row to refer to, a counter) is there by then. Where two shapes disagree, a
    statement comes twice.
    """
    steps: list[str] = []
    for shape in sorted(dict.fromkeys(shapes), key=len, reverse=True):
        last = -1
        for sql in shape:
            if sql in steps[max(last, 0) :]:
                last = steps.index(sql, max(last, 0))
            else:
                last += 1
                steps.insert(last, sql)
    return steps


def _tell(submission: _Submission, verdict: Verdict) -> None:
    if not submission.answer.done():
        submission.answer.set_result(verdict)


def _fail(submission: _Submission, error: BaseException) -> None:
    # Who gave up while it was in flight has its answer.
    if not submission.answer.done():
        submission.answer.set_exception(error)


def _give_up(submission: _Submission) -> None:
    _fail(submission, _busy())


def _busy() -> Refusal:
    return Refusal(Kind.BUSY, "Too much at once. Ask again with the same Idempotency-Key.", retry_after=1)
