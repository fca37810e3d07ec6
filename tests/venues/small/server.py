"""A tiny HTTP server with the faults that venues have. It hands each request over as it came in, byte by byte."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

Reply = tuple[int, Any] | tuple[int, Any, Mapping[str, str]]
"""Status, what is to be JSON, and headers."""


@dataclass
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


class Answering(Protocol):
    def answer(self, request: Request) -> Reply: ...

    def acts(self, request: Request) -> bool:
        """Whether it is an order or a withdrawal."""
        ...

    def limited(self, seconds: int) -> Reply: ...


class Server:
    """`lose`, `garble` and `fail` count the next requests that act; `limit` is for the very next request."""

    def __init__(self, venue: Answering) -> None:
        self.venue = venue
        self.seen: list[Request] = []
        self.lose = self.garble = self.fail = 0
        self.limit: int | None = None
        self.port = 0
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._talks.values():
            writer.close()
        await asyncio.gather(*self._talks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks[task] = writer
        try:
            while (request := await _read(reader)) is not None:
                self.seen.append(request)
                raw = self._answer(request)
                if raw is None:
                    break
                writer.write(raw)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            del self._talks[task]

    def _answer(self, request: Request) -> bytes | None:
        acts = self.venue.acts(request)
        if self.limit is not None:
            seconds, self.limit = self.limit, None
            return _raw(self.venue.limited(seconds))
        if acts and self.fail:
            self.fail -= 1
            return _raw((500, {"error": "internal"}))
        reply = self.venue.answer(request)
        if acts and self.lose:
            self.lose -= 1
            return None
        if acts and self.garble:
            self.garble -= 1
            return b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>"
        return _raw(reply)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


def _raw(reply: Reply) -> bytes:
    status, value = reply[0], reply[1]
    headers = reply[2] if len(reply) == 3 else {}
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
