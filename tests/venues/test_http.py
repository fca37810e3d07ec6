"""The door for outbound HTTP: what was sent and what was not, sizes, times, and a pool that survives cancellation."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from tidegate.http import NoAnswer, NotSent, Outbound
from tidegate.sandbox.process import free_port

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    listening = await asyncio.start_server(guarded, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def answering(*parts: bytes, pause: float = 0.0) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
                if pause:
                    await asyncio.sleep(pause)

    return serve


async def test_no_listener_means_not_sent() -> None:
    out = Outbound(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotSent):
        await out.call("GET", "/")
    await out.close()


async def test_silence_after_the_request_means_no_answer() -> None:
    async with server(answering()) as url:
        out = Outbound(url, timeout=0.2)
        with pytest.raises(NoAnswer):
            await out.call("POST", "/", content=b"{}")
        await out.close()


async def test_a_body_above_the_cap_is_no_answer() -> None:
    async with server(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", b"x" * 5000)) as url:
        out = Outbound(url, max_bytes=1000)
        with pytest.raises(NoAnswer):
            await out.call("GET", "/")
        assert len((await out.call("GET", "/", max_bytes=5000)).body) == 5000
        await out.close()


async def test_a_peer_that_drips_cannot_hold_a_call_beyond_its_time() -> None:
    drip = [b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", *[b"x"] * 500]
    async with server(answering(*drip, pause=0.02)) as url:
        out = Outbound(url, timeout=0.3)
        began = asyncio.get_running_loop().time()
        with pytest.raises(NoAnswer):
            await out.call("GET", "/")
        assert asyncio.get_running_loop().time() - began < 3
        await out.close()


async def test_an_encoded_body_is_not_inflated() -> None:
    async with server(answering(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nhi")) as url:
        out = Outbound(url)
        with pytest.raises(NoAnswer):
            await out.call("GET", "/")
        await out.close()


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with server(
        answering(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
    ) as url:
        out = Outbound(url)
        assert (await out.call("GET", "/")).status == 302
        await out.close()


async def test_credentials_in_the_address_become_basic_authorisation_and_stay_out_of_the_path() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await writer.drain()

    async with server(serve) as url:
        out = Outbound(url.replace("http://", "http://user:pass@") + "/wallet/w")
        await out.call("GET", "?a=%20")
        await out.close()
    assert seen[0].startswith(b"GET /wallet/w?a=%20 HTTP/1.1\r\n")
    assert b"authorization: basic dxnlcjpwyxnz" in seen[0].lower()


async def test_a_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    async with server(answering(OK)) as url:
        out = Outbound(url)
        assert (await out.call("GET", "/")).body == b"hi"
        await out.close()


async def test_a_target_that_would_be_sent_otherwise_than_given_is_a_programming_error() -> None:
    out = Outbound("http://127.0.0.1:1")
    with pytest.raises(ValueError):
        await out.call("GET", "/a b")
    await out.close()


async def test_a_pool_with_no_room_left_is_replaced_and_was_not_sent() -> None:
    held = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/held" in head:
            await held.wait()
        writer.write(OK)
        await writer.drain()

    async with server(serve) as url:
        out = Outbound(url, max_connections=1)
        first = asyncio.create_task(out.call("GET", "/held"))
        while not out._calls:
            await asyncio.sleep(0)
        with pytest.raises(NotSent):
            await out.call("GET", "/", timeout=0.2)
        # The old pool is still taken; the new one answers at once.
        assert (await out.call("GET", "/")).body == b"hi"
        held.set()
        assert (await first).body == b"hi"
        await out.close()


async def test_cancelling_callers_at_random_leaves_the_pool_alive() -> None:
    draw = random.Random(5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(draw.random() * 0.004)
            writer.write(OK)
            await writer.drain()

    async with server(serve) as url:
        out = Outbound(url, max_connections=5)

        async def caller() -> None:
            for _ in range(12):
                call = asyncio.create_task(out.call("GET", "/"))
                await asyncio.wait([call], timeout=draw.random() * 0.006)
                call.cancel()
                with suppress(asyncio.CancelledError):
                    await call

        await asyncio.gather(*(caller() for _ in range(12)))
        answers = await asyncio.gather(*(out.call("GET", "/") for _ in range(10)))
        assert [answer.body for answer in answers] == [b"hi"] * 10
        await out.close()
        assert not out._calls
