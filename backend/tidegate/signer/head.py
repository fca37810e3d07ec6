"""How far the journal is, kept beside it, so that a journal put back to an earlier state is noticed.

Two slots of one length, written in turn, each with a checksum: a torn write spoils one and leaves the other. The head
is written after its line and before the answer, so it never tells of more than was answered. Who puts back both files
together is not noticed here; keep the head on another disk, or compare `tidegate doctor`'s line count.
"""

import hashlib
import os
from pathlib import Path

GENESIS = "0" * 64
_SLOT = 20 + 1 + 64 + 1 + 16 + 1


class HeadUnreadable(Exception):
    """There is a head, and neither of its slots is whole."""


class Head:
    """The head file, open. It is made when it is not there."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._turn = 0

    def read(self) -> tuple[int, str] | None:
        """Lines and hash of the newest one; None when nothing was ever written. Refuses with HeadUnreadable."""
        data = os.pread(self._fd, 2 * _SLOT, 0)
        if not data:
            return None
        found = []
        for turn in (0, 1):
            slot = _read_slot(data[turn * _SLOT : (turn + 1) * _SLOT])
            if slot is not None:
                found.append((*slot, turn))
        if not found:
            raise HeadUnreadable("the journal's head cannot be read")
        lines, head, turn = max(found)
        self._turn = 1 - turn
        return lines, head

    def write(self, lines: int, head: str, *, anew: bool = False) -> None:
        """On disk when it returns. `anew` forgets what was written before."""
        if anew:
            os.ftruncate(self._fd, 0)
            self._turn = 0
        os.pwrite(self._fd, _slot(lines, head), self._turn * _SLOT)
        os.fsync(self._fd)
        self._turn = 1 - self._turn

    def close(self) -> None:
        """Let go of the file; closing again does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def _slot(lines: int, head: str) -> bytes:
    text = f"{lines:020d} {head}"
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()[:16]}\n".encode()


def _read_slot(data: bytes) -> tuple[int, str] | None:
    parts = data.split()
    if len(parts) != 3 or not parts[0].isdigit():
        return None
    lines, head = int(parts[0]), parts[1].decode(errors="replace")
    return (lines, head) if _slot(lines, head) == data else None
