from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="FaucetIn")


@_attrs_define
class FaucetIn:
    address: str
    amount: str
    asset: str
    network: str

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        amount = self.amount

        asset = self.asset

        network = self.network

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "address": address,
                "amount": amount,
                "asset": asset,
                "network": network,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        amount = d.pop("amount")

        asset = d.pop("asset")

        network = d.pop("network")

        faucet_in = cls(
            address=address,
            amount=amount,
            asset=asset,
            network=network,
        )

        return faucet_in
