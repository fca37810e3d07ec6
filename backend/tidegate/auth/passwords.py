"""Passwords as argon2id (security.md 4.1): 46 MiB, one pass, one lane, in four threads with a bounded queue."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from tidegate.auth.rules import normal_password
from tidegate.refusal import Kind, Refusal

MEMORY_KIB = 47_104
THREADS = 4
WAITING = 64
"""How many may wait for a thread; one more is told to come back. Otherwise login is a memory bomb."""


@lru_cache(maxsize=8)
def _hasher(memory_kib: int) -> PasswordHasher:
    return PasswordHasher(
        time_cost=1, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16, encoding="utf-8", type=Type.ID
    )


def hash_password(password: str, *, memory_kib: int = MEMORY_KIB) -> str:
    """The argon2id string to store. Blocks for tens of milliseconds: a request uses `Hashing`."""
    return _hasher(memory_kib).hash(normal_password(password))


def verify_password(password: str, stored: str) -> bool:
    """Whether the password is the one that was stored; parameters are read from `stored`. Blocks like hashing."""
    try:
        return _hasher(MEMORY_KIB).verify(stored, normal_password(password))
    except (Argon2Error, InvalidHashError):
        return False


def outdated(stored: str, *, memory_kib: int) -> bool:
    """Whether the parameters have changed since it was stored, so that login should store it anew."""
    return _hasher(memory_kib).check_needs_rehash(stored)


@lru_cache(maxsize=8)
def nobody(memory_kib: int) -> str:
    """A hash that no password has: checked for unknown addresses, so that they take as long as known ones."""
    return hash_password("nobody has this password", memory_kib=memory_kib)


class Hashing:
    """The process's threads for passwords. More than THREADS + WAITING at once are refused as BUSY."""

    def __init__(self, memory_kib: int) -> None:
        self.memory_kib = memory_kib
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._under_way = 0

    async def hash(self, password: str) -> str:
        with self._place():
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: hash_password(password, memory_kib=self.memory_kib)
            )

    async def verify(self, password: str, stored: str | None) -> bool:
        """`stored` None: nobody is known by that name; takes as long and answers False."""
        with self._place():
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, password, stored)
        return found

    def outdated(self, stored: str) -> bool:
        return outdated(stored, memory_kib=self.memory_kib)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, stored: str | None) -> bool:
        right = verify_password(password, stored if stored is not None else nobody(self.memory_kib))
        return right and stored is not None

    def _place(self) -> "_Place":
        return _Place(self)


class _Place:
    """One place in the queue, given back whatever happens."""

    def __init__(self, hashing: Hashing) -> None:
        self._hashing = hashing

    def __enter__(self) -> None:
        if self._hashing._under_way >= THREADS + WAITING:
            raise Refusal(Kind.BUSY, "Too many people are signing in at this moment.", retry_after=2)
        self._hashing._under_way += 1

    def __exit__(self, *_: object) -> None:
        self._hashing._under_way -= 1
