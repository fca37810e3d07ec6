"""Nonces are signed in their order, so that what is denied or given up leaves no gap below what was signed.

A transaction behind a gap is never mined. One that nobody was asked to sign takes the lower nonce that became free.
"""

from datetime import datetime
from enum import StrEnum

from tidegate.chains.families import keeps_accounts
from tidegate.chains.port import Chain
from tidegate.database import Database, ride
from tidegate.treasury import spend, store, underway
from tidegate.treasury.spend import UNASKED, Job, Missed, Spender
from tidegate.treasury.store import Payment, Whole


class Turn(StrEnum):
    """Whether the signer may be asked for a set now."""

    NOW = "now"
    LATER = "later"  # one with a lower nonce of the account is not signed yet
    LOWER = "lower"  # a lower nonce is free: what stands above it would wait for ever


async def turn_of(db: Database, chain: Chain, whole: Whole) -> Turn:
    """Whose turn it is among what the hot account sends. Raises NodeUnavailable."""
    of = whole.set
    if of.nonce is None or not keeps_accounts(chain) or of.hot_address != chain.hot_address:
        return Turn.NOW
    async with db.reading() as session:
        unsigned, left = await underway.below(session, of)
    if unsigned:
        return Turn.LATER
    # A set that is dead because somebody else used its nonce left no gap: the chain has counted it.
    gap = bool(left) and max(left) >= await chain.next_nonce(chain.hot_address)
    return Turn.LOWER if gap else Turn.NOW


async def lower(spender: Spender, job: Job, *, now: datetime) -> bool:
    """Another set with the lowest free nonce takes the place of one that nobody was asked to sign, in one commit."""
    chain, whole = spender.chains[job.network], job.whole
    member = whole.newest
    assert keeps_accounts(chain)
    if member is None or whole.set.nonce is None or not spend.may_take_back(job):
        return False
    on_chain = await chain.next_nonce(chain.hot_address)
    try:
        async with spender.db.transaction() as session:
            await store.lock_wallet(session, job.network, chain.hot_address)
            (nonce,) = await store.free_nonces(session, job.network, chain.hot_address, on_chain)
            if nonce >= whole.set.nonce or await ride(session, spend.drop_riders(job, now)) is not None:
                raise Missed
            await store.add_set(
                session,
                network=job.network,
                asset=whole.set.asset,
                speed=whole.set.speed,
                hot_address=chain.hot_address,
                nonce=nonce,
                plan=member.plan | UNASKED,
                payouts=[Payment(one.payout_id, one.asset, one.units, one.address) for one in whole.open],
                now=now,
            )
    except Missed:
        return False
    return True
