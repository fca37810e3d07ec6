"""The fault proxy does to a connection what its script says, and nothing else: on a plain server that counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest

from tests.crash.proxy import Fault, Place, Proxy, drawn, http_request, proxied, signer_frame

BODY = b"pay once"
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n" + BODY
ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Counter:
    """Takes requests, remembers what arrived, answers each whole one."""

    place: Place = ("", 0)
    whole: list[bytes] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = b""
        try:
            while more := await reader.read(1024):
                data += more
                if http_request(data):
                    self.whole.append(data)
                    data = b""
                    writer.write(ANSWER)
                    await writer.drain()
        except OSError:
            pass
        async with self.heard:
            if data:
                self.broken.append(data)
            self.heard.notify_all()
        writer.close()

    async def until_broken(self) -> None:
        async with self.heard:
            await self.heard.wait_for(lambda: self.broken)


@asynccontextmanager
async def counting() -> AsyncIterator[Counter]:
    counter = Counter()
    server = await asyncio.start_server(counter.talk, "127.0.0.1", 0)
    counter.place = server.sockets[0].getsockname()[:2]
    async with server:
        yield counter


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    async with counting() as made:
        yield made


@pytest.fixture
async def proxy(counter: Counter) -> AsyncIterator[Proxy]:
    async with proxied(counter.place, seconds=0.05) as made:
        yield made


async def ask(place: Place, *, patience: float = 5.0) -> bytes:
    """The answer; b"" for a connection that ended politely. Raises ConnectionResetError, TimeoutError."""
    assert isinstance(place, tuple)
    reader, writer = await asyncio.open_connection(*place)
    try:
        writer.write(REQUEST)
        async with asyncio.timeout(patience):
            answer = b""
            while len(answer) < len(ANSWER) and (more := await reader.read(1024)):
                answer += more
            return answer
    finally:
        writer.transport.abort()


async def test_without_a_fault_everything_passes_unchanged(proxy: Proxy, counter: Counter) -> None:
    assert await ask(proxy.here) == ANSWER
    assert (counter.whole, proxy.met) == ([REQUEST], [Fault.PASS])


async def test_what_is_dropped_never_arrives_and_nobody_says_so(proxy: Proxy, counter: Counter) -> None:
    proxy.next(Fault.DROP)
    with pytest.raises(TimeoutError):
        await ask(proxy.here, patience=0.1)
    assert counter.whole == counter.broken == []


async def test_a_reset_comes_in_the_middle_of_the_request_to_both_sides(proxy: Proxy, counter: Counter) -> None:
    proxy.next(Fault.RESET)
    with pytest.raises(ConnectionResetError):
        await ask(proxy.here)
    await asyncio.wait_for(counter.until_broken(), 5)
    assert counter.whole == []
    assert REQUEST.startswith(counter.broken[0])


async def test_a_half_open_connection_has_done_the_request_and_says_nothing(proxy: Proxy, counter: Counter) -> None:
    proxy.next(Fault.HALF_OPEN)
    with pytest.raises(TimeoutError):
        await ask(proxy.here, patience=0.1)
    assert counter.whole == [REQUEST]


async def test_a_lost_answer_is_reset_here_after_it_was_given_there(proxy: Proxy, counter: Counter) -> None:
    proxy.next(Fault.LOSE_ANSWER)
    with pytest.raises(ConnectionResetError):
        await ask(proxy.here)
    assert proxy.answered.is_set()
    assert counter.whole == [REQUEST]
    assert await ask(proxy.here) == ANSWER


async def test_a_duplicate_arrives_twice_and_is_answered_once(proxy: Proxy, counter: Counter) -> None:
    proxy.next(Fault.DUPLICATE)
    assert await ask(proxy.here) == ANSWER
    assert counter.whole == [REQUEST, REQUEST]


@pytest.mark.parametrize("fault", [Fault.DELAY, Fault.DRIP])
async def test_what_is_slow_arrives_whole(proxy: Proxy, counter: Counter, fault: Fault) -> None:
    began = asyncio.get_running_loop().time()
    proxy.next(fault)
    assert await ask(proxy.here) == ANSWER
    assert counter.whole == [REQUEST]
    assert asyncio.get_running_loop().time() - began >= 2 * proxy.seconds * 0.9


async def test_a_cut_resets_who_is_connected_and_takes_new_ones(proxy: Proxy, counter: Counter) -> None:
    assert isinstance(proxy.here, tuple)
    reader, writer = await asyncio.open_connection(*proxy.here)
    writer.write(REQUEST)
    assert await reader.readexactly(len(ANSWER)) == ANSWER
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    writer.transport.abort()
    assert await ask(proxy.here) == ANSWER


async def test_a_server_that_is_not_there_is_a_reset_too() -> None:
    async with counting() as gone:
        place = gone.place
    async with proxied(place) as proxy:
        with pytest.raises(ConnectionResetError):
            await ask(proxy.here)


async def test_a_unix_socket_is_proxied_by_its_path(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(6))
        await writer.drain()
        writer.close()

    frame = b"\0\0\0\2{}"
    async with (
        await asyncio.start_unix_server(echo, str(tmp_path / "there")),
        proxied(tmp_path / "there", [Fault.LOSE_ANSWER], here=tmp_path / "here", framing=signer_frame) as proxy,
    ):
        for expected in (b"", frame):
            reader, writer = await asyncio.open_unix_connection(str(proxy.here))
            writer.write(frame)
            assert await reader.read(6) == expected
            writer.close()


def test_the_same_seed_draws_the_same_faults() -> None:
    one, same, other = (list(islice(drawn(seed), 200)) for seed in (7, 7, 8))
    assert one == same != other
    assert set(one) == set(Fault)


def test_only_whole_requests_are_whole() -> None:
    assert [http_request(REQUEST[:n]) for n in range(len(REQUEST))] == [None] * len(REQUEST)
    assert http_request(REQUEST + b"GET") == len(REQUEST)
    assert signer_frame(b"\0\0\0\2{") is None
    assert signer_frame(b"\0\0\0\2{}{}") == 6
