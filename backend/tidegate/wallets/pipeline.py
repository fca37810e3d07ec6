"""Worker steps of the wallets room: watch addresses ahead, see deposits, book them.

A scan is: ask the node with no transaction open; store what it showed and the cursor in one short transaction; then
book, many at once. What is to be booked is decided from the stored rows alone, so a worker that dies anywhere goes on
where it was, and the posting keys keep a second worker from booking anything twice. Nothing here costs more because
there are more addresses, and no statement is run for one deposit alone.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime

import structlog

from tidegate.chains.evm.client import EvmChain
from tidegate.chains.port import Chain, Health, NodeUnavailable
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.wallets import book, deposit_store, ether, quiet, sight, store, watch
from tidegate.wallets.deposit_store import Open
from tidegate.wallets.watch import extend

__all__ = ["compare", "extend", "look", "scan"]

log = structlog.get_logger(__name__)


async def look(db: Database, lane: Lane, chain: Chain, settings: Settings, now: datetime) -> bool:
    """`scan`, left out while nothing can have changed since the last one: what a worker does as often as it likes."""
    return await _told(db, chain, quiet.unless_quiet(db, chain, lambda: _scan(db, lane, chain, settings, now)), now)


async def scan(db: Database, lane: Lane, chain: Chain, settings: Settings, now: datetime) -> bool:
    """See what the chain shows now, and book what follows from it. True when anything changed: there may be more.

    Nothing is stored or booked by a node that is not fit. Raises NodeUnavailable when it stops answering midway, and
    remembers why.
    """
    return await _told(db, chain, _scan(db, lane, chain, settings, now), now)


async def _told(db: Database, chain: Chain, scanned: Awaitable[bool], now: datetime) -> bool:
    try:
        return await scanned
    except NodeUnavailable as error:
        await _unfit(db, chain, Health(False, None, str(error)), now)
        raise


async def _scan(db: Database, lane: Lane, chain: Chain, settings: Settings, now: datetime) -> bool:
    known = watch.known(db, chain.network)
    health = await chain.health()
    if not health.fit:
        await _unfit(db, chain, health, now)
        return False
    await extend(db, chain)
    async with db.reading() as session:
        row = await store.scan_of(session, network=chain.network)
        await watch.learn(session, chain, known)
        rows = await deposit_store.open_rows(session, network=chain.network)
    depths, asked = await _standing(chain, rows, health)
    found = await chain.arrivals(row.cursor if row is not None else None, known, asked)
    look = sight.Look(
        found=found,
        rows=rows,
        asked=frozenset(asked),
        depths=depths,
        covered=known.covered,
        version=row.version if row is not None else 0,
        cursor=row.cursor if row is not None else None,
        health=health,
    )
    terms = settings.networks[chain.network]
    if row is not None and (new := await sight.deep_at_once(db, chain, terms, look, now)):
        # What fails here, or is lost here, is found by what follows, or by the next scan: the cursor has not moved yet.
        await book.book_new(db, lane, network=chain.network, settings=settings, rows=new, version=look.version, now=now)
    changed_rows = await sight.record(db, chain, terms, look, now)
    booked = await book.settle(db, lane, network=chain.network, settings=settings, now=now)
    return changed_rows or booked


async def _standing(chain: Chain, rows: Sequence[Open], health: Health) -> tuple[dict[str, int], list[str]]:
    """Depths of the blocks that hold our open deposits, and the transactions that must be asked for by name.

    One question a block, not one a deposit. Raises NodeUnavailable when the node has never heard of a block that it,
    or its twin, showed us before: it is behind, and what it does not know proves nothing.
    """
    blocks = sorted(
        {
            (row.block_height, row.block_hash)
            for row in rows
            if row.block_height is not None and row.block_hash is not None
        }
    )
    depths = await chain.depths(blocks) if blocks else {}
    for height, block_hash in blocks:
        if block_hash not in depths and health.height is not None and height > health.height:
            raise NodeUnavailable(f"the node is at block {health.height}, and block {height} was shown to us before")
    alive = {block_hash for block_hash, depth in depths.items() if depth > 0}
    # Another node is asked about a payment, not about a block: until one counts, it is asked for by name.
    return depths, sorted(
        {
            row.txid
            for row in rows
            if row.index >= -1 and (row.block_hash not in alive or (chain.compared and not row.deep))
        }
    )


async def _unfit(db: Database, chain: Chain, health: Health, now: datetime) -> None:
    async with db.transaction() as session:
        await store.lock_scan(session, network=chain.network, now=now)
        values = {"fit": False, "reason": health.reason, "height": health.height, "asked_at": now}
        await store.save_scan(session, network=chain.network, values=values)
    log.warning("node_not_fit", network=chain.network, reason=health.reason)


async def compare(db: Database, lane: Lane, chain: Chain, settings: Settings, now: datetime) -> bool:
    """Ether that reached a deposit address without a payment that a block shows. True when some was found."""
    if not isinstance(chain, EvmChain) or not await ether.compare(db, chain, settings.networks[chain.network], now):
        return False
    return await book.settle(db, lane, network=chain.network, settings=settings, now=now)
