"""All SQL on deposits and receivables."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider, adding, updating
from tidegate.wallets.rules import AFLOAT, REORGED, Booked, Deposit, DepositState, Shown
from tidegate.wallets.tables import DepositAddress, DepositRow, Receivable

Before = tuple[datetime, uuid.UUID] | None


def of(row: DepositRow) -> Deposit:
    """A row as the rules see it."""
    return Deposit(
        id=row.id,
        user_id=row.user_id,
        network=row.network,
        asset=row.asset,
        units=row.units,
        state=DepositState(row.state),
        sub_status=row.sub_status,
        booked=None if row.booked is None else Booked(row.booked),
        epoch=row.epoch,
        version=row.version,
        confirmations=row.confirmations,
        block_hash=row.block_hash,
        since=row.since,
        explained=row.explained,
    )


async def open_txids(session: AsyncSession, *, network: str) -> list[str]:
    """Transactions of deposits that are still watched."""
    found = await session.scalars(
        select(DepositRow.txid).where(DepositRow.network == network, DepositRow.final_at.is_(None)).distinct()
    )
    return list(found)


async def lock_open(session: AsyncSession, *, network: str) -> Sequence[DepositRow]:
    """Every watched deposit of a network, ours until commit."""
    query = (
        select(DepositRow)
        .where(DepositRow.network == network, DepositRow.final_at.is_(None))
        .order_by(DepositRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def insert_deposit(session: AsyncSession, *, row: dict[str, Any]) -> bool:
    """False when this payment is known already."""
    statement = (
        insert(DepositRow)
        .values(**row)
        .on_conflict_do_nothing(index_elements=["network", "txid", "index"])
        .returning(DepositRow.id)
    )
    return await session.scalar(statement) is not None


async def show(session: AsyncSession, *, row: DepositRow, shown: Shown, now: datetime) -> int:
    """Write what a sighting made of a row; its new version."""
    version = row.version + 1
    values = asdict(shown) | {"version": version, "final_at": now if shown.final else None}
    del values["final"]
    if shown.state != row.state or shown.sub_status != row.sub_status:
        values["since"] = now
    await session.execute(update(DepositRow).where(DepositRow.id == row.id).values(**values))
    return version


async def correct(session: AsyncSession, *, row: DepositRow, asset: str, units: int) -> None:
    """A payment that came out differently when its transaction ran again in another block; only while unbooked."""
    await session.execute(
        update(DepositRow).where(DepositRow.id == row.id, DepositRow.booked.is_(None)).values(asset=asset, units=units)
    )


async def unsettled(session: AsyncSession, *, network: str) -> Sequence[DepositRow]:
    """Watched deposits whose books may be wrong: deep and unbooked, or booked and in doubt. Doubt first."""
    in_doubt = (DepositRow.booked.is_not(None)) & (DepositRow.sub_status == REORGED)
    deep = (DepositRow.booked.is_(None)) & (DepositRow.confirmations >= DepositRow.confirmations_required)
    query = (
        select(DepositRow)
        .where(DepositRow.network == network, DepositRow.final_at.is_(None), or_(in_doubt, deep))
        .order_by(case((in_doubt, 0), else_=1), DepositRow.id)
    )
    return (await session.scalars(query)).all()


def book(deposit: Deposit, *, values: dict[str, Any]) -> Rider:
    """The guarded change of a deposit that goes with its booking; named "deposit"."""
    write = updating(DepositRow.__table__, guards=("id", "version"), columns=tuple(values), counted="version")
    return Rider("deposit", write, {"was_id": deposit.id, "was_version": deposit.version} | values)


async def owed(session: AsyncSession, *, user_id: uuid.UUID, asset: str) -> int:
    found = await session.scalar(
        select(Receivable.units).where(Receivable.user_id == user_id, Receivable.asset == asset)
    )
    return found or 0


def repay(*, user_id: uuid.UUID, asset: str, before: int, units: int) -> Rider:
    """Lower what a customer owes, if it still is `before`; named "receivable"."""
    write = updating(Receivable.__table__, guards=("user_id", "asset", "units"), columns=("units",))
    values = {"was_user_id": user_id, "was_asset": asset, "was_units": before, "units": before - units}
    return Rider("receivable", write, values)


def owe(*, user_id: uuid.UUID, asset: str, units: int) -> Rider:
    write = adding(Receivable.__table__, key=("user_id", "asset"), column="units")
    return Rider("receivable", write, {"user_id": user_id, "asset": asset, "units": units})


async def one(session: AsyncSession, *, deposit_id: uuid.UUID) -> DepositRow | None:
    return await session.get(DepositRow, deposit_id)


async def one_of(session: AsyncSession, *, user_id: uuid.UUID, deposit_id: uuid.UUID) -> DepositRow | None:
    return await session.scalar(select(DepositRow).where(DepositRow.id == deposit_id, DepositRow.user_id == user_id))


async def page_of(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    before: Before,
    limit: int,
    asset: str | None = None,
    network: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[DepositRow]:
    query = (
        select(DepositRow)
        .where(DepositRow.user_id == user_id)
        .order_by(DepositRow.detected_at.desc(), DepositRow.id.desc())
        .limit(limit)
    )
    if asset is not None:
        query = query.where(DepositRow.asset == asset)
    if network is not None:
        query = query.where(DepositRow.network == network)
    if state is not None:
        query = query.where(DepositRow.state == state)
    if since is not None:
        query = query.where(DepositRow.detected_at >= since)
    if until is not None:
        query = query.where(DepositRow.detected_at < until)
    if before is not None:
        query = query.where(tuple_(DepositRow.detected_at, DepositRow.id) < before)
    return (await session.scalars(query)).all()


async def incoming(session: AsyncSession, *, user_id: uuid.UUID) -> list[tuple[str, int]]:
    """(asset, units) of each deposit on its way."""
    rows = await session.execute(
        select(DepositRow.asset, DepositRow.units).where(
            DepositRow.user_id == user_id, DepositRow.final_at.is_(None), DepositRow.state.in_([*AFLOAT])
        )
    )
    return [(row[0], row[1]) for row in rows]


async def not_booked(session: AsyncSession) -> dict[tuple[str, str], int]:
    """By (network, asset): on the chain and not in the books, less what is in the books and not on the chain."""
    sign = case((DepositRow.booked.is_(None), 1), else_=-1)
    rows = await session.execute(
        select(DepositRow.network, DepositRow.asset, func.sum(DepositRow.units * sign))
        .where(
            DepositRow.final_at.is_(None),
            or_(
                (DepositRow.booked.is_(None)) & (DepositRow.confirmations > 0),
                (DepositRow.booked.is_not(None)) & (DepositRow.confirmations <= 0),
            ),
        )
        .group_by(DepositRow.network, DepositRow.asset)
    )
    return {(row[0], row[1]): int(row[2]) for row in rows if row[2]}


async def receivables(session: AsyncSession) -> dict[str, int]:
    """By asset: what all customers owe."""
    rows = await session.execute(select(Receivable.asset, func.sum(Receivable.units)).group_by(Receivable.asset))
    return {row[0]: int(row[1]) for row in rows if row[1]}


async def unswept(session: AsyncSession, *, network: str) -> list[tuple[int, str, str, uuid.UUID, int]]:
    """(index, address, asset, deposit, units) of every booked deposit that is final and was not swept."""
    rows = await session.execute(
        select(DepositAddress.index, DepositRow.address, DepositRow.asset, DepositRow.id, DepositRow.units)
        .join(DepositAddress, DepositAddress.id == DepositRow.address_id)
        .where(
            DepositRow.network == network,
            DepositRow.booked.is_not(None),
            DepositRow.final_at.is_not(None),
            DepositRow.swept_at.is_(None),
        )
        .order_by(DepositRow.id)
    )
    return [(row[0], row[1], row[2], row[3], int(row[4])) for row in rows]


def swept(*, deposit_id: uuid.UUID, now: datetime) -> Rider:
    """Its money left the deposit address; misses when it was swept before. Named "swept"."""
    write = updating(DepositRow.__table__, guards=("id",), columns=("swept_at",), also="t.swept_at IS NULL")
    return Rider("swept", write, {"was_id": deposit_id, "swept_at": now})
