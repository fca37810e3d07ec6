"""A TCP proxy of our own that does to a connection what networks do: between any two parts, by port or by Unix socket.

Each new connection takes the next fault of a script; when the script has ended, connections pass untouched. A script is
an iterator: a list of what is to happen, or `drawn(seed)`, which replays a run.

A byte stream has no packets that could arrive twice: TCP itself throws those away. What is duplicated in practice is a
whole request, by a balancer or a client's library that asks again on another connection. So DUPLICATE needs to know
where a request ends (`framing`), sends it twice on two connections, and passes on the answer to the first.
"""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

Place = tuple[str, int] | Path
"""Host and port, or a Unix socket."""
Framing = Callable[[bytes], int | None]
"""The length of the first whole request in these bytes; None while it is not whole."""

_CHUNK = 65536


class Fault(StrEnum):
    PASS = "pass"  # nothing
    DROP = "drop"  # taken, and swallowed: the other side never hears of it, and nobody says so
    DELAY = "delay"  # each direction's first bytes come late
    RESET = "reset"  # RST to both, in the middle of the request
    HALF_OPEN = "half_open"  # the other side has the request and is then gone without a word: this side waits for ever
    DUPLICATE = "duplicate"  # the request arrives twice
    DRIP = "drip"  # byte by byte
    LOSE_ANSWER = "lose_answer"  # done over there, and RST here before a byte of the answer has passed


def http_request(data: bytes) -> int | None:
    """Where the first HTTP/1.1 request ends, by its Content-Length."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    lengths = [
        int(line.split(b":", 1)[1]) for line in head.split(b"\r\n")[1:] if line.lower().startswith(b"content-length:")
    ]
    whole = len(head) + len(end) + sum(lengths)
    return whole if len(data) >= whole else None


def signer_frame(data: bytes) -> int | None:
    """Where the first frame on the signer's socket ends."""
    if len(data) < 4:
        return None
    whole = 4 + int(struct.unpack(">I", data[:4])[0])
    return whole if len(data) >= whole else None


def drawn(seed: int, kinds: Sequence[Fault] = tuple(Fault), *, often: float = 0.5) -> Iterator[Fault]:
    """For ever: a fault of these kinds for about so many of the connections. The same seed draws the same."""
    dice = random.Random(seed)
    faults = [kind for kind in kinds if kind is not Fault.PASS]
    while True:
        yield dice.choice(faults) if dice.random() < often else Fault.PASS


@dataclass
class Proxy:
    """Listens at `here`, speaks to `there`. `met` is what happened to each connection so far, in their order."""

    here: Place
    there: Place
    script: Iterator[Fault] = field(default_factory=lambda: iter(()))
    framing: Framing = http_request
    seconds: float = 0.2
    """How late DELAY is, and the most that a whole DRIP takes."""
    met: list[Fault] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an answer has come back from over there, whether or not it was passed on."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def next(self, *faults: Fault) -> None:
        """What happens to the next connections."""
        self.script = iter(faults)

    def cut(self) -> None:
        """RST to everybody who is connected; new connections are taken."""
        for writer in self._open:
            _reset(writer)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        fault = next(self.script, Fault.PASS)
        self.met.append(fault)
        try:
            await self._suffer(fault, reader, writer)
        except OSError:  # one side is gone: the other hears the same
            _reset(writer)
        finally:
            _reset(writer)
            self._open.discard(writer)
            self._tasks.discard(task)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _suffer(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if fault is Fault.DROP:
            await _swallow(reader)
            return
        first = b""
        if fault not in (Fault.PASS, Fault.DELAY, Fault.DRIP):
            first = await self._request(reader)
        async with self._beyond() as (far_reader, far_writer):
            if fault is Fault.RESET:
                far_writer.write(first[: len(first) // 2])
                await far_writer.drain()
                _reset(far_writer)
            elif fault is Fault.HALF_OPEN:
                far_writer.write(first)
                await far_writer.drain()
                await far_reader.read(_CHUNK)
                self.answered.set()
                _reset(far_writer)
                await _swallow(reader)
            elif fault is Fault.LOSE_ANSWER:
                far_writer.write(first)
                await far_writer.drain()
                await far_reader.read(_CHUNK)
                self.answered.set()
            elif fault is Fault.DUPLICATE:
                far_writer.write(first)
                async with self._beyond() as (again_reader, again_writer):
                    again_writer.write(first)
                    unheard = asyncio.ensure_future(again_reader.read(_CHUNK))
                    await self._carry(reader, writer, far_reader, far_writer, fault)
                    await unheard
            else:
                await self._carry(reader, writer, far_reader, far_writer, fault)

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        """The first whole request."""
        data = b""
        while self.framing(data) is None:
            more = await reader.read(_CHUNK)
            if not more:
                raise ConnectionResetError
            data += more
        return data

    @asynccontextmanager
    async def _beyond(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        if isinstance(self.there, Path):
            far = await asyncio.open_unix_connection(str(self.there))
        else:
            far = await asyncio.open_connection(*self.there)
        self._open.add(far[1])
        try:
            yield far
        finally:
            _reset(far[1])
            self._open.discard(far[1])

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
        fault: Fault,
    ) -> None:
        """Both ways, until both sides have said all."""
        await asyncio.gather(self._copy(reader, far_writer, fault), self._copy(far_reader, writer, fault, back=True))

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, fault: Fault, *, back: bool = False
    ) -> None:
        late = fault is Fault.DELAY
        while data := await source.read(_CHUNK):
            if late:
                await asyncio.sleep(self.seconds)
                late = False
            for piece in _drops(data) if fault is Fault.DRIP else (data,):
                target.write(piece)
                await target.drain()
                if fault is Fault.DRIP:
                    await asyncio.sleep(self.seconds / len(data))
            if back:
                self.answered.set()
        if target.can_write_eof():
            target.write_eof()


def _drops(data: bytes) -> Iterable[bytes]:
    return (data[n : n + 1] for n in range(len(data)))


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of a polite end, where something is still open. Of a Unix socket: closed at once."""
    found = writer.get_extra_info("socket")
    if found is not None and found.family != socket.AF_UNIX:
        with suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def proxied(
    there: Place,
    script: Iterable[Fault] = (),
    *,
    here: Place = ("127.0.0.1", 0),
    framing: Framing = http_request,
    seconds: float = 0.2,
) -> AsyncIterator[Proxy]:
    """A proxy for the length of a block; `proxy.here` is where it listens."""
    proxy = Proxy(here, there, iter(script), framing, seconds)
    if isinstance(here, Path):
        server: asyncio.Server = await asyncio.start_unix_server(proxy.talk, str(here))
    else:
        server = await asyncio.start_server(proxy.talk, *here)
        proxy.here = server.sockets[0].getsockname()[:2]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
