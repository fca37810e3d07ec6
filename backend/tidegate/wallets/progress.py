"""How far the books have read a chain: what a node is held against when a process starts."""

from tidegate.chains.port import Chain
from tidegate.database import Database
from tidegate.wallets import store


async def remind(db: Database, chain: Chain) -> None:
    """Tell the driver what the books have read, so that a younger or another chain is not fit. Raises NodeUnavailable."""
    async with db.reading() as session:
        row = await store.scan_of(session, network=chain.network)
    if row is not None:
        # The height of an unfit node is what that node said, and it may have been on another chain; what was read was read.
        told = row.height if row.fit else None
        await chain.remember(told if told is not None else row.scanned_height or 0, row.cursor)
