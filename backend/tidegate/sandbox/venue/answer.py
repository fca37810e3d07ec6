"""One call from its bytes to its answer: faults, limits, signature, handler, durability, and only then a word."""

import asyncio
import json
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidegate.sandbox.venue.dialect import Call, Dialect, Path, Raw, Reply, Trouble, Wrong
from tidegate.sandbox.venue.faults import Fault
from tidegate.sandbox.venue.heard import Heard
from tidegate.sandbox.venue.orders import Denied
from tidegate.sandbox.venue.world import World

MAX_BODY = 64 * 1024
BOMB_BYTES = 1 << 30


def route(world: World, dialect: Dialect, path: Path) -> Route:
    """The path as the web server knows it."""

    async def endpoint(request: Request) -> Response:
        return await _Answering(world, dialect, path, request).response()

    return Route(path.path, endpoint, methods=[path.method], name=f"{path.method} {path.path}")


class _Answering:
    """One request under way."""

    def __init__(self, world: World, dialect: Dialect, path: Path, request: Request) -> None:
        self.world, self.dialect, self.path, self.request = world, dialect, path, request
        self.headers: dict[str, str] = {}

    async def response(self) -> Response:
        body = await _body(self.request)
        request = self.request
        raw = Raw(
            method=request.method,
            path=request.scope["raw_path"].decode("latin-1").partition("?")[0],
            query=request.scope["query_string"],
            body=body or b"",
            headers=dict(request.headers),
            address=request.client.host if request.client else "",
            named=request.path_params,
        )
        heard = self.world.heard.take(raw)
        response = self._of_a_sick_venue() or (
            self._sent(self.dialect.trouble(Trouble.TOO_LARGE, 0)) if body is None else self._done(raw, heard)
        )
        heard.status = response.status_code
        slow = self.world.faults.meets("venue_slow")
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        return response

    def _done(self, raw: Raw, heard: Heard) -> Response:
        """From here to the answer nothing waits: a call is whole before the next one starts."""
        meets, acts = self.world.faults.meets, self.path.acts
        try:
            call = self.dialect.read(raw, self.path, self.world.now(), self.headers)
            heard.account = call.account.name if call.account else ""
            if acts and meets("venue_error_before_accept"):
                return self._sent(self.dialect.trouble(Trouble.FAILED, 0))
            reply = self._handled(call)
        except Wrong as wrong:
            # A nonce that came in is used, whatever became of its call.
            self.world.save()
            return self._sent(wrong.reply)
        self.world.save()
        return (self._of_a_sick_answer(reply) if acts and reply.status < 300 else None) or self._sent(reply)

    def _handled(self, call: Call) -> Reply:
        try:
            found = self.path.handler(call)
        except Denied as denied:
            raise Wrong(self.dialect.denied(denied, self.path)) from denied
        return found if isinstance(found, Reply) else self.dialect.answer(found)

    def _of_a_sick_venue(self) -> Response | None:
        meets = self.world.faults.meets
        if meets("venue_down"):
            return _page(503, "Service Unavailable")
        if meets("venue_html"):
            return _page(502, "Bad Gateway")
        for name, trouble in (("venue_rate_limited", Trouble.LIMITED), ("venue_banned", Trouble.BANNED)):
            fault = meets(name)
            if fault is not None:
                return self._sent(self.dialect.trouble(trouble, int(fault.seconds)))
        return None

    def _of_a_sick_answer(self, reply: Reply) -> Response | None:
        """What comes back from an order or a withdrawal that was acted upon."""
        meets = self.world.faults.meets
        if meets("venue_error_after_accept"):
            return self._sent(self.dialect.trouble(Trouble.FAILED, 0))
        if meets("venue_html_after_accept"):
            return _page(200, "Just a moment...")
        if meets("venue_truncated_after_accept"):
            return self._cut(reply)
        if meets("venue_bomb_after_accept"):
            return _bomb()
        silent = meets("venue_timeout_after_accept")
        if silent is not None:
            return Silence(silent)
        late = meets("venue_late_after_accept")
        return Late(self._sent(reply), late.seconds) if late is not None else None

    def _sent(self, reply: Reply) -> Response:
        meets = self.world.faults.meets
        if meets("venue_truncated"):
            return self._cut(reply)
        if meets("venue_bomb"):
            return _bomb()
        return _plain(reply, self.headers)

    def _cut(self, reply: Reply) -> Response:
        whole = _plain(reply, self.headers)
        content = bytes(whole.body)
        return Response(content[: len(content) // 2], whole.status_code, media_type=whole.media_type)


def _plain(reply: Reply, headers: Mapping[str, str]) -> Response:
    told = {**headers, **reply.headers}
    if isinstance(reply.value, bytes):
        return Response(reply.value, reply.status, told, media_type="text/plain")
    content = json.dumps(reply.value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(content, reply.status, told, media_type="application/json")


def _page(status: int, words: str) -> Response:
    return Response(f"<html><h1>{words}</h1></html>", status, media_type="text/html")


@cache
def _packed() -> bytes:
    """One gzip member of a megabyte or so: the same deflate block of a megabyte of spaces again and again."""
    part, times = b" " * (1 << 20), BOMB_BYTES >> 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(times):
        check = zlib.crc32(part, check)
    head, tail = b"\x1f\x8b\x08" + bytes(6) + b"\xff", struct.pack("<II", check, BOMB_BYTES % (1 << 32))
    return head + block * times + packer.flush(zlib.Z_FINISH) + tail


def _bomb() -> Response:
    return Response(_packed(), media_type="application/json", headers={"content-encoding": "gzip"})


async def _body(request: Request) -> bytes | None:
    """The whole body, None where it is too large."""
    parts: list[bytes] = []
    async for part in request.stream():
        parts.append(part)
        if sum(map(len, parts)) > MAX_BODY:
            return None
    return b"".join(parts)


class Silence(Response):
    """No answer: the connection stays open for a while and then ends without a byte."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self._seconds = fault.seconds

    async def __call__(
        self,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        # Also when the server is told to stop meanwhile: hanging up is what was to come anyway.
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(self._seconds):
                await _until_gone(receive)
        transport = scope["state"].get("transport")
        if transport is not None:
            transport.abort()
            await _until_gone(receive)


class Late(Response):
    """The answer after a while. Whoever hung up meanwhile misses it."""

    def __init__(self, answer: Response, seconds: float) -> None:
        super().__init__()
        self._answer, self._seconds = answer, seconds

    async def __call__(
        self,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await _until_gone(receive)
                return
        await self._answer(scope, receive, send)


async def _until_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
