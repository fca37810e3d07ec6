"""What all runs together came to: docs/reliability.json to be read by programs, docs/reliability.md by people."""

import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.crash.round import Outcome
from tidegate.failpoints import POINTS

DOCS = Path(__file__).parents[2] / "docs"
INVARIANTS = (
    "a completed withdrawal is exactly one output on its chain, to the unit; every other withdrawal is none",
    "each client order id is at most one order at the exchange, every fill of it is booked, and no order is unknown",
    "each customer's available and held are what a plain model of their answers says",
    "the whole ledger adds up to nothing, asset by asset, after every run",
    "the audit of the books against chains and exchange is exact (every 25 runs and at the end)",
    "nothing is left waiting for somebody who never comes",
    "every event reaches its webhook, under one id",
    "whoever asked twice, or again after silence, got one effect and one answer",
)


@dataclass
class Sum:
    """Runs added up; what an earlier report has can be taken in."""

    runs: int = 0
    seconds: float = 0.0
    seeds: list[int] = field(default_factory=list)
    points: dict[str, Counter[str]] = field(default_factory=lambda: {one: Counter() for one in of_the_table()})
    outputs: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, one: Outcome) -> None:
        self.runs += 1
        self.seconds += one.seconds
        if one.seed not in self.seeds:
            self.seeds.append(one.seed)
        self.points.setdefault(one.point, Counter())["runs"] += 1
        for died in one.deaths:
            self.points.setdefault(died, Counter())["deaths"] += 1
        self.outputs.update(one.outputs)
        self.counts.update(
            {
                "kills": len(one.deaths),
                "withdrawals": one.payouts,
                "orders": one.orders,
                "requests without an answer": one.unanswered,
            }
        )
        self.wrong += [f"{one.point} seed {one.seed}: {said}" for said in one.wrong]

    def take_in(self, old: dict[str, Any]) -> None:
        """An earlier part of the same sweep."""
        self.runs += old["runs"]
        self.seconds += old["seconds"]
        self.seeds += [one for one in old["seeds"] if one not in self.seeds]
        for name, counted in old["points"].items():
            self.points.setdefault(name, Counter()).update(counted)
        self.outputs.update(old["outputs"])
        self.counts.update(old["counts"])
        self.wrong += old["wrong"]

    @property
    def reached(self) -> int:
        return sum(1 for counted in self.points.values() if counted["deaths"])

    def to_json(self, command: str) -> dict[str, Any]:
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.system()} {platform.machine()}, {_cores()} cores",
            "command": command,
            "runs": self.runs,
            "seconds": round(self.seconds, 1),
            "seeds": sorted(self.seeds),
            "points": {name: dict(counted) for name, counted in self.points.items()},
            "outputs": dict(sorted(self.outputs.items())),
            "counts": dict(self.counts),
            "invariants": list(INVARIANTS),
            "wrong": self.wrong,
        }


def of_the_table() -> list[str]:
    """The failpoints that this harness kills at: withdrawals, conversions and hedges; the house's own moves have a test."""
    return [name for name in POINTS if name[0] in "PO"]


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


def write(found: Sum, command: str, folder: Path = DOCS) -> None:
    told = found.to_json(command)
    (folder / "reliability.json").write_text(json.dumps(told, indent=1) + "\n")
    (folder / "reliability.md").write_text(page(told))


def read(folder: Path = DOCS) -> dict[str, Any] | None:
    file = folder / "reliability.json"
    found: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    return found


def page(told: dict[str, Any]) -> str:
    """The page: what was done, what came of it, how to do it again."""
    seeds, counts, outputs = told["seeds"], told["counts"], told["outputs"]
    died = sum(1 for counted in told["points"].values() if counted.get("deaths"))
    twice = sum(many for name, many in outputs.items() if int(name.rpartition(" ")[2]) > 1)
    lost = outputs.get("completed 0", 0)
    lines = [
        "# Reliability: killed at every step, paid once",
        "",
        "Written by `make crash`; the figures are of its last run and the same are in `docs/reliability.json`.",
        "",
        "Real processes (API, worker, signer, PostgreSQL, bitcoind, anvil, an exchange) are given a small load: plain and",
        "converting withdrawals, cancels, conversions, transfers, each customer with a key of their own and the patience to",
        "ask again. One process is ended by SIGKILL at a named failpoint, sometimes a second one while the house recovers,",
        "and started again. When everything is quiet the world is compared with a model in plain Python",
        "(`tests/crash/model.py`) that knows only what customers were told.",
        "",
        "| measure | figure |",
        "|---|---|",
        f"| runs | {told['runs']:,} |",
        f"| failpoints | {len(told['points'])}, of which a process died at {died} |",
        f"| seeds | {_ranges(seeds)} |",
        f"| processes killed | {counts.get('kills', 0):,} |",
        f"| withdrawals | {counts.get('withdrawals', 0):,} |",
        f"| orders at the exchange | {counts.get('orders', 0):,} |",
        f"| requests that got no answer and were asked again | {counts.get('requests without an answer', 0):,} |",
        f"| **paid twice** | **{twice}** |",
        f"| **completed and not paid** | **{lost}** |",
        f"| **differences of any kind** | **{len(told['wrong'])}** |",
        f"| time | {told['seconds'] / 60:.0f} minutes on {told['machine']}, {told['at'][:10]} |",
        "",
        "Full size is every failpoint times 200 seeds (`make crash SEEDS=200`); the figures are of what was run so far, w"
        "hich the last table shows row by row.",
        "",
        "Outputs on the chain for each withdrawal, by how it ended:",
        "",
        "| ended as | outputs | withdrawals |",
        "|---|---|---|",
        *(f"| {name.rpartition(' ')[0]} | {name.rpartition(' ')[2]} | {many:,} |" for name, many in outputs.items()),
        "",
        "## What is compared after every run",
        "",
        *(f"- {one}" for one in told["invariants"]),
        "",
        "## Again",
        "",
        "```",
        told["command"],
        "```",
        "",
        "A run is drawn from its failpoint and its seed alone: `make crash POINTS=P13.send:after SEEDS=1 FROM=7` asks for the",
        "same and kills at the same place. `FROM` goes on with a sweep: what was run before is kept in the figures.",
        "A build that sends before it commits, and a signer without a memory, are caught:",
        "`tests/crash/test_harness.py` keeps that proof.",
        "",
        "## Failpoints",
        "",
        "| failpoint | dies | what is true then | runs | deaths |",
        "|---|---|---|---|---|",
        *(_row(name, counted) for name, counted in told["points"].items()),
        "",
    ]
    if told["wrong"]:
        lines += ["## What was wrong", "", *(f"- {one}" for one in told["wrong"]), ""]
    return "\n".join(lines)


def _row(name: str, counted: dict[str, int]) -> str:
    one = POINTS[name]
    return f"| {name} | {one.part} | {one.then} | {counted.get('runs', 0)} | {counted.get('deaths', 0)} |"


def _ranges(seeds: Sequence[int]) -> str:
    """1 to 3, 7."""
    found: list[list[int]] = []
    for seed in sorted(seeds):
        if found and found[-1][1] == seed - 1:
            found[-1][1] = seed
        else:
            found.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in found)
