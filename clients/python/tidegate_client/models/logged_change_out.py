from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.waiting import Waiting


T = TypeVar("T", bound="LoggedChangeOut")


@_attrs_define
class LoggedChangeOut:
    at: str
    id: UUID
    kind: str
    sequence: int
    """ Gap-free within the account """
    standing: None | Waiting
    """ Of a withdrawal: where it stood at this version, word for word as it is told there """
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.waiting import Waiting  # noqa: PLC0415

        at = self.at

        id = str(self.id)

        kind = self.kind

        sequence = self.sequence

        standing: dict[str, Any] | None
        if isinstance(self.standing, Waiting):
            standing = self.standing.to_dict()
        else:
            standing = self.standing

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "id": id,
                "kind": kind,
                "sequence": sequence,
                "standing": standing,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.waiting import Waiting  # noqa: PLC0415

        d = dict(src_dict)
        at = d.pop("at")

        id = UUID(d.pop("id"))

        kind = d.pop("kind")

        sequence = d.pop("sequence")

        def _parse_standing(data: object) -> None | Waiting:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                standing_type_0 = Waiting.from_dict(data)

                return standing_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Waiting, data)

        standing = _parse_standing(d.pop("standing"))

        version = d.pop("version")

        logged_change_out = cls(
            at=at,
            id=id,
            kind=kind,
            sequence=sequence,
            standing=standing,
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
