"""What a run says of itself: targets are judged as they are told, and the document has API.md's shape."""

import json
from pathlib import Path

import pytest

from bench.page import PAGE, between
from bench.results import markdown, measured, ratio, write
from bench.soak import Round, by_minute, verdicts
from bench.windows import Spread

MACHINE = {
    "at": "2026-11-28T00:00:00Z",
    "commit": "abc",
    "cpus": 2,
    "processor": "a",
    "memory_gib": 1,
    "system": "Linux",
    "kernel": "6",
    "python": "3.11",
}


@pytest.mark.parametrize(
    ("above", "below", "target", "holds"),
    [
        (80.0, 10.0, "at least 8", True),
        (79.0, 10.0, "at least 8", False),
        (3.0, 10.0, "at most 0.3", True),
        (4.0, 10.0, "at most 0.3", False),
    ],
)
def test_a_ratio_is_held_against_its_target(above: float, below: float, target: str, holds: bool) -> None:
    assert ratio("x", Spread([above]), Spread([below]), target, "s", what="").holds is holds


def test_a_ratio_is_of_medians_and_its_range_is_of_neighbours() -> None:
    found = ratio("x", Spread([10, 30, 20]), Spread([10, 10, 5]), "at least 2", "s", what="")
    assert (found.value, found.range) == (2, (1, 4))


def test_the_document_has_the_promised_shape(tmp_path: Path) -> None:
    write(tmp_path / "r.json", MACHINE, [measured("a", 1, "s", "posting", what="A")], keep=False)
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["machine"] == MACHINE
    assert document["measures"] == [
        {
            "id": "a",
            "value": 1,
            "unit": "s",
            "target": None,
            "holds": None,
            "command": 'make bench ARGS="--only posting"',
        }
    ]


def test_keeping_replaces_a_sections_measures_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    write(
        file, MACHINE, [measured("a", 1, "s", "posting", what=""), measured("b", 1, "s", "http", what="")], keep=False
    )
    write(file, MACHINE, [measured("b", 2, "s", "http", what="")], keep=True)
    assert {one["id"]: one["value"] for one in json.loads(file.read_text())["measures"]} == {"a": 1, "b": 2}


def test_a_missed_target_stands_out_in_the_page(tmp_path: Path) -> None:
    write(
        tmp_path / "r.json",
        MACHINE,
        [ratio("x", Spread([1]), Spread([1]), "at least 2", "http", what="X")],
        keep=False,
    )
    assert "| X | 1 x | 1 to 1 | at least 2 | **does not hold** |" in markdown(
        json.loads((tmp_path / "r.json").read_text())
    )


def rounds(http: list[float], api: list[float]) -> list[Round]:
    return [Round(60 * n + 30, rate, 1, 100, mib, 10) for n, (rate, mib) in enumerate(zip(http, api, strict=True))]


@pytest.mark.parametrize(
    ("http", "api", "missed"),
    [
        ([50, 100, 95, 95, 91, 91], [80, 90, 90, 90, 130, 139], set()),
        ([50, 100, 95, 95, 89, 89], [80, 90, 90, 90, 90, 90], {"soak_http"}),
        ([50, 100, 95, 95, 95, 95], [80, 90, 90, 90, 145, 145], {"soak_api_mib_growth"}),
    ],
)
def test_a_soak_compares_its_last_third_with_its_second_minute(
    http: list[float], api: list[float], missed: set[str]
) -> None:
    found = verdicts(by_minute(rounds(http, api), minutes=6))
    assert {one.id for one in found if not one.holds} == missed


def test_a_short_soak_judges_nothing() -> None:
    found = verdicts(by_minute(rounds([100, 100, 10], [80, 80, 300]), minutes=3))
    assert {one.holds for one in found} == {None}


def test_a_round_that_ends_after_the_time_counts_with_the_last_minute() -> None:
    assert [one.minute for one in by_minute(rounds([1, 2, 3], [1, 1, 1]), minutes=2)] == [1, 2]


def test_the_page_has_a_place_for_the_figures_and_for_the_soak() -> None:
    text = PAGE.read_text()
    for name in ("figures", "soak"):
        filled = between(text, name, "| 1 |\n")
        assert f"<!-- {name}: begin -->\n\n| 1 |\n\n<!-- {name}: end -->" in filled
        assert between(filled, name, "| 2 |\n").count(f"<!-- {name}: begin -->") == 1


def test_a_page_without_markers_is_not_written_over() -> None:
    with pytest.raises(ValueError, match="no place"):
        between("nothing", "figures", "")
