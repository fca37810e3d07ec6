"""Sharing out whole units: nothing made, nothing lost, nobody off by a unit or more."""

import os
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tidegate.money import MoneyError, Remainder, allocate, divide

often = settings(max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "60")), deadline=None)

units = st.one_of(st.integers(0, 50), st.integers(0, 10**48))
weights = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 10**30)), min_size=1, max_size=12).filter(any)
places = st.sampled_from(Remainder)


@often
@given(units, weights)
def test_what_does_not_divide_is_left_over_and_is_fewer_units_than_shares(found: int, by: list[int]) -> None:
    shares, left = divide(found, by)
    assert sum(shares) + left == found
    assert 0 <= left < max(1, sum(weight > 0 for weight in by))
    assert [found * Fraction(weight, sum(by)) // 1 for weight in by] == list(shares)


@often
@given(units, weights, places)
@example(10**48 - 1, [1, 1, 1], Remainder.LAST)
def test_shares_add_up_to_exactly_what_is_shared_and_each_is_its_part_to_within_a_unit(
    found: int, by: list[int], place: Remainder
) -> None:
    shares = allocate(found, by, place)
    assert sum(shares) == found
    for share, weight in zip(shares, by, strict=True):
        assert abs(share - found * Fraction(weight, sum(by))) < 1
        assert weight > 0 or share == 0


@often
@given(units, weights)
def test_the_largest_remainders_are_rounded_up_and_no_others(found: int, by: list[int]) -> None:
    exact = [found * Fraction(weight, sum(by)) for weight in by]
    lost = [part - part // 1 for part in exact]
    up = [share > part // 1 for share, part in zip(allocate(found, by), exact, strict=True)]
    assert all(
        mine > other or (mine == other and index < position)
        for index, mine in enumerate(lost)
        if up[index]
        for position, other in enumerate(lost)
        if not up[position] and by[position]
    )


@often
@given(units, weights)
def test_first_and_last_are_the_same_seen_from_the_other_end(found: int, by: list[int]) -> None:
    backwards = allocate(found, by[::-1], Remainder.LAST)[::-1]
    assert allocate(found, by, Remainder.FIRST) == backwards


@often
@given(units, weights, places, st.integers(1, 10**9))
def test_only_the_proportion_of_the_weights_counts(found: int, by: list[int], place: Remainder, times: int) -> None:
    assert allocate(found, by, place) == allocate(found, [weight * times for weight in by], place)


@often
@given(units, weights, places)
def test_what_was_shared_out_once_stays_as_it_is(found: int, by: list[int], place: Remainder) -> None:
    shares = allocate(found, by, place)
    assume(found > 0)
    assert allocate(found, shares, place) == shares


@pytest.mark.parametrize(
    ("found", "by", "place", "shares"),
    [
        (100, [1, 1, 1], Remainder.LARGEST, (34, 33, 33)),
        (100, [1, 1, 1], Remainder.LAST, (33, 33, 34)),
        (10, [5, 3, 1], Remainder.LARGEST, (6, 3, 1)),
        (10, [1, 0, 3, 5], Remainder.FIRST, (2, 0, 3, 5)),
        (2, [1, 1, 1, 1], Remainder.FIRST, (1, 1, 0, 0)),
        (2, [1, 1, 1, 0], Remainder.LAST, (0, 1, 1, 0)),
        (0, [1, 2], Remainder.LARGEST, (0, 0)),
        (7, [3], Remainder.LAST, (7,)),
    ],
)
def test_who_gets_the_last_unit_is_named(found: int, by: list[int], place: Remainder, shares: tuple[int, ...]) -> None:
    assert allocate(found, by, place) == shares


@pytest.mark.parametrize(("found", "by"), [(-1, [1]), (1, [1, -1, 2]), (1, []), (1, [0, 0]), (0, [0])])
def test_what_cannot_be_shared_out_is_refused(found: int, by: list[int]) -> None:
    with pytest.raises(MoneyError):
        allocate(found, by)
    with pytest.raises(MoneyError):
        divide(found, by)
