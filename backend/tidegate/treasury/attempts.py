"""Attempts as other rooms see them. The rows themselves stay in this room."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.treasury import underway
from tidegate.treasury.rules import SENT, AttemptState
from tidegate.treasury.tables import Attempt, SetPayout


@dataclass(frozen=True, slots=True)
class Seen:
    """One transaction for one payout as it stands. `fee_units` is what it may cost until it is mined, then what it did."""

    id: uuid.UUID
    payout_id: uuid.UUID
    network: str
    asset: str
    units: int
    address: str
    state: str
    txid: str | None
    fee_units: int | None
    confirmations: int
    block_height: int | None
    sent_at: datetime | None


def _seen(payout: SetPayout, row: Attempt) -> Seen:
    return Seen(
        id=row.id,
        payout_id=payout.payout_id,
        network=row.network,
        asset=payout.asset,
        units=payout.units,
        address=payout.address,
        state=row.state,
        txid=row.txid,
        fee_units=row.fee_units,
        confirmations=row.confirmations,
        block_height=row.block_height,
        sent_at=row.broadcast_at,
    )


async def by_payout(session: AsyncSession, payout_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Seen]]:
    """Every transaction made for these payouts, oldest first; payouts without one are absent."""
    found: dict[uuid.UUID, list[Seen]] = {}
    for payout, row in await underway.attempts_of(session, payout_ids):
        found.setdefault(payout.payout_id, []).append(_seen(payout, row))
    return found


_UNBOOKED = {AttemptState.SIGNED.value, *(state.value for state in SENT)}


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A set that may have left our wallet and is not all booked.

    `unbooked` are the transactions whose fee is in no posting yet, `booked` the one whose fee is; `owed` is what its open
    payouts will take, by asset, once one of them is mined.
    """

    asset: str
    unbooked: tuple[str, ...]
    booked: tuple[str, ...]
    owed: dict[str, int]
    children: frozenset[str]
    """Of `unbooked` those that pay nobody."""


async def unsettled(session: AsyncSession, network: str) -> list[Unsettled]:
    """What the books of this network lag behind its chain."""
    found = []
    for whole in await underway.unsettled(session, network):
        owed: dict[str, int] = {}
        for payout in whole.open:
            owed[payout.asset] = owed.get(payout.asset, 0) + payout.units
        signed = [one for one in whole.members if one.txid is not None]
        found.append(
            Unsettled(
                whole.set.asset,
                tuple(one.txid or "" for one in signed if one.state in _UNBOOKED),
                tuple(one.txid or "" for one in signed if one.state == AttemptState.FINAL.value and not one.parent),
                owed,
                frozenset(one.txid or "" for one in signed if one.parent is not None or one.cancels),
            )
        )
    return found


async def most_payouts(session: AsyncSession) -> tuple[int, int]:
    """(transactions ever signed for payouts, the most times that any one payout was paid)."""
    return await underway.most_payouts(session)
