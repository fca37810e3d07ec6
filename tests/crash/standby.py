"""A primary and one synchronous standby, both real, both of the wheel: nothing is acknowledged that only one of them has.

No cluster manager: whoever drills freezes, kills and promotes by hand.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from tidegate.sandbox import postgres
from tidegate.sandbox.process import free_port, run

NAME = "standby"
SECONDS = 60


@dataclass
class Pair:
    primary: postgres.Server
    standby: postgres.Server
    admin: "asyncpg.Connection[Any]"
    """To the primary, for looking on; it writes nothing that would be waited for."""

    def freeze(self) -> None:
        """Every process of the standby stops where it is; its connections stay open."""
        _all(self.standby, signal.SIGSTOP)

    def thaw(self) -> None:
        _all(self.standby, signal.SIGCONT)

    async def waiting(self, count: int = 1) -> list[int]:
        """Backends whose commit waits for the standby, when there are so many."""
        async with asyncio.timeout(SECONDS):
            while True:
                rows = await self.admin.fetch("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
                if len(rows) >= count:
                    return [row["pid"] for row in rows]
                await asyncio.sleep(0.01)

    async def cancel(self) -> int:
        """Tell every commit that waits to wait no longer; how many there were."""
        return len(await self._each("pg_cancel_backend"))

    async def abort(self) -> int:
        """End every connection whose commit waits."""
        return len(await self._each("pg_terminate_backend"))

    async def _each(self, function: str) -> list[Any]:
        found: list[Any] = await self.admin.fetch(
            f"SELECT {function}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        )
        return found

    async def synchronous(self) -> None:
        """Until the standby is there and waited for: a pair that has become asynchronous would prove nothing."""
        async with asyncio.timeout(SECONDS):
            while await self.admin.fetchval("SELECT sync_state FROM pg_stat_replication") not in ("quorum", "sync"):
                await asyncio.sleep(0.01)

    async def fail_over(self) -> None:
        """The primary dies by SIGKILL, all of it; the standby is promoted, and waits for nobody."""
        _all(self.primary, signal.SIGKILL)
        await self.primary.process.wait()
        self.admin.terminate()
        self.admin = await asyncpg.connect(self.standby.url)
        assert await self.admin.fetchval("SELECT pg_promote()")
        await self.admin.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
        await self.admin.execute("SELECT pg_reload_conf()")
        async with asyncio.timeout(SECONDS):
            while await self.admin.fetchval("SELECT current_setting('synchronous_standby_names')"):
                await asyncio.sleep(0.01)


def _all(server: postgres.Server, sent: signal.Signals) -> None:
    """To the server's first process, then to its children, each of which has a session of its own."""
    first = server.process.pid
    children = Path(f"/proc/{first}/task/{first}/children")
    with suppress(FileNotFoundError):  # it ended before
        for pid in (first, *map(int, children.read_text().split())):
            with suppress(ProcessLookupError):
                os.kill(pid, sent)


@asynccontextmanager
async def pair(folder: Path, filled: Callable[[str], Awaitable[None]], *, fsync: bool = True) -> AsyncIterator[Pair]:
    """Both running, the one waiting for the other, with what `filled` puts into the database before that.

    Without `fsync` what is on disk is in the machine's memory: enough where processes die and the machine does not.
    """
    async with postgres.postgres(folder / "primary", fsync=fsync, remove=True) as primary:
        await filled(primary.url)
        admin = await asyncpg.connect(primary.url)
        cluster = await _copied(primary.cluster, folder / "standby")
        standby = postgres.Server(cluster, await postgres.launch(cluster))
        made = Pair(primary, standby, admin)
        try:
            await admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({NAME})'")
            await admin.execute("SELECT pg_reload_conf()")
            await made.synchronous()
            yield made
        finally:
            made.admin.terminate()
            made.thaw()
            await standby.stop()
            shutil.rmtree(cluster.folder, ignore_errors=True)
            # Without it no commit of the primary's shutdown would be waited for; killed already, nothing happens.
            await made.primary.stop()


async def _copied(source: postgres.Cluster, home: Path) -> postgres.Cluster:
    """A standby of it: the data folder copied while it runs, and told whom to follow under which name."""
    home.mkdir()
    folder = source.folder.with_name("standby-data")
    if source.user is not None:
        home.chmod(0o711)
        folder.mkdir(mode=0o700)
        shutil.chown(folder, source.user)
    where = f"postgresql://postgres:{quote(source.password)}@127.0.0.1:{source.port}/?application_name={NAME}"
    words: list[str | Path] = [
        "-D",
        folder,
        "-d",
        where,
        "--write-recovery-conf",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--no-sync",
    ]
    await run([source.binaries / "pg_basebackup", *words], user=source.user, cwd=source.folder)
    return replace(source, home=home, folder=folder, port=free_port())
