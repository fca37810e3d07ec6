"""Taking into the books what the signer signed and they do not know, as after a database was put back from a backup.

Its bytes become a set that is watched and settled like any other. Sets that these books had chosen for the same payouts,
coins or nonce and that were never signed are dropped for it; what contradicts a signed one is left to a person.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.families import Outpoint, keeps_accounts, keeps_coins
from tidegate.chains.port import Chain, Fate
from tidegate.treasury import reserve, store
from tidegate.treasury.rules import AttemptState, Outcome, Stage
from tidegate.treasury.store import Payment as Payment
from tidegate.treasury.store import Whole
from tidegate.treasury.tables import Attempt, AttemptSet, ReservedInput, SetPayout


class NotAdopted(Exception):
    """Why a person has to look at it: a sentence."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction of ours as its signer and its chain know it. `sent`: a node has it."""

    txid: str
    raw: bytes
    fee_units: int
    plan: dict[str, Any]
    coins: Sequence[Outpoint]
    nonce: int | None
    sent: bool


async def read(chain: Chain, txid: str, raw: bytes, fee_units: int, asset: str) -> Signed:
    """What the bytes say of themselves, and whether the chain has them. Raises NodeUnavailable, NotAdopted."""
    sent = (await chain.sighting(txid, asset)).fate in (Fate.MEMPOOL, Fate.MINED, Fate.REVERTED)
    if keeps_coins(chain):
        coins = await chain.coins_in(raw)
        plan = {
            "psbt": "",
            "fee_rate": max(1, fee_units // chain.vsize_of(raw)),
            "fee_units": str(fee_units),
            "inputs": [[coin.txid, coin.vout] for coin in coins],
        }
        return Signed(txid, raw, fee_units, plan, coins, None, sent)
    assert keeps_accounts(chain)
    terms = chain.terms_in(raw)
    if terms.to == chain.hot_address:
        raise NotAdopted("it fills a nonce with nothing")
    plan = {
        "gas": terms.gas,
        "max_fee_per_gas": str(terms.price.max_fee),
        "max_priority_fee_per_gas": str(terms.price.tip),
        "chain_id": terms.chain_id,
    }
    return Signed(txid, raw, fee_units, plan, (), terms.nonce, sent)


async def adopt(
    session: AsyncSession, chain: Chain, signed: Signed, payments: Sequence[Payment], *, speed: str, now: datetime
) -> set[uuid.UUID]:
    """In the caller's commit. Answers with the other payouts whose sets were dropped for it: they wait again.

    Raises NotAdopted when the books hold another signed transaction for one of these payouts, coins or this nonce.
    """
    rivals = await _rivals(session, chain, signed, [one.payout_id for one in payments])
    paid = {one.payout_id for one in payments}
    older = [one for one in rivals if any(member.txid is not None for member in one.members)]
    displaced: set[uuid.UUID] = set()
    for rival in rivals:
        if rival not in older:
            displaced |= {one.payout_id for one in rival.open} - paid
            await _drop(session, rival, now)
    if older:
        await _join(session, chain, older, signed, paid, now)
    else:
        await _add(session, chain, signed, payments, speed, now)
    await session.flush()
    return displaced


async def _rivals(session: AsyncSession, chain: Chain, signed: Signed, payout_ids: Sequence[uuid.UUID]) -> list[Whole]:
    """Living sets that make one of these payments, or hold a coin or the nonce that these bytes take."""
    own = select(SetPayout.set_id).where(SetPayout.payout_id.in_(payout_ids), SetPayout.ended_at.is_(None))
    taken = [(one.txid, one.vout) for one in signed.coins]
    coins = select(ReservedInput.set_id).where(
        ReservedInput.network == chain.network,
        ReservedInput.released_at.is_(None),
        tuple_(ReservedInput.txid, ReservedInput.vout).in_(taken),
    )
    account = chain.hot_address if signed.nonce is not None else None
    nonce = and_(
        AttemptSet.network == chain.network,
        AttemptSet.hot_address == account,
        AttemptSet.nonce == (-1 if signed.nonce is None else signed.nonce),
    )
    found = await session.scalars(
        select(AttemptSet.id)
        .where(or_(AttemptSet.id.in_(own), AttemptSet.id.in_(coins), nonce), AttemptSet.stage != Stage.ENDED.value)
        .with_for_update()
    )
    return await store.wholes(session, list(found))


async def _drop(session: AsyncSession, rival: Whole, now: datetime) -> None:
    """Nobody signed it, or what was signed of it is what is adopted. Who still works on it has lost its lease."""
    for member in rival.living:
        member.state = AttemptState.DROPPED.value
    for payout in rival.open:
        payout.ended_at = now
    free = select(ReservedInput).where(ReservedInput.set_id == rival.set.id, ReservedInput.released_at.is_(None))
    for coin in await session.scalars(free):
        coin.released_at = now
    await session.flush()
    rival.set.fence += 1
    rival.set.lease_until = rival.set.waits = rival.set.detail = None
    rival.set.stage, rival.set.outcome, rival.set.ended_at = Stage.ENDED.value, Outcome.DROPPED.value, now
    await session.flush()


async def _join(
    session: AsyncSession, chain: Chain, older: Sequence[Whole], signed: Signed, paid: set[uuid.UUID], now: datetime
) -> None:
    """It took the place of a transaction that the books know: one set, whichever of them is mined."""
    (first, *more) = older
    taken = {(one.txid, one.vout) for one in signed.coins}
    inputs = {(txid, vout) for member in first.members for txid, vout in member.plan.get("inputs", ())}
    shares = bool(taken & inputs) if signed.nonce is None else first.set.nonce == signed.nonce
    if more or not shares or {one.payout_id for one in first.open} != paid:
        raise NotAdopted("the books hold another signed transaction for the same payment, coin or nonce")
    for member in first.living:
        if member.state == AttemptState.BUILT.value:
            member.state = AttemptState.DROPPED.value
        elif member.state == AttemptState.SIGNED.value:
            # Something took its place, so it left this house.
            member.state, member.broadcast_at = AttemptState.UNKNOWN.value, now
    await session.flush()
    coins = await reserve.coins_of(session, chain.network, signed.coins)
    added = store.add_member(
        session,
        first.set,
        plan=signed.plan,
        now=now,
        coins=[one for one in coins if (one.txid, one.vout) not in inputs],
        replaces=first.members[-1].id,
    )
    _as_signed(added, signed, now)
    first.set.fence += 1
    first.set.lease_until = None
    first.set.stage, first.set.due_at = _stage(signed), now


async def _add(
    session: AsyncSession, chain: Chain, signed: Signed, payments: Sequence[Payment], speed: str, now: datetime
) -> None:
    coins = await reserve.coins_of(session, chain.network, signed.coins)
    if keeps_accounts(chain) and signed.nonce is not None:
        await store.lock_wallet(session, chain.network, chain.hot_address)
        await store.take_nonce(session, chain.network, signed.nonce)
    made = await store.add_set(
        session,
        network=chain.network,
        asset=payments[0].asset,
        speed=speed,
        hot_address=chain.hot_address if signed.nonce is not None else None,
        nonce=signed.nonce,
        plan=signed.plan,
        payouts=payments,
        coins=coins,
        now=now,
    )
    await session.flush()  # a set that has signed bytes takes no payout
    _as_signed(made.members[0], signed, now)
    made.set.stage = _stage(signed)


def _as_signed(member: Attempt, signed: Signed, now: datetime) -> None:
    member.raw, member.txid, member.fee_units = signed.raw, signed.txid, signed.fee_units
    member.signed_at, member.broadcast_at = now, now if signed.sent else None
    member.state = (AttemptState.BROADCAST if signed.sent else AttemptState.SIGNED).value


def _stage(signed: Signed) -> str:
    return (Stage.CONFIRMING if signed.sent else Stage.BROADCASTING).value
