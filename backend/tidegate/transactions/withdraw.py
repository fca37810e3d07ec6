"""Withdrawals as their owner speaks of them: request, verify, cancel; and what time does to the unverified."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tidegate import failpoints, idempotency
from tidegate.auth import accounts, step_up
from tidegate.auth.subject import Subject
from tidegate.compliance import freeze, limits, pause
from tidegate.compliance import rules as policy
from tidegate.database import Rider, new_id
from tidegate.exchange import accept, conversion
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.rules import Posting, Transfer
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.signing.messages import Authorisation
from tidegate.transactions import mails, store
from tidegate.transactions.office import Office
from tidegate.transactions.request import may_send, stopped
from tidegate.transactions.rules import CANCELLABLE, ENDED, State, SubStatus, promised, refund_transfers
from tidegate.transactions.tables import Withdrawal, WithdrawalEvent
from tidegate.transactions.view import told, withdrawal_out
from tidegate.treasury.arrivals import Trip
from tidegate.treasury.rules import REVIEW_SECONDS, Way
from tidegate.wire import time_text

VERIFY = "withdrawals_verify"
BY_CODE = "authenticator code"
_UNCONFIRMED = "It was not confirmed in time."


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
    failpoints.reach("P3.factor:before")
    async with office.db.transaction() as session:
        use = await step_up.check_totp(session, user_id=subject.user_id, code=code, now=now)
    failpoints.reach("P3.factor:after")
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
        "expected_by": now + await _promise(office, row),
    }
    if store.terms(row).converting:
        conversion_id = new_id()
        values["conversion_id"] = conversion_id
        async with office.db.reading() as session:
            offer = await accept.accepted(session, user_id=row.user_id, quote_id=row.quote_id, used_by=row.id)
        moves, more = conversion.execution(offer, conversion_id=conversion_id, withdrawal_id=row.id, now=now)
        riders += more
    grounds = {"digest": row.digest, "method": authorisation.method, "evidence": authorisation.evidence}
    riders += move_riders(row, State.PENDING_SCREENING, sub, values, by="you", now=now, detail=BY_CODE, inputs=grounds)
    answer = _answer_after(office, row, values, events, now)
    riders += keyed.rider(user_id=subject.user_id, operation=VERIFY, answer=answer)
    failpoints.reach("P4.verify:before")
    if moves:
        verdict = await office.lane.submit(Posting(f"withdrawal:{row.id}:convert", moves, "withdrawal", row.id), riders)
    else:
        verdict = await office.lane.write(riders)
    if verdict.posted:
        failpoints.reach("P5.verify:after")
        return answer
    if verdict.rider == "totp_step":
        raise step_up.reused(now)
    if verdict.rider == "held":
        raise await stopped(office, row.user_id, now)
    raise Refusal(Kind.CONFLICT, "This withdrawal changed meanwhile. Look at it again.")


async def _promise(office: Office, row: Withdrawal) -> timedelta:
    """Made once, at verification. It does not move: what takes longer is `slower_than_usual`."""
    way = Way.REVIEWED if row.review_needed else Way.STRAIGHT
    usual = await office.desk.arrivals.usual(office.db, Trip(way, row.network, row.to_asset, row.speed))
    return promised(
        timedelta(seconds=row.arrives_within),
        usual.promised if usual is not None else None,
        review=row.review_needed,
        review_prior=timedelta(seconds=REVIEW_SECONDS),
    )


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
    event = WithdrawalEvent(
        withdrawal_id=row.id,
        version=after.version,
        at=now,
        state=after.state,
        sub_status=after.sub_status,
        by="you",
        detail=BY_CODE,
        state_before=row.state,
        sub_status_before=row.sub_status,
        inputs=None,
    )
    return Stored(200, withdrawal_out(after, [], [*events, event], office.settings).model_dump_json().encode())


async def cancel(office: Office, subject: Subject, withdrawal_id: uuid.UUID, now: datetime) -> Withdrawal:
    """Until signing; the refund is what the quote printed."""
    async with office.db.reading() as session:
        row = await _own(session, withdrawal_id, subject)
    return await cancel_row(office, row, now=now, detail=None)


async def cancel_row(office: Office, row: Withdrawal, *, now: datetime, detail: str | None) -> Withdrawal:
    """Cancel for somebody who may. Refuses CANNOT_CANCEL and CONFLICT; cancelling twice is fine."""
    for _ in range(5):
        row = await reload(office, row.id)
        state = State(row.state)
        if state is State.CANCELLED:
            return row
        if state not in CANCELLABLE:
            async with office.db.reading() as session:
                events = await store.events(session, row.id)
            raise Refusal(Kind.CANNOT_CANCEL, too_late(state, events), state=state.value)
        failpoints.reach("P5.cancel:before")
        if await end(office, row, State.CANCELLED, by="you", now=now, detail=detail):
            failpoints.reach("P5.cancel:after")
            return await reload(office, row.id)
    raise Refusal(Kind.CONFLICT, "It is changing just now. Look again in a moment.")


def too_late(state: State, events: Sequence[WithdrawalEvent]) -> str:
    """Why it cannot be cancelled any more, and since when."""
    if state in ENDED:
        entered = [one.at for one in events if one.state == state.value]
        word = state.value.replace("_", " ")
        return f"It was already {word} at {time_text(entered[0])}." if entered else f"It is already {word}."
    signed = [one.at for one in events if one.state == State.BROADCASTING.value]
    if signed:
        return f"It was already signed at {time_text(signed[-1])}. Once signed, nobody can call it back. Not even we."
    return "It is being signed just now: whether that can still be stopped, nobody knows in this moment."


async def end(
    office: Office,
    row: Withdrawal,
    state: State,
    *,
    by: str,
    now: datetime,
    detail: str | None,
    inputs: dict[str, Any] | None = None,
) -> bool:
    """End it without a payout and give back what is due, in one commit. False when it moved meanwhile.

    Refuses CANNOT_CANCEL for what was verified while everything is paused: our books may not know of its payment.
    """
    async with office.db.reading() as session:
        stands = [one for one in await pause.standing(session) if one.asset == policy.EVERYTHING]
    # On a restored database even what is not verified may have been, and paid.
    if stands and (row.verified_at is not None or any(one.cause is policy.Cause.RESTORED for one in stands)):
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
        inputs=inputs,
    )
    if row.verified_at is None and terms.converting:
        async with office.db.reading() as session:
            offer = await accept.accepted(session, user_id=row.user_id, quote_id=row.quote_id, used_by=row.id)
        riders += accept.release_riders(offer)
    riders += mails.returned(office.settings, row, state, moves, detail, now)
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
    inputs: dict[str, Any] | None = None,
    fence: int | None = None,
) -> list[Rider]:
    """Riders of one transition: the guarded row, its event, the bell."""
    return [
        store.move_rider(row.id, row.version, values, fence=fence),
        store.event_rider(
            row, row.version + 1, at=now, state=state, sub_status=sub, by=by, detail=detail, inputs=inputs
        ),
        changed(row.user_id, "withdrawal", row.id, row.version + 1, told(row, **values)),
    ]


async def expire(office: Office, now: datetime) -> int:
    """Worker step: what was never confirmed ends, and its hold goes back; nothing does on a restored database."""
    async with office.db.reading() as session:
        rows = [] if await freeze.restored(session) is not None else await store.unverified_past(session, now)
    done = 0
    for row in rows:
        grounds = {"challenge_expires_at": time_text(row.challenge_expires_at)}
        done += await end(office, row, State.EXPIRED, by="time", now=now, detail=_UNCONFIRMED, inputs=grounds)
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
