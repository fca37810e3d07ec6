"""The one shared thing: PostgreSQL. Engine, sessions, constraint names, the Units domain, ids, riders."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec
from sqlalchemy import URL, ColumnElement, DateTime, FromClause, MetaData, Numeric, event, text
from sqlalchemy.dialects.postgresql import DOMAIN, JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.operators import OperatorClass
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

from tidegate import clock, commits

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


_K = TypeVar("_K")
_V = TypeVar("_V")
_TIME_SECONDS = 20.0
LOOK_SECONDS = 5.0
"""A look-up by key that takes longer is given up: the server does not answer."""


class Units(TypeDecorator[int]):
    """Base units: the domain `units`, unconstrained numeric that holds only whole numbers below 1e60.

    A type modifier would round silently and BIGINT holds 9 ETH in wei (docs/decisions, HOUSE.md).
    """

    impl = DOMAIN("units", Numeric(asdecimal=True), create_type=False)
    cache_ok = True
    operator_classes = OperatorClass.NUMERIC

    def process_bind_param(self, value: int | None, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def process_result_value(self, value: Decimal | None, dialect: Any) -> int | None:
        return None if value is None else int(value)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}  # noqa: RUF012  SQLAlchemy's own attribute


_Row = TypeVar("_Row", bound=Base)


def fresh(table: type[_Row], **values: Any) -> _Row:
    """A new row of which everything can be read once its commit is over: what may be empty and is not given is."""
    empty = {one.key: None for one in table.__mapper__.column_attrs if one.columns[0].nullable}
    return table(**empty | values)


def as_written(row: _Row, values: Mapping[str, Any]) -> _Row:
    """The row as a commit left it that changed exactly these of it."""
    return type(row)(**{one.key: getattr(row, one.key) for one in row.__mapper__.column_attrs} | dict(values))


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that serves many riders of one kind at once.

    `sql` takes one parameter, `$1 jsonb`: an array of objects, each with the rider's values and its number `i`. It answers
    with one `int[]`: the numbers of those that took effect; the others missed. It is as exact as its rows one after the
    other: two that want the same target are both counted, or at least one of them is missed, never half.
    """

    sql: str


@dataclass(frozen=True, slots=True)
class Rider:
    """A small guarded write that travels in somebody else's commit, with others of its kind (HOUSE.md).

    When it misses it is a conflict, told by `name`, and nothing of its submission is committed.
    """

    name: str
    write: Write
    values: Mapping[str, Any]


@cache
def inserting(table: FromClause, *, key: tuple[str, ...], again: bool = False) -> Write:
    """Insert whole rows; misses where any unique index objects, or with `again` is content with what is there.

    `key` tells rows of the table apart and is never null.
    """
    columns = list(table.columns)
    names, keys = _names(column.name for column in columns), _names(key)
    # Of two rows with one key in a batch the first is written, and the second must be told apart from it.
    return Write(
        f"WITH r AS (SELECT DISTINCT ON ({keys}) * FROM {rows_of(columns)} ORDER BY {keys}, i), "  # noqa: S608  names of our own tables
        f"done AS (INSERT INTO {table.description} ({names}) SELECT {names} FROM r ON CONFLICT DO NOTHING "
        f"RETURNING {keys}) SELECT array_agg(r.i) FROM r{'' if again else f' JOIN done USING ({keys})'}"
    )


@cache
def updating(
    table: FromClause,
    *,
    guards: tuple[str, ...],
    columns: tuple[str, ...],
    counted: str | None = None,
    also: str = "true",
) -> Write:
    """Update one row, found by its guards as they were read (values `was_<name>`, never null); `counted` goes up by one.

    `also` is a condition in SQL on the row `t`. Of two that want the same row at once one is missed.
    """
    found = [table.columns[name] for name in columns]
    before = [f'"was_{name}" {_type(table.columns[name])}' for name in guards]
    changes = [f'"{name}" = r."{name}"' for name in columns] + ([f'"{counted}" = t."{counted}" + 1'] if counted else [])
    where = " AND ".join(f't."{name}" = r."was_{name}"' for name in guards)
    return Write(
        f"WITH r AS (SELECT * FROM {rows_of(found, *before)}), "  # noqa: S608  names of our own tables
        f"done AS (UPDATE {table.description} t SET {', '.join(changes)} FROM r WHERE {where} AND {also} RETURNING r.i) "
        f"SELECT array_agg(i) FROM done"
    )


@cache
def holding(table: FromClause, *, guards: tuple[str, ...]) -> Write:
    """Change nothing: the row is found by its guards (values `was_<name>`), and stays as it is until this commit is over.

    Any number may hold the same row at once.
    """
    before = [f'"was_{name}" {_type(table.columns[name])}' for name in guards]
    where = " AND ".join(f't."{name}" = r."was_{name}"' for name in guards)
    return Write(
        f"WITH r AS (SELECT * FROM {rows_of((), *before)}), "  # noqa: S608  names of our own tables
        f"held AS (SELECT r.i FROM r JOIN {table.description} t ON {where} FOR SHARE OF t) "
        f"SELECT array_agg(i) FROM held"
    )


@cache
def adding(table: FromClause, *, key: tuple[str, ...], column: str, capped: bool = False) -> Write:
    """Add to a counter, made where it is new. `capped`: misses where it would then be above the rider's `cap`.

    Those of one counter are added together: all of them within the lowest cap, or each misses and is asked again alone.
    """
    names = _names(key)
    same = " AND ".join(f'a."{name}" = c."{name}"' for name in key)
    fits = f"<= (SELECT a.cap FROM asked a WHERE {same})" if capped else "IS NOT NULL"  # noqa: S608  names of our own tables
    columns = [table.columns[name] for name in (*key, column)]
    # In order of the keys, so that two batches never wait for each other.
    return Write(
        f"WITH r AS (SELECT * FROM {rows_of(columns, 'cap numeric')}), "  # noqa: S608  names of our own tables
        f"asked AS (SELECT {names}, sum({column}) AS {column}, min(cap) AS cap FROM r GROUP BY {names} ORDER BY {names}), "
        f"done AS (INSERT INTO {table.description} AS c ({names}, {column}) "
        f"SELECT {names}, {column} FROM asked{f' WHERE {column} <= cap' if capped else ''} "
        f"ON CONFLICT ({names}) DO UPDATE SET {column} = c.{column} + excluded.{column} "
        f"WHERE c.{column} + excluded.{column} {fits} RETURNING {names}) "
        f"SELECT array_agg(r.i) FROM r JOIN done USING ({names})"
    )


def rows_of(columns: Sequence[ColumnElement[Any]], *more: str) -> str:
    """`jsonb_to_recordset` over `$1` for these columns, as a FROM item. `more`: "name type"."""
    typed = [f'"{column.name}" {_type(column)}' for column in columns]
    return f"jsonb_to_recordset($1::jsonb) AS rows(i int, {', '.join([*typed, *more])})"


_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects are untyped


def _type(column: ColumnElement[Any]) -> str:
    # A foreign key has the type of a column that may be loaded later: ask for a Write when it is used, not on import.
    return column.type.compile(dialect=_DIALECT)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def row_json(values: Mapping[str, Any]) -> str:
    """A rider's values as a JSON object that PostgreSQL reads back exactly: integers of any size, bytes as bytea's hex.

    Raises for what it would not: floats, times without a zone, decimals that are no number, text that is no Unicode.
    """
    kinds = set(map(type, values.values()))
    if kinds & _CAREFUL:
        for value in values.values():
            kind = type(value)
            if kind is float or (kind is Decimal and not value.is_finite()):
                raise TypeError(kind.__name__)
            if kind is datetime and value.tzinfo is None:
                raise ValueError("a time without a zone")
    if bytes in kinds:
        values = {name: "\\x" + value.hex() if type(value) is bytes else value for name, value in values.items()}
    return _ENCODE(values).decode()


_CAREFUL = frozenset({float, Decimal, datetime})


def _plain(value: Any) -> Any:
    """What the encoder does not know: the driver's own kind of UUID."""
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(type(value).__name__)


_ENCODE = msgspec.json.Encoder(enc_hook=_plain).encode


def new_id() -> uuid.UUID:
    """A UUIDv7: time-ordered, so that indexes grow at one end."""
    return uuid7()


def utcnow() -> datetime:
    """Now, by the database's clock, for the edges only: rules take `now` as an argument."""
    return clock.now()


_TRUSTED_SECONDS = 5.0
"""A connection that was used so recently and is still open is not asked whether it lives: that is a round trip."""


def _used(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _taken_out(connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
    """Instead of SQLAlchemy's question at every checkout. A server that ended has closed its sockets; one that fell silent
    is found out by asking."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
    if time.monotonic() - record.info["used"] > _TRUSTED_SECONDS:
        try:
            connection.ping()
        except Exception as error:  # whatever it was: a new connection mends it, or says itself what is wrong
            raise InvalidatePoolError from error


def engine_to(url: URL | str, **options: Any) -> AsyncEngine:
    """An engine whose idle connections are known to live before they are used, at the least cost."""
    engine = create_async_engine(url, pool_use_lifo=True, **options)
    event.listen(engine.sync_engine, "connect", _used)
    event.listen(engine.sync_engine, "checkin", _used)
    event.listen(engine.sync_engine, "checkout", _taken_out)
    return engine


def _checked(connection: Any, record: ConnectionPoolEntry) -> None:
    commits.listen(connection.driver_connection, record.info)
    commits.first(*connection.run_async(lambda driver: driver.fetchrow(commits.FIRST)))


_HERE = "database"


def database_of(session: AsyncSession) -> "Database":
    """The database that this session was opened on."""
    found = session.info[_HERE]
    assert isinstance(found, Database)
    return found


class Database:
    """Engine and sessions of one process. `transaction()` is the only way to write outside the ledger's lane."""

    def __init__(self, url: str, *, pool_size: int = 10, application: str = "tidegate") -> None:
        self.engine = engine_to(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            connect_args={
                "server_settings": {
                    "application_name": application,
                    "idle_in_transaction_session_timeout": "30000",
                    "lock_timeout": "10000",
                    # Anybody may switch it off for himself: money is on disk, and on the standby, before it is told.
                    "synchronous_commit": "on",
                }
            },
        )
        event.listen(self.engine.sync_engine, "connect", _checked)
        # Each statement for itself, as PostgreSQL does it unasked: a BEGIN and a ROLLBACK would be two round trips more.
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        frozen = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        here = {_HERE: self}
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, info=here)
        self._readers = async_sessionmaker(alone, expire_on_commit=False, autoflush=False, info=here)
        self._snapshots = async_sessionmaker(frozen, expire_on_commit=False, autoflush=False, info=here)
        self._application = application
        self.closing: list[Callable[[], Awaitable[None]]] = []
        """What ends before the engine does: whoever holds a connection of its own."""
        self._looks: dict[Any, Together[Any, Any]] = {}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Begin, yield, commit; roll back on any exception. The commit is never cancelled from outside.

        Raises Unacknowledged when the server did not wait for its standby; whoever is in here acts outside only after.
        """
        session = self._sessions()
        try:
            await session.begin()
            yield session
            # A cancelled commit is an unknown commit (security.md finding 8): let it finish.
            await _uncancelled(_commit(session))
        finally:
            await _uncancelled(session.close())

    async def acknowledged(self) -> None:
        """Return when whatever is visible by now is as safe as a commit that was acknowledged. Raises as `transaction`.

        For one who is about to repeat an answer that was stored: its commit may never have been acknowledged.
        """
        async with self.transaction() as session:
            await session.execute(text(commits.MARK))

    async def keep_time(self) -> None:
        """For ever: hear what time it is, so that our steady clock and the database's do not drift apart."""
        while True:
            with suppress(OSError, SQLAlchemyError, TimeoutError):
                async with self.reading() as session:
                    said, durable = (await session.execute(text(commits.FIRST))).one()
                commits.first(said, durable)
            await asyncio.sleep(_TIME_SECONDS)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reading only, outside any transaction: each statement sees what is committed by then."""
        session = self._readers()
        try:
            yield session
        finally:
            await _uncancelled(session.close())

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session for reading only, which sees one state of everything however many statements it takes."""
        session = self._snapshots()
        try:
            yield session
        finally:
            await _uncancelled(session.close())

    def ask(self, look: "Look[_K, _V]", key: _K) -> "asyncio.Future[_V | None]":
        """What `look` finds for `key`, or None; together with everybody who asks the same at the same time."""
        together = self._looks.get(look)
        if together is None:
            together = self._looks[look] = Together(self, look)
            self.closing.append(together.close)
        return together.get(key)

    async def direct(self, *, lock_seconds: float) -> "asyncpg.Connection[Any]":
        """A connection outside the pool, the caller's to close: for one who must see the server's warnings and errors."""
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
            server_settings={
                "application_name": self._application,
                "lock_timeout": f"{int(lock_seconds * 1000)}",
                # Anybody may switch it off for himself: money is on disk, and on the standby, before it is told.
                "synchronous_commit": "on",
            },
        )
        try:
            answer = await connection.fetchrow(commits.FIRST)
            assert answer is not None
            commits.first(*answer)
        except BaseException:
            # A cancelled start too: nobody else knows of this connection yet, so nobody else would ever close it.
            connection.terminate()
            raise
        return connection

    async def close(self) -> None:
        for close in self.closing:
            await close()
        await self.engine.dispose()


Look = Callable[["asyncpg.Connection[Any]", Sequence[_K]], Awaitable[Mapping[_K, _V]]]
"""Reads what it finds for these keys, in one query. For reading only: it may be run a second time."""


class Together(Generic[_K, _V]):
    """Look-ups of one kind that are asked for at once travel in one query; those that wait while it runs go in the next.

    Never remembers: every look-up reads after it was asked for. It keeps a connection of its own, outside any transaction.
    """

    def __init__(self, db: Database, look: Look[_K, _V], *, most: int = 256) -> None:
        self._db = db
        self._look = look
        self._most = most
        self._waiting: list[tuple[_K, asyncio.Future[_V | None]]] = []
        self._runner: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection[Any] | None = None

    def get(self, key: _K) -> "asyncio.Future[_V | None]":
        """What the look finds for this key, or None. Raises what the database raised."""
        answer: asyncio.Future[_V | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.ensure_future(self._run())
        return answer

    async def close(self) -> None:
        """Let whoever still waits be answered, and the connection go."""
        if self._runner is not None:
            await asyncio.gather(self._runner, return_exceptions=True)
        self._drop()

    async def _run(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            keys = list(dict.fromkeys(key for key, _ in asked))
            try:
                found = await self._read(keys)
            except Exception as error:  # noqa: BLE001  everybody who asked is told
                for _, answer in asked:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for key, answer in asked:
                    if not answer.done():
                        answer.set_result(found.get(key))

    async def _read(self, keys: Sequence[_K]) -> Mapping[_K, _V]:
        """Once more on a new connection when the old one is gone: reading twice changes nothing."""
        known = self._connection is not None and not self._connection.is_closed()
        try:
            return await self._once(keys)
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            self._drop()
            if not known:
                raise
            return await self._once(keys)

    async def _once(self, keys: Sequence[_K]) -> Mapping[_K, _V]:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._db.direct(lock_seconds=LOOK_SECONDS)
                return await self._look(self._connection, keys)
        except TimeoutError:  # the server is frozen, or gone without a word
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def away(error: BaseException) -> bool:
    """Whether the database could not be reached, or was lost on the way: the same asked again may pass."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return error.connection_invalidated or (cause is not None and away(cause))
    known = asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError
    return isinstance(error, (ConnectionError, TimeoutError, PoolTimeout, *known))


async def _commit(session: AsyncSession) -> None:
    """Until it is acknowledged; cut off after commits.SECONDS, which is unknown too."""
    connection = (await session.connection()).sync_connection
    assert connection is not None
    driver, info = connection.connection.driver_connection, connection.info
    assert driver is not None
    before = commits.warnings(info)
    late = asyncio.get_running_loop().call_later(commits.SECONDS, driver.terminate)
    try:
        await session.commit()
    finally:
        late.cancel()
    if commits.warnings(info) > before:
        raise commits.Unacknowledged("the server stopped waiting for its standby")


async def _uncancelled(work: Any) -> None:
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def ride(session: AsyncSession, riders: Sequence[Rider]) -> Rider | None:
    """Run riders in order in the caller's transaction; the first that misses is returned and the caller rolls back.

    Neighbours of one kind travel in one statement.
    """
    await session.flush()
    connection = await session.connection()
    for sql, group in groupby(riders, key=lambda rider: rider.write.sql):
        some = list(group)
        rows = ",".join(f'{{"i":{n},{row_json(rider.values)[1:]}' for n, rider in enumerate(some))
        done = set((await connection.exec_driver_sql(sql, (f"[{rows}]",))).scalar_one() or ())
        missed = next((rider for n, rider in enumerate(some) if n not in done), None)
        if missed is not None:
            return missed
    return None


async def ride_all(session: AsyncSession, riders: Sequence[Rider]) -> list[Rider]:
    """Run riders of one kind in one statement in the caller's transaction; those that missed. None of them: nothing."""
    if not riders:
        return []
    await session.flush()
    connection = await session.connection()
    rows = ",".join(f'{{"i":{i},{row_json(rider.values)[1:]}' for i, rider in enumerate(riders))
    done = (await connection.exec_driver_sql(riders[0].write.sql, (f"[{rows}]",))).scalar_one()
    took = set(done or ())
    return [rider for i, rider in enumerate(riders) if i not in took]
