"""A small honest ledger that attacks are tried on, and what it looks like when nothing happened to it."""

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import ROLES, as_login
from tidegate.database import Database
from tidegate.ledger import proof
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting, customer, house, transfers
from tidegate.roles import Duty

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any]
else:
    Connection = asyncpg.Connection


async def book(lane: Lane) -> uuid.UUID:
    """Somebody with a deposit, a fee paid and a hold, beside the house's own movements."""
    owner = uuid.uuid4()
    hot = house("wallet:hot", "BTC", "bitcoin")
    available, held = customer(owner, "available", "BTC"), customer(owner, "held", "BTC")
    for n, group in enumerate(
        (
            transfers((hot, house("capital", "BTC"), 1_000, "operator funds")),
            transfers((hot, available, 500, "deposit credited")),
            transfers((available, held, 100, "accepted"), (held, house("charged:network", "BTC"), 10, "fee")),
            transfers((house("liquidity", "USDT"), customer(owner, "available", "USDT"), 70, "executed")),
        )
    ):
        assert (await lane.submit(Posting(f"posting {n}", group, "test", owner))).posted
    return owner


async def picture(connection: Connection) -> list[Any]:
    """Every row of the ledger, and its guards' switches."""
    return [
        await connection.fetch("SELECT * FROM ledger_accounts ORDER BY id"),
        await connection.fetch("SELECT * FROM ledger_transfers ORDER BY key, n"),
        await connection.fetch("SELECT tgname, tgenabled FROM pg_trigger ORDER BY oid"),
        await connection.fetch(
            "SELECT relname, relacl::text, relowner FROM pg_class WHERE relname LIKE 'ledger%' ORDER BY 1"
        ),
    ]


async def as_duty(url: str, duty: Duty) -> Connection:
    return await asyncpg.connect(as_login(url, ROLES.login(duty)))


async def as_owner(url: str) -> Connection:
    """As the migrator can, and nobody else."""
    connection = await as_duty(url, "migrator")
    await connection.execute(f"SET ROLE {ROLES.owner}")
    return connection


async def let_through(
    connection: Connection, attacks: Iterable[str], refusals: type[Exception] | tuple[type[Exception], ...]
) -> list[str]:
    """Those attacks that were not refused in one of these ways, each with what happened instead."""
    wrong = []
    for attack in attacks:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(attack)
            wrong.append(f"{attack}: let through")
        except refusals:
            pass
        except asyncpg.PostgresError as error:
            wrong.append(f"{attack}: {type(error).__name__} {error}")
        finally:
            await transaction.rollback()
    return wrong


async def findings(db: Database) -> dict[str, list[str]]:
    """By check, what the proof found."""
    async with db.reading() as session:
        return {name: [one.detail for one in wrong] async for name, wrong in proof.prove(session) if wrong}


@asynccontextmanager
async def undone(db: Database) -> AsyncIterator[AsyncSession]:
    """A transaction that is rolled back at its end: whoever falsifies in it leaves an honest ledger."""
    async with AsyncSession(db.engine, expire_on_commit=False) as session:
        await session.begin()
        yield session
        await session.rollback()
