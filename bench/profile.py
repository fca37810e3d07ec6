"""A sampling profiler on a running process, told as microseconds a request: by library, by our functions, by leaf.

py-spy reads the process's memory from outside, so nothing of the measured code is changed. `Profile.out` keeps the folded
stacks: one line a stack with its count, as flame graph tools read them.
"""

import asyncio
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RATE = 400
"""Samples a second."""
_FRAME = re.compile(r"^(?P<name>.*) \((?P<file>[^()]*?)(:(?P<line>\d+))?\)$")
MOST = 45


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack: function and file."""

    name: str
    file: str

    @property
    def area(self) -> str:
        """Whose code it is: a room of ours, or a library."""
        ours = re.search(r"tidegate/(?:([a-z_]+)/)?([a-z_]+)\.py$", self.file)
        if ours is not None:
            return f"tidegate.{ours[1] or ours[2]}"
        library = re.search(r"(?:site-packages/|python3\.\d+/(?!site-packages))([A-Za-z0-9_]+)", self.file)
        if library is not None:
            return library[1]
        return self.file.split("/")[0] or "C code"

    @property
    def ours(self) -> bool:
        return "/tidegate/" in self.file or self.file.startswith("tidegate/")

    def __str__(self) -> str:
        found = re.search(r"(?:site-packages|backend|python3\.\d+)/(.*)$", self.file)
        return f"{self.name} ({found[1] if found else self.file})"


@dataclass(slots=True)
class Profile:
    """Folded stacks of one window, written to `out`."""

    out: Path

    def stacks(self) -> list[tuple[list[Frame], int]]:
        """Each stack, outermost first, with its samples."""
        found = []
        for line in self.out.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            frames = [_frame(word) for word in stack.split(";") if not word.startswith(("process ", "thread "))]
            # A greenlet of SQLAlchemy has a stack of its own: its frames stand without those that started it.
            if frames:
                found.append((frames, int(count)))
        return found

    def show(self, console: Console, *, us_each: float) -> None:
        """Three tables; every figure is a share of the samples, told as microseconds of `us_each`."""
        stacks = self.stacks()
        total = sum(count for _, count in stacks)
        console.print(f"{total} samples; folded stacks in {self.out}")

        def tell(title: str, counted: Counter[str]) -> None:
            made = Table("us a request", "share", title, title=title)
            for name, count in counted.most_common(MOST):
                made.add_row(f"{us_each * count / total:.1f}", f"{count / total:.1%}", name)
            console.print(made)

        console.print(
            "SQLAlchemy runs a statement in a greenlet, whose stack stands by itself: functions of ours that await one are "
            "told without it"
        )
        tell("by whose code was running (leaf)", _count(stacks, lambda frames: [frames[-1].area]))
        tell("our functions, with what they call", _count(stacks, _ours))
        tell("all functions, with what they call", _count(stacks, lambda frames: {str(frame) for frame in frames}))
        tell("functions by themselves", _count(stacks, lambda frames: [str(frames[-1])]))

    def markdown(self, *, us_each: float, most: int = 15) -> str:
        """By whose code was running, as a table for docs/performance.md."""
        stacks = self.stacks()
        total = sum(count for _, count in stacks)
        lines = ["| whose code | us a request | share |", "|---|---|---|"]
        for name, count in _count(stacks, lambda frames: [frames[-1].area]).most_common(most):
            lines.append(f"| {name} | {us_each * count / total:.0f} | {count / total:.0%} |")
        return "\n".join(lines) + "\n"


def _frame(word: str) -> Frame:
    found = _FRAME.match(word)
    return Frame(word, "") if found is None else Frame(found["name"], found["file"])


def _ours(frames: list[Frame]) -> Iterable[str]:
    return {str(frame) for frame in frames if frame.ours}


def _count(stacks: list[tuple[list[Frame], int]], names: Callable[[list[Frame]], Iterable[str]]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for frames, count in stacks:
        for name in names(frames):
            counted[name] += count
    return counted


@asynccontextmanager
async def profiled(profile: Profile, pid: int, seconds: float) -> AsyncIterator[None]:
    """Sample a process while the block runs, at most for `seconds`."""
    profile.out.parent.mkdir(parents=True, exist_ok=True)
    program = shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert program is not None, "py-spy is not there: run `make setup`"
    words = ["record", "--pid", str(pid), "--duration", str(max(1, round(seconds))), "--rate", str(RATE)]
    words += ["--format", "raw", "--output", str(profile.out), "--full-filenames", "--nolineno"]
    process = await asyncio.create_subprocess_exec(
        program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"py-spy: {said.decode(errors='replace')[-1000:]}"
