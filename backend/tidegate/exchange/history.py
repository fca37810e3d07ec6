"""Looking back: a user's conversions, one with its receipt, and the page that the one history merges."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.exchange import shapes, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.realised import realised
from tidegate.exchange.schemas import BestExecutionOut, ConversionDetailOut, ConversionOut
from tidegate.money import Amount, asset
from tidegate.refusal import Kind, Refusal
from tidegate.wire import Cursor, Page, next_cursor


@dataclass(frozen=True, slots=True)
class Filters:
    """What a page is cut to; None: not cut. Times: from is included, until is not."""

    asset: str | None = None
    state: str | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One conversion as the one history shows it. `spent` left the account, `received` came."""

    id: uuid.UUID
    at: datetime
    state: str
    spent: Amount
    received: Amount
    reference: str | None


async def page(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    before: Cursor | None,
    limit: int,
    filters: Filters | None = None,
) -> list[Entry]:
    """Conversions inside the account, newest first, after `before`; halves of withdrawals are shown with those."""
    found = await store.conversion_page(
        session, user_id=user_id, before=before, limit=limit, where=[store.of_account(), *_where(filters or Filters())]
    )
    return [
        Entry(
            id=row.id,
            at=row.created_at,
            state=row.state,
            spent=Amount(asset(row.from_asset), row.debit_units),
            received=Amount(asset(row.to_asset), row.deliver_units),
            reference=row.reference,
        )
        for row in found
    ]


def _where(filters: Filters) -> Sequence[ColumnElement[bool]]:
    where = []
    if filters.asset is not None:
        where.append(store.touching(filters.asset))
    if filters.state is not None:
        where.append(store.in_state(filters.state))
    if filters.reference is not None:
        where.append(store.with_reference(filters.reference))
    if filters.since is not None:
        where.append(store.created_from(filters.since))
    if filters.until is not None:
        where.append(store.created_before(filters.until))
    return where


async def conversions(
    desk: Desk, *, user_id: uuid.UUID, limit: int, before: Cursor | None, reference: str | None
) -> Page[ConversionOut]:
    """All conversions of the user, those of withdrawals included."""
    async with desk.db.reading() as session:
        rows = await store.conversion_page(
            session, user_id=user_id, before=before, limit=limit, where=_where(Filters(reference=reference))
        )
    return Page(
        items=[shapes.conversion_of(row) for row in rows],
        next_cursor=next_cursor([(row.created_at, row.id) for row in rows], limit),
    )


async def conversion(desk: Desk, *, user_id: uuid.UUID, conversion_id: uuid.UUID) -> ConversionDetailOut:
    """One conversion with fills and receipt, also the half of a withdrawal. Refuses NOT_FOUND, also for somebody else's."""
    async with desk.db.reading() as session:
        row = await store.conversion(session, user_id=user_id, conversion_id=conversion_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such conversion.")
        orders = await store.orders_of(session, row.id)
        fills = await store.fills_of(session, row.id)
        told = await store.execution_of(session, row.quote_id)
    execution = None if told is None else BestExecutionOut.model_validate_json(told)
    if execution is not None:
        execution = execution.model_copy(update={"realised": realised(execution, row.rate, orders, fills)})
    return shapes.detail_of(row, list(orders), list(fills), execution)
