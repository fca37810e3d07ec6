"""How much a price moves: the variance of its relative change a second, the recent past weighing most. Pure.

A new sample weighs `dt / (dt + MEMORY)`: many small steps and one large one over the same time weigh about the same, and
nothing needs an exponential. Rounded up to 10**-18.
"""

from dataclasses import dataclass
from fractions import Fraction

MEMORY_MS = 300_000
"""Five minutes: what is older than that has lost half of its weight."""
LEAST_MS = 500
"""Samples nearer than this are one: a book's noise is no motion."""
_ONE = 10**18


@dataclass(frozen=True, slots=True)
class Motion:
    """The last sample, and the variance a second in 10**-18 of all before it."""

    mid: Fraction
    at_ms: int
    variance: int = 0


def moved(before: Motion | None, mid: Fraction, at_ms: int) -> Motion:
    """With one more sample. Samples too near, or from before, change nothing."""
    if before is None:
        return Motion(mid, at_ms)
    passed = at_ms - before.at_ms
    if passed < LEAST_MS:
        return before
    change = mid / before.mid - 1
    sample = change * change * 1000 / passed * _ONE
    variance = before.variance + (sample - before.variance) * Fraction(passed, passed + MEMORY_MS)
    return Motion(mid, at_ms, -(-variance.numerator // variance.denominator))
