"""The official vectors as data, and a count of what was run in the test output."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
Counted = Callable[[str, int], None]


def vectors(name: str) -> dict[str, Any]:
    """The document of `name`; a gzipped one when the name says so."""
    path = FOLDER / name
    data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    found: dict[str, Any] = json.loads(data)
    return found


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Say how many vectors of which set a test has judged; it is printed when the run ends."""
    return lambda what, number: record_property(f"vectors:{what}", number)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", ()):
        for name, number in report.user_properties:
            if name.startswith("vectors:"):
                found[name.removeprefix("vectors:")] += int(str(number))
    if found:
        terminalreporter.section("official vectors passed")
        for what in sorted(found):
            terminalreporter.write_line(f"{what}: {found[what]}")
