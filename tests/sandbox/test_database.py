"""The sandbox's logins: one for each process, at every start, also on a data folder that knew of none."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import ROLES, as_login, on_database
from tidegate.roles import DUTIES, Roles, standing
from tidegate.sandbox.database import prepare_database


@pytest.fixture
async def brought(admin_url: str) -> AsyncIterator[str]:
    """A database on a server that is not the sandbox's own."""
    name = f"t_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield on_database(admin_url, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def secrets() -> dict[str, str]:
    return {f"database_{duty}": uuid.uuid4().hex for duty in DUTIES} | {"database_prefix": uuid.uuid4().hex[:6]}


async def test_each_process_signs_in_as_itself_and_a_later_start_finds_the_same(brought: str, admin_url: str) -> None:
    remembered = secrets()
    roles = Roles(f"tidegate_{remembered['database_prefix']}_")
    first = await prepare_database(brought, remembered, brought=True)
    assert await prepare_database(brought, remembered, brought=True) == first
    assert first["role_prefix"] == roles.prefix
    try:
        for duty in DUTIES:
            connection = await asyncpg.connect(first[f"{duty}_url"])
            found = await standing(connection, roles)
            assert (found.user, found.superuser) == (roles.login(duty), False)
            assert found.duties == (roles.of(duty),)
            await connection.close()
    finally:
        await forget(admin_url, brought, roles)


async def test_another_data_folder_on_the_same_server_has_names_of_its_own(brought: str, admin_url: str) -> None:
    one, two = secrets(), secrets()
    prefixes = [(await prepare_database(brought, each, brought=True))["role_prefix"] for each in (one, two)]
    assert prefixes[0] != prefixes[1]
    for prefix in prefixes:
        await forget(admin_url, brought, Roles(prefix))


async def test_who_may_not_make_roles_does_everything_himself(superuser_url: str) -> None:
    mine = as_login(superuser_url, ROLES.login("api"))
    assert await prepare_database(mine, secrets(), brought=True) == {"url": mine}


async def forget(admin_url: str, database_url: str, roles: Roles) -> None:
    inside = await asyncpg.connect(database_url)
    names = [roles.owner, *(roles.of(duty) for duty in DUTIES), *(roles.login(duty) for duty in DUTIES)]
    await inside.execute(f"REASSIGN OWNED BY {roles.owner} TO CURRENT_USER")
    await inside.execute(f"DROP OWNED BY {', '.join(names)}")
    for name in names:
        await inside.execute(f"DROP ROLE {name}")
    await inside.close()
