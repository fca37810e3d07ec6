"""Worker steps of the exchange room: expire quotes, hedge conversions. Each is run again and again; killing is safe.

An order is committed as `sent` before the call that sends it, with a client order id that is used once. Whatever
happens then is found out by that id; nothing is ever sent twice. Fills are booked once by the venue's trade id. What an
order leaves is shared out over the venues anew in the commit that ends it.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import structlog

from tidegate.exchange import booking, following, rules, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.following import Plan
from tidegate.exchange.rules import Filters, OrderState
from tidegate.exchange.tables import Order
from tidegate.failpoints import reach
from tidegate.markets.consolidated import Source
from tidegate.money import asset
from tidegate.queue import Lease
from tidegate.refusal import Refusal
from tidegate.venues.port import OrderSeen, Placed, PlaceOutcome, Side, Venue, VenueUnavailable
from tidegate.venues.port import OrderState as Seen

log = structlog.get_logger(__name__)

LEASE_SECONDS = 20
LOOK_AGAIN = timedelta(seconds=1)
SHORT_OF_FUNDS = timedelta(seconds=60)

_ENDS = {
    Seen.FILLED: OrderState.FILLED,
    Seen.PARTLY_FILLED: OrderState.PARTLY_FILLED,
    Seen.CANCELLED: OrderState.CANCELLED,
    Seen.REJECTED: OrderState.REJECTED,
}
_NOT_SENT = (OrderState.INTENDED,)
_AFTER_SEND = (OrderState.SENT, OrderState.OPEN, OrderState.UNKNOWN)


async def expire_quotes(desk: Desk, now: datetime) -> int:
    """Quotes past their time become `expired` and give their reservation back. Returns how many."""
    async with desk.db.transaction() as session:
        return await store.expire_due(session, now=now)


async def hedge(desk: Desk, now: datetime, *, limit: int = 20) -> int:
    """Do what is due on our orders: send, look for, book, follow up. Returns how many were worked on."""
    async with desk.db.transaction() as session:
        claimed = await store.claim_orders(session, now=now, seconds=LEASE_SECONDS, limit=limit)
    started = time.monotonic()
    await asyncio.gather(*(_safely(desk, lease, order, now, started) for lease, order in claimed))
    return len(claimed)


async def _safely(desk: Desk, lease: Lease, order: Order, now: datetime, started: float) -> None:
    try:
        venue = desk.venues.get(order.venue)
        if order.state == OrderState.INTENDED:
            await _send(desk, venue, lease, order, now, started)
        elif venue is None:
            await _let_go(desk, lease, now + SHORT_OF_FUNDS, "venue_not_configured")
        else:
            await _settle(desk, venue, lease, order, now)
    except VenueUnavailable as error:
        await _let_go(desk, lease, now + _pause(error), "venue_unavailable")
    except Exception:  # one order's trouble must not stop the others; it is looked at again
        log.exception("hedge_failed", order=str(order.id))
        await _let_go(desk, lease, now + SHORT_OF_FUNDS, "failed")


def _pause(error: VenueUnavailable) -> timedelta:
    return timedelta(seconds=max(error.retry_after or 0.0, LOOK_AGAIN.total_seconds()))


async def _let_go(desk: Desk, lease: Lease, due_at: datetime, reason: str | None = None) -> None:
    await desk.lane.write([store.let_go(lease, due_at=due_at, reason=reason)])


# --- sending -------------------------------------------------------------------------------------------------------


async def _send(desk: Desk, venue: Venue | None, lease: Lease, order: Order, now: datetime, started: float) -> None:
    if venue is None:
        await _elsewhere(desk, lease, order, now, SHORT_OF_FUNDS, "venue_not_configured")
        return
    source = await _book(desk, order)
    if source is None:
        await _elsewhere(desk, lease, order, now, LOOK_AGAIN, "venue_unavailable")
        return
    priced = _priced(desk, order, source)
    if priced is None:
        # Too small for this venue. For all of them: the position stays on our books, openly, in `liquidity`.
        plan = await following.plan(desk, order, order.base_units)
        reason = plan.carried or rules.BELOW_MINIMUM
        await _close(desk, lease, order, now, plan, was=_NOT_SENT, state=OrderState.CANCELLED, reason=reason)
        return
    quantity, price = priced
    try:
        # Before `sent`: a slow line must not hold up an order that another worker looks for already.
        await venue.prepare()
    except VenueUnavailable as error:
        await _elsewhere(desk, lease, order, now, _pause(error), "venue_unavailable")
        return
    reach("O3.order:before")
    sent = store.move_order(
        lease,
        was=[OrderState.INTENDED],
        now=now,
        state=OrderState.SENT,
        quantity=quantity,
        limit_price=price,
        sent_at=now,
        reason=None,
    )
    if not (await desk.lane.write([sent])).posted:
        return
    deadline = started + LEASE_SECONDS / 2
    if time.monotonic() > deadline:
        # This process slept. Another may be looking for the order already: it must not appear behind its back.
        return
    reach("O4.place:before")
    placed = await venue.place(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=Side(order.side),
        quantity=quantity,
        price=price,
        deadline=deadline,
    )
    reach("O4.place:after")
    order.quantity, order.limit_price, order.sent_at = quantity, price, now
    await _placed(desk, venue, lease, order, placed, now)


async def _elsewhere(desk: Desk, lease: Lease, order: Order, now: datetime, pause: timedelta, reason: str) -> None:
    """It was never sent and its venue cannot take it: others get it where they can, else it waits for this one."""
    found = None
    if order.attempt < desk.settings.quotes.hedge_tries:
        found = await following.split(desk, order, order.base_units, shun=frozenset({order.venue}))
    if found:
        plan = Plan(found)
        await _close(desk, lease, order, now, plan, was=_NOT_SENT, state=OrderState.CANCELLED, reason=reason)
    else:
        await _let_go(desk, lease, now + pause, reason)


async def _book(desk: Desk, order: Order) -> Source | None:
    """The order's venue's own book, if it may be traded on now."""
    try:
        usable = await desk.markets.book(asset(order.base_asset), asset(order.quote_asset))
    except Refusal:
        return None
    return next((source for source in usable if source.venue == order.venue), None)


def _priced(desk: Desk, order: Order, source: Source) -> tuple[Decimal, Decimal] | None:
    """(quantity, limit price) for the whole order, or None when the venue does not take so little."""
    assert source.book is not None
    base, market = asset(order.base_asset), source.market
    filters = Filters(market.tick, market.lot, market.min_quantity, market.max_quantity, market.min_notional)
    levels = source.book.bids if order.side == "sell" else source.book.asks
    worst = rules.worst_price([(lv.price, lv.quantity) for lv in levels], rules.quantity_of(order.base_units, base))
    if worst is None:
        return None
    price = rules.limit_price(worst, order.side, Fraction(desk.settings.quotes.hedge_tolerance), filters.tick)
    quantity = rules.order_quantity(order.base_units, base, price, filters)
    return None if quantity is None else (quantity, price)


async def _placed(desk: Desk, venue: Venue, lease: Lease, order: Order, placed: Placed, now: datetime) -> None:
    if placed.outcome is PlaceOutcome.PLACED and placed.order is not None:
        await _settle(desk, venue, lease, order, now, seen=placed.order)
        return
    if placed.outcome is PlaceOutcome.REFUSED:
        reason = placed.reason.value if placed.reason else "refused"
        log.warning("order_refused", order=str(order.id), venue=order.venue, reason=reason, detail=placed.detail[:200])
        plan = await following.plan(desk, order, order.base_units, shun=frozenset({order.venue}))
        later = now + timedelta(seconds=placed.retry_after or 0.0)
        await _close(
            desk,
            lease,
            order,
            now,
            plan,
            was=_AFTER_SEND,
            not_before=later,
            state=OrderState.REJECTED,
            reason=plan.carried or reason,
        )
        return
    log.warning("order_unknown", order=str(order.id), venue=order.venue, detail=placed.detail[:200])
    reach("O5.unknown:before")
    await desk.lane.write(
        [
            store.move_order(
                lease,
                was=_AFTER_SEND,
                now=now,
                state=OrderState.UNKNOWN,
                reason=placed.reason.value if placed.reason else "no_answer",
                lease_until=None,
                due_at=now + LOOK_AGAIN,
            )
        ]
    )
    reach("O5.unknown:after")


async def _close(
    desk: Desk,
    lease: Lease,
    order: Order,
    now: datetime,
    plan: Plan,
    *,
    was: Sequence[OrderState],
    not_before: datetime | None = None,
    **values: Any,
) -> None:
    """End the order and write down what follows it, in one commit; nothing when another worker has taken over."""
    if plan.carried == rules.TRIES:
        log.warning("order_carried", order=str(order.id), reason=plan.carried, state=values["state"].value)
    ended = store.move_order(lease, was=was, now=now, lease_until=None, **values)
    rest = following.riders(order, plan.hedges, now, not_before=not_before or now)
    reach("O8.rest:before" if rest else "O7.end:before")
    await desk.lane.write([ended, *rest])
    reach("O8.rest:after" if rest else "O7.end:after")


# --- finding out ---------------------------------------------------------------------------------------------------


async def _settle(
    desk: Desk, venue: Venue, lease: Lease, order: Order, now: datetime, *, seen: OrderSeen | None = None
) -> None:
    """What became of an order that was, or may have been, sent. Raises VenueUnavailable."""
    if seen is None:
        seen = await _find(venue, order)
    if seen is None:
        await _not_found(desk, venue, lease, order, now)
        return
    if seen.state is Seen.OPEN and _waited(desk, order, now):
        # Immediate-or-cancel does not rest; whatever it is, end it and read it again.
        await venue.cancel(client_order_id=order.client_order_id, symbol=order.symbol)
    reach("O6.fills:before")
    complete = await booking.book_fills(desk, venue, order, seen, now)
    end = _ENDS.get(seen.state)
    if end is None or not complete:
        await desk.lane.write(
            [
                store.move_order(
                    lease,
                    was=_AFTER_SEND,
                    now=now,
                    state=OrderState.OPEN,
                    venue_order_id=seen.venue_order_id,
                    lease_until=None,
                    due_at=now + LOOK_AGAIN,
                )
            ]
        )
        return
    await _end(desk, lease, order, now, state=end, filled=seen.filled, venue_order_id=seen.venue_order_id, reason=None)


async def _find(venue: Venue, order: Order) -> OrderSeen | None:
    reach("O5.find:before")
    found = await venue.find(client_order_id=order.client_order_id, symbol=order.symbol, since=order.sent_at)
    reach("O5.find:after")
    return found


def _waited(desk: Desk, order: Order, now: datetime) -> bool:
    window = timedelta(seconds=desk.settings.quotes.hedge_settle_seconds)
    return order.sent_at is None or now - order.sent_at >= window


async def _not_found(desk: Desk, venue: Venue, lease: Lease, order: Order, now: datetime) -> None:
    """The venue knows no such order. That proves nothing before the settle window is over."""
    if _waited(desk, order, now):
        await venue.cancel(client_order_id=order.client_order_id, symbol=order.symbol)
        late = await _find(venue, order)
        if late is None:
            await _end(
                desk,
                lease,
                order,
                now,
                state=OrderState.CANCELLED,
                filled=Decimal(0),
                venue_order_id=None,
                reason="never_placed",
            )
            return
    await desk.lane.write(
        [
            store.move_order(
                lease,
                was=_AFTER_SEND,
                now=now,
                state=OrderState.UNKNOWN,
                lease_until=None,
                due_at=now + LOOK_AGAIN,
            )
        ]
    )


async def _end(
    desk: Desk,
    lease: Lease,
    order: Order,
    now: datetime,
    *,
    state: OrderState,
    filled: Decimal,
    venue_order_id: str | None,
    reason: str | None,
) -> None:
    """The order is done and its fills are booked: close it, and order again what it left, if any venue takes that."""
    plan = await following.plan(desk, order, rules.remainder(order.base_units, filled, asset(order.base_asset)))
    await _close(
        desk,
        lease,
        order,
        now,
        plan,
        was=_AFTER_SEND,
        state=state,
        filled=filled,
        venue_order_id=venue_order_id,
        reason=plan.carried or reason,
    )
