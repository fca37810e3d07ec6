from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="NoticesOut")


@_attrs_define
class NoticesOut:
    """What the account wants to be told about; security notices are always sent."""

    conversions: bool = True
    deposits: bool = True
    sign_ins: bool = True
    withdrawals: bool = True
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        conversions = self.conversions

        deposits = self.deposits

        sign_ins = self.sign_ins

        withdrawals = self.withdrawals

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "conversions": conversions,
                "deposits": deposits,
                "sign_ins": sign_ins,
                "withdrawals": withdrawals,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        conversions = d.pop("conversions")

        deposits = d.pop("deposits")

        sign_ins = d.pop("sign_ins")

        withdrawals = d.pop("withdrawals")

        notices_out = cls(
            conversions=conversions,
            deposits=deposits,
            sign_ins=sign_ins,
            withdrawals=withdrawals,
        )

        notices_out.additional_properties = d
        return notices_out

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
