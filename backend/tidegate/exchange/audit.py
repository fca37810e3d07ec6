"""The exchange room's part of the books' proof: holds of its own, and what venues did that is not booked yet."""

from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.exchange import rules, store
from tidegate.exchange.booking import trade_of
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Trade
from tidegate.exchange.tables import Order
from tidegate.money import UnknownAsset, asset


async def open_holds(session: AsyncSession) -> dict[str, int]:
    """By asset, what customers' `held` holds for conversions that are accepted and not executed.

    Empty as long as acceptance and execution are one commit; a converting withdrawal's hold is the withdrawal's.
    """
    return await store.executing_debits(session)


@dataclass(frozen=True, slots=True)
class VenueTerms:
    """Terms of `floor(venue balance - residue) = venue account + unbooked`, by (venue, asset), in base units.

    `unbooked` is what fills not yet booked change, rounded down; `residues` is what the venue holds beyond whole
    units. `unknown` orders may have traded without anybody knowing yet.
    """

    unbooked: dict[tuple[str, str], int]
    residues: dict[tuple[str, str], Fraction]
    in_flight: int
    unknown: int


async def venue_terms(desk: Desk) -> VenueTerms:
    """Ask the venues that are on about every order that is not settled. Raises VenueUnavailable."""
    async with desk.db.reading() as session:
        orders = await store.unsettled_orders(session)
        residues = await store.all_residues(session)
        booked = {order.id: await store.booked_trades(session, order.id) for order in orders}
    exact: dict[tuple[str, str], Fraction] = {}
    unknown = 0
    for order in orders:
        venue = desk.venues.get(order.venue)
        if venue is None:
            continue
        seen = await venue.find(client_order_id=order.client_order_id, symbol=order.symbol, since=order.sent_at)
        if seen is None:
            unknown += 1
            continue
        for fill in await venue.fills(venue_order_id=seen.venue_order_id, symbol=order.symbol):
            if fill.trade_id not in booked[order.id]:
                _add(exact, order, trade_of(fill))
    unbooked = {key: rules.floor(change) for key, change in exact.items()}
    return VenueTerms({k: v for k, v in unbooked.items() if v}, residues, len(orders), unknown)


def _add(exact: dict[tuple[str, str], Fraction], order: Order, trade: Trade) -> None:
    sign = 1 if order.side == "buy" else -1
    for code, change in (
        (order.base_asset, sign * trade.quantity),
        (order.quote_asset, -sign * trade.quote_quantity),
        (trade.fee_asset, -trade.fee),
    ):
        try:
            units = rules.units_of(change, asset(code))
        except UnknownAsset:
            continue
        key = (order.venue, code)
        exact[key] = exact.get(key, Fraction(0)) + units
