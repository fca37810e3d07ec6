from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut
    from ..models.estimate_out import EstimateOut


T = TypeVar("T", bound="TotalCostOut")


@_attrs_define
class TotalCostOut:
    amount: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    estimate: EstimateOut | None
    share: str
    """ Of the debit, a decimal string: 0.0031 is 0.31 % """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.estimate_out import EstimateOut  # noqa: PLC0415

        amount = self.amount.to_dict()

        estimate: dict[str, Any] | None
        if isinstance(self.estimate, EstimateOut):
            estimate = self.estimate.to_dict()
        else:
            estimate = self.estimate

        share = self.share

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "estimate": estimate,
                "share": share,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415
        from ..models.estimate_out import EstimateOut  # noqa: PLC0415

        d = dict(src_dict)
        amount = AmountOut.from_dict(d.pop("amount"))

        def _parse_estimate(data: object) -> EstimateOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                estimate_type_0 = EstimateOut.from_dict(data)

                return estimate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EstimateOut | None, data)

        estimate = _parse_estimate(d.pop("estimate"))

        share = d.pop("share")

        total_cost_out = cls(
            amount=amount,
            estimate=estimate,
            share=share,
        )

        total_cost_out.additional_properties = d
        return total_cost_out

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
