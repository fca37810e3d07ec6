"""What was measured on: facts for the header, the load before each window, processor time and memory of processes."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, Any]:
    """Facts of this machine and this commit; nothing that names the machine."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cpus": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(memory / 2**30, 1),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "system": platform.system(),
        "commit": commit.stdout.strip() or None,
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def load() -> float:
    """The load average of the last minute: what else this machine was doing when a window began."""
    return os.getloadavg()[0]


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of its children that ended; 0 when it is gone."""
    try:
        # The command, in brackets, may hold spaces: what follows the last bracket is fixed.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / _TICKS


def children(pid: int) -> list[int]:
    """The processes that this one started and that live."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            continue
    return found


def tree_cpu_seconds(pid: int) -> float:
    """Processor time of a process with its children, living and ended: for PostgreSQL, every backend."""
    return cpu_seconds(pid) + sum(cpu_seconds(child) for child in children(pid))


def resident_mib(pids: Iterable[int]) -> float:
    """Resident memory of these processes that is theirs alone: shared pages (PostgreSQL's buffers, which fill up by
    design) are left out."""
    kib = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return kib / 1024
