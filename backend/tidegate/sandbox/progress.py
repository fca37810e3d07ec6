"""What is still starting, for the page (`GET /sandbox/start` reads the file) and for the terminal."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tidegate.sandbox.process import write_whole


class State(StrEnum):
    """Where one part of the system stands."""

    WAITING = "waiting"  # for another part
    STARTING = "starting"  # begun, not yet answering
    READY = "ready"  # answers, or is done
    FAILED = "failed"  # ended or cannot start; `detail` says why and what happens next


@dataclass(slots=True)
class Part:
    name: str
    what: str
    state: State
    detail: str
    since: str


class Progress:
    """The parts in the order in which a person would list them; every change is on disk at once, whole."""

    def __init__(self, path: Path, names: dict[str, str]) -> None:
        now = _now()
        self.path = path
        self.started_at = now
        self.done = False
        self.parts = {name: Part(name, what, State.WAITING, "", now) for name, what in names.items()}
        self.listeners: list[Callable[[Part], None]] = []
        self._write()

    def set(self, name: str, state: State, detail: str = "") -> None:
        part = self.parts[name]
        if part.state is not state:
            part.since = _now()
        part.state, part.detail = state, detail
        self._write()
        for listener in self.listeners:
            listener(part)

    def finish(self) -> None:
        self.done = True
        self._write()

    def _write(self) -> None:
        listed = [asdict(part) for part in self.parts.values()]
        state = {"started_at": self.started_at, "ready": self.done, "parts": listed}
        write_whole(self.path, json.dumps(state, indent=1) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
