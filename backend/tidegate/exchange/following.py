"""What an order left is ordered anew: split over every venue's book as it is then, or carried openly with the reason.

It is shared out once, in the commit that ends the order. An order whose end is not known is followed by nothing.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.database import Rider, new_id
from tidegate.exchange import price, route, rules, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Hedge, QuoteSide
from tidegate.exchange.tables import Order
from tidegate.markets.depth import Depth
from tidegate.markets.rules import TooThin
from tidegate.money import asset
from tidegate.refusal import Kind, Refusal

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The orders that follow; none of them: all was traded, or what was left is carried, for this reason."""

    hedges: tuple[Hedge, ...] = ()
    carried: str | None = None


async def plan(desk: Desk, order: Order, left: int, *, shun: frozenset[str] = NOBODY) -> Plan:
    """Share out `left` base units of an order that ends. `shun`: venues that are not to be asked again just now."""
    if left <= 0:
        return Plan()
    if order.attempt >= desk.settings.quotes.hedge_tries:
        return Plan(carried=rules.TRIES)
    found = await split(desk, order, left, shun=shun)
    if found is None and shun:
        found = await split(desk, order, left)
    if found is None:  # nobody shows a book: whoever is to send it looks again
        found = (_at(order.venue, order.symbol, order, left),)
    if not found:
        return Plan(carried=rules.BELOW_MINIMUM if left == order.base_units else rules.REST)
    return Plan(found)


async def split(desk: Desk, order: Order, left: int, *, shun: frozenset[str] = NOBODY) -> tuple[Hedge, ...] | None:
    """The best split over the books that may be used now; empty when nobody takes so little, None without any book."""
    selling = order.side == "sell"
    depths = [one for one in await _books(desk, order) if one.selling is selling and one.venue not in shun]
    if not depths:
        return None
    base, quote = asset(order.base_asset), asset(order.quote_asset)
    give, get = (base, quote) if selling else (quote, base)
    side = QuoteSide.EXACT_IN if selling else QuoteSide.EXACT_OUT
    try:
        leg = route.leg(depths, give=give, get=get, size=left, side=side)
    except TooThin:  # as much as there is; the rest follows that
        deepest = max(depths, key=lambda one: one.held[-1])
        return (_at(deepest.venue, deepest.market.symbol, order, left),)
    return tuple(price.orders(leg, left)) if leg.parts else ()  # none: less than a lot, or than anybody's least order


async def _books(desk: Desk, order: Order) -> Sequence[Depth]:
    """Usable sides of the order's own pair, written the way round that its base units count."""
    give, get = order.base_asset, order.quote_asset
    if order.side == "buy":
        give, get = get, give
    try:
        crossing = await desk.markets.crossing(asset(give), asset(get))
    except Refusal:
        return ()
    return [one for one in crossing.sides.get((give, get), ()) if one.held and one.venue in desk.venues]


async def again(desk: Desk, order_id: uuid.UUID, now: datetime) -> int:
    """A person has what an order carried ordered once more, over the best venues now; how many orders that are.

    Refuses NOT_FOUND, CONFLICT (not carried, or followed already), BELOW_MINIMUM, VENUE_UNAVAILABLE.
    """
    async with desk.db.reading() as session:
        order = await store.order(session, order_id)
    if order is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such order.")
    left = rules.remainder(order.base_units, order.filled, asset(order.base_asset))
    if order.reason not in rules.CARRIED or order.state in rules.UNSETTLED or left == 0:
        raise Refusal(Kind.CONFLICT, "That order carries nothing.")
    found = await split(desk, order, left)
    if found is None:
        raise Refusal(Kind.VENUE_UNAVAILABLE, "No exchange shows a book for it right now.", retry_after=2)
    if not found:
        raise Refusal(Kind.BELOW_MINIMUM, "No exchange takes so little.")
    if not (await desk.lane.write(riders(order, found, now, not_before=now))).posted:
        raise Refusal(Kind.CONFLICT, "What that order left is ordered already.")
    return len(found)


def _at(venue: str, symbol: str, order: Order, units: int) -> Hedge:
    return Hedge(venue, symbol, order.base_asset, order.quote_asset, order.side, units)


def riders(order: Order, hedges: Sequence[Hedge], now: datetime, *, not_before: datetime) -> list[Rider]:
    """The orders that follow, each with a client order id of its own. Another venue is asked at once the first time."""
    again = max(rules.retry_at(now, order.attempt), not_before)
    return [
        store.insert_order(
            hedge,
            order_id=new_id(),
            conversion_id=order.conversion_id,
            client_order_id=str(uuid.uuid4()),
            now=now,
            due_at=now if order.attempt == 0 and hedge.venue != order.venue else again,
            part=part,
            follows=order.id,
            attempt=order.attempt + 1,
        )
        for part, hedge in enumerate(hedges)
    ]
