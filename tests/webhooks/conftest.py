"""An account, its endpoints through the API, a worker's turns, and receivers that really listen."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.auth.people import ORIGIN, Person, build_app
from tidegate.auth.gate import open_gate
from tidegate.config import Settings
from tidegate.database import Database, new_id, ride
from tidegate.outbox.events import EventKind, changed
from tidegate.webhooks import routes
from tidegate.webhooks.courier import Courier
from tidegate.webhooks.pipeline import Rounds

SOON = 10.0
"""Seconds within which everything here has to happen."""


@dataclass
class Heard:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found


@dataclass
class Receiver:
    """A server of somebody else's: `answer` is what it says, as it goes over the wire; None: nothing at all."""

    port: int = 0
    answer: bytes | None = b"HTTP/1.1 204 No Content\r\n\r\n"
    heard: list[Heard] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hooks?from=tidegate"

    def says(self, status: int, body: str = "", *headers: str) -> None:
        head = "".join(f"{one}\r\n" for one in headers)
        self.answer = f"HTTP/1.1 {status} Said\r\n{head}content-length: {len(body.encode())}\r\n\r\n{body}".encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.heard.append(Heard(headers | {":line": head[0]}, body))
            self._bell.set()
            if self.answer is None:
                await reader.read()  # until the other side gives up
            else:
                writer.write(self.answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._at_once -= 1
            writer.close()

    async def until(self, count: int) -> list[Heard]:
        async with asyncio.timeout(SOON):
            while len(self.heard) < count:
                self._bell.clear()
                await self._bell.wait()
        return self.heard


Listen = Callable[[], Awaitable[Receiver]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    servers = []

    async def begin() -> Receiver:
        one = Receiver()
        server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
        servers.append(server)
        one.port = server.sockets[0].getsockname()[1]
        return one

    yield begin
    for server in servers:
        server.close()


@pytest.fixture
async def receiver(listen: Listen) -> Receiver:
    return await listen()


class Owner(Person):
    """A program with a bearer token that has webhooks."""

    access = ""
    user_id = uuid.UUID(int=0)

    async def ready(self, db: Database) -> "Owner":
        await self.register()
        self.access = (await self.token()).json()["access_token"]
        async with db.reading() as session:
            found = await session.scalar(text("SELECT id FROM users WHERE email_canonical = :e"), {"e": self.email})
        self.user_id = uuid.UUID(str(found))
        return self

    async def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.access}"} | ({"Idempotency-Key": key} if key else {})
        return await self.http.request(method, f"/api/v1/webhooks{path}", json=body, headers=headers)

    async def add(self, url: str, *kinds: str) -> dict[str, Any]:
        answer = await self.ask("POST", "", {"url": url, "kinds": list(kinds)}, key=str(uuid.uuid4()))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def look(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask("GET", f"/{endpoint['id']}")).json()
        return found

    async def deliveries(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        """Newest first, without the news of the endpoint itself."""
        answer = await self.ask("GET", f"/{endpoint['id']}/deliveries")
        assert answer.status_code == 200, answer.text
        return [one for one in answer.json()["items"] if one["type"] != "webhook.changed"]

    async def change(self, db: Database, kind: EventKind = "withdrawal", version: int = 1) -> uuid.UUID:
        """Something of the account changes."""
        object_id = new_id()
        async with db.transaction() as session:
            await ride(session, [changed(self.user_id, kind, object_id, version)])
        return object_id


@pytest.fixture
async def courier(db: Database, settings: Settings) -> AsyncIterator[Courier]:
    gate = open_gate(db, settings)
    found = Courier(db, settings, gate.keys, seconds=1.0)
    yield found
    found.close()


@pytest.fixture
async def ana(db: Database, settings: Settings, courier: Courier) -> AsyncIterator[Owner]:
    app = build_app(open_gate(db, settings), routes.router)
    app.state.webhooks = courier
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield await Owner(client, "ana@demo.example").ready(db)


@pytest.fixture
def rounds(courier: Courier) -> Rounds:
    return Rounds(courier)


async def work(rounds: Rounds) -> None:
    """What a worker does, until there is nothing due."""
    while await rounds.healthy() + await rounds.failing():
        await rounds.rest()


async def later(db: Database) -> None:
    """Every pause and every wait is over."""
    async with db.transaction() as session:
        await session.execute(text("UPDATE webhook_deliveries SET due_at = now() WHERE state = 'waiting'"))
        await session.execute(text("UPDATE webhook_endpoints SET due_at = now()"))
