from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="WalletOut")


@_attrs_define
class WalletOut:
    """What the books say of one asset on one network. `payable` is what can leave for payouts now."""

    asset: str
    cap: None | str
    cold: str
    deposits: str
    """ At customers' deposit addresses """
    floor: None | str
    hot: str
    network: str
    payable: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset = self.asset

        cap: None | str
        cap = self.cap

        cold = self.cold

        deposits = self.deposits

        floor: None | str
        floor = self.floor

        hot = self.hot

        network = self.network

        payable = self.payable

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset": asset,
                "cap": cap,
                "cold": cold,
                "deposits": deposits,
                "floor": floor,
                "hot": hot,
                "network": network,
                "payable": payable,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        asset = d.pop("asset")

        def _parse_cap(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        cap = _parse_cap(d.pop("cap"))

        cold = d.pop("cold")

        deposits = d.pop("deposits")

        def _parse_floor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        floor = _parse_floor(d.pop("floor"))

        hot = d.pop("hot")

        network = d.pop("network")

        payable = d.pop("payable")

        wallet_out = cls(
            asset=asset,
            cap=cap,
            cold=cold,
            deposits=deposits,
            floor=floor,
            hot=hot,
            network=network,
            payable=payable,
        )

        wallet_out.additional_properties = d
        return wallet_out

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
