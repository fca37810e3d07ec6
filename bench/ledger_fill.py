"""A ledger with millions of transfers behind it, made in minutes: `fill`, for the bench and the slow tests.

Every customer goes round and round: 1,000 units come in, 600 are set aside, 590 are paid out, 10 stay as a fee. So every
number and every running balance follows from the round alone, and plain INSERT … SELECT writes them: no sort, no window,
nothing kept. The house's accounts have a leg in every round (hot accounts of a quarter of all transfers), the customers'
a few each. Written by a superuser past the triggers; the proof, not this file, says that it is exact.

    python -m bench.ledger_fill 10000000     fill, prove, print times and the most memory either side took
"""

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import text

from bench.machine import machine, resident_mib
from bench.server import bench_server
from tidegate.database import Database, utcnow
from tidegate.ledger import proof

IN, ASIDE, PAID, FEE = 1000, 600, 590, 10
PIECE = 500_000
"""Rounds of one INSERT."""
_OWNER = "('00000000-0000-4000-8000-' || lpad(to_hex({u}), 12, '0'))::uuid"
_HOUSE = (
    ("wallet:deposit", "bitcoin", "debit"),
    ("wallet:hot", "bitcoin", "debit"),
    ("capital", "", "credit"),
    ("charged:network", "", "credit"),
)

# `id` goes up as the accounts are made: house 1 to 4 from `first`, then two for each customer.
_ACCOUNTS = f"""
INSERT INTO ledger_accounts (id, owner, name, asset, place, side, overdraft, balance, sequence, moved_at)
OVERRIDING SYSTEM VALUE
SELECT $1 + 3 + 2 * u + k, {_OWNER.format(u="u")}, name, 'BTC', '', 'credit', false, 0, 0, '-infinity'
FROM generate_series(1, $2::bigint) u, (VALUES (0, 'available'), (1, 'held')) v(k, name)
"""

# One round is r, from 0; its customer u = 1 + r % customers, in the customer's own round c = r / customers.
_ROUNDS = f"""
INSERT INTO ledger_transfers (key, n, id, event, units, debit_account, debit_sequence, debit_balance,
                              credit_account, credit_sequence, credit_balance, posted_at)
SELECT m.key, m.n, gen_random_uuid(), m.event, m.units, m.d, m.ds, m.db, m.c, m.cs, m.cb,
       $3::timestamptz + r.r * interval '4 ms' + m.step * interval '1 ms'
FROM (SELECT r, r / $2::bigint AS c, $1 + 5 + 2 * (r % $2::bigint) AS a,
             '01900000-0000-7000-8000-' || lpad(to_hex(r), 12, '0') AS o
      FROM generate_series($4::bigint, $5::bigint) r) r
CROSS JOIN LATERAL (VALUES
    ('deposit:' || r.o || ':credit', 1, 'deposit credited', {IN}, $1, r.r + 1, {IN}::numeric * (r.r + 1),
     r.a, 2 * r.c + 1, ({IN} - {ASIDE})::numeric * r.c + {IN}, 1),
    ('withdrawal:' || r.o || ':hold', 1, 'withdrawal accepted', {ASIDE},
     r.a, 2 * r.c + 2, ({IN} - {ASIDE})::numeric * (r.c + 1), r.a + 1, 3 * r.c + 1, {ASIDE}, 2),
    ('withdrawal:' || r.o || ':settle', 1, 'withdrawal fees', {FEE},
     r.a + 1, 3 * r.c + 2, {PAID}, $1 + 3, r.r + 1, {FEE}::numeric * (r.r + 1), 3),
    ('withdrawal:' || r.o || ':settle', 2, 'payout final', {PAID},
     r.a + 1, 3 * r.c + 3, 0, $1 + 1, r.r + 2, $6::numeric - {PAID}::numeric * (r.r + 1), 3)
) m(key, n, event, units, d, ds, db, c, cs, cb, step)
"""

_STAND = f"""
UPDATE ledger_accounts a SET balance = s.balance, sequence = s.sequence, moved_at = s.moved FROM (
    SELECT $1 + 5 + 2 * (r % $2::bigint) + k AS id, c,
           CASE k WHEN 0 THEN ({IN} - {ASIDE})::numeric * (c + 1) ELSE 0 END AS balance,
           CASE k WHEN 0 THEN 2 * (c + 1) ELSE 3 * (c + 1) END AS sequence,
           $3::timestamptz + r * interval '4 ms' + CASE k WHEN 0 THEN 2 ELSE 3 END * interval '1 ms' AS moved
    FROM (SELECT r, r / $2::bigint AS c
          FROM generate_series(greatest($4::bigint - $2::bigint, 0), $4::bigint - 1) r) r, (VALUES (0), (1)) v(k)) s
WHERE a.id = s.id
"""

_UNIQUE = {
    "pk_ledger_transfers": "PRIMARY KEY (key, n)",
    "uq_ledger_transfers_debit_account_debit_sequence": "UNIQUE (debit_account, debit_sequence)",
    "uq_ledger_transfers_credit_account_credit_sequence": "UNIQUE (credit_account, credit_sequence)",
}


async def fill(connection: asyncpg.Connection, *, transfers: int, customers: int = 100_000) -> int:
    """Put `transfers` (rounded to whole rounds of four, and one that funds the house) into an empty ledger; how many.

    As superuser. The newest is of a second ago.
    """
    rounds = max(transfers // 4, 1)
    if await connection.fetchval("SELECT EXISTS (SELECT FROM ledger_accounts)"):
        raise ValueError("only an empty ledger can be filled")
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for name in _UNIQUE:
            await connection.execute(f"ALTER TABLE ledger_transfers DROP CONSTRAINT {name}")
        first = 1
        start = await connection.fetchval("SELECT clock_timestamp() - $1 * interval '4 ms' - interval '1 s'", rounds)
        await connection.execute(_ACCOUNTS, first, customers)
        await _house(connection, first, rounds, start)
        for piece in range(0, rounds, PIECE):
            last = min(piece + PIECE, rounds) - 1
            await connection.execute(_ROUNDS, first, customers, start, piece, last, PAID * rounds, timeout=3600)
        await connection.execute(_STAND, first, customers, start, rounds)
        await connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for name, what in _UNIQUE.items():
            await connection.execute(f"ALTER TABLE ledger_transfers ADD CONSTRAINT {name} {what}", timeout=3600)
        await connection.execute(
            "SELECT setval(pg_get_serial_sequence('ledger_accounts', 'id'), (SELECT max(id) FROM ledger_accounts))"
        )
    await connection.execute("VACUUM ANALYZE ledger_transfers", timeout=3600)
    await connection.execute("VACUUM ANALYZE ledger_accounts", timeout=3600)
    return rounds * 4 + 1


async def _house(connection: asyncpg.Connection, first: int, rounds: int, start: object) -> None:
    funds = PAID * rounds
    stands = ((IN * rounds, rounds), (0, rounds + 1), (funds, 1), (FEE * rounds, rounds))
    steps = (1, 3, 0, 3)
    for n, ((name, place, side), (balance, sequence), step) in enumerate(zip(_HOUSE, stands, steps, strict=True)):
        late = 0 if name == "capital" else rounds - 1
        await connection.execute(
            """INSERT INTO ledger_accounts (id, owner, name, asset, place, side, overdraft, balance, sequence, moved_at)
               OVERRIDING SYSTEM VALUE
               VALUES ($1, '00000000-0000-0000-0000-000000000000', $2, 'BTC', $3, $4, false, $5, $6,
                       $7::timestamptz + $8 * interval '4 ms' + $9 * interval '1 ms')""",
            first + n, name, place, side, balance, sequence, start, late, step,
        )  # fmt: skip
    await connection.execute(
        """INSERT INTO ledger_transfers (key, n, id, event, units, debit_account, debit_sequence, debit_balance,
                                         credit_account, credit_sequence, credit_balance, posted_at)
           VALUES ('fund:filled', 1, gen_random_uuid(), 'operator funds', $1, $2, 1, $1, $3, 1, $1, $4)""",
        funds, first + 1, first + 2, start,
    )  # fmt: skip


@dataclass(slots=True)
class Most:
    """Resident memory in MiB of its own, shared buffers left out: at the start, and the most of all looks."""

    client: float
    server: float
    client_most: float = 0
    server_most: float = 0


@asynccontextmanager
async def memory(backend: int) -> AsyncIterator[Most]:
    """Look ten times a second at this process and at one backend, for the length of the block."""
    most = Most(resident_mib([os.getpid()]), resident_mib([backend]))

    async def look() -> None:
        while True:
            most.client_most = max(most.client_most, resident_mib([os.getpid()]))
            most.server_most = max(most.server_most, resident_mib([backend]))
            await asyncio.sleep(0.1)

    task = asyncio.ensure_future(look())
    try:
        yield most
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def proved(db: Database, *, past: bool, bar: Progress) -> tuple[float, Most, int]:
    """One whole proof: seconds, memory, findings."""
    findings = 0
    async with db.reading() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        backend = int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        task = bar.add_task("as it was" if past else "as it is", total=None)
        async with memory(backend) as most:
            began = time.perf_counter()
            at = utcnow() if past else None
            async for name, wrong in proof.prove(
                session, at=at, progress=lambda done, of: bar.update(task, completed=done, total=of)
            ):
                findings += len(wrong)
                for one in wrong:
                    bar.console.print(f"{name}: {one.detail}")
            return time.perf_counter() - began, most, findings


async def main() -> None:
    words = argparse.ArgumentParser(description="Fill a ledger and prove it.")
    words.add_argument("transfers", type=int, nargs="?", default=1_000_000)
    words.add_argument("--customers", type=int, default=100_000)
    asked = words.parse_args()
    out = Console()
    out.print(machine())
    async with bench_server() as server:
        connection = await server.connect()
        began = time.perf_counter()
        transfers = await fill(connection, transfers=asked.transfers, customers=asked.customers)
        size = await connection.fetchval("SELECT pg_total_relation_size('ledger_transfers')")
        temporary = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
        out.print(f"{transfers:,} transfers, {size / 2**20:,.0f} MiB, filled in {time.perf_counter() - began:.0f} s")
        db = Database(server.url().replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=2)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=out) as bar:
            for past in (False, True):
                before = await connection.fetchval(temporary)
                seconds, most, findings = await proved(db, past=past, bar=bar)
                await asyncio.sleep(2)  # an idle backend tells its statistics a second later
                spilled = await connection.fetchval(temporary) - before
                out.print(
                    f"{'as it was' if past else 'as it is'}: {seconds:.1f} s, {transfers / seconds:,.0f} transfers/s, "
                    f"{findings} findings; client {most.client:.0f} → {most.client_most:.0f} MiB, "
                    f"backend {most.server:.0f} → {most.server_most:.0f} MiB, {spilled / 2**20:.0f} MiB of temporary files"
                )
        await db.close()
        await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
