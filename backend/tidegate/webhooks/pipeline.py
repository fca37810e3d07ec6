"""Worker steps of the room: whose turn it is. A receiver that is slow or dead holds one seat of those that fail."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tidegate.database import utcnow
from tidegate.outbox import log as events
from tidegate.queue import Lease
from tidegate.webhooks import rules, store, turn
from tidegate.webhooks.courier import Courier

log = structlog.get_logger(__name__)

SEATS = {False: 16, True: 4}
"""Turns at once in one worker: of endpoints whose last message was taken, and of those that fail."""


class Rounds:
    """Turns under way in this process. Nothing in it matters: leases are in the database."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self._under_way: dict[bool, set[asyncio.Task[None]]] = {False: set(), True: set()}

    async def healthy(self) -> int:
        """Begin turns of endpoints that take what they are sent; how many."""
        async with self._courier.db.transaction() as session:
            await store.wake(session, newer=events.newer, now=utcnow())
        return await self._begin(failing=False)

    async def failing(self) -> int:
        """Begin turns of the others, after their pauses; how many."""
        return await self._begin(failing=True)

    async def _begin(self, *, failing: bool) -> int:
        mine = self._under_way[failing]
        free = SEATS[failing] - len(mine)
        if free <= 0:
            return 0
        async with self._courier.db.transaction() as session:
            leases = await store.claim(session, failing=failing, now=utcnow(), seconds=turn.LEASE_SECONDS, limit=free)
        for lease in leases:
            task = asyncio.ensure_future(self._turn(lease))
            mine.add(task)
            task.add_done_callback(mine.discard)
        return len(leases)

    async def _turn(self, lease: Lease) -> None:
        try:
            await turn.take(self._courier, lease)
        except (OSError, SQLAlchemyError) as error:
            log.warning("webhook_turn_lost", endpoint=str(lease.id), reason=type(error).__name__)
        except (
            Exception
        ):  # one endpoint's trouble must not stop the others; its lease runs out and it is looked at again
            log.exception("webhook_turn_failed", endpoint=str(lease.id))

    async def rest(self) -> None:
        """Wait for the turns under way: each ends within its own time."""
        while tasks := [*self._under_way[False], *self._under_way[True]]:
            await asyncio.wait(tasks)


async def forget(courier: Courier) -> None:
    """Worker step: drop deliveries that nobody can look up any more."""
    async with courier.db.transaction() as session:
        await store.forget(session, before=utcnow() - rules.KEPT)
