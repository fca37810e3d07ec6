from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="ConfirmIn")


@_attrs_define
class ConfirmIn:
    """The second factor that says: this address is mine to pay."""

    code: str
    method: Literal["totp"]

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        method = self.method

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "code": code,
                "method": method,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        method = cast(Literal["totp"], d.pop("method"))
        if method != "totp":
            raise ValueError(f"method must match const 'totp', got '{method}'")

        confirm_in = cls(
            code=code,
            method=method,
        )

        return confirm_in
