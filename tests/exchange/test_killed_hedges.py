"""A real worker process that dies by SIGKILL at each failpoint of the hedge: one order at the venue, every fill once."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.chains.working import Worker
from tests.exchange.conftest import Room
from tests.exchange.test_hedging import POINTS, converted
from tests.venues.running import ACCOUNTS
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.rules import house
from tidegate.sandbox.settings import toml

pytestmark = pytest.mark.slow
UNSETTLED = "SELECT 1 FROM orders WHERE state IN ('intended', 'sent', 'open', 'unknown')"


class Hedger(Worker):
    """A worker that only hedges."""

    async def _zygote(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.crash.zygote", "worker", str(self.folder / "worker.log"), "hedge"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": ":".join(path for path in sys.path if path),
                "TIDEGATE_CONFIG": str(self.config),
            },
        )


@pytest.fixture
async def worker(room: Room, settings: Settings, database_url: str, tmp_path: Path) -> AsyncIterator[Hedger]:
    account = ACCOUNTS[0]
    venue = {"rest_url": room.running.url, "api_key": account["api_key"], "secret": account["secret"]}
    networks = {
        "bitcoin": {"kind": "bitcoin", "name": "Bitcoin", "chain": "regtest"},
        "ethereum": {"kind": "evm", "name": "Ethereum", "chain_id": 31337},
    }
    config = tmp_path / "worker.toml"
    config.write_text(
        toml(
            {
                "mode": "sandbox",
                "database": {"url": database_url},
                "sandbox": {"directory": tmp_path},
                "auth": {"token_key_file": settings.auth.token_key_file},
                "venues": {"binance": venue},
                "quotes": {"hedge_settle_seconds": 1.0},
                "networks": networks,
            }
        )
    )
    made = Hedger(tmp_path, config)
    yield made
    await made.close()


async def leases_run_out(db: Database) -> None:
    """What the dead one held is free, as it is half a minute later."""
    async with db.transaction() as session:
        await session.execute(text("UPDATE orders SET lease_until = NULL, due_at = now()"))


@pytest.mark.timeout(600)
async def test_a_worker_killed_at_each_step_of_the_hedge_orders_once_and_books_every_fill(
    room: Room, worker: Hedger, superuser_db: Database
) -> None:
    for placed, point in enumerate(POINTS, 1):
        await converted(room, "1.2" if point == "O6.fill:after" else "0.05")
        worker.arm(point)
        await worker.start()
        await worker.killed()
        await leases_run_out(superuser_db)
        await worker.start()
        async with asyncio.timeout(60):
            while await room.rows(UNSETTLED):
                await asyncio.sleep(0.05)
        await worker.kill()
        assert await room.orders_at_venue() == placed, point
        await room.books_balance()
    assert abs(await room.holds(house("liquidity", "BTC"))) < 1000 * len(POINTS)
