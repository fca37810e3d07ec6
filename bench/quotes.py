"""Firm prices over HTTP: `POST /exchange/quotes` on 64 connections, beside a plain endpoint that does one INSERT.

    python -m bench.quotes --seconds 4

The product asks a real sandbox venue for its books, prices each size from them, reserves exposure and inventory and writes
the row with its receipt. The plain app takes a token, inserts one row, commits and answers it. Both use one PostgreSQL and
take turns. After each window every answer is looked up: one row each, and what is reserved is what is open.
"""

import argparse
import asyncio
import json
import random
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console
from sqlalchemy.ext.asyncio import create_async_engine
from uuid_utils.compat import uuid7

from bench import client, plain
from bench.client import Job, Seen
from bench.customers import Customers, http_request
from bench.house import HOUSE_DATABASE, PLAIN_DATABASE, House, found, product
from bench.house import plain as plain_app
from bench.http import Side, Window
from bench.machine import machine, tree_cpu_seconds
from bench.profile import Profile, profiled
from bench.proof import proved
from bench.results import Measure, of_windows, ratio
from bench.server import BenchServer, bench_server, durable
from bench.windows import Case, Spread, interleave
from tests.venues.running import ACCOUNTS, Running, running_venue
from tidegate.database import utcnow
from tidegate.ledger import store as ledger
from tidegate.ledger.rules import Outcome, Posting, Transfer, house, venue

SECTION = "quotes"
PATH = "/api/v1/exchange/quotes"
OURS, PLAIN = "ours", "plain"
VENUE = """
[venues.binance]
rest_url = "{url}"
api_key = "{api_key}"
secret = "{secret}"
"""
CAPS = """[quotes]
conversion_seconds = 3600
max_exposure_usd = "1000000000000"
max_user_exposure_usd = "1000000000000"
max_uncovered_exposure_usd = "1000000000000"
"""
CAPITAL = 10**18
"""Base units of each asset that the house begins with."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repetitions: int = 5
    seconds: float = 4
    connections: int = 64
    customers: int = 200


QUICK = Sizes(repetitions=1, seconds=1, connections=8, customers=20)


@dataclass(slots=True)
class Ground:
    """Everything that is up while quotes are measured."""

    server: BenchServer
    connection: asyncpg.Connection
    plain_connection: asyncpg.Connection
    folder: Path
    sizes: Sizes
    people: Customers
    payers: list[uuid.UUID]
    ours: Side
    plain: Side
    order: random.Random

    async def ours_window(self, *, profile: Profile | None = None) -> float:
        """One window of the product. Every answer is a row that stands open and is reserved for."""
        need = self.ours.need(self.sizes.seconds, self.sizes.connections)
        made = [(self.order.choice(self.people.people), self._body()) for _ in range(need)]
        before = await self.connection.fetchval("SELECT count(*) FROM quotes")
        window = await self._window(self.ours, self.people.asking(PATH, made), profile)
        after = await self.connection.fetchval("SELECT count(*) FROM quotes WHERE execution IS NOT NULL")
        assert after - before == window.seen.taken, f"{window.seen.taken} answered, {after - before} written"
        differ = await self.connection.fetchval(
            "SELECT (SELECT usd_units FROM exposures WHERE scope = 'house') - (SELECT sum(reserved_usd_units) FROM quotes)"
        )
        assert differ == 0, f"what is counted and what is reserved differ by {differ}"
        return window.seen.rate

    def _body(self) -> bytes:
        """A conversion of 10 to 1,000 dollars, in either direction, by either end."""
        usd = self.order.randrange(10, 1000)
        source, target = self.order.choice([("BTC", "USDT"), ("USDT", "BTC")])
        side = self.order.choice(["exact_in", "exact_out"])
        fixed = source if side == "exact_in" else target
        amount = f"{usd}.5" if fixed == "USDT" else f"0.{usd * 1563:08d}"
        asked = {"kind": "conversion", "from_asset": source, "to_asset": target, "side": side, "amount": amount}
        return json.dumps(asked).encode()

    async def plain_window(self) -> float:
        """One window of the plain app."""
        now, port = utcnow(), self.plain.served.port
        tokens = {one: plain.token(one, now) for one in self.payers}
        requests = []
        for _ in range(self.plain.need(self.sizes.seconds, self.sizes.connections)):
            body = json.dumps({"from_asset": "BTC", "to_asset": "USDT", "amount": str(self.order.randrange(1, 10**8))})
            token = tokens[self.order.choice(self.payers)]
            requests.append(http_request(port, plain.QUOTES_PATH, token, str(uuid.uuid4()), body.encode()))
        before = await self.plain_connection.fetchval("SELECT count(*) FROM quotes")
        window = await self._window(self.plain, requests, None)
        after = await self.plain_connection.fetchval("SELECT count(*) FROM quotes")
        assert after - before == window.seen.taken, f"{window.seen.taken} accepted, {after - before} written"
        return window.seen.rate

    async def _window(self, side: Side, requests: Sequence[bytes], profile: Profile | None) -> Window:
        job = Job(side.served.port, self.sizes.connections, self.sizes.seconds, list(requests))
        server, postgres = tree_cpu_seconds(side.served.pid), tree_cpu_seconds(self.server.pid)
        if profile is None:
            seen: Seen = await client.window(job, self.folder)
        else:
            async with profiled(profile, side.served.pid, job.seconds):
                seen = await client.window(job, self.folder)
        assert not seen.refused, f"not all were answered: {seen.statuses}, e.g. {seen.samples[:2]}"
        each = 1e6 / max(1, seen.answered)
        window = Window(
            seen,
            (tree_cpu_seconds(side.served.pid) - server) * each,
            (tree_cpu_seconds(self.server.pid) - postgres) * each,
        )
        side.guess = max(seen.rate, 20)
        side.windows.append(window)
        return window


@asynccontextmanager
async def ground(server: BenchServer, sizes: Sizes) -> AsyncIterator[Ground]:
    """Customers with money, a house with capital, a venue, and both servers."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-")))
        running = await stack.enter_async_context(running_venue(folder / "venue", interval_ms=500))
        await server.fresh(HOUSE_DATABASE)
        connection = await server.connect(HOUSE_DATABASE)
        stack.push_async_callback(connection.close)
        at = await found(folder)
        _configure(at, running)
        people = Customers(connection, at)
        await people.open(sizes.customers)
        await _capital(connection)
        ours = Side(OURS, await stack.enter_async_context(product(at, server)))
        payers = [uuid7() for _ in range(sizes.customers)]
        plain_connection = await _plain_database(server, connection, payers)
        stack.push_async_callback(plain_connection.close)
        other = Side(PLAIN, await stack.enter_async_context(plain_app(folder, server)))
        await connection.execute("VACUUM ANALYZE")
        yield Ground(server, connection, plain_connection, folder, sizes, people, payers, ours, other, random.Random(1))


def _configure(at: House, running: Running) -> None:
    account = ACCOUNTS[0]
    told = at.config.read_text().replace("[quotes]\n", CAPS)
    at.config.write_text(told + VENUE.format(url=running.url, api_key=account["api_key"], secret=account["secret"]))


async def _capital(connection: asyncpg.Connection) -> None:
    """What the house pays its customers from."""
    postings = [
        Posting(
            f"bench:capital:{code}",
            (Transfer(venue("binance", code), house("capital", code), CAPITAL, "bench funding"),),
            "bench",
            uuid7(),
        )
        for code in ("BTC", "USDT")
    ]
    assert set(await ledger.post(connection, postings)) == {Outcome.POSTED}


async def _plain_database(
    server: BenchServer, connection: asyncpg.Connection, payers: Sequence[uuid.UUID]
) -> asyncpg.Connection:
    await connection.execute(f"DROP DATABASE IF EXISTS {PLAIN_DATABASE}")
    await connection.execute(f"CREATE DATABASE {PLAIN_DATABASE}")
    engine = create_async_engine(server.url(PLAIN_DATABASE).replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as session:
        await session.run_sync(plain.Base.metadata.create_all)
    await engine.dispose()
    made = await server.connect(PLAIN_DATABASE)
    await made.execute("INSERT INTO users SELECT u FROM unnest($1::uuid[]) u", payers)
    return made


async def measure(server: BenchServer, sizes: Sizes, console: Console) -> dict[str, Spread]:
    """Both, interleaved: rates, and what else was seen of each window beside them."""
    async with ground(server, sizes) as up:
        await up.ours_window()
        await up.plain_window()
        for side in (up.ours, up.plain):
            side.windows.clear()
        cases = [Case(OURS, up.ours_window), Case(PLAIN, up.plain_window)]
        spreads = await interleave(cases, repetitions=sizes.repetitions)
        await proved(server, HOUSE_DATABASE)
        for side in (up.ours, up.plain):
            for name in ("p50", "p99", "server_us", "postgres_us"):
                spreads[f"{side.name} {name}"] = side.spread(name)
    for name in (OURS, PLAIN):
        console.print(
            f"{name}: {spreads[name].text()}/s, p50 {spreads[f'{name} p50'].median * 1e3:.1f} ms, "
            f"p99 {spreads[f'{name} p99'].median * 1e3:.1f} ms, {spreads[f'{name} server_us'].median:.0f} us Python, "
            f"{spreads[f'{name} postgres_us'].median:.0f} us PostgreSQL a request"
        )
    return spreads


def measures(spreads: dict[str, Spread]) -> list[Measure]:
    """The ratio with its target, then what it was made of."""
    what = "firm quotes over HTTP, "
    made = [
        ratio("quote_p99_vs_insert", spreads["ours p99"], spreads["plain p99"], "at most 3", SECTION, what=f"{what}p99 / one INSERT"),
        of_windows("quotes_ours", spreads[OURS], "requests/s", SECTION, what=f"{what}the product"),
        of_windows("quotes_insert", spreads[PLAIN], "requests/s", SECTION, what=f"{what}one INSERT"),
    ]  # fmt: skip
    for side in (OURS, PLAIN):
        for name, scale, unit in (
            ("p50", 1e3, "ms"),
            ("p99", 1e3, "ms"),
            ("server_us", 1, "us"),
            ("postgres_us", 1, "us"),
        ):
            spread = Spread([value * scale for value in spreads[f"{side} {name}"].values])
            made.append(
                of_windows(f"quotes_{side}_{name}", spread, unit, SECTION, what=f"{what}{side}: {name}", digits=1)
            )
    return made


async def profile_ours(server: BenchServer, sizes: Sizes, console: Console, out: Path) -> None:
    """One window of the product with the sampling profiler: where the API process's time goes."""
    async with ground(server, sizes) as up:
        await up.ours_window()
        await up.ours_window()
        profile = Profile(out)
        await up.ours_window(profile=profile)
        profile.show(console, us_each=up.ours.windows[1].server_us)


async def _main(asked: argparse.Namespace) -> None:
    console = Console(width=None if Console().is_terminal else 180)
    sizes = Sizes(repetitions=asked.repetitions, seconds=asked.seconds, connections=asked.connections)
    async with bench_server() as server:
        console.print(machine(), await durable(server))
        if asked.profile:
            await profile_ours(server, sizes, console, asked.out)
        else:
            for one in measures(await measure(server, sizes, console)):
                console.print(one.id, one.value, one.unit, one.target, one.holds, one.range)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--seconds", type=float, default=4)
    reader.add_argument("--repetitions", type=int, default=3)
    reader.add_argument("--connections", type=int, default=64)
    reader.add_argument("--profile", action="store_true", help="where the API process's time goes, by py-spy")
    reader.add_argument(
        "--out", type=Path, default=Path(".cache/quotes-profile.txt"), help="the profile's folded stacks"
    )
    asyncio.run(_main(reader.parse_args()))


if __name__ == "__main__":
    main()
