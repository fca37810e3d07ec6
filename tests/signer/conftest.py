"""A signer's desk in this process, on a journal of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.signer.world import ENTROPY, NOW, Coins, settings
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed


@pytest.fixture
def seed() -> Seed:
    return Seed(ENTROPY, 1_700_000_000)


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(journal_path: Path) -> Iterator[Journal]:
    journal = Journal(journal_path)
    yield journal
    journal.close()


@pytest.fixture
def freeze_flag(tmp_path: Path) -> Path:
    return tmp_path / "frozen"


@pytest.fixture
def desk(seed: Seed, journal: Journal, freeze_flag: Path, tmp_path: Path) -> Desk:
    configured = settings(tmp_path)
    return Desk(open_vaults(seed, configured), policies_of(configured), journal, freeze_flag, lambda: NOW)


@pytest.fixture
def coins(seed: Seed) -> Coins:
    """One coin of 0.01 BTC to begin with."""
    coins = Coins(seed)
    coins.receive(1_000_000)
    return coins
