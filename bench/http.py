"""Durable, authenticated withdrawals over HTTP: the product's API process against the plain app and pgbench TPC-B.

All three use one PostgreSQL, take turns in an order drawn anew for each repetition, and after every window each answer
201 is looked up: one withdrawal, one hold, one key, one used quote. At the end the ledger proves itself.

    python -m bench.http --only ours --seconds 5 --profile
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy.ext.asyncio import create_async_engine
from uuid_utils.compat import uuid7

from bench import client, customers, plain
from bench.client import Job, Seen
from bench.customers import KINDS, Customers, Order, http_request
from bench.house import HOUSE_DATABASE, PLAIN_DATABASE, House, Served, found, product
from bench.house import plain as plain_app
from bench.machine import machine, tree_cpu_seconds
from bench.profile import Profile, profiled
from bench.proof import proved
from bench.results import Measure, of_windows, ratio
from bench.server import BenchServer, bench_server, durable
from bench.tpcb import TPCB, tpcb, tpcb_database
from bench.windows import Case, Spread, interleave
from tidegate.database import utcnow

OURS = "ours"
PLAIN = "plain"
SHARED = "shared"
"""The plain app's other route: every request waits for one account of the house. Told, and no target is held against it."""
PLAIN_PATHS = {PLAIN: plain.PATH, SHARED: plain.SHARED_PATH}
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repetitions: int = 5
    seconds: float = 4
    connections: int = CONNECTIONS
    customers: int = 200
    scale: int = 50
    transactions: int = 0
    """Of each pgbench client, in place of seconds."""


QUICK = Sizes(repetitions=1, seconds=1, connections=8, customers=20, scale=1, transactions=2)


@dataclass(slots=True)
class Window:
    """One window of one server: what the client saw, and processor microseconds a request of each side."""

    seen: Seen
    server_us: float
    postgres_us: float
    in_one_commit: float = 1

    @property
    def client_us(self) -> float:
        return self.seen.cpu_seconds / self.seen.answered * 1e6


@dataclass(slots=True)
class Side:
    """A measured server with the requests it still may be sent, and its windows so far."""

    name: str
    served: Served
    guess: float = 300
    windows: list[Window] = field(default_factory=list)

    def need(self, seconds: float, connections: int) -> int:
        """Requests to have ready for the next window: a half more than the last one took."""
        return int(self.guess * seconds * 1.5) + connections

    def spread(self, of: str) -> Spread:
        """Over all windows: `rate`, `p99`, `server_us` …"""
        return Spread([getattr(one if hasattr(one, of) else one.seen, of) for one in self.windows])


@dataclass(slots=True)
class Ground:
    """Everything that is up while HTTP is measured."""

    server: BenchServer
    connection: asyncpg.Connection
    folder: Path
    sizes: Sizes
    house: House
    people: Customers
    ours: Side | None = None
    plain: dict[str, Side] = field(default_factory=dict)
    spare: list[Order] = field(default_factory=list)
    payers: list[uuid.UUID] = field(default_factory=list)
    plain_connection: asyncpg.Connection | None = None

    async def ours_window(self, *, profile: Profile | None = None) -> float:
        """One window of the product; every answer is checked. Requests a second."""
        assert self.ours is not None
        need = self.ours.need(self.sizes.seconds, self.sizes.connections)
        self.spare += await self.people.orders(max(0, need - len(self.spare)))
        orders, self.spare = self.spare[:need], self.spare[need:]
        window = await self._window(self.ours, self.people.requests(orders), profile)
        _none_refused(window.seen)
        commits = await customers.verify(self.connection, orders[: window.seen.taken])
        window.in_one_commit = window.seen.taken / commits
        self.spare = orders[window.seen.taken :] + self.spare
        return window.seen.rate

    async def plain_window(self, name: str) -> float:
        """One window of the plain app."""
        side = self.plain[name]
        assert self.plain_connection is not None
        need = side.need(self.sizes.seconds, self.sizes.connections)
        requests = _plain_requests(self.payers, side.served.port, PLAIN_PATHS[name], need)
        before = await self.plain_connection.fetchval("SELECT count(*) FROM withdrawals")
        window = await self._window(side, requests, None)
        _none_refused(window.seen)
        after = await self.plain_connection.fetchval("SELECT count(*) FROM withdrawals")
        assert after - before == window.seen.taken, f"{window.seen.taken} accepted, {after - before} written"
        return window.seen.rate

    async def _window(self, side: Side, requests: Sequence[bytes], profile: Profile | None) -> Window:
        job = Job(side.served.port, self.sizes.connections, self.sizes.seconds, list(requests))
        server, postgres = tree_cpu_seconds(side.served.pid), tree_cpu_seconds(self.server.pid)
        if profile is None:
            seen = await client.window(job, self.folder)
        else:
            async with profiled(profile, side.served.pid, job.seconds):
                seen = await client.window(job, self.folder)
        each = 1e6 / max(1, seen.answered)
        window = Window(
            seen,
            (tree_cpu_seconds(side.served.pid) - server) * each,
            (tree_cpu_seconds(self.server.pid) - postgres) * each,
        )
        side.guess = max(seen.rate, 20)
        side.windows.append(window)
        return window

    async def warm(self) -> None:
        """A window of each that does not count, for caches, plans and the guess of what the next one needs."""
        if self.ours is not None:
            await self.ours_window()
        for name in self.plain:
            await self.plain_window(name)
        for side in self.sides():
            side.windows.clear()

    def sides(self) -> list[Side]:
        return [*([] if self.ours is None else [self.ours]), *self.plain.values()]

    async def proved(self) -> None:
        """The ledger within itself, and what is held against what was asked for. AssertionError when it is not exact."""
        await proved(self.server, HOUSE_DATABASE)
        difference = await self.connection.fetchval(
            "SELECT coalesce((SELECT sum(balance::numeric) FROM ledger_accounts WHERE name = 'held'), 0) "
            "- coalesce((SELECT sum(debit_units::numeric) FROM withdrawals), 0)"
        )
        assert difference == 0, f"held and asked for differ by {difference}"


def _none_refused(seen: Seen) -> None:
    assert not seen.refused, f"not all were accepted: {seen.statuses}, e.g. {seen.samples[:2]}"


def _plain_requests(payers: Sequence[uuid.UUID], port: int, path: str, many: int) -> list[bytes]:
    now = utcnow()
    tokens = {one: plain.token(one, now) for one in payers}
    order = random.Random()
    made = []
    for _ in range(many):
        who, kind = order.choice(payers), order.choice(KINDS)
        body = f'{{"asset": "{kind.asset}", "amount": "{kind.debit}", "address": "{uuid.uuid4().hex}"}}'
        made.append(http_request(port, path, tokens[who], str(uuid.uuid4()), body.encode()))
    return made


@asynccontextmanager
async def ground(server: BenchServer, sizes: Sizes, *, only: Sequence[str]) -> AsyncIterator[Ground]:
    """Customers, quotes and the asked-for servers (`ours`, `plain`) on this database server."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-")))
        await server.fresh(HOUSE_DATABASE)
        connection = await server.connect(HOUSE_DATABASE)
        stack.push_async_callback(connection.close)
        house = await found(folder)
        people = Customers(connection, house)
        await people.open(sizes.customers)
        made = Ground(server, connection, folder, sizes, house, people)
        if OURS in only:
            made.ours = Side(OURS, await stack.enter_async_context(product(house, server)))
        asked = [name for name in PLAIN_PATHS if name in only]
        if asked:
            await _plain_database(server, made)
            assert made.plain_connection is not None
            stack.push_async_callback(made.plain_connection.close)
            served = await stack.enter_async_context(plain_app(folder, server))
            made.plain = {name: Side(name, served) for name in asked}
        await connection.execute("VACUUM ANALYZE")
        yield made


async def _plain_database(server: BenchServer, made: Ground) -> None:
    """The plain app's own database with as many funded users as the product has."""
    await made.connection.execute(f"DROP DATABASE IF EXISTS {PLAIN_DATABASE}")
    await made.connection.execute(f"CREATE DATABASE {PLAIN_DATABASE}")
    engine = create_async_engine(server.url(PLAIN_DATABASE).replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as session:
        await session.run_sync(plain.Base.metadata.create_all)
    await engine.dispose()
    made.payers = [uuid7() for _ in range(made.sizes.customers)]
    made.plain_connection = await server.connect(PLAIN_DATABASE)
    owners = [*made.payers, plain.HOUSE]
    await made.plain_connection.execute("INSERT INTO users SELECT u FROM unnest($1::uuid[]) u", owners)
    for kind in KINDS:
        for name, units in (("available", customers.FUNDS), ("held", 0)):
            await made.plain_connection.execute(
                "INSERT INTO accounts (id, user_id, kind, asset, balance) "
                "SELECT i, u, $3, $4, $5 FROM unnest($1::uuid[], $2::uuid[]) x(i, u)",
                [uuid7() for _ in owners],
                owners,
                name,
                kind.asset,
                units,
            )
    await made.plain_connection.execute("VACUUM ANALYZE")


async def measure(server: BenchServer, sizes: Sizes, console: Console, *, only: Sequence[str]) -> dict[str, Spread]:
    """All windows; the table is printed. Case id to its rates, with `ours p99` and the like beside them."""
    if TPCB in only:
        await tpcb_database(server, sizes.scale)
    async with ground(server, sizes, only=only) as up:
        await up.warm()
        cases = []
        if up.ours is not None:
            cases.append(Case(OURS, up.ours_window))
        cases += [Case(name, partial(up.plain_window, name)) for name in up.plain]
        if TPCB in only:
            cases.append(Case(TPCB, lambda: tpcb(server, sizes.seconds, transactions=sizes.transactions)))
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("HTTP", total=sizes.repetitions * len(cases))

            def told(id_: str, value: float) -> None:
                bar.update(task, advance=1, description=f"HTTP: {id_} {value:,.0f}/s")

            spreads = await interleave(cases, repetitions=sizes.repetitions, told=told)
        await up.proved()
        for side in up.sides():
            for name, *_ in _DETAILS:
                spreads[f"{side.name} {name}"] = side.spread(name)
    console.print(table(spreads))
    return spreads


def measures(spreads: dict[str, Spread]) -> list[Measure]:
    """The ratios with their targets, then what they were made of."""
    section, told = "http", "withdrawals over HTTP, "
    return [
        ratio("http_vs_plain", spreads[OURS], spreads[PLAIN], "at least 8", section, what=f"{told}requests/s / plain"),
        ratio("http_vs_tpcb", spreads[OURS], spreads[TPCB], "at least 0.7", section, what=f"{told}requests/s / TPC-B"),
        ratio(
            "http_p99_vs_plain", spreads["ours p99"], spreads["plain p99"], "at most 0.3", section, what=f"{told}p99 / plain"
        ),
        of_windows("http_ours", spreads[OURS], "requests/s", section, what=f"{told}the product"),
        of_windows("http_plain", spreads[PLAIN], "requests/s", section, what=f"{told}the plain app"),
        of_windows("http_shared", spreads[SHARED], "requests/s", section, what=f"{told}the plain app, one hot row"),
        of_windows("http_tpcb", spreads[TPCB], "transactions/s", section, what="pgbench TPC-B, 32 clients, beside it"),
        *(
            of_windows(
                f"http_{side}_{name}", Spread([value * scale for value in spreads[f"{side} {name}"].values]), unit, section,
                what=f"{told}{side}: {what}", digits=1,
            )
            for side in (OURS, PLAIN, SHARED)
            for name, scale, unit, what in _DETAILS
        ),
    ]  # fmt: skip


_DETAILS = (
    ("p50", 1e3, "ms", "median latency"),
    ("p99", 1e3, "ms", "p99 latency"),
    ("server_us", 1, "us", "processor time a request, Python"),
    ("postgres_us", 1, "us", "processor time a request, PostgreSQL"),
    ("client_us", 1, "us", "processor time a request, load generator"),
    ("in_one_commit", 1, "requests", "requests in one commit"),
)


def table(spreads: dict[str, Spread]) -> Table:
    """A line for each server: rate, latency, processor time a request by who spent it."""
    made = Table(
        "path",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "server us",
        "postgres us",
        "client us",
        "in one commit",
        "load before",
    )
    for id_ in (OURS, PLAIN, SHARED, TPCB):
        if id_ not in spreads:
            continue
        cells = [id_, spreads[id_].text()]
        for name, scale, unit, _ in _DETAILS:
            one = spreads.get(f"{id_} {name}")
            cells.append("" if one is None else Spread([value * scale for value in one.values]).text(int(unit != "us")))
        loads = spreads[id_].loads
        made.add_row(*cells, f"{statistics.median(loads):.1f}" if loads else "")
    return made


async def profile_ours(server: BenchServer, sizes: Sizes, console: Console, out: Path) -> None:
    """One window of the product without and one with the sampling profiler; where the API process's time goes."""
    async with ground(server, sizes, only=[OURS]) as up:
        await up.warm()
        await up.ours_window()
        profile = Profile(out)
        await up.ours_window(profile=profile)
        assert up.ours is not None
        before, during = up.ours.windows
        console.print(
            f"without the profiler {before.seen.rate:,.0f}/s, {before.server_us:.0f} us Python and "
            f"{before.postgres_us:.0f} us PostgreSQL a request; with it {during.seen.rate:,.0f}/s, {during.server_us:.0f} us"
        )
        profile.show(console, us_each=before.server_us)
        console.print("For docs/performance.md:\n", profile.markdown(us_each=before.server_us), sep="\n", markup=False)
        await up.proved()


async def _main(asked: argparse.Namespace) -> None:
    console = Console(width=None if Console().is_terminal else 180)
    sizes = QUICK if asked.quick else Sizes()
    sizes = Sizes(
        repetitions=asked.repetitions or sizes.repetitions,
        seconds=asked.seconds or sizes.seconds,
        connections=asked.connections or sizes.connections,
        customers=asked.customers or sizes.customers,
        scale=sizes.scale,
        transactions=sizes.transactions,
    )
    async with bench_server() as server:
        console.print(machine(), await durable(server))
        if asked.profile:
            await profile_ours(server, sizes, console, asked.out)
        else:
            only = asked.only.split(",") if asked.only else [OURS, PLAIN, SHARED, TPCB]
            await measure(server, sizes, console, only=only)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--only", help=f"of {OURS},{PLAIN},{SHARED},{TPCB}")
    reader.add_argument("--seconds", type=float, help="of one window")
    reader.add_argument("--repetitions", type=int)
    reader.add_argument("--connections", type=int)
    reader.add_argument("--customers", type=int)
    reader.add_argument("--quick", action="store_true", help="tiny sizes: does it work at all")
    reader.add_argument("--profile", action="store_true", help="where the API process's time goes, by py-spy")
    reader.add_argument("--out", type=Path, default=Path(".cache/profile.txt"), help="the profile's folded stacks")
    asyncio.run(_main(reader.parse_args()))


if __name__ == "__main__":
    main()
