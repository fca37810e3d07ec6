from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RealisedOut")


@_attrs_define
class RealisedOut:
    """What became of it: average price of the fills in the conversion's direction, and how far from what was promised."""

    against_best_single: None | str
    against_mid: None | str
    against_quoted: str
    at: str
    price: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        against_best_single: None | str
        against_best_single = self.against_best_single

        against_mid: None | str
        against_mid = self.against_mid

        against_quoted = self.against_quoted

        at = self.at

        price = self.price

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "against_best_single": against_best_single,
                "against_mid": against_mid,
                "against_quoted": against_quoted,
                "at": at,
                "price": price,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
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

        against_quoted = d.pop("against_quoted")

        at = d.pop("at")

        price = d.pop("price")

        realised_out = cls(
            against_best_single=against_best_single,
            against_mid=against_mid,
            against_quoted=against_quoted,
            at=at,
            price=price,
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
