from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.hold_out_reason import HoldOutReason, check_hold_out_reason

T = TypeVar("T", bound="HoldOut")


@_attrs_define
class HoldOut:
    """Why withdrawals of this account wait, and until when (null: until somebody lifts it)."""

    reason: HoldOutReason
    since: str
    until: None | str
    yours: bool
    """ You can lift it, with your second factor: POST /auth/unfreeze """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        reason: str = self.reason

        since = self.since

        until: None | str
        until = self.until

        yours = self.yours

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "reason": reason,
                "since": since,
                "until": until,
                "yours": yours,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        reason = check_hold_out_reason(d.pop("reason"))

        since = d.pop("since")

        def _parse_until(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        until = _parse_until(d.pop("until"))

        yours = d.pop("yours")

        hold_out = cls(
            reason=reason,
            since=since,
            until=until,
            yours=yours,
        )

        hold_out.additional_properties = d
        return hold_out

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
