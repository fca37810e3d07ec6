"""Keeps children alive: starts each when what it needs is ready, starts it again when it dies, ends all with one word."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate.sandbox.process import NotHere, StartFailed, end, tail
from tidegate.sandbox.progress import Progress, State

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
# A child that has lived this long and then dies is a new story: it is started again at once.
_STEADY_SECONDS = 20.0
_TRIES_AT_FIRST_START = 3


class Unfit(StartFailed):
    """It runs and nothing may be decided by it; starting it again would not help."""


@dataclass(slots=True)
class Child:
    """One process to keep alive. `start` makes it, `ready` returns when it does its work."""

    name: str
    log: Path
    start: Callable[[], Awaitable[asyncio.subprocess.Process]]
    ready: Callable[[asyncio.subprocess.Process], Awaitable[str]]
    """Returns what to show beside `ready`; raises StartFailed when it will not come up."""
    needs: Sequence[asyncio.Event] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 8.0
    before_stop: Callable[[], Awaitable[None]] | None = None
    process: asyncio.subprocess.Process | None = None
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    may_run: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared to keep it down (chaos)."""

    def __post_init__(self) -> None:
        self.may_run.set()


class Supervisor:
    """The children of one data folder. A failure in the first start of anything ends the whole start."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.children: dict[str, Child] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep(self, child: Child) -> Child:
        """Take a child on; it starts as soon as what it needs is ready."""
        self.children[child.name] = child
        self.run(self._keep(child))
        return child

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Something else that lives as long as we do; its failure ends everything."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._notice)
        self._tasks.append(task)

    def _notice(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()) and not self._failed.done():
            self._failed.set_exception(failure)

    async def failure(self) -> None:
        """Waits; raises what ended a part that was never ready."""
        await asyncio.shield(self._failed)

    async def _keep(self, child: Child) -> None:
        for needed in child.needs:
            await needed.wait()
        clock = asyncio.get_running_loop().time
        pause, tries = _FIRST_PAUSE_SECONDS, 0
        was_ready = False
        while True:
            await child.may_run.wait()
            tries += 1
            began = clock()
            try:
                await self._once(child)
                was_ready = True
                why = f"ended by itself ({_ending(child)}); starting it again"
            except StartFailed as failure:
                await self._end(child)
                if not was_ready and (tries >= _TRIES_AT_FIRST_START or isinstance(failure, NotHere)):
                    self.progress.set(child.name, State.FAILED, str(failure))
                    raise
                why = f"{failure}; trying again"
            if not child.may_run.is_set():
                why = "kept down on purpose"
            self.progress.set(child.name, State.FAILED, why)
            pause = (
                _FIRST_PAUSE_SECONDS if clock() - began > _STEADY_SECONDS else min(2 * pause, _LONGEST_PAUSE_SECONDS)
            )
            await asyncio.sleep(pause)

    async def _once(self, child: Child) -> None:
        """One life of the child, from start to its end."""
        self.progress.set(child.name, State.STARTING)
        child.process = await child.start()
        waiting = asyncio.ensure_future(child.ready(child.process))
        dying = asyncio.ensure_future(child.process.wait())
        try:
            await asyncio.wait((waiting, dying), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise StartFailed(f"{child.name} ended at start: {tail(child.log)}")
            try:
                self.progress.set(child.name, State.READY, waiting.result())
            except Unfit as unfit:
                self.progress.set(child.name, State.FAILED, str(unfit))
            child.is_ready.set()
            await dying
        finally:
            waiting.cancel()
            dying.cancel()
            child.is_ready.clear()

    async def _end(self, child: Child) -> None:
        if child.process is not None:
            await end(child.process, sent=child.stop_signal, seconds=child.stop_seconds)

    async def kill(self, name: str) -> None:
        """SIGKILL, and keep it down until `revive`."""
        child = self.children[name]
        child.may_run.clear()
        if child.process is not None and child.process.returncode is None:
            child.process.kill()
            await child.process.wait()

    def revive(self, name: str) -> None:
        self.children[name].may_run.set()

    async def stop(self, order: Sequence[Sequence[str]]) -> None:
        """End every child: group after group, those of a group together. Whatever is left then is killed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for group in order:
            await asyncio.gather(*(self._stop(self.children[name]) for name in group if name in self.children))

    async def _stop(self, child: Child) -> None:
        if child.process is None:
            return
        if child.before_stop is not None and child.process.returncode is None:
            await child.before_stop()
        await self._end(child)


def _ending(child: Child) -> str:
    code = child.process.returncode if child.process is not None else None
    if code is None:
        return "unknown end"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
