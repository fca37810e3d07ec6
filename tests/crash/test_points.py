"""The list of failpoints is what the code comes to, and what nobody armed costs nothing."""

import ast
import signal
import subprocess
import sys
import timeit
from pathlib import Path

import pytest

from tidegate import failpoints
from tidegate.failpoints import POINTS

ROOM = Path(failpoints.__file__).parent
TABLE = [f"P{n}" for n in range(1, 17)] + [f"O{n}" for n in range(1, 9)]
NANOSECONDS = 2_000
"""What a call may cost when nothing is armed, on the slowest machine that runs this; it is about fifty."""


def reached() -> list[str]:
    """Every name that some line of the code hands to `reach`."""
    names = []
    for file in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("reach", "failpoints.reach"):
                found = [one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant) and one.value]
                assert found, f"{file}:{node.lineno}: a failpoint whose name is made up while it runs"
                names += [str(one) for one in found]
    return names


def test_every_name_of_the_list_is_in_the_code_and_every_name_in_the_code_is_in_the_list() -> None:
    assert set(reached()) == set(POINTS)


def test_every_point_of_the_crash_table_has_a_failpoint_and_thirty_have_one_on_each_side() -> None:
    of_the_table = [one for one in POINTS.values() if one.point in TABLE]
    assert {one.point for one in of_the_table} == set(TABLE)
    assert len(of_the_table) >= 60
    sides = {one.name.rpartition(":")[2] for one in POINTS.values()}
    assert sides == {"before", "after"}


def test_a_point_that_nobody_armed_costs_one_comparison() -> None:
    assert failpoints._armed is None
    calls = 100_000
    best = min(timeit.repeat(lambda: failpoints.reach("P13.send:after"), number=calls, repeat=3))
    assert best / calls * 1e9 < NANOSECONDS


@pytest.mark.parametrize(
    ("armed", "alive"), [("P9.reserve:after", 0), ("P9.reserve:after 3", 2), ("P1.request:before", 9)]
)
def test_an_armed_process_dies_at_that_name_the_time_that_was_asked_for(tmp_path: Path, armed: str, alive: int) -> None:
    file = tmp_path / "failpoint"
    file.write_text(armed)
    code = (
        "import sys; from pathlib import Path; from tidegate import failpoints\n"
        "failpoints.arm_by(Path(sys.argv[1]))\n"
        "for n in range(9):\n    failpoints.reach('P9.reserve:after'); print(n, flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert len(ended.stdout.split()) == alive
    assert ended.returncode == (0 if alive == 9 else -signal.SIGKILL)
    assert file.exists() is (alive == 9), "what was reached is disarmed, so that it is reached once"
