"""`python -m tests.crash --seeds N`: every failpoint times N seeds, and the report of it (`make crash`)."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.crash import report
from tests.crash.draw import Load, draw
from tests.crash.report import Sum, of_the_table
from tests.crash.round import Outcome, harness
from tests.crash.system import system

AUDIT_EVERY = 25


def loads(points: list[str], first: int, seeds: int) -> Iterator[Load]:
    """Seed by seed, so that a sweep that is cut short has been everywhere."""
    for seed in range(first, first + seeds):
        for point in points:
            yield draw(point, seed)


async def sweep(
    folder: Path, wanted: list[Load], *, workers: int, minutes: float, found: Sum, console: Console
) -> None:
    """Run them all in one system, or as many as there is time for."""
    until = time.monotonic() + minutes * 60
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    async with system(folder, workers=workers) as made, harness(made) as runs:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("starting", total=len(wanted))
            for number, load in enumerate(wanted, 1):
                if time.monotonic() > until:
                    break
                bar.update(task, description=f"{load.point} seed {load.seed}")
                one = await runs.run(load)
                if number % AUDIT_EVERY == 0 or number == len(wanted):
                    one.wrong += await runs.exact()
                found.add(one)
                _say(console, one)
                bar.advance(task)
        found.wrong += await runs.exact()


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
    parser.add_argument("--no-report", action="store_true", help="leave docs/reliability.* as they are")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("TIDEGATE_") and name != "TIDEGATE_BITCOIND"]:
        del os.environ[name]
    os.environ.pop("DATABASE_URL", None)
    console, found = Console(), Sum()
    old = report.read() if given.from_seed > 1 else None
    if old is not None:
        found.take_in(old)
    points = given.points.split(",") if given.points else of_the_table()
    wanted = list(loads(points, given.from_seed, given.seeds))
    folder = Path(tempfile.mkdtemp(prefix="tidegate-crash-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    folder.chmod(0o711)  # as root, PostgreSQL runs as somebody else
    try:
        asyncio.run(
            sweep(folder / "house", wanted, workers=given.workers, minutes=given.minutes, found=found, console=console)
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if found.runs and not given.no_report:
            seeds = max(found.seeds)
            report.write(found, f"make crash SEEDS={seeds}")
    console.print(
        f"{found.runs} runs, {found.reached} of {len(found.points)} failpoints, {len(found.wrong)} differences"
    )
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
