"""Internal transfers as their sender speaks of them: create, verify, cancel; and what time does to the unverified."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate import idempotency
from tidegate.auth import accounts, rates, step_up
from tidegate.auth.gate import gate_of
from tidegate.auth.subject import Subject
from tidegate.compliance import limits, pause
from tidegate.compliance import rules as policy
from tidegate.compliance.rules import Judged
from tidegate.database import Rider, new_id
from tidegate.exchange.policy import cents_of
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.balances import balance
from tidegate.ledger.rules import Outcome, Posting, Verdict, customer
from tidegate.money import Amount
from tidegate.outbox.events import shown
from tidegate.refusal import Kind, Refusal
from tidegate.signing.messages import Authorisation, digest_of
from tidegate.transactions import transfer_rules as rules
from tidegate.transactions import transfer_store as store
from tidegate.transactions.office import Office
from tidegate.transactions.request import above, may_send, stopped
from tidegate.transactions.rules import TransferState
from tidegate.transactions.tables import InternalTransfer, InternalTransferEvent
from tidegate.transactions.transfer_rules import TransferDraft, TransferIntent
from tidegate.transactions.transfer_view import transfer_out
from tidegate.transactions.withdraw import BY_CODE
from tidegate.wallets import debts, destinations
from tidegate.wire import amount_in, time_text

CREATE = "transfers_create"
VERIFY = "transfers_verify"
LIMIT = "transfers"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sender asks; exactly one of `to_email` and `to_address`."""

    asset: str
    amount: str
    to_email: str | None
    to_address: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class _Recipient:
    """Who is to get it, and what the sender knows them by."""

    user_id: uuid.UUID
    email: str | None = None
    address: str | None = None
    network: str | None = None


async def create(office: Office, subject: Subject, asked: Asked, keyed: Keyed, now: datetime) -> Stored:
    """Hold the money for somebody here: key, transfer, hold and event are one commit.

    Whether there is such a recipient is the last thing that is looked at, and each look counts against the limit
    `transfers`, whatever comes of it: nobody can ask whole lists of people for nothing.
    """
    return await idempotency.first_answer(
        office.db,
        keyed,
        user_id=subject.user_id,
        operation=CREATE,
        work=lambda: _create(office, subject, asked, keyed, now),
    )


async def _create(office: Office, subject: Subject, asked: Asked, keyed: Keyed, now: datetime) -> Stored:
    may_send(subject)
    if not subject.enrolled:
        raise Refusal(Kind.SECOND_FACTOR_REQUIRED, "Set up an authenticator before you send money out.")
    amount = amount_in(asked.asset, asked.amount)
    cents = await _affordable(office, subject, amount, now)
    async with office.db.reading() as session:
        await rates.take(gate_of(session), LIMIT, str(subject.user_id), now=now)
        recipient = await _recipient(office, session, asked)
    if recipient.user_id == subject.user_id:
        field = "to_email" if asked.to_address is None else "to_address"
        raise Refusal(Kind.OWN_ADDRESS, "This is your own account: the money is there already.", field=field)
    row = _draft(office, subject, amount, recipient, cents, asked.reference, now)
    answer = Stored(201, transfer_out(row, [], user_id=row.user_id).model_dump_json().encode())
    riders = [
        *keyed.rider(user_id=subject.user_id, operation=CREATE, answer=answer),
        store.insert_rider(row),
        store.event_rider(row.id, 1, at=now, state=TransferState.PENDING_VERIFICATION, by="you", detail=None),
        limits.spend(row.user_id, cents, limits.of(office.settings.compliance).daily, policy.day_of(now)),
        shown(row.user_id, "transfer", row.id, 1),
    ]
    moves = rules.hold(row.user_id, row.asset, row.units)
    verdict = await office.lane.submit(Posting(f"transfer:{row.id}:hold", moves, "transfer", row.id), riders)
    if verdict.posted:
        return answer
    if verdict.rider == "idempotency" or verdict.rider == "busy":
        return await idempotency.replay_after_conflict(office.db, keyed, user_id=subject.user_id, operation=CREATE)
    raise _refused(verdict, now)


async def _affordable(office: Office, subject: Subject, amount: Amount, now: datetime) -> int:
    """The cents it counts for. Refuses what may not or cannot leave this account now, whoever is to get it."""
    code = amount.asset.code
    cents = await cents_of(office.desk, amount)
    async with office.db.reading() as session:
        await _may_move(session, subject, code)
        judged = Judged(policy.Policy.REVIEW)
        if cents is not None:
            judged = await limits.judge(
                session, settings=office.settings.compliance, user_id=subject.user_id, usd_cents=cents, now=now
            )
        if judged.policy is policy.Policy.REFUSE:
            raise above(judged.limit or "per_withdrawal", now)
        if cents is None or judged.policy is policy.Policy.REVIEW:
            detail = "A person would have to look at this, and an internal transfer waits for nobody."
            raise Refusal(Kind.REVIEW_REQUIRED, detail, field="amount")
        if await balance(session, customer(subject.user_id, "available", code)) < amount.units:
            raise _short()
    return cents


async def _may_move(session: AsyncSession, subject: Subject, asset: str) -> None:
    """Refuses POLICY_BLOCKED while this asset stands still, or the account owes of it."""
    if await pause.paused(session, asset) is not None:
        raise Refusal(Kind.POLICY_BLOCKED, f"{asset} stands still while we look into something.")
    if await debts.owed(session, user_id=subject.user_id, asset=asset):
        raise Refusal(Kind.POLICY_BLOCKED, f"A deposit was taken back by the network: {asset} is owed here first.")


async def _recipient(office: Office, session: AsyncSession, asked: Asked) -> _Recipient:
    """Refuses NOT_FOUND in the same words for nobody, for a frozen account and for one whose address nobody confirmed."""
    found: _Recipient | None = None
    if asked.to_email is not None:
        field, account = "to_email", await accounts.user_by_email(session, asked.to_email)
        if account is not None:
            found = _Recipient(account.id, email=account.email)
    else:
        field = "to_address"
        at = await destinations.customer_at(
            session,
            chains=office.chains,
            settings=office.settings,
            asset=asked.asset,
            address=asked.to_address or "",
            field=field,
        )
        if at is not None:
            found = _Recipient(at.user_id, address=at.address, network=at.network)
            account = await accounts.user_by_id(session, at.user_id)
    if found is None or account is None or not account.receives:
        raise Refusal(Kind.NOT_FOUND, "Nobody here can be paid like this.", field=field)
    return found


def _draft(
    office: Office,
    subject: Subject,
    amount: Amount,
    recipient: _Recipient,
    cents: int,
    reference: str | None,
    now: datetime,
) -> TransferDraft:
    identity = new_id()
    intent = TransferIntent(
        transfer_id=str(identity),
        user_id=str(subject.user_id),
        asset=amount.asset.code,
        units=str(amount.units),
        to=recipient.email or recipient.address or "",
        created_at=time_text(now),
    ).canonical()
    return TransferDraft(
        id=identity,
        user_id=subject.user_id,
        recipient_id=recipient.user_id,
        reference=reference,
        asset=amount.asset.code,
        units=amount.units,
        to_email=recipient.email,
        from_email=subject.email if recipient.email is not None else None,
        to_address=recipient.address,
        network=recipient.network,
        usd_cents=cents,
        intent=intent,
        digest=digest_of(intent),
        challenge_expires_at=now + timedelta(seconds=office.settings.quotes.challenge_seconds),
        since=now,
        created_at=now,
    )


def _short() -> Refusal:
    return Refusal(Kind.INSUFFICIENT_FUNDS, "Not enough available for this.", field="amount")


def _refused(verdict: Verdict, now: datetime) -> Refusal:
    if verdict.outcome is Outcome.INSUFFICIENT:
        return _short()
    if verdict.rider == "reference":
        return Refusal(Kind.CONFLICT, "This reference was used before.", field="reference")
    if verdict.rider == "limit":
        return above("daily", now)
    return Refusal(Kind.CONFLICT, "Something changed meanwhile. Ask again.")


async def verify(
    office: Office, subject: Subject, transfer_id: uuid.UUID, code: str, keyed: Keyed, now: datetime
) -> Stored:
    """The second factor over exactly this transfer: code, posting, state and both sides' events are one commit.

    Refuses NOT_FOUND, POLICY_BLOCKED, CONFLICT, QUOTE_EXPIRED, INVALID_CODE, CODE_ALREADY_USED, RATE_LIMITED.
    """
    return await idempotency.first_answer(
        office.db,
        keyed,
        user_id=subject.user_id,
        operation=VERIFY,
        work=lambda: _verify(office, subject, transfer_id, code, keyed, now),
    )


async def _verify(
    office: Office, subject: Subject, transfer_id: uuid.UUID, code: str, keyed: Keyed, now: datetime
) -> Stored:
    async with office.db.reading() as session:
        row = await _sent(session, transfer_id, subject)
        events = await store.events(session, row.id)
        _may_verify(row, subject, now)
        await _may_move(session, subject, row.asset)
    async with office.db.transaction() as session:
        use = await step_up.check_totp(session, user_id=subject.user_id, code=code, now=now)
    authorisation = Authorisation(
        digest=row.digest,
        method="totp",
        user_id=str(row.user_id),
        verified_at=time_text(now),
        evidence=f"step {use.step}",
    )
    state = TransferState.COMPLETED
    values: dict[str, Any] = {"state": state.value, "since": now, "completed_at": now}
    values["authorisation"] = authorisation.to_json()
    answer = _answer_after(row, values, events, now)
    riders = [
        accounts.may_spend(row.user_id, now),
        accounts.not_frozen(row.recipient_id),
        use.rider,
        *_move_riders(row, state, values, by="you", now=now, detail=BY_CODE),
        shown(row.recipient_id, "transfer", row.id, row.version + 1),
        *keyed.rider(user_id=subject.user_id, operation=VERIFY, answer=answer),
    ]
    moves = rules.deliver(row.user_id, row.recipient_id, row.asset, row.units)
    verdict = await office.lane.submit(Posting(f"transfer:{row.id}:complete", moves, "transfer", row.id), riders)
    if verdict.posted:
        return answer
    if verdict.rider == "totp_step":
        raise step_up.reused(now)
    if verdict.rider == "held":
        raise await stopped(office, row.user_id, now)
    if verdict.rider == "frozen":
        raise Refusal(Kind.POLICY_BLOCKED, "This transfer cannot be made now. Nothing was sent.")
    raise Refusal(Kind.CONFLICT, "This transfer changed meanwhile. Look at it again.")


def _may_verify(row: InternalTransfer, subject: Subject, now: datetime) -> None:
    may_send(subject)
    if row.state != TransferState.PENDING_VERIFICATION.value:
        raise Refusal(Kind.CONFLICT, "This transfer does not wait for a code any more.", state=row.state)
    if now >= row.challenge_expires_at:
        raise Refusal(Kind.QUOTE_EXPIRED, "The time to confirm has passed. Nothing was sent.")


def _answer_after(
    row: InternalTransfer, values: dict[str, Any], events: list[InternalTransferEvent], now: datetime
) -> Stored:
    """The answer as it will be true once the riders of this move are committed."""
    before = {column.key: getattr(row, column.key) for column in InternalTransfer.__table__.columns}
    after = InternalTransfer(**{**before, **values, "version": row.version + 1})
    told = InternalTransferEvent(
        transfer_id=row.id, version=after.version, at=now, state=after.state, by="you", detail=BY_CODE
    )
    return Stored(200, transfer_out(after, [*events, told], user_id=row.user_id).model_dump_json().encode())


async def cancel(office: Office, subject: Subject, transfer_id: uuid.UUID, now: datetime) -> None:
    """Before it is confirmed; the money comes back at once. Cancelling again changes nothing.

    Refuses NOT_FOUND, CANNOT_CANCEL, CONFLICT.
    """
    for _ in range(5):
        async with office.db.reading() as session:
            row = await _sent(session, transfer_id, subject)
        state = TransferState(row.state)
        if state is TransferState.CANCELLED:
            return
        if not rules.may_cancel(state):
            raise Refusal(Kind.CANNOT_CANCEL, f"It is already {state.value}.", state=state.value)
        if await _end(office, row, TransferState.CANCELLED, by="you", now=now, detail=None):
            return
    raise Refusal(Kind.CONFLICT, "It is changing just now. Look again in a moment.")


async def expire(office: Office, now: datetime) -> int:
    """Worker step: what was never confirmed ends, and its hold goes back."""
    async with office.db.reading() as session:
        rows = await store.unverified_past(session, now)
    detail = "It was not confirmed in time."
    ended = [await _end(office, row, TransferState.EXPIRED, by="time", now=now, detail=detail) for row in rows]
    return sum(ended)


async def _end(
    office: Office, row: InternalTransfer, state: TransferState, *, by: str, now: datetime, detail: str | None
) -> bool:
    """End it and give back the hold and what it counted against the day, in one commit. False when it moved meanwhile."""
    values: dict[str, Any] = {"state": state.value, "since": now, "detail": detail}
    riders = _move_riders(row, state, values, by=by, now=now, detail=detail)
    riders.append(limits.give_back(row.user_id, row.usd_cents, policy.day_of(row.created_at)))
    moves = rules.give_back(row.user_id, row.asset, row.units)
    return (await office.lane.submit(Posting(f"transfer:{row.id}:refund", moves, "transfer", row.id), riders)).posted


def _move_riders(
    row: InternalTransfer, state: TransferState, values: dict[str, Any], *, by: str, now: datetime, detail: str | None
) -> list[Rider]:
    """Riders of one transition: the guarded row, its event, the sender's bell."""
    return [
        store.move_rider(row.id, row.version, values),
        store.event_rider(row.id, row.version + 1, at=now, state=state, by=by, detail=detail),
        shown(row.user_id, "transfer", row.id, row.version + 1),
    ]


async def _sent(session: AsyncSession, transfer_id: uuid.UUID, subject: Subject) -> InternalTransfer:
    """The sender's own. To its recipient it is not there for what only a sender does."""
    row = await store.get_own(session, transfer_id, subject.user_id)
    if row is None or row.user_id != subject.user_id:
        raise Refusal(Kind.NOT_FOUND, "There is no such internal transfer.")
    return row
