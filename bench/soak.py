"""`make soak`: withdrawals over HTTP and batches of postings for minutes on end; does it stay as fast and as small?

Rounds of both, in turn, on one database with autovacuum on, until the time is over. By minute: the median rate of each
and the memory that the API process and PostgreSQL have for themselves (shared buffers, which fill up by design, are left
out). Held against the second minute, when caches are warm, the last third may be at most 10 % slower and 50 MiB bigger.
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import http
from bench.fill import Plan, fill
from bench.http import OURS, Ground, ground
from bench.machine import children, machine, resident_mib
from bench.posting import ASSET, Poster
from bench.results import RESULTS, Measure, write
from bench.server import BenchServer, bench_server, durable
from bench.windows import Stopwatch

OUT = Path(__file__).parent / "soak.json"
DECLINE = 0.10
GROWTH_MIB = 50
MINUTES_JUDGED = 4
HTTP_SECONDS = 12.0
POSTING_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Round:
    """One window of each, and the memory after them."""

    at_seconds: float
    http: float
    http_p99_ms: float
    posting: float
    api_mib: float
    postgres_mib: float


@dataclass(frozen=True, slots=True)
class Minute:
    """The medians of a minute's rounds."""

    minute: int
    http: float
    http_p99_ms: float
    posting: float
    api_mib: float
    postgres_mib: float


def by_minute(rounds: list[Round], *, minutes: float) -> list[Minute]:
    """Rounds by the minute in which they ended, the last one's with the last minute; one without any is left out."""
    found = []
    last = max(1, math.ceil(minutes))
    for number in range(1, last + 1):
        those = [one for one in rounds if min(int(one.at_seconds // 60) + 1, last) == number]
        if those:
            values = {
                name: round(statistics.median(getattr(one, name) for one in those), 1)
                for name in ("http", "http_p99_ms", "posting", "api_mib", "postgres_mib")
            }
            found.append(Minute(number, **values))
    return found


def verdicts(minutes: list[Minute]) -> list[Measure]:
    """The last third against the second minute; with fewer than MINUTES_JUDGED they are told and not judged."""
    judged = len(minutes) >= MINUTES_JUDGED
    start = minutes[1] if len(minutes) > 1 else minutes[0]
    last = minutes[-max(1, len(minutes) // 3) :]
    command = f"make soak MINUTES={minutes[-1].minute}"
    found = []
    for name, what in (("http", "withdrawals over HTTP"), ("posting", "posting")):
        value = round(statistics.median(getattr(one, name) for one in last) / getattr(start, name), 2)
        target = 1 - DECLINE
        found.append(
            Measure(
                f"soak_{name}", value, "x", f"at least {target:g}", (value >= target) if judged else None, command,
                f"soak, {what}: last third / second minute",
            )
        )  # fmt: skip
    for name, what in (("api_mib", "API process"), ("postgres_mib", "PostgreSQL")):
        value = round(statistics.median(getattr(one, name) for one in last) - getattr(start, name), 1)
        found.append(
            Measure(
                f"soak_{name}_growth", value, "MiB", f"at most {GROWTH_MIB}", (value <= GROWTH_MIB) if judged else None, command,
                f"soak, own memory of the {what}: last third above second minute",
            )
        )  # fmt: skip
    return found


async def soak(server: BenchServer, minutes: float, sizes: http.Sizes, console: Console) -> list[Round]:
    """Rounds until the time is over. The books are proved at the end."""
    rounds: list[Round] = []
    async with ground(server, sizes, only=[OURS]) as up:
        await fill(up.connection, Plan(transfers=sizes.customers * 100, accounts=sizes.customers * 100, asset=ASSET))
        poster = await Poster(up.connection, seed=3).open()
        await up.warm()
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("soak", total=minutes * 60)
            watch = Stopwatch()
            while not rounds or watch.seconds < minutes * 60:
                rounds.append(await _round(server, up, poster, watch, minutes))
                one = rounds[-1]
                told = f"{one.http:,.0f} withdrawals/s, {one.posting:,.0f} transfers/s, api {one.api_mib:.0f} MiB"
                bar.update(task, completed=one.at_seconds, description=told)
        await up.proved()
    return rounds


async def _round(server: BenchServer, up: Ground, poster: Poster, watch: Stopwatch, minutes: float) -> Round:
    assert up.ours is not None
    posted = await poster.window(min(POSTING_SECONDS, minutes * 60 / 4), hot=False)
    rate = await up.ours_window()
    return Round(
        at_seconds=watch.seconds,
        http=rate,
        http_p99_ms=up.ours.windows[-1].seen.p99 * 1e3,
        posting=posted,
        api_mib=resident_mib([up.ours.served.pid]),
        postgres_mib=resident_mib([server.pid, *children(server.pid)]),
    )


def table(minutes: list[Minute]) -> Table:
    made = Table("minute", "withdrawals/s", "p99 ms", "transfers/s", "api MiB", "PostgreSQL MiB")
    for one in minutes:
        made.add_row(
            str(one.minute),
            f"{one.http:,.0f}",
            f"{one.http_p99_ms:,.0f}",
            f"{one.posting:,.0f}",
            f"{one.api_mib:,.0f}",
            f"{one.postgres_mib:,.0f}",
        )
    return made


async def _main(asked: argparse.Namespace, console: Console) -> tuple[list[Round], dict[str, Any]]:
    seconds = min(HTTP_SECONDS, asked.minutes * 60 / 4)
    sizes = http.Sizes(seconds=seconds, connections=asked.connections, customers=asked.customers)
    async with bench_server() as server:
        settings = await durable(server)
        assert settings["autovacuum"] == "on", "a soak without autovacuum says nothing"
        facts = {**machine(), "postgresql": settings["server_version"]}
        return await soak(server, asked.minutes, sizes, console), facts


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--minutes", type=float, default=10)
    reader.add_argument("--connections", type=int, default=http.CONNECTIONS)
    reader.add_argument("--customers", type=int, default=200)
    reader.add_argument("--out", type=Path, default=OUT)
    reader.add_argument("--results", type=Path, default=RESULTS, help="the verdicts are added to this file")
    asked = reader.parse_args()
    console = Console(width=None if Console().is_terminal else 160)
    rounds, facts = asyncio.run(_main(asked, console))
    minutes = by_minute(rounds, minutes=asked.minutes)
    found = verdicts(minutes)
    console.print(table(minutes))
    for one in found:
        console.print(
            f"{one.what}: {one.value:g} {one.unit}, {one.target}: {'holds' if one.holds else 'does not hold'}"
        )
    document = {
        "machine": facts,
        "minutes": [asdict(one) for one in minutes],
        "rounds": [asdict(one) for one in rounds],
        "verdicts": [{"id": one.id, "value": one.value, "target": one.target, "holds": one.holds} for one in found],
    }
    asked.out.write_text(json.dumps(document, indent=1) + "\n")
    write(asked.results, facts, found, keep=True)
    return 0 if all(one.holds is not False for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
