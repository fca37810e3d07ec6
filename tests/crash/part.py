"""Processes of ours under the harness: started, seen to die however they die, started again."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

END_SECONDS = 60


@dataclass(eq=False)
class Nursery:
    """Where they are forked; whatever it started dies with it."""

    process: asyncio.subprocess.Process
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def open(cls) -> "Nursery":
        """It imports everything by itself from here on."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.crash.nursery"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": os.defpath, "PYTHONPATH": ":".join(path for path in sys.path if path)},
        )
        return cls(process)

    async def ask(self, word: str, value: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self.turn:
            self.process.stdin.write(json.dumps({word: value}).encode() + b"\n")
            answer = await self.process.stdout.readline()
        assert answer, "the nursery is gone"
        return int(answer)

    async def close(self) -> None:
        self.process.kill()
        await self.process.communicate()


@dataclass(eq=False)
class Part:
    """An API, a worker or a signer, one life at a time. `gone` is set as soon as the present life is over."""

    name: str
    kind: str
    config: Path
    nursery: Nursery
    steps: str = ""
    broken: str = ""
    lives: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    pid: int = 0

    @property
    def log(self) -> Path:
        return self.config.with_name(f"{self.name}.log")

    async def start(self) -> None:
        self.gone.clear()
        life = {
            "kind": self.kind,
            "config": str(self.config),
            "log": str(self.log),
            "steps": self.steps,
            "broken": self.broken,
        }
        self.pid = await self.nursery.ask("start", life)
        self.lives += 1
        descriptor, loop = os.pidfd_open(self.pid), asyncio.get_running_loop()

        def over() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self.gone.set()

        loop.add_reader(descriptor, over)

    async def reaped(self) -> int:
        """How the life that is over ended."""
        return await self.nursery.ask("wait", self.pid)

    def signal(self, sent: signal.Signals) -> None:
        os.kill(self.pid, sent)

    async def end(self) -> None:
        """After the nursery is gone: until this one is too."""
        async with asyncio.timeout(END_SECONDS):
            if self.pid:
                await self.gone.wait()

    def told(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else "it said nothing"
