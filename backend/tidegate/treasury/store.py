"""All SQL of the treasury."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Numeric, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider, Write, new_id, updating
from tidegate.treasury.rules import DEAD, SENT, AttemptState
from tidegate.treasury.tables import Attempt, HotWallet, ReservedInput

_DEAD = [state.value for state in DEAD]
_SPENT = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, attempt_id uuid, now timestamptz)
    ), done AS (
        UPDATE reserved_inputs t SET released_at = r.now FROM r WHERE t.attempt_id = r.attempt_id
    )
    SELECT array_agg(i) FROM r
    """
)


async def lock_wallet(session: AsyncSession, network: str, address: str) -> int:
    """The next nonce of the network's hot wallet, its row locked until commit: spending is decided one at a time."""
    await session.execute(
        insert(HotWallet).values(network=network, address=address, next_nonce=0).on_conflict_do_nothing()
    )
    row = await session.scalar(select(HotWallet).where(HotWallet.network == network).with_for_update())
    assert row is not None
    return row.next_nonce


async def free_nonce(session: AsyncSession, network: str, address: str, at_least: int) -> int:
    """The lowest nonce from `at_least` that no attempt holds: one that a dropped attempt left behind comes first.

    Under the wallet's lock. A hole would keep every later transaction of the address waiting.
    """
    rows = await session.scalars(
        select(Attempt.nonce).where(
            Attempt.network == network,
            Attempt.hot_address == address,
            Attempt.nonce >= at_least,
            Attempt.state.not_in([AttemptState.DROPPED.value, AttemptState.REPLACED.value]),
        )
    )
    held = set(rows)
    nonce = at_least
    while nonce in held:
        nonce += 1
    return nonce


async def take_nonce(session: AsyncSession, network: str, nonce: int) -> None:
    """The wallet's count never goes back: a nonce below it was handed out before."""
    await session.execute(
        update(HotWallet)
        .where(HotWallet.network == network, HotWallet.next_nonce <= nonce)
        .values(next_nonce=nonce + 1)
    )


def drop_riders(attempt_id: uuid.UUID, now: datetime) -> list[Rider]:
    """A built attempt that was never signed is dead: its inputs and nonce are free again. "attempt" misses else."""
    return [_move(attempt_id, AttemptState.BUILT, {"state": AttemptState.DROPPED}), spent_rider(attempt_id, now)]


def _move(attempt_id: uuid.UUID, was: AttemptState, values: dict[str, Any]) -> Rider:
    write = updating(Attempt.__table__, guards=("id", "state"), columns=tuple(values))
    return Rider("attempt", write, {"was_id": attempt_id, "was_state": was} | values)


async def live_attempt(session: AsyncSession, payout_id: uuid.UUID) -> Attempt | None:
    """The payout's one living attempt, or None."""
    found: Attempt | None = await session.scalar(
        select(Attempt).where(Attempt.payout_id == payout_id, Attempt.state.not_in(_DEAD))
    )
    return found


async def moving_attempt(session: AsyncSession, attempt_id: uuid.UUID) -> Attempt | None:
    """The attempt, its row locked until commit, while it is signed and neither final nor dead; else None."""
    states = [state.value for state in SENT] + [AttemptState.SIGNED.value]
    found: Attempt | None = await session.scalar(
        select(Attempt).where(Attempt.id == attempt_id, Attempt.state.in_(states)).with_for_update()
    )
    return found


async def attempts_of(session: AsyncSession, payout_ids: Sequence[uuid.UUID]) -> list[Attempt]:
    rows = await session.scalars(select(Attempt).where(Attempt.payout_id.in_(payout_ids)).order_by(Attempt.created_at))
    return list(rows)


async def unsettled(session: AsyncSession, network: str) -> list[Attempt]:
    """Attempts that may have left our wallet and are not booked as final."""
    states = [state.value for state in SENT] + [AttemptState.SIGNED.value]
    rows = await session.scalars(select(Attempt).where(Attempt.network == network, Attempt.state.in_(states)))
    return list(rows)


async def committed_units(session: AsyncSession, network: str, asset: str) -> int:
    """What attempts that are built and not final will take from the wallet, deliveries only."""
    states = [state.value for state in SENT] + [AttemptState.BUILT.value, AttemptState.SIGNED.value]
    found = await session.scalar(
        select(func.coalesce(func.sum(Attempt.units), 0)).where(
            Attempt.network == network, Attempt.asset == asset, Attempt.state.in_(states)
        )
    )
    return int(found or 0)


async def committed_gas(session: AsyncSession, network: str) -> int:
    """What EVM attempts that are built and not final may cost in gas at most, in the gas asset."""
    states = [state.value for state in SENT] + [AttemptState.BUILT.value, AttemptState.SIGNED.value]
    gas, price = Attempt.plan["gas"].astext, Attempt.plan["max_fee_per_gas"].astext
    found = await session.scalar(
        select(func.coalesce(func.sum(gas.cast(Numeric) * price.cast(Numeric)), 0)).where(
            Attempt.network == network, Attempt.nonce.is_not(None), Attempt.state.in_(states)
        )
    )
    return int(found or 0)


async def reserved_outpoints(session: AsyncSession, network: str) -> set[tuple[str, int]]:
    rows = await session.execute(
        select(ReservedInput.txid, ReservedInput.vout).where(
            ReservedInput.network == network, ReservedInput.released_at.is_(None)
        )
    )
    return {(row[0], row[1]) for row in rows}


async def deposit_units(session: AsyncSession, attempt_id: uuid.UUID) -> int:
    """What the attempt spends of coins that came in at deposit addresses."""
    found = await session.scalar(
        select(func.coalesce(func.sum(ReservedInput.units), 0)).where(
            ReservedInput.attempt_id == attempt_id, ReservedInput.from_deposit
        )
    )
    return int(found or 0)


def add_attempt(
    session: AsyncSession,
    *,
    payout_id: uuid.UUID,
    network: str,
    asset: str,
    units: int,
    address: str,
    hot_address: str | None,
    nonce: int | None,
    plan: dict[str, Any],
    inputs: Sequence[tuple[str, int, int, bool]],
    now: datetime,
) -> Attempt:
    """A built attempt and the inputs it reserves: (txid, vout, units, from a deposit address)."""
    attempt = Attempt(
        id=new_id(),
        payout_id=payout_id,
        network=network,
        asset=asset,
        units=units,
        address=address,
        state=AttemptState.BUILT.value,
        hot_address=hot_address,
        nonce=nonce,
        plan=plan,
        confirmations=0,
        created_at=now,
    )
    session.add(attempt)
    for txid, vout, worth, from_deposit in inputs:
        session.add(
            ReservedInput(
                id=new_id(),
                attempt_id=attempt.id,
                network=network,
                txid=txid,
                vout=vout,
                units=worth,
                from_deposit=from_deposit,
            )
        )
    return attempt


def ended_rider(attempt_id: uuid.UUID, state: AttemptState, *, fee_units: int, confirmations: int) -> Rider:
    """A mined attempt ends, final or reverted; misses when it has ended before or another state took over."""
    values = {"state": state, "fee_units": fee_units, "confirmations": confirmations}
    return _move(attempt_id, AttemptState.MINED, values)


def spent_rider(attempt_id: uuid.UUID, now: datetime) -> Rider:
    """Its inputs are gone for good; the reservation has done its work. EVM attempts have none."""
    return Rider("inputs", _SPENT, {"attempt_id": attempt_id, "now": now})


async def most_payouts(session: AsyncSession) -> tuple[int, int]:
    """(attempts ever signed, the most final attempts any one payout has)."""
    signed = await session.scalar(select(func.count()).select_from(Attempt).where(Attempt.txid.is_not(None)))
    finals = (
        select(func.count().label("n"))
        .where(Attempt.state == AttemptState.FINAL.value)
        .group_by(Attempt.payout_id)
        .subquery()
    )
    most = await session.scalar(select(func.coalesce(func.max(finals.c.n), 0)))
    return int(signed or 0), int(most or 0)
