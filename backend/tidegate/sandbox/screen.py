"""What `tidegate up` shows: a live table on a terminal, one line for each change elsewhere."""

import sys
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tidegate.sandbox.progress import Part, Progress, State

_MARKS = {
    State.WAITING: ("·", "dim"),
    State.STARTING: ("…", "cyan"),
    State.READY: ("✓", "green"),
    State.FAILED: ("✗", "red"),
}


class Screen:
    """A context: shows progress as it changes, until everything is ready."""

    def __init__(self, progress: Progress, url: str) -> None:
        self._progress = progress
        self._url = url
        self._console = Console(file=sys.stdout)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._said: dict[str, tuple[State, str]] = {}

    def __enter__(self) -> "Screen":
        self._progress.listeners.append(self._changed)
        if self._live is not None:
            self._live.start()
            self._live.update(self._table(), refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.listeners.remove(self._changed)
        self._end_live()

    def ready(self, ready_file: Path) -> None:
        """Everything is up."""
        self._end_live()
        self._say(f"Tidegate is ready at {self._url}  (Ctrl-C stops it; details in {ready_file})")

    def stopping(self) -> None:
        self._end_live()
        self._say("Stopping.")

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _changed(self, part: Part) -> None:
        if self._live is not None:
            self._live.update(self._table(), refresh=True)
        elif self._said.get(part.name) != (part.state, part.detail):
            self._said[part.name] = (part.state, part.detail)
            self._say(f"{_MARKS[part.state][0]} {part.name}: {part.state}{f' ({part.detail})' if part.detail else ''}")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for part in self._progress.parts.values():
            mark, style = _MARKS[part.state]
            table.add_row(f"[{style}]{mark}[/]", part.name, part.detail or part.what, style=style)
        return table
