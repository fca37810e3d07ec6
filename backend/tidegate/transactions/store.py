"""All SQL of the room: withdrawals, their events, the checks of the books."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider, inserting, new_id, updating
from tidegate.queue import Lease, claim_due
from tidegate.transactions.rules import ENDED, EXITS, OVERDUE, Draft, Promises, State, SubStatus, Terms, Waits
from tidegate.transactions.tables import BooksCheck, Withdrawal, WithdrawalEvent

_ENDED = [state.value for state in ENDED]


def terms(row: Withdrawal | Draft) -> Terms:
    return Terms(
        id=row.id,
        user_id=row.user_id,
        network=row.network,
        from_asset=row.from_asset,
        to_asset=row.to_asset,
        debit_units=row.debit_units,
        deliver_units=row.deliver_units,
        fee_network_units=row.fee_network_units,
        fee_service_units=row.fee_service_units,
        fee_spread_units=row.fee_spread_units,
    )


_COLUMNS = tuple(column.key for column in Withdrawal.__table__.columns)
_values_of = attrgetter(*_COLUMNS)


def insert_rider(row: Draft) -> Rider:
    """The new row; misses when the account has used this reference before."""
    values = dict(zip(_COLUMNS, _values_of(row), strict=True))
    return Rider("reference", inserting(Withdrawal.__table__, key=("id",)), values)


def event_rider(
    row: Withdrawal | Draft,
    version: int,
    *,
    at: datetime,
    state: State,
    sub_status: SubStatus | None,
    by: str,
    detail: str | None,
    inputs: dict[str, Any] | None = None,
) -> Rider:
    """What is told of a move of `row`, as it was read; version 1 has nothing before it."""
    values = {
        "withdrawal_id": row.id,
        "version": version,
        "at": at,
        "state": state.value,
        "sub_status": sub_status.value if sub_status else None,
        "by": by,
        "detail": detail,
        "state_before": row.state if version > 1 else None,
        "sub_status_before": row.sub_status if version > 1 else None,
        "inputs": inputs,
    }
    return Rider("withdrawal_event", inserting(WithdrawalEvent.__table__, key=("withdrawal_id", "version")), values)


def move_rider(row_id: uuid.UUID, version: int, values: dict[str, Any], *, fence: int | None = None) -> Rider:
    """A guarded update: only from the version that was read, and only under the fence that was claimed."""
    guards = {"id": row_id, "version": version} | ({} if fence is None else {"fence": fence})
    write = updating(Withdrawal.__table__, guards=tuple(guards), columns=tuple(values), counted="version")
    return Rider("withdrawal", write, {f"was_{name}": value for name, value in guards.items()} | values)


async def get(session: AsyncSession, withdrawal_id: uuid.UUID) -> Withdrawal | None:
    found: Withdrawal | None = await session.scalar(select(Withdrawal).where(Withdrawal.id == withdrawal_id))
    return found


async def get_own(session: AsyncSession, withdrawal_id: uuid.UUID, user_id: uuid.UUID) -> Withdrawal | None:
    """Ownership is in the SQL: a foreign id is not there."""
    found: Withdrawal | None = await session.scalar(
        select(Withdrawal).where(Withdrawal.id == withdrawal_id, Withdrawal.user_id == user_id)
    )
    return found


async def page(
    session: AsyncSession,
    *,
    user_id: uuid.UUID | None,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
    states: Sequence[str] = (),
    asset: str | None = None,
    reference: str | None = None,
) -> list[Withdrawal]:
    """Newest first; `user_id` None is the operator's view."""
    query = select(Withdrawal)
    if user_id is not None:
        query = query.where(Withdrawal.user_id == user_id)
    if states:
        query = query.where(Withdrawal.state.in_(states))
    if asset is not None:
        query = query.where(or_(Withdrawal.from_asset == asset, Withdrawal.to_asset == asset))
    if reference is not None:
        query = query.where(Withdrawal.reference == reference)
    if before is not None:
        at, last = before
        query = query.where(or_(Withdrawal.created_at < at, and_(Withdrawal.created_at == at, Withdrawal.id < last)))
    rows = await session.scalars(query.order_by(Withdrawal.created_at.desc(), Withdrawal.id.desc()).limit(limit))
    return list(rows)


async def events(session: AsyncSession, withdrawal_id: uuid.UUID) -> list[WithdrawalEvent]:
    rows = await session.scalars(
        select(WithdrawalEvent).where(WithdrawalEvent.withdrawal_id == withdrawal_id).order_by(WithdrawalEvent.version)
    )
    return list(rows)


async def claim(session: AsyncSession, states: Sequence[State], *, now: datetime, limit: int = 100) -> list[Lease]:
    """Lease due withdrawals in these states, those an operator holds left out."""
    where = and_(Withdrawal.state.in_([s.value for s in states]), Withdrawal.held_by_operator.is_(None))
    return await claim_due(session, Withdrawal, where=where, now=now, limit=limit)


async def due_states(session: AsyncSession, states: Sequence[State], *, now: datetime) -> set[State]:
    """Those of these states in which a withdrawal is due, free and held by nobody."""
    w = Withdrawal
    free = and_(w.held_by_operator.is_(None), w.due_at <= now, or_(w.lease_until.is_(None), w.lease_until < now))
    row = (await session.execute(select(*(exists().where(free, w.state == one.value) for one in states)))).one()
    return {state for state, due in zip(states, row, strict=True) if due}


@dataclass(frozen=True, slots=True)
class Queue:
    """What of one speed is due: `fresh` wait for company since `oldest`, `others` were told another reason to wait."""

    speed: str
    fresh: int
    oldest: datetime | None
    others: int


_FRESH = or_(Withdrawal.sub_status.is_(None), Withdrawal.sub_status == SubStatus.AWAITING_BATCH.value)


def _queued(network: str, now: datetime) -> ColumnElement[bool]:
    return and_(
        Withdrawal.state == State.QUEUED.value,
        Withdrawal.network == network,
        Withdrawal.held_by_operator.is_(None),
        Withdrawal.due_at <= now,
    )


async def queues(session: AsyncSession, network: str, *, now: datetime) -> list[Queue]:
    """What is queued on a network and due, by speed, one query however many they are."""
    fresh = func.count().filter(_FRESH)
    rows = await session.execute(
        select(Withdrawal.speed, fresh, func.min(Withdrawal.since).filter(_FRESH), func.count() - fresh)
        .where(_queued(network, now))
        .group_by(Withdrawal.speed)
        .order_by(Withdrawal.speed)
    )
    return [Queue(*row) for row in rows]


async def unsaid(session: AsyncSession, network: str, speed: str, limit: int = 100) -> list[Withdrawal]:
    """Queued ones of this speed that were not told what they wait for."""
    rows = await session.scalars(
        select(Withdrawal)
        .where(
            Withdrawal.state == State.QUEUED.value,
            Withdrawal.network == network,
            Withdrawal.speed == speed,
            Withdrawal.sub_status.is_(None),
            Withdrawal.held_by_operator.is_(None),
            Withdrawal.lease_until.is_(None),
        )
        .limit(limit)
    )
    return list(rows)


async def claim_queued(
    session: AsyncSession, network: str, speed: str | None, *, fresh: bool, now: datetime, limit: int
) -> list[Lease]:
    """Lease queued withdrawals of a network; without `fresh` only those that wait for another reason than company."""
    where = _queued(network, now)
    if speed is not None:
        where = and_(where, Withdrawal.speed == speed)
    if not fresh:
        where = and_(where, not_(_FRESH))
    return await claim_due(session, Withdrawal, where=where, now=now, limit=limit)


async def by_ids(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[Withdrawal]:
    """These withdrawals, by id."""
    return list(await session.scalars(select(Withdrawal).where(Withdrawal.id.in_(ids)).order_by(Withdrawal.id)))


async def release_all(
    session: AsyncSession, leases: Sequence[Lease], states: Sequence[State], due_at: datetime
) -> None:
    """Give these leases back, one statement for all; those that left `states` since are free already."""
    await session.execute(
        update(Withdrawal)
        .where(
            tuple_(Withdrawal.id, Withdrawal.fence).in_([(lease.id, lease.fence) for lease in leases]),
            Withdrawal.state.in_([state.value for state in states]),
        )
        .values(lease_until=None, due_at=due_at)
    )


async def release(session: AsyncSession, withdrawal_id: uuid.UUID, fence: int, due_at: datetime) -> None:
    """Give the lease back and say when to look again."""
    await session.execute(
        update(Withdrawal)
        .where(Withdrawal.id == withdrawal_id, Withdrawal.fence == fence)
        .values(lease_until=None, due_at=due_at)
    )


async def unverified_past(session: AsyncSession, now: datetime, limit: int = 50) -> list[Withdrawal]:
    rows = await session.scalars(
        select(Withdrawal)
        .where(Withdrawal.state == State.PENDING_VERIFICATION.value, Withdrawal.challenge_expires_at < now)
        .limit(limit)
    )
    return list(rows)


async def held_terms(session: AsyncSession) -> dict[tuple[uuid.UUID, str], int]:
    """What open withdrawals hold, by (user, asset): the debit before the conversion, the delivery after it."""
    w = Withdrawal
    converted = w.conversion_id.is_not(None)
    asset = case((converted, w.to_asset), else_=w.from_asset).label("asset")
    units = func.sum(case((converted, w.deliver_units), else_=w.debit_units))
    # Added up where they lie: there may be a great many.
    rows = await session.execute(
        select(w.user_id, asset, units).where(w.state.not_in(_ENDED)).group_by(w.user_id, asset)
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}


_AT_ONCE = 1000
_MARGIN = timedelta(days=1)
"""Far more than the clocks of our processes and of the database can lie apart."""


async def around(session: AsyncSession, at: datetime) -> AsyncIterator[list[Terms]]:
    """Every withdrawal that may have been open at that moment, some at a time; which were, the ledger says."""
    after = uuid.UUID(int=0)
    while True:
        rows = await session.scalars(
            select(Withdrawal)
            .where(
                Withdrawal.id > after,
                Withdrawal.created_at <= at + _MARGIN,
                or_(Withdrawal.state.not_in(_ENDED), Withdrawal.since >= at - _MARGIN),
            )
            .order_by(Withdrawal.id)
            .limit(_AT_ONCE)
        )
        found = list(rows)
        if found:
            after = found[-1].id
            yield [terms(row) for row in found]
        session.expunge_all()
        if len(found) < _AT_ONCE:
            return


async def count_signed(session: AsyncSession) -> int:
    past = [State.BROADCASTING.value, State.CONFIRMING.value, State.COMPLETED.value]
    found = await session.scalar(select(func.count()).select_from(Withdrawal).where(Withdrawal.state.in_(past)))
    return int(found or 0)


async def oldest_open(session: AsyncSession) -> Withdrawal | None:
    found: Withdrawal | None = await session.scalar(
        select(Withdrawal)
        .where(Withdrawal.state.not_in([*_ENDED, State.PENDING_VERIFICATION.value]))
        .order_by(Withdrawal.created_at)
        .limit(1)
    )
    return found


_AGED = case(
    (Withdrawal.state == State.PENDING_VERIFICATION.value, Withdrawal.challenge_expires_at), else_=Withdrawal.since
)
"""From when its patience counts: what waits for its owner has its own time first."""


def _too_long(now: datetime) -> ColumnElement[bool]:
    reason = func.coalesce(Withdrawal.sub_status, Withdrawal.state)
    aged = [and_(reason == one.value, now - each.patience > _AGED) for one, each in EXITS.items()]
    return and_(Withdrawal.state.not_in(_ENDED), or_(*aged, Withdrawal.expected_by < now - OVERDUE))


async def stuck(session: AsyncSession, *, now: datetime, limit: int) -> list[Withdrawal]:
    """Those that waited longer than their reason allows, or are overdue; the oldest first."""
    rows = await session.scalars(select(Withdrawal).where(_too_long(now)).order_by(Withdrawal.since).limit(limit))
    return list(rows)


async def waits(session: AsyncSession, *, now: datetime) -> list[Waits]:
    """Everything that is open, counted by what it waits for."""
    w = Withdrawal
    rows = await session.execute(
        select(w.state, w.sub_status, func.count(), func.min(w.since), func.count().filter(_too_long(now)))
        .where(w.state.not_in(_ENDED))
        .group_by(w.state, w.sub_status)
        .order_by(w.state, w.sub_status)
    )
    return [Waits(*row) for row in rows]


async def promises(session: AsyncSession, *, since: datetime, now: datetime) -> list[Promises]:
    """Of those that arrived since then, and of those that should have and did not. What ended otherwise does not count."""
    w = Withdrawal
    arrived = and_(w.state == State.COMPLETED.value, w.completed_at >= since)
    overdue = and_(w.state.not_in(_ENDED), w.expected_by < now)
    kept = func.count().filter(arrived, w.completed_at <= w.expected_by)
    rows = await session.execute(
        select(w.network, w.to_asset, func.count(), kept)
        .where(or_(arrived, overdue))
        .group_by(w.network, w.to_asset)
        .order_by(w.network, w.to_asset)
    )
    return [Promises(*row) for row in rows]


async def arrived(session: AsyncSession, *, since: datetime, most: int) -> list[tuple[str, str, str, bool, int]]:
    """(network, asset, speed, reviewed, milliseconds from verification to final) of the last that arrived; `most` of each."""
    w = Withdrawal
    apart = (w.network, w.to_asset, w.speed, w.review_needed)
    took = func.extract("epoch", w.completed_at - w.verified_at) * 1000
    number = func.row_number().over(partition_by=apart, order_by=w.completed_at.desc())
    last = (
        select(*apart, took.label("took"), number.label("number"))
        .where(w.state == State.COMPLETED.value, w.completed_at >= since)
        .subquery()
    )
    rows = await session.execute(select(last).where(last.c.number <= most))
    return [(row.network, row.to_asset, row.speed, row.review_needed, int(row.took)) for row in rows]


async def save_check(
    session: AsyncSession, *, at: datetime, verdict: str, report: dict[str, Any], milliseconds: int
) -> None:
    session.add(BooksCheck(id=new_id(), at=at, verdict=verdict, report=report, milliseconds=milliseconds))
    # The record keeps a month, and of what was exact two days.
    await session.execute(
        text("""
            DELETE FROM books_checks
            WHERE at < now() - interval '30 days' OR (verdict = 'exact' AND at < now() - interval '2 days')
        """)
    )


async def last_check(session: AsyncSession) -> BooksCheck | None:
    found: BooksCheck | None = await session.scalar(select(BooksCheck).order_by(BooksCheck.at.desc()).limit(1))
    return found


async def page_of_checks(
    session: AsyncSession, *, verdict: str | None, before: tuple[datetime, uuid.UUID] | None, limit: int
) -> Sequence[BooksCheck]:
    """Newest first."""
    query = select(BooksCheck).order_by(BooksCheck.at.desc(), BooksCheck.id.desc()).limit(limit)
    if verdict is not None:
        query = query.where(BooksCheck.verdict == verdict)
    if before is not None:
        query = query.where(tuple_(BooksCheck.at, BooksCheck.id) < before)
    return (await session.scalars(query)).all()


async def unlinked_payouts(session: AsyncSession) -> list[tuple[uuid.UUID, str, str, int, str]]:
    """(payout, network, asset, units, address) of each payment in a set that no withdrawal is agreed as."""
    rows = await session.execute(
        text("""
            SELECT p.payout_id, s.network, p.asset, p.units, p.address
            FROM set_payouts p JOIN attempt_sets s ON s.id = p.set_id
            LEFT JOIN withdrawals w ON w.id = p.payout_id AND w.network = s.network AND w.to_asset = p.asset
                AND w.deliver_units = p.units AND w.address = p.address
            WHERE s.purpose = 'payout' AND w.id IS NULL LIMIT 20
        """)
    )
    return [(row[0], row[1], row[2], int(row[3]), row[4]) for row in rows]


async def queued_units(session: AsyncSession) -> dict[tuple[str, str], int]:
    """By (network, asset): what withdrawals will take that wait to be paid and reserve nothing yet."""
    rows = await session.execute(
        select(Withdrawal.network, Withdrawal.to_asset, func.sum(Withdrawal.deliver_units))
        .where(Withdrawal.state == State.QUEUED.value)
        .group_by(Withdrawal.network, Withdrawal.to_asset)
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}


async def largest_short(session: AsyncSession) -> dict[tuple[str, str], int]:
    """By (network, asset): the largest withdrawal that waits for liquidity."""
    rows = await session.execute(
        select(Withdrawal.network, Withdrawal.to_asset, func.max(Withdrawal.deliver_units))
        .where(Withdrawal.state == State.QUEUED.value, Withdrawal.sub_status == SubStatus.AWAITING_LIQUIDITY.value)
        .group_by(Withdrawal.network, Withdrawal.to_asset)
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}


async def open_count(session: AsyncSession, *, user_id: uuid.UUID) -> int:
    """How many of the user's have not come to an end."""
    ended = [state.value for state in ENDED]
    query = select(func.count()).where(Withdrawal.user_id == user_id, Withdrawal.state.not_in(ended))
    return int(await session.scalar(query) or 0)
