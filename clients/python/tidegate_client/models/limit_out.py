from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LimitOut")


@_attrs_define
class LimitOut:
    """A limit that this quote counts against. `left` in `currency`, null when there is no such cap."""

    left: None | str
    name: str
    resets_at: None | str
    currency: str = "USD"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        currency = self.currency

        left: None | str
        left = self.left

        name = self.name

        resets_at: None | str
        resets_at = self.resets_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "currency": currency,
                "left": left,
                "name": name,
                "resets_at": resets_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        currency = d.pop("currency")

        def _parse_left(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        left = _parse_left(d.pop("left"))

        name = d.pop("name")

        def _parse_resets_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        resets_at = _parse_resets_at(d.pop("resets_at"))

        limit_out = cls(
            currency=currency,
            left=left,
            name=name,
            resets_at=resets_at,
        )

        limit_out.additional_properties = d
        return limit_out

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
