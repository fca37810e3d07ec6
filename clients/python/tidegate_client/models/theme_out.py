from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.face_out import FaceOut
    from ..models.tokens_out import TokensOut


T = TypeVar("T", bound="ThemeOut")


@_attrs_define
class ThemeOut:
    dark: TokensOut
    """ What the brand decides in one scheme; every pair of it and what it stands on can be read (WCAG 2 AA). """
    face: None | str
    faces: list[FaceOut]
    heading_face: None | str
    light: TokensOut
    """ What the brand decides in one scheme; every pair of it and what it stands on can be read (WCAG 2 AA). """
    radius: int
    schema_version: int
    """ Of the tokens; it grows when they change their meaning """
    shades: list[str]
    """ From lightest to darkest """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dark = self.dark.to_dict()

        face: None | str
        face = self.face

        faces = []
        for faces_item_data in self.faces:
            faces_item = faces_item_data.to_dict()
            faces.append(faces_item)

        heading_face: None | str
        heading_face = self.heading_face

        light = self.light.to_dict()

        radius = self.radius

        schema_version = self.schema_version

        shades = self.shades

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dark": dark,
                "face": face,
                "faces": faces,
                "heading_face": heading_face,
                "light": light,
                "radius": radius,
                "schema_version": schema_version,
                "shades": shades,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.face_out import FaceOut  # noqa: PLC0415
        from ..models.tokens_out import TokensOut  # noqa: PLC0415

        d = dict(src_dict)
        dark = TokensOut.from_dict(d.pop("dark"))

        def _parse_face(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        face = _parse_face(d.pop("face"))

        faces = []
        _faces = d.pop("faces")
        for faces_item_data in _faces:
            faces_item = FaceOut.from_dict(faces_item_data)

            faces.append(faces_item)

        def _parse_heading_face(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        heading_face = _parse_heading_face(d.pop("heading_face"))

        light = TokensOut.from_dict(d.pop("light"))

        radius = d.pop("radius")

        schema_version = d.pop("schema_version")

        shades = cast(list[str], d.pop("shades"))

        theme_out = cls(
            dark=dark,
            face=face,
            faces=faces,
            heading_face=heading_face,
            light=light,
            radius=radius,
            schema_version=schema_version,
            shades=shades,
        )

        theme_out.additional_properties = d
        return theme_out

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
