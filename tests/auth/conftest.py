"""A real app made of this room's router, on a real database, spoken to over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.auth.people import ORIGIN, Person, build_app
from tidegate.auth.gate import Gate, open_gate
from tidegate.config import Settings
from tidegate.database import Database


@pytest.fixture
def gate(db: Database, settings: Settings) -> Gate:
    return open_gate(db, settings)


@pytest.fixture
def app(gate: Gate) -> FastAPI:
    return build_app(gate)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def ana(http: httpx.AsyncClient) -> Person:
    """A registered customer without a second factor."""
    return await Person(http, "ana@demo.example").register()
