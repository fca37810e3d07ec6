"""The two servers that the HTTP section measures: the product's own API process, and the plain app beside it.

The product runs as an operator runs it: `tidegate api` in production mode with a configuration file, every room's router
and every check on. The bench sets only what an operator may set: limits, the life of quotes, `rate_limit_factor`.
"""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.server import BenchServer
from tidegate.auth.keyring import KEY_BYTES
from tidegate.http import tls
from tidegate.sandbox.process import StartFailed, end, free_port, run, spawn, tail

PLAIN_DATABASE = "plain"
HOUSE_DATABASE = "house"

CONFIG = """
mode = "production"

[api]
port = {port}
public_url = "http://localhost:{port}"

[auth]
token_key_file = "{folder}/token.key"
rate_limit_factor = 1000000

[signer]
directory = "{folder}/signer"
socket = "{folder}/signer.sock"
passphrase_file = "{folder}/passphrase"
public_file = "{folder}/signer-public.json"

[quotes]
withdrawal_seconds = 86400
challenge_seconds = 86400

[compliance]
per_withdrawal_usd = "10000"
daily_usd = "1000000000000"
review_above_usd = "10000"

[networks.bitcoin]
kind = "bitcoin"
name = "Bitcoin"
chain = "regtest"
rpc_url = "http://nobody:nothing@127.0.0.1:9"

[networks.ethereum]
kind = "evm"
name = "Ethereum"
chain_id = 31337
rpc_url = "http://127.0.0.1:9"

[networks.ethereum.tokens.USDT]
contract = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
decimals = 6
"""


@dataclass(slots=True)
class Served:
    """A running server on a port of 127.0.0.1."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid


@dataclass(frozen=True, slots=True)
class House:
    """A production installation: its folder holds the configuration, the keys and the signer's public file."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        return self.folder / "tidegate.toml"

    def environment(self, server: BenchServer) -> dict[str, str]:
        return {**_clean(), "TIDEGATE_CONFIG": str(self.config), "DATABASE_URL": server.url(HOUSE_DATABASE)}


async def found(folder: Path) -> House:
    """Write the configuration, make the token key, and let the signer make its seed and publish its public keys."""
    house = House(folder, free_port())
    house.config.write_text(CONFIG.format(port=house.port, folder=folder))
    (folder / "token.key").write_bytes(secrets.token_bytes(KEY_BYTES))
    (folder / "passphrase").write_text(secrets.token_hex(32))
    environment = [f"TIDEGATE_CONFIG={house.config}"]
    await run(["env", *environment, sys.executable, "-m", "tidegate.signer", "init"])
    return house


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}


@asynccontextmanager
async def product(house: House, server: BenchServer) -> AsyncIterator[Served]:
    """One `tidegate api` process for the length of a block."""
    words = [sys.executable, "-m", "tidegate.cli", "api"]
    async with _serving(
        words, house.port, house.folder / "api.log", house.environment(server), "/api/v1/health/live"
    ) as one:
        yield one


@asynccontextmanager
async def plain(folder: Path, server: BenchServer) -> AsyncIterator[Served]:
    """The plain app on its own database of the same server."""
    url = server.url(PLAIN_DATABASE).replace("postgresql://", "postgresql+asyncpg://", 1)
    port = free_port()
    words = [sys.executable, "-m", "bench.plain", "--port", str(port)]
    async with _serving(words, port, folder / "plain.log", {**_clean(), "DATABASE_URL": url}, "/openapi.json") as one:
        yield one


@asynccontextmanager
async def _serving(
    words: Sequence[str], port: int, log: Path, environment: Mapping[str, str], path: str
) -> AsyncIterator[Served]:
    process = await spawn(words, log=log, env=environment)
    try:
        await _answers(process, port, log, path)
        yield Served(process, port, log)
    finally:
        await asyncio.shield(end(process))


async def _answers(process: asyncio.subprocess.Process, port: int, log: Path, path: str) -> None:
    deadline = time.monotonic() + 60
    async with httpx.AsyncClient(verify=tls()) as client:
        while time.monotonic() < deadline:
            if process.returncode is not None:
                break
            try:
                if (await client.get(f"http://127.0.0.1:{port}{path}")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise StartFailed(f"No server at port {port}: {tail(log, 20)}")
