from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="AddressIn")


@_attrs_define
class AddressIn:
    asset: str
    network: str

    def to_dict(self) -> dict[str, Any]:
        asset = self.asset

        network = self.network

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "asset": asset,
                "network": network,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        asset = d.pop("asset")

        network = d.pop("network")

        address_in = cls(
            asset=asset,
            network=network,
        )

        return address_in
