"""Accepting a quote: what other rooms load, check and put among their riders. Nothing here commits."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Database, Rider
from tidegate.exchange import store
from tidegate.exchange.rules import Offer, QuoteKind, QuoteState, judge_acceptance
from tidegate.refusal import Kind, Refusal


async def quote_for(
    db: Database, *, user_id: uuid.UUID, quote_id: uuid.UUID, kind: QuoteKind | str, now: datetime
) -> Offer:
    """That user's open quote of that kind, fit to be accepted now.

    Refuses NOT_FOUND (also somebody else's), QUOTE_KIND_MISMATCH, QUOTE_USED, QUOTE_EXPIRED, REVIEW_REQUIRED.
    """
    offer = await db.ask(store.offers, (quote_id, user_id))
    if offer is None:
        raise _none()
    judge_acceptance(offer, kind=QuoteKind(kind), now=now)
    return offer


async def accepted(session: AsyncSession, *, user_id: uuid.UUID, quote_id: uuid.UUID, used_by: uuid.UUID) -> Offer:
    """The quote that `used_by` accepted before; for executing it at verification. Refuses NOT_FOUND."""
    offer = await store.offer(session, user_id=user_id, quote_id=quote_id)
    if offer is None or offer.state is not QuoteState.ACCEPTED or offer.used_by != used_by:
        raise _none()
    return offer


def _none() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "There is no such quote.", field="quote_id")


def same_destination(offer: Offer, *, address: str) -> None:
    """A quote made for a destination accepts only that one. `address` is canonical. Refuses QUOTE_KIND_MISMATCH."""
    if offer.address is not None and offer.address != address:
        raise Refusal(Kind.QUOTE_KIND_MISMATCH, "This quote was made for another destination.", field="address")


def accept_rider(offer: Offer, used_by: uuid.UUID, now: datetime) -> Rider:
    """Open to accepted in the caller's commit, once and in time; named "quote". On its miss raise `missed(...)`."""
    return store.accept(offer.id, offer.user_id, used_by, now)


async def missed(session: AsyncSession, offer: Offer) -> Refusal:
    """Why the rider "quote" missed: somebody was faster, or the time ran out meanwhile."""
    now = await store.offer(session, user_id=offer.user_id, quote_id=offer.id)
    if now is not None and now.state is QuoteState.ACCEPTED:
        return Refusal(Kind.QUOTE_USED, "This quote was used before. Ask for a new one.")
    return Refusal(Kind.QUOTE_EXPIRED, "This price has expired. Ask for a new one.")


def release_riders(offer: Offer) -> list[Rider]:
    """For a converting withdrawal that ends unverified: give its reservation back. Empty for a plain one.

    The first rider is named "reservation" and misses when it was given back before.
    """
    return store.release(offer)
