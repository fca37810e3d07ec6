"""The PostgreSQL of a development machine: real, private, and still there after a restart."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tidegate.sandbox import postgres as launcher
from tidegate.sandbox.postgres import Server, postgres, prepare
from tidegate.sandbox.process import StartFailed


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with postgres(tmp_path_factory.mktemp("postgres") / "home", fsync=False, remove=True) as running:
        yield running


async def test_it_answers_as_superuser_in_the_database_tidegate(server: Server) -> None:
    connection = await asyncpg.connect(server.url)
    try:
        assert await connection.fetchval("SELECT current_database()") == "tidegate"
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert await connection.fetchval("SELECT lower('ÄÖ')") == "äö"
    finally:
        await connection.close()


async def test_nobody_gets_in_without_the_password(server: Server) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.replace(server.cluster.password, "postgres"))
    rules = (server.cluster.folder / "pg_hba.conf").read_text()
    methods = {line.split()[-1] for line in rules.splitlines() if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}


async def test_the_password_is_readable_by_the_owner_alone(server: Server) -> None:
    assert (server.cluster.home / "cluster.json").stat().st_mode & 0o077 == 0
    assert not list(server.cluster.folder.parent.glob("initdb-*"))


async def test_it_never_runs_as_root(server: Server) -> None:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
    assert uid != "0"


async def test_a_second_start_on_the_same_folder_finds_the_data_and_the_port(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with postgres(home, fsync=False) as first:
        connection = await asyncpg.connect(first.url)
        await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')")
        await connection.close()
        url = first.url
    async with postgres(home, fsync=False, remove=True) as second:
        assert second.url == url
        connection = await asyncpg.connect(second.url)
        assert await connection.fetchval("SELECT word FROM kept") == "still here"
        await connection.close()
    assert not second.cluster.folder.exists()


async def test_it_comes_back_after_being_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with postgres(home, fsync=True) as first:
        connection = await asyncpg.connect(first.url)
        await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('durable')")
        os.kill(first.process.pid, signal.SIGKILL)
        connection.terminate()
        await first.process.wait()
    async with postgres(home, fsync=True, remove=True) as second:
        connection = await asyncpg.connect(second.url)
        assert await connection.fetchval("SELECT word FROM kept") == "durable"
        await connection.close()


async def test_a_moved_folder_is_found_where_it_is_now_or_missed_aloud() -> None:
    place = Path(tempfile.mkdtemp(prefix="tidegate-test-"))
    place.chmod(0o711)
    try:
        async with postgres(place / "old", fsync=False) as first:
            connection = await asyncpg.connect(first.url)
            await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('moved')")
            await connection.close()
        (place / "old").rename(place / "new")
        async with postgres(place / "new", fsync=False) as second:
            connection = await asyncpg.connect(second.url)
            assert await connection.fetchval("SELECT word FROM kept") == "moved"
            await connection.close()
        shutil.rmtree(place / "new" / "data")
        with pytest.raises(StartFailed, match="not there"):
            await prepare(place / "new")
    finally:
        shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
async def test_binaries_that_the_other_user_cannot_reach_are_copied_to_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = launcher._reachable
    place = Path(tempfile.mkdtemp(prefix="tidegate-test-"))
    place.chmod(0o711)
    monkeypatch.setattr(launcher, "_OUTSIDE", place)
    monkeypatch.setattr(launcher, "_other_user", lambda: "nobody")
    monkeypatch.setattr(
        launcher, "_reachable", lambda folder, user: "site-packages" not in str(folder) and reachable(folder, user)
    )
    try:
        async with postgres(tmp_path / "home", fsync=False) as server:
            assert server.cluster.binaries.is_relative_to(place)
            assert server.cluster.folder.is_relative_to(place)
            connection = await asyncpg.connect(server.url)
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
        copy = server.cluster.binaries.parents[2]
        copy.chmod(0o777)
        with pytest.raises(StartFailed, match="not ours"):
            await prepare(tmp_path / "other", fsync=False)
    finally:
        shutil.rmtree(place)
