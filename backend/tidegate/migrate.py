"""Alembic's configuration, found whether we run from a checkout or from an installed wheel; and what a migration ends with."""

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config

from tidegate import grants
from tidegate.grants import NoRoles
from tidegate.roles import Roles


def config(url: str, roles: Roles = Roles()) -> Config:
    """For `alembic.command`; `url` is SQLAlchemy's."""
    root = Path(__file__).resolve().parents[2]
    found = Config(str(root / "alembic.ini"))
    found.set_main_option("script_location", str(root / "migrations"))
    found.attributes["url"] = url
    found.attributes["owner"] = roles.owner
    return found


def upgrade(url: str, roles: Roles) -> list[str] | None:
    """Bring the database to this version, as its owner where there is one, and the grants to what is declared.

    Answers the grants that were changed; None where there are no roles, and everybody is whoever he signed in as.
    """
    bring_up(url, roles)
    return open_doors(url, roles)


def bring_up(url: str, roles: Roles) -> None:
    """The schema alone: nobody but its owner may do anything in it that he could not before."""
    command.upgrade(config(url, roles), "head")


def open_doors(url: str, roles: Roles) -> list[str] | None:
    """The grants alone."""
    try:
        return asyncio.run(_grant(url, roles))
    except NoRoles:
        return None


async def _grant(url: str, roles: Roles) -> list[str]:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1))
    try:
        return await grants.apply(connection, roles)
    finally:
        await connection.close()
