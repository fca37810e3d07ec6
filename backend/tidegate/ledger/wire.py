"""The lane's own connection: one batch at a time, never cancelled, never timed out by asking the server to stop.

Outcomes (scale.md section 4): a call that is too slow is cut off by closing the socket, because a cancelled commit is
visible here and missing on the standby. Only errors that say so were not applied; everything else is unknown, and so is
a success that came with the server's warning that it stopped waiting for the standby.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from tidegate import commits
from tidegate.database import Database
from tidegate.ledger import store
from tidegate.ledger.rules import AccountRef, Verdict

DEADLINE_SECONDS = commits.SECONDS
CONNECT_SECONDS = 3.0
LOCK_SECONDS = 5.0
"""Nobody holds a row that long but a twin whose end is unknown: its repetition is told `busy`, the others go on."""
_ACCOUNTS_KEPT = 200_000

# Deadlock, serialization failure, a unique race that the next look settles: running again is exact.
_AGAIN = frozenset({"40001", "40P01", "23505"})
_UNREACHABLE = frozenset({"25006", "57P03", "53300"})
# Classes of errors of a statement, raised before its commit: data, integrity, syntax or access, PL/pgSQL, state, limits.
_REFUSED = frozenset({"22", "23", "42", "P0", "55", "0A", "54", "21", "44", "28", "3D", "25", "TG"})


class Unknown(Exception):
    """It may be applied or not: ask again with the same ids."""


class Ended(Exception):
    """It was not applied. `transient`: the same again may pass. `unreachable`: nothing was sent, or nobody may write."""

    def __init__(self, cause: BaseException, *, transient: bool, unreachable: bool, locked: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.transient = transient
        self.unreachable = unreachable
        self.locked = locked


def ended(error: BaseException) -> Ended | Unknown:
    """What an error of the database says about the commit."""
    state = getattr(error, "sqlstate", None)
    if not isinstance(state, str):
        return Unknown(type(error).__name__)
    if state in _AGAIN or state in _UNREACHABLE or state[:2] in _REFUSED:
        return Ended(error, transient=state in _AGAIN, unreachable=state in _UNREACHABLE, locked=state == "55P03")
    return Unknown(state)


class Wire:
    """A connection that is made when it is needed and dropped at the first doubt."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._connection: asyncpg.Connection[Any] | None = None
        self._stopped_waiting = False
        self.accounts: dict[AccountRef, int] = {}
        """Numbers never change while the connection lasts; what is known is not asked for."""

    async def run(self, batch: store.Batch) -> Sequence[Verdict]:
        """One verdict for each submission, after commit. Raises store.Missed, Ended, Unknown."""
        connection = await self._connected()
        if len(self.accounts) > _ACCOUNTS_KEPT:
            self.accounts.clear()
        self._stopped_waiting = False
        task = asyncio.ensure_future(store.run(connection, self.accounts, batch))
        done, _ = await asyncio.wait({task}, timeout=DEADLINE_SECONDS)
        if not done:
            await self._drop(connection)
            await asyncio.gather(task, return_exceptions=True)
            raise Unknown("no answer in time")
        try:
            verdicts = task.result()
        except store.Missed:
            raise
        except Exception as error:
            found = ended(error)
            if isinstance(found, Unknown) or found.unreachable:
                await self._drop(connection)
            raise found from error
        if self._stopped_waiting:
            raise Unknown("the server stopped waiting for its standby")
        return verdicts

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await asyncio.wait_for(connection.close(), 2)
            except Exception:  # noqa: BLE001  a frozen server: nothing is in flight, so the socket may just go
                connection.terminate()

    async def _connected(self) -> "asyncpg.Connection[Any]":
        if self._connection is None or self._connection.is_closed():
            try:
                connection = await asyncio.wait_for(self._db.direct(lock_seconds=LOCK_SECONDS), CONNECT_SECONDS)
                connection.add_log_listener(self._noticed)
            except Exception as error:
                # Nothing was sent on a connection that was never made, or that was gone before it was used.
                raise Ended(error, transient=False, unreachable=True, locked=False) from error
            # It may be another server now, or one put back from a copy, that never heard of the accounts opened last.
            self.accounts.clear()
            self._connection = connection
        return self._connection

    def _noticed(self, _connection: Any, message: Any) -> None:
        self._stopped_waiting |= commits.stopped_waiting(message)

    async def _drop(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = None
        connection.terminate()
        # The transport closes at the loop's next turn.
        await asyncio.sleep(0)
