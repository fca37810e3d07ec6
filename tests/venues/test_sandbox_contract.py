"""Our adapters keep the contract at the sandbox venues too, which were written from the documents and not from them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.venues.sandbox import SandboxWorld, sandbox
from tidegate.venues.contract import VenueContract


class AtTheSandbox(VenueContract):
    """The contract at a sandbox venue of its own for each promise."""

    dialect = ""

    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[SandboxWorld]:
        async with sandbox(self.dialect, tmp_path) as running:
            client = running.client()
            yield SandboxWorld(running, client)
            await client.close()


class TestBinance(AtTheSandbox):
    dialect = "binance"


class TestCoinbase(AtTheSandbox):
    dialect = "coinbase"


class TestKraken(AtTheSandbox):
    dialect = "kraken"
