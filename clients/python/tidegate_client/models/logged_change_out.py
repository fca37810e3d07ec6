from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="LoggedChangeOut")


@_attrs_define
class LoggedChangeOut:
    at: str
    id: UUID
    kind: str
    sequence: int
    """ Gap-free within the account """
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at

        id = str(self.id)

        kind = self.kind

        sequence = self.sequence

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "id": id,
                "kind": kind,
                "sequence": sequence,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        at = d.pop("at")

        id = UUID(d.pop("id"))

        kind = d.pop("kind")

        sequence = d.pop("sequence")

        version = d.pop("version")

        logged_change_out = cls(
            at=at,
            id=id,
            kind=kind,
            sequence=sequence,
            version=version,
        )

        logged_change_out.additional_properties = d
        return logged_change_out

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
