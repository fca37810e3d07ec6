"""Ether that contracts send leaves no payment in a block. What an address holds, less what we can account for, shows it.

A slice of the addresses at a time, at a block that cannot be taken away: nothing found here is undone again, and
nothing is credited by itself. A person looks first.
"""

from datetime import datetime
from weakref import WeakKeyDictionary

import structlog

from tidegate.chains.evm.client import EvmChain
from tidegate.config import NetworkSettings
from tidegate.database import Database, new_id, ride_all
from tidegate.outbox.events import changed
from tidegate.wallets import deposit_store, rules, store, watch
from tidegate.wallets.rules import FINAL_FACTOR, DepositState, Reason

log = structlog.get_logger(__name__)

SLICE = 200
"""Addresses asked about in one go: two requests."""

_NEXT: "WeakKeyDictionary[Database, dict[str, int]]" = WeakKeyDictionary()


async def compare(db: Database, chain: EvmChain, terms: NetworkSettings, now: datetime) -> bool:
    """Ask for the next slice. True when something arrived that no block announced. Raises NodeUnavailable."""
    network = chain.network
    async with db.reading() as session:
        scan = await store.scan_of(session, network=network)
        turns = _NEXT.setdefault(db, {})
        addresses = await store.some_addresses(
            session, family=watch.family(chain), start=turns.get(network, 0), many=SLICE
        )
    turns[network] = addresses[-1][0] + 1 if len(addresses) == SLICE else 0
    if scan is None or scan.scanned_height is None or not scan.fit or not addresses:
        return False
    # Without the tag: as deep as where a deposit is final. What was read by the scan alone can be accounted for.
    settled = (await chain.settled_height()) or (scan.scanned_height - chain.confirmations * FINAL_FACTOR)
    height = min(settled, scan.scanned_height)
    if height < 0:
        return False
    block_hash, held = await chain.ether_of([address for _, address in addresses], height)
    return await _record(db, chain, terms, block_hash, height, held, now)


async def _record(
    db: Database,
    chain: EvmChain,
    terms: NetworkSettings,
    block_hash: str,
    height: int,
    held: dict[str, int],
    now: datetime,
) -> bool:
    """Under the scan's lock: two that compare at once find one difference, and the later one finds it recorded."""
    network = chain.network
    async with db.transaction() as session:
        await store.lock_scan(session, network=network, now=now)
        expected = await deposit_store.ether_expected(
            session, network=network, asset=chain.gas_asset, addresses=list(held), height=height
        )
        missing = [address for address, units in held.items() if units < expected.get(address, 0)]
        if missing:
            log.warning("ether_less_than_expected", network=network, addresses=missing[:10], height=height)
        more = {address: units - expected.get(address, 0) for address, units in held.items()}
        more = {address: units for address, units in more.items() if units > 0}
        owners = await store.owners_of(session, family=watch.family(chain), addresses=list(more))
        rows = [
            {
                "id": new_id(),
                "network": network,
                # No transaction is known: the block at which it was there, and a place of the address's own.
                "txid": block_hash,
                "index": rules.UNATTRIBUTED_INDEX - owners[address].index,
                "asset": chain.gas_asset,
                "units": units,
                "user_id": owners[address].user_id,
                "address_id": owners[address].address_id,
                "address": address,
                "state": DepositState.CONFIRMING,
                "reason": Reason.UNATTRIBUTED,
                "confirmations": terms.confirmations,
                "confirmations_required": terms.confirmations,
                "finality": None,
                "deep": True,
                "block_hash": block_hash,
                "block_height": height,
                "detected_at": now,
                "since": now,
            }
            for address, units in more.items()
        ]
        await ride_all(session, [deposit_store.insert_rider(row) for row in rows])
        await ride_all(session, [changed(row["user_id"], "deposit", row["id"], 1) for row in rows])  # type: ignore[arg-type]
    for row in rows:
        log.warning("ether_unattributed", network=network, address=row["address"], units=row["units"], height=height)
    return bool(rows)
