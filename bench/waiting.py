"""What waits: a claim with 100,000 withdrawals in the queue, how soon an idle worker wakes, how soon 500 readers are told.

Claims and looks are the worker's own calls, in turns on two databases that are alike but for the backlog. Waking goes the
product's way: a commit, the bell in the same transaction, the worker's ear, its look at what is due, the claim. Events go
from a commit of the lane to readers that hold one stream each of one API process of the product.
"""

import asyncio
import json
import random
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from bench.customers import Customers
from bench.house import HOUSE_DATABASE, found, product
from bench.results import Measure, judged, measured, ratio
from bench.server import BenchServer
from bench.streams import resident_mib
from bench.windows import Case, interleave, percentile
from tests.conftest import settings_on
from tidegate.database import Database, utcnow
from tidegate.ledger.lane import Lane
from tidegate.outbox.events import changed
from tidegate.parts import open_parts
from tidegate.queue import Lease
from tidegate.transactions import store
from tidegate.transactions.rules import State
from tidegate.worker import Step, Worker

SECTION = "waiting"
EMPTY, FULL = "waiting_empty", "waiting_full"
DUE = 20
"""What there is to claim in the empty queue: as many as a worker takes at once."""


@dataclass(frozen=True, slots=True)
class Sizes:
    backlog: int = 100_000
    claims: int = 50
    repetitions: int = 7
    wakes: int = 400
    streams: int = 500
    events: int = 600


QUICK = Sizes(backlog=200, claims=3, repetitions=1, wakes=5, streams=5, events=5)

# Whole rows of the product's table; the triggers that keep its life are not what is measured.
_BACKLOG = """
INSERT INTO withdrawals (id, user_id, quote_id, network, address, from_asset, to_asset, debit_units, deliver_units, rate,
    fee_network_units, fee_service_units, fee_spread_units, usd_cents, review_needed, speed, arrives_within, state,
    sub_status, since, version, intent, digest, challenge_expires_at, verified_at, authorisation, created_at, due_at, fence)
SELECT gen_random_uuid(), $1, gen_random_uuid(), $2, 'bench', $3, $3, 1010, 1000, '1', 10, 0, 0, 100, false, 'standard',
    60, $4, $5, now(), 1, '\\x00', repeat('0', 64), now(), now(), '{}', now(), now() - n * interval '1 ms', 0
FROM generate_series(1, $6::int) n
"""


@dataclass(slots=True)
class Queue:
    """One database with so many that wait on both networks."""

    db: Database
    claims: int
    looks: list[float] = field(default_factory=list)

    async def window(self) -> float:
        """Milliseconds of a claim with its commit, the mean of a window; what was claimed is given back untimed."""
        seconds = 0.0
        for number in range(self.claims):
            network = ("bitcoin", "ethereum")[number % 2]
            began = time.perf_counter()
            async with self.db.transaction() as session:
                leases = await self._claim(session, network)
            seconds += time.perf_counter() - began
            assert leases, "there is something to claim"
            async with self.db.transaction() as session:
                await store.release_all(session, leases, [State.QUEUED], utcnow() - timedelta(seconds=1))
            began = time.perf_counter()
            async with self.db.reading() as session:
                await store.queues(session, "bitcoin", now=utcnow())
            self.looks.append((time.perf_counter() - began) * 1000)
        return seconds / self.claims * 1000

    async def _claim(self, session: AsyncSession, network: str) -> list[Lease]:
        return await store.claim_queued(session, network, "standard", fresh=True, now=utcnow(), limit=DUE)


async def _filled(server: BenchServer, name: str, many: int) -> None:
    await server.fresh(name)
    connection = await server.connect(name)
    try:
        await connection.execute("SET session_replication_role = replica")
        for network, code in (("bitcoin", "BTC"), ("ethereum", "USDT")):
            await connection.execute(_BACKLOG, uuid.uuid4(), network, code, "queued", "awaiting_liquidity", many // 2)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _url(server: BenchServer, name: str) -> str:
    return server.url(name).replace("postgresql://", "postgresql+asyncpg://", 1)


async def backlog(server: BenchServer, sizes: Sizes, console: Console) -> list[Measure]:
    """Claims in turns with and without a backlog; memory is that of this process, which does what a worker does."""
    await _filled(server, EMPTY, 2 * DUE)
    await _filled(server, FULL, sizes.backlog)
    empty, full = (Queue(Database(_url(server, name)), sizes.claims) for name in (EMPTY, FULL))
    try:
        for queue in (empty, full):
            await queue.window()
            queue.looks.clear()
        before = resident_mib()
        spreads = await interleave([Case(EMPTY, empty.window), Case(FULL, full.window)], repetitions=sizes.repetitions)
        after = resident_mib()
    finally:
        await empty.db.close()
        await full.db.close()
    console.print(
        f"claim: {spreads[EMPTY].text(2)} ms in an empty queue, {spreads[FULL].text(2)} ms in {sizes.backlog:,}"
    )
    what = f"a claim of {DUE} with {sizes.backlog:,} withdrawals waiting"
    return [
        ratio("claim_full_vs_empty", spreads[FULL], spreads[EMPTY], "at most 1.5", SECTION, what=f"{what} / in an empty queue"),
        measured("claim_full", spreads[FULL].median, "ms", SECTION, what=what),
        measured("claim_empty", spreads[EMPTY].median, "ms", SECTION, what=f"a claim of {DUE} in an empty queue"),
        measured("look_full", percentile(sorted(full.looks), 0.5), "ms", SECTION, what="the look at what waits for a batch, with them"),
        judged("claim_memory", after / before, "x", "at most 1.05", SECTION, what="memory of the claiming process, after / before", digits=2),
    ]  # fmt: skip


class Idle(Worker):
    """The product's worker with one step: it claims, notes when, and moves nothing on."""

    def __init__(self, *args: object, claimed: dict[uuid.UUID, float]) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # as they came
        self._claimed = claimed
        self.rounds = 0

    def steps(self) -> list[Step]:
        return [Step("screen", self._claim, 1, "withdrawal")]

    async def _claim(self) -> int:
        db = self._parts.db
        async with db.transaction() as session:
            leases = await store.claim(session, [State.PENDING_SCREENING], now=utcnow())
        at = time.monotonic()
        for lease in leases:
            self._claimed.setdefault(lease.id, at)
        self.rounds += 1
        return len(leases)


_VERIFIED = """
UPDATE withdrawals SET state = 'pending_screening', due_at = now(), lease_until = NULL WHERE id = $1
"""


async def wakes(server: BenchServer, sizes: Sizes, console: Console) -> list[Measure]:
    """From the return of a commit to the return of an idle worker's claim."""
    name, taken, committed = "waiting_wake", dict[uuid.UUID, float](), dict[uuid.UUID, float]()
    await _filled(server, name, 0)
    connection = await server.connect(name)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(_BACKLOG, uuid.uuid4(), "bitcoin", "BTC", "queued", None, sizes.wakes)
    rows = [row["id"] for row in await connection.fetch("SELECT id FROM withdrawals")]
    chance = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        settings = settings_on(_url(server, name), Path(folder))
        async with open_parts(settings, process="worker", duty="worker") as parts:
            worker, stop = Idle(parts, ["screen"], claimed=taken), asyncio.Event()
            running = asyncio.create_task(worker.run(stop))
            await _eventually(lambda: worker.rounds >= 2)
            await asyncio.sleep(1)
            for one in rows:
                async with connection.transaction():
                    await connection.execute(_VERIFIED, one)
                    await connection.execute("SELECT pg_notify('tidegate_work', 'withdrawal')")
                committed[one] = time.monotonic()
                await asyncio.sleep(chance.uniform(0.01, 0.15))
            await _eventually(lambda: len(taken) >= len(rows))
            stop.set()
            await running
    await connection.close()
    spans = sorted((taken[one] - committed[one]) * 1000 for one in rows)
    p99 = percentile(spans, 0.99)
    console.print(f"wake-up: p50 {percentile(spans, 0.5):.1f} ms, p99 {p99:.1f} ms, longest {spans[-1]:.1f} ms")
    what = "commit to claim by an idle worker"
    return [
        judged("wake_p99", p99, "ms", "at most 100", SECTION, what=f"{what}, p99", span=(round(spans[0], 1), round(spans[-1], 1))),
        judged("wake_none_lost", sum(one < 900 for one in spans) / len(spans) * 100, "%", "at least 100", SECTION, what=f"{what}: woken, and not found by looking around"),
        measured("wake_p50", max(percentile(spans, 0.5), 0.01), "ms", SECTION, what=f"{what}, p50"),
    ]  # fmt: skip


async def _eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  it happens in other tasks
            await asyncio.sleep(0.01)


@dataclass(slots=True)
class Reader:
    """One stream of one customer, and when each of its events was read."""

    user_id: uuid.UUID
    heard: dict[uuid.UUID, float] = field(default_factory=dict)

    async def read(self, port: int, token: str, ready: Callable[[], Awaitable[None]]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(
                f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await ready()
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    self.heard[uuid.UUID(json.loads(line[5:])["id"])] = time.monotonic()
        finally:
            writer.close()


@asynccontextmanager
async def _readers(port: int, people: Customers) -> AsyncIterator[Sequence[Reader]]:
    """Everybody listens."""
    readers, open_now = [Reader(one.id) for one in people.people], 0

    async def ready() -> None:
        nonlocal open_now
        open_now += 1

    tokens = people.tokens()
    tasks = [asyncio.create_task(one.read(port, tokens[one.user_id], ready)) for one in readers]
    try:
        await _eventually(lambda: open_now == len(readers))
        yield readers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def listeners(server: BenchServer, sizes: Sizes, console: Console) -> list[Measure]:
    """From the return of the commit to the line in the reader's hands, each reader on a stream of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-")))
        await server.fresh(HOUSE_DATABASE)
        connection: asyncpg.Connection = await server.connect(HOUSE_DATABASE)
        stack.push_async_callback(connection.close)
        at = await found(folder)
        people = Customers(connection, at)
        await people.open(sizes.streams)
        served = await stack.enter_async_context(product(at, server))
        db = Database(_url(server, HOUSE_DATABASE))
        stack.push_async_callback(db.close)
        lane, chance = Lane(db), random.Random(1)
        told: dict[uuid.UUID, tuple[Reader, float]] = {}
        readers = await stack.enter_async_context(_readers(served.port, people))
        # The streams have been read once when nothing comes any more.
        await asyncio.sleep(1)
        for _ in range(sizes.events):
            one, identity = chance.choice(readers), uuid.uuid4()
            assert (await lane.write([changed(one.user_id, "withdrawal", identity, 1)])).posted
            told[identity] = one, time.monotonic()
            await asyncio.sleep(chance.uniform(0, 0.05))
        await _eventually(lambda: all(identity in one.heard for identity, (one, _) in told.items()))
    spans = sorted((one.heard[identity] - at_commit) * 1000 for identity, (one, at_commit) in told.items())
    p99 = percentile(spans, 0.99)
    console.print(f"events: p50 {percentile(spans, 0.5):.1f} ms, p99 {p99:.1f} ms with {sizes.streams} streams")
    what = f"commit to reader, {sizes.streams} open streams on one API process"
    return [
        judged("event_p99", p99, "ms", "at most 250", SECTION, what=f"{what}, p99", span=(round(spans[0], 1), round(spans[-1], 1))),
        measured("event_p50", max(percentile(spans, 0.5), 0.01), "ms", SECTION, what=f"{what}, p50"),
    ]  # fmt: skip


async def waiting(server: BenchServer, sizes: Sizes, console: Console) -> list[Measure]:
    """The section."""
    made = await backlog(server, sizes, console)
    made += await wakes(server, sizes, console)
    return made + await listeners(server, sizes, console)
