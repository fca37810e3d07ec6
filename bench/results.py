"""What a run found: measures with their targets, as bench/results.json and as tables for people."""

import json
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.windows import Spread

RESULTS = Path(__file__).parent / "results.json"
_JUDGES: dict[str, Callable[[float, float], bool]] = {"at least": operator.ge, "at most": operator.le}


@dataclass(frozen=True, slots=True)
class Measure:
    """One number; `target` and `holds` are null where nothing was promised. `range`: the windows behind it."""

    id: str
    value: float
    unit: str
    target: str | None
    holds: bool | None
    command: str
    what: str = ""
    range: tuple[float, float] | None = None


def section_command(section: str) -> str:
    """What repeats a section's measures."""
    return f'make bench ARGS="--only {section}"'


def measured(id: str, value: float, unit: str, section: str, *, what: str, digits: int = 2) -> Measure:
    """A number that nothing was promised for."""
    return Measure(id, round(value, digits), unit, None, None, section_command(section), what)


def of_windows(id: str, spread: Spread, unit: str, section: str, *, what: str, digits: int = 0) -> Measure:
    """The median of its windows, with their range."""
    span = (round(spread.least, digits), round(spread.most, digits))
    return Measure(id, round(spread.median, digits), unit, None, None, section_command(section), what, span)


def ratio(id: str, above: Spread, below: Spread, target: str, section: str, *, what: str) -> Measure:
    """Median against median of one run. The range is that of the repetitions, each against its own neighbour.

    `target` is `at least N` or `at most N`; it is judged on the value as it is told.
    """
    value = round(above.median / below.median, 2)
    each = [one / other for one, other in zip(above.values, below.values, strict=True)]
    words, _, limit = target.rpartition(" ")
    holds = _JUDGES[words](value, float(limit))
    span = (round(min(each), 2), round(max(each), 2))
    return Measure(id, value, "x", target, holds, section_command(section), what, span)


def judged(
    id: str,
    value: float,
    unit: str,
    target: str,
    section: str,
    *,
    what: str,
    span: tuple[float, float] | None = None,
    digits: int = 1,
) -> Measure:
    """A number of its own with a promise: `target` is `at least N` or `at most N`."""
    told = round(value, digits)
    words, _, limit = target.rpartition(" ")
    return Measure(id, told, unit, target, _JUDGES[words](told, float(limit)), section_command(section), what, span)


def write(path: Path, machine: dict[str, Any], measures: Sequence[Measure], *, keep: bool) -> None:
    """The document of API.md. `keep`: what other commands measured before stays in it."""
    found = [_wire(one) for one in measures]
    notes = {one.id: {"what": one.what, "range": one.range} for one in measures}
    if keep and path.is_file():
        before = json.loads(path.read_text())
        commands = {one.command for one in measures}
        kept = [one for one in before["measures"] if one["command"] not in commands]
        notes = {**{one["id"]: before["notes"][one["id"]] for one in kept}, **notes}
        found = kept + found
    path.write_text(json.dumps({"machine": machine, "measures": found, "notes": notes}, indent=1) + "\n")


def _wire(one: Measure) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name not in ("what", "range")}


def table(measures: Iterable[Measure]) -> Table:
    """For a terminal."""
    made = Table("measure", "value", "range", "target", "")
    for one in measures:
        span = "" if one.range is None else f"{_figure(one.range[0])} to {_figure(one.range[1])}"
        verdict = {None: "", True: "holds", False: "does not hold"}[one.holds]
        made.add_row(one.what or one.id, f"{_figure(one.value)} {one.unit}", span, one.target or "", verdict)
    return made


def markdown(document: dict[str, Any]) -> str:
    """The table and the machine of a results.json, for docs/performance.md."""
    facts = document["machine"]
    lines = [
        f"Measured {facts['at'][:10]} at commit {facts['commit']}: {facts['cpus']} cores {facts['processor']}, "
        f"{facts['memory_gib']} GiB, {facts['system']} {facts['kernel']}, Python {facts['python']}"
        + (f", PostgreSQL {facts['postgresql']}" if "postgresql" in facts else "")
        + (f", load average before the run {facts['load_before']:g}" if "load_before" in facts else "")
        + (f", fdatasync of 8 kB {facts['fdatasync_per_second']:,.0f}/s" if "fdatasync_per_second" in facts else "")
        + ".",
        "",
        "| measure | value | range | target | | command |",
        "|---|---|---|---|---|---|",
    ]
    for one in document["measures"]:
        note = document["notes"].get(one["id"], {})
        span = note.get("range")
        verdict = {None: "", True: "holds", False: "**does not hold**"}[one["holds"]]
        cells = [
            note.get("what") or one["id"],
            f"{_figure(one['value'])} {one['unit']}",
            "" if span is None else f"{_figure(span[0])} to {_figure(span[1])}",
            one["target"] or "",
            verdict,
            f"`{one['command']}`",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,g}"
