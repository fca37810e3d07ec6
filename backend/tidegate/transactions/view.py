"""A withdrawal as its owner sees it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from tidegate.config import Settings
from tidegate.signing.messages import Intent
from tidegate.transactions.rules import Draft, State, SubStatus, can_cancel, waiting_for
from tidegate.transactions.schemas import (
    AttemptOut,
    ChallengeOut,
    EventOut,
    IntentOut,
    WithdrawalOut,
)
from tidegate.transactions.tables import Withdrawal, WithdrawalEvent
from tidegate.treasury.attempts import Seen
from tidegate.wire import AmountOut, FeeOut, Waiting


def intent_out(intent: Intent) -> IntentOut:
    """Units as decimal strings of digits: they pass 2^53 easily."""
    return IntentOut(**{key: str(value) for key, value in intent.to_json().items()})


def challenge_out(intent: Intent, digest: str, expires_at: datetime) -> ChallengeOut:
    return ChallengeOut(digest=digest, methods=["totp"], expires_at=expires_at, intent=intent_out(intent))


def fees_out(row: Withdrawal | Draft) -> list[FeeOut]:
    lines: list[tuple[Literal["network", "service", "spread"], int]] = [
        ("network", row.fee_network_units),
        ("service", row.fee_service_units),
        ("spread", row.fee_spread_units),
    ]
    return [
        FeeOut(kind=kind, amount=AmountOut.units(row.from_asset, units))
        for kind, units in lines
        if units or kind == "network"
    ]


def attempt_out(attempt: Seen, settings: Settings) -> AttemptOut:
    network = settings.networks[attempt.network]
    url = network.explorer_tx_url
    return AttemptOut(
        id=attempt.id,
        state=attempt.state,
        txid=attempt.txid,
        explorer_url=url.replace("{txid}", attempt.txid) if url and attempt.txid else None,
        confirmations=max(attempt.confirmations, 0),
        confirmations_required=network.confirmations,
        block_height=attempt.block_height,
        sent_at=attempt.sent_at,
    )


def standing(row: Withdrawal | Draft, **after: Any) -> Waiting:
    """Where it stands, what it waits for, since when, until when: for the API, the history, the stream and webhooks alike.

    `after`: what a commit is about to change of the row.
    """
    state = State(after.get("state", row.state))
    sub_status = after.get("sub_status", row.sub_status)
    sub = SubStatus(sub_status) if sub_status is not None else None
    waits = waiting_for(state, sub, converting=row.from_asset != row.to_asset)
    return Waiting(
        state=state.value,
        sub_status=sub.value if sub is not None else None,
        waiting_for=waits.value if waits is not None else None,
        since=after.get("since", row.since),
        expected_by=after.get("expected_by", row.expected_by),
        can_cancel=can_cancel(state),
    )


def told(row: Withdrawal | Draft, **after: Any) -> dict[str, Any]:
    """`standing`, as events carry it."""
    return standing(row, **after).model_dump(mode="json")


def withdrawal_out(
    row: Withdrawal | Draft,
    attempts: Sequence[Seen],
    events: Sequence[WithdrawalEvent],
    settings: Settings,
    *,
    challenge: ChallengeOut | None = None,
) -> WithdrawalOut:
    """The whole of it; `challenge` is read from the row's intent where nobody has it at hand."""
    if challenge is None and row.state == State.PENDING_VERIFICATION.value:
        challenge = challenge_out(parse_intent(row.intent), row.digest, row.challenge_expires_at)
    return WithdrawalOut(
        id=row.id,
        reference=row.reference,
        quote_id=row.quote_id,
        network=row.network,
        address=row.address,
        beneficiary_id=row.beneficiary_id,
        label=row.label,
        debit=AmountOut.units(row.from_asset, row.debit_units),
        deliver=AmountOut.units(row.to_asset, row.deliver_units),
        rate=row.rate,
        fees=fees_out(row),
        speed=row.speed,
        conversion_id=row.conversion_id,
        detail=row.detail,
        challenge=challenge,
        attempts=[attempt_out(attempt, settings) for attempt in attempts],
        events=[EventOut(at=e.at, state=e.state, sub_status=e.sub_status, by=e.by, detail=e.detail) for e in events],
        created_at=row.created_at,
        completed_at=row.completed_at,
        **standing(row).model_dump(),
    )


def intent_of(row: Withdrawal) -> Intent:
    """The stored intent: exactly the bytes that were digested."""
    return parse_intent(row.intent)


def parse_intent(raw: bytes) -> Intent:
    """The intent of its canonical form (`name=value` lines after the tag)."""
    fields: dict[str, Any] = dict(line.split("=", 1) for line in raw.decode().splitlines()[1:])
    for name in ("deliver_units", "debit_units", "max_network_fee_units"):
        fields[name] = int(fields[name])
    return Intent.from_json(fields)
