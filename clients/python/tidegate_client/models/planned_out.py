from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.planned_out_side import PlannedOutSide, check_planned_out_side

T = TypeVar("T", bound="PlannedOut")


@_attrs_define
class PlannedOut:
    """What was to be ordered at a venue; `value` and `fee` in the market's quote asset, as its book said."""

    fee: str
    limit_price: str
    quantity: str
    side: PlannedOutSide
    symbol: str
    value: str
    venue: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        fee = self.fee

        limit_price = self.limit_price

        quantity = self.quantity

        side: str = self.side

        symbol = self.symbol

        value = self.value

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "fee": fee,
                "limit_price": limit_price,
                "quantity": quantity,
                "side": side,
                "symbol": symbol,
                "value": value,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        fee = d.pop("fee")

        limit_price = d.pop("limit_price")

        quantity = d.pop("quantity")

        side = check_planned_out_side(d.pop("side"))

        symbol = d.pop("symbol")

        value = d.pop("value")

        venue = d.pop("venue")

        planned_out = cls(
            fee=fee,
            limit_price=limit_price,
            quantity=quantity,
            side=side,
            symbol=symbol,
            value=value,
            venue=venue,
        )

        planned_out.additional_properties = d
        return planned_out

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
