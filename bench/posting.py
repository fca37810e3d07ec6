"""The posting function by itself: batches of 1000 from one writer, on a hot account and spread out, against TPC-B.

`depth` asks the same with ten million transfers behind it. What a batch needs is made before its window, so that the
client costs only the encoding of arguments, as pgbench does. Every transfer of a window must be posted.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import asyncpg
from rich.console import Console
from rich.progress import Progress
from uuid_utils.compat import uuid7

from bench.fill import Plan, fill
from bench.machine import tree_cpu_seconds
from bench.proof import proved
from bench.results import Measure, of_windows, ratio
from bench.server import BenchServer
from bench.tpcb import CLIENTS, TPCB, tpcb, tpcb_database
from bench.windows import Case, Spread, Stopwatch, interleave

BATCH = 1000
ASSET = "USDT"
_POST = "SELECT ledger_post($1, $2, $3, $4, $5, $6, $7)"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repetitions: int = 5
    seconds: float = 3
    accounts: int = 100_000
    scale: int = 50
    transactions: int = 0
    """Of each pgbench client, in place of seconds."""
    deep: int = 10_000_000
    shallow: int = 10_000


QUICK = Sizes(repetitions=1, seconds=0.5, accounts=1_000, scale=1, transactions=2, deep=5_000, shallow=1_000)

Batch = tuple[list[str], list[object], list[int], list[str], list[int], list[int], list[Decimal]]


class Poster:
    """One writer on one database: its windows post batches that were made beforehand."""

    def __init__(self, connection: asyncpg.Connection, *, seed: int) -> None:
        self._connection = connection
        self._order = random.Random(seed)
        self._customers: list[int] = []
        self._hot = 0
        self._guess: dict[bool, float] = {}
        self.posted = 0
        """Transfers of the last window."""

    async def open(self) -> "Poster":
        rows = await self._connection.fetch(
            "SELECT id, name FROM ledger_accounts WHERE asset = $1 AND name IN ('available', 'charged:network')", ASSET
        )
        self._customers = [row["id"] for row in rows if row["name"] == "available"]
        (self._hot,) = [row["id"] for row in rows if row["name"] == "charged:network"]
        return self

    async def window(self, seconds: float, *, hot: bool) -> float:
        """Transfers a second, for so long or until the prepared batches are used up."""
        many = max(3, int(self._guess.get(hot, 20_000) * seconds * 1.5) // BATCH)
        made = [self._batch(hot) for _ in range(many)]
        statement = await self._connection.prepare(_POST)
        posted = 0
        watch = Stopwatch()
        for batch in made:
            verdicts = await statement.fetchval(*batch)
            posted += BATCH
            assert set(verdicts) == {"posted"}, "every transfer of a window is posted"
            if watch.seconds >= seconds:
                break
        rate = posted / watch.seconds
        self.posted = posted
        self._guess[hot] = rate
        return rate

    def _batch(self, hot: bool) -> Batch:
        ids = [uuid7() for _ in range(BATCH)]
        debits = self._order.choices(self._customers, k=BATCH)
        payees = [self._hot] * BATCH if hot else [self._another(payer) for payer in debits]
        return (
            [f"withdrawal:{id_}:hold" for id_ in ids],
            list(ids),
            list(range(1, BATCH + 1)),
            ["bench transfer"] * BATCH,
            debits,
            payees,
            [Decimal(self._order.randrange(1, 100)) for _ in ids],
        )

    def _another(self, payer: int) -> int:
        while True:
            found = self._order.choice(self._customers)
            if found != payer:
                return found


async def posting(server: BenchServer, sizes: Sizes, console: Console) -> list[Measure]:
    """Hot and uniform against TPC-B, and against each other."""
    await tpcb_database(server, sizes.scale)
    await server.fresh("posting")
    connection = await server.connect("posting")
    try:
        await _filled(connection, Plan(transfers=sizes.accounts, accounts=sizes.accounts, asset=ASSET), console)
        poster = await Poster(connection, seed=1).open()
        for hot in (True, False):
            await poster.window(min(1, sizes.seconds), hot=hot)
        cpu: dict[str, Spread] = {"hot": Spread(), "uniform": Spread(), TPCB: Spread()}

        async def batches(name: str) -> float:
            before = tree_cpu_seconds(server.pid)
            rate = await poster.window(sizes.seconds, hot=name == "hot")
            cpu[name].values.append((tree_cpu_seconds(server.pid) - before) / poster.posted * 1e6)
            return rate

        async def yardsticks() -> float:
            before = tree_cpu_seconds(server.pid)
            rate = await tpcb(server, sizes.seconds, transactions=sizes.transactions)
            many = sizes.transactions * CLIENTS or rate * max(1, round(sizes.seconds))
            cpu[TPCB].values.append((tree_cpu_seconds(server.pid) - before) / many * 1e6)
            return rate

        runs: dict[str, Callable[[], Awaitable[float]]] = {
            "hot": partial(batches, "hot"),
            "uniform": partial(batches, "uniform"),
            TPCB: yardsticks,
        }
        found = await _windows(console, "posting", sizes, runs)
    finally:
        await connection.close()
    await proved(server, "posting")
    heavy, uniform, yardstick = found["hot"], found["uniform"], found[TPCB]
    told = f"posting, batches of {BATCH}, "
    section = "posting"
    return [
        ratio("posting_hot_vs_tpcb", heavy, yardstick, "at least 8", section, what=f"{told}hot account / TPC-B"),
        ratio("posting_uniform_vs_tpcb", uniform, yardstick, "at least 6", section, what=f"{told}uniform / TPC-B"),
        ratio("posting_hot_vs_uniform", heavy, uniform, "at least 1.0", section, what=f"{told}hot / uniform"),
        of_windows("posting_hot", heavy, "transfers/s", section, what=f"{told}hot account"),
        of_windows("posting_uniform", uniform, "transfers/s", section, what=f"{told}{sizes.accounts:,} accounts"),
        of_windows("posting_tpcb", yardstick, "transactions/s", section, what="pgbench TPC-B, 32 clients, beside it"),
        *(
            of_windows(
                f"posting_{name}_postgres_us", spread, "us", section,
                what=f"posting, {name}: processor time of PostgreSQL for one", digits=1,
            )
            for name, spread in cpu.items()
        ),
    ]  # fmt: skip


async def depth(server: BenchServer, sizes: Sizes, console: Console) -> list[Measure]:
    """The same accounts with many transfers behind them and with few: uniform batches, the harder form."""
    section = "depth"
    accounts = sizes.shallow
    connections: dict[str, asyncpg.Connection] = {}
    posters: dict[str, Poster] = {}
    try:
        for name, transfers in (("shallow", sizes.shallow), ("deep", sizes.deep)):
            await server.fresh(name)
            connections[name] = await server.connect(name)
            await _filled(connections[name], Plan(transfers=transfers, accounts=accounts, asset=ASSET), console)
            posters[name] = await Poster(connections[name], seed=2).open()
            await posters[name].window(min(1, sizes.seconds), hot=False)
        found = await _windows(
            console,
            section,
            sizes,
            {
                "deep": lambda: posters["deep"].window(sizes.seconds, hot=False),
                "shallow": lambda: posters["shallow"].window(sizes.seconds, hot=False),
            },
        )
        for connection in connections.values():
            await _numbers_add_up(connection)
    finally:
        for connection in connections.values():
            await connection.close()
    what = f"posting with {sizes.deep:,} transfers behind it"
    return [
        ratio(
            "posting_deep_vs_shallow", found["deep"], found["shallow"], "at least 0.8", section,
            what=f"{what} / with {sizes.shallow:,}",
        ),
        of_windows("posting_deep", found["deep"], "transfers/s", section, what=what),
        of_windows("posting_shallow", found["shallow"], "transfers/s", section, what=f"posting with {sizes.shallow:,}"),
    ]  # fmt: skip


async def _filled(connection: asyncpg.Connection, plan: Plan, console: Console) -> None:
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"filling: {plan.transfers:,} transfers", total=plan.transfers)
        await fill(connection, plan, told=lambda done: bar.update(task, completed=done))


async def _numbers_add_up(connection: asyncpg.Connection) -> None:
    """Every transfer gave two numbers, and debit and credit sides stand at the same: the quick half of the proof."""
    given = await connection.fetchval("SELECT sum(sequence) FROM ledger_accounts")
    rows = await connection.fetchval("SELECT count(*) FROM ledger_transfers")
    assert given == 2 * rows, f"{rows} transfers have {given} numbers"
    difference = await connection.fetchval(
        "SELECT sum(CASE side WHEN 'debit' THEN balance ELSE -balance::numeric END) FROM ledger_accounts"
    )
    assert difference == 0, f"the sides differ by {difference}"


async def _windows(
    console: Console, title: str, sizes: Sizes, runs: dict[str, Callable[[], Awaitable[float]]]
) -> dict[str, Spread]:
    cases = [Case(name, run) for name, run in runs.items()]
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(title, total=sizes.repetitions * len(cases))

        def told(id_: str, value: float) -> None:
            bar.update(task, advance=1, description=f"{title}: {id_} {value:,.0f}/s")

        return await interleave(cases, repetitions=sizes.repetitions, told=told)
