"""One history: each room gives its page, merged here by time. And withdrawals by themselves."""

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from tidegate.exchange import history as conversions
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import store, transfer_store
from tidegate.transactions.office import Office
from tidegate.transactions.schemas import TransactionOut, TransferOut, WithdrawalOut
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.transfer_view import line_out, transfer_out
from tidegate.transactions.view import standing, withdrawal_out
from tidegate.treasury import attempts
from tidegate.treasury.attempts import Seen
from tidegate.wallets import history as deposits
from tidegate.wire import AmountOut, Cursor, Page, decode_cursor, next_cursor


async def withdrawal(office: Office, *, user_id: uuid.UUID, withdrawal_id: uuid.UUID) -> WithdrawalOut:
    """One of the user's own, whole. Refuses NOT_FOUND, also for somebody else's."""
    async with office.db.reading() as session:
        row = await store.get_own(session, withdrawal_id, user_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such withdrawal.")
        found = (await attempts.by_payout(session, [row.id])).get(row.id, [])
        events = await store.events(session, row.id)
    return withdrawal_out(row, found, events, office.settings)


async def withdrawals(
    office: Office,
    *,
    user_id: uuid.UUID,
    limit: int,
    before: Cursor | None,
    states: Sequence[str],
    reference: str | None,
) -> Page[WithdrawalOut]:
    """A page of the user's own, newest first; events are left to the single view."""
    async with office.db.reading() as session:
        rows = await store.page(
            session, user_id=user_id, before=before, limit=limit, states=states, reference=reference
        )
        by_payout = await attempts.by_payout(session, [row.id for row in rows])
    items = [withdrawal_out(row, by_payout.get(row.id, []), [], office.settings) for row in rows]
    return Page(items=items, next_cursor=next_cursor([(row.created_at, row.id) for row in rows], limit))


async def transfer(office: Office, *, user_id: uuid.UUID, transfer_id: uuid.UUID) -> TransferOut:
    """One that the user made, or that came to them. Refuses NOT_FOUND, also for one that has not come yet."""
    async with office.db.reading() as session:
        row = await transfer_store.get_own(session, transfer_id, user_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such internal transfer.")
        events = await transfer_store.events(session, row.id)
    return transfer_out(row, events, user_id=user_id)


async def transfers(
    office: Office, *, user_id: uuid.UUID, limit: int, before: Cursor | None, reference: str | None
) -> Page[TransferOut]:
    """A page of both directions, newest first; events are left to the single view."""
    async with office.db.reading() as session:
        found = await transfer_store.page(session, user_id=user_id, before=before, limit=limit, reference=reference)
    items = [transfer_out(row, [], user_id=user_id) for _, row in found]
    return Page(items=items, next_cursor=next_cursor([(at, row.id) for at, row in found], limit))


async def page(
    office: Office,
    *,
    user_id: uuid.UUID,
    limit: int,
    before: Cursor | None,
    kind: str | None,
    asset: str | None,
    reference: str | None,
) -> Page[TransactionOut]:
    """Each room is asked for a whole page; the newest `limit` of all of them are the answer."""
    lines: list[tuple[datetime, uuid.UUID, TransactionOut]] = []
    async with office.db.reading() as session:
        if kind in (None, "withdrawal"):
            rows = await store.page(
                session, user_id=user_id, before=before, limit=limit, asset=asset, reference=reference
            )
            found = await attempts.by_payout(session, [row.id for row in rows])
            lines += [(row.created_at, row.id, _withdrawal(row, found.get(row.id, []), office)) for row in rows]
        if kind in (None, "deposit") and reference is None:
            arrived = await deposits.page(session, user_id=user_id, before=before, limit=limit, asset=asset)
            lines += [(e.at, e.id, _deposit(e)) for e in arrived]
        if kind in (None, "conversion"):
            filters = conversions.Filters(asset=asset, reference=reference)
            exchanged = await conversions.page(session, user_id=user_id, before=before, limit=limit, filters=filters)
            lines += [(e.at, e.id, _conversion(e)) for e in exchanged]
        if kind in (None, "transfer"):
            moved = await transfer_store.page(
                session, user_id=user_id, before=before, limit=limit, asset=asset, reference=reference
            )
            lines += [(at, row.id, line_out(row, user_id=user_id)) for at, row in moved]
    lines.sort(key=lambda line: (line[0], line[1]), reverse=True)
    shown = lines[:limit]
    # Full pages may hide older lines of any room; a short one has shown everything.
    cursor = next_cursor([(at, last) for at, last, _ in shown], limit)
    return Page(items=[line for _, _, line in shown], next_cursor=cursor)


AT_ONCE = 200
"""Lines of an export read in one go."""
COLUMNS = (
    "time", "kind", "id", "state", "debit_asset", "debit", "credit_asset", "credit", "network", "address", "label",
    "txid", "reference", "counterpart",
)  # fmt: skip
_LAST = uuid.UUID(int=2**128 - 1)


async def rows(
    office: Office,
    *,
    user_id: uuid.UUID,
    kind: str | None,
    asset: str | None,
    since: datetime | None,
    until: datetime | None,
) -> AsyncIterator[Sequence[Sequence[object]]]:
    """The history for a file, newest first, in the order of COLUMNS. A slow reader holds no transaction."""
    # Nothing has the last id there is: what was begun at `until` itself is left out with what came later.
    before: Cursor | None = None if until is None else (until - timedelta(microseconds=1), _LAST)
    while True:
        found = await page(
            office, user_id=user_id, limit=AT_ONCE, before=before, kind=kind, asset=asset, reference=None
        )
        shown = [item for item in found.items if since is None or item.at >= since]
        yield [_row(item) for item in shown]
        before = decode_cursor(found.next_cursor)
        if before is None or len(shown) < len(found.items):
            return


def _row(item: TransactionOut) -> Sequence[object]:
    debit, credit = item.debit, item.credit
    return (
        item.at, item.kind, item.id, item.state, debit and debit.asset, debit and debit.amount,
        credit and credit.asset, credit and credit.amount, item.network, item.address, item.label, item.txid,
        item.reference, item.counterpart,
    )  # fmt: skip


def _withdrawal(row: Withdrawal, found: Sequence[Seen], office: Office) -> TransactionOut:
    whole = withdrawal_out(row, found, [], office.settings)
    # The one that was mined says where the money went, also when a dearer one was made meanwhile.
    mined = [one for one in whole.attempts if one.state in ("mined", "final")] or whole.attempts
    last = mined[-1] if mined else None
    return TransactionOut(
        id=row.id,
        kind="withdrawal",
        at=row.created_at,
        debit=whole.debit,
        credit=whole.deliver,
        network=row.network,
        address=row.address,
        label=row.label,
        txid=last.txid if last else None,
        confirmations=last.confirmations if last else None,
        confirmations_required=office.settings.networks[row.network].confirmations,
        reference=row.reference,
        **standing(row).model_dump(),
    )


def _deposit(entry: deposits.Entry) -> TransactionOut:
    return TransactionOut(
        id=entry.id,
        kind="deposit",
        at=entry.at,
        debit=None,
        credit=AmountOut.units(entry.asset, entry.units),
        network=entry.network,
        address=entry.address,
        label=None,
        txid=entry.txid,
        confirmations=entry.confirmations,
        confirmations_required=entry.confirmations_required,
        reference=None,
        state=entry.state,
        sub_status=entry.sub_status,
        waiting_for="network" if entry.state in ("detected", "confirming") else None,
        since=entry.since,
        expected_by=None,
        can_cancel=None,
    )


def _conversion(entry: conversions.Entry) -> TransactionOut:
    return TransactionOut(
        id=entry.id,
        kind="conversion",
        at=entry.at,
        debit=AmountOut.of(entry.spent),
        credit=AmountOut.of(entry.received),
        network=None,
        address=None,
        label=None,
        txid=None,
        confirmations=None,
        confirmations_required=None,
        reference=entry.reference,
        state=entry.state,
        sub_status=None,
        waiting_for=None,
        since=entry.at,
        expected_by=None,
        can_cancel=None,
    )
