"""The ledger's own proof, asked after every section: a rate counts only when the books are exact."""

from bench.server import BenchServer
from tidegate.database import Database
from tidegate.ledger.proof import prove


async def proved(server: BenchServer, database: str) -> None:
    """AssertionError with the first findings when something does not add up."""
    db = Database(server.url(database).replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=2)
    try:
        async with db.reading() as session:
            async for name, findings in prove(session):
                assert not findings, f"{name}: {findings[:3]}"
    finally:
        await db.close()
