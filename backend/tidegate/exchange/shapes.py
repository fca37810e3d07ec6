"""From rows to wire shapes; decides nothing."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from tidegate.exchange.rules import ConversionState, Figures, OrderState, average_price
from tidegate.exchange.schemas import (
    BestExecutionOut,
    ConversionDetailOut,
    ConversionOut,
    FillOut,
    OrderOut,
    ReceiptOut,
    RouteOut,
)
from tidegate.exchange.tables import Conversion, Fill, Order
from tidegate.money import Rate
from tidegate.wire import AmountOut, FeeOut


def fee_lines(from_asset: str, figures: Figures, *, converting: bool, to_chain: bool) -> list[FeeOut]:
    """The lines that apply; a line that applies is shown even when it is zero."""
    lines: list[FeeOut] = []
    if to_chain:
        lines.append(FeeOut(kind="network", amount=AmountOut.units(from_asset, figures.network)))
    if converting:
        lines.append(FeeOut(kind="service", amount=AmountOut.units(from_asset, figures.service)))
        lines.append(FeeOut(kind="spread", amount=AmountOut.units(from_asset, figures.spread)))
    return lines


def conversion_of(row: Conversion) -> ConversionOut:
    return ConversionOut(**_conversion(row))


def _conversion(row: Conversion) -> dict[str, Any]:
    figures = Figures(
        debit=row.debit_units,
        deliver=row.deliver_units,
        rate=Rate.parse(row.rate),
        network=row.fee_network_units,
        service=row.fee_service_units,
        spread=row.fee_spread_units,
    )
    done = row.state == ConversionState.COMPLETED
    return {
        "id": row.id,
        "reference": row.reference,
        "quote_id": row.quote_id,
        "withdrawal_id": row.withdrawal_id,
        "debit": AmountOut.units(row.from_asset, row.debit_units),
        "deliver": AmountOut.units(row.to_asset, row.deliver_units),
        "rate": row.rate,
        "fees": fee_lines(row.from_asset, figures, converting=True, to_chain=row.withdrawal_id is not None),
        "created_at": row.created_at,
        "completed_at": row.completed_at,
        "state": row.state,
        "since": row.completed_at if done else row.created_at,
        "can_cancel": False,
    }


def detail_of(
    row: Conversion, orders: list[Order], fills: list[tuple[Fill, Order]], execution: BestExecutionOut | None
) -> ConversionDetailOut:
    """With the fills and the execution receipt."""
    receipt = ReceiptOut(
        rate=row.rate,
        mid=row.mid,
        mid_as_of=row.mid_at,
        route=[RouteOut(**part) for part in row.route],
        hedge=_hedge_state(orders),
        hedge_price=_hedge_price(orders, fills),
        orders=[_order(order) for order in orders],
        execution=execution,
    )
    return ConversionDetailOut(**_conversion(row), fills=[_fill(fill) for fill, _ in fills], receipt=receipt)


def _hedge_price(orders: list[Order], fills: list[tuple[Fill, Order]]) -> str | None:
    """In the conversion's direction; over two markets, their prices one after the other. None while one has no fill."""
    found = Fraction(1)
    for pair in {(order.base_asset, order.quote_asset, order.side) for order in orders}:
        rate = average_price(
            [
                (fill.quantity, fill.quote_quantity)
                for fill, order in fills
                if (order.base_asset, order.quote_asset, order.side) == pair
            ],
            pair[2],
        )
        if rate is None:
            return None
        found *= rate.value
    return Rate.of(found).text if orders else None


def _hedge_state(orders: list[Order]) -> Any:
    states = {order.state for order in orders}
    if states & {OrderState.SENT, OrderState.OPEN, OrderState.UNKNOWN}:
        return "running"
    if OrderState.INTENDED in states:
        return "waiting"
    return "done" if states & {OrderState.FILLED, OrderState.PARTLY_FILLED} else "carried"


def _order(order: Order) -> OrderOut:
    return OrderOut(
        id=order.id,
        venue=order.venue,
        market=f"{order.base_asset}-{order.quote_asset}",
        side="buy" if order.side == "buy" else "sell",
        state=order.state,
        quantity=None if order.quantity is None else plain(order.quantity),
        filled=plain(order.filled),
        limit_price=None if order.limit_price is None else plain(order.limit_price),
        reason=order.reason,
    )


def _fill(fill: Fill) -> FillOut:
    return FillOut(
        venue=fill.venue,
        market=fill.symbol,
        trade_id=fill.trade_id,
        price=plain(fill.price),
        quantity=plain(fill.quantity),
        quote_quantity=plain(fill.quote_quantity),
        fee=plain(fill.fee),
        fee_asset=fill.fee_asset,
        booked_at=fill.booked_at,
    )


def plain(value: Decimal) -> str:
    """Fixed point, no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
