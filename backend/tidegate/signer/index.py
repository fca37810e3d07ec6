"""Where in the journal things stand: the signer's memory for years of payouts, in little room.

A name is kept as a hash of it, a line as its place in the file; the line itself is read again when it is asked for.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
Place = int
"""Start and length of a line, in one number: it is kept a few times for each payout."""
_LENGTH_BITS = 32


def place(start: int, length: int) -> Place:
    return start << _LENGTH_BITS | length


def start_and_length(where: Place) -> tuple[int, int]:
    return where >> _LENGTH_BITS, where & (1 << _LENGTH_BITS) - 1


def name_of(name: str) -> bytes:
    """What a name is kept as."""
    return hashlib.blake2b(name.encode(), digest_size=20).digest()


class Newest(Generic[T]):
    """Name → what the newest line about it says."""

    def __init__(self, read: Callable[[Place], T]) -> None:
        self._read = read
        self._places: dict[bytes, Place] = {}

    def put(self, name: str, where: Place) -> None:
        self._places[name_of(name)] = where

    def where(self, name: str) -> Place | None:
        return self._places.get(name_of(name))

    def get(self, name: str) -> T | None:
        where = self.where(name)
        return None if where is None else self._read(where)

    def __contains__(self, name: str) -> bool:
        return name_of(name) in self._places

    def __len__(self) -> int:
        return len(self._places)


class Every(Generic[T]):
    """Name → what all lines about it say, oldest first."""

    def __init__(self, read: Callable[[Place], T]) -> None:
        self._read = read
        self._places: dict[bytes, Place | tuple[Place, ...]] = {}

    def add(self, name: str, where: Place) -> None:
        known = self._places.get(name_of(name))
        self._places[name_of(name)] = where if known is None else (*_all(known), where)

    def drop(self, name: str) -> None:
        self._places.pop(name_of(name), None)

    def get(self, name: str) -> list[T]:
        """Empty for what is not known."""
        return [self._read(where) for where in _all(self._places.get(name_of(name), ()))]

    def __contains__(self, name: str) -> bool:
        return name_of(name) in self._places

    def __len__(self) -> int:
        return len(self._places)


def _all(known: Place | tuple[Place, ...]) -> Iterable[Place]:
    return known if isinstance(known, tuple) else (known,)
