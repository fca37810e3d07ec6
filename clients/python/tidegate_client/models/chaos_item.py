from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ChaosItem")


@_attrs_define
class ChaosItem:
    fault: str
    networks: list[str]
    """ Where it is on, for faults of one network """
    on: bool
    venues: list[str]
    """ Where it is on, for faults of one exchange """
    what: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        fault = self.fault

        networks = self.networks

        on = self.on

        venues = self.venues

        what = self.what

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "fault": fault,
                "networks": networks,
                "on": on,
                "venues": venues,
                "what": what,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        fault = d.pop("fault")

        networks = cast(list[str], d.pop("networks"))

        on = d.pop("on")

        venues = cast(list[str], d.pop("venues"))

        what = d.pop("what")

        chaos_item = cls(
            fault=fault,
            networks=networks,
            on=on,
            venues=venues,
            what=what,
        )

        chaos_item.additional_properties = d
        return chaos_item

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
