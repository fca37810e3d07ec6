"""What became of a best price once its orders are done: what was traded, against what had been promised. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from tidegate.exchange.rules import UNSETTLED, QuoteSide, floor
from tidegate.exchange.schemas import BestExecutionOut, RealisedLegOut, RealisedOut, RoutedOut
from tidegate.exchange.tables import Fill, Order
from tidegate.money import Rate, asset
from tidegate.wire import AmountOut

_MILLION = 10**6

Traded = Sequence[tuple[Fill, Order]]


def realised(told: BestExecutionOut, rate: str, orders: Sequence[Order], fills: Traded) -> RealisedOut | None:
    """What `orders` came to, against the conversion's `rate` and what was known at the decision; None until all are done."""
    if not orders or any(order.state in UNSETTLED for order in orders):
        return None
    legs = [_leg(routed, orders, fills) for routed in told.route]
    price = _product([before for _, before, _ in legs])
    after = _product([after for _, _, after in legs])
    single = _product([_best_single(routed, told.side) for routed in told.route])
    return RealisedOut(
        price=_text(price),
        price_after_fees=_text(after),
        best_single=_text(single),
        against_quoted=_against(price, Rate.parse(rate).value),
        against_mid=_against(price, Rate.parse(told.mid).value if told.mid else None),
        against_best_single=_against(after, single),
        legs=[leg for leg, _, _ in legs],
        at=max(order.updated_at for order in orders),
    )


def _leg(
    routed: RoutedOut, orders: Sequence[Order], fills: Traded
) -> tuple[RealisedLegOut, Fraction | None, Fraction | None]:
    """The leg with its prices before and after venue fees."""
    give, get = routed.given.asset, routed.got.asset
    mine = [order for order in orders if {order.base_asset, order.quote_asset} == {give, get}]
    traded = [fill for fill, order in fills if {order.base_asset, order.quote_asset} == {give, get}]
    base = _sum(fill.quantity for fill in traded)
    quote = _sum(fill.quote_quantity for fill in traded)
    code = mine[0].base_asset if mine else give
    gave, got = (base, quote) if code == give else (quote, base)
    before = got / gave if gave and got else None
    after = None
    if before is not None and all(fill.fee_asset in (give, get) for fill in traded if fill.fee):
        after = (got - _fees(traded, get)) / (gave + _fees(traded, give))
    filled = floor(base * 10 ** asset(code).decimals)
    # What an order left is in those that follow it.
    whole = sum(order.base_units for order in mine if order.follows is None)
    leg = RealisedLegOut(
        from_asset=give,
        to_asset=get,
        price=_text(before),
        price_after_fees=_text(after),
        traded=AmountOut.units(code, filled),
        carried=AmountOut.units(code, max(0, whole - filled)),
    )
    return leg, before, after


def _sum(values: Iterable[Decimal]) -> Fraction:
    return sum((Fraction(value) for value in values), Fraction(0))


def _fees(traded: Sequence[Fill], code: str) -> Fraction:
    return _sum(fill.fee for fill in traded if fill.fee_asset == code)


def _best_single(routed: RoutedOut, side: str) -> Fraction | None:
    """What the best venue alone would have given for each unit, its fee included; None when none could take the size."""
    found = []
    for one in routed.alternatives:
        if one.amount is not None and (amount := Fraction(one.amount.amount)):
            exact_in = side == QuoteSide.EXACT_IN
            found.append(amount / Fraction(routed.given.amount) if exact_in else Fraction(routed.got.amount) / amount)
    return max(found, default=None)


def _product(factors: Sequence[Fraction | None]) -> Fraction | None:
    found = Fraction(1)
    for factor in factors:
        if factor is None:
            return None
        found *= factor
    return found


def _text(price: Fraction | None) -> str | None:
    return None if not price or price < 0 else Rate.of(price).text


def _against(price: Fraction | None, other: Fraction | None) -> str | None:
    """How much more `price` is than `other`, as a share, rounded down to a millionth: never told better than it is."""
    if price is None or not other:
        return None
    share = floor((price / other - 1) * _MILLION)
    text = f"{abs(share) // _MILLION}.{abs(share) % _MILLION:06d}".rstrip("0").rstrip(".")
    return f"-{text}" if share < 0 else text
