"""Withdrawals as their owner speaks of them: request, verify, cancel; and what time does to the unverified."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tidegate import idempotency
from tidegate.auth import accounts, step_up
from tidegate.auth.subject import Subject
from tidegate.compliance import limits, pause
from tidegate.compliance import rules as policy
from tidegate.database import Rider, new_id
from tidegate.exchange import accept, conversion
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.rules import Posting, Transfer
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.signing.messages import Authorisation
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.request import held, may_send
from tidegate.transactions.rules import CANCELLABLE, State, SubStatus, refund_transfers
from tidegate.transactions.tables import Withdrawal, WithdrawalEvent
from tidegate.transactions.view import withdrawal_out
from tidegate.wire import time_text

VERIFY = "withdrawals_verify"
BY_CODE = "authenticator code"


async def verify(
    office: Office, subject: Subject, withdrawal_id: uuid.UUID, code: str, keyed: Keyed, now: datetime
) -> Stored:
    """The second factor over exactly this intent. The conversion, if any, and the key's answer are in the same commit.

    Refuses NOT_FOUND, POLICY_BLOCKED, CONFLICT, QUOTE_EXPIRED, INVALID_CODE, CODE_ALREADY_USED, RATE_LIMITED.
    """
    return await idempotency.first_answer(
        office.db,
        keyed,
        user_id=subject.user_id,
        operation=VERIFY,
        work=lambda: _verify(office, subject, withdrawal_id, code, keyed, now),
    )


async def _verify(
    office: Office, subject: Subject, withdrawal_id: uuid.UUID, code: str, keyed: Keyed, now: datetime
) -> Stored:
    async with office.db.reading() as session:
        row = await _own(session, withdrawal_id, subject)
        events = await store.events(session, row.id)
    _may_verify(row, subject, now)
    async with office.db.transaction() as session:
        use = await step_up.check_totp(session, user_id=subject.user_id, code=code, now=now)
    authorisation = Authorisation(
        digest=row.digest,
        method="totp",
        user_id=str(row.user_id),
        verified_at=time_text(now),
        evidence=f"step {use.step}",
    )
    moves: tuple[Transfer, ...] = ()
    riders: list[Rider] = [use.rider, accounts.may_spend(row.user_id, now)]
    # An operator may hold it already: the code counts, and the hold goes on being said.
    sub = SubStatus.HOLD if row.held_by_operator is not None else None
    values: dict[str, Any] = {
        "state": State.PENDING_SCREENING.value,
        "sub_status": sub,
        "since": now,
        "due_at": now,
        "verified_at": now,
        "authorisation": authorisation.to_json(),
        "expected_by": now + timedelta(seconds=row.arrives_within),
    }
    if store.terms(row).converting:
        conversion_id = new_id()
        values["conversion_id"] = conversion_id
        async with office.db.reading() as session:
            offer = await accept.accepted(session, user_id=row.user_id, quote_id=row.quote_id, used_by=row.id)
        moves, more = conversion.execution(offer, conversion_id=conversion_id, withdrawal_id=row.id, now=now)
        riders += more
    riders += move_riders(row, State.PENDING_SCREENING, sub, values, by="you", now=now, detail=BY_CODE)
    answer = _answer_after(office, row, values, events, now)
    riders += keyed.rider(user_id=subject.user_id, operation=VERIFY, answer=answer)
    if moves:
        verdict = await office.lane.submit(Posting(f"withdrawal:{row.id}:convert", moves, "withdrawal", row.id), riders)
    else:
        verdict = await office.lane.write(riders)
    if verdict.posted:
        return answer
    if verdict.rider == "totp_step":
        raise step_up.reused(now)
    if verdict.rider == "held":
        raise held(None)
    raise Refusal(Kind.CONFLICT, "This withdrawal changed meanwhile. Look at it again.")


def _may_verify(row: Withdrawal, subject: Subject, now: datetime) -> None:
    may_send(subject)
    if row.state != State.PENDING_VERIFICATION.value:
        raise Refusal(Kind.CONFLICT, "This withdrawal does not wait for a code any more.", state=row.state)
    if now >= row.challenge_expires_at:
        raise Refusal(Kind.QUOTE_EXPIRED, "The time to confirm has passed. Nothing was sent.")


def _answer_after(
    office: Office, row: Withdrawal, values: dict[str, Any], events: Sequence[WithdrawalEvent], now: datetime
) -> Stored:
    """The answer as it will be true once the riders of this move are committed."""
    before = {column.key: getattr(row, column.key) for column in Withdrawal.__table__.columns}
    after = Withdrawal(**{**before, **values, "version": row.version + 1})
    told = WithdrawalEvent(
        withdrawal_id=row.id,
        version=after.version,
        at=now,
        state=after.state,
        sub_status=after.sub_status,
        by="you",
        detail=BY_CODE,
    )
    return Stored(200, withdrawal_out(after, [], [*events, told], office.settings).model_dump_json().encode())


async def cancel(office: Office, subject: Subject, withdrawal_id: uuid.UUID, now: datetime) -> Withdrawal:
    """Until signing; the refund is what the quote printed."""
    for _ in range(5):
        async with office.db.reading() as session:
            row = await _own(session, withdrawal_id, subject)
        state = State(row.state)
        if state is State.CANCELLED:
            return row
        if state not in CANCELLABLE:
            raise Refusal(Kind.CANNOT_CANCEL, _too_late(state), state=state.value)
        if await end(office, row, State.CANCELLED, by="you", now=now, detail=None):
            return await reload(office, row.id)
    raise Refusal(Kind.CONFLICT, "It is changing just now. Look again in a moment.")


def _too_late(state: State) -> str:
    if state in (State.SIGNING, State.BROADCASTING, State.CONFIRMING):
        return "It is being sent. Once it is sent, nobody can call it back. Not even we."
    return f"It is already {state.value.replace('_', ' ')}."


async def end(office: Office, row: Withdrawal, state: State, *, by: str, now: datetime, detail: str | None) -> bool:
    """End it without a payout and give back what is due, in one commit. False when it moved meanwhile.

    Refuses CANNOT_CANCEL for what was verified while everything is paused: our books may not know of its payment.
    """
    if row.verified_at is not None:
        async with office.db.reading() as session:
            if any(one.asset == policy.EVERYTHING for one in await pause.standing(session)):
                raise Refusal(Kind.CANNOT_CANCEL, "Everything stands still while we look into something.")
    terms = store.terms(row)
    moves = refund_transfers(terms, executed=row.conversion_id is not None, mined=False)
    riders = move_riders(
        row,
        state,
        None,
        {"state": state.value, "sub_status": None, "since": now, "detail": detail},
        by=by,
        now=now,
        detail=detail,
    )
    if row.verified_at is None and terms.converting:
        async with office.db.reading() as session:
            offer = await accept.accepted(session, user_id=row.user_id, quote_id=row.quote_id, used_by=row.id)
        riders += accept.release_riders(offer)
    riders.append(limits.give_back(row.user_id, row.usd_cents, policy.day_of(row.created_at)))
    posting = Posting(f"withdrawal:{row.id}:refund", moves, "withdrawal", row.id)
    return (await office.lane.submit(posting, riders)).posted


def move_riders(
    row: Withdrawal,
    state: State,
    sub: SubStatus | None,
    values: dict[str, Any],
    *,
    by: str,
    now: datetime,
    detail: str | None,
    fence: int | None = None,
) -> list[Rider]:
    """Riders of one transition: the guarded row, its event, the bell."""
    return [
        store.move_rider(row.id, row.version, values, fence=fence),
        store.event_rider(row.id, row.version + 1, at=now, state=state, sub_status=sub, by=by, detail=detail),
        changed(row.user_id, "withdrawal", row.id, row.version + 1),
    ]


async def expire(office: Office, now: datetime) -> int:
    """Worker step: what was never confirmed ends, and its hold goes back."""
    async with office.db.reading() as session:
        rows = await store.unverified_past(session, now)
    done = 0
    for row in rows:
        done += await end(office, row, State.EXPIRED, by="time", now=now, detail="It was not confirmed in time.")
    return done


async def reload(office: Office, withdrawal_id: uuid.UUID) -> Withdrawal:
    async with office.db.reading() as session:
        row = await store.get(session, withdrawal_id)
    assert row is not None
    return row


async def _own(session: Any, withdrawal_id: uuid.UUID, subject: Subject) -> Withdrawal:
    row = await store.get_own(session, withdrawal_id, subject.user_id)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such withdrawal.")
    return row
