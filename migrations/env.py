"""Alembic's environment: the URL from the settings or from `-x url=`, short lock waits, our naming."""

import asyncio
import importlib
import pkgutil

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

import tidegate
from tidegate.config import load
from tidegate.database import Base
from tidegate.roles import Roles

# Every room's tables, found by name: a forgotten import would look like a dropped table.
for module in pkgutil.walk_packages(tidegate.__path__, "tidegate."):
    if module.name.endswith(".tables"):
        importlib.import_module(module.name)
importlib.import_module("tidegate.idempotency")


def _url() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url") or context.config.attributes.get("url")
    return given or load().database_url("migrator")


def _become_owner(connection: Connection) -> None:
    """What a migrator makes belongs to the owner. A database that has another owner is migrated by whoever signed in."""
    wanted = context.config.attributes.get("owner") or Roles(load().database.role_prefix).owner
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    if connection.exec_driver_sql(owner).scalar() == wanted:
        connection.exec_driver_sql(f"SET ROLE {wanted}")
    connection.commit()


def _run(connection: Connection) -> None:
    _become_owner(connection)
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_type=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        # A migration that waits for a lock blocks everybody behind it: give up early and try again.
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        context.run_migrations()


async def _online() -> None:
    engine = create_async_engine(_url(), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_online())
