"""The whole house in processes of its own, to be killed: PostgreSQL, bitcoind, anvil, an exchange, signer, API, workers.

Where the parts find each other stands in one dictionary, which whoever wants to stand between two of them may change
(`between`). A part that dies is started again at once; what the dead one had leased is free then, as it is when its
lease has run out.
"""

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.chains.waiting import until
from tests.conftest import PASSWORD, ROLES, as_login, on_database
from tests.crash.part import Nursery, Part
from tests.stack import free_port
from tests.venues.running import Running, running_venue
from tidegate.config import Settings
from tidegate.http import tls
from tidegate.ledger.rules import house, venue
from tidegate.migrate import upgrade
from tidegate.money import asset, parse_units
from tidegate.parts import Parts, open_parts
from tidegate.roles import DUTIES, init, take_over
from tidegate.sandbox.nodes import TOKEN_DECIMALS, BitcoinNode, EvmNode, anvil, bitcoind
from tidegate.sandbox.postgres import Server, postgres
from tidegate.sandbox.settings import toml
from tidegate.signing.messages import SignerStatus
from tidegate.treasury.inventory import fund

STEPS = "prepare,quotes,hedge,screen,approve,reserve,sign,broadcast,confirm,expire,webhooks"
AT_THE_VENUE = {"BTC": "2000", "ETH": "20000", "USDT": "90000000", "USDC": "1000000"}
COINS, COIN = 60, 2 * 10**8
EVM_STOCK = {"ETH": 20_000 * 10**18, "USDT": 20_000_000 * 10**6, "USDC": 1_000_000 * 10**6}
CONFIRMATIONS = {"bitcoin": 2, "ethereum": 3}
LEASED = ("withdrawals", "attempt_sets", "orders", "webhook_endpoints")

Addresses = dict[str, str]
Between = Callable[[Addresses], Awaitable[Addresses]]


@dataclass
class Death:
    """A process that ended: which, how, and the failpoint if that is where it died."""

    part: str
    code: int
    point: str


@dataclass
class System:
    folder: Path
    server: Server
    bitcoin: BitcoinNode
    evm: EvmNode
    venue: Running
    parts: dict[str, Part]
    own: Parts
    """For looking and for giving people money: a superuser of the same database, never a process that is killed."""
    admin: "asyncpg.Pool[Any]"
    settings: Settings
    deaths: list[Death] = field(default_factory=list)
    then_arm: list[str] = field(default_factory=list)
    """What is armed when the next one has died: a second blow, while the house recovers from the first."""
    trouble: str = ""
    armed: str = ""
    _keepers: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.api.port}"

    @property
    def failpoint(self) -> Path:
        return self.folder / "failpoint"

    def arm(self, words: str) -> None:
        self.armed = words.partition(" ")[0]
        self.failpoint.write_text(words)

    def disarm(self) -> bool:
        """Whether something was armed still."""
        self.then_arm.clear()
        with contextlib.suppress(FileNotFoundError):
            self.failpoint.unlink()
            return True
        return False

    async def start(self) -> None:
        """Every part runs, and is kept running."""
        for part in self.parts.values():
            if part.kind != "signer":
                await part.start()
        await until(self.lives, "the API to answer", 60)
        self._keepers = [asyncio.ensure_future(self._keep(part)) for part in self.parts.values()]

    async def stop(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self, part: Part) -> None:
        while True:
            await part.gone.wait()
            code, point = await part.reaped(), "" if self.failpoint.exists() else self.armed
            self.deaths.append(Death(part.name, code, point))
            if code != -signal.SIGKILL:
                self.trouble = f"{part.name} ended with {code}: {part.told()}"
            await self.leases_run_out()
            if self.then_arm and point:
                self.arm(self.then_arm.pop())
            await part.start()

    async def lives(self) -> bool:
        async with httpx.AsyncClient(verify=tls(), trust_env=False) as http:
            try:
                return (await http.get(f"{self.url}/api/v1/health/live")).status_code == 200
            except httpx.TransportError:
                return False

    async def leases_run_out(self) -> None:
        """What a dead one held is free, as it is when its lease is over. Who lives and lost one by this is fenced off."""
        for table in LEASED:
            await self.admin.execute(f"UPDATE {table} SET lease_until = NULL WHERE lease_until IS NOT NULL")
        await self.soon()

    async def soon(self) -> None:
        """Time passes: what waits for its next look is due, and the workers are woken."""
        for table in (*LEASED, "webhook_deliveries"):
            state = (
                "" if table in ("attempt_sets", "webhook_endpoints") else " AND state NOT IN ('pending_verification')"
            )
            await self.admin.execute(f"UPDATE {table} SET due_at = now() WHERE due_at > now(){state}")
        await self.admin.execute("SELECT pg_notify('tidegate_work', 'withdrawal,conversion')")

    async def mine(self, network: str, blocks: int = 1) -> None:
        await (self.bitcoin.mine(blocks) if network == "bitcoin" else self.evm.mine(blocks))


def tables_of(folder: Path, at: Addresses, tokens: dict[str, str]) -> dict[str, Any]:
    """What every part is told."""
    at_once = {"batch_seconds": {"fast": 0, "standard": 0, "economy": 0}}
    caps = dict.fromkeys(("max_exposure_usd", "max_user_exposure_usd", "max_uncovered_exposure_usd"), "100000000")
    port = int(at["api"].rpartition(":")[2])
    return {
        "mode": "sandbox",
        "database": {"url": at["database"], "api_url": at["database_api"], "worker_url": at["database_worker"]},
        "api": {"host": "127.0.0.1", "port": port, "public_url": f"http://localhost:{port}"},
        "auth": {"token_key_file": folder / "token.key", "rate_limit_factor": 1_000_000, "argon2_memory_kib": 1024},
        "networks": {
            "bitcoin": {
                "kind": "bitcoin",
                "name": "Bitcoin",
                "chain": "regtest",
                "rpc_url": at["bitcoin"],
                "confirmations": CONFIRMATIONS["bitcoin"],
                "block_seconds": 5,
                **at_once,
            },
            "ethereum": {
                "kind": "evm",
                "name": "Ethereum",
                "rpc_url": at["ethereum"],
                "chain_id": 31337,
                "confirmations": CONFIRMATIONS["ethereum"],
                "block_seconds": 2,
                "tokens": {code: {"contract": one, "decimals": TOKEN_DECIMALS} for code, one in tokens.items()},
                **at_once,
            },
        },
        "venues": {
            "binance": {
                "rest_url": at["venue"],
                "stream_url": at["venue"].replace("http", "ws", 1),
                "api_key": "houseKey0001",
                "secret": "houseSecret0001",
            }
        },
        "quotes": {
            "hedge_settle_seconds": 2.0,
            "converting_challenge_seconds": 3600,
            "challenge_seconds": 3600,
            **caps,
        },
        "compliance": {"review_above_usd": "1000", "per_withdrawal_usd": "100000", "daily_usd": "1000000"},
        "signer": {
            "socket": Path(at["signer"]),
            "directory": folder / "signer",
            "passphrase_file": folder / "passphrase",
            "public_file": folder / "signer-public.json",
            "max_payout": {"BTC": "5", "ETH": "100", "USDT": "100000", "USDC": "100000"},
        },
        "sandbox": {"directory": folder},
    }


@asynccontextmanager
async def system(
    folder: Path, *, workers: int = 1, between: Between | None = None, broken: dict[str, str] | None = None
) -> AsyncIterator[System]:
    """All of it, started and funded. `broken`: by kind of part, what of broken.py it is made to do."""
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        nursery = await Nursery.open()
        server, bitcoin, evm, exchange = await asyncio.gather(
            stack.enter_async_context(postgres(folder / "postgres", fsync=False, remove=True)),
            stack.enter_async_context(bitcoind(folder / "bitcoind")),
            stack.enter_async_context(anvil(folder / "anvil")),
            stack.enter_async_context(running_venue(folder / "venue", accounts=_accounts())),
        )
        database = await _database(server)
        at: Addresses = {
            "database": database,
            "database_api": as_login(database, ROLES.login("api")),
            "database_worker": as_login(database, ROLES.login("worker")),
            "bitcoin": bitcoin.url,
            "ethereum": evm.url,
            "venue": exchange.url,
            "signer": str(folder / "run" / "signer.sock"),
            "api": f"http://127.0.0.1:{free_port()}",
        }
        seen = at if between is None else await between(dict(at))
        (folder / "token.key").write_bytes(secrets.token_bytes(32))
        config = folder / "tidegate.toml"
        config.write_text(toml(tables_of(folder, seen, evm.tokens)))
        kinds = {"signer": "signer", "api": "api"} | {f"worker-{n}": "worker" for n in range(1, workers + 1)}
        parts = {
            name: Part(name, kind, config, nursery, STEPS if kind == "worker" else "", (broken or {}).get(kind, ""))
            for name, kind in kinds.items()
        }
        stack.push_async_callback(_end, nursery, parts)
        await parts["signer"].start()
        settings = Settings.model_validate(tables_of(folder, at, evm.tokens))
        own_tables = tables_of(folder, {**at, "database_api": database, "database_worker": database}, evm.tokens)
        await until(lambda: _there(settings.signer.public_file, parts["signer"]), "the signer's public file", 60)
        own = await stack.enter_async_context(
            open_parts(Settings.model_validate(own_tables), process="harness", duty="auditor")
        )
        admin = await stack.enter_async_context(asyncpg.create_pool(database, min_size=1, max_size=4))
        made = System(folder, server, bitcoin, evm, exchange, parts, own, admin, settings)
        await until(lambda: signs(own), "the signer to answer", 60)
        for chain in own.chains.values():
            await chain.prepare()
        await _stock(made)
        stack.push_async_callback(made.stop)
        await made.start()
        yield made


async def _end(nursery: Nursery, parts: dict[str, Part]) -> None:
    """They die with it; the servers that they talk to are still there."""
    await nursery.close()
    await asyncio.gather(*(part.end() for part in parts.values()))


def _accounts() -> list[dict[str, Any]]:
    return [{"name": "house", "api_key": "houseKey0001", "secret": "houseSecret0001", "balances": AT_THE_VENUE}]


async def _there(file: Path, signer: Part) -> bool:
    assert not signer.gone.is_set(), signer.told()
    return file.exists()


async def signs(own: Parts) -> bool:
    return isinstance(await own.signer.status(), SignerStatus)


async def _database(server: Server) -> str:
    """The roles of an installation, the tables, and a superuser's address of it."""
    url = on_database(server.admin_url, "tidegate_crash")
    connection = await asyncpg.connect(server.admin_url)
    try:
        await init(connection, ROLES, database="tidegate_crash", passwords=dict.fromkeys(DUTIES, PASSWORD))
    finally:
        await connection.close()
    connection = await asyncpg.connect(url)
    try:
        await init(connection, ROLES)
        await take_over(connection, ROLES)
    finally:
        await connection.close()
    migrator = as_login(url, ROLES.login("migrator")).replace("postgresql://", "postgresql+asyncpg://", 1)
    await asyncio.to_thread(upgrade, migrator, ROLES)
    return url


async def _stock(made: System) -> None:
    """Coins in the hot wallets and at the exchange, booked as capital."""
    bitcoin, evm = made.own.chains["bitcoin"], made.own.chains["ethereum"]
    amount = str(Decimal(COIN) / 10**8)
    for _ in range(COINS):
        await made.bitcoin.faucet("sendtoaddress", bitcoin.hot_address, amount)
    await made.bitcoin.mine(bitcoin.confirmations)
    owner = (await made.evm.accounts())[0]
    await made.evm.rpc.call(
        "eth_sendTransaction", {"from": owner, "to": evm.hot_address, "value": hex(EVM_STOCK["ETH"])}
    )
    for code, contract in made.evm.tokens.items():
        data = "0xa9059cbb" + evm.hot_address[2:].lower().rjust(64, "0") + f"{EVM_STOCK[code]:064x}"
        call = {"from": owner, "to": contract, "data": data, "gas": hex(200_000)}
        await made.evm.rpc.call("eth_sendTransaction", call)
    await made.evm.mine(evm.confirmations)
    held = {house("wallet:hot", "BTC", "bitcoin"): COINS * COIN}
    held |= {house("wallet:hot", code, "ethereum"): units for code, units in EVM_STOCK.items()}
    held |= {venue("binance", code): parse_units(text, asset(code).decimals) for code, text in AT_THE_VENUE.items()}
    for account, units in held.items():
        assert (await fund(made.own.lane, account, units, key=f"stock:{account.name}:{account.asset}")).posted
