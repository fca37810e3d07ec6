"""The load generator: a process of its own that sends requests made beforehand over kept connections, one at a time each.

`python -m bench.client FILE` reads a job (msgpack: port, connections, seconds, requests), connects, prints `ready`,
waits for a line, and prints what it saw as JSON. Reading an answer is a search for its length and three digits, so the
client's own processor time, told beside the rate, stays a small part of the server's.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from bench.windows import percentile

SAMPLES = 5
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


class Job(msgspec.Struct):
    """What to send: whole HTTP/1.1 requests, taken in order by whichever connection is free."""

    port: int
    connections: int
    seconds: float
    requests: list[bytes]


@dataclass(slots=True)
class Seen:
    """What one window gave. `refused` are the numbers of requests that were not answered 201; `taken` of them went out."""

    seconds: float
    taken: int
    answered: int
    statuses: dict[str, int]
    refused: list[int]
    p50: float
    p90: float
    p99: float
    slowest: float
    cpu_seconds: float
    ran_out: bool
    samples: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


class _Window:
    """The queue of requests and the notes about their answers, shared by all connections."""

    def __init__(self, job: Job) -> None:
        self.requests = job.requests
        self.next = 0
        self.until = 0.0
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.refused: list[int] = []
        self.samples: list[str] = []
        self.ran_out = False
        self.busy = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self, now: float) -> int | None:
        """The number of the next request, or None when the time or the requests are over."""
        if now >= self.until:
            return None
        if self.next >= len(self.requests):
            self.ran_out = True
            # Fewer callers than connections is another measurement: the others end too.
            self.until = now
            return None
        self.next += 1
        return self.next - 1

    def leave(self) -> None:
        self.busy -= 1
        if self.busy == 0 and not self.done.done():
            self.done.set_result(None)


class _Caller(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again."""

    def __init__(self, window: _Window) -> None:
        self._window = window
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._number: int | None = None
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's by behaviour, not by inheritance.
        self._transport = cast(asyncio.Transport, transport)

    def go(self) -> None:
        now = time.perf_counter()
        self._number = self._window.take(now)
        if self._number is None:
            self._window.leave()
            return
        assert self._transport is not None
        self._sent = now
        self._transport.write(self._window.requests[self._number])

    def data_received(self, data: bytes) -> None:
        if self._held:
            data = self._held + data
        head = data.find(_END)
        if head < 0:
            self._held = data
            return
        at = data.find(_LENGTH, 0, head + 2)
        if at < 0:
            raise ValueError(f"an answer without a length: {data[:head]!r}")
        length = int(data[at + len(_LENGTH) : data.index(b"\r\n", at + len(_LENGTH))])
        if len(data) < head + 4 + length:
            self._held = data
            return
        self._held = b""
        window = self._window
        window.latencies.append(time.perf_counter() - self._sent)
        status = data[9:12].decode()
        window.statuses[status] += 1
        if status != "201":
            assert self._number is not None
            window.refused.append(self._number)
            if len(window.samples) < SAMPLES:
                window.samples.append(data[head + 4 :].decode(errors="replace")[:500])
        self.go()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._number is not None:
            self._window.statuses["lost"] += 1
            self._window.refused.append(self._number)
            self._window.leave()

    def close(self) -> None:
        self._number = None
        if self._transport is not None:
            self._transport.close()


async def run(job: Job) -> Seen:
    """One window. What is under way at its end is waited for: nothing is left unknown."""
    loop = asyncio.get_running_loop()
    window = _Window(job)
    callers = [
        (await loop.create_connection(lambda: _Caller(window), "127.0.0.1", job.port))[1]
        for _ in range(job.connections)
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.readline)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    begun = time.perf_counter()
    window.until = begun + job.seconds
    window.busy = len(callers)
    for caller in callers:
        caller.go()
    await window.done
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    for caller in callers:
        caller.close()
    ordered = sorted(window.latencies) or [0.0]
    return Seen(
        seconds=seconds,
        taken=window.next,
        answered=len(window.latencies),
        statuses=dict(window.statuses),
        refused=sorted(window.refused),
        p50=percentile(ordered, 0.5),
        p90=percentile(ordered, 0.9),
        p99=percentile(ordered, 0.99),
        slowest=ordered[-1],
        cpu_seconds=used.ru_utime + used.ru_stime - cpu,
        ran_out=window.ran_out,
        samples=window.samples,
    )


async def window(job: Job, folder: Path) -> Seen:
    """Run a job in a process of its own and wait for what it saw."""
    file = folder / "job.msgpack"
    file.write_bytes(msgspec.msgpack.encode(job))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.client",
        str(file),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    try:
        assert process.stdout is not None
        word = await process.stdout.readline()
        assert word == b"ready\n", f"the load generator did not come up: {word!r}"
        printed, _ = await asyncio.wait_for(process.communicate(b"go\n"), job.seconds + 120)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Seen(**json.loads(printed))


def main() -> None:
    job = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Job)
    print(json.dumps(asdict(uvloop.run(run(job)))))


if __name__ == "__main__":
    main()
