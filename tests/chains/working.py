"""A worker's real process on the house's nodes and signer, that ends by itself at a failpoint, or by a signal."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chains.conftest import House
from tests.chains.spending import RealWorld
from tidegate.sandbox.settings import toml

STEPS = "prepare,screen,approve,reserve,sign,broadcast,confirm,moves,keep"
END_SECONDS = 60


@dataclass
class Worker:
    """One process at a time. It begins where the database stands, as any worker does."""

    folder: Path
    config: Path
    zygote: asyncio.subprocess.Process | None = None
    """Made for the first one: to import everything takes a while."""
    runs: bool = False

    def arm(self, point: str) -> None:
        """The process that comes to this failpoint ends there, by SIGKILL."""
        (self.folder / "failpoint").write_text(point)

    async def start(self) -> int:
        if self.zygote is None:
            self.zygote = await self._zygote()
        self.runs = True
        return await self._ask("start")

    async def killed(self) -> None:
        """Until it has ended itself where it was told to."""
        async with asyncio.timeout(END_SECONDS):
            ended = await self._ask("wait")
            assert ended == -signal.SIGKILL, f"it ended with {ended}: {self.told()}"
        self.runs = False
        assert not (self.folder / "failpoint").exists()

    async def kill(self) -> None:
        if self.runs:
            await self._ask("kill")
        self.runs = False

    async def killed_at(self, point: str, world: RealWorld) -> None:
        """Start, come to `point`, end there; what the dead one held is free, as it is half a minute later."""
        self.arm(point)
        await self.start()
        await self.killed()
        await world.soon(leases=True)

    def told(self) -> str:
        log = self.folder / "worker.log"
        return log.read_text()[-3000:] if log.exists() else "it said nothing"

    async def _zygote(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.crash.zygote", "worker", str(self.folder / "worker.log"), STEPS),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": ":".join(path for path in sys.path if path),
                "TIDEGATE_CONFIG": str(self.config),
            },
        )

    async def close(self) -> None:
        """Whatever runs dies with the zygote."""
        if self.zygote is not None:
            self.zygote.kill()
            await self.zygote.communicate()

    async def _ask(self, word: str) -> int:
        assert self.zygote is not None
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(f"{word}\n".encode())
        return int(await self.zygote.stdout.readline())


@asynccontextmanager
async def working(house: House, database_url: str, folder: Path) -> AsyncIterator[Worker]:
    """Nothing runs yet."""
    tables = {**house.tables, "database": {"url": database_url}, "sandbox": {"directory": folder}}
    at_once = {"batch_seconds": {"fast": 0, "standard": 0, "economy": 0}, "move_seconds": 1}
    tables["networks"] = {name: {**terms, **at_once} for name, terms in house.tables["networks"].items()}
    tables["auth"] = {"token_key_file": folder / "token.key"}
    config = folder / "worker.toml"
    config.write_text(toml(tables))
    worker = Worker(folder, config)
    try:
        yield worker
    finally:
        await worker.close()
