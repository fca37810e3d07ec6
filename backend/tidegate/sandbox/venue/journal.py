"""What the venue remembers over a restart: named cells, each append one line, whole or not at all."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "venue.journal"


class Journal:
    """Cells on disk. `append` returns only when its line is on the disk; a torn last line never happened.

    With `durable` false a line is only handed to the system: it outlives the process, and not the machine.
    One process a directory (BlockingIOError for the second). Loading rewrites the file with the last value of each
    cell, by rename.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self._durable = durable
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / NAME
        self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.cells = self._load()
        self._file = self._compacted()
        self._length = os.fstat(self._file).st_size

    def _load(self) -> dict[str, Any]:
        cells: dict[str, Any] = {}
        if self._path.exists():
            whole, _, _ = self._path.read_bytes().rpartition(b"\n")
            for line in whole.splitlines():
                cells.update(json.loads(line))
        return cells

    def _compacted(self) -> int:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            if self.cells:
                file.write(_line(self.cells))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def append(self, cells: Mapping[str, Any]) -> None:
        """Make these values durable. After an OSError nothing of them is."""
        if not cells:
            return
        line = _line(cells)
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError("short write")
            if self._durable:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._length)
            raise
        self._length += len(line)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._lock)


def _line(cells: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(cells), separators=(",", ":")).encode() + b"\n"
