"""Filling the nonce of a payout that was signed, never sent, and is stopped: what was sent behind it waits for it.

A payment of nothing to ourselves is one more member of the set: at most one of them is mined, and when that is this one,
the payout goes back to where a person decides. It is signed, sent and made dearer as any replacement (bump.py).
"""

from datetime import datetime, timedelta

import structlog

from tidegate.chains.evm.build import bumped
from tidegate.chains.families import GasPrice, keeps_accounts
from tidegate.database import ride
from tidegate.signing.messages import Intent
from tidegate.treasury import spend, store, underway
from tidegate.treasury.rules import ETHER_GAS, GWEI, AttemptState, Stage
from tidegate.treasury.spend import UNASKED, Job, Missed, Spender

log = structlog.get_logger(__name__)


def is_under_way(job: Job) -> bool:
    """Whether a living member of it fills its nonce."""
    return any(one.cancels for one in job.whole.living)


async def fill(spender: Spender, job: Job, intent: Intent, *, now: datetime) -> bool:
    """Begin it, once another transaction has waited behind this one for as long as its speed promised.

    False when nothing waits so long, or when it cannot be. Raises NodeUnavailable.
    """
    whole, chain, settings = job.whole, spender.chains[job.network], spender.networks[job.network]
    signed = whole.newest
    if not keeps_accounts(chain) or signed is None or signed.state != AttemptState.SIGNED.value:
        return False
    if whole.set.capped is not None:
        return False
    async with spender.db.reading() as session:
        behind = await underway.waiting_behind(session, whole.set)
    if not any(now - since >= timedelta(seconds=settings.promised_seconds(speed)) for speed, since in behind):
        return False
    least = bumped(GasPrice(int(signed.plan["max_fee_per_gas"]), int(signed.plan["max_priority_fee_per_gas"])))
    today = (await chain.gas_fees()).standard
    most = min(intent.max_network_fee_units // ETHER_GAS, settings.max_fee_rate * GWEI)
    fee = min(max(least.max_fee, today.max_fee), most)
    if least.max_fee > most:
        log.error("nonce_not_filled", set=str(whole.set.id), reason="it would cost more than was agreed")
        capped = store.set_rider(job.lease.id, job.lease.fence, {"capped": "filling its nonce costs too much"})
        await spend.commit(spender.db, [capped])
        return False
    plan = {
        "cancel": True,
        "gas": ETHER_GAS,
        "max_fee_per_gas": str(fee),
        "max_priority_fee_per_gas": str(min(max(least.tip, today.tip), fee)),
        "chain_id": signed.plan["chain_id"],
    }
    try:
        async with spender.db.transaction() as session:
            if await ride(session, [spend.stage_rider(job, Stage.CONFIRMING)]) is not None:
                raise Missed
            store.add_member(session, whole.set, plan=plan | UNASKED, replaces=signed.id, now=now)
    except Missed:
        return False
    log.warning("nonce_filled", set=str(whole.set.id), nonce=whole.set.nonce, behind=len(behind))
    return True
