"""`python -m bench.page`: puts the figures of bench/results.json and bench/soak.json into docs/performance.md.

Only what stands between the markers is written; the words around it are people's.
"""

import json
import re
from pathlib import Path
from typing import Any

from bench.results import RESULTS, markdown, section_command
from bench.soak import OUT as SOAK

PARTS = {
    "figures": ("posting", "http", "depth"),
    "wallets": ("payouts", "deposits"),
    "routes": ("route",),
    "exchange": ("quotes", "conversions", "streams"),
    "waiting": ("waiting",),
}
"""The page's tables of figures, by marker, and the sections that each tells."""
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def between(text: str, name: str, figures: str) -> str:
    """The text with what its markers `name` enclose replaced. ValueError when the page has no such markers."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    found = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n\n{figures}\n{end}", text, flags=re.S
    )
    if found[1] != 1:
        raise ValueError(f"{PAGE.name} has no place for {name}")
    return found[0]


def soak_table(document: dict[str, Any]) -> str:
    """The minutes of a soak."""
    lines = [
        "| minute | withdrawals/s | p99 | transfers/s | API process, own memory | PostgreSQL, own memory |",
        "|---|---|---|---|---|---|",
    ]
    for one in document["minutes"]:
        lines.append(
            f"| {one['minute']} | {one['http']:,.0f} | {one['http_p99_ms']:,.0f} ms | {one['posting']:,.0f} | "
            f"{one['api_mib']:,.0f} MiB | {one['postgres_mib']:,.0f} MiB |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    text = PAGE.read_text()
    if RESULTS.is_file():
        document = json.loads(RESULTS.read_text())
        for name, sections in PARTS.items():
            commands = {section_command(section) for section in sections}
            some = [one for one in document["measures"] if one["command"] in commands]
            # What a run left out keeps the figures of the run before.
            text = between(text, name, markdown(document | {"measures": some})) if some else text
    if SOAK.is_file():
        text = between(text, "soak", soak_table(json.loads(SOAK.read_text())))
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
