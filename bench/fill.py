"""Fills a ledger with history, set by set, exact to the unit: what a house has behind it after years, in minutes.

Every transfer has both running balances and gap-free numbers, so `ledger.proof.prove` finds it exact. It is written as
superuser with the triggers off, because only `ledger_post` may write otherwise; unique indexes and checks hold all the
same. For measuring and for tests of big ledgers, never for a house in use.

    python -m bench.fill --url postgresql://… --transfers 10000000
"""

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from rich.progress import Progress

from tidegate.database import utcnow

CHUNK = 200_000
FUNDS = 10**15
"""What each customer is funded with first: nobody is ever short."""
INDEXES = (
    "pk_ledger_transfers",
    "uq_ledger_transfers_debit_account_debit_sequence",
    "uq_ledger_transfers_credit_account_credit_sequence",
)
Told = Callable[[int], None]


@dataclass(frozen=True)
class Plan:
    """`accounts` customers pay one another at random; the share `hot` goes to one house account instead.

    Times run evenly from `days` ago to now. `transfers` includes the one that funds each new customer.
    """

    transfers: int
    accounts: int = 100_000
    hot: float = 0.1
    asset: str = "USDT"
    network: str = "ethereum"
    days: float = 365


_PEOPLE = """
INSERT INTO ledger_accounts (owner, name, asset, place, side, overdraft, balance, sequence, moved_at)
SELECT md5('fill ' || n)::uuid, 'available', $2, '', 'credit', false, 0, 0, '-infinity'::timestamptz
FROM generate_series(1, $1::int) n ORDER BY 1
ON CONFLICT DO NOTHING
"""
_HOUSE = """
INSERT INTO ledger_accounts (owner, name, asset, place, side, overdraft, balance, sequence, moved_at)
SELECT '00000000-0000-0000-0000-000000000000', x.name, $1, x.place, x.side, false, 0, 0, '-infinity'::timestamptz
FROM (VALUES ('wallet:hot', $2, 'debit'), ('charged:network', '', 'credit')) x(name, place, side)
ON CONFLICT DO NOTHING
"""
# n counts the customers from 1; 0 is the hot house account, -1 the wallet that the funds come from.
_STATE = """
CREATE TEMP TABLE fill_accounts ON COMMIT DROP AS
SELECT CASE WHEN a.name = 'wallet:hot' THEN -1 WHEN a.name = 'charged:network' THEN 0 ELSE p.n END AS n,
       a.id, a.side, a.balance::numeric AS balance, a.sequence, a.moved_at
FROM ledger_accounts a LEFT JOIN (SELECT n, md5('fill ' || n)::uuid AS owner FROM generate_series(1, $1::int) n) p
     ON p.owner = a.owner
WHERE a.asset = $2 AND (a.name = 'available' AND p.n IS NOT NULL
      OR a.owner = '00000000-0000-0000-0000-000000000000' AND (a.name, a.place) IN (('wallet:hot', $3), ('charged:network', '')))
"""
_TABLES = """
ALTER TABLE fill_accounts ADD PRIMARY KEY (n);
CREATE TEMP TABLE fill_moves (i bigint, d int, c int, units numeric) ON COMMIT DROP;
CREATE TEMP TABLE fill_legs (i bigint, is_debit boolean, n int, id bigint, sequence bigint, balance numeric) ON COMMIT DROP;
"""
_FUND = "INSERT INTO fill_moves SELECT row_number() OVER (ORDER BY n), -1, n, $1 FROM fill_accounts WHERE n > 0 AND sequence = 0"
_MOVE = """
INSERT INTO fill_moves
SELECT i, d, CASE WHEN random() < $4 THEN 0 ELSE 1 + (d + floor(random() * ($3 - 1))::int) % $3 END, 1 + floor(random() * 1000)::int
FROM (SELECT i, 1 + floor(random() * $3::int)::int AS d FROM generate_series($1::bigint, $2::bigint) i) x
"""
_LEGS = """
INSERT INTO fill_legs
SELECT l.i, l.is_debit, l.n, a.id, a.sequence + row_number() OVER w,
       a.balance + sum(CASE WHEN l.is_debit = (a.side = 'debit') THEN l.units ELSE -l.units END) OVER w
FROM (SELECT i, true AS is_debit, d AS n, units FROM fill_moves UNION ALL SELECT i, false, c, units FROM fill_moves) l
JOIN fill_accounts a ON a.n = l.n
WINDOW w AS (PARTITION BY l.n ORDER BY l.i)
"""
# Ids and keys are ordered by time, as those of the product are.
_WRITE = """
INSERT INTO ledger_transfers (key, n, id, event, units, debit_account, debit_sequence, debit_balance,
                              credit_account, credit_sequence, credit_balance, posted_at)
SELECT 'fill:' || x.id || ':hold', 1, x.id, CASE WHEN m.d = -1 THEN 'bench funding' ELSE 'bench transfer' END, m.units,
       d.id, d.sequence, d.balance, c.id, c.sequence, c.balance, x.at
FROM fill_moves m
JOIN fill_legs d ON d.i = m.i AND d.is_debit
JOIN fill_legs c ON c.i = m.i AND NOT c.is_debit
CROSS JOIN LATERAL (SELECT $1::timestamptz + m.i * $2::interval AS at) t
CROSS JOIN LATERAL (SELECT t.at, (lpad(to_hex(floor(extract(epoch FROM t.at) * 1000)::bigint), 12, '0') || '7'
                           || substr(md5(m.i::text || random()::text), 1, 3) || '8'
                           || lpad(to_hex(m.i), 15, '0'))::uuid AS id) x
ORDER BY m.i
"""
_KEEP = """
UPDATE fill_accounts a SET sequence = l.sequence, balance = l.balance, moved_at = $1::timestamptz + l.i * $2::interval
FROM (SELECT DISTINCT ON (n) n, i, sequence, balance FROM fill_legs ORDER BY n, i DESC) l WHERE a.n = l.n
"""
_SETTLE = """
UPDATE ledger_accounts a SET balance = f.balance, sequence = f.sequence, moved_at = f.moved_at
FROM fill_accounts f WHERE f.id = a.id AND f.sequence <> a.sequence
"""


async def fill(connection: asyncpg.Connection, plan: Plan, *, told: Told | None = None) -> None:
    """Add the plan's transfers in one transaction. `told` hears how many there are after each set.

    A ledger without transfers gets its indexes afterwards, which is several times faster. Needs a superuser.
    """
    assert plan.accounts >= 2, "a transfer has two accounts"
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '1GB'")
        later = (
            []
            if await connection.fetchval("SELECT EXISTS (SELECT FROM ledger_transfers)")
            else await _unindexed(connection)
        )
        await connection.execute(_PEOPLE, plan.accounts, plan.asset)
        await connection.execute(_HOUSE, plan.asset, plan.network)
        await connection.execute(_STATE, plan.accounts, plan.asset, plan.network)
        await connection.execute(_TABLES)
        await _sets(connection, plan, told)
        await connection.execute(_SETTLE)
        for statement in later:
            await connection.execute(statement)
    await connection.execute("VACUUM (ANALYZE) ledger_transfers")
    await connection.execute("VACUUM (ANALYZE) ledger_accounts")


async def _unindexed(connection: asyncpg.Connection) -> list[str]:
    """Drop the constraints that are indexes; what makes them again."""
    rows = await connection.fetch(
        "SELECT conname, pg_get_constraintdef(oid) AS text FROM pg_constraint "
        "WHERE conrelid = 'ledger_transfers'::regclass AND conname = ANY($1::text[]) ORDER BY conname",
        INDEXES,
    )
    assert len(rows) == len(INDEXES), "the ledger's indexes have other names than this program knows"
    for row in rows:
        await connection.execute(f"ALTER TABLE ledger_transfers DROP CONSTRAINT {row['conname']}")
    return [f"ALTER TABLE ledger_transfers ADD CONSTRAINT {row['conname']} {row['text']}" for row in rows]


async def _sets(connection: asyncpg.Connection, plan: Plan, told: Told | None) -> None:
    latest: datetime | None = await connection.fetchval(
        "SELECT max(moved_at) FROM fill_accounts WHERE moved_at > '-infinity'"
    )
    now = utcnow()
    # Along an account time never goes back, so what is added to a history begins at its end.
    begun = max(now - timedelta(days=plan.days), latest or now - timedelta(days=plan.days))
    step = max(now - begun, timedelta()) / (plan.transfers + 1)
    await connection.execute(_FUND, FUNDS)
    done = await connection.fetchval("SELECT count(*) FROM fill_moves")
    assert done <= plan.transfers, f"{plan.accounts} customers need {done} transfers to be funded"
    if done:
        await _one_set(connection, begun, step)
    while done < plan.transfers:
        upto = min(done + CHUNK, plan.transfers)
        await connection.execute(_MOVE, done + 1, upto, plan.accounts, plan.hot)
        await _one_set(connection, begun, step)
        done = upto
        if told is not None:
            told(done)


async def _one_set(connection: asyncpg.Connection, begun: datetime, step: timedelta) -> None:
    await connection.execute("ANALYZE fill_moves")
    await connection.execute(_LEGS)
    await connection.execute("ANALYZE fill_legs")
    await connection.execute(_WRITE, begun, step)
    await connection.execute(_KEEP, begun, step)
    await connection.execute("TRUNCATE fill_moves, fill_legs")


async def _main(asked: argparse.Namespace) -> None:
    connection = await asyncpg.connect(asked.url)
    plan = Plan(transfers=asked.transfers, accounts=asked.accounts, hot=asked.hot, asset=asked.asset, days=asked.days)
    try:
        with Progress(transient=True) as bar:
            task = bar.add_task("transfers", total=plan.transfers)
            await fill(connection, plan, told=lambda done: bar.update(task, completed=done))
    finally:
        await connection.close()


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--url", required=True, help="a superuser's, as libpq writes it")
    reader.add_argument("--transfers", type=int, required=True)
    reader.add_argument("--accounts", type=int, default=Plan.accounts)
    reader.add_argument("--hot", type=float, default=Plan.hot)
    reader.add_argument("--asset", default=Plan.asset)
    reader.add_argument("--days", type=float, default=Plan.days)
    asyncio.run(_main(reader.parse_args()))


if __name__ == "__main__":
    main()
