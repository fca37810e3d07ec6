"""What a lost or doubtful answer of the database means to a caller of the lane: nothing. It is posted once, or it is not.

The cases are those of a failover: a backend ended while it waits for its standby, a network that cuts, a server that
takes no connection, or takes no writes.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import ROLES
from tests.ledger.test_batches import assert_exact, hold, opened, outcomes, released, scalar, standing_by
from tests.stack import free_port
from tidegate.database import Database
from tidegate.ledger import lane as lanes
from tidegate.ledger import store, wire
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, Verdict, customer
from tidegate.ledger.wire import Ended, Unknown, ended
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal

CUTS = 12


async def held(db: Database, user: uuid.UUID) -> int:
    async with db.reading() as session:
        return await balance(session, customer(user, "held", "BTC"))


# --- in the wait for the standby -----------------------------------------------------------------------------------


async def test_a_backend_that_is_ended_in_its_wait_for_the_standby_is_asked_again_and_posts_once(
    admin_url: str, db: Database, lane: Lane
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    async with standing_by(admin_url) as (admin, eventually):
        asked = asyncio.ensure_future(lane.submit(hold(user, 60), [changed(user, "withdrawal", user, 1)]))
        await eventually("SELECT count(*) = 1 {waiting}")
        gone = await admin.fetchval("SELECT array_agg(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        await admin.execute("SELECT pg_terminate_backend(p) FROM unnest($1::int[]) p", gone)
        # Visible here and on no standby: the second asking waits for it with a write of its own.
        await eventually(f"SELECT count(*) = 1 {{waiting}} AND pid <> ALL (ARRAY{gone}::int[])")
        assert await held(db, user) == 60
        assert not asked.done()
        await released(admin)
        assert await asked == Verdict(Outcome.POSTED)
    assert await scalar(db, "SELECT count(*) FROM events") == 1
    assert await held(db, user) == 60
    await assert_exact(db)


# --- what an error says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.QueryCanceledError("canceling statement due to user request"),
        asyncpg.InternalServerError("could not write"),
        asyncpg.InterfaceError("connection is closed"),
        TimeoutError(),
        ConnectionResetError(),
        OSError("no route to host"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_does_not_say_so_may_have_been_applied(error: Exception) -> None:
    assert isinstance(ended(error), Unknown)


@pytest.mark.parametrize(
    ("error", "transient", "unreachable"),
    [
        (asyncpg.ReadOnlySQLTransactionError("this is a standby"), False, True),
        (asyncpg.CannotConnectNowError("the database system is starting up"), False, True),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), False, True),
        (asyncpg.DeadlockDetectedError("deadlock detected"), True, False),
        (asyncpg.SerializationError("could not serialize access"), True, False),
        (asyncpg.UniqueViolationError("duplicate key"), True, False),
        (asyncpg.CheckViolationError("units"), False, False),
        (asyncpg.DivisionByZeroError("division by zero"), False, False),
        (asyncpg.UndefinedTableError("no such table"), False, False),
    ],
    ids=lambda found: type(found).__name__ if isinstance(found, Exception) else "",
)
def test_an_error_that_says_so_was_not_applied(error: Exception, transient: bool, unreachable: bool) -> None:
    found = ended(error)
    assert isinstance(found, Ended)
    assert (found.transient, found.unreachable) == (transient, unreachable)


@pytest.mark.parametrize("applied", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_is_raised_in_place_of_an_answer_everybody_is_told_what_became_of_theirs(
    db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch, error: Exception, applied: bool
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    real, raised = store.run, 0

    async def run(connection: Any, known: Any, batch: store.Batch) -> Sequence[Verdict]:
        nonlocal raised
        raised += 1
        if raised > 1:
            return await real(connection, known, batch)
        if applied:
            await real(connection, known, batch)
        raise error

    monkeypatch.setattr(store, "run", run)
    found = await outcomes(lane, hold(user, 60, "one"), hold(user, 60, "two"), hold(user, 40, "one"), hold(user, 40))
    assert found == [Outcome.POSTED, Outcome.INSUFFICIENT, Outcome.DUPLICATE, Outcome.POSTED]
    assert raised == 2
    assert await held(db, user) == 100
    await assert_exact(db)


# --- the network in between ------------------------------------------------------------------------------------------


class Line:
    """A wire to the server that can be cut, at a port of its own."""

    def __init__(self, url: str) -> None:
        found = urlsplit(url)
        self._there = found.hostname, found.port
        self.port = free_port()
        self.url = found._replace(netloc=f"{found.username}:{found.password}@127.0.0.1:{self.port}").geturl()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def connect(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    def cut(self) -> None:
        """What was on its way in either direction is lost; new connections are taken."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._there)
        both = {writer, far_writer}
        self._writers |= both
        with suppress(OSError):
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        for one in both:
            one.transport.abort()
        self._writers -= both


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    target.close()


@asynccontextmanager
async def by_wire(database_url: str) -> AsyncIterator[tuple[Line, Lane]]:
    """A lane whose connection goes over a line that is not connected yet."""
    line = Line(database_url)
    db = Database(line.url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=1)
    try:
        yield line, Lane(db)
    finally:
        await db.close()
        await line.close()


async def test_a_network_that_cuts_again_and_again_loses_and_doubles_nothing(
    database_url: str, db: Database, lane: Lane
) -> None:
    user, dice = uuid.uuid4(), random.Random(7)
    await opened(lane, user)
    async with by_wire(database_url) as (line, far):
        await line.connect()
        for cut in range(CUTS):
            asked = [asyncio.ensure_future(far.submit(hold(user, 1, f"hold {cut} {n}"))) for n in range(1 + cut % 3)]
            await asyncio.sleep(dice.random() * 0.02)
            line.cut()
            assert {(await one).outcome for one in asked} == {Outcome.POSTED}
    assert await held(db, user) == 2 * CUTS
    await assert_exact(db)


async def test_a_server_that_refuses_connections_is_waited_for(database_url: str, db: Database, lane: Lane) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    async with by_wire(database_url) as (line, far):
        asked = asyncio.ensure_future(far.submit(hold(user, 60)))
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(line.url)
        assert not asked.done()
        await line.connect()
        assert (await asked).posted
    assert await held(db, user) == 60


async def test_who_waited_too_long_for_a_server_is_told_busy_and_nothing_is_posted_late(
    database_url: str, db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = uuid.uuid4()
    await opened(lane, user)
    async with by_wire(database_url) as (line, far):
        with monkeypatch.context() as patch:
            patch.setattr(lanes, "PATIENCE_SECONDS", 0.05)
            with pytest.raises(Refusal) as told:
                await far.submit(hold(user, 60, "late"))
        assert told.value.kind is Kind.BUSY
        await line.connect()
        assert await outcomes(far, hold(user, 30, "next")) == [Outcome.POSTED]
    assert await held(db, user) == 30
    assert await outcomes(lane, hold(user, 60, "late")) == [Outcome.POSTED]


# --- a server that does not take it ----------------------------------------------------------------------------------


def told_of(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when the lane has met this error."""
    met, real = asyncio.Event(), wire.Ended

    def seen(error: BaseException, **words: bool) -> Ended:
        if isinstance(error, kind):
            met.set()
        return real(error, **words)

    # `ended` and `_connected` make them here; who catches them has the class itself.
    monkeypatch.setattr(wire, "Ended", seen)
    return met


async def test_a_server_that_became_read_only_is_left_and_the_next_one_posts(
    superuser_url: str, db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a switchover: the old connection ends, the new one meets a standby until somebody is promoted."""
    user = uuid.uuid4()
    await opened(lane, user)
    admin = await asyncpg.connect(superuser_url)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await admin.execute("SET default_transaction_read_only = off")
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%lane_run%' AND"
        " pid <> pg_backend_pid()",
        name,
    )
    with monkeypatch.context() as patch:
        met = told_of(asyncpg.ReadOnlySQLTransactionError, patch)
        asked = asyncio.ensure_future(lane.submit(hold(user, 60)))
        await asyncio.wait_for(met.wait(), 10)
        assert not asked.done()
    await admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert (await asked).posted
    await admin.close()
    assert await held(db, user) == 60


async def test_a_server_with_no_connection_left_is_waited_for(
    superuser_url: str, db: Database, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, role = uuid.uuid4(), f"r_{uuid.uuid4().hex}"
    await opened(lane, user)
    admin = await asyncpg.connect(superuser_url)
    await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'r' CONNECTION LIMIT 0")
    await admin.execute(f"GRANT {ROLES.of('api')} TO {role}")
    found = urlsplit(superuser_url)
    url = found._replace(scheme="postgresql+asyncpg", netloc=f"{role}:r@{found.hostname}:{found.port}").geturl()
    far = Lane(Database(url, pool_size=1))
    with monkeypatch.context() as patch:
        met = told_of(asyncpg.TooManyConnectionsError, patch)
        asked = asyncio.ensure_future(far.submit(hold(user, 60)))
        await asyncio.wait_for(met.wait(), 10)
        assert not asked.done()
    await admin.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
    assert (await asked).posted
    await far.close()
    assert await held(db, user) == 60
    await admin.execute(f"DROP OWNED BY {role}")
    await admin.execute(f"DROP ROLE {role}")
    await admin.close()
