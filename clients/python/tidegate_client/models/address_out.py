from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="AddressOut")


@_attrs_define
class AddressOut:
    """An address of ours that credits you, for ever. `uri` is what a QR code holds (BIP21, EIP-681)."""

    address: str
    asset: str
    created_at: str
    id: UUID
    network: str
    uri: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        asset = self.asset

        created_at = self.created_at

        id = str(self.id)

        network = self.network

        uri = self.uri

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "asset": asset,
                "created_at": created_at,
                "id": id,
                "network": network,
                "uri": uri,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        asset = d.pop("asset")

        created_at = d.pop("created_at")

        id = UUID(d.pop("id"))

        network = d.pop("network")

        uri = d.pop("uri")

        address_out = cls(
            address=address,
            asset=asset,
            created_at=created_at,
            id=id,
            network=network,
            uri=uri,
        )

        address_out.additional_properties = d
        return address_out

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
