from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ListedNetworkOut")


@_attrs_define
class ListedNetworkOut:
    explorer_tx_url: None | str
    """ https, with `{txid}` where the id goes """
    name: str
    network: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        explorer_tx_url: None | str
        explorer_tx_url = self.explorer_tx_url

        name = self.name

        network = self.network

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "explorer_tx_url": explorer_tx_url,
                "name": name,
                "network": network,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_explorer_tx_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        explorer_tx_url = _parse_explorer_tx_url(d.pop("explorer_tx_url"))

        name = d.pop("name")

        network = d.pop("network")

        listed_network_out = cls(
            explorer_tx_url=explorer_tx_url,
            name=name,
            network=network,
        )

        listed_network_out.additional_properties = d
        return listed_network_out

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
