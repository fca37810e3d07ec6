from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.receipt_out_hedge import ReceiptOutHedge, check_receipt_out_hedge

if TYPE_CHECKING:
    from ..models.best_execution_out import BestExecutionOut
    from ..models.order_out import OrderOut
    from ..models.route_out import RouteOut


T = TypeVar("T", bound="ReceiptOut")


@_attrs_define
class ReceiptOut:
    """How the price came about: the mid at the decision, the rate given, where it was hedged and at what."""

    execution: BestExecutionOut | None
    """ null for what was converted before receipts were kept """
    hedge: ReceiptOutHedge
    hedge_price: None | str
    """ Average price of the fills in `rate`'s direction, before venue fees """
    mid: None | str
    mid_as_of: None | str
    orders: list[OrderOut]
    rate: str
    route: list[RouteOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.best_execution_out import BestExecutionOut  # noqa: PLC0415

        execution: dict[str, Any] | None
        if isinstance(self.execution, BestExecutionOut):
            execution = self.execution.to_dict()
        else:
            execution = self.execution

        hedge: str = self.hedge

        hedge_price: None | str
        hedge_price = self.hedge_price

        mid: None | str
        mid = self.mid

        mid_as_of: None | str
        mid_as_of = self.mid_as_of

        orders = []
        for orders_item_data in self.orders:
            orders_item = orders_item_data.to_dict()
            orders.append(orders_item)

        rate = self.rate

        route = []
        for route_item_data in self.route:
            route_item = route_item_data.to_dict()
            route.append(route_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "execution": execution,
                "hedge": hedge,
                "hedge_price": hedge_price,
                "mid": mid,
                "mid_as_of": mid_as_of,
                "orders": orders,
                "rate": rate,
                "route": route,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.best_execution_out import BestExecutionOut  # noqa: PLC0415
        from ..models.order_out import OrderOut  # noqa: PLC0415
        from ..models.route_out import RouteOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_execution(data: object) -> BestExecutionOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                execution_type_0 = BestExecutionOut.from_dict(data)

                return execution_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BestExecutionOut | None, data)

        execution = _parse_execution(d.pop("execution"))

        hedge = check_receipt_out_hedge(d.pop("hedge"))

        def _parse_hedge_price(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        hedge_price = _parse_hedge_price(d.pop("hedge_price"))

        def _parse_mid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        mid = _parse_mid(d.pop("mid"))

        def _parse_mid_as_of(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        mid_as_of = _parse_mid_as_of(d.pop("mid_as_of"))

        orders = []
        _orders = d.pop("orders")
        for orders_item_data in _orders:
            orders_item = OrderOut.from_dict(orders_item_data)

            orders.append(orders_item)

        rate = d.pop("rate")

        route = []
        _route = d.pop("route")
        for route_item_data in _route:
            route_item = RouteOut.from_dict(route_item_data)

            route.append(route_item)

        receipt_out = cls(
            execution=execution,
            hedge=hedge,
            hedge_price=hedge_price,
            mid=mid,
            mid_as_of=mid_as_of,
            orders=orders,
            rate=rate,
            route=route,
        )

        receipt_out.additional_properties = d
        return receipt_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
