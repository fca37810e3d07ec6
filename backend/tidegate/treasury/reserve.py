"""Choosing what pays: coins for a batch of Bitcoin payouts, the next nonce for a payout on an EVM chain.

The choice is committed as a set with a built member, together with the riders that move its withdrawals on, so that
none of them can be cancelled between choice and signature.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate import failpoints
from tidegate.chains.families import (
    AccountChain,
    Funded,
    GasPrice,
    NotEnough,
    Outpoint,
    UtxoChain,
    WouldRevert,
    keeps_accounts,
    keeps_coins,
)
from tidegate.chains.port import Chain, NodeUnavailable
from tidegate.database import Rider, ride
from tidegate.queue import Lease
from tidegate.signing.messages import Intent
from tidegate.treasury import spend, store, underway
from tidegate.treasury.inventory import payable
from tidegate.treasury.rules import GWEI, fitting
from tidegate.treasury.spend import Job, Missed, Spender, Step, Told
from tidegate.treasury.store import Coin, Payment, Whole
from tidegate.wallets import destinations

log = structlog.get_logger(__name__)


def batches(chain: Chain) -> bool:
    """Whether one transaction of this chain pays many: the one place that tells the two families apart."""
    return keeps_coins(chain)


@dataclass(slots=True)
class Batched:
    """`taken` are on their way, in sets that the caller goes on with (`jobs`); `left` are not, each with its reason."""

    taken: list[Intent] = field(default_factory=list)
    left: dict[str, Told] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)


Riders = Callable[[Sequence[Intent]], Sequence[Rider]]


async def reserve(
    spender: Spender,
    network: str,
    wanted: Sequence[Intent],
    *,
    speed: str,
    riders: Riders,
    now: datetime,
    lease: timedelta | None = None,
) -> Batched:
    """Reserve for these payouts, oldest first: one transaction for many where the chain can, else one for each.

    With `lease` the sets are the caller's to go on with (`jobs`).
    """
    chain = spender.chains[network]
    try:
        health = await chain.health()
        if not health.fit:
            return _none(wanted, Told(Step.NO_NODE, health.reason))
        if keeps_coins(chain):
            return await _batch(spender, chain, network, wanted, speed, riders, now, lease)
        assert keeps_accounts(chain)
        return await _nonces(spender, chain, network, wanted, speed, riders, now, lease)
    except Missed:
        return _none(wanted, Told(Step.WAITING, "it changed meanwhile"))
    except NodeUnavailable as error:
        return _none(wanted, Told(Step.NO_NODE, str(error)))


def _none(wanted: Sequence[Intent], told: Told) -> Batched:
    return Batched([], {one.payout_id: told for one in wanted})


# --- coins -----------------------------------------------------------------------------------------------------------


async def _batch(
    spender: Spender,
    chain: UtxoChain,
    network: str,
    wanted: Sequence[Intent],
    speed: str,
    riders: Riders,
    now: datetime,
    lease: timedelta | None,
) -> Batched:
    found = _together(chain, wanted, spender.networks[network].batch_most)
    rate = (await spender.fees.rates(network)).of(speed)
    async with spender.db.reading() as session:
        taken = await underway.reserved_outpoints(session, network)
    funded = await _funded(chain, found, rate, taken)
    if funded is None:
        return found
    if funded.fee_units > sum(one.max_network_fee_units for one in found.taken):
        told = Told(Step.NO_FUNDS, "the coins at hand would cost more in fees than was agreed")
        return Batched([], found.left | _none(found.taken, told).left)
    try:
        async with spender.db.transaction() as session:
            if await ride(session, riders(found.taken)) is not None:
                raise Missed
            made = await add_batch(session, network, found.taken, funded, rate=rate, speed=speed, now=now, lease=lease)
            found.jobs = [_job(made)] if lease else []
            failpoints.reach("P9.reserve:before")
    except IntegrityError:
        # Another set took one of these coins, or another worker reserved for one of these payouts: look again.
        return Batched([], found.left | _none(found.taken, Told(Step.WAITING)).left)
    return found


def _together(chain: UtxoChain, wanted: Sequence[Intent], most: int) -> Batched:
    """Who may share a transaction: a batch cannot hold two payouts to one address, nor one that no node relays."""
    found = Batched()
    addresses: set[str] = set()
    for intent in wanted:
        reason = chain.unpayable(intent.address, intent.deliver_units)
        if reason is not None:
            found.left[intent.payout_id] = Told(Step.REFUSED, reason)
        elif intent.address in addresses or len(found.taken) == most:
            found.left[intent.payout_id] = Told(Step.FULL, "it goes with the next transaction")
        else:
            addresses.add(intent.address)
            found.taken.append(intent)
    return found


async def _funded(chain: UtxoChain, found: Batched, rate: int, taken: set[tuple[str, int]]) -> Funded | None:
    """Coins for as many as fit, oldest first; the others are `left` for want of funds."""
    while found.taken:
        try:
            return await chain.fund([(one.address, one.deliver_units) for one in found.taken], rate, taken)
        except NotEnough as error:
            fit = fitting([one.deliver_units for one in found.taken], error.available_units, rate)
            kept = [found.taken[place] for place in fit]
            if len(kept) == len(found.taken):
                # They fit by their sum, and not with the fee of so many small coins.
                kept = kept[: len(kept) - max(1, len(kept) // 8)]
            short = [one for one in found.taken if one not in kept]
            found.left |= _none(short, Told(Step.NO_FUNDS, str(error))).left
            found.taken = kept
    return None


async def add_batch(
    session: AsyncSession,
    network: str,
    intents: Sequence[Intent],
    funded: Funded,
    *,
    rate: int,
    speed: str,
    now: datetime,
    lease: timedelta | None = None,
) -> Whole:
    """The set of one Bitcoin transaction, in the caller's commit."""
    return await store.add_set(
        session,
        network=network,
        asset=intents[0].asset,
        speed=speed,
        plan=plan_of(funded, rate),
        now=now,
        payouts=[
            Payment(uuid.UUID(one.payout_id), one.asset, one.deliver_units, one.address)
            for one in sorted(intents, key=lambda one: one.payout_id)
        ],
        coins=await coins_of(session, network, funded.inputs),
        lease=lease,
    )


def _job(one: Whole) -> Job:
    """What was just made under the caller's lease."""
    return Job(one, Lease(one.set.id, one.set.fence, one.set.lease_until or one.set.due_at))


def plan_of(funded: Funded, rate: int) -> dict[str, Any]:
    """How a Bitcoin member was made: everything that its signature is asked for with."""
    inputs = [[coin.txid, coin.vout] for coin in funded.inputs]
    return {"psbt": funded.psbt, "fee_rate": rate, "fee_units": str(funded.fee_units), "inputs": inputs}


async def coins_of(session: AsyncSession, network: str, inputs: Sequence[Outpoint]) -> list[Coin]:
    """Coins of customers' deposit addresses stand in `wallet:deposit`; all others of ours are the hot wallet's."""
    foreign = {one.address for one in inputs if not one.change}
    deposits = await destinations.deposit_addresses(session, network=network, addresses=foreign)
    return [Coin(one.txid, one.vout, one.units, one.address in deposits) for one in inputs]


async def split(spender: Spender, job: Job, groups: Sequence[Sequence[Intent]], *, now: datetime) -> bool:
    """Put smaller sets in the place of one that the signer denied: who is not to blame goes on.

    Its payouts never leave the state they are in. False, and nothing changes, when it may have been signed, or the coins
    do not suffice for several transactions.
    """
    network, speed = job.whole.set.network, job.whole.set.speed
    chain = spender.chains[network]
    if not keeps_coins(chain) or not spend.may_take_back(job):
        return False
    async with spender.db.reading() as session:
        own = {(one.txid, one.vout) for one in await underway.reserved_by(session, job.whole.set.id)}
        taken = await underway.reserved_outpoints(session, network) - own
    rate = (await spender.fees.rates(network)).of(speed)
    made: list[Funded] = []
    try:
        for group in groups:
            funded = await chain.fund([(one.address, one.deliver_units) for one in group], rate, taken)
            if funded.fee_units > sum(one.max_network_fee_units for one in group):
                return False
            taken |= {(one.txid, one.vout) for one in funded.inputs}
            made.append(funded)
        async with spender.db.transaction() as session:
            if await ride(session, spend.drop_riders(job, now)) is not None:
                return False
            for group, funded in zip(groups, made, strict=True):
                await add_batch(session, network, group, funded, rate=rate, speed=speed, now=now)
    except (NotEnough, NodeUnavailable, IntegrityError):
        return False
    return True


# --- nonces ----------------------------------------------------------------------------------------------------------


async def _nonces(
    spender: Spender,
    chain: AccountChain,
    network: str,
    wanted: Sequence[Intent],
    speed: str,
    riders: Riders,
    now: datetime,
    lease: timedelta | None,
) -> Batched:
    """A set with a nonce for each of these, the oldest the lowest, as far as money, gas and room before a block reach."""
    prices, on_chain = await asyncio.gather(chain.gas_fees(), chain.next_nonce(chain.hot_address))
    price = prices.of(speed)
    asked = await asyncio.gather(*(_gas(spender, chain, one, price) for one in wanted))
    found = Batched()
    gas: dict[str, int] = {}
    for intent, told in zip(wanted, asked, strict=True):
        if isinstance(told, Told):
            found.left[intent.payout_id] = told
        else:
            found.taken.append(intent)
            gas[intent.payout_id] = told
    if not found.taken:
        return found
    async with spender.db.transaction() as session:
        count = await store.lock_wallet(session, network, chain.hot_address)
        if count and on_chain > count:
            told = Told(Step.BEHIND, f"the chain counts {on_chain} transactions of the hot address, we count {count}")
            return Batched([], found.left | _none(found.taken, told).left)
        await _keep_fitting(session, spender, chain, found, gas, price)
        if await ride(session, riders(found.taken)) is not None:
            raise Missed
        # First use of an address that has a history goes on where the chain stands.
        nonces = await store.free_nonces(session, network, chain.hot_address, on_chain, len(found.taken))
        made = []
        for intent, nonce in zip(found.taken, nonces, strict=True):
            await store.take_nonce(session, network, nonce)
            plan = _plan(chain, gas[intent.payout_id], price)
            made.append(await _add(session, chain, intent, nonce, plan, speed=speed, now=now, lease=lease))
        if lease:
            found.jobs = sorted(map(_job, made), key=lambda job: job.whole.set.nonce or 0)
        failpoints.reach("P9.reserve:before")
    return found


async def _gas(spender: Spender, chain: AccountChain, intent: Intent, price: GasPrice) -> int | Told:
    """Gas to allow for this one, or why it cannot go now. One payout's trouble is its own."""
    settings = spender.networks[intent.network]
    try:
        gas = await chain.gas_for(intent.asset, intent.address, intent.deliver_units)
    except WouldRevert as error:
        # Not tried, so nothing is lost: a token may be paused, a recipient blocked; or the hot account is short.
        return await _why_revert(spender, intent, str(error))
    except NodeUnavailable as error:
        return Told(Step.NO_NODE, str(error))
    except Exception:  # whatever it was must not keep the other payouts waiting
        log.exception("reserve_failed", payout=intent.payout_id)
        return Told(Step.WAITING)
    # The agreed bound is for gas at the price of acceptance; a dearer hour is ours, up to the bound.
    most = min(intent.max_network_fee_units // gas, settings.max_fee_rate * GWEI)
    if most < price.max_fee or most <= 0:
        # No block would take it, and every later payout would wait behind its nonce: it waits without one.
        return Told(Step.NO_FUNDS, "gas costs more than was agreed")
    return gas


async def _keep_fitting(
    session: AsyncSession,
    spender: Spender,
    chain: AccountChain,
    found: Batched,
    gas: Mapping[str, int],
    price: GasPrice,
) -> None:
    """Under the wallet's lock: what does not fit is `left`, with its reason; asked once for all of them."""
    network, own = chain.network, chain.gas_asset
    most = spender.networks[network].unmined_most
    room = most - await store.unmined(session, network, chain.hot_address)
    assets = {own, *(one.asset for one in found.taken)}
    free = {code: await payable(session, network, code, bitcoin=False) for code in sorted(assets)}
    wei = free[own] - await underway.committed_gas(session, network)
    kept = []
    for intent in found.taken:
        cost = gas[intent.payout_id] * price.max_fee
        needed = cost + (intent.deliver_units if intent.asset == own else 0)
        if room <= 0:
            why = Told(Step.FULL, f"{most} payments already wait for a block")
        elif free[intent.asset] < intent.deliver_units:
            why = Told(Step.NO_FUNDS, "inventory does not cover it")
        elif wei < needed:
            why = Told(Step.NO_FUNDS, "the hot wallet cannot pay the gas")
        else:
            kept.append(intent)
            room, wei = room - 1, wei - needed
            free[intent.asset] -= intent.deliver_units
            continue
        found.left[intent.payout_id] = why
    found.taken = kept


def _plan(chain: AccountChain, gas: int, price: GasPrice) -> dict[str, Any]:
    return {
        "gas": gas,
        "max_fee_per_gas": str(price.max_fee),
        "max_priority_fee_per_gas": str(min(price.tip, price.max_fee)),
        "chain_id": chain.chain_id,
    }


async def _add(
    session: AsyncSession,
    chain: AccountChain,
    intent: Intent,
    nonce: int,
    plan: dict[str, Any],
    *,
    speed: str,
    now: datetime,
    lease: timedelta | None,
) -> Whole:
    return await store.add_set(
        session,
        network=intent.network,
        asset=intent.asset,
        speed=speed,
        hot_address=chain.hot_address,
        nonce=nonce,
        plan=plan,
        payouts=[Payment(uuid.UUID(intent.payout_id), intent.asset, intent.deliver_units, intent.address)],
        now=now,
        lease=lease,
    )


async def _why_revert(spender: Spender, intent: Intent, said: str) -> Told:
    async with spender.db.reading() as session:
        short = await payable(session, intent.network, intent.asset, bitcoin=False) < intent.deliver_units
    return Told(Step.NO_FUNDS, "inventory does not cover it") if short else Told(Step.REFUSED, said)
