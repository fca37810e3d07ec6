"""What is settled is looked at until no reorganisation reaches it: taken out of the chain, the same bytes are sent again;
mined again at another price, or another transaction of its set in its place, the books follow."""

import asyncio
from datetime import datetime

import structlog

from tidegate.chains.port import Chain, Fate, NodeUnavailable, Sighting
from tidegate.database import utcnow
from tidegate.ledger.lane import Lane
from tidegate.treasury import refit, spend, store, underway
from tidegate.treasury.spend import Spender
from tidegate.treasury.store import Whole
from tidegate.treasury.tables import Attempt
from tidegate.wallets.rules import FINAL_FACTOR

log = structlog.get_logger(__name__)


async def keep(spender: Spender, lane: Lane) -> int:
    """One look at final transactions that are not yet deep; how many had to be sent again."""
    now = utcnow()
    found = await asyncio.gather(
        *(_network(spender, lane, network, chain, now) for network, chain in spender.chains.items())
    )
    return sum(found)


async def _network(spender: Spender, lane: Lane, network: str, chain: Chain, now: datetime) -> int:
    async with spender.db.reading() as session:
        rows = await underway.shallow(session, network, chain.confirmations * FINAL_FACTOR)
    if not rows:
        return 0
    lost = await asyncio.gather(*(_look(spender, lane, chain, whole, member) for whole, member in rows))
    async with spender.db.transaction() as session:
        await store.looked_at(session, [member.id for _, member in rows], now)
    return sum(lost)


async def _look(spender: Spender, lane: Lane, chain: Chain, whole: Whole, member: Attempt) -> bool:
    try:
        seen = await chain.sighting(member.txid or "", whole.set.asset)
        depth = max(seen.confirmations, 0)
        if depth != member.confirmations:
            values = {"confirmations": depth, "block_hash": seen.block_hash, "block_height": seen.block_height}
            await spend.commit(spender.db, [store.member_rider(member.id, member.state, values)])
        if seen.fate is Fate.MINED or seen.fate is Fate.MEMPOOL:
            if depth >= chain.confirmations:
                await refit.fee(spender, lane, whole, member, seen)
            return False
        rival = (member, seen) if seen.fate is Fate.REVERTED else await _rival(chain, whole, member)
    except NodeUnavailable:
        return False
    if rival is not None:
        await refit.in_place(spender, lane, whole, member, *rival)
        return False
    # What it paid is settled in our books, and nobody has been paid: only these bytes may pay it.
    told = await spend.submit(spender, whole.set.network, member)
    log.error(
        "final_transaction_gone", txid=member.txid, fate=seen.fate.value, sent=told.step.value, detail=told.detail
    )
    return True


async def _rival(chain: Chain, whole: Whole, member: Attempt) -> tuple[Attempt, Sighting] | None:
    """Another transaction of the set that a block holds in the place of this one."""
    for other in whole.members:
        if other.txid is None or other.id == member.id or other.parent is not None or member.parent is not None:
            continue
        seen = await chain.sighting(other.txid, whole.set.asset)
        if seen.fate in (Fate.MINED, Fate.REVERTED):
            return other, seen
    return None
