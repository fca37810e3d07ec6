"""The whole API in one process, on a database of its own, spoken to over HTTP; chains and venues are not there."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import on_database
from tidegate.api import create_app
from tidegate.config import Settings

ORIGIN = "http://localhost:8000"
PASSWORD = "a lighthouse keeps no diary"


@dataclass
class Door:
    """One app and a signed-in customer at it."""

    app: FastAPI
    http: httpx.AsyncClient
    token: str = ""

    async def sign_in(self) -> None:
        email = f"{uuid.uuid4().hex}@example.com"
        made = await self.http.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
        assert made.status_code == 201, made.text
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        answer = await self.http.post("/api/v1/auth/token", data=form)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    async def ask(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.http.request(method, path, headers=headers, **more)

    async def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        """`body` as JSON, or as raw bytes."""
        if isinstance(body, bytes):
            return await self.ask("POST", path, key=key, content=body, headers={"Content-Type": "application/json"})
        return await self.ask("POST", path, key=key, json=body)


@pytest.fixture(scope="module")
async def door(admin_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    name, folder = f"t_{uuid.uuid4().hex}", tmp_path_factory.mktemp("api")
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        app = create_app(settings_on(on_database(admin_url, name), folder))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50_000), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
                found = Door(app, http)
                await found.sign_in()
                yield found
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


def settings_on(database_url: str, folder: Path) -> Settings:
    token = {"contract": "0x5FbDB2315678afecb367f032d93F642f64180aa3", "decimals": 6}
    return Settings.model_validate(
        {
            "mode": "sandbox",
            "database": {"url": database_url},
            "auth": {"token_key_file": folder / "token.key", "rate_limit_factor": 1_000_000, "argon2_memory_kib": 1024},
            "networks": {
                "bitcoin": {"kind": "bitcoin", "name": "Bitcoin", "chain": "regtest"},
                "ethereum": {"kind": "evm", "name": "Ethereum", "chain_id": 31337, "tokens": {"USDT": token}},
            },
        }
    )


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem, with every promise about its shape checked."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["type"] == "/problems/" + body["code"].replace("_", "-")
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"]
