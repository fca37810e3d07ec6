"""A world for each test of the room."""

from collections.abc import AsyncIterator

import pytest

from tests.transactions.world import World
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.transactions import audit


@pytest.fixture
async def world(db: Database, lane: Lane, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    # Nothing else moves here while the audit reads: a difference is one at the first look.
    monkeypatch.setattr(audit, "TRIES", 1)
    found = await World(db, lane, settings).open()
    yield found
    await found.close()
