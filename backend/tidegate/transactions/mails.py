"""What its owner is told of a withdrawal by mail: the riders, with what was true in the commit that they travel in."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tidegate.config import Settings
from tidegate.database import Rider
from tidegate.ledger.rules import Transfer
from tidegate.outbox.mails import MailKind, told
from tidegate.transactions.rules import Draft, State
from tidegate.transactions.tables import Withdrawal
from tidegate.transactions.view import fees_out
from tidegate.wire import AmountOut


def requested(settings: Settings, row: Draft, now: datetime) -> list[Rider]:
    return _told(settings, MailKind.WITHDRAWAL_REQUESTED, row, now)


def completed(settings: Settings, row: Withdrawal, txid: str, now: datetime) -> list[Rider]:
    return _told(settings, MailKind.WITHDRAWAL_COMPLETED, row, now, txid=txid)


def returned(
    settings: Settings, row: Withdrawal, state: State, moves: Sequence[Transfer], detail: str | None, now: datetime
) -> list[Rider]:
    """Not sent; `moves` are what gives the money back."""
    back = [_amount(move.credit.asset, move.units) for move in moves if move.credit.name == "available" and move.units]
    return _told(settings, MailKind.WITHDRAWAL_RETURNED, row, now, state=state.value, back=back, detail=detail)


def _told(settings: Settings, kind: MailKind, row: Draft | Withdrawal, now: datetime, **more: Any) -> list[Rider]:
    if not settings.mail.host:
        return []
    facts = {
        "network": row.network,
        "address": row.address,
        "label": row.label,
        "reference": row.reference,
        "debit": _amount(row.from_asset, row.debit_units),
        "deliver": _amount(row.to_asset, row.deliver_units),
        "rate": row.rate,
        "fees": [{"kind": fee.kind} | fee.amount.model_dump() for fee in fees_out(row)],
    }
    owner: uuid.UUID = row.user_id
    return told(settings, kind, user_id=owner, object_id=row.id, facts=facts | more, now=now)


def _amount(code: str, units: int) -> dict[str, Any]:
    return AmountOut.units(code, units).model_dump()
