from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BrandOut")


@_attrs_define
class BrandOut:
    icon: None | str
    logo_dark: None | str
    logo_light: None | str
    name: str
    stylesheet: None | str
    """ Put after everything else, on pages where nothing is decided """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        icon: None | str
        icon = self.icon

        logo_dark: None | str
        logo_dark = self.logo_dark

        logo_light: None | str
        logo_light = self.logo_light

        name = self.name

        stylesheet: None | str
        stylesheet = self.stylesheet

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "icon": icon,
                "logo_dark": logo_dark,
                "logo_light": logo_light,
                "name": name,
                "stylesheet": stylesheet,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_icon(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        icon = _parse_icon(d.pop("icon"))

        def _parse_logo_dark(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        logo_dark = _parse_logo_dark(d.pop("logo_dark"))

        def _parse_logo_light(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        logo_light = _parse_logo_light(d.pop("logo_light"))

        name = d.pop("name")

        def _parse_stylesheet(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        stylesheet = _parse_stylesheet(d.pop("stylesheet"))

        brand_out = cls(
            icon=icon,
            logo_dark=logo_dark,
            logo_light=logo_light,
            name=name,
            stylesheet=stylesheet,
        )

        brand_out.additional_properties = d
        return brand_out

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
