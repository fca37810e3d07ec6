from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="PolicyOut")


@_attrs_define
class PolicyOut:
    """Rules that the page says beforehand."""

    email_hold_seconds: int
    """ How long nothing leaves after the e-mail address changed """
    new_address_cooldown_seconds: int
    password_least: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        email_hold_seconds = self.email_hold_seconds

        new_address_cooldown_seconds = self.new_address_cooldown_seconds

        password_least = self.password_least

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "email_hold_seconds": email_hold_seconds,
                "new_address_cooldown_seconds": new_address_cooldown_seconds,
                "password_least": password_least,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        email_hold_seconds = d.pop("email_hold_seconds")

        new_address_cooldown_seconds = d.pop("new_address_cooldown_seconds")

        password_least = d.pop("password_least")

        policy_out = cls(
            email_hold_seconds=email_hold_seconds,
            new_address_cooldown_seconds=new_address_cooldown_seconds,
            password_least=password_least,
        )

        policy_out.additional_properties = d
        return policy_out

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
