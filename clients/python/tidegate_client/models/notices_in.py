from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="NoticesIn")


@_attrs_define
class NoticesIn:
    conversions: bool | None | Unset = UNSET
    deposits: bool | None | Unset = UNSET
    sign_ins: bool | None | Unset = UNSET
    withdrawals: bool | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        conversions: bool | None | Unset
        if isinstance(self.conversions, Unset):
            conversions = UNSET
        else:
            conversions = self.conversions

        deposits: bool | None | Unset
        if isinstance(self.deposits, Unset):
            deposits = UNSET
        else:
            deposits = self.deposits

        sign_ins: bool | None | Unset
        if isinstance(self.sign_ins, Unset):
            sign_ins = UNSET
        else:
            sign_ins = self.sign_ins

        withdrawals: bool | None | Unset
        if isinstance(self.withdrawals, Unset):
            withdrawals = UNSET
        else:
            withdrawals = self.withdrawals

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if conversions is not UNSET:
            field_dict["conversions"] = conversions
        if deposits is not UNSET:
            field_dict["deposits"] = deposits
        if sign_ins is not UNSET:
            field_dict["sign_ins"] = sign_ins
        if withdrawals is not UNSET:
            field_dict["withdrawals"] = withdrawals

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_conversions(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        conversions = _parse_conversions(d.pop("conversions", UNSET))

        def _parse_deposits(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        deposits = _parse_deposits(d.pop("deposits", UNSET))

        def _parse_sign_ins(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        sign_ins = _parse_sign_ins(d.pop("sign_ins", UNSET))

        def _parse_withdrawals(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        withdrawals = _parse_withdrawals(d.pop("withdrawals", UNSET))

        notices_in = cls(
            conversions=conversions,
            deposits=deposits,
            sign_ins=sign_ins,
            withdrawals=withdrawals,
        )

        return notices_in
