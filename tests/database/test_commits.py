"""Every connection of ours waits for what it commits, whatever was set for the role, and none that does not is used."""

import asyncpg
import pytest

from tests.conftest import SERVING
from tidegate import commits
from tidegate.commits import NotDurable
from tidegate.database import Database, away


async def test_a_role_that_had_waiting_switched_off_waits_all_the_same(
    superuser: "asyncpg.Connection[asyncpg.Record]", db: Database
) -> None:
    await superuser.execute(f"ALTER ROLE {SERVING} SET synchronous_commit = off")
    try:
        async with db.transaction() as session:
            raw = await (await session.connection()).get_raw_connection()
            assert raw.driver_connection is not None
            assert await raw.driver_connection.fetchval("SHOW synchronous_commit") == "on"
        direct = await db.direct(lock_seconds=1)
        assert await direct.fetchval("SHOW synchronous_commit") == "on"
        await direct.close()
    finally:
        await superuser.execute(f"ALTER ROLE {SERVING} RESET synchronous_commit")


async def test_a_connection_on_which_that_was_lost_is_refused(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pooler that does not pass on what a client asks for at its start."""
    monkeypatch.setattr(commits, "FIRST", "SELECT clock_timestamp(), 'off'")
    with pytest.raises(NotDurable) as told:
        async with db.transaction() as session:
            await session.connection()
    assert away(told.value)
    with pytest.raises(NotDurable):
        await db.direct(lock_seconds=1)
