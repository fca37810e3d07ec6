from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.alternative_out import AlternativeOut
    from ..models.amount_out import AmountOut
    from ..models.planned_out import PlannedOut


T = TypeVar("T", bound="RoutedOut")


@_attrs_define
class RoutedOut:
    """One exchange of the route. `given` rounded up and `got` down to a unit, venue fees included."""

    alternatives: list[AlternativeOut]
    carried: str
    """ Of the market's base asset, ordered nowhere: below a lot or below every least order """
    given: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    got: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    orders: list[PlannedOut]
    rate: str
    """ What the books say before fees, in the direction of the exchange """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        alternatives = []
        for alternatives_item_data in self.alternatives:
            alternatives_item = alternatives_item_data.to_dict()
            alternatives.append(alternatives_item)

        carried = self.carried

        given = self.given.to_dict()

        got = self.got.to_dict()

        orders = []
        for orders_item_data in self.orders:
            orders_item = orders_item_data.to_dict()
            orders.append(orders_item)

        rate = self.rate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "alternatives": alternatives,
                "carried": carried,
                "given": given,
                "got": got,
                "orders": orders,
                "rate": rate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.alternative_out import AlternativeOut  # noqa: PLC0415
        from ..models.amount_out import AmountOut  # noqa: PLC0415
        from ..models.planned_out import PlannedOut  # noqa: PLC0415

        d = dict(src_dict)
        alternatives = []
        _alternatives = d.pop("alternatives")
        for alternatives_item_data in _alternatives:
            alternatives_item = AlternativeOut.from_dict(alternatives_item_data)

            alternatives.append(alternatives_item)

        carried = d.pop("carried")

        given = AmountOut.from_dict(d.pop("given"))

        got = AmountOut.from_dict(d.pop("got"))

        orders = []
        _orders = d.pop("orders")
        for orders_item_data in _orders:
            orders_item = PlannedOut.from_dict(orders_item_data)

            orders.append(orders_item)

        rate = d.pop("rate")

        routed_out = cls(
            alternatives=alternatives,
            carried=carried,
            given=given,
            got=got,
            orders=orders,
            rate=rate,
        )

        routed_out.additional_properties = d
        return routed_out

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
