"""Prices: the network's fee in the debit's asset, the best way over all venues for this very size, the hedges it implies."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tidegate.exchange import route, rules, shapes, spread
from tidegate.exchange.desk import Desk
from tidegate.exchange.route import Leg, NoMarket, Route
from tidegate.exchange.rules import Charges, Figures, Hedge, QuoteKind, QuoteSide, ceiling, floor
from tidegate.exchange.spread import Risk, Terms
from tidegate.exchange.wanted import Wanted
from tidegate.markets.books import DOLLAR, Crossing
from tidegate.markets.consolidated import Source
from tidegate.markets.depth import PLACES
from tidegate.markets.rules import TooThin
from tidegate.money import Amount, Rate, allocate, asset, cost_of, parse_units
from tidegate.refusal import Kind, Refusal

_TRIES = 4
_SHARES = 10**6
_BILLION = 10**9


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """The network fee charged in the debit's asset, and the cap the signer gets, in the gas asset."""

    units: int
    max_gas_units: int
    estimated: bool  # converted at a last known price, with the margin


@dataclass(frozen=True, slots=True)
class Priced:
    """Figures, the route they come from and the books it was found in; `route` is None when nothing is exchanged."""

    figures: Figures
    route: Route | None = None
    books: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """What is exchanged, over which books, and the house's own shares of it."""

    wanted: Wanted
    crossing: Crossing
    risk: Fraction
    service: Fraction

    def charges(self, venue_cost: Fraction) -> Charges:
        """The venues' taker fees are inside the spread."""
        return Charges(self.risk + venue_cost, self.service)

    def over(self, size: int) -> Route:
        """The best route for `size` of the side that was fixed. Raises TooThin, NoMarket."""
        source, target = self.wanted.source, self.wanted.target
        return route.find(
            self.crossing.sides,
            give=source,
            get=target,
            size=size,
            side=self.wanted.side,
            bridges=self.crossing.bridges,
        )


async def at_each_speed(desk: Desk, wanted: Wanted) -> dict[str, tuple[NetworkCost, Priced]]:
    """The same order at each speed (a conversion has one); refusals are those of the chosen speed."""
    ask = await _ask(desk, wanted) if wanted.converting else None
    if wanted.kind is QuoteKind.CONVERSION:
        free = NetworkCost(0, 0, estimated=False)
        return {"standard": (free, _price(desk, wanted, ask, free))}
    found: dict[str, tuple[NetworkCost, Priced]] = {}
    for speed in rules.SPEEDS:
        cost = await _network_cost(desk, wanted, speed)
        try:
            found[speed] = (cost, _price(desk, wanted, ask, cost))
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


async def _ask(desk: Desk, wanted: Wanted) -> Ask:
    """The books there are now, and what the house asks for holding their price open. Refuses VENUE_UNAVAILABLE."""
    quotes = desk.settings.quotes
    crossing = await desk.markets.crossing(wanted.source, wanted.target)
    fixed = wanted.source if wanted.side is QuoteSide.EXACT_IN else wanted.target
    mid = await desk.markets.mid(fixed, asset(DOLLAR), stale=True)
    seconds = quotes.withdrawal_seconds if wanted.kind is QuoteKind.WITHDRAWAL else quotes.conversion_seconds
    risk = Risk(
        usd=rules.usd_units(Amount(fixed, wanted.units), mid.value),
        variance=crossing.variance,
        open_ms=seconds * 1000,
        age_ms=int(crossing.age_seconds * 1000) + 1,
    )
    return Ask(wanted, crossing, spread.share(terms_of(desk), risk), Fraction(quotes.service))


def terms_of(desk: Desk) -> Terms:
    """The configured risk spread."""
    quotes = desk.settings.quotes
    return Terms.read(
        base=quotes.spread,
        per_100k_usd=quotes.spread_per_100k_usd,
        volatility=quotes.spread_volatility,
        most=quotes.max_spread,
    )


def _price(desk: Desk, wanted: Wanted, ask: Ask | None, cost: NetworkCost) -> Priced:
    """The best price for this size. Refuses BELOW_MINIMUM, LIMIT_EXCEEDED when all books together are too thin."""
    if ask is None:
        priced = Priced(rules.plain(wanted.side, wanted.units, cost.units))
    else:
        try:
            priced = exact_out(ask, cost.units) if wanted.side is QuoteSide.EXACT_OUT else exact_in(ask, cost.units)
        except TooThin:
            raise Refusal(
                Kind.LIMIT_EXCEEDED, "The exchanges do not hold that size right now. Ask for less.", field="amount"
            ) from None
        except NoMarket:
            text = f"No exchange gives a price for {wanted.source.code} in {wanted.target.code} right now."
            raise Refusal(Kind.VENUE_UNAVAILABLE, text, retry_after=2) from None
    _check_minimum(desk, wanted, priced.figures)
    return priced


def exact_out(ask: Ask, network: int) -> Priced:
    """For an exact delivery. Raises TooThin, NoMarket."""
    wanted = ask.wanted
    found = ask.over(wanted.units)
    charges = ask.charges(_billionths(found))
    figures = rules.exact_out(wanted.units, network, charges, Rate.of(found.rate), wanted.source, wanted.target)
    return Priced(figures, found, ask.crossing.sources)


def exact_in(ask: Ask, network: int) -> Priced:
    """For an exact debit. Raises TooThin, NoMarket; refuses BELOW_MINIMUM.

    The venues' share depends on how much goes to which of them, and that on what their share leaves: begin without one,
    and go up as long as the route that is left costs more. The rate is never above what that route brings.
    """
    wanted = ask.wanted
    venue_cost = Fraction(0)
    for _ in range(_TRIES):
        converted, _, _ = rules.split_debit(wanted.units, network, ask.charges(venue_cost))
        found = ask.over(ceiling(converted * (1 + venue_cost)))
        if found.venue_cost <= venue_cost:
            break
        venue_cost = _billionths(found)
    charges = ask.charges(venue_cost)
    converted, _, _ = rules.split_debit(wanted.units, network, charges)
    brings = found.got / Fraction(converted, 10**wanted.source.decimals)
    rate = Rate.of(min(found.rate, brings))
    figures = rules.exact_in(wanted.units, network, charges, rate, wanted.source, wanted.target)
    return Priced(figures, found, ask.crossing.sources)


def _billionths(found: Route) -> Fraction:
    """What the venues charge, rounded up: so that nearly the same route is the same share."""
    return Fraction(ceiling(found.venue_cost * _BILLION), _BILLION)


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


def shown_route(priced: Priced) -> tuple[dict[str, str], ...]:
    """Where the price comes from, leg by leg; empty when nothing is exchanged. The shares of a leg add up to 1."""
    if priced.route is None:
        return ()
    return tuple(part for leg in priced.route.legs for part in _shown_leg(leg))


def _shown_leg(leg: Leg) -> list[dict[str, str]]:
    amounts = [(one, base, quote) for one, base, quote in leg.priced_at if base]
    shares = allocate(_SHARES, [floor(base * 10**PLACES) for _, base, _ in amounts])
    return [
        {
            "venue": one.venue,
            "market": f"{one.market.base}-{one.market.quote}",
            "share": shapes.plain(Decimal(share) / _SHARES),
            "price": Rate.of(quote / base if leg.selling else base / quote).text,
        }
        for (one, base, quote), share in zip(amounts, shares, strict=True)
    ]


def hedges(wanted: Wanted, priced: Priced) -> tuple[Hedge, ...]:
    """The venue trades that close the position this quote opens: of each leg, all of it, its rest included."""
    if priced.route is None:
        return ()
    legs, figures = priced.route.legs, priced.figures
    ends = [cost_of(figures.deliver, figures.rate, wanted.source, wanted.target), figures.deliver]
    if len(legs) > 1:
        whole = Fraction(figures.deliver, 10**wanted.target.decimals) / legs[1].rate
        ends.insert(1, ceiling(whole * 10 ** legs[1].give.decimals))
    return tuple(
        hedge
        for leg, (give, get) in zip(legs, pairwise(ends), strict=True)
        for hedge in orders(leg, give if leg.selling else get)
    )


def orders(leg: Leg, units: int) -> Iterator[Hedge]:
    """`units` of the leg's base, split as its books say. What nobody takes goes to one venue, which will say so."""
    again = leg.for_base(units)
    amounts = again.amounts if any(again.amounts) else tuple(int(r == again.rest.at) for r in range(len(again.depths)))
    if not again.orderable:
        amounts = tuple(int(rank == amounts.index(max(amounts))) for rank in range(len(amounts)))
    for one, share in zip(again.depths, allocate(units, amounts), strict=True):
        if share:
            yield Hedge(
                venue=one.venue,
                symbol=one.market.symbol,
                base_asset=one.market.base,
                quote_asset=one.market.quote,
                side="sell" if leg.selling else "buy",
                base_units=share,
            )
