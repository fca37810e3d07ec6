"""Each module also runs as a process of its own; PostgreSQL is all they share, and the walk passes that way."""

import asyncio
import contextlib
import functools
import os
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.customer import Customer, until
from tests.stack import Stack, free_port
from tidegate.http import tls

# Which routers an API process has, and which path prefixes therefore belong to it.
APIS = {
    "auth": ("/auth",),
    "wallets": ("/wallets",),
    "exchange": ("/exchange",),
    "transactions,notices": ("/transactions", "/audit", "/events"),
}
WORKERS = (
    "prepare,deposits",
    "prepare,quotes,hedge",
    "prepare,screen,approve,reserve",
    "prepare,sign,broadcast,confirm",
)


class Split(httpx.AsyncBaseTransport):
    """Sends each path to the process that serves it, as a proxy in front of separate modules would."""

    def __init__(self, origins: dict[str, str], rest: str) -> None:
        self._origins, self._rest = origins, rest
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        origin = next((url for prefix, url in self._origins.items() if path.startswith(prefix)), self._rest)
        target = httpx.URL(origin)
        request.url = request.url.copy_with(scheme=target.scheme, host=target.host, port=target.port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextlib.asynccontextmanager
async def process(stack: Stack, *words: str, port: int | None = None) -> AsyncIterator[None]:
    environment = {**os.environ, "TIDEGATE_CONFIG": str(stack.data / "tidegate.toml")}
    if port is not None:
        environment["TIDEGATE_API__PORT"] = str(port)
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tidegate.cli", *words, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        running.terminate()
        assert await running.wait() in (0, -15)


async def answers(url: str) -> bool | None:
    try:
        async with httpx.AsyncClient(verify=tls()) as client:
            return (await client.get(f"{url}/api/v1/health/live")).status_code == 200 or None
    except httpx.TransportError:
        return None


@pytest.fixture
async def modules(stack: Stack) -> AsyncIterator[dict[str, str]]:
    """Path prefix → origin of the process that serves it. The stack's own worker is down meanwhile."""
    origins: dict[str, str] = {}
    await stack.sandbox("chaos", {"fault": "worker_killed", "on": True})
    try:
        async with contextlib.AsyncExitStack() as running:
            for routers, prefixes in APIS.items():
                port = free_port()
                await running.enter_async_context(process(stack, "api", "--routers", routers, port=port))
                origins |= dict.fromkeys(prefixes, f"http://localhost:{port}")
            for steps in WORKERS:
                await running.enter_async_context(process(stack, "worker", "--steps", steps))
            for origin in set(origins.values()):
                # Eight processes start at once, on two cores that others use too.
                ready = functools.partial(answers, origin)
                await until(ready, f"{origin} answers", within=180)
            yield origins
    finally:
        await stack.sandbox("chaos", {"fault": "worker_killed", "on": False})


@pytest.mark.slow
async def test_the_walk_passes_with_every_module_in_a_process_of_its_own(stack: Stack, modules: dict[str, str]) -> None:
    http = httpx.AsyncClient(transport=Split(modules, stack.url), base_url=stack.api, timeout=30)
    customer = await Customer.register(http)
    await customer.enrol()
    await stack.fund(customer, "BTC", "0.01")
    address = await stack.new_address("ethereum")
    asked = {"from_asset": "BTC", "to_asset": "USDT", "network": "ethereum", "side": "exact_out", "amount": "25"}
    await customer.pay(address, **asked)
    assert await stack.usdt(address) == 25_000_000
    await customer.close()


async def test_a_process_without_a_router_does_not_serve_its_paths(stack: Stack) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    async with process(stack, "api", "--routers", "auth", port=port), httpx.AsyncClient(verify=tls()) as client:
        await until(lambda: answers(url), f"{url} answers")
        answer = await client.get(f"{url}/api/v1/wallets/assets")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
