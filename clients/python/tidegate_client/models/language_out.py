from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.language_out_direction import LanguageOutDirection, check_language_out_direction

T = TypeVar("T", bound="LanguageOut")


@_attrs_define
class LanguageOut:
    direction: LanguageOutDirection
    format_: str
    """ BCP 47, by which dates and numbers are written """
    name: None | str
    """ null: the browser knows what it is called """
    tag: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        direction: str = self.direction

        format_ = self.format_

        name: None | str
        name = self.name

        tag = self.tag

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "direction": direction,
                "format": format_,
                "name": name,
                "tag": tag,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        direction = check_language_out_direction(d.pop("direction"))

        format_ = d.pop("format")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        tag = d.pop("tag")

        language_out = cls(
            direction=direction,
            format_=format_,
            name=name,
            tag=tag,
        )

        language_out.additional_properties = d
        return language_out

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
