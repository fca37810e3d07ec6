"""A PostgreSQL of the bench's own, tuned as production would be, everything durable; and the programs that come with it.

All measured paths of a run (pgbench, the posting function, both HTTP endpoints) use this one server over its unix socket.
"""

import asyncio
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
from alembic import command

from tidegate import migrate
from tidegate.sandbox.postgres import Cluster, prepare, wait_ready
from tidegate.sandbox.process import StartFailed, end, spawn

# fsync, synchronous_commit and full_page_writes stay at their defaults, which are on; `durable` checks that they are.
TUNED = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "max_connections": "200",
    "log_min_messages": "error",
    "log_checkpoints": "off",
}
MUST_BE_ON = ("fsync", "synchronous_commit", "full_page_writes")
DATABASE = "tidegate"


@dataclass(slots=True)
class BenchServer:
    """A running server; `url` is asyncpg's form over the unix socket, superuser."""

    cluster: Cluster
    process: asyncio.subprocess.Process
    sockets: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def url(self, database: str = DATABASE) -> str:
        """For asyncpg and, with its scheme changed, for SQLAlchemy."""
        password = quote(self.cluster.password)
        return f"postgresql://postgres:{password}@/{database}?host={self.sockets}&port={self.cluster.port}"

    async def connect(self, database: str = DATABASE) -> asyncpg.Connection:
        """A connection that sees a settled server: statement cache on, nothing else changed."""
        return await asyncpg.connect(self.url(database))

    async def fresh(self, name: str) -> None:
        """A database of this name, as empty as the migrated one, which nobody writes to."""
        connection = await self.connect("postgres")
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {name}")
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {DATABASE}")
        finally:
            await connection.close()

    async def tool(self, name: str, *words: str, database: str = DATABASE, seconds: float = 600) -> str:
        """Run one of the wheel's programs (pgbench, pg_test_fsync) against this server; what it printed."""
        environment = {
            "PATH": os.defpath,
            "PGHOST": str(self.sockets),
            "PGPORT": str(self.cluster.port),
            "PGUSER": "postgres",
            "PGPASSWORD": self.cluster.password,
            "PGDATABASE": database,
        }
        process = await asyncio.create_subprocess_exec(
            self.cluster.binaries / name,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        try:
            printed, said = await asyncio.wait_for(process.communicate(), seconds)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise StartFailed(f"{name} failed: {said.decode(errors='replace')[:2000]}")
        return printed.decode()

    async def pgbench(self, *words: str, seconds: float = 600, database: str = DATABASE) -> float:
        """Transactions a second of one pgbench window, connection set-up left out."""
        return transactions_a_second(await self.tool("pgbench", *words, database=database, seconds=seconds))

    async def fsyncs(self, seconds: int = 1) -> float:
        """fdatasync of one 8 kB write, operations a second, on the cluster's own file system."""
        printed = await self.tool("pg_test_fsync", "-s", str(seconds), "-f", str(self.sockets / "fsync-probe"))
        return fdatasyncs_a_second(printed)


def transactions_a_second(printed: str) -> float:
    """The figure of pgbench's last lines."""
    found = re.search(r"^tps = ([0-9.]+)", printed, re.MULTILINE)
    if found is None:
        raise ValueError(f"pgbench told no rate: {printed[-500:]}")
    failed = re.search(r"number of failed transactions: (\d+)", printed)
    if failed is not None and int(failed[1]):
        raise ValueError(f"pgbench had {failed[1]} failed transactions")
    return float(found[1])


def fdatasyncs_a_second(printed: str) -> float:
    """The first `fdatasync` line of pg_test_fsync: one 8 kB write."""
    found = re.search(r"^\s*fdatasync\s+([0-9.]+) ops/sec", printed, re.MULTILINE)
    if found is None:
        raise ValueError(f"pg_test_fsync told no fdatasync rate: {printed[-500:]}")
    return float(found[1])


async def durable(server: BenchServer) -> dict[str, str]:
    """The settings that count, as the server says them. AssertionError when something that must be on is off."""
    connection = await server.connect("postgres")
    try:
        names = [*TUNED, *MUST_BE_ON, "server_version", "autovacuum", "wal_sync_method"]
        rows = await connection.fetch(
            "SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS n(name)", names
        )
    finally:
        await connection.close()
    found = {row["name"]: row["value"] for row in rows}
    for name in MUST_BE_ON:
        assert found[name] == "on", f"{name} is {found[name]}: nothing measured here would count"
    return found


def _argv(cluster: Cluster, sockets: Path) -> Sequence[str]:
    """The sandbox's command with our settings: a later `--name=value` wins."""
    settings = {**TUNED, "unix_socket_directories": str(sockets)}
    return [*cluster.argv, *(f"--{name}={value}" for name, value in settings.items())]


@asynccontextmanager
async def bench_server(*, migrated: bool = True) -> AsyncIterator[BenchServer]:
    """The server for the length of a block, its data removed afterwards. `migrated`: the product's schema is at head."""
    home = Path(tempfile.mkdtemp(prefix="tidegate-bench-", dir="/var/tmp"))
    home.chmod(0o711)
    cluster = await prepare(home / "postgres")
    # Short, because the kernel cuts socket paths at 107 bytes; with the server's own user as owner.
    sockets = Path(tempfile.mkdtemp(prefix="tgb-", dir="/var/tmp"))
    sockets.chmod(0o755)
    if cluster.user is not None:
        shutil.chown(sockets, cluster.user)
    process = await spawn(
        _argv(cluster, sockets),
        log=cluster.log,
        user=cluster.user,
        cwd=cluster.folder,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        death_signal=signal.SIGINT,
    )
    try:
        await wait_ready(cluster, process)
        server = BenchServer(cluster, process, sockets)
        await durable(server)
        if migrated:
            url = server.url().replace("postgresql://", "postgresql+asyncpg://", 1)
            await asyncio.to_thread(command.upgrade, migrate.config(url), "head")
        yield server
    finally:
        await asyncio.shield(end(process, sent=signal.SIGINT, seconds=60))
        inside = cluster.folder.is_relative_to(home)
        for folder in (home, sockets, *([] if inside else [cluster.folder.parent])):
            shutil.rmtree(folder, ignore_errors=True)
