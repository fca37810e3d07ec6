from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FreezableOut")


@_attrs_define
class FreezableOut:
    """The account that a freeze link is about."""

    email: str
    frozen_at: None | str
    used: bool
    """ The link has frozen it once; it does so no more """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        frozen_at: None | str
        frozen_at = self.frozen_at

        used = self.used

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "email": email,
                "frozen_at": frozen_at,
                "used": used,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        email = d.pop("email")

        def _parse_frozen_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        frozen_at = _parse_frozen_at(d.pop("frozen_at"))

        used = d.pop("used")

        freezable_out = cls(
            email=email,
            frozen_at=frozen_at,
            used=used,
        )

        freezable_out.additional_properties = d
        return freezable_out

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
