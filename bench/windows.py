"""Windows of measurement: cases interleaved, shuffled anew for each repetition, told as median and range."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bench.machine import load


@dataclass(frozen=True, slots=True)
class Case:
    """One thing measured: `run` takes one window and answers with a rate (or whatever its unit says)."""

    id: str
    run: Callable[[], Awaitable[float]]


@dataclass(slots=True)
class Spread:
    """The windows of one case; what is told of them is the median, and the range beside it."""

    values: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)

    def text(self, digits: int = 0) -> str:
        return f"{self.median:,.{digits}f} [{self.least:,.{digits}f}-{self.most:,.{digits}f}]"


Told = Callable[[str, float], None]
"""Is told each window as it ends: case id and value."""


async def interleave(
    cases: Sequence[Case], *, repetitions: int, seed: int = 1, told: Told | None = None
) -> dict[str, Spread]:
    """Every case once a repetition, in an order drawn anew: drift of the machine touches all of them alike."""
    order = random.Random(seed)
    found = {case.id: Spread() for case in cases}
    for _ in range(repetitions):
        for case in order.sample(list(cases), len(cases)):
            found[case.id].loads.append(load())
            value = await case.run()
            found[case.id].values.append(value)
            if told is not None:
                told(case.id, value)
    return found


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._begun


def percentile(ascending: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]
