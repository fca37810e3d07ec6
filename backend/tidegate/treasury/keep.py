"""What is settled is looked at until no reorganisation reaches it: taken out of the chain, the same bytes are sent again."""

import asyncio

import structlog

from tidegate.chains.port import Chain, Fate, NodeUnavailable
from tidegate.treasury import spend, store, underway
from tidegate.treasury.spend import Spender
from tidegate.treasury.tables import Attempt, AttemptSet
from tidegate.wallets.rules import FINAL_FACTOR

log = structlog.get_logger(__name__)


async def keep(spender: Spender) -> int:
    """One look at final transactions that are not yet deep; how many had to be sent again."""
    found = await asyncio.gather(*(_network(spender, network, chain) for network, chain in spender.chains.items()))
    return sum(found)


async def _network(spender: Spender, network: str, chain: Chain) -> int:
    async with spender.db.reading() as session:
        rows = await underway.shallow(session, network, chain.confirmations * FINAL_FACTOR)
    lost = await asyncio.gather(*(_look(spender, chain, of, member) for of, member in rows))
    return sum(lost)


async def _look(spender: Spender, chain: Chain, of: AttemptSet, member: Attempt) -> bool:
    assert member.txid is not None
    try:
        seen = await chain.sighting(member.txid, of.asset)
    except NodeUnavailable:
        return False
    depth = max(seen.confirmations, 0)
    if depth != member.confirmations:
        values = {"confirmations": depth, "block_hash": seen.block_hash, "block_height": seen.block_height}
        await spend.commit(spender.db, [store.member_rider(member.id, member.state, values)])
    if seen.fate is Fate.MINED or seen.fate is Fate.MEMPOOL:
        return False
    # The payouts of it are settled in our books, and nobody has been paid: only these bytes may pay them.
    told = await spend.submit(spender, of.network, member)
    log.error(
        "final_transaction_gone", txid=member.txid, fate=seen.fate.value, sent=told.step.value, detail=told.detail
    )
    return True
