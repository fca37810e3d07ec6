from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="BeneficiaryIn")


@_attrs_define
class BeneficiaryIn:
    address: str
    asset: str
    label: str
    network: str

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        asset = self.asset

        label = self.label

        network = self.network

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "address": address,
                "asset": asset,
                "label": label,
                "network": network,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        asset = d.pop("asset")

        label = d.pop("label")

        network = d.pop("network")

        beneficiary_in = cls(
            address=address,
            asset=asset,
            label=label,
            network=network,
        )

        return beneficiary_in
