from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="TransferIntentOut")


@_attrs_define
class TransferIntentOut:
    """What the second factor confirms, field by field; `digest` is SHA-256 of its canonical form. `units` are base units."""

    asset: str
    created_at: str
    to: str
    transfer_id: str
    units: str
    user_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset = self.asset

        created_at = self.created_at

        to = self.to

        transfer_id = self.transfer_id

        units = self.units

        user_id = self.user_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset": asset,
                "created_at": created_at,
                "to": to,
                "transfer_id": transfer_id,
                "units": units,
                "user_id": user_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        asset = d.pop("asset")

        created_at = d.pop("created_at")

        to = d.pop("to")

        transfer_id = d.pop("transfer_id")

        units = d.pop("units")

        user_id = d.pop("user_id")

        transfer_intent_out = cls(
            asset=asset,
            created_at=created_at,
            to=to,
            transfer_id=transfer_id,
            units=units,
            user_id=user_id,
        )

        transfer_intent_out.additional_properties = d
        return transfer_intent_out

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
