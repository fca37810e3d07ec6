"""All SQL on deposits and receivables."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    Uuid,
    bindparam,
    case,
    delete,
    false,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Flow
from tidegate.database import Rider, Write, adding, inserting, updating
from tidegate.money import UNKNOWN_TOKEN
from tidegate.wallets.rules import AFLOAT, REORGED, Booked, Deposit, DepositState, Reason
from tidegate.wallets.tables import DepositAddress, DepositRow, EtherFlow, Receivable

Before = tuple[datetime, uuid.UUID] | None


def of(row: Any) -> Deposit:
    """A row, mapped or plain, as the rules see it."""
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
        required=row.confirmations_required,
        deep=row.deep,
        block_hash=row.block_hash,
        since=row.since,
        explained=row.explained,
        txid=row.txid,
        finality=row.finality,
        reason=None if row.reason is None else Reason(row.reason),
        swept=row.swept_at is not None,
    )


@dataclass(frozen=True, slots=True)
class Open:
    """What a scan needs to know of a deposit that is still watched."""

    id: uuid.UUID
    txid: str
    index: int
    address: str
    asset: str
    units: int
    confirmations: int
    confirmations_required: int
    block_hash: str | None
    block_height: int | None
    finality: str | None
    deep: bool
    booked: str | None
    sub_status: str | None


_OPEN = tuple(DepositRow.__table__.columns[one.name] for one in fields(Open))


async def open_rows(session: AsyncSession, *, network: str) -> list[Open]:
    """Deposits of a network that are still watched."""
    found = await session.execute(
        select(*_OPEN).where(DepositRow.network == network, DepositRow.final_at.is_(None)).order_by(DepositRow.id)
    )
    return [Open(*row) for row in found]


async def reopen(
    session: AsyncSession, *, network: str, txids: Sequence[str], listed: Sequence[str] = ()
) -> list[Open]:
    """Watch again what was given up and is seen after all, and, of the transactions in `listed`, unknown tokens."""
    given_up = _among("txids", txids) & (DepositRow.state == DepositState.REORGED)
    unknown = _among("listed", listed) & (DepositRow.asset == UNKNOWN_TOKEN)
    which = (DepositRow.network == network) & DepositRow.final_at.is_not(None) & or_(given_up, unknown)
    found = await session.execute(update(DepositRow).where(which).values(final_at=None).returning(*_OPEN))
    return [Open(*row) for row in found]


def _among(name: str, txids: Sequence[str]) -> ColumnElement[bool]:
    return DepositRow.txid == func.any(bindparam(name, list(txids), ARRAY(Text)))


async def lock_open(session: AsyncSession, *, ids: Sequence[uuid.UUID]) -> Sequence[DepositRow]:
    """These deposits as far as they are watched, ours until commit."""
    if not ids:
        return []
    query = (
        select(DepositRow)
        .where(DepositRow.id == func.any(bindparam("ids", list(ids), ARRAY(Uuid))), DepositRow.final_at.is_(None))
        .order_by(DepositRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def known(session: AsyncSession, *, network: str, txids: Sequence[str]) -> set[tuple[str, int, str]]:
    """(transaction, place, recipient) of every deposit of these transactions, watched or not."""
    d = DepositRow
    found = await session.execute(
        select(d.txid, d.index, d.address).where(
            d.network == network, d.txid == func.any(bindparam("txids", list(txids), ARRAY(Text)))
        )
    )
    return {(row[0], row[1], row[2]) for row in found}


async def count_unknown(session: AsyncSession, *, address_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """By address, rows of unknown tokens."""
    found = await session.execute(
        select(DepositRow.address_id, func.count())
        .where(DepositRow.address_id.in_(address_ids), DepositRow.asset == UNKNOWN_TOKEN)
        .group_by(DepositRow.address_id)
    )
    return {row[0]: row[1] for row in found}


_NEW: dict[str, Any] = {
    "sub_status": None,
    "reason": None,
    "contract": None,
    "booked": None,
    "explained": False,
    "explained_by": None,
    "epoch": 0,
    "version": 1,
    "credited_at": None,
    "swept_at": None,
    "final_at": None,
}


def insert_rider(row: dict[str, Any]) -> Rider:
    """A payment seen for the first time; misses when it is known already."""
    return Rider("deposit", inserting(DepositRow.__table__, key=("id",)), _NEW | row)


def of_new(row: dict[str, Any]) -> Deposit:
    """A payment seen for the first time, as the rules see it."""
    return of(SimpleNamespace(**_NEW | row))


_UNCHANGED = Write(
    """
    WITH r AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, network text, version bigint)),
    scan AS (
        SELECT network, version FROM scan_cursors WHERE network IN (SELECT network FROM r) ORDER BY network FOR SHARE
    )
    SELECT array_agg(r.i) FROM r JOIN scan USING (network, version)
    """
)


def unchanged(*, network: str, version: int) -> Rider:
    """Misses when another scan of the network was stored meanwhile; named "scan"."""
    return Rider("scan", _UNCHANGED, {"network": network, "version": version})


def show(deposit: Deposit, *, values: dict[str, Any]) -> Rider:
    """The guarded change of a row by a sighting."""
    return book(deposit, values=values)


_IN_DOUBT = (DepositRow.booked.is_not(None)) & (DepositRow.sub_status == REORGED)
_DEEP = (DepositRow.booked.is_(None)) & DepositRow.deep


_READ = """id user_id network asset units state sub_status booked epoch version confirmations confirmations_required deep
    block_hash since explained txid finality reason swept_at"""
_WHOLE = tuple(DepositRow.__table__.columns[name] for name in _READ.split())
"""What `of` reads, as plain rows: thousands of mapped objects would cost more than all the rest."""


async def unsettled(session: AsyncSession, *, network: str) -> list[Deposit]:
    """Watched deposits whose books may be wrong: deep and unbooked, or booked and in doubt. Doubt first."""
    found = await session.execute(
        select(*_WHOLE)
        .where(DepositRow.network == network, DepositRow.final_at.is_(None), or_(_IN_DOUBT, _DEEP))
        .order_by(case((_IN_DOUBT, 0), else_=1), DepositRow.id)
    )
    return [of(row) for row in found]


async def restless(session: AsyncSession, *, network: str, compared: bool) -> bool:
    """Whether a watched deposit waits for something that the first node does not show: an operator, another node."""
    others = (DepositRow.confirmations > 0) & ~DepositRow.deep if compared else false()
    waiting = select(DepositRow.id).where(
        DepositRow.network == network, DepositRow.final_at.is_(None), or_(_IN_DOUBT, _DEEP, others)
    )
    return bool(await session.scalar(select(waiting.exists())))


def book(deposit: Deposit, *, values: dict[str, Any]) -> Rider:
    """The guarded change of a deposit that goes with its booking; named "deposit"."""
    write = updating(DepositRow.__table__, guards=("id", "version"), columns=tuple(values), counted="version")
    return Rider("deposit", write, {"was_id": deposit.id, "was_version": deposit.version} | values)


async def debts(session: AsyncSession, *, user_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, str], int]:
    """By (user, asset): what these customers owe."""
    found = await session.execute(
        select(Receivable.user_id, Receivable.asset, Receivable.units).where(
            Receivable.user_id == func.any(bindparam("users", list(user_ids), ARRAY(Uuid))), Receivable.units > 0
        )
    )
    return {(row[0], row[1]): row[2] for row in found}


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


async def forget_flows(session: AsyncSession, *, network: str, above: int) -> None:
    await session.execute(delete(EtherFlow).where(EtherFlow.network == network, EtherFlow.block_height > above))


async def keep_flows(session: AsyncSession, *, network: str, flows: Sequence[Flow]) -> None:
    """What moved ether and was no deposit, once for each transaction and address."""
    if not flows:
        return
    row = insert(EtherFlow).values([{"network": network, **asdict(flow)} for flow in flows])
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["network", "txid", "address"],
            set_={"units": row.excluded.units, "block_height": row.excluded.block_height},
        )
    )


async def ether_expected(
    session: AsyncSession, *, network: str, asset: str, addresses: Sequence[str], height: int
) -> dict[str, int]:
    """By address, the ether that we can account for after that block; what was found before counts at every height."""
    d, f = DepositRow, EtherFlow
    among = bindparam("addresses", list(addresses), ARRAY(Text))
    came = select(d.address, d.units).where(
        d.network == network,
        d.asset == asset,
        d.confirmations > 0,
        d.address == func.any(among),
        or_(d.block_height <= height, d.reason == Reason.UNATTRIBUTED),
    )
    moved = select(f.address, f.units).where(
        f.network == network, f.address == func.any(among), f.block_height <= height
    )
    every = came.union_all(moved).subquery()
    found = await session.execute(select(every.c.address, func.sum(every.c.units)).group_by(every.c.address))
    return {row[0]: int(row[1]) for row in found}


async def found_by_balance(session: AsyncSession, *, network: str, addresses: Sequence[str]) -> dict[str, int]:
    """By address, the highest block at which its balance showed what no payment explained, and that was not undone."""
    d = DepositRow
    rows = await session.execute(
        select(d.address, func.max(d.block_height))
        .where(
            d.network == network,
            d.address == func.any(bindparam("addresses", list(addresses), ARRAY(Text))),
            d.reason == Reason.UNATTRIBUTED,
            d.state != DepositState.REORGED,
        )
        .group_by(d.address)
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


async def one(session: AsyncSession, *, deposit_id: uuid.UUID) -> DepositRow | None:
    return await session.get(DepositRow, deposit_id)


async def one_of(session: AsyncSession, *, user_id: uuid.UUID, deposit_id: uuid.UUID) -> DepositRow | None:
    return await session.scalar(select(DepositRow).where(DepositRow.id == deposit_id, DepositRow.user_id == user_id))


async def page_of(
    session: AsyncSession,
    *,
    user_id: uuid.UUID | None,
    before: Before,
    limit: int,
    asset: str | None = None,
    network: str | None = None,
    state: str | None = None,
    states: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    named: bool = False,
) -> Sequence[DepositRow]:
    """Newest first; everybody's without `user_id`. `named`: without tokens that nobody here knows."""
    query = select(DepositRow).order_by(DepositRow.detected_at.desc(), DepositRow.id.desc()).limit(limit)
    if user_id is not None:
        query = query.where(DepositRow.user_id == user_id)
    if named:
        query = query.where(DepositRow.asset != UNKNOWN_TOKEN)
    if asset is not None:
        query = query.where(DepositRow.asset == asset)
    if network is not None:
        query = query.where(DepositRow.network == network)
    if state is not None:
        query = query.where(DepositRow.state == state)
    if states:
        query = query.where(DepositRow.state.in_(states))
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
                (DepositRow.booked.is_(None)) & (DepositRow.confirmations > 0) & (DepositRow.asset != UNKNOWN_TOKEN),
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


def _uncleared(network: str) -> ColumnElement[bool]:
    # In the index's own words.
    return (DepositRow.network == network) & DepositRow.booked.is_distinct_from(literal_column("'customer'"))


async def uncleared(session: AsyncSession, *, network: str) -> set[tuple[str, int]]:
    """(transaction, place) of every deposit that is not its customer's yet: on its way, held, too small, taken back."""
    found = await session.execute(select(DepositRow.txid, DepositRow.index).where(_uncleared(network)))
    return {(row[0], row[1]) for row in found}


async def in_suspense(session: AsyncSession, *, network: str, asset: str) -> int:
    """Units that stand in `wallet:deposit` and are nobody's yet."""
    found = await session.scalar(
        select(func.sum(DepositRow.units)).where(
            _uncleared(network), DepositRow.asset == asset, DepositRow.booked == Booked.SUSPENSE
        )
    )
    return int(found or 0)


async def unswept(session: AsyncSession, *, network: str) -> list[tuple[int, str, str, uuid.UUID, int]]:
    """(index, address, asset, deposit, units) of every credited deposit that is final and was not swept."""
    rows = await session.execute(
        select(DepositAddress.index, DepositRow.address, DepositRow.asset, DepositRow.id, DepositRow.units)
        .join(DepositAddress, DepositAddress.id == DepositRow.address_id)
        .where(
            DepositRow.network == network,
            DepositRow.booked == Booked.CUSTOMER,
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
