"""The one door for outbound HTTP: every client of this house is built here, under the same rules.

httpx 0.28 loses a pool slot for ever when a request is cancelled from outside. Therefore: the only timeouts are
httpx's own, each call runs in a task of its own and is shielded from its caller's cancellation, and a pool that
starves is replaced. Do not wrap `call` in `asyncio.timeout` or `wait_for` in order to bound it: `timeout` does that.

Two failures are told apart because money hangs on it: `NotSent` (no byte left: nothing can have happened) and
`NoAnswer` (the other side may have acted).
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

# httpx logs whole URLs at INFO, signatures and node credentials included.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

MIB = 1024 * 1024


@cache
def tls() -> ssl.SSLContext:
    """What this process trusts in other servers, read once: it is a megabyte, and takes as long as a hundred requests."""
    return httpx.create_ssl_context(trust_env=False)


class OutboundError(Exception):
    """No usable answer. Raised only as one of its two kinds."""


class NotSent(OutboundError):
    """No connection was made, so nothing was sent: the other side cannot have acted."""


class NoAnswer(OutboundError):
    """Something may have been sent and no complete answer came back: the other side may have acted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """A client for one origin. `call` returns an Answer for any status, or raises NotSent or NoAnswer.

    `base_url` may carry `user:password@`, which becomes Basic authorisation. `timeout` bounds each read and the
    whole answer; `max_bytes` bounds the body: a longer one is NoAnswer, or with `cut` its beginning. Redirects are
    answers; proxies of the environment are ignored. `host`: the name that is asked for and must prove itself, where
    `base_url` carries an address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        connect_timeout: float = 3.0,
        max_bytes: int = 16 * MIB,
        max_connections: int = 20,
        keepalive_seconds: float = 4.0,
        host: str | None = None,
        cut: bool = False,
    ) -> None:
        parsed = httpx.URL(base_url)
        self._auth = httpx.BasicAuth(parsed.username, parsed.password) if parsed.userinfo else None
        self._base = str(parsed.copy_with(userinfo=b"")).rstrip("/")
        self._headers = {"accept-encoding": "identity", "user-agent": "tidegate", **(headers or {})}
        self._extensions = {"sni_hostname": host.partition(":")[0]} if host is not None else {}
        if host is not None:
            self._headers["host"] = host
        self._cut = cut
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._max_bytes = max_bytes
        # Shorter than the 5 s after which common servers drop an idle connection: a request written into a closing
        # one is a NoAnswer, which for an order means a search.
        self._limits = httpx.Limits(max_connections=max_connections, keepalive_expiry=keepalive_seconds)
        self._calls: dict[asyncio.Task[Answer], httpx.AsyncClient] = {}
        self._retired: set[httpx.AsyncClient] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._client = self._build()

    def _build(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=self._headers,
            limits=self._limits,
            verify=tls(),
            trust_env=False,
            follow_redirects=False,
            auth=self._auth,
        )

    async def call(
        self,
        method: str,
        target: str = "",
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """One request. `target` is path and query, already percent-encoded, appended to the base as it stands.

        Cancelling the caller does not cancel the request: it ends by itself within its own timeout.
        """
        client = self._client
        work = self._exchange(
            client, method, target, content, headers or {}, timeout or self._timeout, max_bytes or self._max_bytes
        )
        task = asyncio.ensure_future(work)
        self._calls[task] = client
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        method: str,
        target: str,
        content: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
        max_bytes: int,
    ) -> Answer:
        limits = httpx.Timeout(timeout, connect=min(self._connect_timeout, timeout), pool=timeout)
        request = client.build_request(
            method,
            self._base + target,
            content=content,
            headers=headers,
            timeout=limits,
            extensions=self._extensions,
        )
        if target and not request.url.raw_path.endswith(target.encode()):
            # httpx would send other bytes than were asked for (and perhaps signed).
            raise ValueError("the target is not percent-encoded")
        until = time.monotonic() + timeout
        try:
            response = await client.send(request, stream=True)
            try:
                body = await _read(response, until, max_bytes, cut=self._cut)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise NotSent(type(error).__name__) from error
        except httpx.PoolTimeout as error:
            self._retire(client)
            raise NotSent("PoolTimeout") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise NoAnswer(type(error).__name__) from error
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)

    def _done(self, task: asyncio.Task[Answer]) -> None:
        client = self._calls.pop(task)
        if not task.cancelled():
            task.exception()  # a caller that went away leaves nobody else to look at it
        if client in self._retired and client not in self._calls.values():
            self._retired.discard(client)
            closing = asyncio.ensure_future(client.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _retire(self, client: httpx.AsyncClient) -> None:
        """Put a fresh pool in the place of one that starves; the old one is closed after its last call."""
        if client is self._client:
            self._client = self._build()
            self._retired.add(client)

    async def close(self) -> None:
        """Wait for the calls under way (each ends within its timeout), then close. The client is then unusable."""
        while self._calls:
            await asyncio.wait(list(self._calls))
        while self._closing:
            await asyncio.wait(list(self._closing))
        await self._client.aclose()


async def _read(response: httpx.Response, until: float, max_bytes: int, *, cut: bool) -> bytes:
    """The body as sent, within size and time. Refuses (NoAnswer) encodings: nothing here inflates; `cut` drops them."""
    if response.headers.get("content-encoding", "identity") != "identity":
        if cut:
            return b""
        raise NoAnswer("encoded answer")
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > max_bytes:
            if cut:
                return b"".join([*parts, part])[:max_bytes]
            raise NoAnswer("answer too large")
        if time.monotonic() > until:
            # Per-read timeouts alone would let a drip-feeding peer hold the call for ever.
            raise NoAnswer("answer too slow")
        parts.append(part)
    return b"".join(parts)
