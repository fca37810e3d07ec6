"""Executing what a quote promised: the linked posting and the rows that go with it."""

import uuid
from datetime import datetime

from tidegate import failpoints, idempotency
from tidegate.database import Rider, new_id, utcnow
from tidegate.exchange import accept, postings, shapes, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Offer, QuoteKind
from tidegate.exchange.schemas import ConversionIn, ConversionOut
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.rules import Outcome, Posting, Transfer, Verdict
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.wire import AmountOut

OPERATION = "conversions_create"


def execution(
    offer: Offer,
    *,
    conversion_id: uuid.UUID,
    withdrawal_id: uuid.UUID | None,
    now: datetime,
    reference: str | None = None,
) -> tuple[tuple[Transfer, ...], list[Rider]]:
    """The transfers of an executed conversion, and the riders that belong in the same commit.

    The debit must be held by then. The riders give the reservation back ("reservation"), insert the conversion
    ("reference") and the orders that hedge it ("order", client order ids fixed now), and tell the user ("event").
    With a `withdrawal_id` the delivery is held for the payout, else it is available.
    """
    transfers = postings.executed(offer, into_held=withdrawal_id is not None)
    riders = [
        *store.release(offer),
        store.insert_conversion(
            offer, conversion_id=conversion_id, withdrawal_id=withdrawal_id, reference=reference, now=now
        ),
    ]
    riders += [
        store.insert_order(
            hedge,
            order_id=new_id(),
            conversion_id=conversion_id,
            client_order_id=str(uuid.uuid4()),
            now=now,
            due_at=now,
            part=part,
        )
        for part, hedge in enumerate(offer.hedges)
    ]
    riders.append(changed(offer.user_id, "conversion", conversion_id, 1))
    return transfers, riders


async def convert(desk: Desk, *, user_id: uuid.UUID, asked: ConversionIn, keyed: Keyed) -> Stored:
    """Accept a conversion quote: hold and execution are one linked posting, exactly as quoted, in one commit.

    Refuses NOT_FOUND, QUOTE_KIND_MISMATCH, QUOTE_USED, QUOTE_EXPIRED, INSUFFICIENT_FUNDS, CONFLICT (used reference).
    """
    return await idempotency.first_answer(
        desk.db,
        keyed,
        user_id=user_id,
        operation=OPERATION,
        work=lambda: _convert(desk, user_id, asked, keyed),
        look_first=False,
    )


async def _convert(desk: Desk, user_id: uuid.UUID, asked: ConversionIn, keyed: Keyed) -> Stored:
    now = utcnow()
    offer = await accept.quote_for(
        desk.db, user_id=user_id, quote_id=asked.quote_id, kind=QuoteKind.CONVERSION, now=now
    )
    conversion_id = new_id()
    transfers, riders = execution(
        offer, conversion_id=conversion_id, withdrawal_id=None, now=now, reference=asked.reference
    )
    answer = Stored(201, _shape(offer, conversion_id, asked.reference, now).model_dump_json().encode())
    failpoints.reach("O1.convert:before")
    # The key comes first: a twin of the same request waits on it and gets this answer, not "quote used".
    verdict = await desk.lane.submit(
        Posting(postings.hold_key(conversion_id), postings.hold(offer) + transfers, "conversion", conversion_id),
        [
            *keyed.rider(user_id=user_id, operation=OPERATION, answer=answer),
            accept.accept_rider(offer, conversion_id, now),
            *riders,
        ],
    )
    if verdict.posted:
        failpoints.reach("O2.convert:after")
        return answer
    if verdict.rider in ("idempotency", "busy"):
        return await idempotency.replay_after_conflict(desk.db, keyed, user_id=user_id, operation=OPERATION)
    raise await _refused(desk, offer, verdict)


async def _refused(desk: Desk, offer: Offer, verdict: Verdict) -> Refusal:
    if verdict.outcome is Outcome.INSUFFICIENT:
        return Refusal(Kind.INSUFFICIENT_FUNDS, f"Not enough {offer.from_asset} is available.", field="quote_id")
    if verdict.rider == "reference":
        return Refusal(Kind.CONFLICT, "This reference was used before.", field="reference")
    if verdict.rider in ("quote", "reservation", "order"):
        async with desk.db.reading() as session:
            return await accept.missed(session, offer)
    return Refusal(Kind.BUSY, "Ask again in a moment, with the same Idempotency-Key.", retry_after=1)


def _shape(offer: Offer, conversion_id: uuid.UUID, reference: str | None, now: datetime) -> ConversionOut:
    figures = offer.figures
    return ConversionOut(
        id=conversion_id,
        reference=reference,
        quote_id=offer.id,
        withdrawal_id=None,
        debit=AmountOut.units(offer.from_asset, figures.debit),
        deliver=AmountOut.units(offer.to_asset, figures.deliver),
        rate=figures.rate.text,
        fees=shapes.fee_lines(offer.from_asset, figures, converting=True, to_chain=False),
        created_at=now,
        completed_at=now,
        state="completed",
        since=now,
        can_cancel=False,
    )
