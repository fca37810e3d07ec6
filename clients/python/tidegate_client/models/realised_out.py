from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.realised_leg_out import RealisedLegOut


T = TypeVar("T", bound="RealisedOut")


@_attrs_define
class RealisedOut:
    """What the orders came to. Prices: `to_asset` per 1 `from_asset`, over all legs; null where a leg was not traded.

    The shares have a sign and are rounded down to a millionth: `0.0002` is 0.02 % more for each `from_asset` than what
    it is
    held against, `-0.0002` is 0.02 % less. It is the house's result; what was agreed does not change by it.

    """

    against_best_single: None | str
    """ `price_after_fees` against `best_single` """
    against_mid: None | str
    """ `price` against the mid at the decision: spread and depth of the books """
    against_quoted: None | str
    """ `price` against the conversion's `rate`; both before fees """
    at: str
    """ When the last order was done """
    best_single: None | str
    """ After fees, what the best single venue offered for the whole size; null when none could take it """
    legs: list[RealisedLegOut]
    price: None | str
    """ Average of the fills, before venue fees """
    price_after_fees: None | str
    """ null also where a fee was taken in a third asset """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        against_best_single: None | str
        against_best_single = self.against_best_single

        against_mid: None | str
        against_mid = self.against_mid

        against_quoted: None | str
        against_quoted = self.against_quoted

        at = self.at

        best_single: None | str
        best_single = self.best_single

        legs = []
        for legs_item_data in self.legs:
            legs_item = legs_item_data.to_dict()
            legs.append(legs_item)

        price: None | str
        price = self.price

        price_after_fees: None | str
        price_after_fees = self.price_after_fees

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "against_best_single": against_best_single,
                "against_mid": against_mid,
                "against_quoted": against_quoted,
                "at": at,
                "best_single": best_single,
                "legs": legs,
                "price": price,
                "price_after_fees": price_after_fees,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.realised_leg_out import RealisedLegOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_against_best_single(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        against_best_single = _parse_against_best_single(d.pop("against_best_single"))

        def _parse_against_mid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        against_mid = _parse_against_mid(d.pop("against_mid"))

        def _parse_against_quoted(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        against_quoted = _parse_against_quoted(d.pop("against_quoted"))

        at = d.pop("at")

        def _parse_best_single(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        best_single = _parse_best_single(d.pop("best_single"))

        legs = []
        _legs = d.pop("legs")
        for legs_item_data in _legs:
            legs_item = RealisedLegOut.from_dict(legs_item_data)

            legs.append(legs_item)

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

        realised_out = cls(
            against_best_single=against_best_single,
            against_mid=against_mid,
            against_quoted=against_quoted,
            at=at,
            best_single=best_single,
            legs=legs,
            price=price,
            price_after_fees=price_after_fees,
        )

        realised_out.additional_properties = d
        return realised_out

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
