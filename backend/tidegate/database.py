"""The one shared thing: PostgreSQL. Engine, sessions, constraint names, the Units domain, ids, riders."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Executable, MetaData, Numeric
from sqlalchemy.dialects.postgresql import DOMAIN, JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.operators import OperatorClass
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


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


@dataclass(frozen=True, slots=True)
class Rider:
    """A small guarded write that travels in somebody else's commit (HOUSE.md).

    `rows` is how many rows it must touch; any other count is a conflict, told by `name`, and nothing is committed.
    """

    name: str
    statement: Executable
    rows: int | None = 1


def new_id() -> uuid.UUID:
    """A UUIDv7: time-ordered, so that indexes grow at one end."""
    return uuid7()


def utcnow() -> datetime:
    """Now, for the edges only: rules take `now` as an argument."""
    return datetime.now(UTC)


class Database:
    """Engine and sessions of one process. `transaction()` is the only way to write outside the ledger's lane."""

    def __init__(self, url: str, *, pool_size: int = 10, application: str = "tidegate") -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={
                "server_settings": {
                    "application_name": application,
                    "idle_in_transaction_session_timeout": "30000",
                    "lock_timeout": "15000",
                }
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Begin, yield, commit; roll back on any exception. The commit is never cancelled from outside."""
        session = self._sessions()
        try:
            await session.begin()
            yield session
            # A cancelled commit is an unknown commit (security.md finding 8): let it finish.
            await _uncancelled(session.commit())
        finally:
            await _uncancelled(session.close())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reading only; whatever it wrote is rolled back."""
        session = self._sessions()
        try:
            yield session
        finally:
            await _uncancelled(session.close())

    async def close(self) -> None:
        await self.engine.dispose()


async def _uncancelled(work: Any) -> None:
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def ride(session: AsyncSession, riders: Sequence[Rider]) -> Rider | None:
    """Run riders in order in the caller's transaction; the first that misses is returned and the caller rolls back."""
    for rider in riders:
        result = await session.execute(rider.statement)
        touched: int = result.rowcount  # type: ignore[attr-defined]  # every rider is DML, so the result is a CursorResult
        if rider.rows is not None and touched != rider.rows:
            return rider
    return None
