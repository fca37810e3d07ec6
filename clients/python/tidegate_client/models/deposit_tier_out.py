from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deposit_tier_out_finality_type_0 import (
    DepositTierOutFinalityType0,
    check_deposit_tier_out_finality_type_0,
)

T = TypeVar("T", bound="DepositTierOut")


@_attrs_define
class DepositTierOut:
    """Deposits of at least `from_amount` wait longer than `confirmations_required`."""

    confirmations_required: int
    finality: DepositTierOutFinalityType0 | None
    from_amount: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        confirmations_required = self.confirmations_required

        finality: None | str
        if isinstance(self.finality, str):
            finality = self.finality
        else:
            finality = self.finality

        from_amount = self.from_amount

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "confirmations_required": confirmations_required,
                "finality": finality,
                "from_amount": from_amount,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        confirmations_required = d.pop("confirmations_required")

        def _parse_finality(data: object) -> DepositTierOutFinalityType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finality_type_0 = check_deposit_tier_out_finality_type_0(data)

                return finality_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DepositTierOutFinalityType0 | None, data)

        finality = _parse_finality(d.pop("finality"))

        from_amount = d.pop("from_amount")

        deposit_tier_out = cls(
            confirmations_required=confirmations_required,
            finality=finality,
            from_amount=from_amount,
        )

        deposit_tier_out.additional_properties = d
        return deposit_tier_out

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
