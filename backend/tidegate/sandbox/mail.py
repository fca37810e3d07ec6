"""A mail catcher: takes any mail on loopback and keeps each as a file. Nothing ever leaves the machine."""

import asyncio
import contextlib
import itertools
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

_MAX_BYTES = 10 * 1024 * 1024
_KEPT = 2000
"""Mails on disk; the oldest go."""


class MailCatcher:
    """As much of SMTP (RFC 5321) as clients without TLS and login need."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder
        self._server: asyncio.Server | None = None
        self._numbers = itertools.count(1)
        self._names: deque[str] = deque()

    async def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._names = deque(sorted(path.name for path in self.folder.glob("*.eml")))
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_MAX_BYTES)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            say("220 localhost tidegate sandbox")
            while line := (await reader.readline()).decode(errors="replace").strip():
                verb = line.partition(" ")[0].upper()
                if verb in ("EHLO", "HELO"):
                    say("250-localhost")
                    say(f"250 SIZE {_MAX_BYTES}")
                elif verb == "DATA":
                    say("354 End with a line that holds one point")
                    await writer.drain()
                    body = await reader.readuntil(b"\r\n.\r\n")
                    self._keep(body[:-3].replace(b"\r\n..", b"\r\n."))
                    say("250 kept")
                elif verb == "QUIT":
                    say("221 bye")
                    break
                elif verb in ("MAIL", "RCPT", "RSET", "NOOP"):
                    say("250 OK")
                else:
                    say("502 not known here")
                await writer.drain()
        writer.close()

    def _keep(self, message: bytes) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{next(self._numbers):06d}.eml"
        (self.folder / name).write_bytes(message)
        self._names.append(name)
        if len(self._names) > _KEPT:
            (self.folder / self._names.popleft()).unlink(missing_ok=True)
