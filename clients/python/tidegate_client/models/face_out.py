from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.face_out_style import FaceOutStyle, check_face_out_style

T = TypeVar("T", bound="FaceOut")


@_attrs_define
class FaceOut:
    """One file of a family."""

    family: str
    style: FaceOutStyle
    url: str
    weight: str
    """ As in `font-weight` of a font face """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        family = self.family

        style: str = self.style

        url = self.url

        weight = self.weight

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "family": family,
                "style": style,
                "url": url,
                "weight": weight,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        family = d.pop("family")

        style = check_face_out_style(d.pop("style"))

        url = d.pop("url")

        weight = d.pop("weight")

        face_out = cls(
            family=family,
            style=style,
            url=url,
            weight=weight,
        )

        face_out.additional_properties = d
        return face_out

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
