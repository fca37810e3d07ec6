"""`python -m tests.crash --seeds N`: every failpoint times N seeds, and the report of it (`make crash`)."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.crash import report
from tests.crash.draw import Load, chains, draw
from tests.crash.report import Sum, of_the_table
from tests.crash.round import Outcome, harness
from tests.crash.system import system

AUDIT_EVERY = 25


def loads(points: list[str], first: int, seeds: int, *, chained: bool) -> Iterator[Load]:
    """Seed by seed, so that a sweep that is cut short has been everywhere."""
    for seed in range(first, first + seeds):
        for row in chains(points) if chained else ([one] for one in points):
            yield draw(row[0], seed, row[1:])


@dataclass
class Sweep:
    """Runs one after the other in one system; the report is written after each, so that none is lost."""

    wanted: list[Load]
    workers: int
    until: float
    found: Sum
    into: Path | None
    command: str
    console: Console

    async def all(self, folder: Path) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        async with system(folder, workers=self.workers) as made, harness(made) as runs:
            with Progress(*columns, console=self.console) as bar:
                task = bar.add_task("starting", total=len(self.wanted))
                for number, load in enumerate(self.wanted, 1):
                    if time.monotonic() > self.until:
                        break
                    bar.update(task, description=f"{load.point} seed {load.seed}")
                    one = await runs.run(load)
                    if number % AUDIT_EVERY == 0:
                        one.wrong += await runs.exact()
                    self.found.add(one)
                    self.write()
                    _say(self.console, one)
                    bar.advance(task)
            self.found.wrong += await runs.exact()
            self.write()

    def write(self) -> None:
        if self.into is not None:
            report.write(self.found, self.command, self.into)


def _say(console: Console, one: Outcome) -> None:
    for said in one.wrong:
        console.print(f"{one.point} seed {one.seed}: {said}", style="red", markup=False, soft_wrap=True)
    if not one.reached:
        console.print(f"{one.point} seed {one.seed}: nobody came there", style="yellow", markup=False)
    elif not console.is_terminal:
        console.print(f"{one.point} seed {one.seed}: {one.seconds:.0f} s, {one.outputs}", markup=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--from-seed", type=int, default=1)
    parser.add_argument("--points", default="", help="separated by commas; all of the crash table when none is named")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10_000)
    parser.add_argument("--into", type=Path, default=report.DOCS, help="the folder of reliability.md and .json")
    parser.add_argument("--chained", action="store_true", help="several blows in one run, one after the other: quicker")
    parser.add_argument("--no-report", action="store_true")
    parser.add_argument("--add", type=Path, nargs="*", default=[], help="only add up the reports of these folders")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("TIDEGATE_") and name != "TIDEGATE_BITCOIND"]:
        del os.environ[name]
    os.environ.pop("DATABASE_URL", None)
    console, found = Console(soft_wrap=True), Sum()
    for folder in given.add or ([given.into] if given.from_seed > 1 else []):
        old = report.read(folder)
        if old is not None:
            found.take_in(old)
    if not given.add:
        _run(given, found, console)
    elif not given.no_report:
        report.write(found, (report.read(given.add[0]) or {})["command"], given.into)
    console.print(f"{found.runs} runs, died at {found.reached} of {len(found.points)}, {len(found.wrong)} differences")
    return 1 if found.wrong else 0


def _run(given: argparse.Namespace, found: Sum, console: Console) -> None:
    points = given.points.split(",") if given.points else of_the_table()
    sweep = Sweep(
        wanted=list(loads(points, given.from_seed, given.seeds, chained=given.chained)),
        workers=given.workers,
        until=time.monotonic() + given.minutes * 60,
        found=found,
        into=None if given.no_report else given.into,
        command=f"make crash SEEDS={given.from_seed + given.seeds - 1}" + (" ARGS=--chained" if given.chained else ""),
        console=console,
    )
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="tidegate-crash-", dir=memory if memory.is_dir() else None))
    folder.chmod(0o711)  # as root, PostgreSQL runs as somebody else
    try:
        asyncio.run(sweep.all(folder / "house"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
