"""Row layouts of a transfer, side by side in one run, each under the same set-based function.

`python -m bench.layout` prints a table. The decision it was made for is in docs/decisions/. Layouts:

- wide:    one row a transfer carrying both legs; UNIQUE (key, n), (debit_account, debit_sequence), (credit_account, …)
- wide+id: the same with an index on the transfer's id
- posting: the wide row beside a row of its own for each posting, which has its own key index
- entries: a transfer row and two entry rows; the entry's number is unique on its account

The key is text like `withdrawal:<uuidv7>:hold` under COLLATE "C", except in `wide, uuid key`.
"""

import argparse
import asyncio
import os
import random
import statistics
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import asyncpg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from uuid_utils.compat import uuid7

from bench.machine import machine, tree_cpu_seconds
from bench.server import BenchServer, bench_server, durable
from bench.windows import Case, Spread, Stopwatch, interleave

ACCOUNTS = 100_000
HOT = 1
SCHEMA = "layout"


@dataclass(frozen=True, slots=True)
class Layout:
    """Tables, the lookup of a known key, and the statements that write what the walk decided."""

    name: str
    key: str
    tables: str
    known: str
    writes: str
    relations: tuple[str, ...]


_WIDE = """
CREATE TABLE {n}_transfers (
    key {key} NOT NULL, n int NOT NULL, id uuid NOT NULL, event text NOT NULL, units units NOT NULL CHECK (units > 0),
    debit_account bigint NOT NULL, debit_sequence bigint NOT NULL, debit_balance units NOT NULL,
    credit_account bigint NOT NULL, credit_sequence bigint NOT NULL, credit_balance units NOT NULL,
    posted_at timestamptz NOT NULL, CHECK (debit_account <> credit_account),
    UNIQUE (key, n), UNIQUE (debit_account, debit_sequence), UNIQUE (credit_account, credit_sequence));
"""
_WIDE_WRITES = """
    INSERT INTO {n}_transfers
    SELECT k, 0, i, e, u, d, ds, db, c, cs, cb, at
    FROM unnest(keys, ids, events, units, debits, dseq, dbal, credits, cseq, cbal, verdicts)
         AS t(k, i, e, u, d, ds, db, c, cs, cb, v) WHERE v = 'posted';
"""
_KNOWN = "SELECT true FROM {n}_transfers t WHERE t.key = k LIMIT 1"
_TEXT = 'text COLLATE "C"'

LAYOUTS = (
    Layout("wide", _TEXT, _WIDE, _KNOWN, _WIDE_WRITES, ("transfers",)),
    Layout("wide, uuid key", "uuid", _WIDE, _KNOWN, _WIDE_WRITES, ("transfers",)),
    Layout(
        "wide+id", _TEXT, _WIDE + "ALTER TABLE {n}_transfers ADD UNIQUE (id);", _KNOWN, _WIDE_WRITES, ("transfers",)
    ),
    Layout(
        "posting",
        _TEXT,
        _WIDE
        + "CREATE TABLE {n}_postings (key {key} PRIMARY KEY, kind text NOT NULL, object_id uuid NOT NULL, "
        + "posted_at timestamptz NOT NULL);",
        "SELECT true FROM {n}_postings p WHERE p.key = k LIMIT 1",
        """
    INSERT INTO {n}_postings SELECT k, 'withdrawal', i, at
    FROM unnest(keys, ids, verdicts) AS t(k, i, v) WHERE v = 'posted';
"""
        + _WIDE_WRITES,
        ("transfers", "postings"),
    ),
    Layout(
        "entries",
        _TEXT,
        """
CREATE TABLE {n}_transfers (
    key {key} NOT NULL, n int NOT NULL, id uuid PRIMARY KEY, event text NOT NULL, units units NOT NULL CHECK (units > 0),
    posted_at timestamptz NOT NULL, UNIQUE (key, n));
CREATE TABLE {n}_entries (
    account bigint NOT NULL, sequence bigint NOT NULL, transfer uuid NOT NULL, units units NOT NULL,
    balance units NOT NULL, PRIMARY KEY (account, sequence));
CREATE INDEX ON {n}_entries (transfer);
""",
        _KNOWN,
        """
    INSERT INTO {n}_transfers SELECT k, 0, i, e, u, at
    FROM unnest(keys, ids, events, units, verdicts) AS t(k, i, e, u, v) WHERE v = 'posted';
    INSERT INTO {n}_entries
    SELECT a, s, i, u, b FROM unnest(debits || credits, dseq || cseq, ids || ids,
        units || units, dbal || cbal, verdicts || verdicts) AS t(a, s, i, u, b, v) WHERE v = 'posted';
""",
        ("transfers", "entries"),
    ),
    Layout(
        "entries, lean",
        _TEXT,
        """
CREATE TABLE {n}_transfers (
    key {key} NOT NULL, n int NOT NULL, id uuid NOT NULL, event text NOT NULL, units units NOT NULL CHECK (units > 0),
    debit_account bigint NOT NULL, debit_sequence bigint NOT NULL, credit_account bigint NOT NULL,
    credit_sequence bigint NOT NULL, posted_at timestamptz NOT NULL, UNIQUE (key, n));
CREATE TABLE {n}_entries (
    account bigint NOT NULL, sequence bigint NOT NULL, transfer uuid NOT NULL, units units NOT NULL,
    balance units NOT NULL, PRIMARY KEY (account, sequence));
""",
        _KNOWN,
        """
    INSERT INTO {n}_transfers SELECT k, 0, i, e, u, d, ds, c, cs, at
    FROM unnest(keys, ids, events, units, debits, dseq, credits, cseq, verdicts)
         AS t(k, i, e, u, d, ds, c, cs, v) WHERE v = 'posted';
    INSERT INTO {n}_entries
    SELECT a, s, i, u, b FROM unnest(debits || credits, dseq || cseq, ids || ids,
        units || units, dbal || cbal, verdicts || verdicts) AS t(a, s, i, u, b, v) WHERE v = 'posted';
""",
        ("transfers", "entries"),
    ),
)

_ACCOUNTS = """
CREATE TABLE {n}_accounts (
    id bigint PRIMARY KEY, overdraft boolean NOT NULL, balance units NOT NULL, sequence bigint NOT NULL,
    CHECK (overdraft OR balance >= 0)) WITH (fillfactor = 50);
INSERT INTO {n}_accounts SELECT g, false, 1000000000000, 0 FROM generate_series(1, {accounts}) g;
"""

# One statement locks and numbers the accounts, one looks the keys up, the walk is over arrays, then the writes.
_POST = """
CREATE FUNCTION {n}_post(keys {array}[], ids uuid[], events text[], debits bigint[], credits bigint[], units numeric[])
RETURNS text[] LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $function$
#variable_conflict use_column
DECLARE
    at timestamptz := clock_timestamp();
    many int := cardinality(keys);
    acc bigint[]; bal numeric[]; seq bigint[]; od boolean[];
    known boolean[]; di int[]; ci int[];
    verdicts text[] := array_fill('posted'::text, ARRAY[many]);
    dseq bigint[] := array_fill(0::bigint, ARRAY[many]); cseq bigint[] := array_fill(0::bigint, ARRAY[many]);
    dbal numeric[] := array_fill(0::numeric, ARRAY[many]); cbal numeric[] := array_fill(0::numeric, ARRAY[many]);
    d int; c int; b numeric; b2 numeric;
BEGIN
    SELECT array_agg(l.id), array_agg(l.balance), array_agg(l.sequence), array_agg(l.overdraft) INTO acc, bal, seq, od
    FROM (SELECT a.id, a.balance::numeric, a.sequence, a.overdraft FROM {n}_accounts a
          WHERE a.id = ANY (debits || credits) ORDER BY a.id FOR UPDATE) l;
    SELECT array_agg(width_bucket(x, acc) ORDER BY o) INTO di FROM unnest(debits) WITH ORDINALITY AS t(x, o);
    SELECT array_agg(width_bucket(x, acc) ORDER BY o) INTO ci FROM unnest(credits) WITH ORDINALITY AS t(x, o);
    SELECT array_agg(coalesce(f.yes, false) ORDER BY o) INTO known
    FROM unnest(keys) WITH ORDINALITY AS t(k, o) LEFT JOIN LATERAL ({known}) f(yes) ON true;
    FOR i IN 1..many LOOP
        d := di[i]; c := ci[i];
        IF known[i] THEN
            verdicts[i] := 'duplicate'; CONTINUE;
        END IF;
        IF d = 0 OR c = 0 OR acc[d] <> debits[i] OR acc[c] <> credits[i] THEN
            verdicts[i] := 'unknown_account'; CONTINUE;
        END IF;
        b := bal[d] - units[i]; b2 := bal[c] + units[i];
        IF b < 0 AND NOT od[d] THEN
            verdicts[i] := 'insufficient'; CONTINUE;
        END IF;
        bal[d] := b; bal[c] := b2; dbal[i] := b; cbal[i] := b2;
        seq[d] := seq[d] + 1; seq[c] := seq[c] + 1; dseq[i] := seq[d]; cseq[i] := seq[c];
    END LOOP;
    {writes}
    UPDATE {n}_accounts a SET balance = t.b, sequence = t.s FROM unnest(acc, bal, seq) AS t(i, b, s)
    WHERE a.id = t.i AND a.sequence <> t.s;
    RETURN verdicts;
END
$function$;
"""


def slug(layout: Layout) -> str:
    """The layout's name as a prefix of tables."""
    return "".join(letter if letter.isalnum() else "_" for letter in layout.name)


async def build(connection: asyncpg.Connection, layout: Layout) -> None:
    """Tables, accounts and the function of one layout."""
    names = {"n": slug(layout), "key": layout.key, "accounts": ACCOUNTS, "array": layout.key.split()[0]}
    await connection.execute((_ACCOUNTS + layout.tables).format(**names))
    body = _POST.replace("{known}", layout.known).replace("{writes}", layout.writes)
    await connection.execute(body.format(**names))


Batch = tuple[list[object], list[uuid.UUID], list[str], list[int], list[int], list[Decimal]]


def batches(layout: Layout, *, size: int, hot: bool, many: int, seed: int) -> Iterator[Batch]:
    """Arguments of the function: time-ordered keys, random payers, one payee or random ones."""
    order = random.Random(seed)
    for _ in range(many):
        ids = [uuid7() for _ in range(size)]
        keys: list[object] = list(ids) if layout.key == "uuid" else [f"withdrawal:{id_}:hold" for id_ in ids]
        debits = [order.randrange(2, ACCOUNTS + 1) for _ in ids]
        if hot:
            payees = [HOT] * size
        else:
            payees = [_another(order, payer) for payer in debits]
        yield keys, ids, ["withdrawal_hold"] * size, debits, payees, [Decimal(order.randrange(1, 100)) for _ in ids]


def _another(order: random.Random, payer: int) -> int:
    found = order.randrange(2, ACCOUNTS + 1)
    return found if found != payer else 2 + (payer - 1) % (ACCOUNTS - 1)


async def post_batches(
    connection: asyncpg.Connection, layout: Layout, *, size: int, hot: bool, many: int, seed: int
) -> float:
    """Transfers a second of one writer; arguments are made beforehand, so the client costs only their encoding."""
    made = list(batches(layout, size=size, hot=hot, many=many, seed=seed))
    statement = await connection.prepare(f"SELECT {slug(layout)}_post($1, $2, $3, $4, $5, $6)")
    watch = Stopwatch()
    for batch in made:
        verdicts = await statement.fetchval(*batch)
        assert set(verdicts) == {"posted"}, "every transfer of a window is posted"
    return size * many / watch.seconds


SINGLE = r"""
\set d random(1, {half}) * 2
\set c {credit}
SELECT {n}_post(ARRAY[{key}], ARRAY[uuidv7()], ARRAY['withdrawal_hold'], ARRAY[:d::bigint], ARRAY[:c::bigint], ARRAY[1::numeric]);
"""


async def singles(server: BenchServer, layout: Layout, *, clients: int, hot: bool, seconds: int) -> float:
    """One transfer a transaction, from pgbench (which takes a quoted `:hold` for a variable, hence chr).

    Payers are even and payees odd: a transfer has two accounts.
    """
    half = ACCOUNTS // 2
    text = SINGLE.format(
        half=half,
        credit=str(HOT) if hot else f"random(1, {half}) * 2 - 1",
        n=f"{SCHEMA}.{slug(layout)}",
        key="uuidv7()" if layout.key == "uuid" else "'withdrawal:' || uuidv7() || chr(58) || 'hold'",
    )
    script = server.sockets / f"single-{slug(layout)}-{hot}.sql"
    script.write_text(text)
    words = ["-n", "-M", "prepared", "-f", str(script), "-T", str(seconds), "-c", str(clients), "-j", "2"]
    return await server.pgbench(*words)


async def bytes_each(connection: asyncpg.Connection, layout: Layout) -> float:
    """Bytes a transfer takes with all indexes."""
    total = 0
    for relation in layout.relations:
        total += await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", f"{slug(layout)}_{relation}")
    rows = await connection.fetchval(f"SELECT count(*) FROM {slug(layout)}_transfers")
    return float(total / max(1, rows))


async def wal_each(connection: asyncpg.Connection, layout: Layout, *, hot: bool) -> float:
    """Bytes of write-ahead log a transfer, batch 1000, right after a checkpoint has settled the pages' images."""
    before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    await post_batches(connection, layout, size=1000, hot=hot, many=10, seed=99)
    after = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    return float(await connection.fetchval("SELECT pg_wal_lsn_diff($1, $2)", after, before)) / 10_000


async def check(connection: asyncpg.Connection, layout: Layout) -> None:
    """Nothing was lost or made: the balances add up to what they began with, and every number was given once."""
    total = await connection.fetchval(f"SELECT sum(balance::numeric) FROM {slug(layout)}_accounts")
    assert total == ACCOUNTS * 10**12, f"{layout.name} made or lost units"
    numbers = await connection.fetchval(f"SELECT sum(sequence) FROM {slug(layout)}_accounts")
    rows = await connection.fetchval(f"SELECT count(*) FROM {slug(layout)}_transfers")
    assert numbers == 2 * rows, f"{layout.name} gave {numbers} numbers to {rows} transfers"


@dataclass(slots=True)
class Sizes:
    """How long each window is."""

    repetitions: int
    thousands: int
    hundreds: int
    seconds: int
    fill: int


QUICK = Sizes(repetitions=2, thousands=5, hundreds=30, seconds=1, fill=20)
FULL = Sizes(repetitions=5, thousands=30, hundreds=200, seconds=2, fill=200)


TPCB = "pgbench TPC-B c=32"
Cpu = dict[str, list[float]]
"""Case id to PostgreSQL's processor microseconds a transfer, a window each."""


def cases(
    server: BenchServer, connection: asyncpg.Connection, layout: Layout, sizes: Sizes, cpu: Cpu
) -> Iterator[Case]:
    seeds = iter(range(1, 10**9))

    def costed(id_: str, work: Callable[[], Awaitable[tuple[float, float]]]) -> Case:
        async def run() -> float:
            before = tree_cpu_seconds(server.pid)
            rate, transfers = await work()
            cpu.setdefault(id_, []).append((tree_cpu_seconds(server.pid) - before) / transfers * 1e6)
            return rate

        return Case(id_, run)

    def batch(size: int, hot: bool, many: int) -> Case:
        async def work() -> tuple[float, float]:
            rate = await post_batches(connection, layout, size=size, hot=hot, many=many, seed=next(seeds))
            return rate, size * many

        return costed(f"{layout.name}|batch {size} {'hot' if hot else 'uniform'}", work)

    def single(clients: int, hot: bool) -> Case:
        async def work() -> tuple[float, float]:
            rate = await singles(server, layout, clients=clients, hot=hot, seconds=sizes.seconds)
            return rate, rate * sizes.seconds

        return costed(f"{layout.name}|single c={clients} {'hot' if hot else 'uniform'}", work)

    for hot in (False, True):
        yield batch(1000, hot, sizes.thousands)
        yield batch(100, hot, sizes.hundreds)
    yield single(8, False)
    yield single(32, False)
    yield single(32, True)


async def measure(sizes: Sizes, console: Console) -> None:
    async with bench_server() as server:
        console.print(machine(), await durable(server))
        connection = await server.connect()
        await connection.execute("CREATE DATABASE pgbench")
        await server.tool("pgbench", "-i", "-q", "-s", "50", database="pgbench")
        await connection.execute(f"CREATE SCHEMA {SCHEMA}; ALTER DATABASE tidegate SET search_path = {SCHEMA}, public")
        await connection.execute(f"SET search_path = {SCHEMA}, public")
        for layout in LAYOUTS:
            await build(connection, layout)
        await connection.execute("VACUUM ANALYZE")
        for layout in LAYOUTS:
            await post_batches(connection, layout, size=1000, hot=False, many=sizes.fill, seed=1)
        await connection.execute("VACUUM ANALYZE")
        cpu: Cpu = {}
        every = [case for layout in LAYOUTS for case in cases(server, connection, layout, sizes, cpu)]
        every.append(Case(TPCB, lambda: tpcb(server, sizes.seconds)))
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("windows", total=sizes.repetitions * len(every))

            def told(id_: str, value: float) -> None:
                bar.update(task, advance=1, description=f"{id_}: {value:,.0f}/s")

            found = await interleave(every, repetitions=sizes.repetitions, told=told)
        console.print(TPCB, found[TPCB].text(), "load", found[TPCB].loads)
        del found[TPCB]
        console.print(await table(connection, found, cpu))
        for layout in LAYOUTS:
            await check(connection, layout)
        await connection.close()


async def tpcb(server: BenchServer, seconds: int) -> float:
    """What PostgreSQL itself is known for: pgbench's own workload, scale 50, prepared, 32 clients."""
    words = ["-n", "-M", "prepared", "-b", "tpcb-like", "-T", str(seconds), "-c", "32", "-j", "2"]
    return await server.pgbench(*words, database="pgbench")


async def table(connection: asyncpg.Connection, found: dict[str, Spread], cpu: Cpu) -> Table:
    """Transfers a second, median [range], and PostgreSQL's processor time a transfer; a line for each layout."""
    shapes = list(dict.fromkeys(id_.split("|")[1] for id_ in found))
    made = Table("layout", *shapes, "bytes each", "WAL bytes each, uniform / hot")
    for layout in LAYOUTS:
        wal = [await wal_each(connection, layout, hot=hot) for hot in (False, True)]
        made.add_row(
            layout.name,
            *(cell(found[f"{layout.name}|{shape}"], cpu[f"{layout.name}|{shape}"]) for shape in shapes),
            f"{await bytes_each(connection, layout):.0f}",
            " / ".join(f"{one:.0f}" for one in wal),
        )
    return made


def cell(rate: Spread, cpu: list[float]) -> str:
    return f"{rate.text()}\n{statistics.median(cpu):.0f} us"


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.parse_args()
    sizes = QUICK if os.environ.get("BENCH_QUICK") else FULL
    asyncio.run(measure(sizes, Console(width=None if os.isatty(1) else 240)))


if __name__ == "__main__":
    main()
