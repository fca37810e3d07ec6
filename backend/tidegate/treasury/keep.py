"""What is settled is looked at until no reorganisation reaches it: taken out of the chain, the same bytes are sent again;
mined again at another price, the books follow."""

import asyncio

import structlog

from tidegate.chains.port import Chain, Fate, NodeUnavailable, Sighting
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting
from tidegate.treasury import spend, store, underway
from tidegate.treasury.rules import Purpose, refitted_transfers
from tidegate.treasury.spend import Spender
from tidegate.treasury.tables import Attempt, AttemptSet
from tidegate.wallets.rules import FINAL_FACTOR

log = structlog.get_logger(__name__)


async def keep(spender: Spender, lane: Lane) -> int:
    """One look at final transactions that are not yet deep; how many had to be sent again."""
    found = await asyncio.gather(
        *(_network(spender, lane, network, chain) for network, chain in spender.chains.items())
    )
    return sum(found)


async def _network(spender: Spender, lane: Lane, network: str, chain: Chain) -> int:
    async with spender.db.reading() as session:
        rows = await underway.shallow(session, network, chain.confirmations * FINAL_FACTOR)
    lost = await asyncio.gather(*(_look(spender, lane, chain, of, member) for of, member in rows))
    return sum(lost)


async def _look(spender: Spender, lane: Lane, chain: Chain, of: AttemptSet, member: Attempt) -> bool:
    assert member.txid is not None
    try:
        seen = await chain.sighting(member.txid, of.asset)
    except NodeUnavailable:
        return False
    depth = max(seen.confirmations, 0)
    if depth != member.confirmations:
        values = {"confirmations": depth, "block_hash": seen.block_hash, "block_height": seen.block_height}
        await spend.commit(spender.db, [store.member_rider(member.id, member.state, values)])
    if seen.fate is Fate.MINED and seen.confirmations >= chain.confirmations and of.purpose == Purpose.PAYOUT.value:
        await _refit(lane, chain, of, member, seen)
    if seen.fate is Fate.MINED or seen.fate is Fate.MEMPOOL:
        return False
    # The payouts of it are settled in our books, and nobody has been paid: only these bytes may pay them.
    told = await spend.submit(spender, of.network, member)
    log.error(
        "final_transaction_gone", txid=member.txid, fate=seen.fate.value, sent=told.step.value, detail=told.detail
    )
    return True


async def _refit(lane: Lane, chain: Chain, of: AttemptSet, member: Attempt, seen: Sighting) -> None:
    """Another block may have another base fee: what was booked is brought to what was paid, once for each such block."""
    was, fee = member.fee_units, seen.fee_units
    if was is None or fee is None or was == fee:
        return
    moves = refitted_transfers(of.network, chain.gas_asset, fee - was)
    posting = Posting(f"attempt:{member.id}:refit:{seen.block_hash}:{was}", moves, "attempt", member.id)
    verdict = await lane.submit(posting, [store.fee_rider(member.id, was, fee)])
    if not verdict.posted:
        log.error("fee_not_refitted", txid=member.txid, outcome=verdict.outcome, rider=verdict.rider)
