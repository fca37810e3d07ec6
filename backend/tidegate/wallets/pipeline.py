"""Worker steps of the wallets room: watch addresses ahead, see deposits, book them.

A scan is: ask the node with no transaction open; store what it showed and the cursor in one short transaction; then
book, one commit each. What is to be booked is decided from the stored rows alone, so a worker that dies anywhere goes
on where it was, and the posting keys keep a second worker from booking anything twice.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Arrival, Arrivals, Chain, Health, NodeUnavailable
from tidegate.config import Settings
from tidegate.database import Database, new_id, ride
from tidegate.ledger.lane import Lane
from tidegate.outbox.events import changed
from tidegate.wallets import book, deposit_store, rules, store
from tidegate.wallets.rules import GONE, DepositState, Seen
from tidegate.wallets.tables import DepositRow

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Watched:
    """The addresses of one network that this process has learned of.

    `ahead` are unissued ones: an address handed out and paid while a scan runs is among them.
    """

    issued: list[str] = field(default_factory=list)
    next_index: int = 0
    ahead: dict[int, str] = field(default_factory=dict)

    @property
    def all(self) -> list[str]:
        return [*self.issued, *self.ahead.values()]

    @property
    def covered(self) -> int:
        """Every index below this is watched."""
        return self.next_index + rules.LOOKAHEAD


# What was learned is only a memory of rows that never change, so a process may keep it for as long as its database.
_LEARNED: "WeakKeyDictionary[Database, dict[str, Watched]]" = WeakKeyDictionary()


async def extend(db: Database, chain: Chain) -> bool:
    """Make the node watch addresses well beyond the last one handed out, then let them be handed out.

    True when it did something. Raises NodeUnavailable.
    """
    async with db.reading() as session:
        row = await store.index_of(session, network=chain.network)
    next_index, upto = (row.next_index, row.watched_upto) if row is not None else (0, 0)
    if upto - next_index >= rules.ADDRESS_WINDOW // 2:
        return False
    wanted = next_index + rules.ADDRESS_WINDOW
    await chain.watch(wanted)
    async with db.transaction() as session:
        await store.raise_watched(session, network=chain.network, upto=wanted)
    log.info("addresses_watched", network=chain.network, upto=wanted)
    return True


async def scan(db: Database, lane: Lane, chain: Chain, settings: Settings, now: datetime) -> bool:
    """See what the chain shows now, and book what follows from it. True when anything changed: there may be more.

    Nothing is stored or booked by a node that is not fit. Raises NodeUnavailable when it stops answering midway, and
    remembers why.
    """
    try:
        return await _scan(db, lane, chain, settings, now)
    except NodeUnavailable as error:
        await _unfit(db, chain, Health(False, None, str(error)), now)
        raise


async def _scan(db: Database, lane: Lane, chain: Chain, settings: Settings, now: datetime) -> bool:
    known = _LEARNED.setdefault(db, {}).setdefault(chain.network, Watched())
    health = await chain.health()
    if not health.fit:
        await _unfit(db, chain, health, now)
        return False
    await extend(db, chain)
    async with db.reading() as session:
        row = await store.scan_of(session, network=chain.network)
        cursor = row.cursor if row is not None else None
        await _learn(session, chain, known)
        asked = await deposit_store.open_txids(session, network=chain.network)
    found = await chain.arrivals(cursor, known.all, asked)
    changed_rows = await _store(db, chain, known.covered, cursor, asked, found, health, now)
    booked = await book.settle(db, lane, network=chain.network, settings=settings, now=now)
    return changed_rows or booked


async def _unfit(db: Database, chain: Chain, health: Health, now: datetime) -> None:
    async with db.transaction() as session:
        await store.lock_scan(session, network=chain.network, now=now)
        values = {"fit": False, "reason": health.reason, "height": health.height, "asked_at": now}
        await store.save_scan(session, network=chain.network, values=values)
    log.warning("node_not_fit", network=chain.network, reason=health.reason)


async def _learn(session: AsyncSession, chain: Chain, known: Watched) -> None:
    """Bring the watched addresses up to date; those handed out since the last scan are read, the rest is remembered."""
    row = await store.index_of(session, network=chain.network)
    next_index = row.next_index if row is not None else 0
    if next_index > len(known.issued):
        known.issued += await store.all_addresses(session, network=chain.network, start=len(known.issued))
    known.next_index = next_index
    wanted = range(next_index, next_index + rules.LOOKAHEAD)
    known.ahead = {index: known.ahead.get(index) or chain.deposit_address(index) for index in wanted}


async def _store(
    db: Database,
    chain: Chain,
    covered: int,
    cursor: str | None,
    asked: list[str],
    found: Arrivals,
    health: Health,
    now: datetime,
) -> bool:
    """Rows and cursor in one commit. False when another worker stored a later scan meanwhile, or nothing changed."""
    async with db.transaction() as session:
        before = await store.lock_scan(session, network=chain.network, now=now)
        if before.cursor != cursor:
            return False
        any_changed = await _show_known(session, chain, set(asked), found, now)
        any_changed |= await _insert_new(session, chain, found, now)
        index = await store.index_of(session, network=chain.network)
        values: dict[str, Any] = {
            "fit": True,
            "reason": "",
            "height": health.height,
            "asked_at": now,
            "scanned_at": now,
        }
        if index is None or index.next_index <= covered:
            values["cursor"] = found.cursor
            any_changed |= found.cursor != cursor
        # Else more addresses were handed out during the scan than it looked ahead: the same blocks are read again.
        await store.save_scan(session, network=chain.network, values=values)
    return any_changed


async def _show_known(session: AsyncSession, chain: Chain, asked: set[str], found: Arrivals, now: datetime) -> bool:
    """Bring every watched deposit to what the scan says of it."""
    by_key = {(one.txid, one.index): one for one in found.seen}
    present = {one.txid for one in found.seen if one.confirmations >= 0}
    gone = set(found.gone)
    any_changed = False
    for row in await deposit_store.lock_open(session, network=chain.network):
        seen = _seen(row, by_key.get((row.txid, row.index)), present, gone, asked)
        if seen is None:
            continue
        arrival = by_key.get((row.txid, row.index))
        if arrival is not None and (arrival.asset, arrival.units, arrival.address) != (
            row.asset,
            row.units,
            row.address,
        ):
            # The transaction ran again in another block and came out differently.
            if row.booked is not None:
                seen = GONE
            else:
                await deposit_store.correct(session, row=row, asset=arrival.asset, units=arrival.units)
        any_changed |= await _show(session, row, seen, now)
    return any_changed


def _seen(row: DepositRow, arrival: Arrival | None, present: set[str], gone: set[str], asked: set[str]) -> Seen | None:
    """How the chain shows a stored deposit now; None when the scan says nothing of it."""
    if arrival is not None:
        return Seen(arrival.confirmations, arrival.block_hash, arrival.block_height)
    if row.txid in gone:
        return GONE
    if row.txid in present and row.txid in asked:
        # The transaction is there and pays us elsewhere: log indexes move when a block is made anew.
        return GONE
    if row.txid in asked and row.confirmations > 0:
        # Neither in a block of this chain nor gone: it waits for one again.
        return Seen(0, None, None)
    return None


async def _show(session: AsyncSession, row: DepositRow, seen: Seen, now: datetime) -> bool:
    deposit = deposit_store.of(row)
    shown = rules.shown(deposit, seen, row.confirmations_required, now)
    as_before = (row.state, row.sub_status, row.confirmations, row.block_hash, row.block_height)
    as_now = (shown.state, shown.sub_status, shown.confirmations, shown.block_hash, shown.block_height)
    if as_before == as_now and not shown.final:
        return False
    version = await deposit_store.show(session, row=row, shown=shown, now=now)
    await ride(session, [changed(row.user_id, "deposit", row.id, version)])
    return True


async def _insert_new(session: AsyncSession, chain: Chain, found: Arrivals, now: datetime) -> bool:
    """A row for each payment not seen before, to an address that was handed out."""
    new = [one for one in found.seen if one.confirmations >= 0 and one.units > 0]
    owners = await store.owners_of(session, network=chain.network, addresses=sorted({one.address for one in new}))
    any_new = False
    for one in new:
        if one.address not in owners:
            continue
        user_id, address_id = owners[one.address]
        row = {
            "id": new_id(),
            "network": chain.network,
            "txid": one.txid,
            "index": one.index,
            "asset": one.asset,
            "units": one.units,
            "user_id": user_id,
            "address_id": address_id,
            "address": one.address,
            "state": DepositState.CONFIRMING if one.confirmations > 0 else DepositState.DETECTED,
            "sub_status": None,
            "booked": None,
            "explained": False,
            "epoch": 0,
            "version": 1,
            "confirmations": one.confirmations,
            "confirmations_required": chain.confirmations,
            "block_hash": one.block_hash,
            "block_height": one.block_height,
            "detected_at": now,
            "since": now,
        }
        if await deposit_store.insert_deposit(session, row=row):
            await ride(session, [changed(user_id, "deposit", row["id"], 1)])  # type: ignore[arg-type]  # a UUID
            any_new = True
    return any_new
