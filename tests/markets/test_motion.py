"""How a price's motion is counted: known cases, and that stillness calms it."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tidegate.markets.motion import MEMORY_MS, Motion, moved

STEADY = Fraction(64000)


def test_one_sample_says_nothing_of_motion() -> None:
    assert moved(None, STEADY, 1000) == Motion(STEADY, 1000, 0)


def test_a_price_that_keeps_moving_comes_to_its_own_variance() -> None:
    """A thousandth each second, up and down: a variance of a millionth."""
    motion, mid = moved(None, STEADY, 0), STEADY
    for second in range(1, 4000):
        mid = STEADY * Fraction(1001, 1000) if second % 2 else STEADY
        motion = moved(motion, mid, second * 1000)
    assert abs(Fraction(motion.variance, 10**12) - 1) < Fraction(1, 100)


def test_after_the_memory_has_passed_half_of_a_motion_is_left() -> None:
    stirred = Motion(STEADY, 0, 10**12)
    assert moved(stirred, STEADY, MEMORY_MS).variance == 10**12 // 2


def test_samples_too_near_or_from_before_change_nothing() -> None:
    stirred = Motion(STEADY, 10_000, 10**12)
    assert moved(stirred, STEADY * 2, 10_499) == stirred
    assert moved(stirred, STEADY * 2, 9_000) == stirred
    assert moved(stirred, STEADY * 2, 10_500) != stirred


@given(
    st.integers(0, 10**15),
    st.fractions(Fraction(1, 2), 2, max_denominator=10**6),
    st.integers(500, 10**6),
)
def test_the_variance_lies_between_what_it_was_and_what_was_seen(variance: int, change: Fraction, passed: int) -> None:
    found = moved(Motion(STEADY, 0, variance), STEADY * change, passed)
    seen = (change - 1) ** 2 * 1000 / passed * 10**18
    assert min(Fraction(variance), seen) <= found.variance <= max(Fraction(variance), seen) + 1
