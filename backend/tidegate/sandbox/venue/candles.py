"""Candles of the past that nobody recorded: drawn from the seed, so that they are the same for every reader."""

from dataclasses import dataclass
from random import Random

from tidegate.sandbox.venue.prices import E8, Prices


@dataclass(frozen=True, slots=True)
class Candle:
    """`start` in Unix seconds; the rest in units of 1e-8, `volume` of the base asset."""

    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int


class Candles:
    """Of every pair and interval. The one that is open ends at the market's price of now."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def between(self, name: str, seconds: int, start: int, end: int, *, now: int, most: int) -> list[Candle]:
        """Those that begin in [start, end] and are not in the future, oldest first, at most `most` from the start on."""
        first = -(-start // seconds) * seconds
        last = min(end, now) // seconds * seconds
        count = min(most, max(0, (last - first) // seconds + 1))
        return [self._one(name, seconds, first + n * seconds, now) for n in range(count)]

    def _one(self, name: str, seconds: int, start: int, now: int) -> Candle:
        opened, closed = self._at(name, start), self._at(name, start + seconds)
        if start + seconds > now:
            closed = self._prices.mid(name)
        draw = Random(f"{self._prices.seed}:{name}:{seconds}:{start}")
        beyond = draw.randint(0, 400)  # millionths
        tick = self._prices.symbols[name].tick
        high = max(opened, closed) * (1_000_000 + beyond) // 1_000_000 // tick * tick + tick
        low = min(opened, closed) * (1_000_000 - beyond) // 1_000_000 // tick * tick
        volume = draw.randint(1, 50_000) * seconds * E8 // max(1, opened // E8 + 1) // 10
        return Candle(start, opened, high, max(low, tick), closed, volume, draw.randint(1, 90) * max(1, seconds // 60))

    def _at(self, name: str, second: int) -> int:
        """The price of a moment: near what it wanders around, by as much as the moment's own number says."""
        anchor, tick = self._prices.anchor(name), self._prices.symbols[name].tick
        differs = Random(f"{self._prices.seed}:{name}:{second // 60}").randint(-3_000, 3_000)  # millionths
        return max(tick, anchor * (1_000_000 + differs) // 1_000_000 // tick * tick)
