"""Our adapters' streams keep the contract at the sandbox venues, which were written from the venues' documents."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.venues.sandbox import SandboxWorld, sandbox
from tidegate.venues.contract import StreamContract


@asynccontextmanager
async def streaming(dialect: str, directory: Path) -> AsyncIterator[SandboxWorld]:
    async with sandbox(dialect, directory) as running:
        client = running.client()
        yield SandboxWorld(running, client)
        await client.close()


class TestBinanceStream(StreamContract):
    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[SandboxWorld]:
        async with streaming("binance", tmp_path) as world:
            yield world


class TestCoinbaseStream(StreamContract):
    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[SandboxWorld]:
        async with streaming("coinbase", tmp_path) as world:
            yield world


class TestKrakenStream(StreamContract):
    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[SandboxWorld]:
        async with streaming("kraken", tmp_path) as world:
            yield world
