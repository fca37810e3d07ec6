from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="IntentOut")


@_attrs_define
class IntentOut:
    """What the second factor confirms: the stored intent, field by field. `digest` is SHA-256 of its canonical form."""

    address: str
    asset: str
    created_at: str
    debit_asset: str
    debit_units: str
    deliver_units: str
    max_network_fee_units: str
    network: str
    payout_id: str
    user_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        asset = self.asset

        created_at = self.created_at

        debit_asset = self.debit_asset

        debit_units = self.debit_units

        deliver_units = self.deliver_units

        max_network_fee_units = self.max_network_fee_units

        network = self.network

        payout_id = self.payout_id

        user_id = self.user_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "asset": asset,
                "created_at": created_at,
                "debit_asset": debit_asset,
                "debit_units": debit_units,
                "deliver_units": deliver_units,
                "max_network_fee_units": max_network_fee_units,
                "network": network,
                "payout_id": payout_id,
                "user_id": user_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        asset = d.pop("asset")

        created_at = d.pop("created_at")

        debit_asset = d.pop("debit_asset")

        debit_units = d.pop("debit_units")

        deliver_units = d.pop("deliver_units")

        max_network_fee_units = d.pop("max_network_fee_units")

        network = d.pop("network")

        payout_id = d.pop("payout_id")

        user_id = d.pop("user_id")

        intent_out = cls(
            address=address,
            asset=asset,
            created_at=created_at,
            debit_asset=debit_asset,
            debit_units=debit_units,
            deliver_units=deliver_units,
            max_network_fee_units=max_network_fee_units,
            network=network,
            payout_id=payout_id,
            user_id=user_id,
        )

        intent_out.additional_properties = d
        return intent_out

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
