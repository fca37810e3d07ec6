"""Accepting a quote: the withdrawal that a user asks for, its hold, and everything that has to be true with it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate import failpoints, idempotency
from tidegate.auth import accounts, rates
from tidegate.auth.subject import Subject
from tidegate.compliance import limits
from tidegate.compliance import rules as policy
from tidegate.database import new_id
from tidegate.exchange import accept
from tidegate.exchange.rules import Offer, would_need_review
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.rules import Outcome, Posting, Verdict
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.signing.messages import Intent, digest_of
from tidegate.transactions import mails, store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import Draft, State, hold_transfers
from tidegate.transactions.view import challenge_out, told, withdrawal_out
from tidegate.wallets import destinations
from tidegate.wire import time_text

REQUEST = "withdrawals_create"
LIMIT = "withdrawals"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asks: a quote, one destination, and perhaps a reference of their own."""

    quote_id: uuid.UUID
    address: str | None
    beneficiary_id: uuid.UUID | None
    reference: str | None


async def request(office: Office, subject: Subject, asked: Asked, keyed: Keyed, now: datetime) -> Stored:
    """Accept a quote: key, withdrawal, hold, quote and event are one commit. Refusals consume nothing.

    Everything is read in look-ups that are shared with whoever asks at the same time, and nothing is written but by the
    one commit: this is the path that a busy day is made of.
    """
    return await idempotency.first_answer(
        office.db,
        keyed,
        user_id=subject.user_id,
        operation=REQUEST,
        work=lambda: _request(office, subject, asked, keyed, now),
        look_first=False,
    )


async def _request(office: Office, subject: Subject, asked: Asked, keyed: Keyed, now: datetime) -> Stored:
    may_send(subject)
    if not subject.enrolled:
        raise Refusal(Kind.SECOND_FACTOR_REQUIRED, "Set up an authenticator before you send money out.")
    row, intent, offer = await _draft(office, subject, asked, now)
    challenge = challenge_out(intent, row.digest, row.challenge_expires_at)
    shown = withdrawal_out(row, [], [], office.settings, challenge=challenge)
    answer = Stored(201, shown.model_dump_json().encode())
    riders = [
        *keyed.rider(user_id=subject.user_id, operation=REQUEST, answer=answer),
        rates.rider(office.settings, LIMIT, str(subject.user_id), now=now),
        accept.accept_rider(offer, row.id, now),
        store.insert_rider(row),
        store.event_rider(
            row,
            1,
            at=now,
            state=State.PENDING_VERIFICATION,
            sub_status=None,
            by="you",
            detail=None,
            inputs={"quote": str(offer.id), "digest": row.digest, "review_needed": row.review_needed},
        ),
        limits.spend(row.user_id, row.usd_cents, limits.of(office.settings.compliance).daily, policy.day_of(now)),
        changed(subject.user_id, "withdrawal", row.id, 1, told(row)),
        *mails.requested(office.settings, row, now),
    ]
    posting = Posting(f"withdrawal:{row.id}:hold", hold_transfers(store.terms(row)), "withdrawal", row.id)
    failpoints.reach("P1.request:before")
    verdict = await office.lane.submit(posting, riders)
    if verdict.posted:
        failpoints.reach("P2.request:after")
        return answer
    if verdict.rider == "idempotency" or verdict.rider == "busy":
        return await idempotency.replay_after_conflict(office.db, keyed, user_id=subject.user_id, operation=REQUEST)
    if verdict.rider == "rate":
        raise await rates.none_left(office.db, office.settings, LIMIT, str(subject.user_id), now=now)
    raise await _refused(office, offer, verdict, now)


def may_send(subject: Subject) -> None:
    """Refuses POLICY_BLOCKED for an account that nothing may leave now. Who asks is signed in, so it is not closed."""
    if subject.frozen:
        raise _frozen()
    if subject.held_until is not None:
        raise _held(subject.held_until)


async def stopped(office: Office, user_id: uuid.UUID, now: datetime) -> Refusal:
    """In the words of may_send, what the commit itself refused: the account was stopped while it was asked."""
    async with office.db.reading() as session:
        account = await accounts.user_by_id(session, user_id)
    if account is None or account.closed_at is not None:
        return Refusal(Kind.POLICY_BLOCKED, "This account is closed: nothing leaves it any more.")
    if account.frozen_at is not None:
        return _frozen()
    if account.held_until is not None and account.held_until > now:
        return _held(account.held_until)
    return Refusal(Kind.CONFLICT, "This changed meanwhile. Look at it again.")


def _frozen() -> Refusal:
    return Refusal(Kind.POLICY_BLOCKED, "This account is frozen: nothing leaves it until that is lifted.")


def _held(until: datetime) -> Refusal:
    detail = "The e-mail address of this account was changed: for 72 hours nothing new leaves it."
    return Refusal(Kind.POLICY_BLOCKED, detail, available_at=time_text(until))


async def _draft(office: Office, subject: Subject, asked: Asked, now: datetime) -> tuple[Draft, Intent, Offer]:
    """The row to be, with its intent. Reads only; refuses what can be refused before the commit."""
    offer = await accept.quote_for(
        office.db, user_id=subject.user_id, quote_id=asked.quote_id, kind="withdrawal", now=now
    )
    assert offer.network is not None
    address, label = await _destination(office, subject, asked, offer, offer.network, now)
    accept.same_destination(offer, address=address)
    cents, review = _judged(office, offer, now)
    _no_review_of_a_price(offer, review)
    quotes = office.settings.quotes
    lives = quotes.converting_challenge_seconds if offer.converting else quotes.challenge_seconds
    identity = new_id()
    intent = Intent(
        payout_id=str(identity),
        user_id=str(subject.user_id),
        network=offer.network,
        asset=offer.to_asset,
        address=address,
        deliver_units=offer.figures.deliver,
        debit_asset=offer.from_asset,
        debit_units=offer.figures.debit,
        max_network_fee_units=offer.network_fee_max_units,
        created_at=time_text(now),
    )
    canonical = intent.canonical()
    row = Draft(
        id=identity,
        user_id=subject.user_id,
        quote_id=offer.id,
        reference=asked.reference,
        network=offer.network,
        address=address,
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
        intent=canonical,
        digest=digest_of(canonical),
        challenge_expires_at=now + timedelta(seconds=lives),
        since=now,
        created_at=now,
        due_at=now,
    )
    return row, intent, offer


async def _destination(
    office: Office, subject: Subject, asked: Asked, offer: Offer, network: str, now: datetime
) -> tuple[str, str | None]:
    """(canonical address, label of the saved one) of where it is to go."""
    address, label = asked.address, None
    if asked.beneficiary_id is not None:
        async with office.db.reading() as session:
            saved = await destinations.beneficiary(
                session,
                user_id=subject.user_id,
                beneficiary_id=asked.beneficiary_id,
                asset=offer.to_asset,
                network=network,
                now=now,
            )
        address, label = saved.address, saved.label
    assert address is not None
    chain = office.desk.chain(network)
    found = await destinations.payable(
        office.db, chain=chain, settings=office.settings, network=network, asset=offer.to_asset, address=address
    )
    if asked.beneficiary_id is None and office.settings.compliance.new_address_cooldown_seconds:
        async with office.db.reading() as session:
            await destinations.old_enough(
                session,
                settings=office.settings,
                user_id=subject.user_id,
                network=network,
                asset=offer.to_asset,
                address=found.address,
                now=now,
            )
    return found.address, label


def _judged(office: Office, offer: Offer, now: datetime) -> tuple[int, bool]:
    """(cents it counts for, a person must look). Without any price a person looks: it never passes by default."""
    if offer.usd_units is None:
        return 0, True
    cents = -(-offer.usd_units // 10_000)
    judged = policy.judge(cents, 0, limits.of(office.settings.compliance))
    if judged.policy is policy.Policy.REFUSE:
        raise above(judged.limit or "per_withdrawal", now)
    return cents, offer.review_needed or judged.policy is policy.Policy.REVIEW


def _no_review_of_a_price(offer: Offer, review: bool) -> None:
    """A price cannot wait for a person: when policy changed since the quote, or nothing can be valued any more."""
    if offer.converting and review:
        raise would_need_review()


def above(limit: str, now: datetime) -> Refusal:
    if limit == "daily":
        ends = time_text(policy.day_ends(policy.day_of(now)))
        return Refusal(Kind.LIMIT_EXCEEDED, "This is more than is left for today.", limit=limit, available_at=ends)
    return Refusal(Kind.LIMIT_EXCEEDED, "This is more than may go out at once.", limit=limit)


async def _refused(office: Office, offer: Offer, verdict: Verdict, now: datetime) -> Refusal:
    if verdict.outcome is Outcome.INSUFFICIENT:
        return Refusal(Kind.INSUFFICIENT_FUNDS, "Not enough available for this debit.", field="quote_id")
    if verdict.rider == "quote":
        async with office.db.reading() as session:
            return await accept.missed(session, offer)
    if verdict.rider == "reference":
        return Refusal(Kind.CONFLICT, "This reference was used before.", field="reference")
    if verdict.rider == "limit":
        return above("daily", now)
    return Refusal(Kind.CONFLICT, "Something changed meanwhile. Ask again.")
