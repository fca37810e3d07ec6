"""The sandbox's database logins: made anew at every start, so that a data folder of an earlier version gets them too."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import asyncpg

from tidegate import roles as database_roles
from tidegate.roles import DUTIES, PREFIX, Roles
from tidegate.sandbox.process import StartFailed


async def prepare_database(url: str, secrets: Mapping[str, str], *, brought: bool) -> dict[str, str]:
    """Roles and logins by the administrator's URL; the `[database]` section for the processes.

    On a server that somebody `brought` the names are this data folder's own, since others may live there; and who may
    not make roles there gets everything done by the user he brought.
    """
    roles = Roles(f"{PREFIX}{secrets['database_prefix']}_" if brought else PREFIX)
    passwords = {duty: secrets[f"database_{duty}"] for duty in DUTIES}
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        raise StartFailed(f"The database does not answer: {error}") from error
    try:
        await database_roles.init(connection, roles, passwords=passwords)
        await database_roles.take_over(connection, roles)
    except asyncpg.InsufficientPrivilegeError:
        return {"url": url}
    finally:
        await connection.close()
    logins = {f"{duty}_url": _as(url, roles.login(duty), passwords[duty]) for duty in DUTIES}
    return {**logins, "role_prefix": roles.prefix}


def _as(url: str, user: str, password: str) -> str:
    """The same place for another user; names and passwords of ours need no escaping."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
