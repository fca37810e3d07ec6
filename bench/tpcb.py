"""What PostgreSQL itself is known for, as the yardstick: pgbench's own workload in a database of its own."""

from bench.server import BenchServer

TPCB = "tpcb"
CLIENTS = 32
_DATABASE = "pgbench"


async def tpcb_database(server: BenchServer, scale: int) -> None:
    """The accounts of pgbench, once for a server."""
    connection = await server.connect("postgres")
    try:
        if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", _DATABASE):
            return
        await connection.execute(f"CREATE DATABASE {_DATABASE}")
    finally:
        await connection.close()
    await server.tool("pgbench", "-i", "-q", "-s", str(scale), database=_DATABASE)


async def tpcb(server: BenchServer, seconds: float, *, transactions: int = 0) -> float:
    """Transactions a second of one window: TPC-B-like, prepared, 32 clients; so many of each client when given."""
    length = ["-t", str(transactions)] if transactions else ["-T", str(max(1, round(seconds)))]
    words = ["-n", "-M", "prepared", "-b", "tpcb-like", *length, "-c", str(CLIENTS), "-j", "2"]
    return await server.pgbench(*words, database=_DATABASE)
