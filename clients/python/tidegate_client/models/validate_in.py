from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ValidateIn")


@_attrs_define
class ValidateIn:
    """`address`: an address as it stands, or a BIP21 or EIP-681 URI."""

    address: str
    asset: str
    network: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        asset = self.asset

        network: None | str | Unset
        if isinstance(self.network, Unset):
            network = UNSET
        else:
            network = self.network

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "address": address,
                "asset": asset,
            }
        )
        if network is not UNSET:
            field_dict["network"] = network

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        asset = d.pop("asset")

        def _parse_network(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        network = _parse_network(d.pop("network", UNSET))

        validate_in = cls(
            address=address,
            asset=asset,
            network=network,
        )

        return validate_in
