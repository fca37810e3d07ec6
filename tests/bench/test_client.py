"""The load generator tells what it saw: no answer is lost, and none is counted for more than it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.client import Job, window

Answer = Callable[[int], list[bytes]]
"""The pieces of the answer to the request with this number."""


def answer(status: str, body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@asynccontextmanager
async def answering(pieces: Answer) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers each request (they are one line and an empty one) by these pieces; its port, what it read."""
    read: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                read.append(request)
                for piece in pieces(int(request.split()[1])):
                    writer.write(piece)
                    await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], read


def requests(many: int) -> list[bytes]:
    return [b"GET %d\r\n\r\n" % number for number in range(many)]


async def test_every_request_goes_out_once_and_every_answer_is_counted(tmp_path: Path) -> None:
    async with answering(lambda number: [answer("201 Created")]) as (port, read):
        seen = await window(Job(port, 4, 30, requests(200)), tmp_path)
    assert sorted(read) == sorted(requests(200))
    assert (seen.taken, seen.answered, seen.statuses, seen.refused) == (200, 200, {"201": 200}, [])
    assert seen.ran_out


async def test_what_was_refused_is_told_by_its_number(tmp_path: Path) -> None:
    async with answering(lambda number: [answer("409 Conflict" if number == 7 else "201 Created")]) as (port, _):
        seen = await window(Job(port, 2, 30, requests(20)), tmp_path)
    assert (seen.refused, seen.statuses) == ([7], {"201": 19, "409": 1})


async def test_an_answer_in_pieces_is_one_answer(tmp_path: Path) -> None:
    whole = answer("201 Created", b'{"id": 1}' * 50)
    async with answering(lambda number: [whole[:10], whole[10:60], whole[60:]]) as (port, _):
        seen = await window(Job(port, 2, 30, requests(20)), tmp_path)
    assert seen.statuses == {"201": 20}


async def test_when_the_time_is_over_nothing_more_is_sent_and_what_is_under_way_is_waited_for(tmp_path: Path) -> None:
    async with answering(lambda number: [answer("201 Created")]) as (port, read):
        seen = await window(Job(port, 2, 0.2, requests(200_000)), tmp_path)
    assert not seen.ran_out
    assert seen.taken == seen.answered == len(read) < 200_000


async def test_a_lost_connection_is_not_an_accepted_request(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] = hang_up
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        seen = await window(Job(server.sockets[0].getsockname()[1], 2, 30, requests(2)), tmp_path)
    assert (seen.refused, seen.statuses, seen.answered) == ([0, 1], {"lost": 2}, 0)


@pytest.mark.parametrize("connections", [1, 3])
async def test_each_connection_has_one_request_under_way(tmp_path: Path, connections: int) -> None:
    under_way = most = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0)
                under_way -= 1
                writer.write(answer("201 Created"))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        await window(Job(server.sockets[0].getsockname()[1], connections, 30, requests(50)), tmp_path)
    assert 1 <= most <= connections
