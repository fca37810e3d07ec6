from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.order_out_side import OrderOutSide, check_order_out_side

T = TypeVar("T", bound="OrderOut")


@_attrs_define
class OrderOut:
    """Our hedge on a venue. It runs beside the conversion and never changes what was agreed."""

    filled: str
    id: UUID
    limit_price: None | str
    market: str
    quantity: None | str
    reason: None | str
    side: OrderOutSide
    state: str
    venue: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        filled = self.filled

        id = str(self.id)

        limit_price: None | str
        limit_price = self.limit_price

        market = self.market

        quantity: None | str
        quantity = self.quantity

        reason: None | str
        reason = self.reason

        side: str = self.side

        state = self.state

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "filled": filled,
                "id": id,
                "limit_price": limit_price,
                "market": market,
                "quantity": quantity,
                "reason": reason,
                "side": side,
                "state": state,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        filled = d.pop("filled")

        id = UUID(d.pop("id"))

        def _parse_limit_price(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        limit_price = _parse_limit_price(d.pop("limit_price"))

        market = d.pop("market")

        def _parse_quantity(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        quantity = _parse_quantity(d.pop("quantity"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        side = check_order_out_side(d.pop("side"))

        state = d.pop("state")

        venue = d.pop("venue")

        order_out = cls(
            filled=filled,
            id=id,
            limit_price=limit_price,
            market=market,
            quantity=quantity,
            reason=reason,
            side=side,
            state=state,
            venue=venue,
        )

        order_out.additional_properties = d
        return order_out

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
