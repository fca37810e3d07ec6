"""Files for download: nothing in them is run by a spreadsheet, amounts stay numbers, long ones cost no memory."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from tidegate.download import cell, download


async def some(*batches: Sequence[Sequence[object]]) -> AsyncIterator[Sequence[Sequence[object]]]:
    for batch in batches:
        yield batch


async def body(form: str, *batches: Sequence[Sequence[object]]) -> str:
    answer = download(
        form,  # type: ignore[arg-type]  # the two forms, as a parameter
        "name",
        head={"asset": "BTC", "from": None},
        columns=("a", "b"),
        rows=some(*batches),
    )
    return b"".join([bytes(part) async for part in answer.body_iterator]).decode()  # type: ignore[arg-type]  # ours yields bytes


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "|calc",
        "%0A",
        "-0.1e5",
        "＝1",
        "＋1",
        "-",
        "-1 ",
    ],
)
def test_text_that_begins_like_a_formula_is_made_text(text: str) -> None:
    assert cell(text) == "'" + text


@pytest.mark.parametrize("text", ["0.10", "-0.10000000", "-12", "withdrawal accepted", "", "a=b", "1-2"])
def test_amounts_and_plain_text_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


async def test_commas_quotes_and_line_breaks_come_back_as_they_went_in() -> None:
    rows: Sequence[Sequence[object]] = [["a,b", 'say "x"'], ["two\nlines", None]]
    assert list(csv.reader(io.StringIO(await body("csv", rows), newline=""))) == [
        ["a", "b"],
        ["a,b", 'say "x"'],
        ["two\nlines", ""],
    ]


async def test_json_is_whole_however_it_comes_in() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)
    found = json.loads(await body("json", [], [["=x", when]], [], [["ü", None], ["-1", "2"]]))
    assert found == {
        "asset": "BTC",
        "from": None,
        "items": [{"a": "=x", "b": "2026-01-02T03:04:05.006Z"}, {"a": "ü", "b": None}, {"a": "-1", "b": "2"}],
    }
    assert json.loads(await body("json"))["items"] == []


async def test_rows_are_asked_for_as_they_are_sent() -> None:
    """A reader that stops has not made us read on."""
    asked = 0

    async def endless() -> AsyncIterator[Sequence[Sequence[object]]]:
        nonlocal asked
        while True:
            asked += 1
            yield [[asked, None]]

    parts = download("csv", "name", head={}, columns=("a", "b"), rows=endless()).body_iterator
    for _ in range(3):
        await anext(aiter(parts))
    assert asked == 2
