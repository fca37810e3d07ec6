from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="TokensOut")


@_attrs_define
class TokensOut:
    """What the brand decides in one scheme; every pair of it and what it stands on can be read (WCAG 2 AA)."""

    deep: str
    deep_hover: str
    link: str
    on_deep: str
    water1: str
    water2: str
    water3: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        deep = self.deep

        deep_hover = self.deep_hover

        link = self.link

        on_deep = self.on_deep

        water1 = self.water1

        water2 = self.water2

        water3 = self.water3

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "deep": deep,
                "deep_hover": deep_hover,
                "link": link,
                "on_deep": on_deep,
                "water1": water1,
                "water2": water2,
                "water3": water3,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        deep = d.pop("deep")

        deep_hover = d.pop("deep_hover")

        link = d.pop("link")

        on_deep = d.pop("on_deep")

        water1 = d.pop("water1")

        water2 = d.pop("water2")

        water3 = d.pop("water3")

        tokens_out = cls(
            deep=deep,
            deep_hover=deep_hover,
            link=link,
            on_deep=on_deep,
            water1=water1,
            water2=water2,
            water3=water3,
        )

        tokens_out.additional_properties = d
        return tokens_out

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
