"""The three sandbox venues inside the test's own process, and our clients on them as worlds of the contract."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette

from tidegate.sandbox.venue.dialect import Account
from tidegate.sandbox.venue.funding import PENDING
from tidegate.sandbox.venue.prices import E8, e8
from tidegate.sandbox.venue.server import Config, build
from tidegate.sandbox.venue.serving import Server, listening, server_of
from tidegate.sandbox.venue.world import World
from tidegate.venues.binance import Binance
from tidegate.venues.coinbase import Coinbase
from tidegate.venues.kraken import Kraken
from tidegate.venues.port import Rights, Venue

HOUSE_BTC, HOUSE_ETH = "bcrt1qhouse0000", "0x" + "ab" * 20
BALANCES = {"BTC": "5", "ETH": "50", "USDT": "300000", "USDC": "100000", "BNB": "3"}
DIALECTS = ("binance", "coinbase", "kraken")
SYMBOLS = {"binance": "BTCUSDT", "coinbase": "BTC-USDT", "kraken": "XBTUSDT"}
FEES = {"binance": "0.001", "coinbase": "0.00105", "kraken": "0.00102"}


def pem() -> str:
    """A fresh key as Coinbase gives them."""
    made = generate_private_key(SECP256R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def credentials(dialect: str, name: str) -> tuple[str, str]:
    """Key and secret in the dialect's own form."""
    if dialect == "coinbase":
        return f"organizations/sandbox/apiKeys/{name}", pem()
    if dialect == "kraken":
        return f"{name}-key", base64.b64encode(f"{name} secret of a sandbox venue".encode()).decode()
    return f"{name}Key0001", f"{name}Secret0001"


def account(dialect: str, name: str, **more: Any) -> Account:
    key, secret = credentials(dialect, name)
    return Account(
        name=name,
        api_key=key,
        secret=secret,
        balances={code: e8(text) for code, text in BALANCES.items() if code != "BNB" or dialect == "binance"},
        allowed={"house bitcoin": ("BTC", HOUSE_BTC), "house ethereum": ("USDT", HOUSE_ETH)},
        **more,
    )


class Sandbox:
    """One running venue. `down` and `up` close and open its door; its memory stays."""

    def __init__(self, dialect: str, app: Starlette, accounts: list[Account]) -> None:
        self.dialect, self.app, self.accounts = dialect, app, accounts
        self.world: World = app.state.world
        self.port = 0
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}{'/v2' if self.dialect == 'kraken' else ''}"

    async def up(self) -> None:
        listener = listening(self.port)
        self.port = listener.getsockname()[1]
        self._server = server_of(self.app, lifespan=False)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            await asyncio.sleep(0)

    async def down(self) -> None:
        assert self._server is not None and self._task is not None
        self._server.should_exit = self._server.force_exit = True
        await self._task

    def fault(self, name: str, on: bool = True, **more: Any) -> None:
        self.world.faults.switch(name, on, **more)

    def client(self, account: Account | None = None, timeout: float = 5) -> Venue:
        """Our own client. Close it."""
        who = account or self.accounts[0]
        told = {"rest_url": self.url, "api_key": who.api_key, "secret": who.secret, "timeout": timeout}
        told["stream_url"] = self.stream_url
        if self.dialect == "coinbase":
            return Coinbase(**told)  # type: ignore[arg-type]
        return Kraken(**told, tier="pro") if self.dialect == "kraken" else Binance(**told)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def sandbox(dialect: str, directory: Path, *, weight: int = 10_000_000, seed: int = 7) -> AsyncIterator[Sandbox]:
    """A venue whose prices move only when told to, with a house, a spare account and a key that may only look."""
    accounts = [
        account(dialect, "house"),
        account(dialect, "spare"),
        account(dialect, "reader", can_trade=False, can_withdraw=False),
    ]
    config = Config({one.api_key: one for one in accounts}, weight)
    made = Sandbox(dialect, build(config, directory, dialect=dialect, seed=seed, interval=0, durable=False), accounts)
    await made.up()
    try:
        yield made
    finally:
        await made.down()
        made.world.journal.close()


class SandboxWorld:
    """One of our clients on a sandbox venue, as the contract wants it."""

    asset, network, address = "BTC", "bitcoin", HOUSE_BTC

    def __init__(self, running: Sandbox, venue: Venue) -> None:
        self.running, self.venue, self.symbol = running, venue, SYMBOLS[running.dialect]
        self.rights = Rights(trade=True, withdraw=True, taker_fee=Decimal(FEES[running.dialect]))
        self.name = running.accounts[0].name
        self._before = len(self._orders()), len(running.world.funding.of(self.name))

    def _orders(self) -> list[Any]:
        return self.running.world.engine.orders_of(self.name, None)

    async def held(self) -> Mapping[str, Decimal]:
        cells = self.running.world.engine.balances[self.name].items()
        return {asset: Decimal(free + locked) / E8 for asset, (free, locked) in cells}

    async def orders(self) -> int:
        return len(self._orders()) - self._before[0]

    async def withdrawals(self) -> int:
        return len(self.running.world.funding.of(self.name)) - self._before[1]

    async def pay_out(self) -> None:
        funding = self.running.world.funding
        for one in funding.of(self.name):
            if one.state == PENDING:
                funding.complete(one.id, f"tx-{one.id}", self.running.world.now())

    async def receive(self, amount: Decimal, txid: str) -> None:
        funding, now = self.running.world.funding, self.running.world.now()
        funding.credit(self.name, self.asset, self.network, int(amount * E8), txid, now)

    async def lose_next_answer(self) -> None:
        self.running.fault("venue_timeout_after_accept", times=1, seconds=0.0)

    async def garble_next_answer(self) -> None:
        self.running.fault("venue_html_after_accept", times=1)

    async def fail_next(self) -> None:
        self.running.fault("venue_error_before_accept", times=1)

    async def limit_rate(self, seconds: int) -> None:
        self.running.fault("venue_rate_limited", times=1, seconds=float(seconds))

    async def down(self) -> None:
        await self.running.down()

    async def up(self) -> None:
        await self.running.up()
