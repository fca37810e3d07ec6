"""What executed prices have left open: positions by asset, what orders will still take off them, and what is carried.

A position is what `liquidity` stands at: above zero we have more of the asset than we promised away. The dollar's own is
no risk but the result of all the others, so it is shown and not counted.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import structlog

from tidegate.exchange import rules, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.tables import Order
from tidegate.ledger.balances import balance
from tidegate.ledger.rules import house
from tidegate.markets.books import DOLLAR
from tidegate.money import Amount, asset, listed_assets

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """In base units, with a sign. `under_way`: what unsettled orders will take off. Dollars in millionths, without a sign;
    None while the asset has no price, 0 for the dollar's own."""

    asset: str
    units: int
    under_way: int
    open_usd: int | None
    carried_usd: int | None

    @property
    def carried(self) -> int:
        return self.units - self.under_way


@dataclass(frozen=True, slots=True)
class Carried:
    """An order that left something which was tried often enough. What is below every minimum is in the positions alone."""

    order: Order
    units: int


async def positions(desk: Desk) -> list[Position]:
    """Of each listed asset, by the books as they are and the last known prices."""
    async with desk.db.snapshot() as session:
        held = {one.code: await balance(session, house("liquidity", one.code)) for one in listed_assets()}
        orders = await store.open_orders(session)
    under_way: Counter[str] = Counter()
    for order, filled in orders:
        under_way.update(_takes_off(desk, order, rules.remainder(order.base_units, filled, asset(order.base_asset))))
    return [_position(desk, code, units, under_way[code]) for code, units in held.items()]


def _takes_off(desk: Desk, order: Order, left: int) -> dict[str, int]:
    """By asset, what the rest of an order changes; its quote at the middle, as far as one is known."""
    base, quote = asset(order.base_asset), asset(order.quote_asset)
    sign = 1 if order.side == "sell" else -1
    mid = desk.markets.known_mid(base, quote)
    value = 0 if mid is None else rules.floor(left * mid.value * Fraction(10) ** (quote.decimals - base.decimals))
    return {base.code: sign * left, quote.code: -sign * value}


def _position(desk: Desk, code: str, units: int, under_way: int) -> Position:
    mid = desk.markets.known_mid(asset(code), asset(DOLLAR))

    def usd(open_units: int) -> int | None:
        if code == DOLLAR or open_units == 0:
            return 0
        return None if mid is None else rules.usd_units(Amount(asset(code), abs(open_units)), mid.value)

    return Position(code, units, under_way, usd(units), usd(units - under_way))


async def carried(desk: Desk, *, limit: int) -> list[Carried]:
    """Orders that gave up with a rest which nobody trades any more, newest first."""
    async with desk.db.reading() as session:
        rows = await store.carried_orders(session, limit=limit)
    found = [
        Carried(order, rules.remainder(order.base_units, order.filled, asset(order.base_asset)) - followed)
        for order, followed in rows
    ]
    return [one for one in found if one.units > 0]


async def watch(desk: Desk, now: datetime) -> int:
    """Worker step: what stands open counts against the cap of new prices; above it, somebody is told aloud."""
    found = await positions(desk)
    unpriced = [one.asset for one in found if one.open_usd is None]
    if unpriced:  # what is known stays: a worker that has just started must not take open for closed
        log.warning("positions_without_a_price", assets=unpriced)
        return 0
    async with desk.db.transaction() as session:
        await store.set_positions(session, usd_units=_sum(one.open_usd for one in found))
    above = _sum(one.carried_usd for one in found)
    if above > desk.caps.house:
        log.error("carried_above_cap", usd=_dollars(above), cap=_dollars(desk.caps.house), at=now.isoformat())
    return 0


def _sum(values: Iterable[int | None]) -> int:
    return sum(value or 0 for value in values)


def _dollars(units: int) -> str:
    return f"{units // 10**rules.USD_DECIMALS}"
