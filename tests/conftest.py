"""Real PostgreSQL for every test: one server a run, one migrated template, a fresh copy for each test."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
from alembic.config import Config
from xdist.scheduler import LoadScopeScheduling

from tests.stack import rest, rouse, running, stack
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.migrate import upgrade
from tidegate.roles import DUTIES, Roles, init, take_over
from tidegate.sandbox.postgres import postgres

# Fixtures of the whole system, registered once for every folder.
__all__ = ["running", "stack"]

ROOT = Path(__file__).parent.parent
RECURSION = 1000

# Property tests that name no size of their own; the whole run tries more.
hypothesis.settings.register_profile(
    "ours", max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "40")), deadline=None, database=None
)
hypothesis.settings.load_profile("ours")


WHOLE_SYSTEM = ("tests/acceptance/", "tests/browser/", "tests/clients/", "tests/sandbox/test_up.py")
"""Where tests may ask for `stack`: they run one after the other, on one system."""


_RAM = Path("/dev/shm")
_RAM_NEEDED = 4 * 2**30
_OURS_IN_RAM = "tidegate-tests"


def _in_memory() -> Path | None:
    """A folder that is no disk's: a copy of a database is a thousand files, and a disk's journal hears of each."""
    with contextlib.suppress(OSError):
        for left in _RAM.glob(f"{_OURS_IN_RAM}-*"):  # by a run that was killed
            if not Path(f"/proc/{left.name.split('-')[2]}").exists():
                shutil.rmtree(left, ignore_errors=True)
        if shutil.disk_usage(_RAM).free >= _RAM_NEEDED:
            folder = Path(tempfile.mkdtemp(prefix=f"{_OURS_IN_RAM}-{os.getpid()}-", dir=_RAM))
            folder.chmod(0o711)  # as root, PostgreSQL runs as somebody else
            return folder
    return None


_OURS: list[Path] = []


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """What the run writes lies in memory where there is room: nodes and databases that live for seconds need no disk."""
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        folder = _in_memory()
        if folder is not None:
            config.option.basetemp = folder / "run"
            _OURS.append(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    for folder in _OURS:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    if "running" in getattr(item, "fixturenames", ()):
        assert item.nodeid.startswith(WHOLE_SYSTEM), f"{item.nodeid} needs the whole system: see WHOLE_SYSTEM"
        item.add_marker(pytest.mark.stack)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """While other files' tests run on this worker, the whole system stands still."""
    if item.nodeid.startswith(WHOLE_SYSTEM):
        rouse()
    else:
        rest()


class OneSystem(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Files are shared out over the workers; those that need the whole system stay together on the first."""

    def _split_scope(self, nodeid: str) -> str:
        return "stack" if nodeid.startswith(WHOLE_SYSTEM) else nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneSystem:
    return OneSystem(config, log)


@pytest.fixture(autouse=True)
def _usual_recursion() -> None:
    """py_ecc (by eth-account) raises the limit to 100,000 on import; then deeply nested JSON ends the interpreter."""
    sys.setrecursionlimit(RECURSION)


TEMPLATE = "template_tidegate"
ROLES = Roles()
SERVING = "tidegate_test_login"
PASSWORD = "only-on-this-machine"


def alembic_config(url: str) -> Config:
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return config


@pytest.fixture(scope="session")
async def admin_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A superuser URL of a server of this run's own (or TIDEGATE_TEST_DATABASE), ending in /postgres."""
    given = os.environ.get("TIDEGATE_TEST_DATABASE")
    if given:
        yield given
        return
    folder = _in_memory() or tmp_path_factory.mktemp("postgres")
    try:
        async with postgres(folder, fsync=False, remove=True) as server:
            yield server.admin_url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def on_database(url: str, name: str) -> str:
    return url.rsplit("/", 1)[0] + "/" + name


@pytest.fixture(scope="session")
async def template(admin_url: str) -> str:
    """The name of a migrated database to copy from."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await connection.close()
    url = on_database(admin_url, TEMPLATE)
    connection = await asyncpg.connect(url)
    try:
        await init(connection, ROLES, passwords=dict.fromkeys(DUTIES, PASSWORD))
        await take_over(connection, ROLES)
        # One who does what the api does and what the worker does: most tests run both in one process.
        await connection.execute(
            f"DO $$ BEGIN CREATE ROLE {SERVING} LOGIN PASSWORD '{PASSWORD}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        await connection.execute(f"GRANT {ROLES.of('api')}, {ROLES.of('worker')} TO {SERVING}")
    finally:
        await connection.close()
    migrator = as_login(url, ROLES.login("migrator"))
    await asyncio.to_thread(upgrade, migrator.replace("postgresql://", "postgresql+asyncpg://", 1), ROLES)
    return TEMPLATE


def as_login(url: str, user: str) -> str:
    """The same database for another of the test server's users."""
    return f"postgresql://{user}:{PASSWORD}@{url.rpartition('@')[2]}"


@asynccontextmanager
async def fresh_database(admin_url: str, template: str) -> AsyncIterator[str]:
    """A migrated database for one whom nothing binds, as long as it is needed."""
    name = f"t_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f"CREATE DATABASE {name} OWNER {ROLES.owner} TEMPLATE {template} STRATEGY file_copy")
    # A copy keeps the grants of its tables, and not its own.
    await connection.execute(
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; "
        f"GRANT CONNECT ON DATABASE {name} TO {', '.join(ROLES.of(duty) for duty in DUTIES)}"
    )
    try:
        yield on_database(admin_url, name)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@pytest.fixture
async def superuser_url(admin_url: str, template: str) -> AsyncIterator[str]:
    """A fresh migrated database of this test's own, for one whom nothing binds."""
    async with fresh_database(admin_url, template) as url:
        yield url


@pytest.fixture
def database_url(superuser_url: str) -> str:
    """The same database, for a user with the rights of the api and of the worker together."""
    return as_login(superuser_url, SERVING)


@pytest.fixture
async def superuser(superuser_url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A superuser's connection to this test's database."""
    connection = await asyncpg.connect(superuser_url)
    yield connection
    await connection.close()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=20)
    yield database
    await database.close()


@pytest.fixture
async def superuser_db(superuser_url: str) -> AsyncIterator[Database]:
    """The same database, for tests that falsify what nobody else may touch."""
    database = Database(superuser_url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=2)
    yield database
    await database.close()


@pytest.fixture
def lane(db: Database) -> Lane:
    return Lane(db)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Sandbox settings on this test's database, with nothing from the surroundings."""
    for key in list(os.environ):
        if key.startswith("TIDEGATE_") or key == "DATABASE_URL":
            monkeypatch.delenv(key)
    monkeypatch.chdir(tmp_path)
    return settings_on(database_url, tmp_path)


def settings_on(database_url: str, folder: Path) -> Settings:
    """Sandbox settings with the two networks that tests know."""
    return Settings.model_validate(
        {
            "mode": "sandbox",
            "database": {"url": database_url},
            "auth": {"token_key_file": folder / "token.key", "rate_limit_factor": 1000, "argon2_memory_kib": 1024},
            "networks": {
                "bitcoin": {
                    "kind": "bitcoin",
                    "name": "Bitcoin",
                    "chain": "regtest",
                    "confirmations": 2,
                    "block_seconds": 5,
                    "batch_seconds": {"standard": 0, "economy": 0},
                },
                "ethereum": {
                    "kind": "evm",
                    "name": "Ethereum",
                    "chain_id": 31337,
                    "confirmations": 3,
                    "block_seconds": 2,
                    "tokens": {
                        "USDT": {"contract": "0x5FbDB2315678afecb367f032d93F642f64180aa3", "decimals": 6},
                        "USDC": {"contract": "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512", "decimals": 6},
                    },
                },
            },
        }
    )
