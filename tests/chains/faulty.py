"""A tiny node that answers as it is told, for what no real node can be made to do on demand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

# One answer: an HTTP status and body, raw bytes of a whole response, or None for a connection dropped without a word.
Reply = tuple[int, bytes] | bytes | None
Answering = Callable[[dict[str, Any]], Reply]


@asynccontextmanager
async def node(answer: Answering) -> AsyncIterator[str]:
    """A server that gives each request to `answer`; a batch is answered call by call."""

    talks: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks[asyncio.current_task()] = writer
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                request = json.loads(await reader.readexactly(length))
                reply = _whole(answer, request) if isinstance(request, list) else answer(request)
                if reply is None:
                    break
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                    break
                status, body = reply
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://u:p@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in talks.values():
            writer.close()
        await asyncio.gather(*(task for task in talks if task))


def _whole(answer: Answering, calls: list[dict[str, Any]]) -> Reply:
    parts = [answer(one) for one in calls]
    if any(not isinstance(part, tuple) for part in parts):
        return None
    return 200, b"[" + b",".join(part[1] for part in parts if isinstance(part, tuple)) + b"]"


def says(result: Any) -> Answering:
    return lambda request: (200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())


def refuses(code: int, message: str) -> Answering:
    error = {"code": code, "message": message}
    return lambda request: (500, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode())


def knows(**methods: Answering | Reply) -> Answering:
    """By method; one that is not named is refused as unknown (-5)."""

    def answer(request: dict[str, Any]) -> Reply:
        found = methods.get(request["method"], refuses(-5, "unknown"))
        return found(request) if callable(found) else found

    return answer
