"""Where a reader who comes back goes on."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.notices import rules
from tidegate.notices.rules import Resume

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("17", 17),
        ("017", None),
        ("-1", None),
        ("1e3", None),
        ("１", None),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("17\n", None),
        ("a", None),
    ],
)
def test_only_a_plain_number_is_a_last_event_id(text: str | None, found: int | None) -> None:
    assert rules.read_sequence(text) == found


def test_a_reader_without_a_past_starts_now() -> None:
    assert rules.resume(None, 41, None, NOW) == Resume(41, reset=False)


def test_a_reader_goes_on_after_what_it_has() -> None:
    assert rules.resume(17, 41, (18, NOW - timedelta(days=6)), NOW) == Resume(17, reset=False)
    assert rules.resume(41, 41, None, NOW) == Resume(41, reset=False)


@pytest.mark.parametrize(
    ("asked", "oldest"),
    [
        (17, (18, NOW - timedelta(days=7, seconds=1))),  # older than we keep our word for
        (17, (30, NOW)),  # what came next was forgotten
        (17, None),
        (99, None),  # a number we never gave
    ],
)
def test_a_reader_who_missed_what_is_gone_reads_everything_anew(
    asked: int, oldest: tuple[int, datetime] | None
) -> None:
    assert rules.resume(asked, 41, oldest, NOW) == Resume(41, reset=True)


@given(st.text(max_size=40))
def test_no_header_breaks_the_reader(text: str) -> None:
    rules.read_sequence(text)
