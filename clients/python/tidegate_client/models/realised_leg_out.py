from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut


T = TypeVar("T", bound="RealisedLegOut")


@_attrs_define
class RealisedLegOut:
    """One exchange of the route as it was traded. Prices: `to_asset` per 1 `from_asset`, null where nothing was traded."""

    carried: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    from_asset: str
    price: None | str
    """ Average of the fills, before venue fees """
    price_after_fees: None | str
    """ null also where a fee was taken in a third asset """
    to_asset: str
    traded: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        carried = self.carried.to_dict()

        from_asset = self.from_asset

        price: None | str
        price = self.price

        price_after_fees: None | str
        price_after_fees = self.price_after_fees

        to_asset = self.to_asset

        traded = self.traded.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "carried": carried,
                "from_asset": from_asset,
                "price": price,
                "price_after_fees": price_after_fees,
                "to_asset": to_asset,
                "traded": traded,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415

        d = dict(src_dict)
        carried = AmountOut.from_dict(d.pop("carried"))

        from_asset = d.pop("from_asset")

        def _parse_price(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        price = _parse_price(d.pop("price"))

        def _parse_price_after_fees(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        price_after_fees = _parse_price_after_fees(d.pop("price_after_fees"))

        to_asset = d.pop("to_asset")

        traded = AmountOut.from_dict(d.pop("traded"))

        realised_leg_out = cls(
            carried=carried,
            from_asset=from_asset,
            price=price,
            price_after_fees=price_after_fees,
            to_asset=to_asset,
            traded=traded,
        )

        realised_leg_out.additional_properties = d
        return realised_leg_out

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
