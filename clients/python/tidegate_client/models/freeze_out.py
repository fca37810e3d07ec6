from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.freeze_out_cause import FreezeOutCause, check_freeze_out_cause

if TYPE_CHECKING:
    from ..models.freeze_out_found import FreezeOutFound


T = TypeVar("T", bound="FreezeOut")


@_attrs_define
class FreezeOut:
    """What the house itself stopped. It ends by its release alone, and is kept for ever."""

    asset: str
    """ `*`: everything """
    at: str
    cause: FreezeOutCause
    forced: bool | None
    """ Released while something still spoke against it """
    found: FreezeOutFound
    """ After a restore: what was signed since, and what is open of it """
    id: UUID
    looked_at: None | str
    place: str
    reason: str
    """ Which term, and by how much """
    release_reason: None | str
    released_at: None | str
    released_by: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset = self.asset

        at = self.at

        cause: str = self.cause

        forced: bool | None
        forced = self.forced

        found = self.found.to_dict()

        id = str(self.id)

        looked_at: None | str
        looked_at = self.looked_at

        place = self.place

        reason = self.reason

        release_reason: None | str
        release_reason = self.release_reason

        released_at: None | str
        released_at = self.released_at

        released_by: None | str
        released_by = self.released_by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset": asset,
                "at": at,
                "cause": cause,
                "forced": forced,
                "found": found,
                "id": id,
                "looked_at": looked_at,
                "place": place,
                "reason": reason,
                "release_reason": release_reason,
                "released_at": released_at,
                "released_by": released_by,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.freeze_out_found import FreezeOutFound  # noqa: PLC0415

        d = dict(src_dict)
        asset = d.pop("asset")

        at = d.pop("at")

        cause = check_freeze_out_cause(d.pop("cause"))

        def _parse_forced(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        forced = _parse_forced(d.pop("forced"))

        found = FreezeOutFound.from_dict(d.pop("found"))

        id = UUID(d.pop("id"))

        def _parse_looked_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        looked_at = _parse_looked_at(d.pop("looked_at"))

        place = d.pop("place")

        reason = d.pop("reason")

        def _parse_release_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        release_reason = _parse_release_reason(d.pop("release_reason"))

        def _parse_released_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        released_at = _parse_released_at(d.pop("released_at"))

        def _parse_released_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        released_by = _parse_released_by(d.pop("released_by"))

        freeze_out = cls(
            asset=asset,
            at=at,
            cause=cause,
            forced=forced,
            found=found,
            id=id,
            looked_at=looked_at,
            place=place,
            reason=reason,
            release_reason=release_reason,
            released_at=released_at,
            released_by=released_by,
        )

        freeze_out.additional_properties = d
        return freeze_out

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
