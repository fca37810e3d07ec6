"""A real sandbox venue for a test: its own process, port, directory and accounts."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.venues.sandbox import credentials
from tidegate.http import Outbound
from tidegate.sandbox.process import end, spawn, tail
from tidegate.venues.binance import Binance
from tidegate.venues.coinbase import Coinbase
from tidegate.venues.kraken import Kraken

SECONDS_TO_START = 30.0
ACCOUNTS: list[dict[str, Any]] = [
    {
        "name": "house",
        "api_key": "houseKey0001",
        "secret": "houseSecret0001",
        "balances": {"BTC": "5", "ETH": "50", "USDT": "300000", "USDC": "100000"},
    },
    {
        "name": "spare",
        "api_key": "spareKey0001",
        "secret": "spareSecret0001",
        "balances": {"BTC": "2", "ETH": "20", "USDT": "100000", "USDC": "50000"},
    },
    {
        "name": "reader",
        "api_key": "readerKey0001",
        "secret": "readerSecret0001",
        "balances": {"USDT": "1000"},
        "can_trade": False,
    },
]


def accounts_of(dialect: str) -> list[dict[str, Any]]:
    """The same accounts with keys and secrets in the dialect's own form."""
    if dialect == "binance":
        return ACCOUNTS
    named = ((one, credentials(dialect, one["name"])) for one in ACCOUNTS)
    return [{**one, "api_key": key, "secret": secret} for one, (key, secret) in named]


@dataclass
class Running:
    """A venue that takes calls. `restart` ends it hard and starts it on the same directory (and another port)."""

    directory: Path
    seed: int
    interval_ms: int
    weight: int
    dialect: str = "binance"
    accounts: list[dict[str, Any]] = field(default_factory=lambda: ACCOUNTS)
    url: str = ""
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        config = self.directory / "config.json"
        config.write_text(json.dumps({"accounts": self.accounts, "weight": self.weight}))
        ready, log = self.directory / "data" / "venue.json", self.directory / "venue.log"
        ready.unlink(missing_ok=True)
        options = {
            "--dialect": self.dialect,
            "--port": "0",
            "--data": str(ready.parent),
            "--config": str(config),
            "--seed": str(self.seed),
            "--interval-ms": str(self.interval_ms),
        }
        words = [word for pair in options.items() for word in pair]
        self.process = await spawn([sys.executable, "-m", "tidegate.sandbox.venue", *words], log=log)
        until = asyncio.get_running_loop().time() + SECONDS_TO_START
        while not ready.exists():
            assert self.process.returncode is None, tail(log)
            assert asyncio.get_running_loop().time() < until, tail(log)
            await asyncio.sleep(0.02)
        self.url = json.loads(ready.read_text())["url"]
        # The socket queues connections already: the first answer shows that the server runs.
        await self.control("GET", "/_sandbox/faults")

    async def stop(self, sent: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        return await end(self.process, sent=sent)

    async def restart(self, sent: signal.Signals = signal.SIGKILL) -> None:
        await self.stop(sent)
        await self.start()

    async def control(self, method: str, path: str, value: Any = None) -> Any:
        out = Outbound(self.url)
        try:
            content = None if value is None else json.dumps(value).encode()
            answer = await out.call(method, path, content=content, headers={"content-type": "application/json"})
        finally:
            await out.close()
        assert answer.status == 200, answer
        return json.loads(answer.body, parse_float=Decimal)

    async def fault(self, name: str, on: bool = True, **more: Any) -> None:
        await self.control("POST", "/_sandbox/faults", {"fault": name, "on": on, **more})

    async def all_well(self) -> None:
        for entry in (await self.control("GET", "/_sandbox/faults"))["items"]:
            if entry["on"]:
                await self.fault(entry["fault"], False)

    async def move(self, symbol: str, mid: str) -> None:
        await self.control("POST", "/_sandbox/market", {"symbol": symbol, "mid": mid})

    async def books(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self.control("GET", "/_sandbox/books")
        return found

    def client(
        self, number: int = 0, *, api_key: str | None = None, secret: str | None = None, timeout: float = 10
    ) -> Any:
        """Our own client of the dialect on one of the accounts. Close it."""
        account, kinds = self.accounts[number], {"binance": Binance, "coinbase": Coinbase, "kraken": Kraken}
        return kinds[self.dialect](
            rest_url=self.url,
            api_key=account["api_key"] if api_key is None else api_key,
            secret=account["secret"] if secret is None else secret,
            timeout=timeout,
        )


@asynccontextmanager
async def running_venue(
    directory: Path,
    *,
    seed: int = 7,
    interval_ms: int = 0,
    weight: int = 1_000_000,
    dialect: str = "binance",
    accounts: list[dict[str, Any]] | None = None,
) -> AsyncIterator[Running]:
    """A venue in `directory`; by default its prices move only when told to."""
    directory.mkdir(parents=True, exist_ok=True)
    venue = Running(directory, seed, interval_ms, weight, dialect, accounts or accounts_of(dialect))
    await venue.start()
    try:
        yield venue
    finally:
        await venue.stop()
