"""What both files of the crash table share: one lasting world of a file, its worker's process, rivals of our own keys."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.chains.conftest import House
from tests.chains.spending import RealWorld
from tests.chains.working import Worker, working
from tests.conftest import SERVING, as_login, fresh_database, on_database, settings_on
from tidegate.auth.gate import open_gate
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.signer.bitcoin import BitcoinVault
from tidegate.signer.home import open_seed
from tidegate.transactions import audit


@dataclass
class Table:
    """A world, and a worker for it that a test starts and kills."""

    world: RealWorld
    worker: Worker
    admin_url: str
    url: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    async def finish(self, ids: Sequence[Any], network: str) -> None:
        """A new worker takes everything to its end; then it is gone."""
        await self.worker.start()
        await self.world.until_all(ids, "confirming")
        await self.world.block(network, 4)
        await self.world.until_all(ids, "completed")
        await self.worker.kill()

    async def sql(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def copied(self, of: str, to: str) -> None:
        """A copy of a whole database, as a backup is one. Nobody may be connected."""
        await self._leave()
        gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
        await self.sql(gone.format(of), f"CREATE DATABASE {to} TEMPLATE {of}")

    async def _leave(self) -> None:
        """No connection of this process is left; the next question makes new ones."""
        await self.world.db.engine.dispose()
        await self.world.superuser_db.engine.dispose()
        self.world.gate = open_gate(self.world.db, self.world.settings)

    async def put_back(self, copy: str, aside: str) -> None:
        """The copy takes the place of the database, which is kept as `aside`."""
        await self._leave()
        gone = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'"
        names = (f"ALTER DATABASE {self.name} RENAME TO {aside}", f"ALTER DATABASE {copy} RENAME TO {self.name}")
        await self.sql(gone, *names)


@asynccontextmanager
async def table(house: House, admin_url: str, template: str, folder: Path) -> AsyncIterator[Table]:
    async with fresh_database(admin_url, template) as superuser_url:
        url = as_login(superuser_url, SERVING)
        db, superuser_db = (
            Database(one.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=10)
            for one in (url, superuser_url)
        )
        tries, audit.TRIES = audit.TRIES, 3
        settings = settings_on(url, folder)
        drivers = (house.bitcoin, house.evm)
        try:
            world = await RealWorld(db, Lane(db), settings, drivers, superuser_db).begin(house)
            async with working(house, url, folder) as worker:
                yield Table(world, worker, on_database(admin_url, "postgres"), url)
        finally:
            audit.TRIES = tries
            await db.close()
            await superuser_db.close()


async def rival(house: House, outpoint: tuple[str, int], units: int) -> str:
    """Bytes, in hex, that spend this coin of ours to ourselves for no fee, and were never the signer's answer.

    Only a miner takes them, and a mempool does not take them back when their block is gone.
    """
    wallet = house.bitcoin._wallet
    address = await wallet.call("getrawchangeaddress", "bech32")
    inputs = [{"txid": outpoint[0], "vout": outpoint[1]}]
    psbt = await wallet.call("createpsbt", inputs, [{address: f"{units // 10**8}.{units % 10**8:08d}"}], 0, True)
    psbt = (await wallet.call("walletprocesspsbt", psbt, False, "ALL", True))["psbt"]
    vault = BitcoinVault(open_seed(house.settings), "regtest")
    decoded, txid, spend = vault.decode(psbt)
    return vault.sign(decoded, txid, spend, 500).raw.hex()
