"""Migrations go up, down and up again, and end where the mapped classes say."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from tests.conftest import alembic_config, on_database


@pytest.fixture
async def empty_url(admin_url: str) -> AsyncIterator[str]:
    connection = await asyncpg.connect(admin_url)
    await connection.execute("DROP DATABASE IF EXISTS migrations_only")
    await connection.execute("CREATE DATABASE migrations_only")
    yield on_database(admin_url, "migrations_only")
    await connection.execute("DROP DATABASE migrations_only WITH (FORCE)")
    await connection.close()


async def test_the_schema_upgrades_downgrades_upgrades_and_shows_no_drift(empty_url: str) -> None:
    config = alembic_config(empty_url)
    await asyncio.to_thread(command.upgrade, config, "head")
    await asyncio.to_thread(command.downgrade, config, "base")
    await asyncio.to_thread(command.upgrade, config, "head")
    # Raises when autogenerate would change anything.
    await asyncio.to_thread(command.check, config)
