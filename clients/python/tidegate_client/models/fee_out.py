from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.fee_out_kind import FeeOutKind, check_fee_out_kind

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut


T = TypeVar("T", bound="FeeOut")


@_attrs_define
class FeeOut:
    """One line of the cost, always in `from_asset`."""

    amount: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    kind: FeeOutKind
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount.to_dict()

        kind: str = self.kind

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "kind": kind,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415

        d = dict(src_dict)
        amount = AmountOut.from_dict(d.pop("amount"))

        kind = check_fee_out_kind(d.pop("kind"))

        fee_out = cls(
            amount=amount,
            kind=kind,
        )

        fee_out.additional_properties = d
        return fee_out

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
