"""Withdrawals as their owner speaks of them: request, verify, cancel; and what time does to the unverified."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidegate import idempotency
from tidegate.auth import step_up
from tidegate.auth.subject import Subject
from tidegate.compliance import limits, pause
from tidegate.compliance import rules as policy
from tidegate.database import Rider, new_id
from tidegate.exchange import accept, conversion
from tidegate.exchange.rules import Offer, would_need_review
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.rules import Outcome, Posting, Transfer, Verdict
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.signing.messages import Authorisation, Intent
from tidegate.transactions import store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import CANCELLABLE, State, SubStatus, hold_transfers, refund_transfers
from tidegate.transactions.tables import Withdrawal, WithdrawalEvent
from tidegate.transactions.view import withdrawal_out
from tidegate.wallets import destinations
from tidegate.wire import time_text

REQUEST = "withdrawals_create"
VERIFY = "withdrawals_verify"
BY_CODE = "authenticator code"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asks: a quote, one destination, and perhaps a reference of their own."""

    quote_id: uuid.UUID
    address: str | None
    beneficiary_id: uuid.UUID | None
    reference: str | None


async def request(office: Office, subject: Subject, asked: Asked, keyed: Keyed, now: datetime) -> Stored:
    """Accept a quote: key, withdrawal, hold, quote and event are one commit. Refusals consume nothing."""
    return await idempotency.first_answer(
        office.db,
        keyed,
        user_id=subject.user_id,
        operation=REQUEST,
        work=lambda: _request(office, subject, asked, keyed, now),
    )


async def _request(office: Office, subject: Subject, asked: Asked, keyed: Keyed, now: datetime) -> Stored:
    _not_frozen(subject)
    if not subject.enrolled:
        raise Refusal(Kind.SECOND_FACTOR_REQUIRED, "Set up an authenticator before you send money out.")
    row, offer = await _draft(office, subject, asked, now)
    body = withdrawal_out(row, [], [], office.settings).model_dump(mode="json")
    riders = [
        *keyed.rider(user_id=subject.user_id, operation=REQUEST, status=201, body=body),
        accept.accept_rider(offer, row.id, now),
        store.insert_rider(_values(row)),
        store.event_rider(row.id, 1, at=now, state=State.PENDING_VERIFICATION, sub_status=None, by="you", detail=None),
        limits.spend(row.user_id, row.usd_cents, limits.of(office.settings.compliance).daily, policy.day_of(now)),
        changed(subject.user_id, "withdrawal", row.id, 1),
    ]
    posting = Posting(f"withdrawal:{row.id}:hold", hold_transfers(store.terms(row)), "withdrawal", row.id)
    verdict = await office.lane.submit(posting, riders)
    if verdict.posted:
        return Stored(201, body, replayed=False)
    if verdict.rider == "idempotency" or verdict.rider == "busy":
        return await idempotency.replay_after_conflict(office.db, keyed, user_id=subject.user_id, operation=REQUEST)
    raise await _refused(office, offer, verdict, now)


def _not_frozen(subject: Subject) -> None:
    if subject.frozen:
        raise Refusal(Kind.POLICY_BLOCKED, "This account is frozen: nothing leaves it until that is lifted.")


async def _draft(office: Office, subject: Subject, asked: Asked, now: datetime) -> tuple[Withdrawal, Offer]:
    """The row to be, with its intent. Reads only; refuses what can be refused before the commit."""
    async with office.db.reading() as session:
        offer = await accept.quote_for(
            session, user_id=subject.user_id, quote_id=asked.quote_id, kind="withdrawal", now=now
        )
        assert offer.network is not None
        network, chain = offer.network, office.desk.chain(offer.network)
        label: str | None = None
        if asked.beneficiary_id is not None:
            saved = await destinations.beneficiary(
                session,
                user_id=subject.user_id,
                beneficiary_id=asked.beneficiary_id,
                asset=offer.to_asset,
                network=network,
                now=now,
            )
            address, label = saved.address, saved.label
        else:
            assert asked.address is not None
            address = asked.address
        found = await destinations.check(
            session,
            chain=chain,
            settings=office.settings,
            user_id=subject.user_id,
            network=network,
            asset=offer.to_asset,
            address=address,
        )
    accept.same_destination(offer, address=found.address)
    cents, review = _judged(office, offer, now)
    _no_review_of_a_price(offer, review)
    quotes = office.settings.quotes
    lives = quotes.converting_challenge_seconds if offer.converting else quotes.challenge_seconds
    row = Withdrawal(
        id=new_id(),
        user_id=subject.user_id,
        quote_id=offer.id,
        reference=asked.reference,
        network=network,
        address=found.address,
        beneficiary_id=asked.beneficiary_id,
        label=label,
        from_asset=offer.from_asset,
        to_asset=offer.to_asset,
        debit_units=offer.figures.debit,
        deliver_units=offer.figures.deliver,
        rate=offer.figures.rate.text,
        fee_network_units=offer.figures.network,
        fee_service_units=offer.figures.service,
        fee_spread_units=offer.figures.spread,
        usd_cents=cents,
        review_needed=review,
        speed=offer.speed or "standard",
        arrives_within=offer.arrives.latest_seconds,
        state=State.PENDING_VERIFICATION.value,
        since=now,
        version=1,
        challenge_expires_at=now + timedelta(seconds=lives),
        created_at=now,
        due_at=now,
        fence=0,
    )
    intent = Intent(
        payout_id=str(row.id),
        user_id=str(row.user_id),
        network=network,
        asset=row.to_asset,
        address=row.address,
        deliver_units=row.deliver_units,
        debit_asset=row.from_asset,
        debit_units=row.debit_units,
        max_network_fee_units=offer.network_fee_max_units,
        created_at=time_text(now),
    )
    row.intent, row.digest = intent.canonical(), intent.digest()
    return row, offer


def _values(row: Withdrawal) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in Withdrawal.__table__.columns}


def _judged(office: Office, offer: Offer, now: datetime) -> tuple[int, bool]:
    """(cents it counts for, a person must look). Without any price a person looks: it never passes by default."""
    if offer.usd_units is None:
        return 0, True
    cents = -(-offer.usd_units // 10_000)
    judged = policy.judge(cents, 0, limits.of(office.settings.compliance))
    if judged.policy is policy.Policy.REFUSE:
        raise _above(judged.limit or "per_withdrawal", now)
    return cents, offer.review_needed or judged.policy is policy.Policy.REVIEW


def _no_review_of_a_price(offer: Offer, review: bool) -> None:
    """A price cannot wait for a person: when policy changed since the quote, or nothing can be valued any more."""
    if offer.converting and review:
        raise would_need_review()


def _above(limit: str, now: datetime) -> Refusal:
    if limit == "daily":
        ends = time_text(policy.day_ends(policy.day_of(now)))
        return Refusal(Kind.LIMIT_EXCEEDED, "This is more than is left for today.", limit=limit, available_at=ends)
    return Refusal(Kind.LIMIT_EXCEEDED, "This is more than one withdrawal may be.", limit=limit)


async def _refused(office: Office, offer: Offer, verdict: Verdict, now: datetime) -> Refusal:
    if verdict.outcome is Outcome.INSUFFICIENT:
        return Refusal(Kind.INSUFFICIENT_FUNDS, "Not enough available for this debit.", field="quote_id")
    if verdict.rider == "quote":
        async with office.db.reading() as session:
            return await accept.missed(session, offer)
    if verdict.rider == "reference":
        return Refusal(Kind.CONFLICT, "This reference was used before.", field="reference")
    if verdict.rider == "limit":
        return _above("daily", now)
    return Refusal(Kind.CONFLICT, "Something changed meanwhile. Ask again.")


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
    riders: list[Rider] = [use.rider]
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
    body = _body_after(office, row, values, events, now)
    riders += keyed.rider(user_id=subject.user_id, operation=VERIFY, status=200, body=body)
    if moves:
        verdict = await office.lane.submit(Posting(f"withdrawal:{row.id}:convert", moves, "withdrawal", row.id), riders)
    else:
        verdict = await office.lane.write(riders)
    if verdict.posted:
        return Stored(200, body, replayed=False)
    if verdict.rider == "totp_step":
        raise step_up.reused(now)
    raise Refusal(Kind.CONFLICT, "This withdrawal changed meanwhile. Look at it again.")


def _may_verify(row: Withdrawal, subject: Subject, now: datetime) -> None:
    _not_frozen(subject)
    if row.state != State.PENDING_VERIFICATION.value:
        raise Refusal(Kind.CONFLICT, "This withdrawal does not wait for a code any more.", state=row.state)
    if now >= row.challenge_expires_at:
        raise Refusal(Kind.QUOTE_EXPIRED, "The time to confirm has passed. Nothing was sent.")


def _body_after(
    office: Office, row: Withdrawal, values: dict[str, Any], events: Sequence[WithdrawalEvent], now: datetime
) -> dict[str, Any]:
    """The answer as it will be true once the riders of this move are committed."""
    after = Withdrawal(**{**_values(row), **values, "version": row.version + 1})
    told = WithdrawalEvent(
        withdrawal_id=row.id,
        version=after.version,
        at=now,
        state=after.state,
        sub_status=after.sub_status,
        by="you",
        detail=BY_CODE,
    )
    return withdrawal_out(after, [], [*events, told], office.settings).model_dump(mode="json")


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
