"""`make bench`: measure, print the tables with machine facts, and write bench/results.json.

Sections: `posting` (batches against pgbench TPC-B), `http` (withdrawals against a plain app and TPC-B), `depth` (posting
with ten million transfers behind it), `quotes` (firm prices over HTTP against one INSERT), `conversions` (accepted to
spendable against the posting call), `waiting` (claims in a long queue, wake-ups, events to 500 streams), `route` (a size over five books, beside a merge in Decimals), `streams` (three venues'
books at ten times the real rate), `payouts` and `deposits` (the wallets on sandboxes of their own), `system` (a running
sandbox from outside). The first six use one PostgreSQL of the bench's own with fsync and synchronous_commit on; ratios
are formed within one run only.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import http, posting, route, streams
from bench.machine import load, machine
from bench.results import RESULTS, Measure, markdown, table, write
from bench.server import bench_server, durable
from bench.tpcb import TPCB

SECTIONS = (
    "posting", "http", "depth", "quotes", "conversions", "waiting", "route", "streams", "payouts", "deposits", "system"
)  # fmt: skip
SERVED = {"posting", "http", "depth", "quotes", "conversions", "waiting"}


async def ledger_sections(only: list[str], *, quick: bool, console: Console) -> tuple[dict[str, Any], list[Measure]]:
    """The sections that share a PostgreSQL; what it says of itself, and the measures."""
    sizes = posting.QUICK if quick else posting.Sizes()
    found: list[Measure] = []
    async with bench_server() as server:
        settings = await durable(server)
        facts: dict[str, Any] = {"postgresql": settings["server_version"]}
        if not quick:
            facts["fdatasync_per_second"] = await server.fsyncs()
        console.print(f"fsync and synchronous_commit are on: {facts}")
        if "posting" in only:
            found += await posting.posting(server, sizes, console)
        if "http" in only:
            every = [http.OURS, http.PLAIN, http.SHARED, TPCB]
            spreads = await http.measure(server, http.QUICK if quick else http.Sizes(), console, only=every)
            found += http.measures(spreads)
        if "depth" in only:
            found += await posting.depth(server, sizes, console)
        # Later than the others: they bring the test kit along.
        if "quotes" in only:
            from bench import quotes

            firm = quotes.QUICK if quick else quotes.Sizes()
            found += quotes.measures(await quotes.measure(server, firm, console))
        if "conversions" in only:
            from bench import conversions

            counted = conversions.QUICK if quick else conversions.Sizes()
            found += conversions.measures(await conversions.measure(server, counted, console))
        if "waiting" in only:
            from bench import waiting

            found += await waiting.waiting(server, waiting.QUICK if quick else waiting.Sizes(), console)
    return facts, found


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--only", default=",".join(SECTIONS), help="sections, comma-separated")
    reader.add_argument("--quick", action="store_true", help="tiny sizes: does the bench itself work; judges nothing")
    reader.add_argument("--keep", action="store_true", help="keep other sections' measures that the file has")
    reader.add_argument("--data", type=Path, help="for `system`: the data folder of a running `tidegate up`")
    reader.add_argument("--out", type=Path, default=RESULTS)
    asked = reader.parse_args()
    only = asked.only.split(",")
    if set(only) - set(SECTIONS):
        reader.error(f"sections are {', '.join(SECTIONS)}")
    console = Console(width=None if Console().is_terminal else 180)
    facts = {**machine(), "load_before": round(load(), 1)}
    found: list[Measure] = []
    console.print(
        f"{facts['cpus']} x {facts['processor']}, {facts['memory_gib']} GiB, commit {facts['commit']}, load {facts['load_before']}"
    )
    if set(only) & SERVED:
        more, found = asyncio.run(ledger_sections(only, quick=asked.quick, console=console))
        facts |= more
    if "route" in only:
        found += asyncio.run(route.routes(route.QUICK if asked.quick else route.Sizes(), console))
    if "streams" in only:
        found += asyncio.run(streams.streams(streams.QUICK if asked.quick else streams.Sizes(), console))
    # Later than the others: they bring the whole test kit along.
    if "payouts" in only:
        from bench import payouts

        found += asyncio.run(payouts.payouts(payouts.QUICK if asked.quick else payouts.Sizes(), console))
    if "deposits" in only:
        from bench import deposits

        found += asyncio.run(deposits.deposits(deposits.QUICK if asked.quick else deposits.Sizes(), console))
    if "system" in only:
        from bench.system import system

        found += system(asked.data)
    console.print(table(found))
    write(asked.out, facts, found, keep=asked.keep)
    console.print("For docs/performance.md:\n", markdown(json.loads(asked.out.read_text())), sep="\n", markup=False)
    return 0 if asked.quick or all(one.holds is not False for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
