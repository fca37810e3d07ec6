from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.twin_out_source import TwinOutSource, check_twin_out_source

T = TypeVar("T", bound="TwinOut")


@_attrs_define
class TwinOut:
    """The address you may have meant: `saved` by you, `paid` by you, or your `own` deposit address; `at` says since when."""

    address: str
    at: str
    label: None | str
    network: str
    source: TwinOutSource
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        at = self.at

        label: None | str
        label = self.label

        network = self.network

        source: str = self.source

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "at": at,
                "label": label,
                "network": network,
                "source": source,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        at = d.pop("at")

        def _parse_label(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        label = _parse_label(d.pop("label"))

        network = d.pop("network")

        source = check_twin_out_source(d.pop("source"))

        twin_out = cls(
            address=address,
            at=at,
            label=label,
            network=network,
            source=source,
        )

        twin_out.additional_properties = d
        return twin_out

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
