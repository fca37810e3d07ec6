"""Cancelling by the link in a mail: look first, then one POST. Whoever reads the mail can stop the payment, nothing more."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import links
from tidegate.auth.gate import gate_of
from tidegate.auth.rules import Purpose
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import store, withdraw
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, can_cancel
from tidegate.transactions.schemas import CancellableOut
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.view import fees_out
from tidegate.wire import AmountOut

_BY_LINK = "By the link in our mail."


async def look(office: Office, token: str, now: datetime) -> CancellableOut:
    """What would be cancelled. Changes nothing. Refuses NOT_FOUND."""
    async with office.db.reading() as session:
        return _shown(office, await _meant(session, token, now))


async def cancel(office: Office, token: str, now: datetime) -> CancellableOut:
    """Cancel it; again is fine. Refuses NOT_FOUND, CANNOT_CANCEL, CONFLICT."""
    async with office.db.reading() as session:
        row = await _meant(session, token, now)
    return _shown(office, await withdraw.cancel_row(office, row, now=now, detail=_BY_LINK))


async def _meant(session: AsyncSession, token: str, now: datetime) -> Withdrawal:
    row = await store.get(session, links.read(gate_of(session).keys, Purpose.CANCEL, token, now=now))
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such withdrawal.")
    return row


def _shown(office: Office, row: Withdrawal) -> CancellableOut:
    return CancellableOut(
        deliver=AmountOut.units(row.to_asset, row.deliver_units),
        debit=AmountOut.units(row.from_asset, row.debit_units),
        fees=fees_out(row),
        network=row.network,
        network_name=office.settings.networks[row.network].name or row.network,
        address=row.address,
        state=row.state,
        can_cancel=can_cancel(State(row.state)),
        created_at=row.created_at,
    )
