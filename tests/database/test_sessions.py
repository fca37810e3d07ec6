"""Sessions: what a reader sees, and connections that died while they rested."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from tidegate import database
from tidegate.database import Database


async def backend(db: Database) -> int:
    async with db.reading() as session:
        return int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def test_a_connection_that_the_server_closed_while_it_rested_is_never_used(
    db: Database, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    first = await backend(db)
    await superuser.execute("SELECT pg_terminate_backend($1, 5000)", first)
    async with asyncio.timeout(5):
        while (await superuser.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", first)) > 0:
            await asyncio.sleep(0)
    assert await backend(db) != first


async def test_a_connection_that_rested_for_long_is_asked_whether_it_lives_before_it_is_used(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await backend(db)
    assert await backend(db) == first, "one that was just used is not"
    async with db.engine.connect() as connection:
        kind = type((await connection.get_raw_connection()).dbapi_connection)
    asked = 0

    def silent_at_first(_connection: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OSError("no answer")

    monkeypatch.setattr(database, "_TRUSTED_SECONDS", 0.0)
    monkeypatch.setattr(kind, "ping", silent_at_first)
    assert await backend(db) != first


async def test_a_snapshot_sees_one_state_and_a_reader_what_is_committed_by_then(db: Database) -> None:
    count = text("SELECT count(*) FROM books_checks")
    add = text("INSERT INTO books_checks (id, at, verdict, report) VALUES (gen_random_uuid(), now(), 'exact', '{}')")
    async with db.snapshot() as still, db.reading() as live:
        before = (await still.execute(count)).scalar_one()
        assert (await live.execute(count)).scalar_one() == before
        async with db.transaction() as session:
            await session.execute(add)
        assert (await still.execute(count)).scalar_one() == before
        assert (await live.execute(count)).scalar_one() == before + 1
