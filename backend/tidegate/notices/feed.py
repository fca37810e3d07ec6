"""One LISTEN connection a process, fanned out to its streams. A notification is only a wake-up: rows are the news."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import structlog

from tidegate.config import Settings
from tidegate.database import Database
from tidegate.outbox.events import CHANNEL

log = structlog.get_logger(__name__)

CHECK_SECONDS = 10.0
"""A half-open connection is never noticed by itself (asyncpg 519): it is asked this often."""
PATIENCE_SECONDS = 5.0
AGAIN_SECONDS = 1.0
MOST_STREAMS = 2000
"""In one process."""
MOST_OF_ONE = 24
"""Of one user: four browsers at HTTP/1.1's six connections."""


class Feed:
    """Wakes the streams of a user when something of theirs was committed. `run` for as long as the process lives."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.db = db
        self.settings = settings
        self.connected = False
        self.closing = False
        self._bells: dict[uuid.UUID, set[asyncio.Event]] = {}

    async def run(self) -> None:
        """Listen, and listen again whenever the connection is lost. Ends by cancellation, and with it every stream."""
        try:
            while not self.closing:
                try:
                    await self._listen()
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                    log.warning("feed_lost", error=type(error).__name__)
                self.connected = False
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self.close()

    async def _listen(self) -> None:
        dsn = self.db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(
            dsn, timeout=PATIENCE_SECONDS, server_settings={"application_name": "tidegate-feed"}
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self.connected = True
            # Whatever was committed while nobody listened.
            self._ring_all()
            while not self.closing and not lost.is_set():
                try:
                    async with asyncio.timeout(CHECK_SECONDS):
                        await lost.wait()
                except TimeoutError:
                    await connection.fetchval("SELECT 1", timeout=PATIENCE_SECONDS)
        finally:
            self.connected = False
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        if not self._bells:
            return
        for part in str(payload).split(","):
            try:
                user_id = uuid.UUID(part)
            except ValueError:
                continue
            for bell in self._bells.get(user_id, ()):
                bell.set()

    def _ring_all(self) -> None:
        for bells in self._bells.values():
            for bell in bells:
                bell.set()

    def close(self) -> None:
        """End every stream now. Call it when the process is asked to stop: servers wait for open streams."""
        self.closing = True
        self.connected = False
        self._ring_all()

    def full(self, user_id: uuid.UUID) -> bool:
        """No more streams, of this user or at all."""
        mine = len(self._bells.get(user_id, ()))
        return mine >= MOST_OF_ONE or self.streams() >= MOST_STREAMS

    def streams(self) -> int:
        """How many streams this process serves now."""
        return sum(map(len, self._bells.values()))

    @contextmanager
    def subscribed(self, user_id: uuid.UUID) -> Iterator[asyncio.Event]:
        """An event that is set when something of this user was committed, from now on."""
        bell = asyncio.Event()
        self._bells.setdefault(user_id, set()).add(bell)
        try:
            yield bell
        finally:
            bells = self._bells[user_id]
            bells.discard(bell)
            if not bells:
                del self._bells[user_id]
