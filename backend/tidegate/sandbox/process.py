"""Child processes that cannot outlive us: own session, a parent-death signal, an end with a deadline, no shell."""

import asyncio
import ctypes
import errno
import os
import pwd
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartFailed(Exception):
    """A part did not come up. The text is for the person who typed the command."""


class NotHere(StartFailed):
    """A program is missing and cannot be had: trying again would not help."""


def _dies_with_parent(parent: int, sent: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
            # The parent may have died before the line above took effect; then nobody would ever send it.
            if os.getppid() != parent:
                os._exit(1)

    return prepare


# glibc gives each thread memory of its own to allocate from, and none of it back.
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


async def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> asyncio.subprocess.Process:
    """Start a child in its own session; output is appended to `log`; it gets `death_signal` when we die, however we die.

    Call it from the main thread: the kernel's parent-death signal is tied to the thread that forked.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    drop = {} if user is None else _identity(user)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *(str(word) for word in argv),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_FEW_ARENAS | dict(os.environ if env is None else env),
            cwd=cwd,
            start_new_session=True,
            # fork-safe: calls prctl and getppid only. CPython runs it after setuid, which would clear the death signal.
            preexec_fn=_dies_with_parent(os.getpid(), death_signal),
            **drop,  # type: ignore[arg-type]  # user, group, extra_groups of subprocess.Popen
        )
    finally:
        os.close(output)


def _identity(user: str) -> dict[str, object]:
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": ()}


async def run(
    argv: Sequence[str | Path], *, user: str | None = None, cwd: Path | None = None, seconds: float = 120
) -> str:
    """Run to the end and return what it printed; StartFailed with its last words when it fails."""
    drop = {} if user is None else _identity(user)
    process = await asyncio.create_subprocess_exec(
        *(str(word) for word in argv),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=cwd,
        **drop,  # type: ignore[arg-type]
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        raise StartFailed(f"{Path(argv[0]).name} did not end within {seconds:.0f} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = printed.decode(errors="replace")
    if process.returncode != 0:
        raise StartFailed(f"{Path(argv[0]).name} failed: {_last_words(text)}")
    return text


async def end(
    process: asyncio.subprocess.Process, *, sent: signal.Signals = signal.SIGTERM, seconds: float = 10
) -> int:
    """Ask, wait, then kill the child and whatever is left in its session. Returns the exit code."""
    if process.returncode is None:
        _signal(process, sent)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
    # The leader's pid is its group's: what it started and left behind goes too.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return await process.wait()


def _signal(process: asyncio.subprocess.Process, sent: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(sent)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now, below those that the system gives to outgoing connections."""
    for _ in range(1000):
        port = 20_000 + secrets.randbelow(12_000)
        if port_is_free(port):
            return port
    raise StartFailed("No free port between 20000 and 32000.")


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether we could listen there. A machine without IPv6 has every port of ::1 free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def tail(log: Path, lines: int = 5) -> str:
    """The last lines a child wrote, for a message to a person."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            return _last_words(file.read().decode(errors="replace"), lines)
    except OSError:
        return "(no output)"


def _last_words(text: str, lines: int = 5) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-lines:]) or "(no output)"


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
