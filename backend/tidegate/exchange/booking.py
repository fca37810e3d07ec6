"""Booking what a venue traded for us: each fill once, exact to the unit the ledger counts in."""

from datetime import datetime
from decimal import Decimal

import structlog

from tidegate.exchange import postings, rules, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Trade
from tidegate.exchange.tables import Order
from tidegate.failpoints import reach
from tidegate.ledger.rules import Outcome, Posting
from tidegate.money import asset
from tidegate.venues.port import Fill, OrderSeen, Venue

log = structlog.get_logger(__name__)

_TRIES = 20


def trade_of(fill: Fill) -> Trade:
    """The port's fill in the words of our rules."""
    return Trade(fill.trade_id, fill.price, fill.quantity, fill.quote_quantity, fill.fee, fill.fee_asset)


async def book_fills(desk: Desk, venue: Venue, order: Order, seen: OrderSeen, now: datetime) -> bool:
    """Book every fill of `order` that is not booked; True when they add up to what the venue says was filled.

    Raises VenueUnavailable.
    """
    if seen.filled <= 0:
        return True
    found = await venue.fills(venue_order_id=seen.venue_order_id, symbol=order.symbol)
    async with desk.db.reading() as session:
        booked = await store.booked_trades(session, order.id)
    for fill in found:
        if fill.trade_id in booked:
            continue
        reach("O6.fill:before")
        if await _book(desk, order, trade_of(fill), now):
            booked[fill.trade_id] = fill.quantity
            reach("O6.fill:after")
    return sum(booked.values(), Decimal(0)) >= seen.filled


async def _book(desk: Desk, order: Order, trade: Trade, now: datetime) -> bool:
    """One posting with the fill's row and the venue's residues. False when it cannot be booked yet."""
    base, quote, fee_asset = asset(order.base_asset), asset(order.quote_asset), asset(trade.fee_asset)
    for _ in range(_TRIES):
        async with desk.db.reading() as session:
            residues = await store.residues(session, order.venue)
        counted = rules.fill_booking(
            trade, side=order.side, base=base, quote=quote, fee_asset=fee_asset, residues=residues
        )
        riders = [
            store.insert_fill(order, trade, now),
            *(store.move_dust(order.venue, was, then) for was, then in zip(counted.before, counted.after, strict=True)),
        ]
        moves = postings.filled(order.venue, base=base.code, quote=quote.code, booking=counted)
        if moves:
            key = postings.fill_key(order.venue, order.symbol, trade.trade_id)
            verdict = await desk.lane.submit(Posting(key, moves, "fill", order.id), riders)
        else:  # less than a unit of anything: only the residues move
            verdict = await desk.lane.write(riders)
        if verdict.posted or verdict.outcome is Outcome.DUPLICATE or verdict.rider == "fill":
            return True
        if verdict.rider not in ("dust", "busy"):
            log.error("fill_not_booked", order=str(order.id), trade=trade.trade_id, outcome=verdict.outcome.value)
            return False
    return False
