"""A house that can be hit: PostgreSQL, durable, and a real API process; people, money and prices put in beforehand.

Left out: nodes, venues, worker and signer. A plain withdrawal is accepted without asking any of them; the chains in
memory of tests/transactions only keep what the books are compared with.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from alembic import command

from tests.conftest import alembic_config
from tests.stack import free_port
from tests.transactions.conftest import BITCOIN, ETHEREUM
from tests.transactions.world import Someone, World
from tests.wallets.world import bitcoin_chain, evm_chain
from tidegate.auth import store as auth
from tidegate.auth.rules import Credential
from tidegate.chains.public import VERSION, BitcoinKeys, EvmKeys
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.http import tls
from tidegate.ledger.lane import Lane
from tidegate.sandbox import postgres
from tidegate.sandbox.process import StartFailed, end
from tidegate.sandbox.settings import toml
from tidegate.signer.bitcoin import BitcoinVault
from tidegate.signer.keys import Seed, make_seed

START_SECONDS = 60
APPLICATION = "tidegate-api"


@dataclass
class Api:
    """One API process at a time, always at the same address."""

    config: Path
    port: int
    zygote: asyncio.subprocess.Process

    @classmethod
    async def open(cls, config: Path, port: int) -> "Api":
        zygote = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.crash.zygote",
            "api",
            str(config.with_name("api.log")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": ":".join(path for path in sys.path if path),
                "TIDEGATE_CONFIG": str(config),
            },
        )
        return cls(config, port, zygote)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Until it answers."""
        await self._ask("start")
        async with httpx.AsyncClient(verify=tls(), trust_env=False) as http:
            try:
                async with asyncio.timeout(START_SECONDS):
                    while not await self._lives(http):
                        await asyncio.sleep(0.02)
            except TimeoutError:
                raise AssertionError(self.config.with_name("api.log").read_text()[-2000:]) from None

    async def kill(self) -> None:
        """SIGKILL: it does not get to do anything more."""
        assert await self._ask("kill") == -signal.SIGKILL

    async def close(self) -> None:
        """Whatever runs dies with the zygote."""
        self.zygote.kill()
        await self.zygote.communicate()

    async def _lives(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/api/v1/health/live")).status_code == 200
        except httpx.TransportError:
            return False

    async def _ask(self, word: str) -> int:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(f"{word}\n".encode())
        return int(await self.zygote.stdout.readline())


@dataclass
class House:
    server: postgres.Server
    world: World
    api: Api
    admin: "asyncpg.Connection[Any]"
    """For looking only. Made anew after the server was hit."""
    sessions: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)

    async def someone(self, **holds: int) -> Someone:
        """A customer with a session of the API."""
        who = await self.world.someone(enrolled=True, **holds)
        now = utcnow()
        async with self.world.db.transaction() as session:
            self.sessions[who.id] = await auth.insert_session(
                session,
                user_id=who.id,
                epoch=0,
                credential=Credential.BEARER,
                digest=None,
                user_agent=None,
                now=now,
                expires_at=now + timedelta(days=1),
                second_factor=True,
            )
        return who

    def token(self, who: Someone) -> str:
        """An access token of that session, good for five minutes."""
        return self.world.gate.tokens.make(user_id=who.id, session_id=self.sessions[who.id], now=utcnow())

    async def kill_api(self) -> None:
        """The API dies; what its connections were about to commit is committed or gone when this returns, and it is back."""
        await self.api.kill()
        left = [
            row["pid"]
            for row in await self.admin.fetch(
                "SELECT pid FROM pg_stat_activity WHERE application_name = $1", APPLICATION
            )
        ]
        starting = asyncio.ensure_future(self.api.start())
        async with asyncio.timeout(30):
            while await self.admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)", left):
                await asyncio.sleep(0.01)
        await starting

    async def kill_database(self) -> None:
        """SIGKILL for the server's first process; the others leave when they see it. Recovery runs at the next start."""
        self.server.process.kill()
        await self.server.process.wait()
        async with asyncio.timeout(60):
            while True:
                # Until the last of the old ones is gone, a new one refuses to start.
                self.server.process = await postgres.launch(self.server.cluster)
                try:
                    await postgres.wait_ready(self.server.cluster, self.server.process)
                    break
                except StartFailed:
                    await end(self.server.process)
        self.admin = await asyncpg.connect(self.server.url)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    async with postgres.postgres(folder / "postgres", remove=True) as server:
        await asyncio.to_thread(command.upgrade, alembic_config(server.url), "head")
        seed = make_seed(1_700_000_000)
        settings, config = furnish(folder, server.url, seed)
        drivers = bitcoin_chain(BITCOIN, seed), evm_chain(ETHEREUM, seed)
        db = Database(settings.database_url(), pool_size=10, application="tidegate-test")
        world = await World(db, Lane(db), settings, drivers, db).open()
        api = await Api.open(config, settings.api.port)
        made = House(server, world, api, await asyncpg.connect(server.url))
        try:
            await api.start()
            yield made
        finally:
            await api.close()
            await made.admin.close()
            await db.close()
            for driver in drivers:
                await driver.close()


def furnish(folder: Path, database_url: str, seed: Seed) -> tuple[Settings, Path]:
    """The same settings for the API's process and for this one."""
    key, public, config = folder / "token.key", folder / "signer-public.json", folder / "tidegate.toml"
    key.write_bytes(secrets.token_bytes(32))
    port = free_port()
    tables = {
        "mode": "production",
        "database": {"url": database_url},
        "api": {"host": "127.0.0.1", "port": port, "public_url": f"http://localhost:{port}"},
        "auth": {"token_key_file": key, "rate_limit_factor": 1_000_000, "argon2_memory_kib": 1024},
        "networks": {
            name: {key: value for key, value in terms.model_dump(mode="json").items() if value not in (None, "")}
            for name, terms in (("bitcoin", BITCOIN), ("ethereum", ETHEREUM))
        },
        "signer": {"public_file": public, "socket": folder / "nobody.sock"},
    }
    external, internal = BitcoinVault(seed, "regtest").public_descriptors()
    keys = {
        "version": VERSION,
        "fingerprint": seed.fingerprint(),
        "born": seed.born,
        "bitcoin": {"bitcoin": asdict(BitcoinKeys("regtest", external, internal))},
        "evm": {"ethereum": asdict(EvmKeys(seed.evm_address(), seed.evm_deposit_xpub()))},
    }
    public.write_text(json.dumps(keys))
    config.write_text(toml(tables))
    return Settings.model_validate(tables), config
