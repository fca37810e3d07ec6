"""Look-ups that are asked for at once: one query, nothing remembered, and a lost connection is only a delay."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from tidegate import database
from tidegate.database import Database


class Looks:
    """A look that counts its queries; finds twice the key for keys above zero."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    async def __call__(self, connection: "asyncpg.Connection[Any]", keys: Sequence[int]) -> dict[int, int]:
        self.asked.append(sorted(keys))
        rows = await connection.fetch("SELECT k, 2 * k AS twice FROM unnest($1::int[]) k WHERE k > 0", list(keys))
        return {row["k"]: row["twice"] for row in rows}


async def test_what_is_asked_at_once_is_one_query_and_everybody_gets_their_own(db: Database) -> None:
    looks = Looks()
    assert await asyncio.gather(*(db.ask(looks, key) for key in (3, 1, 3, -1))) == [6, 2, 6, None]
    assert looks.asked == [[-1, 1, 3]]


async def test_what_is_asked_while_a_query_runs_goes_in_the_next_one(db: Database) -> None:
    looks = Looks()
    first = db.ask(looks, 1)
    while not looks.asked:
        await asyncio.sleep(0)
    later = [db.ask(looks, key) for key in (2, 3)]
    assert await asyncio.gather(first, *later) == [2, 4, 6]
    assert looks.asked == [[1], [2, 3]]


async def test_nothing_is_remembered(db: Database, superuser_db: Database) -> None:
    async def users(connection: "asyncpg.Connection[Any]", keys: Sequence[str]) -> dict[str, int]:
        return {"all": await connection.fetchval("SELECT count(*) FROM role_permissions WHERE role = 'made just now'")}

    assert await db.ask(users, "all") == 0
    async with superuser_db.transaction() as session:
        await session.execute(text("INSERT INTO roles (name) VALUES ('made just now')"))
        await session.execute(text("INSERT INTO role_permissions (role, permission) VALUES ('made just now', 'any')"))
    assert await db.ask(users, "all") == 1


async def test_a_connection_that_was_lost_is_made_anew(db: Database) -> None:
    async def backend(connection: "asyncpg.Connection[Any]", keys: Sequence[int]) -> dict[int, int]:
        return {0: await connection.fetchval("SELECT pg_backend_pid()")}

    first = await db.ask(backend, 0)
    async with db.reading() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
    second = await db.ask(backend, 0)
    assert second is not None
    assert second != first


async def test_a_query_that_fails_is_told_to_everybody_who_asked_and_to_nobody_after_them(db: Database) -> None:
    broken = True

    async def look(connection: "asyncpg.Connection[Any]", keys: Sequence[int]) -> dict[int, int]:
        await connection.fetchval("SELECT 1 / $1", 0 if broken else 1)
        return {key: key for key in keys}

    answers = await asyncio.gather(*(db.ask(look, key) for key in (1, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncpg.DivisionByZeroError] * 2
    broken = False
    assert await db.ask(look, 3) == 3


async def test_a_server_that_does_not_answer_is_given_up(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleeps(connection: "asyncpg.Connection[Any]", keys: Sequence[int]) -> dict[int, int]:
        await connection.fetchval("SELECT pg_sleep($1)", 600 if keys == [1] else 0)
        return {2: 2}

    monkeypatch.setattr(database, "LOOK_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        await db.ask(sleeps, 1)
    monkeypatch.setattr(database, "LOOK_SECONDS", 30.0)
    assert await db.ask(sleeps, 2) == 2


async def test_a_server_that_takes_a_connection_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def look(connection: "asyncpg.Connection[Any]", keys: Sequence[int]) -> dict[int, int]:
        return {}

    monkeypatch.setattr(database, "LOOK_SECONDS", 0.05)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        db = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{server.sockets[0].getsockname()[1]}/none")
        asked = db.ask(look, 1)
        await asyncio.wait({asked}, timeout=10)
        assert asked.done()
        assert isinstance(asked.exception(), TimeoutError)
        await db.close()
