"""Children live as long as the supervisor wants, and not a moment longer."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tidegate.sandbox.doors import Answer, Door, Request
from tidegate.sandbox.process import NotHere, StartFailed, end, free_port, spawn
from tidegate.sandbox.progress import Progress, State
from tidegate.sandbox.supervisor import Child, Supervisor, Unfit

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "progress.json", {"it": "a thing"})


def child(
    tmp_path: Path,
    argv: list[str] = SLEEP,
    ready: Callable[[asyncio.subprocess.Process], Awaitable[str]] | None = None,
) -> Child:
    async def start() -> asyncio.subprocess.Process:
        return await spawn(argv, log=tmp_path / "it.log")

    async def at_once(_: asyncio.subprocess.Process) -> str:
        return "here"

    return Child("it", tmp_path / "it.log", start, ready or at_once, stop_seconds=1)


async def reaches(progress: Progress, state: State) -> None:
    async with asyncio.timeout(20):
        while progress.parts["it"].state is not state:
            await asyncio.sleep(0.01)


async def test_a_killed_child_comes_back_and_the_progress_says_why(progress: Progress, tmp_path: Path) -> None:
    supervisor = Supervisor(progress)
    said: list[str] = []
    progress.listeners.append(lambda part: said.append(f"{part.state} {part.detail}"))
    it = supervisor.keep(child(tmp_path))
    await reaches(progress, State.READY)
    assert it.process is not None
    first = it.process.pid
    it.process.kill()
    await reaches(progress, State.FAILED)
    await reaches(progress, State.READY)
    assert it.process.pid != first
    assert "failed ended by itself (signal 9); starting it again" in said
    await supervisor.stop([["it"]])
    assert it.process.returncode is not None


async def test_a_child_that_is_kept_down_starts_only_when_let_up(progress: Progress, tmp_path: Path) -> None:
    supervisor = Supervisor(progress)
    it = supervisor.keep(child(tmp_path))
    await reaches(progress, State.READY)
    await supervisor.kill("it")
    await reaches(progress, State.FAILED)
    assert progress.parts["it"].detail == "kept down on purpose"
    await asyncio.sleep(0.6)
    assert it.process is not None
    assert it.process.returncode == -signal.SIGKILL
    supervisor.revive("it")
    await reaches(progress, State.READY)
    await supervisor.stop([["it"]])


async def test_what_never_comes_up_ends_the_start_with_its_last_words(progress: Progress, tmp_path: Path) -> None:
    async def never(process: asyncio.subprocess.Process) -> str:
        await asyncio.Event().wait()
        return ""

    supervisor = Supervisor(progress)
    supervisor.keep(child(tmp_path, [sys.executable, "-c", "import sys; sys.exit('no such port')"], never))
    with pytest.raises(StartFailed, match="no such port"):
        async with asyncio.timeout(20):
            await supervisor.failure()
    await supervisor.stop([["it"]])


async def test_a_missing_program_is_not_looked_for_again(progress: Progress, tmp_path: Path) -> None:
    tries = 0

    async def start() -> asyncio.subprocess.Process:
        nonlocal tries
        tries += 1
        raise NotHere("Install it.")

    it = child(tmp_path)
    it.start = start
    supervisor = Supervisor(progress)
    supervisor.keep(it)
    with pytest.raises(NotHere, match=r"Install it\."):
        async with asyncio.timeout(20):
            await supervisor.failure()
    assert tries == 1
    await supervisor.stop([["it"]])


async def test_an_unfit_child_runs_and_is_shown_as_failed(progress: Progress, tmp_path: Path) -> None:
    async def unfit(_: asyncio.subprocess.Process) -> str:
        raise Unfit("The chain is younger than the books.")

    supervisor = Supervisor(progress)
    it = supervisor.keep(child(tmp_path, ready=unfit))
    await reaches(progress, State.FAILED)
    assert progress.parts["it"].detail == "The chain is younger than the books."
    assert it.process is not None
    assert it.process.returncode is None
    await supervisor.stop([["it"]])


async def test_a_child_that_does_not_listen_is_killed_with_what_it_started(tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "open(sys.argv[1], 'w').write(str(inner.pid)); time.sleep(600)"
    )
    note = tmp_path / "inner"
    process = await spawn([sys.executable, "-c", script, str(note)], log=tmp_path / "log")
    async with asyncio.timeout(20):
        while not (note.is_file() and note.read_text()):
            await asyncio.sleep(0.01)
    assert await end(process, seconds=0.3) == -signal.SIGKILL
    async with asyncio.timeout(20):
        while Path(f"/proc/{note.read_text()}").exists() and not _gone(int(note.read_text())):
            await asyncio.sleep(0.01)


def _gone(pid: int) -> bool:
    """No more, or a zombie that its new parent has not yet buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_child_dies_with_its_parent_however_that_dies(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom tidegate.sandbox.process import spawn\n"
        "async def main():\n"
        "    process = await spawn([sys.executable, '-c', 'import time; time.sleep(600)'], log=Path(sys.argv[1]))\n"
        "    print(process.pid, flush=True)\n    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        inner = int(parent.stdout.readline())
        parent.kill()
        parent.wait(10)
    deadline = time.monotonic() + 10
    while not _gone(inner) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _gone(inner)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_a_door_hangs_up_on_what_it_does_not_understand_and_serves_on(sent: bytes) -> None:
    async def answer(request: Request) -> Answer:
        return Answer.of({"path": request.path})

    door = Door(free_port(), answer)
    await door.open()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await _all(reader) == b""
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /x HTTP/1.1\r\nconnection: close\r\n\r\n")
        async with asyncio.timeout(10):
            assert b'{"path": "/x"}' in await _all(reader)
        writer.close()
    finally:
        await door.close()


async def _all(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""
