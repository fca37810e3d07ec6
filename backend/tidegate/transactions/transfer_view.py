"""An internal transfer as each of its two sides sees it."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from tidegate.money import asset, format_units
from tidegate.transactions.rules import TransferState
from tidegate.transactions.schemas import (
    EventOut,
    TransactionOut,
    TransferChallengeOut,
    TransferIntentOut,
    TransferOut,
)
from tidegate.transactions.tables import InternalTransfer, InternalTransferEvent
from tidegate.transactions.transfer_rules import TransferDraft, TransferIntent, may_cancel, transfer_waits_for
from tidegate.wire import AmountOut


def transfer_out(
    row: InternalTransfer | TransferDraft, events: Sequence[InternalTransferEvent], *, user_id: uuid.UUID
) -> TransferOut:
    """The whole of it for the sender. The recipient learns that it came, and nothing of how it was made."""
    state, sender = TransferState(row.state), row.user_id == user_id
    waits = transfer_waits_for(state)
    told = events if sender else [one for one in events if one.state == TransferState.COMPLETED.value]
    return TransferOut(
        id=row.id,
        direction="out" if sender else "in",
        reference=row.reference if sender else None,
        asset=row.asset,
        amount=format_units(row.units, asset(row.asset).decimals),
        to_email=row.to_email,
        to_address=row.to_address,
        network=row.network,
        from_email=row.from_email,
        detail=row.detail if sender else None,
        challenge=_challenge(row) if may_cancel(state) else None,
        events=[
            EventOut(at=e.at, state=e.state, sub_status=None, by=e.by if sender else "sender", detail=None)
            for e in told
        ],
        created_at=began(row, user_id),
        completed_at=row.completed_at,
        state=state.value,
        waiting_for=waits.value if waits else None,
        since=row.since,
        can_cancel=sender and may_cancel(state),
    )


def began(row: InternalTransfer | TransferDraft, user_id: uuid.UUID) -> datetime:
    """For its recipient it begins when it comes."""
    return row.created_at if row.user_id == user_id or row.completed_at is None else row.completed_at


def _challenge(row: InternalTransfer | TransferDraft) -> TransferChallengeOut:
    intent = TransferIntent.parse(row.intent)
    return TransferChallengeOut(
        digest=row.digest,
        methods=["totp"],
        expires_at=row.challenge_expires_at,
        intent=TransferIntentOut(**intent.to_json()),
    )


def line_out(row: InternalTransfer, *, user_id: uuid.UUID) -> TransactionOut:
    """Its line in the history: a debit of its sender, a credit of its recipient."""
    whole, amount = transfer_out(row, [], user_id=user_id), AmountOut.units(row.asset, row.units)
    sent = whole.direction == "out"
    return TransactionOut(
        id=row.id,
        kind="transfer",
        at=whole.created_at,
        debit=amount if sent else None,
        credit=None if sent else amount,
        network=row.network,
        address=row.to_address,
        label=None,
        txid=None,
        confirmations=None,
        confirmations_required=None,
        reference=whole.reference,
        counterpart=row.to_email if sent else row.from_email,
        state=whole.state,
        sub_status=None,
        waiting_for=whole.waiting_for,
        since=whole.since,
        expected_by=None,
        can_cancel=whole.can_cancel,
    )
