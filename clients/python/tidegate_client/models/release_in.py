from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ReleaseIn")


@_attrs_define
class ReleaseIn:
    reason: str
    force: bool | Unset = False
    """ Although something still differs, or could not be asked """

    def to_dict(self) -> dict[str, Any]:
        reason = self.reason

        force = self.force

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "reason": reason,
            }
        )
        if force is not UNSET:
            field_dict["force"] = force

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        reason = d.pop("reason")

        force = d.pop("force", UNSET)

        release_in = cls(
            reason=reason,
            force=force,
        )

        return release_in
