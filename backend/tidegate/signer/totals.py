"""What was signed away lately, by asset: sums over sliding windows, from the journal's own lines. Pure."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime

HOUR = 3_600.0
DAY = 86_400.0


def moment(text: str) -> float:
    """Seconds of an RFC 3339 time. Refuses with ValueError."""
    return datetime.fromisoformat(text).timestamp()


class Totals:
    """Lines come in the order of their times. Nothing older than a day before the newest is kept."""

    def __init__(self) -> None:
        self.newest = ""
        self._windows = {HOUR: _Window(HOUR), DAY: _Window(DAY)}

    def add(self, at: str, units: Mapping[str, int]) -> None:
        """Refuses (ValueError) a time before the newest."""
        if self.newest and moment(at) < moment(self.newest):
            raise ValueError("a line of the journal is older than the one before")
        self.newest = at
        for window in self._windows.values():
            window.add(moment(at), units)

    def since(self, at: str, seconds: float) -> Mapping[str, int]:
        """The sums by asset of the window of this length that ends at `at`, its first moment left out."""
        window = self._windows[seconds]
        window.forget(moment(at))
        return window.sums


class _Window:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: deque[tuple[float, Mapping[str, int]]] = deque()
        self.sums: Counter[str] = Counter()

    def add(self, at: float, units: Mapping[str, int]) -> None:
        self._kept.append((at, units))
        self.sums.update(units)
        self.forget(at)

    def forget(self, now: float) -> None:
        while self._kept and self._kept[0][0] <= now - self._seconds:
            self.sums.subtract(self._kept.popleft()[1])
