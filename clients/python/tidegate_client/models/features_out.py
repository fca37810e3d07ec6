from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FeaturesOut")


@_attrs_define
class FeaturesOut:
    """What customers may begin; the API refuses what is off."""

    conversions: bool
    registration: bool
    transfers: bool
    webhooks: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        conversions = self.conversions

        registration = self.registration

        transfers = self.transfers

        webhooks = self.webhooks

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "conversions": conversions,
                "registration": registration,
                "transfers": transfers,
                "webhooks": webhooks,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        conversions = d.pop("conversions")

        registration = d.pop("registration")

        transfers = d.pop("transfers")

        webhooks = d.pop("webhooks")

        features_out = cls(
            conversions=conversions,
            registration=registration,
            transfers=transfers,
            webhooks=webhooks,
        )

        features_out.additional_properties = d
        return features_out

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
