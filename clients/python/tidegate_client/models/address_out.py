from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="AddressOut")


@_attrs_define
class AddressOut:
    """An address of ours that credits you, for ever. `uri` is what a QR code holds (BIP21, EIP-681). `deposits` counts
    what has come to it in this asset.

    """

    address: str
    asset: str
    created_at: str
    deposits: int
    first_deposit_at: None | str
    id: UUID
    last_deposit_at: None | str
    network: str
    uri: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        asset = self.asset

        created_at = self.created_at

        deposits = self.deposits

        first_deposit_at: None | str
        first_deposit_at = self.first_deposit_at

        id = str(self.id)

        last_deposit_at: None | str
        last_deposit_at = self.last_deposit_at

        network = self.network

        uri = self.uri

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "asset": asset,
                "created_at": created_at,
                "deposits": deposits,
                "first_deposit_at": first_deposit_at,
                "id": id,
                "last_deposit_at": last_deposit_at,
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

        deposits = d.pop("deposits")

        def _parse_first_deposit_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        first_deposit_at = _parse_first_deposit_at(d.pop("first_deposit_at"))

        id = UUID(d.pop("id"))

        def _parse_last_deposit_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_deposit_at = _parse_last_deposit_at(d.pop("last_deposit_at"))

        network = d.pop("network")

        uri = d.pop("uri")

        address_out = cls(
            address=address,
            asset=asset,
            created_at=created_at,
            deposits=deposits,
            first_deposit_at=first_deposit_at,
            id=id,
            last_deposit_at=last_deposit_at,
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
