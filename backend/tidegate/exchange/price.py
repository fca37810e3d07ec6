"""Prices: the network's fee in the debit's asset, the best venue's rate for this very size, the hedge it implies."""

from dataclasses import dataclass

from tidegate.exchange import rules
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Charges, Figures, Hedge, QuoteKind, QuoteSide
from tidegate.exchange.wanted import Wanted
from tidegate.markets.books import Side
from tidegate.markets.rules import TooThin, walk_in, walk_out
from tidegate.money import Rate, asset, cost_of, parse_units
from tidegate.refusal import Kind, Refusal


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """The network fee charged in the debit's asset, and the cap the signer gets, in the gas asset."""

    units: int
    max_gas_units: int
    estimated: bool  # converted at a last known price, with the margin


@dataclass(frozen=True, slots=True)
class Priced:
    """Figures and the book they come from; `side` is None when nothing is exchanged."""

    figures: Figures
    side: Side | None = None


async def at_each_speed(desk: Desk, wanted: Wanted) -> dict[str, tuple[NetworkCost, Priced]]:
    """The same order at each speed (a conversion has one); refusals are those of the chosen speed."""
    sides = await desk.markets.sides(wanted.source, wanted.target) if wanted.converting else []
    if wanted.kind is QuoteKind.CONVERSION:
        free = NetworkCost(0, 0, estimated=False)
        return {"standard": (free, _price(desk, wanted, sides, free))}
    found: dict[str, tuple[NetworkCost, Priced]] = {}
    for speed in rules.SPEEDS:
        cost = await _network_cost(desk, wanted, speed)
        try:
            found[speed] = (cost, _price(desk, wanted, sides, cost))
        except Refusal:
            if speed == wanted.speed:
                raise
    return found


async def _network_cost(desk: Desk, wanted: Wanted, speed: str) -> NetworkCost:
    assert wanted.network is not None
    desk.chain(wanted.network)
    fee = await desk.fees.estimate(wanted.network, wanted.target.code, speed)
    gas = asset(fee.gas_asset)
    mid = await desk.markets.mid(gas, wanted.source, stale=True)
    units = rules.network_fee_in(fee.charge_units, gas, wanted.source, mid.value, fresh=mid.fresh)
    return NetworkCost(units, fee.max_units, estimated=not mid.fresh)


def _price(desk: Desk, wanted: Wanted, sides: list[Side], cost: NetworkCost) -> Priced:
    """The best venue's price for this size. Refuses BELOW_MINIMUM, LIMIT_EXCEEDED when every book is too thin."""
    if not wanted.converting:
        priced = Priced(rules.plain(wanted.side, wanted.units, cost.units))
    else:
        offers = [found for side in sides if (found := _at(desk, wanted, side, cost)) is not None]
        if not offers:
            raise Refusal(
                Kind.LIMIT_EXCEEDED, "The exchanges do not hold that size right now. Ask for less.", field="amount"
            )
        if wanted.side is QuoteSide.EXACT_IN:
            priced = max(offers, key=lambda p: p.figures.deliver)
        else:
            priced = min(offers, key=lambda p: p.figures.debit)
    _check_minimum(desk, wanted, priced.figures)
    return priced


def _at(desk: Desk, wanted: Wanted, side: Side, cost: NetworkCost) -> Priced | None:
    """This venue's price, or None when its book is too thin for the size."""
    charges = charges_at(desk, side)
    try:
        if wanted.side is QuoteSide.EXACT_OUT:
            rate = Rate.of(walk_out(side.ladder, wanted.units).rate)
            figures = rules.exact_out(wanted.units, cost.units, charges, rate, wanted.source, wanted.target)
        else:
            converted, _, _ = rules.split_debit(wanted.units, cost.units, charges)
            rate = Rate.of(walk_in(side.ladder, converted).rate)
            figures = rules.exact_in(wanted.units, cost.units, charges, rate, wanted.source, wanted.target)
    except TooThin:
        return None
    return Priced(figures, side)


def charges_at(desk: Desk, side: Side) -> Charges:
    """The house's shares at that venue."""
    quotes = desk.settings.quotes
    return rules.charges_for(spread=quotes.spread, service=quotes.service, taker_fee=side.taker_fee)


def _check_minimum(desk: Desk, wanted: Wanted, figures: Figures) -> None:
    if wanted.kind is QuoteKind.WITHDRAWAL:
        least, units = desk.settings.minimum_withdrawal.get(wanted.target.code, "0"), figures.deliver
        where = wanted.target
    else:
        least, units = desk.settings.minimum_deposit.get(wanted.source.code, "0"), figures.debit
        where = wanted.source
    if units < parse_units(least, where.decimals):
        text = f"At least {least} {where.code}."
        raise Refusal(Kind.BELOW_MINIMUM, text, field="amount", limit=least)


def route(priced: Priced) -> tuple[dict[str, str], ...]:
    """Where the price comes from; empty when nothing is exchanged."""
    if priced.side is None:
        return ()
    return ({"venue": priced.side.venue, "share": "1", "price": priced.figures.rate.text},)


def hedge(wanted: Wanted, priced: Priced) -> Hedge | None:
    """The venue trade that closes the position this quote opens."""
    side = priced.side
    if side is None:
        return None
    figures = priced.figures
    units = figures.deliver
    if side.selling_base:
        units = cost_of(figures.deliver, figures.rate, wanted.source, wanted.target)
    return Hedge(
        venue=side.venue,
        symbol=side.market.symbol,
        base_asset=side.market.base,
        quote_asset=side.market.quote,
        side="sell" if side.selling_base else "buy",
        base_units=units,
    )
