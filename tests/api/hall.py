"""The whole sandbox API in one process for callers that are not asynchronous: a loop of its own in a thread, a session of
`requests` that speaks ASGI to it, and the people who ask. PostgreSQL and the venue are real, chains are in memory.
"""

import asyncio
import io
import threading
import uuid
from collections.abc import Coroutine, Iterator, MutableMapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import asyncpg
import requests
from fastapi import FastAPI
from requests.adapters import HTTPAdapter
from sqlalchemy import text
from urllib3 import HTTPHeaderDict, HTTPResponse

from tests.api.conftest import settings_on
from tests.conftest import on_database
from tests.transactions.chains import MemoryBitcoin, MemoryEvm
from tests.transactions.conftest import BITCOIN, ETHEREUM
from tests.venues.running import ACCOUNTS, running_venue
from tests.wallets.world import bitcoin_chain, evm_chain
from tidegate.api import create_app
from tidegate.auth import accounts, factors
from tidegate.auth.rules import ROLES
from tidegate.chains.port import Chain
from tidegate.config import VenueSettings
from tidegate.database import new_id, utcnow
from tidegate.ledger.rules import Posting, Transfer, customer, house
from tidegate.parts import Parts
from tidegate.sandbox.routes import router as sandbox
from tidegate.signer.keys import make_seed
from tidegate.wallets import pipeline as wallets

T = TypeVar("T")
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FUNDS = {"BTC": 10**10, "ETH": 10**21, "USDT": 10**13}
RENEWED_AFTER = timedelta(seconds=120)
STREAM = b"text/event-stream"


@dataclass
class Person:
    """Somebody with a session that does not end, whatever they ask."""

    hall: "Hall"
    id: uuid.UUID
    session_id: uuid.UUID = field(default_factory=new_id)
    made: tuple[datetime, str] | None = None

    def headers(self) -> dict[str, str]:
        """An access token that counts for a while."""
        now = utcnow()
        if self.made is None or now - self.made[0] > RENEWED_AFTER:
            tokens = self.hall.parts.gate.tokens
            self.made = now, tokens.make(user_id=self.id, session_id=self.session_id, now=now)
        return {"Authorization": f"Bearer {self.made[1]}"}

    def stay(self) -> None:
        """Signed in, also after an operation that ends sessions or takes the authenticator away."""
        self.hall.run(self._stay())

    async def _stay(self) -> None:
        now = utcnow()
        async with self.hall.parts.db.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO sessions (id, user_id, credential, epoch, created_at, last_seen_at, expires_at, "
                    "second_factor_at) SELECT :id, u.id, 'bearer', u.epoch, :now, :now, :until, :now "
                    "FROM users u WHERE u.id = :user"
                ),
                {"id": (identity := new_id()), "user": self.id, "now": now, "until": now + timedelta(days=1)},
            )
        self.session_id, self.made = identity, None


@dataclass
class Hall:
    """One app on a database of its own."""

    app: FastAPI
    loop: asyncio.AbstractEventLoop
    parts: Parts
    http: requests.Session = field(default_factory=requests.Session)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def document(self) -> dict[str, Any]:
        return self.app.openapi()

    def person(self, *roles: str) -> Person:
        """Enrolled, with money, in these roles."""
        found = Person(self, self.run(self._person(roles)))
        found.stay()
        return found

    async def _person(self, roles: tuple[str, ...]) -> uuid.UUID:
        async with self.parts.db.transaction() as session:
            email = f"{uuid.uuid4().hex}@example.com"
            user_id = await accounts.create_user(session, email=email, password="a lamp in the fog", memory_kib=1024)
            await factors.enrol(session, user_id=user_id, seed=SEED, now=utcnow())
            for role in roles:
                await accounts.grant_role(session, user_id=user_id, role=role)
        for code, units in FUNDS.items():
            network = "bitcoin" if code == "BTC" else "ethereum"
            move = Transfer(house("wallet:hot", code, network), customer(user_id, "available", code), units, "given")
            posting = Posting(f"given:{user_id}:{code}", (move,), "deposit", user_id)
            assert (await self.parts.lane.submit(posting)).posted
        return user_id


class Asgi(HTTPAdapter):
    """Sends what `requests` prepared to the app. A stream is left after what it says first."""

    def __init__(self, hall: Hall) -> None:
        super().__init__()
        self._hall = hall

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        status, headers, body = self._hall.run(self._ask(request))
        told = HTTPHeaderDict()
        for name, value in headers:
            told.add(name.decode("latin-1"), value.decode("latin-1"))
        raw = HTTPResponse(io.BytesIO(body), headers=told, status=status, version=11, preload_content=False)
        return self.build_response(request, raw)

    async def _ask(self, request: requests.PreparedRequest) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        url = urlsplit(request.url or "")
        sent = request.body or b""
        asked: list[dict[str, Any]] = [
            {"type": "http.request", "body": sent if isinstance(sent, bytes) else str(sent).encode()}
        ]
        answered: list[MutableMapping[str, Any]] = []
        left = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if asked:
                return asked.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            answered.append(message)
            if (b"content-type", STREAM) in [(k, v.partition(b";")[0]) for k, v in answered[0]["headers"]]:
                left.set()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(url.path),
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"localhost:8000"),
                *((_bytes(name).lower(), _bytes(value)) for name, value in request.headers.items()),
            ],
            "client": ("127.0.0.1", 50_000),
            "server": ("localhost", 8000),
            "state": {},
        }
        await self._hall.app(scope, receive, send)
        body = b"".join(one.get("body", b"") for one in answered[1:])
        return answered[0]["status"], answered[0]["headers"], body


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


@contextmanager
def hall(admin_url: str, template: str, folder: Path) -> Iterator[Hall]:
    """The app for the length of a block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()
    try:
        found = asyncio.run_coroutine_threadsafe(_open(stack, loop, admin_url, template, folder), loop).result(60)
        found.http.trust_env = False
        found.http.mount("http://", Asgi(found))
        yield found
        found.http.close()
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _open(
    stack: AsyncExitStack, loop: asyncio.AbstractEventLoop, admin_url: str, template: str, folder: Path
) -> Hall:
    name = f"t_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(admin_url)
    stack.push_async_callback(connection.close)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    stack.push_async_callback(connection.execute, f"DROP DATABASE {name} WITH (FORCE)")
    venue = await stack.enter_async_context(running_venue(folder / "venue"))
    account = ACCOUNTS[0]
    settings = settings_on(on_database(admin_url, name), folder)
    binance = VenueSettings(rest_url=venue.url, api_key=account["api_key"], secret=account["secret"])
    app = create_app(settings.model_copy(update={"venues": {"binance": binance}}), extra=[sandbox])
    await stack.enter_async_context(app.router.lifespan_context(app))
    parts: Parts = app.state.parts
    seed = make_seed(1_700_000_000)
    drivers: dict[str, Chain] = {
        "bitcoin": MemoryBitcoin(bitcoin_chain(BITCOIN, seed)),
        "ethereum": MemoryEvm(evm_chain(ETHEREUM, seed)),
    }
    parts.chains.update(drivers)
    for chain in drivers.values():
        await wallets.extend(parts.db, chain)
    return Hall(app, loop, parts)


ALL_ROLES = tuple(ROLES)
