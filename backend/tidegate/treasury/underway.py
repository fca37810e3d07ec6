"""SQL that asks what is under way: promised units and gas, reserved coins, unsettled sets, attempts by payout."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Numeric, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tidegate.signing.messages import Known
from tidegate.treasury.rules import OPEN, AttemptState, Outcome, Purpose, Stage
from tidegate.treasury.store import Whole, wholes
from tidegate.treasury.tables import Attempt, AttemptSet, HotWallet, ReservedInput, SetPayout
from tidegate.wallets import sweepable

_OPEN = [state.value for state in OPEN]


async def committed_units(session: AsyncSession, network: str, asset: str) -> int:
    """What living sets will take from the wallet, deliveries only."""
    found = await session.scalar(
        select(func.coalesce(func.sum(SetPayout.units), 0))
        .join(AttemptSet, AttemptSet.id == SetPayout.set_id)
        .where(AttemptSet.network == network, SetPayout.asset == asset, SetPayout.ended_at.is_(None))
    )
    return int(found or 0)


async def committed_gas(session: AsyncSession, network: str) -> int:
    """What living EVM sets may cost in gas at most, in the gas asset: of each its dearest member."""
    gas, price = Attempt.plan["gas"].astext, Attempt.plan["max_fee_per_gas"].astext
    dearest = (
        select(func.max(gas.cast(Numeric) * price.cast(Numeric)).label("units"))
        .join(AttemptSet, AttemptSet.id == Attempt.set_id)
        .where(
            AttemptSet.network == network,
            AttemptSet.nonce.is_not(None),
            AttemptSet.stage != Stage.ENDED.value,
            AttemptSet.purpose != Purpose.SWEEP.value,  # its deposit address pays for it
            Attempt.state.in_(_OPEN),
        )
        .group_by(Attempt.set_id)
        .subquery()
    )
    return int(await session.scalar(select(func.coalesce(func.sum(dearest.c.units), 0))) or 0)


async def reserved_outpoints(session: AsyncSession, network: str) -> set[tuple[str, int]]:
    """Coins that nothing new may spend: those of living sets, and deposits that are not credited."""
    rows = await session.execute(
        select(ReservedInput.txid, ReservedInput.vout).where(
            ReservedInput.network == network, ReservedInput.released_at.is_(None)
        )
    )
    return {(row[0], row[1]) for row in rows} | await sweepable.uncleared(session, network=network)


async def reserved_by(session: AsyncSession, set_id: uuid.UUID) -> list[ReservedInput]:
    """Every coin that this set reserved."""
    return list(await session.scalars(select(ReservedInput).where(ReservedInput.set_id == set_id)))


async def below(session: AsyncSession, of: AttemptSet) -> tuple[bool, list[int]]:
    """Of the nonces below this set's: whether a set that holds one is not signed, and those that dropped sets left free."""
    other = aliased(AttemptSet)
    same = (AttemptSet.network == of.network, AttemptSet.hot_address == of.hot_address, AttemptSet.nonce < of.nonce)
    signed = exists().where(Attempt.set_id == AttemptSet.id, Attempt.txid.is_not(None))
    held = exists().where(
        other.network == AttemptSet.network,
        other.hot_address == AttemptSet.hot_address,
        other.nonce == AttemptSet.nonce,
        other.outcome.is_distinct_from(Outcome.DROPPED.value),
    )
    unsigned = await session.scalar(select(exists().where(*same, AttemptSet.stage == Stage.SIGNING.value, ~signed)))
    left = await session.scalars(
        select(AttemptSet.nonce).where(*same, AttemptSet.outcome == Outcome.DROPPED.value, ~held)
    )
    return bool(unsigned), [nonce for nonce in left if nonce is not None]


async def waiting_behind(session: AsyncSession, of: AttemptSet) -> list[tuple[str, datetime]]:
    """(speed, sent at) of each set of the account that was sent with a higher nonce than this set's and is not over."""
    rows = await session.execute(
        select(AttemptSet.speed, func.min(Attempt.broadcast_at))
        .join(Attempt, Attempt.set_id == AttemptSet.id)
        .where(
            AttemptSet.network == of.network,
            AttemptSet.hot_address == of.hot_address,
            AttemptSet.nonce > of.nonce,
            AttemptSet.stage != Stage.ENDED.value,
            Attempt.broadcast_at.is_not(None),
        )
        .group_by(AttemptSet.id)
    )
    return [(row[0], row[1]) for row in rows if row[1] is not None]


async def unsettled(session: AsyncSession, network: str) -> list[Whole]:
    """Sets that may have left our wallet and are not all booked: those with signed bytes that have not ended."""
    signed = exists().where(Attempt.set_id == AttemptSet.id, Attempt.txid.is_not(None))
    ids = await session.scalars(
        select(AttemptSet.id).where(AttemptSet.network == network, AttemptSet.stage != Stage.ENDED.value, signed)
    )
    return await wholes(session, list(ids))


async def attempts_of(session: AsyncSession, payout_ids: Sequence[uuid.UUID]) -> list[tuple[SetPayout, Attempt]]:
    """Every transaction that was made for these payouts, oldest first; children and others that pay nobody are left out."""
    rows = await session.execute(
        select(SetPayout, Attempt)
        .join(Attempt, Attempt.set_id == SetPayout.set_id)
        .where(SetPayout.payout_id.in_(payout_ids), Attempt.parent.is_(None), Attempt.plan["cancel"].astext.is_(None))
        .order_by(Attempt.created_at, Attempt.id)
    )
    return [(row[0], row[1]) for row in rows]


async def most_payouts(session: AsyncSession) -> tuple[int, int]:
    """(transactions ever signed for payouts, the most times that any one payout was paid)."""
    signed = await session.scalar(
        select(func.count())
        .select_from(Attempt)
        .join(AttemptSet, AttemptSet.id == Attempt.set_id)
        .where(Attempt.txid.is_not(None), AttemptSet.purpose == Purpose.PAYOUT.value)
    )
    finals = (
        select(func.count(func.distinct(Attempt.id)).label("n"))
        .join(SetPayout, SetPayout.set_id == Attempt.set_id)
        .where(Attempt.state == AttemptState.FINAL.value, Attempt.parent.is_(None))
        .group_by(SetPayout.payout_id)
        .subquery()
    )
    most = await session.scalar(select(func.coalesce(func.max(finals.c.n), 0)))
    return int(signed or 0), int(most or 0)


async def shallow(session: AsyncSession, network: str, depth: int, limit: int = 50) -> list[tuple[Whole, Attempt]]:
    """Final transactions that were last seen less deep than this, with their sets; looked at longest ago first."""
    found = await session.scalars(
        select(Attempt)
        .where(
            Attempt.network == network,
            Attempt.state == AttemptState.FINAL.value,
            Attempt.confirmations < depth,
        )
        .order_by(Attempt.looked_at.asc().nulls_first(), Attempt.id)
        .limit(limit)
    )
    members = list(found)
    sets = {one.set.id: one for one in await wholes(session, list({one.set_id for one in members}))}
    return [(sets[one.set_id], one) for one in members]


async def stored(session: AsyncSession, network: str, txids: Sequence[str]) -> set[str]:
    """Which of these transactions are in our books."""
    query = select(Attempt.txid).where(Attempt.network == network, Attempt.txid.in_(txids))
    return {txid for txid in await session.scalars(query) if txid is not None}


async def began(session: AsyncSession) -> datetime | None:
    """When these books had their first customer: before that nobody was owed anything. None: they have none yet."""
    # Ids begin with their time, so that the oldest is the first of its index.
    found: datetime | None = await session.scalar(text("SELECT created_at FROM users ORDER BY id LIMIT 1"))
    return found


async def counted(session: AsyncSession, network: str) -> int:
    """How many nonces of the hot address we have handed out; 0 before the first."""
    return await session.scalar(select(HotWallet.next_nonce).where(HotWallet.network == network)) or 0


async def catch_up(session: AsyncSession, network: str, used: int) -> None:
    """The hot address has used so many nonces, whoever for: the next one is beyond them. Never back."""
    await session.execute(
        update(HotWallet).where(HotWallet.network == network, HotWallet.next_nonce < used).values(next_nonce=used)
    )


async def unknown(session: AsyncSession, networks: Sequence[str], signed: Sequence[Known]) -> list[Known]:
    """Those of these signed transactions that our books neither have nor are about to have.

    About to have: its payouts, its move or its parent stand in a set with a member that the signer was asked for and
    whose answer was not stored. Ask the signer first and this afterwards: a request is committed before it is made.
    """
    left = await not_stored(session, networks, signed)
    left = [one for one in left if not await _asked_for(session, networks, one)]
    # Stored between the two looks: then it was neither here at the first nor asked for at the second.
    return await not_stored(session, networks, left) if left else []


async def not_stored(session: AsyncSession, networks: Sequence[str], signed: Sequence[Known]) -> list[Known]:
    """Those of these signed transactions whose bytes our books do not have."""
    rows = await session.scalars(
        select(Attempt.txid).where(Attempt.network.in_(networks), Attempt.txid.in_([one.txid for one in signed]))
    )
    stored = set(rows)
    return [one for one in signed if one.txid not in stored]


async def _asked_for(session: AsyncSession, networks: Sequence[str], one: Known) -> bool:
    ids = [found for found in map(_uuid, one.made_for) if found is not None]
    sets = select(SetPayout.set_id).where(SetPayout.payout_id.in_(ids))
    parents = select(Attempt.set_id).where(Attempt.network.in_(networks), Attempt.txid.in_(one.made_for))
    later = Attempt.replaces.is_not(None) | Attempt.parent.is_not(None) | (AttemptSet.purpose != Purpose.PAYOUT.value)
    asked = (
        select(Attempt.id)
        .join(AttemptSet, AttemptSet.id == Attempt.set_id)
        .where(
            AttemptSet.id.in_(ids) | AttemptSet.id.in_(sets) | AttemptSet.id.in_(parents),
            Attempt.raw.is_(None),
            # A payout's first member is marked before the signer hears of it; the others are built to be signed at once.
            later | (Attempt.plan["unheard"].astext == "true"),
        )
    )
    return await session.scalar(asked.limit(1)) is not None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
