"""What is said on one stream connection, as a venue's adapter knows it. Pure: `venues.follow` does the carrying.

A talk keeps the books of its connection and says of each whether it is in step: whole, and with every change since. A
gap, a wrong checksum or a crossed book puts one out of step until the venue has told it anew; a connection that goes
out of step again and again, or speaks another protocol, is given up.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tidegate.venues.ladder import Ladder
from tidegate.venues.port import Book

QUIET_SECONDS = 30.0
"""A connection that speaks vouches for all its books; for one that has not changed in this time no longer."""
MOST_LOSSES = 5
LOSS_SECONDS = 60.0
"""More losses than that in so long: something else is wrong, and a new connection is worth more than a sixth try."""


class OutOfStep(Exception):
    """Nothing more that this connection says can be trusted."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What follows from a message. `say` is sent; the books of `fetch` are asked for over REST and given to `fetched`.

    `ends`: the venue is about to close this connection.
    """

    say: tuple[str, ...] = ()
    fetch: tuple[str, ...] = ()
    ends: bool = False


NOTHING = Heard()


class Steps:
    """The books of a connection, which of them are in step, and when it last spoke (our clock, Unix seconds)."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.ladders = {symbol: Ladder() for symbol in symbols}
        self.heard = 0.0
        self._in_step: dict[str, tuple[int, float]] = {}  # sequence, and when it was last told of itself
        self._refused: set[str] = set()
        self._losses: deque[float] = deque(maxlen=MOST_LOSSES)

    def book(self, symbol: str) -> Book | None:
        """As it stands now; None while it is out of step: what was read before grows old."""
        if symbol not in self._in_step:
            return None
        sequence, told = self._in_step[symbol]
        received = max(told, min(self.heard, told + QUIET_SECONDS))
        return self.ladders[symbol].book(symbol, sequence=sequence, received=received)

    def sequence(self, symbol: str) -> int | None:
        """The venue's number of the book's state; None while it is out of step."""
        found = self._in_step.get(symbol)
        return None if found is None else found[0]

    @property
    def missing(self) -> list[str]:
        """Those that are to be told yet."""
        return [symbol for symbol in self.ladders if symbol not in self._in_step and symbol not in self._refused]

    @property
    def in_step(self) -> int:
        return len(self._in_step)

    def stands(self, symbol: str, sequence: int, now: float) -> bool:
        """The book has just been told, whole or by a change. False where it came out crossed: then it is lost."""
        if self.ladders[symbol].crossed:
            self.lost(symbol, now)
            return False
        self._in_step[symbol] = (sequence, now)
        return True

    def lost(self, symbol: str, now: float) -> None:
        """Out of step. Raises OutOfStep when that happens too often."""
        self._in_step.pop(symbol, None)
        if len(self._losses) == MOST_LOSSES and now - self._losses[0] < LOSS_SECONDS:
            raise OutOfStep(f"{symbol}: out of step again and again")
        self._losses.append(now)

    def renew(self, symbol: str) -> None:
        """Out of step until it is told whole, and no loss: nothing is wrong with it."""
        self._in_step.pop(symbol, None)

    def refuse(self, symbol: str) -> None:
        """The venue does not tell this one."""
        self._refused.add(symbol)
        self._in_step.pop(symbol, None)


class Talk(Protocol):
    """One connection's. `path` follows the stream's root address. Everything raises Malformed or OutOfStep."""

    path: str
    steps: Steps

    def greeting(self) -> Heard:
        """What is to be done first on a new connection."""
        ...

    def hear(self, message: bytes, now: float) -> Heard: ...

    def fetched(self, book: Book, now: float) -> Heard:
        """A book that was asked for has come."""
        ...
