"""Carrying one message to one URL: the name is resolved once, every address of it is judged, one is spoken to."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tidegate.auth.keyring import Keyring
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.http import NoAnswer, NotSent, Outbound
from tidegate.webhooks import target
from tidegate.webhooks.rules import ANSWER_BYTES
from tidegate.webhooks.target import Forbidden, Target

SECONDS = 15.0
"""For a receiver to answer."""
CONNECT_SECONDS = 5.0
RESOLVE_SECONDS = 5.0
_THREADS = 32
_ADDRESSES = 2
"""How many of a name's addresses are tried when nobody listens."""

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Unresolved(Exception):
    """The name has no address now."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try: a status, or why there is none."""

    status: int | None
    error: str | None
    body: str
    milliseconds: int


@dataclass(slots=True)
class Courier:
    """What the room needs in one process. `resolve` and `seconds` are others in tests."""

    db: Database
    settings: Settings
    keys: Keyring
    resolve: Resolve | None = None
    seconds: float = SECONDS
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
    )

    async def look(self, url: str) -> tuple[Target, list[str]]:
        """The URL and the addresses behind it. Raises Forbidden when one of them is not fit, Unresolved without any."""
        wanted = target.judge_url(url, sandboxed=self.settings.sandboxed)
        name = wanted.host.strip("[]")
        try:
            found = await asyncio.wait_for((self.resolve or self._ask)(name, wanted.port), RESOLVE_SECONDS)
        except (OSError, TimeoutError, UnicodeError):
            found = []
        if not found:
            raise Unresolved("This name has no address.")
        if not all(target.may_reach(wanted, one) for one in found):
            raise Forbidden("This name leads to an address that is not of the public internet.")
        # Names often have an address of the newer kind that nobody listens on.
        return wanted, sorted(found, key=lambda one: ":" in one)

    async def _ask(self, name: str, port: int) -> list[str]:
        # Threads of its own: a name server that does not answer holds up nobody else's work.
        loop = asyncio.get_running_loop()
        rows = await loop.run_in_executor(self._threads, _addresses, name, port)
        return list(dict.fromkeys(rows))

    async def carry(self, url: str, headers: Mapping[str, str], body: str) -> Outcome:
        """One try. Never raises for what the other side does or is."""
        started = time.monotonic()
        status, error, answered = await self._try(url, headers, body)
        return Outcome(status, error, readable(answered), round((time.monotonic() - started) * 1000))

    async def _try(self, url: str, headers: Mapping[str, str], body: str) -> tuple[int | None, str | None, bytes]:
        try:
            wanted, addresses = await self.look(url)
        except Forbidden as no:
            return None, f"Not sent: {no}", b""
        except Unresolved as no:
            return None, f"Not sent: {no}", b""
        error = ""
        for address in addresses[:_ADDRESSES]:
            door = Outbound(
                wanted.at(address),
                host=wanted.authority,
                headers=headers,
                timeout=self.seconds,
                connect_timeout=min(CONNECT_SECONDS, self.seconds),
                max_bytes=ANSWER_BYTES,
                max_connections=1,
                cut=True,
            )
            try:
                answer = await door.call("POST", wanted.path, content=body.encode())
            except NotSent as no:
                error = f"Not sent: nobody took the connection ({no})."
            except NoAnswer as no:
                return None, f"No complete answer ({no}).", b""
            else:
                return answer.status, None, answer.body
            finally:
                await door.close()
        return None, error, b""

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(name: str, port: int) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]


def readable(answered: bytes) -> str:
    """The beginning of an answer as text that can be stored and shown: nothing in it moves a cursor or is no character."""
    text = answered.decode("utf-8", "replace")
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)
