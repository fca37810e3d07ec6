from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FillOut")


@_attrs_define
class FillOut:
    """What a venue traded for us; prices and quantities are the venue's own decimals."""

    booked_at: str
    fee: str
    fee_asset: str
    market: str
    price: str
    quantity: str
    quote_quantity: str
    trade_id: str
    venue: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        booked_at = self.booked_at

        fee = self.fee

        fee_asset = self.fee_asset

        market = self.market

        price = self.price

        quantity = self.quantity

        quote_quantity = self.quote_quantity

        trade_id = self.trade_id

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "booked_at": booked_at,
                "fee": fee,
                "fee_asset": fee_asset,
                "market": market,
                "price": price,
                "quantity": quantity,
                "quote_quantity": quote_quantity,
                "trade_id": trade_id,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        booked_at = d.pop("booked_at")

        fee = d.pop("fee")

        fee_asset = d.pop("fee_asset")

        market = d.pop("market")

        price = d.pop("price")

        quantity = d.pop("quantity")

        quote_quantity = d.pop("quote_quantity")

        trade_id = d.pop("trade_id")

        venue = d.pop("venue")

        fill_out = cls(
            booked_at=booked_at,
            fee=fee,
            fee_asset=fee_asset,
            market=market,
            price=price,
            quantity=quantity,
            quote_quantity=quote_quantity,
            trade_id=trade_id,
            venue=venue,
        )

        fill_out.additional_properties = d
        return fill_out

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
